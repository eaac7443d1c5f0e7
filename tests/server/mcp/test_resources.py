"""What clients attach by address: receipts, files and the catalogue; and news of them, in both eras of the protocol."""

import json
import sys
import warnings
from base64 import b64decode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, MCPDeprecationWarning, MCPError
from mcp.server.subscriptions import ResourceUpdated
from mcp.types import BlobResourceContents, ResourceUpdatedNotification, TextResourceContents

from callsheet_sandbox.in_process import Transport
from callsheet_server.mcp import resources
from tests.conftest import Box, House, boxed, serve, told
from tests.ours import catalogue
from tests.team import ANNA, BEN, TOKENS, Team

pytestmark = pytest.mark.anyio
MakeHouse = Callable[..., House]

NOBODYS = f"j_{'0' * 26}"


async def read(client: Client, uri: str) -> TextResourceContents | BlobResourceContents:
    """What is at an address."""
    (found,) = (await client.read_resource(uri)).contents
    assert found.uri == uri
    return found


async def text(client: Client, uri: str) -> Any:
    """The JSON at an address."""
    found = await read(client, uri)
    assert isinstance(found, TextResourceContents)
    assert found.mime_type == "application/json"
    return json.loads(found.text)


async def refusal(client: Client, uri: str) -> MCPError:
    """The error at an address."""
    with pytest.raises(MCPError) as caught:
        await client.read_resource(uri)
    assert caught.value.error.data == {"uri": uri}
    return caught.value


async def test_the_list_is_short_and_the_same_for_everybody_and_templates_say_what_they_take(house: MakeHouse) -> None:
    async with house().client() as client:
        before = await client.list_resources()
        await client.call_tool("generate_image", {"prompt": "a fox"})
        after = await client.list_resources()
        assert [entry.uri for entry in after.resources] == ["ui://callsheet/gallery.html", "models://"]
        assert after.resources == before.resources
        templates = (await client.list_resource_templates()).resource_templates
        assert {template.uri_template for template in templates} == {
            *("job://{job_id}", "media://{job_id}/{number}", "models://{backend}/{model}{?operation}"),
        }
        assert all(entry.title and entry.description for entry in [*templates, *after.resources])


async def test_a_job_is_the_receipt_that_get_job_gives(house: MakeHouse) -> None:
    async with house().client() as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "a fox"}))
        assert await text(client, f"job://{receipt['job_id']}") == receipt


async def test_a_file_comes_whole_under_its_own_type_and_text_as_text(house: MakeHouse) -> None:
    async with house().client() as client:
        made = [
            await client.call_tool("generate_image", {"prompt": "a fox", "count": 2}),
            await client.call_tool("generate_speech", {"text": "a fox", "max_credits": 1}),
            await client.call_tool(
                "generate_video", {"prompt": "a fox", "model": "seedance-1.5-pro", "max_credits": 9}
            ),
        ]
        types = []
        assert [told(result)["status"] for result in made] == ["completed"] * 3, made
        for medium in [medium for result in made for medium in told(result)["media"]]:
            found = await read(client, medium["uri"])
            assert isinstance(found, BlobResourceContents)
            assert b64decode(found.blob) == Path(medium["path"]).read_bytes()
            assert found.mime_type == medium["mime_type"]
            types.append(found.mime_type.partition("/")[0])
        assert types == ["image", "image", "audio", "video"]
        (film,) = told(made[2])["media"]
        words = {"video": film["uri"], "script": "สวัสดี", "model": "local/ffmpeg"}
        cues = told(await client.call_tool("generate_subtitles", words))
        assert cues["status"] == "completed", cues
        (lines,) = cues["media"]
        found = await read(client, lines["uri"])
        assert isinstance(found, TextResourceContents)
        assert (found.mime_type, "สวัสดี" in found.text) == (lines["mime_type"], True)


