"""The front desk of a backend: who may come in, how often, with what body, and how a no is worded.

A backend is a `Desk` subclass that says its manners (`admits`, `unauthorized`, …) and adds routes:

    class Ph0ny(Desk):
        backend = "ph0ny"

        def __init__(self, box: Box) -> None:
            super().__init__(box)
            self.take("POST", "/v1/video/generate", Generate, self.generate)
            self.on("GET", "/v1/video/{id}", self.status)

        async def generate(self, call: Call[Generate]) -> Reply: ...

Each request is logged, checked for key, rate, query and body in that order, and then answered.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from callsheet_sandbox.accounts import Short, owner_of
from callsheet_sandbox.box import STORAGE, Box

Reply: TypeAlias = "Response | dict[str, Any] | list[Any]"
Problem: TypeAlias = dict[str, Any]
"""What is wrong with one value: `loc` (a list), `msg` and `type`, as FastAPI words it."""


class Body(BaseModel):
    """A request body: nothing is coerced and unknown fields are refused, because that is what finds our mistakes."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)


class Refusal(Exception):
    """An answer that is not a yes; `wrong` when the request itself was not as documented."""

    def __init__(
        self, status: int, body: object, headers: Mapping[str, str] | None = None, *, wrong: bool = False
    ) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})
        self.wrong = wrong


B = TypeVar("B")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True)
class Call(Generic[B]):
    """One admitted request: whose it is, its checked body, and where it came in."""

    desk: "Desk"
    request: Request
    owner: str
    body: B

    def word(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str, default: int, least: int = 0, most: int = 1_000_000) -> int:
        """A whole number from the query."""
        said = self.request.query_params.get(name)
        if said is None:
            return default
        if not said.isascii() or not said.isdigit() or not least <= int(said) <= most:
            raise self.desk.invalid([problem(["query", name], f"Input should be an integer from {least} to {most}")])
        return int(said)

    def link(self, name: str) -> str:
        """The public address of a stored file, on the scheme, host and port this request came in by."""
        return str(self.request.base_url).rstrip("/") + STORAGE + name

    async def upload(self, field: str = "file", also: Collection[str] = ()) -> tuple[bytes, str, dict[str, str]]:
        """The one file of a multipart form, its file name, and the other fields (only those in `also` are known)."""
        async with self.request.form() as form:
            if unknown := [name for name in form if name != field and name not in also]:
                raise self.desk.invalid([problem(["body", name], "Unknown field") for name in unknown])
            part = form.get(field)
            if not isinstance(part, UploadFile):
                raise self.desk.invalid([problem(["body", field], "Field required", "missing")])
            said = {name: value for name in also if isinstance(value := form.get(name), str)}
            return await part.read(), part.filename or field, said


