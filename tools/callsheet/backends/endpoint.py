"""The shape of a backend's own free route as a tool: a method, a path, and the words that go into it."""

from collections.abc import Mapping
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from callsheet.catalogue.consent import Question, harmless
from callsheet.catalogue.model import Input, input_of, wire
from callsheet.catalogue.query import Answer, Query
from callsheet.errors import SpendError

if TYPE_CHECKING:
    from callsheet.backends.dialect import Route
    from callsheet.backends.providers import Providers
    from callsheet.settings.settings import Settings


class Brings(Protocol):
    """A caller's inputs."""

    async def brought(self, text: str, mark: Input, backend: str) -> str:
        """An input that belongs to no job, in the form in which the backend takes it."""
        ...


class Callers(Protocol):
    """The inputs of every caller."""

    def of(self, caller: str) -> Brings:
        """One caller's."""
        ...


class Door(Protocol):
    """What an endpoint is answered with: the settings, the providers, and its caller's inputs."""

    @property
    def settings(self) -> "Settings":
        """The owner's settings."""
        ...

    @property
    def providers(self) -> "Providers":
        """Every backend."""
        ...

    @property
    def inputs(self) -> Callers:
        """What a caller may hand in."""
        ...


class Told(Answer):
    """What the backend answered, as it is; a list is under `items`."""

    model_config = ConfigDict(extra="allow")


class Endpoint(Query):
    """One route. Words named in the path go there, the others into the query or the body; media as files or by name."""

    answers: ClassVar[type[BaseModel]] = Told
    account_wide: ClassVar[bool] = True
    backend: ClassVar[str]
    method: ClassVar[str] = "GET"
    path: ClassVar[str]

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """What is not a GET changes something, and a DELETE destroys it, unless the class says otherwise."""
        for name, meant in (("changes", cls.method != "GET"), ("destroys", cls.method == "DELETE")):
            if name not in vars(cls):
                setattr(cls, name, meant)

    @classmethod
    def media(cls) -> dict[str, Input]:
        """The words that refer to media."""
        return {name: mark for name, field in cls.model_fields.items() if (mark := input_of(field))}

    async def question(self, studio: Door, caller: str) -> Question | None:
        if not self.destroys or studio.settings.ask == "never":
            return None
        said = ", ".join(f"{name} {harmless(str(value))}" for name, value in self.model_dump(exclude_none=True).items())
        return Question("", f"{self.name} at {self.backend}: {said}. This is hard to undo. Do it?")

    async def answer(self, studio: Door, caller: str) -> Told:
        if self._yes is None and await self.question(studio, caller):
            raise SpendError(
                f"{self.name} is hard to undo and needs a person's yes, which this client cannot ask for. The user can "
                f"run `callsheet api {self.backend} {self.method} {self.route({}).path}`, or set CALLSHEET_ASK=never."
            )
        provider = studio.providers.at(self.backend)
        said = {name: mark for name, mark in self.media().items() if getattr(self, name) is not None}
        inputs = studio.inputs.of(caller)
        ready = {name: await inputs.brought(getattr(self, name), mark, self.backend) for name, mark in said.items()}
        route = self.route(ready)
        body = (await (provider.once(route) if self.changes else provider.call(route))).body
        return Told(**body) if isinstance(body, dict) else Told(**({} if body is None else {"items": body}))

    def route(self, ready: Mapping[str, str]) -> "Route":
        """The request, given its media as the backend can have them."""
        from callsheet.backends.dialect import Route, part  # noqa: PLC0415  (with it comes the whole catalogue)

        said = self.model_dump(mode="json", exclude_none=True) | dict(ready)
        places = {name for _, name, _, _ in Formatter().parse(self.path) if name}
        path = self.path.format(**{name: part(str(said.pop(name))) for name in places})
        named = {wire(name, type(self).model_fields[name]): value for name, value in said.items()}
        if any(mark.by == "file" for mark in self.media().values()):
            return Route(self.method, path, files={name: Path(file) for name, file in named.items()})
        if self.method == "GET":
            return Route("GET", path, query=named or None)
        return Route(self.method, path, named if type(self).model_fields.keys() - places else None)
