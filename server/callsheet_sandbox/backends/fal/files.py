"""fal's uploads: a signed address to PUT to, or a token and one POST; both give a public link."""

import json
import re
import secrets
from datetime import UTC, datetime
from typing import Literal

from pydantic import Field, ValidationError
from starlette.responses import JSONResponse, Response

from callsheet_sandbox.backends.fal.hooks import jwks
from callsheet_sandbox.backends.fal.words import BACKEND, no
from callsheet_sandbox.desk import Body, Call, Desk, Reply, problem

TOKEN_SECONDS = 3600.0
LIVES = re.compile(r"1h|1d|7d|30d|1y")


class Initiate(Body):
    """`POST /storage/upload/initiate`."""

    file_name: str = Field(min_length=1)
    content_type: str = Field(min_length=1)


class Nothing(Body):
    """An empty object."""


class Life(Body):
    """The lifecycle header's JSON."""

    expiration_duration_seconds: int = Field(ge=1)
    initial_acl: dict[str, object] | None = None


class Files:
    """The routes of rest.fal.ai and v3.fal.media."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        kinds = ("storage_type",)
        desk.take("POST", "/storage/upload/initiate", Initiate, self.initiate, query=kinds)
        desk.on("PUT", "/storage/upload/{name}", self.put, query=("signature",), public=True)
        desk.take("POST", "/storage/auth/token", Nothing, self.token, query=kinds)
        desk.on("POST", "/files/upload", self.upload, public=True)
        desk.on("GET", "/.well-known/jwks.json", self.keys, public=True)

    def _kind(self, call: Call[Initiate] | Call[Nothing], known: tuple[str, ...]) -> None:
        kind: str | Literal[""] = call.request.query_params.get("storage_type", "")
        if kind not in known:
            raise self.desk.invalid([problem(["query", "storage_type"], f"Input should be one of {', '.join(known)}")])
        for header in ("x-fal-object-lifecycle", "x-fal-object-lifecycle-preference"):
            try:
                Life.model_validate(json.loads(call.request.headers.get(header, '{"expiration_duration_seconds": 1}')))
            except (ValidationError, ValueError) as error:
                raise self.desk.invalid([problem(["header", header], str(error))]) from error

    async def initiate(self, call: Call[Initiate]) -> Reply:
        """Two addresses: one to put the bytes to, without a key, and one that will hold them."""
        self._kind(call, ("fal-cdn-v3", "gcs"))
        suffix = re.search(r"\.\w{1,8}$", call.body.file_name)
        name, signature = f"{secrets.token_urlsafe(16)}{suffix[0] if suffix else ''}", secrets.token_urlsafe(16)
        self.box.records.add(BACKEND, call.owner, "upload", {"name": name, "signature": signature})
        base = str(call.request.base_url).rstrip("/")
        return {"upload_url": f"{base}/storage/upload/{name}?signature={signature}", "file_url": call.link(name)}

    async def put(self, call: Call[None]) -> Reply:
        """The bytes; a key does not belong here."""
        said = (call.word("name"), call.request.query_params.get("signature"))
        rows = self.box.records.all(BACKEND, "upload")
        row = next((row for row in rows if (row["name"], row["signature"]) == said), None)
        if row is None:
            raise no(403, "The signature does not match")
        self.box.put(await call.request.body(), "", backend=BACKEND, owner=row["owner"], name=row["name"])
        return Response(status_code=200)

    async def token(self, call: Call[Nothing]) -> Reply:
        """A token for the CDN."""
        self._kind(call, ("fal-cdn-v3",))
        token = secrets.token_urlsafe(24)
        ends = self.box.clock() + TOKEN_SECONDS
        self.box.records.add(BACKEND, call.owner, "token", {"token": token, "ends": ends})
        return {
            **{"token": token, "token_type": "Bearer", "base_url": str(call.request.base_url).rstrip("/")},
            "expires_at": datetime.fromtimestamp(ends, UTC).isoformat(),
        }

    async def upload(self, call: Call[None]) -> Reply:
        """The bytes in one go."""
        scheme, _, token = call.request.headers.get("authorization", "").partition(" ")
        rows = self.box.records.all(BACKEND, "token")
        row = next((row for row in rows if row["token"] == token and row["ends"] > self.box.clock()), None)
        if row is None or scheme != "Bearer":
            raise no(401, "The token is not one of ours")
        suffix = re.search(r"\.\w{1,8}$", call.request.headers.get("x-fal-file-name", ""))
        data = await call.request.body()
        name = self.box.put(data, suffix[0] if suffix else "", backend=BACKEND, owner=row["owner"])
        return JSONResponse({"access_url": call.link(name)})

    async def keys(self, call: Call[None]) -> Reply:
        """The keys that webhooks are signed with."""
        return jwks()