class Desk:
    """What every backend does alike at its door; subclasses say how they word things."""

    backend: str

    def __init__(self, box: Box) -> None:
        self.box = box
        self.routes: list[Route] = []

    # How this backend lets people in and turns them away.

    def key_of(self, request: Request) -> str:
        """The key a request brings: a bearer token, or nothing."""
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else ""

    def admits(self, key: str) -> bool:
        """Whether a key opens an account here."""
        raise NotImplementedError

    def unauthorized(self) -> Refusal:
        """No key, or not one of ours."""
        raise NotImplementedError

    def too_many(self, wait: int) -> Refusal:
        """Beyond the rate limit."""
        raise NotImplementedError

    def short(self, short: Short) -> Refusal:
        """Not enough credits."""
        raise NotImplementedError

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """The body or query is not as documented; give it `wrong=True`."""
        raise NotImplementedError

    def missing(self) -> Refusal:
        """No such route, or a method it does not take."""
        return Refusal(404, {"detail": "Not Found"})

    # Routes.

    def on(
        self,
        method: str,
        path: str,
        answer: Callable[[Call[None]], Awaitable[Reply]],
        *,
        query: Collection[str] = (),
        public: bool = False,
        scope: str = "",
    ) -> None:
        """Add a route whose body is not looked at here (none, or a form that the answer reads with `call.upload`).

        `query` names the query parameters it knows. A `public` route needs no key: its owner is that of the key if one
        came, else "". `scope` marks the request in the log, for limits of its own.
        """
        self._add(method, path, None, answer, query=query, public=public, scope=scope)

    def take(
        self,
        method: str,
        path: str,
        body: type[M],
        answer: Callable[[Call[M]], Awaitable[Reply]],
        *,
        query: Collection[str] = (),
        public: bool = False,
        scope: str = "",
    ) -> None:
        """Add a route with a JSON body of this pydantic model."""
        self._add(method, path, body, answer, query=query, public=public, scope=scope)

    def app(self) -> Starlette:
        """The ASGI app of this backend, once its routes are there."""
        return Starlette(routes=self.routes, exception_handlers={404: self._astray, 405: self._astray})

    def limit(self, entry: int, scope: str) -> None:
        """Turn a request away that comes too soon; a backend with further limits adds them here."""
        if wait := self.box.log.over(entry, self.box.rate):
            raise self.too_many(wait)

    def stamps(self, entry: int) -> dict[str, str]:
        """Headers of every answer, such as the request's id; `entry` is its number in the log."""
        return {}

    def _add(
        self,
        method: str,
        path: str,
        body: type[BaseModel] | None,
        answer: Callable[[Call[Any]], Awaitable[Reply]],
        *,
        query: Collection[str],
        public: bool,
        scope: str,
    ) -> None:
        async def endpoint(request: Request) -> Response:
            key = self.key_of(request)
            owner = owner_of(key) if self.admits(key) else ""
            entry = self.box.log.enter(self.backend, owner, method, path, scope=scope)
            valid = None
            try:
                if not owner and not public:
                    raise self.unauthorized()
                if owner:
                    self.limit(entry, scope)
                if unknown := [name for name in request.query_params if name not in query]:
                    raise self.invalid([problem(["query", name], "Unknown parameter") for name in unknown])
                said = await self.read(request, body) if body else None
                valid = True if body else None
                reply = await answer(Call(self, request, owner, said))
                response = reply if isinstance(reply, Response) else JSONResponse(reply)
            except Short as short:
                no = self.short(short)
                response = JSONResponse(no.body, no.status, no.headers)
            except Refusal as no:
                valid = False if no.wrong else valid
                response = JSONResponse(no.body, no.status, no.headers)
            except Exception as error:
                logging.getLogger("callsheet_sandbox").exception("%s %s", method, path)
                response = JSONResponse({"detail": f"The sandbox itself failed: {error!r}"}, 500)
            response.headers.update(self.stamps(entry))
            self.box.log.leave(entry, response.status_code, valid)
            return response

        self.routes.append(Route(path, endpoint, methods=[method]))

    async def read(self, request: Request, body: type[M]) -> M:
        """A JSON body, checked."""
        try:
            return body.model_validate_json(await request.body())
        except ValidationError as error:
            problems = [
                problem(["body", *found["loc"]], found["msg"], found["type"])
                for found in error.errors(include_url=False, include_context=False, include_input=False)
            ]
            raise self.invalid(problems) from error

    async def _astray(self, request: Request, error: Exception) -> Response:
        key = self.key_of(request)
        owner = owner_of(key) if self.admits(key) else ""
        status = error.status_code if isinstance(error, HTTPException) else 404
        no = self.missing()
        body = no.body if status == 404 else {"detail": "Method Not Allowed"}
        entry = self.box.log.enter(self.backend, owner, request.method, request.url.path)
        self.box.log.leave(entry, status, False)
        return JSONResponse(body, status)


def problem(loc: Sequence[str | int], msg: str, type: str = "value_error") -> Problem:
    """What is wrong with one value."""
    return {"loc": list(loc), "msg": msg, "type": type}


def number(amount: Decimal) -> float:
    """Credits as JSON has them."""
    return float(amount)
