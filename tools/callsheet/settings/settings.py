"""Everything that can be set, read once at the edge into one frozen object."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from dotenv import dotenv_values
from platformdirs import user_data_path
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from callsheet.errors import RequestError
from callsheet.settings.callers import Callers, Tokens, callers, tokens
from callsheet.settings.limits import PerBackend, limits

LIMITS = (
    "CALLSHEET_ASK",
    "CALLSHEET_ASK_ABOVE",
    "CALLSHEET_MAX_PER_JOB",
    "CALLSHEET_MAX_PER_DAY",
    "CALLSHEET_UNPRICED",
)
"""Set in CALLSHEET_HOME these beat the environment, so that whoever starts the server cannot raise them."""


class ProviderKeys(dict[str, SecretStr]):
    """Keys of other providers that travel through a backend, by name; `fish-audio` and `FishAudio` are one."""

    def of(self, provider: str) -> SecretStr | None:
        """The key of this provider; None where none is set."""
        return self.get(provider.replace("-", "").replace("_", "").lower())


def provider_keys(text: object) -> object:
    """Read `elevenlabs:key,heygen:key`; what is wrong is said without showing a key."""
    if not isinstance(text, str):
        return text
    given = ProviderKeys()
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, found, key = (word.strip() for word in part.partition(":"))
        if not (name and found and key):
            raise ValueError("it must be provider:key pairs, separated by commas")
        given[name.replace("-", "").replace("_", "").lower()] = SecretStr(key)
    return given


def words(text: object) -> object:
    """A comma-separated list as a tuple."""
    return tuple(word.strip() for word in text.split(",") if word.strip()) if isinstance(text, str) else text


def folders(text: object) -> object:
    """Folders separated as PATH is on this system, or by commas."""
    if not isinstance(text, str):
        return text
    parts = text.replace(",", os.pathsep).split(os.pathsep)
    return tuple(Path(part.strip()).expanduser() for part in parts if part.strip())


def home_folder() -> Path:
    """Where the ledger lives unless CALLSHEET_HOME says otherwise."""
    return user_data_path("callsheet", appauthor=False)


Words = Annotated[tuple[str, ...], BeforeValidator(words)]
Folders = Annotated[tuple[Path, ...], BeforeValidator(folders)]
Folder = Annotated[Path, BeforeValidator(lambda text: Path(text).expanduser().absolute())]


def variable(name: str, description: str, default: Any = None, **more: Any) -> Any:
    """A setting: its variable and what it means."""
    return Field(default=default, validation_alias=name, description=description, **more)


class Settings(BaseModel):
    """All that the environment decides. Every field documents one variable."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, arbitrary_types_allowed=True)

    phaya_key: SecretStr | None = variable("PHAYA_API_KEY", "key for Phaya")
    phaya_base: str = variable("PHAYA_BASE", "Phaya's address, with its path", "https://api.phaya.io/api/v1")
    progressive_robot_key: SecretStr | None = variable("PROGRESSIVE_ROBOT_API_KEY", "key for Progressive Robot Video")
    progressive_robot_base: str = variable(
        "PROGRESSIVE_ROBOT_BASE", "Progressive Robot Video's address", "https://video.progressiverobot.com"
    )

    ph0ny_key: SecretStr | None = variable("PH0NY_API_KEY", "key for ph0ny")
    ph0ny_base: str = variable("PH0NY_BASE", "ph0ny's address", "https://api.ph0ny.com")
    ph0ny_webhook_secret: SecretStr | None = variable("PH0NY_WEBHOOK_SECRET", "what ph0ny signs its webhooks with")
    ph0ny_provider_keys: ProviderKeys = variable(
        "PH0NY_PROVIDER_KEYS", "your own keys for engines behind ph0ny, `elevenlabs:…,heygen:…`", ProviderKeys()
    )
    phantaisia_key: SecretStr | None = variable("PHANTAISIA_TOKEN", "token for Phantaisia")
    phantaisia_base: str = variable("PHANTAISIA_BASE", "Phantaisia's address", "https://api.phantaisia.com")

    home: Folder = variable("CALLSHEET_HOME", "folder of the ledger and the settings", None)
    output_dir: Folder = variable(
        "CALLSHEET_OUTPUT_DIR", "folder in which media are stored", "~/Callsheet", validate_default=True
    )
    input_dirs: Folders = variable(
        "CALLSHEET_INPUT_DIRS", "folders from which local files may be read, besides the output folder", ()
    )
    toolsets: Words = variable("CALLSHEET_TOOLSETS", "toolsets shown to the agent", ("core",))
    sandbox: Literal["auto", "always", "never"] = variable(
        "CALLSHEET_SANDBOX", "`auto`: the sandbox when no key at all is set; `always`; `never`", "auto"
    )
    ask_above: PerBackend = variable(
        "CALLSHEET_ASK_ABOVE",
        "a person is asked above this many credits",
        "phaya=5,phantaisia=2,progressive-robot=15,ph0ny=200",
        validate_default=True,
    )
    ask: Literal["above", "always", "never"] = variable(
        "CALLSHEET_ASK", "when a person is asked: `above` the limit, `always`, `never` (the caps still hold)", "above"
    )
    max_per_job: PerBackend = variable(
        "CALLSHEET_MAX_PER_JOB", "hard cap on one job, in credits", "", validate_default=True
    )
    max_per_day: PerBackend = variable(
        "CALLSHEET_MAX_PER_DAY",
        "hard cap on one day (UTC), in credits",
        "phaya=100,phantaisia=100,progressive-robot=500,ph0ny=2500",
        validate_default=True,
    )
    unpriced: Literal["ask", "allow", "refuse"] = variable(
        "CALLSHEET_UNPRICED", "what happens where nobody publishes a price: `ask`, `allow` or `refuse`", "ask"
    )
    rate: PerBackend = variable("CALLSHEET_RATE", "requests a minute per backend", "60", validate_default=True)
    media_hosts: Words = variable(
        "CALLSHEET_MEDIA_HOSTS", "further hosts (`host` or `host:port`) from which results may be fetched", ()
    )
    public_url: str | None = variable(
        "CALLSHEET_PUBLIC_URL",
        "where others reach `callsheet serve --http`: backends for webhooks, people for links to files",
        pattern="^https?://[^/]",
    )
    http_tokens: Annotated[Tokens, BeforeValidator(tokens)] = variable(
        "CALLSHEET_HTTP_TOKENS", "who may come in over HTTP, each with a bearer token: `anna:…,ben:…`", Tokens()
    )
    http_callers: Annotated[Callers, BeforeValidator(callers)] = variable(
        "CALLSHEET_HTTP_CALLERS", "file of what each caller may; default: `callers.toml` in CALLSHEET_HOME", Callers()
    )
    http_hosts: Words = variable(
        "CALLSHEET_HTTP_HOSTS",
        "further names by which clients may call the HTTP server",
        (),
    )
    oauth_issuer: str | None = variable(
        "CALLSHEET_OAUTH_ISSUER",
        "OAuth issuer whose access tokens let callers in over HTTP",
        pattern=r"^(https://[^/]|http://(localhost|127\.0\.0\.1)(:\d+)?(/|$))",
    )
    oauth_audience: str | None = variable(
        "CALLSHEET_OAUTH_AUDIENCE", "for whom those tokens must be; default: CALLSHEET_PUBLIC_URL with `/mcp`"
    )
    secret: SecretStr | None = variable(
        "CALLSHEET_SECRET",
        "what links to files and open questions are signed with, the same on all replicas; default: made once",
        min_length=32,
    )
    wait: float = variable("CALLSHEET_WAIT", "seconds a tool waits before it hands back a job id", 45.0, ge=0, le=3600)
    log_level: Literal["debug", "info", "warning", "error"] = variable(
        "CALLSHEET_LOG_LEVEL", "what the server logs: `debug`, `info`, `warning` or `error`", "warning"
    )
    database_url: SecretStr | None = variable(
        "CALLSHEET_DATABASE_URL", "`sqlite:///…`; default: a file in CALLSHEET_HOME"
    )

    @field_validator("ask_above", "max_per_job", "max_per_day", "rate", mode="before")
    @classmethod
    def _merged(cls, text: object, info: ValidationInfo) -> object:
        """Pairs that are not named keep their default; a bare number stands for every backend."""
        if not isinstance(text, str):
            return text
        given = limits(text)
        known = limits(str(cls.model_fields[str(info.field_name)].default))
        return given if "*" in given else PerBackend(known | given)

    @field_validator("ph0ny_provider_keys", mode="before")
    @classmethod
    def _keys(cls, text: object) -> object:
        return provider_keys(text)

    @classmethod
    def load(cls, env_file: Path | None = None, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment, then CALLSHEET_HOME's `.env` and `limits`, then an explicit file.

        The working directory is never read: a hostile repository could point a base at itself there and be sent the
        key. For the same reason a file cannot redirect a base whose key came from the environment.
        """
        env = dict(os.environ if environ is None else environ)
        if env_file and not env_file.is_file():
            raise RequestError(f"--env-file {env_file}: there is no such file.")
        said = read_file(env_file) if env_file else {}
        home = Path(env.get("CALLSHEET_HOME") or said.get("CALLSHEET_HOME") or home_folder()).expanduser().absolute()
        caps = read_file(home / "limits")
        if strange := [name for name in caps if name not in LIMITS]:
            raise RequestError(f"{home / 'limits'}: `{strange[0]}` is no limit. There are {', '.join(LIMITS)}.")
        kept = read_file(home / ".env") | caps
        values = kept | said | {name: value for name, value in env.items() if value}
        values |= {name: kept[name] for name in LIMITS if name in kept} | {"CALLSHEET_HOME": str(home)}
        if (home / "callers.toml").is_file():
            values.setdefault("CALLSHEET_HTTP_CALLERS", str(home / "callers.toml"))
        for key, base in BASES.items():
            if env.get(key) and not env.get(base):
                values.pop(base, None)
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            wrong = "; ".join(f"`{e['loc'][0]}`: {e['msg'].removeprefix('Value error, ')}" for e in error.errors())
            raise RequestError(f"A setting cannot be read. {wrong}") from None

    def key(self, backend: str) -> SecretStr | None:
        """The key for a backend, if one is set."""
        found: SecretStr | None = getattr(self, f"{backend.replace('-', '_')}_key", None)
        return found

    def base(self, backend: str) -> str:
        """The address of a backend, without a slash at its end."""
        return str(getattr(self, f"{backend.replace('-', '_')}_base")).rstrip("/")

    def sandboxed(self, backend: str) -> bool:
        """Whether this backend is the sandbox's: always, or because no key at all is set."""
        no_key = all(getattr(self, name) is None for name in type(self).model_fields if name.endswith("_key"))
        return self.sandbox == "always" or (self.sandbox == "auto" and no_key)

    @property
    def guarded(self) -> bool:
        """Whether callers over HTTP have to show who they are."""
        return bool(self.http_tokens or self.oauth_issuer)

    @property
    def database(self) -> str:
        """Where the ledger is, as SQLAlchemy's async engine wants it."""
        url = self.database_url.get_secret_value() if self.database_url else f"sqlite:///{self.home / 'ledger.sqlite'}"
        return url.replace("sqlite:///", "sqlite+aiosqlite:///", 1)


BASES = {
    "PHAYA_API_KEY": "PHAYA_BASE",
    "PROGRESSIVE_ROBOT_API_KEY": "PROGRESSIVE_ROBOT_BASE",
    "PH0NY_API_KEY": "PH0NY_BASE",
    "PH0NY_PROVIDER_KEYS": "PH0NY_BASE",
    "PHANTAISIA_TOKEN": "PHANTAISIA_BASE",
}
"""Which base each key is sent to."""


def read_file(path: Path) -> dict[str, str]:
    """A dotenv file as a dictionary, without looking anything up in the environment; empty if there is none."""
    if not path.is_file():
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
