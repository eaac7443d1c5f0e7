"""`callsheet api`: every way of saying a request, secrets that leave no trace, and keys that go to a file."""

import contextlib
import json
import os
import select
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from callsheet.cli.by_hand import secret
from callsheet.cli.commands import app
from callsheet.errors import ProviderError, RequestError
from callsheet_sandbox.accounts import owner_of
from tests.conftest import CALLSHEET, PNG, Box, free_port, surroundings

PASSWORD, NEXT = "not-a-real-pass-1", "not-a-real-pass-2"
ROBOT, PH0NY = "pk_by_my_own_hand", "plabs_" + "by_my_own_hand".ljust(32, "0")


@dataclass
class Hand:
    """A person at the command line, with a home of their own and a key for every backend."""

    box: Box
    folder: Path

    @property
    def environ(self) -> dict[str, str]:
        keys = {"PHAYA_API_KEY": ROBOT, "PROGRESSIVE_ROBOT_API_KEY": ROBOT, "PH0NY_API_KEY": PH0NY}
        bases = dict.fromkeys(("PROGRESSIVE_ROBOT_BASE", "PH0NY_BASE", "PHANTAISIA_BASE"), self.box.origin)
        own = {"CALLSHEET_HOME": str(self.folder / "home"), "CALLSHEET_OUTPUT_DIR": str(self.folder / "out")}
        more = {"PHANTAISIA_TOKEN": "not-a-real-token", "CALLSHEET_RATE": "100000"}
        return surroundings(self.box.environ(ROBOT) | own | keys | bases | more)

    def run(self, *args: str, said: str = "", **environ: str) -> Result:
        """`callsheet api …` with these lines on standard input; in this process, which is quicker."""
        with contextlib.chdir(self.folder):
            return CliRunner(env=self.environ | environ).invoke(app, ["api", *args], input=said)

    def told(self, *args: str, said: str = "") -> Any:
        """The JSON that it prints."""
        done = self.run(*args, said=said)
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    def refused(self, *args: str) -> str:
        """Why nothing was sent."""
        before = len(self.box.log(ROBOT))
        done = self.run(*args)
        assert isinstance(done.exception, RequestError) and done.stdout == ""
        assert len(self.box.log(ROBOT)) == before
        return done.exception.message

    @property
    def keys(self) -> list[Path]:
        return sorted((self.folder / "home" / "keys").iterdir())