async def test_the_catalogue_is_what_list_models_and_describe_model_say(house: MakeHouse) -> None:
    async with house().client() as client:
        assert await text(client, "models://") == told(await client.call_tool("list_models", {}))
        described = told(await client.call_tool("describe_model", {"model": "phaya/z-image"}))
        assert await text(client, "models://phaya/z-image") == described
        assert "say `operation`" in str(await refusal(client, "models://ph0ny/auto"))
        assert (await text(client, "models://ph0ny/auto?operation=dub_video"))["operation"] == "dub_video"
        assert "no model" in str(await refusal(client, "models://phaya/z-imag"))
    assert len({model.id for model in catalogue.all}) > 50


STRANGE = (
    *(
        f"job://{NOBODYS}",
        f"media://{NOBODYS}/0",
        "job://..",
        "job://../etc/passwd",
        "job:///etc/passwd",
        "job://%2e%2e",
    ),
    *("media://../etc/0", "media://..%2f..%2fetc%2fpasswd/0", "media://%2Fetc%2Fpasswd/0", "media://C:%5CWindows/0"),
    *("models://../..", "models://phaya/..%2f..%2fetc", "models://phaya/z-image%00", "files:///etc/passwd", "nonsense"),
)


async def test_what_is_not_there_or_leads_elsewhere_is_not_found(house: MakeHouse) -> None:
    async with house().client() as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "a fox"}))
        own = receipt["media"][0]["uri"].removesuffix("/0")
        for uri in (*STRANGE, f"{own}/1", f"{own}/-1", f"{own}/0%2f..", f"{own}/x", f"{own}/0/../0", f"{own}/..%5c0"):
            assert (await refusal(client, uri)).error.code == -32602, uri
        Path(receipt["media"][0]["path"]).unlink()
        assert (await refusal(client, f"{own}/0")).error.code == -32602


async def test_a_file_too_large_to_send_says_where_it_is_to_be_had(
    house: MakeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "LARGEST", 1000)
    async with house().client() as client:
        receipt = told(await client.call_tool("generate_image", {"prompt": "a fox"}))
        error = await refusal(client, receipt["media"][0]["uri"])
        assert "too large" in str(error)
        assert f"get_job(job_id='{receipt['job_id']}')" in str(error)


# -- news -----------------------------------------------------------------------------------------------------------

SLOW = {"pace": "looks", "looks": 3}
CLIP = {"prompt": "a fox", "model": "seedance-1.5-pro", "max_credits": 9, "wait_s": 0}


async def clip(client: Client) -> tuple[str, str]:
    """A job just begun, and its first file to be."""
    job_id = told(await client.call_tool("generate_video", CLIP))["job_id"]
    return f"job://{job_id}", f"media://{job_id}/0"


async def until_made(client: Client, job: str, media: str) -> list[str]:
    """What a stream says until the file is there."""
    heard = []
    async with client.listen(resource_subscriptions=[job, media, "models://"]) as stream:
        assert set(stream.honored.resource_subscriptions or ()) == {job, media, "models://"}
        async for event in stream:
            assert isinstance(event, ResourceUpdated)
            heard.append(event.uri)
            if media in heard and (await text(client, job))["status"] == "completed":
                break
    return heard


async def test_a_stream_tells_of_each_change_of_a_job_and_of_its_file_once_it_is_there(house: MakeHouse) -> None:
    with anyio.fail_after(30):
        async with house(**SLOW).client() as client:
            assert client.server_capabilities.resources
            assert client.server_capabilities.resources.subscribe is True
            job, media = await clip(client)
            heard = await until_made(client, job, media)
            async with client.listen(resource_subscriptions=[f"{media}{n}" for n in range(200)]) as stream:
                assert len(stream.honored.resource_subscriptions or ()) == 100
    assert len(heard) >= 2
    assert sum(uri.startswith("media://") for uri in heard) == 1


@pytest.fixture(scope="module")
def slow() -> Iterator[Box]:
    """A sandbox whose jobs take a while."""
    with boxed("--speed", "4") as found:
        yield found


