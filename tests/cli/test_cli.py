"""The commands: exit codes, JSON when piped, and the ledger between one process and the next."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import anyio
import pytest

from tests.conftest import CALLSHEET, Box, free_port, surroundings

pytestmark = pytest.mark.anyio


@dataclass
class Desk:
    """One person at the command line, with a home of their own."""

    box: Box
    folder: Path
    key: str
    extra: dict[str, str] = field(default_factory=dict)

    async def run(self, *args: str, **environ: str) -> CompletedProcess[bytes]:
        own = {"CALLSHEET_HOME": str(self.folder / "home"), "CALLSHEET_OUTPUT_DIR": str(self.folder / "out")}
        env = surroundings(own | self.box.environ(self.key) | environ)
        with anyio.fail_after(90):
            return await anyio.run_process([CALLSHEET, *args], env=env, cwd=self.folder, check=False)

    async def said(self, *args: str, code: int = 0, **environ: str) -> Any:
        """The JSON that a command prints, which ends with this code."""
        done = await self.run(*args, **environ)
        assert done.returncode == code, (done.stdout, done.stderr)
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
async def desk(box: Box, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    yield Desk(box, tmp_path_factory.mktemp("cli"), "pk_at_the_desk")


async def test_a_picture_is_made_with_its_receipt_as_json_when_piped(desk: Desk) -> None:
    receipt = await desk.said("image", "a lighthouse", "--model", "z-image", "--aspect-ratio", "16:9")
    assert (receipt["status"], receipt["credits"]["charged"], receipt["sandbox"]) == ("completed", 1.0, False)
    assert Path(receipt["media"][0]["path"]).parent == desk.folder / "out"
    again = await desk.said("image", "a lighthouse", "--model", "z-image", "--aspect-ratio", "16:9")
    assert (again["job_id"], again["repeated"]) == (receipt["job_id"], True)


async def test_a_failed_job_is_exit_code_1(desk: Desk) -> None:
    receipt = await desk.said("image", "a lighthouse [fail]", "--model", "z-image", code=1)
    assert (receipt["status"], receipt["credits"]["refunded"]) == ("failed", 1.0)


async def test_a_refusal_and_a_misused_command_are_exit_code_2(desk: Desk) -> None:
    results: dict[str, CompletedProcess[bytes]] = {}

    async def run(name: str, *args: str, **environ: str) -> None:
        results[name] = await desk.run(*args, **environ)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, "refused", "video", "a storm", "--model", "veo-3.1")
        tasks.start_soon(run, "no such flag", "image", "x", "--colour", "red")
        tasks.start_soon(run, "no such model", "image", "x", "--model", "z-imag")
        tasks.start_soon(run, "no such job", "job", "j_" + "0" * 26)
    assert {name: done.returncode for name, done in results.items()} == dict.fromkeys(results, 2)
    refused = json.loads(results["refused"].stdout)
    assert refused["status"] == "refused"
    assert "max_credits=50" in refused["error"]["message"]
    assert b"Did you mean `z-image`" in results["no such model"].stderr
    assert b"There is no job" in results["no such job"].stderr
    for name in ("no such model", "no such job"):
        assert results[name].stdout == b""
        assert b"Traceback" not in results[name].stderr


async def test_a_job_that_nobody_waits_for_is_exit_code_3_and_is_picked_up_later(desk: Desk) -> None:
    desk.box.pace(speed=1e-6)
    try:
        receipt = await desk.said("image", "later", "--model", "z-image", "--no-wait", code=3)
        assert receipt["status"] == "working"
        assert desk.box.creates(desk.key, "text-to-image") >= 1
        assert (await desk.said("job", receipt["job_id"], code=3))["status"] == "working"
    finally:
        desk.box.pace(speed=50)
    done = await desk.said("job", receipt["job_id"], "--wait")
    assert (done["status"], done["job_id"]) == ("completed", receipt["job_id"])


async def test_a_job_is_cancelled_at_the_backend(desk: Desk) -> None:
    desk.box.pace(speed=1e-6)
    try:
        before = desk.box.credits(desk.key)
        clip = ("--model", "seedance-1.5-pro", "--resolution", "480p", "--duration-seconds", "4")
        receipt = await desk.said("video", "never mind", *clip, "--no-wait", code=3)
        assert desk.box.credits(desk.key) == before - 2
        cancelled = await desk.said("cancel", receipt["job_id"])
        assert cancelled["status"] == "cancelled"
        assert desk.box.credits(desk.key) == before
        await desk.said("job", receipt["job_id"], code=1)
    finally:
        desk.box.pace(speed=50)


async def test_the_ledger_is_listed_newest_first(desk: Desk) -> None:
    await desk.said("image", "listed", "--model", "z-image")
    jobs = await desk.said("jobs", "--limit", "1")
    assert [job["title"] for job in jobs] == ["listed"]
    completed = await desk.said("jobs", "--status", "completed")
    assert {job["status"] for job in completed} == {"completed"}


async def test_credits_quote_and_models_answer_as_json_and_spend_nothing(desk: Desk) -> None:
    answers: dict[str, Any] = {}

    async def ask(name: str, *args: str) -> None:
        answers[name] = await desk.said(*args)

    before = desk.box.credits(desk.key)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, "prompt", "quote", "image", "a lighthouse")
        tasks.start_soon(ask, "words", "quote", "video", json.dumps({"prompt": "x", "model": "sora-2"}))
        tasks.start_soon(ask, "models", "models", "music")
        tasks.start_soon(ask, "able", "models", "video", "--can", "last frame", "--backend", "phaya")
        tasks.start_soon(ask, "credits", "credits", "phaya")
    assert answers["prompt"]["credits"] == 1.0
    assert (answers["words"]["credits"], answers["words"]["model"]) == (8.0, "phaya/sora-2")
    assert "phaya/suno" in [row["id"] for row in answers["models"]]
    assert {row["id"] for row in answers["able"]} == {
        *("phaya/seedance-1.5-pro", "phaya/veo-3.1-fast", "phaya/veo-3.1"),
    }
    assert Decimal(str(answers["credits"][0]["balance"])) == desk.box.credits(desk.key) == before


async def test_an_api_call_that_is_refused_is_exit_code_1_with_the_backend_s_words(desk: Desk) -> None:
    done = await desk.run("api", "phaya", "post", "/text-to-image/generate", "--data", '{"prompt": 5}')
    assert (done.returncode, done.stderr) == (1, b"callsheet: phaya answered 422.\n")
    assert json.loads(done.stdout)["detail"][0]["loc"] == ["body", "prompt"]
    nonsense = await desk.run("api", "phaya", "post", "/text-to-image/generate", "--data", "{")
    assert (nonsense.returncode, b"not JSON" in nonsense.stderr) == (2, True)


async def test_a_backend_that_cannot_be_reached_is_said_without_a_traceback(desk: Desk) -> None:
    async def run(*args: str) -> None:
        done = await desk.run(*args, PHAYA_BASE=f"http://127.0.0.1:{free_port()}/api/v1")
        assert done.returncode == 2
        assert b"PHAYA_BASE" in done.stderr
        assert b"Traceback" not in done.stderr

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run, "credits")
        tasks.start_soon(run, "api", "phaya", "get", "/user/profile")


async def test_the_sandbox_needs_no_key_and_no_port(desk: Desk) -> None:
    said = ("speech", "good evening", "--max-credits", "1", "--model", "gemini-tts", "--sandbox")
    receipt = await desk.said(*said, CALLSHEET_RATE="60")
    assert (receipt["status"], receipt["sandbox"]) == ("completed", True)


async def test_a_plan_is_priced_and_carried_out_from_a_file(desk: Desk) -> None:
    calls = [
        {"tool": "generate_image", "arguments": {"prompt": "a lighthouse at dusk", "model": "z-image"}},
        {"tool": "generate_video", "arguments": {"image": "$1", "prompt": "the beam turns", "duration_seconds": 4}},
    ]
    (desk.folder / "film.json").write_text(json.dumps({"calls": calls}), encoding="utf-8")
    quote = await desk.said("quote", "plan", "@film.json")
    assert (quote["credits"], quote["model"]) == (4.0, "plan")
    done = (await desk.said("plan", "@film.json"))["jobs"]
    assert [job["status"] for job in done] == ["completed", "completed"]
    assert sum(job["credits"]["charged"] for job in done) == 4.0
    refused = await desk.run("plan", json.dumps([calls[0] | {"arguments": {"promt": "a"}}]))
    assert (refused.returncode, b"did you mean `prompt`" in refused.stderr) == (2, True)
