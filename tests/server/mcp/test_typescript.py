"""The official TypeScript client against real servers: both eras, both transports, and a person who can be asked."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import CALLSHEET, Box, listening, surroundings

NODE, MODULES = os.environ.get("CALLSHEET_NODE", ""), os.environ.get("CALLSHEET_NODE_MODULES", "")
DRIVE = Path(__file__).parent / "typescript" / "drive.mjs"
pytestmark = pytest.mark.skipif(
    not (NODE and MODULES), reason="needs CALLSHEET_NODE and CALLSHEET_NODE_MODULES, as `.ci/run` finds them"
)

FOX = {"prompt": "a fox", "model": "z-image", "wait_s": 30}
DEAR = {"prompt": "a wolf", "model": "nano-banana-2", "wait_s": 30}
"""Two credits, where one may be spent unasked."""
FILM = {"prompt": "a fox", "model": "seedance-1.5-pro", "resolution": "480p", "duration_seconds": 4, "max_credits": 9}
TASKS = pytest.mark.parametrize("place", ["stdio-modern", "http-modern"], indirect=True)
"""Tasks came with the protocol of 2026-07-28."""
STILL, QUICK = 1e-6, 50.0
"""How fast the sandbox works."""


class Driver:
    """The client, a process that is told in lines what to do."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def __call__(self, step: str, **said: Any) -> dict[str, Any]:
        """Have it do something, which takes it a minute at most."""
        assert self.process.stdin and self.process.stdout
        patience = threading.Timer(60, self.process.kill)
        patience.start()
        try:
            self.process.stdin.write(json.dumps({"step": step} | said) + "\n")
            self.process.stdin.flush()
            answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        finally:
            patience.cancel()
        return answer

    def call(self, name: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Call a tool."""
        return self("call", name=name, args=args, **more)

    def receipt(self, name: str, args: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Call a tool that answers with a receipt."""
        answer = self.call(name, args, **more)
        found: dict[str, Any] = answer.get("receipt") or pytest.fail(str(answer))
        return found


@dataclass
class Place:
    """A server, and how clients reach it."""

    box: Box
    key: str
    target: dict[str, Any]
    era: str
    way: str

    @property
    def asks(self) -> bool:
        """Whether a question finds its way: over HTTP the older protocol has none, for no session is kept."""
        return (self.era, self.way) != ("legacy", "http")

    @contextmanager
    def client(self, *, asks: bool = True) -> Iterator[Driver]:
        """A client that is connected; `asks`: it says that it can put a question to a person."""
        command = [NODE, "--input-type=module", "--eval", DRIVE.read_text(encoding="utf-8")]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        with subprocess.Popen(command, cwd=Path(MODULES).parent, env=surroundings({}), **pipes) as process:
            try:
                driver = Driver(process)
                negotiation = "legacy" if self.era == "legacy" else "auto"
                assert driver("open", **self.target, negotiation=negotiation, asks=asks)["era"] == self.era
                yield driver
            finally:
                assert process.stdin
                process.stdin.close()
                try:
                    process.wait(10)
                finally:
                    process.kill()


@pytest.fixture(scope="module", params=["stdio-legacy", "stdio-modern", "http-legacy", "http-modern"])
def place(request: pytest.FixtureRequest, box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    way, _, era = request.param.partition("-")
    folder, key = tmp_path_factory.mktemp(request.param), f"pk_not_a_real_key_{request.param}"
    assert box.http.get("/api/v1/user/credits", headers={"Authorization": f"Bearer {key}"}).status_code == 200
    own = {"CALLSHEET_HOME": str(folder / "home"), "CALLSHEET_OUTPUT_DIR": str(folder / "out")}
    environ = own | box.environ(key) | {"CALLSHEET_ASK_ABOVE": "phaya=1", "CALLSHEET_WAIT": "0.5"}
    if way == "http":
        with listening(["serve", "--http"], environ) as port:
            yield Place(box, key, {"url": f"http://127.0.0.1:{port}/mcp"}, era, way)
    else:
        command = {"command": CALLSHEET, "args": ["serve"], "env": surroundings(environ)}
        yield Place(box, key, {"command": command}, era, way)


@pytest.fixture(scope="module")
def drive(place: Place) -> Iterator[Driver]:
    """One client for all tests that need nothing else."""
    with place.client() as driver:
        yield driver


@pytest.fixture(autouse=True)
def quick(box: Box) -> Iterator[None]:
    """However a test ends, the sandbox is quick again."""
    yield
    box.pace(speed=QUICK)


def test_a_picture_with_progress_and_an_answer_that_fits_its_schema(place: Place, drive: Driver) -> None:
    made = drive.call("generate_image", FOX)
    assert (made["receipt"]["status"], made["receipt"]["credits"]["charged"]) == ("completed", 1.0)
    assert made["progress"][0].startswith("phaya/z-image: ")
    assert [part["type"] for part in made["result"]["content"]] == ["text", "resource_link", "image"]
    [medium] = made["receipt"]["media"]
    assert ("path" in medium) == (place.way == "stdio")


def test_a_client_that_gives_up_in_the_middle_finds_its_one_job_again(place: Place, drive: Driver) -> None:
    said = FOX | {"prompt": f"nobody waited {place.way}"}
    place.box.pace(speed=STILL)
    before = place.box.creates(place.key, "text-to-image")
    for _ in range(20):
        assert "timed out" in drive.call("generate_image", said, timeout=300)["error"]["message"]
        if place.box.creates(place.key, "text-to-image") > before:
            break
    place.box.pace(speed=QUICK)
    again = drive.receipt("generate_image", said)
    assert (again["status"], again["repeated"]) == ("completed", True)
    looked = drive.receipt("get_job", {"job_id": again["job_id"]})
    assert looked["media"][0]["sha256"] == again["media"][0]["sha256"]
    assert place.box.creates(place.key, "text-to-image") == before + 1


def test_get_job_finds_what_nobody_waited_for(place: Place, drive: Driver) -> None:
    place.box.pace(speed=STILL)
    working = drive.receipt("generate_image", FOX | {"prompt": "a hare", "wait_s": 0})
    assert working["status"] == "working"
    look = {"job_id": working["job_id"], "wait_s": 30}
    assert "error" in drive.call("get_job", look, timeout=300)
    place.box.pace(speed=QUICK)
    assert drive.receipt("get_job", look)["status"] == "completed"


def test_a_job_is_cancelled_at_its_backend_and_costs_nothing(place: Place, drive: Driver) -> None:
    place.box.pace(speed=STILL)
    before = place.box.credits(place.key)
    job = {"job_id": drive.receipt("generate_video", FILM | {"wait_s": 0}, person="yes")["job_id"]}
    for _ in range(20):
        if "charged" in drive.receipt("get_job", job | {"wait_s": 0.5})["credits"]:
            break
    assert place.box.credits(place.key) < before
    assert drive.receipt("cancel_job", job)["status"] == "cancelled"
    assert place.box.credits(place.key) == before


@pytest.mark.parametrize("person", ["no", "silent"])
def test_whatever_is_no_yes_spends_nothing(place: Place, drive: Driver, person: str) -> None:
    before = place.box.credits(place.key)
    answer = drive.call("generate_image", DEAR | {"prompt": f"a {person} wolf"}, person=person)
    assert len(answer["questions"]) == (1 if place.asks else 0)
    if person == "silent" and place.era == "modern":  # the question is the answer, and this client let it lie
        assert answer["error"]["message"] == "nobody answered"
    else:
        why = {"no": "said no", "silent": "Nobody answered within 0.5 s"}[person] if place.asks else "Ask the user"
        assert answer["receipt"]["status"] == "refused"
        assert why in answer["receipt"]["error"]["message"]
    assert place.box.credits(place.key) == before


def test_a_yes_is_asked_for_once_and_buys_once(place: Place, drive: Driver) -> None:
    before = place.box.credits(place.key)
    answer = drive.call("generate_image", DEAR, person="yes")
    if not place.asks:
        assert (answer["receipt"]["status"], answer["questions"]) == ("refused", [])
        return
    assert answer["receipt"]["status"] == "completed"
    [question] = answer["questions"]
    assert question.startswith("generate_image with phaya/nano-banana-2: 2 credits.")
    again = drive.call("generate_image", DEAR, person="no")
    assert (again["receipt"]["repeated"], again["questions"]) == (True, [])
    assert before - place.box.credits(place.key) == Decimal(2)


@pytest.mark.parametrize("place", ["stdio-legacy", "http-modern"], indirect=True)
def test_a_client_that_cannot_ask_is_told_how_to_go_on(place: Place) -> None:
    said = DEAR | {"prompt": "a mute wolf"}
    with place.client(asks=False) as driver:
        assert "max_credits=2" in driver.receipt("generate_image", said)["error"]["message"]
        assert driver.receipt("generate_image", said | {"max_credits": 2})["status"] == "completed"


@TASKS
def test_a_question_and_then_a_task_whose_result_is_the_receipt(place: Place, drive: Driver) -> None:
    place.box.pace(speed=STILL)
    begun = drive("begin", name="generate_image", args=DEAR | {"prompt": "a patient wolf"}, person="yes")
    assert (begun["kind"], len(begun["questions"])) == ("task", 1)
    place.box.pace(speed=QUICK)
    ended = drive("end")
    assert (ended["status"], ended["receipt"]["status"]) == ("completed", "completed")
    assert ended["receipt"]["job_id"] == begun["id"]


@TASKS
def test_a_task_is_cancelled(place: Place, drive: Driver) -> None:
    place.box.pace(speed=STILL)
    before = place.box.credits(place.key)
    assert drive("begin", name="generate_video", args=FILM | {"prompt": "an owl"}, person="yes")["kind"] == "task"
    assert drive("end", cancel=True)["status"] == "cancelled"
    assert place.box.credits(place.key) == before
