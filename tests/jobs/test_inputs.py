"""Media in and out: which inputs may be used, how they reach the backend, and what strangers' links may do."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from tests.conftest import PNG, House, Stranger, told, wired
from tests.conftest import text as text_of

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

CREATE = "POST /text-to-image/generate"
LOOK = "GET /text-to-image/status/job-1"
FILE = "GET /files/1.png"


async def edited(client: Client, picture: str, **said: Any) -> Any:
    """One picture made from another."""
    said = {"prompt": "brighter", "images": [picture], "model": "seedream-5.0", **said}
    return await client.call_tool("generate_image", said)


async def no(client: Client, picture: str, *words: str) -> None:
    """An input that is refused before there is any job."""
    result = await edited(client, picture)
    assert result.is_error, result
    assert result.structured_content is None
    for word in words:
        assert word in text_of(result)


def told_phaya(home: House, route: str = "seedream") -> list[dict[str, Any]]:
    """The bodies of the jobs that the sandbox has."""
    rows = home.box.app.box.jobs._store.rows("SELECT body FROM jobs WHERE service = ? ORDER BY created", route)
    return [json.loads(row["body"]) for row in rows]


@pytest.fixture
def home(house: MakeHouse, tmp_path: Path) -> House:
    """A house with a folder of inputs, one picture in it and one outside."""
    found = house()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "cat.png").write_bytes(PNG)
    (tmp_path / "secret.png").write_bytes(PNG)
    found.environ["CALLSHEET_INPUT_DIRS"] = str(tmp_path / "in")
    return found


# -- files ----------------------------------------------------------------------------------------------------------


async def test_a_file_is_uploaded_and_its_address_passed_on(home: House) -> None:
    async with home.client() as client:
        receipt = told(await edited(client, str(home.folder / "in" / "cat.png")))
    assert receipt["status"] == "completed"
    assert len(home.calls(route="media/upload")) == 1
    assert told_phaya(home)[0]["image_urls"][0].startswith("http://phaya.sandbox/storage/")


async def test_a_file_must_be_there_and_inside_the_folders_that_may_be_read(home: House) -> None:
    inside, outside = home.folder / "in", home.folder / "secret.png"
    (inside / "link.png").symlink_to(outside)
    (inside / "loop.png").symlink_to(inside / "loop.png")
    (inside / "folder").symlink_to(home.folder, target_is_directory=True)
    async with home.client() as client:
        await no(client, str(inside / "no.png"), "There is no file")
        await no(client, str(inside / "loop.png"), "There is no file")
        await no(client, str(inside), "not a file")
        for path in (outside, inside / "link.png", inside / "folder" / "secret.png", inside / ".." / "secret.png"):
            await no(client, str(path), "CALLSHEET_INPUT_DIRS")
        await no(client, "/etc/passwd", "CALLSHEET_INPUT_DIRS")
        await no(client, "file:///etc/passwd", "only http")
    assert home.calls(route="") == []


async def test_a_data_uri_is_uploaded_and_must_hold_a_medium(home: House) -> None:
    async with home.client() as client:
        good = await edited(client, f"data:image/png;base64,{base64.b64encode(PNG).decode()}")
        assert told(good)["status"] == "completed"
        await no(client, "data:image/png;base64,???", "base64")
        bad = told(await edited(client, f"data:image/png;base64,{base64.b64encode(b'no picture').decode()}"))
        assert (bad["status"], bad["credits"].get("charged", 0)) == ("failed", 0)
        assert "holds no image" in bad["error"]["message"]
    assert "data:" not in str(told_phaya(home))


async def test_a_changed_file_makes_another_job_of_the_same_call(home: House) -> None:
    path = home.folder / "in" / "cat.png"
    async with home.client() as client:
        first = told(await edited(client, str(path)))
        assert told(await edited(client, str(path)))["job_id"] == first["job_id"]
        path.write_bytes(PNG + b"more")
        assert told(await edited(client, str(path)))["job_id"] != first["job_id"]


# -- addresses ------------------------------------------------------------------------------------------------------

PRIVATE = (
    *(
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "０x7f.1",
        "127。0。0。1",
    ),
    *("localhost", "localhost.", "printer", "nas.local", "x.localhost", "metadata.google.internal"),
    *("10.0.0.8", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),  # noqa: S104
    *("[::1]", "[::ffff:127.0.0.1]", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"),
)


async def test_addresses_of_this_machine_and_this_network_are_never_passed_on(home: House) -> None:
    async with home.client() as client:
        for host in PRIVATE:
            await no(client, f"http://{host}/cat.png", "not a public address")
        await no(client, "http://user:word@example.org/cat.png", "no http")
        await no(client, "http:///cat.png", "no http")
        video = await client.call_tool("download_video", {"url": "http://169.254.169.254/latest/meta-data"})
        assert video.is_error
        assert "not a public address" in text_of(video)
    assert home.calls(route="") == []


async def test_a_public_address_is_passed_on_as_it_is(home: House) -> None:
    url = "https://pictures.example/cat.png?size=large"
    async with home.client() as client:
        quoted = await client.call_tool(
            "quote", {"operation": "image", "arguments": {"prompt": "x", "images": [url], "model": "seedream-5.0"}}
        )
        assert told(quoted)["credits"] == 1.5
        await edited(client, url, wait_s=0)
        with anyio.fail_after(20):
            while not told_phaya(home):
                await anyio.sleep(0.02)
    assert told_phaya(home)[0]["image_urls"] == [url]
    assert home.calls(route="media/upload") == []


# -- jobs -----------------------------------------------------------------------------------------------------------


async def test_an_input_may_be_a_job_still_working_or_one_of_its_files(house: MakeHouse) -> None:
    home = house(pace="looks", looks=3)
    async with home.client() as client:
        still = told(await client.call_tool("generate_image", {"prompt": "a cat", "model": "z-image", "wait_s": 0}))
        assert still["status"] == "working"
        clip = {"image": still["job_id"], "prompt": "purring", "model": "seedance-1.5-pro", "resolution": "480p"}
        film = told(await client.call_tool("generate_video", {**clip, "duration_seconds": 4}))
        assert film["status"] == "completed"
        again = told(await edited(client, f"media://{still['job_id']}/0"))
        assert again["status"] == "completed"
        await no(client, "j_" + "0" * 26, "There is no job")
        missing = told(await edited(client, f"media://{still['job_id']}/7"))
        assert (missing["status"], "no such file" in missing["error"]["message"]) == ("failed", True)
    order = [entry.route for entry in home.calls() if entry.route.endswith(("generate", "create"))]
    assert [route.split("/")[-2] for route in order] == ["text-to-image", "seedance-video", "seedream"]
    assert told_phaya(home, "seedance-video")[0]["input_urls"] == [again_url(home)]


def again_url(home: House) -> str:
    """The link that Phaya gave its first picture; its own results are passed back to it, not uploaded."""
    row = home.box.app.box.jobs._store.row("SELECT files FROM jobs WHERE service = 'text-to-image'")
    assert row
    return f"http://phaya.sandbox/storage/v1/object/public/sandbox/{json.loads(row['files'])[0]}"


async def test_a_job_whose_input_fails_is_never_sent(house: MakeHouse) -> None:
    home = house(pace="looks", looks=2)
    async with home.client() as client:
        still = told(
            await client.call_tool("generate_image", {"prompt": "a cat [fail]", "model": "z-image", "wait_s": 0})
        )
        receipt = told(await edited(client, still["job_id"]))
    assert receipt["status"] in ("failed", "cancelled")
    assert receipt["credits"].get("charged", 0) == 0
    assert "nothing was sent" in receipt["error"]["message"]
    assert home.calls(route="seedream") == []
    assert home.credits == 100


# -- hostile links --------------------------------------------------------------------------------------------------


async def paid(client: Client) -> dict[str, Any]:
    """A job that is paid for, as far as it goes in a moment."""
    return told(await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image", "wait_s": 0}))


async def stuck(client: Client, job_id: str, *words: str) -> dict[str, Any]:
    """A job that is paid, but not on disk: still working, and it says why."""
    with anyio.fail_after(20):
        while "error" not in (receipt := told(await client.call_tool("get_job", {"job_id": job_id}))):
            await anyio.sleep(0.02)
    assert receipt["status"] == "working"
    assert receipt["credits"]["charged"] == 1.0
    assert "media" not in receipt
    for word in words:
        assert word in receipt["error"]["message"]
    return receipt


LIES: dict[str, tuple[Any, str]] = {
    "a redirect into this network": (RedirectResponse("http://192.168.0.1/secret", 302), "not a public address"),
    "a redirect to this machine": (RedirectResponse("http://127.0.0.1:9/secret", 302), "not a public address"),
    "a redirect to a file": (RedirectResponse("file:///etc/passwd", 302), "no http"),
    "a circle": (RedirectResponse("/files/3.png", 302), "circle"),
    "a web page": (Response("<!doctype html><p>sign in</p>", media_type="image/png"), "a web page"),
    "nothing": (Response(b""), "nothing"),
    "an error": (Response(b"oops", 500), "500"),
    "noise": (Response(b"noise" * 100), "no media"),
}


async def test_a_link_that_lies_stores_nothing_keeps_the_job_and_is_asked_again(house: MakeHouse) -> None:
    phaya, home, jobs = Stranger({CREATE: [{"job_id": name, "credits_used": 1.0} for name in LIES]}), house(), {}
    for number, (name, (answer, _)) in enumerate(LIES.items()):
        link = f"/files/{number}.png"
        phaya.answers[f"GET {link}"] = answer
        phaya.answers[f"GET /text-to-image/status/{name}"] = {
            "status": "COMPLETED",
            "image_url": f"{phaya.origin}{link}",
        }
    async with home.client(phaya) as client:
        for name, (_, word) in LIES.items():
            said = {"prompt": name, "model": "z-image", "wait_s": 0}
            jobs[name] = told(await client.call_tool("generate_image", said))["job_id"]
            await stuck(client, jobs[name], word)
        for number, name in enumerate(LIES):
            phaya.answers[f"GET /files/{number}.png"] = Response(PNG, media_type="image/png")
            receipt = told(await client.call_tool("get_job", {"job_id": jobs[name], "wait_s": 20}))
            assert receipt["status"] == "completed", name
            assert Path(receipt["media"][0]["path"]).read_bytes() == PNG
            assert "error" not in receipt
    assert phaya.count(CREATE) == len(LIES)
    assert not list((home.folder / "out").glob(".callsheet-*"))


async def test_a_link_into_this_network_is_never_followed_and_no_key_leaves_the_backend(house: MakeHouse) -> None:
    asked: list[str | None] = []

    async with wired(Stranger()) as bystander:

        async def note(request: httpx2.Request) -> Any:
            asked.append(request.headers.get("authorization"))
            return Response(PNG, media_type="image/png")

        bystander.phaya.answers["GET /cat.png"] = note
        link = f"{bystander.origin}/cat.png"
        phaya = Stranger({LOOK: {"status": "COMPLETED", "image_url": link}})
        async with house().client(phaya) as client:
            job = await paid(client)
            await stuck(client, job["job_id"], "not a public address", "CALLSHEET_MEDIA_HOSTS")
            assert asked == []
        async with house().client(phaya, CALLSHEET_MEDIA_HOSTS=bystander.origin.removeprefix("http://")) as client:
            receipt = told(await client.call_tool("get_job", {"job_id": job["job_id"], "wait_s": 20}))
            assert receipt["status"] == "completed"
    assert asked == [None]
    assert phaya.headers[LOOK][0] is not None


async def test_a_body_that_breaks_off_is_fetched_again_and_never_half_stored(house: MakeHouse) -> None:
    async with wired(Stranger()) as wire:
        wire.cut[FILE] = 20
        wire.phaya.answers[LOOK] = {"status": "COMPLETED", "image_url": f"{wire.origin}/files/1.png"}
        home = house()
        async with home.client(wire) as client:
            job = await paid(client)
            await stuck(client, job["job_id"], "broke off")
            assert not [path for path in (home.folder / "out").iterdir() if path.suffix != ".part"]
            wire.cut.clear()
            receipt = told(await client.call_tool("get_job", {"job_id": job["job_id"], "wait_s": 20}))
    assert receipt["status"] == "completed"
    assert Path(receipt["media"][0]["path"]).read_bytes() == PNG


async def test_a_link_that_is_gone_is_asked_for_anew(house: MakeHouse) -> None:
    def link(name: str) -> dict[str, Any]:
        return {"status": "COMPLETED", "image_url": f"{Stranger.origin}/files/{name}.png"}

    phaya = Stranger({LOOK: [link("old"), link("new")], "GET /files/old.png": JSONResponse({}, 404)})
    phaya.answers["GET /files/new.png"] = Response(PNG, media_type="image/png")
    async with house().client(phaya) as client:
        job = await paid(client)
        with anyio.fail_after(20):
            receipt = told(await client.call_tool("get_job", {"job_id": job["job_id"], "wait_s": 20}))
    assert receipt["status"] == "completed"
    assert receipt["media"][0]["url"].endswith("/files/new.png")
    assert phaya.count(CREATE) == 1


async def test_a_file_that_comes_in_crumbs_is_known_by_its_first_bytes_all_the_same(house: MakeHouse) -> None:
    async def crumbs(_: httpx2.Request) -> Any:
        return StreamingResponse(iter([PNG[:3], PNG[3:7], PNG[7:]]))

    async with house().client(Stranger({FILE: crumbs})) as client:
        job = await paid(client)
        receipt = told(await client.call_tool("get_job", {"job_id": job["job_id"], "wait_s": 20}))
    assert receipt["status"] == "completed"


async def test_a_file_that_was_deleted_is_fetched_again_when_it_is_asked_for(house: MakeHouse) -> None:
    home = house()
    async with home.client() as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image"}))
        path = Path(receipt["media"][0]["path"])
        before = path.read_bytes()
        path.unlink()
        again = told(await client.call_tool("get_job", {"job_id": receipt["job_id"], "wait_s": 20}))
    assert again["status"] == "completed"
    assert Path(again["media"][0]["path"]).read_bytes() == before
    assert len(home.calls(route="generate")) == 1


async def test_a_stored_file_has_a_name_and_a_sidecar_that_tell_where_it_came_from(house: MakeHouse) -> None:
    async with house().client() as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "A neon street, at night!"}))
    path = Path(receipt["media"][0]["path"])
    day, title, model, short = path.stem.split("_")
    assert (title, model, short) == ("a-neon-street-at-night", "z-image", f"j{receipt['job_id'][2:8]}")
    assert len(day.split("-")) == 3
    sidecar = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert sidecar["prompt"] == "A neon street, at night!"
    assert (sidecar["model"], sidecar["credits"], sidecar["sandbox"]) == ("phaya/z-image", 1.0, True)
    assert (sidecar["source"], sidecar["sha256"]) == (receipt["media"][0]["url"], receipt["media"][0]["sha256"])