@pytest.fixture(scope="module")
def hand(box: Box, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    yield Hand(box, tmp_path_factory.mktemp("hand"))


def test_a_query_and_json_from_a_flag_from_a_file_or_from_standard_input(hand: Hand) -> None:
    body = json.dumps({"name": "fox", "prompt": "a fox"})
    (hand.folder / "body.json").write_text(body, encoding="utf-8")
    for said, typed in ((body, ""), ("@body.json", ""), ("-", body)):
        made = hand.told("progressive-robot", "post", "/api/templates", "--data", said, said=typed)
        assert (made["name"], made["prompt"]) == ("fox", "a fox")
    found = hand.told("progressive-robot", "GET", "/api/stock/images", "--query", "query=fox", "--query", "per_page=2")
    assert len(found["images"]) == 2


def test_a_form_with_a_password_is_answered_with_a_token_in_a_file(hand: Hand) -> None:
    told = hand.told("phantaisia", "post", "/token", "--form", "username=fox", "--secret", "password", said=PASSWORD)
    assert told["token_type"] == "bearer"
    path = Path(told["access_token"]["file"])
    assert path in hand.keys and path.name.startswith("phantaisia-access_token-")
    assert path.read_text(encoding="utf-8") == f"phantaisia_{owner_of(f'fox:{PASSWORD}')}\n"


def test_files_go_with_their_fields(hand: Hand) -> None:
    (hand.folder / "fox.png").write_bytes(PNG)
    avatar = hand.told("progressive-robot", "post", "/api/profile/avatar", "--file", "avatar=fox.png")["avatar"]
    assert avatar.endswith(".png")
    voice = ("ph0ny", "post", "/v1/voices/clone", "--file", "file=fox.png", "--form", "name=Me")
    assert hand.told(*voice, "--form", "description=a = b")["description"] == "a = b"


def test_an_answer_that_is_a_picture_is_stored(hand: Hand) -> None:
    (hand.folder / "fox.png").write_bytes(PNG)
    name = hand.told("progressive-robot", "post", "/api/upload-image", "--file", "image=fox.png")["filename"]
    path = Path(hand.told("progressive-robot", "get", f"/api/input-image/{name}")["file"])
    assert (path.parent, path.suffix, path.read_bytes()) == (hand.folder / "out", ".png", PNG)


@pytest.mark.skipif(os.name == "nt", reason="a file has no mode there")
def test_a_new_key_is_in_a_file_that_only_its_owner_can_read_and_nowhere_else(hand: Hand) -> None:
    for backend, path in (("progressive-robot", "/api/keys"), ("ph0ny", "/v1/keys")):
        done = hand.run(backend, "post", path, "--data", '{"name": "spare"}')
        place = Path(json.loads(done.stdout)["key"]["file"])
        key = place.read_text(encoding="utf-8").strip()
        assert key.startswith(("pk_", "plabs_")) and key not in done.stdout + done.stderr
        assert (place.stat().st_mode & 0o777, place.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        assert key not in json.dumps(hand.told(backend, "get", path))
        others = [file for file in (hand.folder / "home").rglob("*") if file.is_file() and file != place]
        assert not [file for file in others if key.encode() in file.read_bytes()]
    new = {"PROGRESSIVE_ROBOT_API_KEY": hand.keys[-1].read_text(encoding="utf-8").strip()}
    assert json.loads(hand.run("progressive-robot", "get", "/api/auth/check", **new).stdout)["authenticated"] is True


def test_a_password_is_set_changed_and_never_told(hand: Hand) -> None:
    me = hand.told("progressive-robot", "get", "/api/profile")["username"]
    asked = hand.told("progressive-robot", "post", "/api/password-reset/request", "--data", f'{{"username": "{me}"}}')
    token = Path(asked["token"]["file"]).read_text(encoding="utf-8")
    reset = ("progressive-robot", "post", "/api/password-reset/reset", "--secret", "token", "--secret", "new_password")
    hand.told(*reset, said=f"{token}{PASSWORD}\n")
    change = ("progressive-robot", "post", "/api/settings/change-password")
    secrets = ("--secret", "current_password", "--secret", "new_password")
    wrong = hand.run(*change, *secrets, said=f"{NEXT}\n{PASSWORD}\n")
    assert (wrong.exit_code, "current_password" in wrong.stdout, "answered 400" in wrong.stderr) == (1, True, True)
    hand.told(*change, *secrets, said=f"{PASSWORD}\n{NEXT}\n")
    name = ("--data", json.dumps({"username": me}))
    hand.told("progressive-robot", "post", "/api/login", *name, "--secret", "password", said=NEXT)
    assert not [path for path in hand.folder.rglob("*") if path.is_file() and NEXT.encode() in path.read_bytes()]


def test_a_secret_that_is_repeated_in_an_answer_is_masked(hand: Hand) -> None:
    template = ("progressive-robot", "post", "/api/templates", "--data", '{"name": "fox"}', "--secret", "prompt")
    assert hand.told(*template, said="for my eyes only")["prompt"] == "***"
    wrong = hand.run("progressive-robot", "get", "/api/projects/none", "--secret", "id", said="Record")
    assert (wrong.exit_code, json.loads(wrong.stdout)) == (1, {"error": "*** not found"})


CLEAR = [
    ("--data", '{"username": "fox", "password": "not-a-real-1"}'),
    ("--data", '{"user": [{"new_password": "not-a-real-1"}]}'),
    ("--form", "api-key=not-a-real-1"),
    ("--data", '{"accessToken": "not-a-real-1"}'),
    ("--form", "code=123456"),
]


@pytest.mark.parametrize(("flag", "said"), CLEAR)
def test_a_secret_in_clear_is_refused_because_it_stays_in_the_shell_s_history(hand: Hand, flag: str, said: str) -> None:
    why = hand.refused("progressive-robot", "post", "/api/login", flag, said)
    assert "shell's history" in why and "--secret" in why and "not-a-real-1" not in why


def test_a_secret_in_a_file_is_taken_because_it_was_not_typed(hand: Hand) -> None:
    said = {"username": "by_file", "password": PASSWORD, "email": "fox@example.com"}
    (hand.folder / "me.json").write_text(json.dumps(said), encoding="utf-8")
    assert hand.told("progressive-robot", "post", "/api/signup", "--data", "@me.json")["success"] is True


WRONG = [
    (("phaya", "get", "user/profile"), "begins with a slash"),
    (("phaya", "get", "@elsewhere.example"), "begins with a slash"),
    (("elsewhere", "get", "/"), "There is no backend `elsewhere`"),
    (("phaya", "post", "/x", "--data", "{"), "not JSON"),
    (("phaya", "post", "/x", "--data", "[]"), "a JSON object"),
    (("phaya", "post", "/x", "--data", "@none.json"), "no such file"),
    (("phaya", "post", "/x", "--file", "file=none.png"), "no such file"),
    (("phaya", "post", "/x", "--form", "name"), "say name=value"),
    (("phaya", "post", "/x", "--form", "a=1", "--form", "a=2"), "said twice"),
    (("phaya", "post", "/x", "--data", "{}", "--form", "a=1"), "one or the other"),
    (("phaya", "post", "/x", "--data", "-", "--secret", "password"), "standard input"),
    (("phaya", "post", "/x", "--secret", "password"), "has no line for it"),
]


@pytest.mark.parametrize(("args", "why"), WRONG, ids=[why for _, why in WRONG])
def test_what_cannot_be_meant_is_refused_before_anything_is_sent(hand: Hand, args: tuple[str, ...], why: str) -> None:
    assert why in hand.refused(*args)


def test_a_refusal_by_the_backend_is_printed_as_it_came_and_is_exit_code_1(hand: Hand) -> None:
    done = hand.run("phaya", "get", "/text-to-image/status/none")
    assert (done.exit_code, json.loads(done.stdout)) == (1, {"detail": "Job not found"})
    assert done.stderr.strip() == "callsheet: phaya answered 404."


def test_a_backend_that_gives_no_answer_is_an_error_of_ours(hand: Hand) -> None:
    done = hand.run("phaya", "get", "/user/profile", PHAYA_BASE=f"http://127.0.0.1:{free_port()}/api/v1")
    assert isinstance(done.exception, ProviderError) and "PHAYA_BASE" in done.exception.message


def test_an_empty_answer_is_null(hand: Hand) -> None:
    key = hand.told("ph0ny", "post", "/v1/keys", "--data", '{"name": "short", "expiresInDays": 1}')
    assert hand.told("ph0ny", "delete", f"/v1/keys/{key['id']}") is None


@pytest.mark.skipif(os.name == "nt", reason="there is no pseudo-terminal")
def test_in_a_terminal_a_secret_is_asked_for_and_a_new_one_twice_without_being_shown(hand: Hand) -> None:
    args = ["phaya", "post", "/x", "--secret", "token", "--secret", "new_password"]
    answers = iter([b"not-a-real-token\n", f"{PASSWORD}\n".encode(), f"{PASSWORD}\n".encode()])
    outer, inner = os.openpty()
    with subprocess.Popen(
        [CALLSHEET, "api", *args], env=hand.environ, stdin=inner, stdout=inner, stderr=inner, start_new_session=True
    ) as process:
        os.close(inner)
        seen = b""
        while piece := shown(outer):
            seen += piece
            if seen.endswith(b": ") and (answer := next(answers, None)):
                os.write(outer, answer)
        process.kill()
    os.close(outer)
    assert b"Not Found" in seen
    assert [seen.count(word) for word in (b"token:", b"new_password:", b"not-a-real")] == [1, 1, 0]


def shown(terminal: int) -> bytes:
    """What a terminal shows next; nothing once everybody has hung up, or nobody says anything."""
    with contextlib.suppress(OSError):
        if select.select([terminal], [], [], 30)[0]:
            return os.read(terminal, 4096)
    return b""


NAMES = {
    True: "password new_password currentPassword passwd pass_phrase client_secret secret key api_key apiKey token "
    "private-key access_token refreshToken session_token jwt",
    False: "name prefix share_token token_type publishable_key max_tokens keyframe code status has_key keys",
}


@pytest.mark.parametrize(("expected", "name"), [(yes, name) for yes, names in NAMES.items() for name in names.split()])
def test_a_secret_is_known_by_its_name(expected: bool, name: str) -> None:
    assert secret(name) is expected
