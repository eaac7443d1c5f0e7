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
from callsheet.settings.backends import Backends, Variable, load
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
LIMITED = ("ask_above", "max_per_job", "max_per_day", "rate")
"""Limits that are one number or one for each backend, which declares what is usual."""


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


def chosen(named: object) -> object:
    """The backends of these names."""
    return load(named) if isinstance(named, str) else named


def variable(name: str, description: str, default: Any = None, **more: Any) -> Any:
    """A setting: its variable and what it means."""
    return Field(default=default, validation_alias=name, description=description, **more)


class Settings(BaseModel):
    """All that the environment decides. Every field documents one variable."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, arbitrary_types_allowed=True)

    backends: Annotated[Backends, BeforeValidator(chosen)] = variable(
        "CALLSHEET_BACKENDS",
        "which backends are loaded, by name; `builtin` stands for ours, anybody else's is loaded only if it is named",
        "",
        validate_default=True,
        repr=False,
        exclude=True,
    )
    said: Mapping[str, Any] = Field(default_factory=dict)
    """The variables that the backends declare, read."""
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
        "CALLSHEET_ASK_ABOVE", "a person is asked above this many credits", "", validate_default=True
    )
    ask: Literal["above", "always", "never"] = variable(
        "CALLSHEET_ASK", "when a person is asked: `above` the limit, `always`, `never` (the caps still hold)", "above"
    )
    max_per_job: PerBackend = variable(
        "CALLSHEET_MAX_PER_JOB", "hard cap on one job, in credits", "", validate_default=True
    )
    max_per_day: PerBackend = variable(
        "CALLSHEET_MAX_PER_DAY", "hard cap on one day (UTC), in credits", "", validate_default=True
    )
    unpriced: Literal["ask", "allow", "refuse"] = variable(
        "CALLSHEET_UNPRICED", "what happens where nobody publishes a price: `ask`, `allow` or `refuse`", "ask"
    )
    worth: PerBackend = variable(
        "CALLSHEET_WORTH",
        "what a backend's unit is worth in US dollars, where you paid another price than the published one: "
        "`one=0.03,…`",
        "",
        validate_default=True,
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

    @field_validator(*LIMITED, mode="before")
    @classmethod
    def _merged(cls, text: object, info: ValidationInfo) -> object:
        """Pairs that are not named keep their default; a bare number stands for every backend."""
        if not isinstance(text, str):
            return text
        given, name = limits(text), str(info.field_name)
        usual = (
            f"{cls.model_fields[name].default},{info.data['backends'].default(name) if 'backends' in info.data else ''}"
        )
        return given if "*" in given else PerBackend(limits(usual) | given)

    @field_validator("worth", mode="before")
    @classmethod
    def _each(cls, text: object) -> object:
        """One number cannot be the worth of every backend's unit."""
        given = limits(text) if isinstance(text, str) else text
        if isinstance(given, PerBackend) and "*" in given:
            raise ValueError("say for which backend: `one=0.03,another=0.01`")
        return given

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
        backends = load(values.get("CALLSHEET_BACKENDS", ""))
        for backend in backends:
            sent = [variable.name for variable in backend.every_variable() if variable.sent]
            if backend.base and any(env.get(name) for name in sent) and not env.get(backend.base.name):
                values.pop(backend.base.name, None)
        said, wrong = read(backends, values)
        try:
            settings = cls.model_validate(values | {"backends": backends, "said": said})
        except ValidationError as error:
            wrong += [f"`{e['loc'][0]}`: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        if wrong:
            raise RequestError(f"A setting cannot be read. {'; '.join(wrong)}")
        return settings

    def of(self, variable: str) -> Any:
        """What was said in a backend's own variable, or its default."""
        return self.said.get(variable)

    def key(self, backend: str) -> SecretStr | None:
        """The key for a backend, if one is set."""
        variable = self.backends[backend].key
        found: SecretStr | None = self.of(variable.name) if variable else None
        return found

    def base(self, backend: str) -> str:
        """The address of a backend, without a slash at its end."""
        variable = self.backends[backend].base
        return str(self.of(variable.name)).rstrip("/") if variable else ""

    def sandboxed(self, backend: str) -> bool:
        """Whether this backend is the sandbox's: always, or because no key at all is set."""
        if self.backends[backend].key is None:
            return False
        no_key = all(self.key(name) is None for name in self.backends.names)
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


def read(backends: Backends, values: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The variables that backends declare, each as it is read; and what is wrong with those that cannot be."""
    said: dict[str, Any] = {}
    wrong = []
    for variable in (variable for backend in backends for variable in backend.every_variable()):
        text = values.get(variable.name) or variable.default
        try:
            said[variable.name] = variable.read(text) if text else None
        except ValueError as error:
            wrong.append(f"`{variable.name}`: {error}")
    return said, wrong


def documented(backends: Backends) -> list[Variable]:
    """Every variable there is with these backends, as people are told of it."""

    def default(name: str, value: Any) -> str:
        if isinstance(value, tuple):
            return ",".join(map(str, value))
        usual = backends.default(name) if name in LIMITED else ""
        return ",".join(filter(None, (f"{value:g}" if isinstance(value, float) else str(value or ""), usual)))

    own = [
        Variable(str(field.validation_alias), str(field.description), default(name, field.default))
        for name, field in Settings.model_fields.items()
        if field.validation_alias
    ]
    return [*(variable for backend in backends for variable in backend.every_variable()), *own]


def read_file(path: Path) -> dict[str, str]:
    """A dotenv file as a dictionary, without looking anything up in the environment; empty if there is none."""
    if not path.is_file():
        return {}
    return {name: value for name, value in dotenv_values(path, interpolate=False).items() if value}
