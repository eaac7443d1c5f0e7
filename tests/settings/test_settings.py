"""Settings: who may set what, which key goes where, and that no secret is ever shown."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from callsheet.errors import RequestError
from callsheet.settings.settings import LIMITS, Settings
from tests.conftest import KEY, House, Stranger, told
from tests.conftest import text as text_of
from tests.ours import BACKENDS

MakeHouse = Callable[..., House]

BASES = {
    variable.name: backend.base.name
    for backend in BACKENDS
    for variable in backend.every_variable()
    if backend.base and variable.sent
}
"""Which base each key is sent to."""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An owner's CALLSHEET_HOME."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def load(home: Path, env_file: Path | None = None, /, **environ: str) -> Settings:
    return Settings.load(env_file, {"CALLSHEET_HOME": str(home)} | environ)


def secret_for(name: str, secret: str) -> str:
    """A secret as the variable of that name wants it."""
    return f"elevenlabs:{secret}" if name == "PH0NY_PROVIDER_KEYS" else secret


def test_a_file_in_the_working_directory_is_never_read(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home.parent / ".env").write_text("PHAYA_API_KEY=pk_hostile\nPHAYA_BASE=http://hostile.example/api/v1\n")
    monkeypatch.chdir(home.parent)
    for settings in (load(home), load(home, PHAYA_API_KEY=KEY)):
        assert settings.base("phaya") == "https://api.phaya.io/api/v1"
    assert load(home).key("phaya") is None


def test_the_home_folder_and_an_explicit_file_are_read_and_the_environment_beats_both(home: Path) -> None:
    (home / ".env").write_text("PHAYA_API_KEY=pk_home\nCALLSHEET_WAIT=10\nCALLSHEET_TOOLSETS=core,edit\n")
    named = home.parent / "my.env"
    named.write_text("CALLSHEET_WAIT=20\nCALLSHEET_SANDBOX=never\n")
    settings = load(home, named, CALLSHEET_SANDBOX="always")
    assert (settings.wait, settings.sandbox, settings.toolsets) == (20, "always", ("core", "edit"))
    assert settings.key("phaya") is not None


@pytest.mark.parametrize(("key", "base"), BASES.items())
def test_a_file_cannot_redirect_the_base_of_a_key_from_the_environment(home: Path, key: str, base: str) -> None:
    (home / ".env").write_text(f"{base}=http://hostile.example\n")
    named = home.parent / "my.env"
    named.write_text(f"{base}=http://also-hostile.example\n")
    assert "hostile" in str(load(home).of(base)), "where the key is not from the environment, a file may"
    for env_file in (None, named):
        assert "hostile" not in str(load(home, env_file, **{key: secret_for(key, KEY)}).of(base))
    chosen = load(home, named, **{key: secret_for(key, KEY), base: "http://chosen.example"})
    assert "chosen" in str(chosen.of(base))


@pytest.mark.parametrize("file", [".env", "limits"])
def test_limits_in_the_home_folder_beat_the_environment(home: Path, file: str) -> None:
    (home / file).write_text(
        "CALLSHEET_ASK=always\nCALLSHEET_ASK_ABOVE=1\nCALLSHEET_MAX_PER_JOB=2\nCALLSHEET_MAX_PER_DAY=3\n"
        "CALLSHEET_UNPRICED=refuse\n"
    )
    loose = {"CALLSHEET_ASK": "never", "CALLSHEET_UNPRICED": "allow"}
    loose |= {name: "1000000" for name in LIMITS if name not in loose}
    settings = load(home, **loose)
    assert (settings.ask, settings.unpriced) == ("always", "refuse")
    caps = (settings.ask_above, settings.max_per_job, settings.max_per_day)
    assert [int(cap.of("phaya") or 0) for cap in caps] == [1, 2, 3]


def test_a_limit_is_one_number_or_one_for_each_backend_and_the_rest_keeps_its_default(home: Path) -> None:
    settings = load(home, CALLSHEET_MAX_PER_DAY="phaya=7", CALLSHEET_ASK_ABOVE="9", CALLSHEET_MAX_PER_JOB="ph0ny=4")
    assert [settings.max_per_day.of(name) for name in ("phaya", "ph0ny")] == [7, 2500]
    assert [settings.ask_above.of(name) for name in ("phaya", "ph0ny")] == [9, 9]
    assert [settings.max_per_job.of(name) for name in ("phaya", "ph0ny")] == [None, 4]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CALLSHEET_MAX_PER_DAY", "phaya=lots"),
        ("CALLSHEET_MAX_PER_DAY", "-1"),
        ("CALLSHEET_MAX_PER_JOB", "nan"),
        ("CALLSHEET_ASK", "sometimes"),
        ("CALLSHEET_UNPRICED", "yes"),
        ("CALLSHEET_WAIT", "soon"),
        ("CALLSHEET_SANDBOX", "maybe"),
    ],
)
def test_a_setting_that_cannot_be_read_is_named_and_nothing_starts(home: Path, name: str, value: str) -> None:
    with pytest.raises(RequestError, match=name):
        load(home, **{name: value})


def test_without_any_key_everything_is_the_sandbox_and_with_one_nothing_is(home: Path) -> None:
    assert load(home).sandboxed("phaya")
    assert not load(home, PHAYA_API_KEY=KEY).sandboxed("phaya")
    assert not load(home, PHAYA_API_KEY=KEY).sandboxed("ph0ny")
    assert load(home, PHAYA_API_KEY=KEY, CALLSHEET_SANDBOX="always").sandboxed("phaya")
    assert not load(home, CALLSHEET_SANDBOX="never").sandboxed("phaya")
    assert load(home, PHAYA_API_KEY="").sandboxed("phaya")


def test_no_secret_is_in_the_repr_of_the_settings(home: Path) -> None:
    secret = "sk_do_not_show_me"
    url = f"postgresql://owner:{secret}@db.example/ledger"
    keys = {name: secret_for(name, secret) for name in BASES}
    settings = load(home, **keys, CALLSHEET_DATABASE_URL=url)
    assert secret not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_no_secret_is_in_the_message_about_a_setting(home: Path) -> None:
    secret = "sk_do_not_show_me"
    with pytest.raises(RequestError) as caught:
        load(home, PHAYA_API_KEY=secret, CALLSHEET_WAIT="soon")
    assert secret not in str(caught.value)


@pytest.mark.anyio
async def test_a_backend_that_repeats_the_key_does_not_get_it_shown_logged_or_written_down(
    house: MakeHouse, caplog: pytest.LogCaptureFixture
) -> None:
    echo: dict[str, Any] = {"detail": f"Bad request with Authorization: Bearer {KEY}"}
    phaya, home = Stranger({"POST /text-to-image/generate": JSONResponse(echo, 422)}), house()
    phaya.answers["GET /user/profile"] = JSONResponse(echo, 401)
    with caplog.at_level(logging.DEBUG):
        async with home.client(phaya) as client:
            result = await client.call_tool("generate_image", {"prompt": "a fox", "model": "z-image"})
            credits = await client.call_tool("get_credits", {"backend": "phaya", "detail": True})
            jobs = await client.call_tool("list_jobs", {})
    assert told(result)["status"] == "failed"
    assert credits.is_error
    shown = [text_of(result), json.dumps(told(result)), text_of(credits), text_of(jobs), caplog.text]
    written = [path.read_bytes() for path in (home.folder / "home").rglob("*") if path.is_file()]
    assert KEY not in " ".join(shown)
    assert KEY.encode() not in b" ".join(written)
    assert phaya.headers["POST /text-to-image/generate"] == [f"Bearer {KEY}"]


@pytest.mark.anyio
async def test_a_backend_without_a_key_says_which_variable_is_missing(house: MakeHouse) -> None:
    async with house().client(CALLSHEET_SANDBOX="never") as client:
        result = await client.call_tool("generate_image", {"prompt": "a fox", "model": "phaya/z-image"})
    assert result.is_error
    assert "PHAYA_API_KEY is not set" in text_of(result)
    assert "CALLSHEET_SANDBOX" in text_of(result)


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made_is_said_and_not_a_crash(house: MakeHouse, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    async with house().client(CALLSHEET_HOME=str(tmp_path / "file" / "home")) as client:
        result = await client.call_tool("list_jobs", {})
    assert result.is_error
    assert "cannot be made" in text_of(result)