@pytest.mark.skipif(sys.platform == "win32", reason="starts servers as POSIX processes")
async def test_a_stream_over_stdio_hears_of_a_job_that_another_process_carries(tmp_path: Path, slow: Box) -> None:
    server = serve(tmp_path, slow.environ("pk_two_processes"))
    with anyio.fail_after(60):
        async with Client(server) as carrier, Client(server) as other:
            assert other.protocol_version == "2026-07-28"
            assert await until_made(other, *await clip(carrier))


class Pushed:
    """What a server pushes to a client of the older era."""

    def __init__(self) -> None:
        self.send, self.receive = anyio.create_memory_object_stream[str](100)

    async def hear(self, message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            await self.send.send(str(message.params.uri))

    def drop(self) -> int:
        """Forget what was pushed and not read; how much it was."""
        for _ in range(count := self.receive.statistics().current_buffer_used):
            self.receive.receive_nowait()
        return count

    @asynccontextmanager
    async def client(self, server: Any) -> AsyncIterator[Client]:
        """A client that hears it."""
        with self.send, self.receive, warnings.catch_warnings():
            warnings.simplefilter("ignore", MCPDeprecationWarning)  # it is the older era that we speak
            async with Client(server, mode="legacy", message_handler=self.hear) as client:
                yield client


@pytest.mark.skipif(sys.platform == "win32", reason="starts servers as POSIX processes")
async def test_an_older_client_over_stdio_is_pushed_what_it_subscribed_to_until_it_had_enough(
    tmp_path: Path, slow: Box
) -> None:
    pushed = Pushed()
    with anyio.fail_after(60):
        async with pushed.client(serve(tmp_path, slow.environ("pk_news"))) as client:
            assert client.server_capabilities.resources
            assert client.server_capabilities.resources.subscribe is True
            job, media = await clip(client)
            for uri in (job, media):
                await client.subscribe_resource(uri)
            while await pushed.receive.receive() != media:
                pass
            assert (await text(client, job))["media"]
            second, _ = await clip(client)
            await client.subscribe_resource(second)
            await client.unsubscribe_resource(second)
            pushed.drop()
            await client.call_tool("get_job", {"job_id": second.removeprefix("job://"), "wait_s": 30})
            assert pushed.drop() == 0
            with pytest.raises(MCPError) as caught:
                await client.subscribe_resource(f"job://{NOBODYS}")
            assert caught.value.error.code == -32602
            assert caught.value.error.data == {"uri": f"job://{NOBODYS}"}


@pytest.fixture
async def team(tmp_path: Path) -> AsyncIterator[Team]:
    """A server over HTTP with two callers."""
    box = Transport("phaya", tmp_path / "box", speed=20.0, rate=100_000, pace="looks", looks=3)
    found = Team(tmp_path, lambda account: box, TOKENS)
    found.open()
    yield found
    await anyio.to_thread.run_sync(found.close)


async def test_over_http_only_one_s_own_jobs_are_heard_of_and_nothing_is_promised_to_older_clients(team: Team) -> None:
    with anyio.fail_after(60):
        async with team.client(ANNA) as anna, team.client(BEN) as ben:
            job, media = await clip(anna)
            async with ben.listen(resource_subscriptions=[job, media, f"job://{NOBODYS}", "models://"]) as stream:
                assert stream.honored.resource_subscriptions == ["models://"]
                assert await until_made(anna, job, media)
                with anyio.move_on_after(0.5):
                    raise AssertionError(await anext(stream))
        async with team.client(ANNA, mode="legacy") as older:
            assert older.server_capabilities.resources
            assert older.server_capabilities.resources.subscribe is False
            with warnings.catch_warnings(), pytest.raises(MCPError) as caught:
                warnings.simplefilter("ignore", MCPDeprecationWarning)
                await older.subscribe_resource(job)
            assert caught.value.error.code == -32601
