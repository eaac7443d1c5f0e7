"""OpenAI's files and list of models."""

import uuid
from typing import Any, Literal

from pydantic import Field
from starlette.responses import Response

from callsheet_sandbox.backends.openai.models import MODELS, Model
from callsheet_sandbox.backends.openai.words import BACKEND, no
from callsheet_sandbox.box import mime_of
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.forms import form

MOST_BYTES = 512 * 1024 * 1024


class After(Body):
    """When a file goes."""

    anchor: Literal["created_at"]
    seconds: int = Field(ge=3600, le=2_592_000)


class Keep(Body):
    """`POST /v1/files`, beside the file."""

    purpose: Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    expires_after: After | None = None


class Files:
    """The routes."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box = desk.box
        desk.on("POST", "/v1/files", self.keep)
        desk.on("GET", "/v1/files", self.all, query=("purpose", "limit", "order", "after"))
        desk.on("GET", "/v1/files/{id}", self.one)
        desk.on("GET", "/v1/files/{id}/content", self.content)
        desk.on("DELETE", "/v1/files/{id}", self.drop)
        desk.on("GET", "/v1/models", self.models)
        desk.on("GET", "/v1/models/{id}", self.model)

    async def keep(self, call: Call[None]) -> Reply:
        """Take a file."""
        said, files = await form(call, Keep, ("file",))
        if len(files.get("file", [])) != 1:
            raise no(400, "missing_required_parameter", "Missing required parameter: 'file'.", param="file", wrong=True)
        (file,) = files["file"]
        if len(file.data) > MOST_BYTES:
            raise no(413, None, "The file is larger than 512 MB.")
        name = self.box.put(file.data, "", backend=BACKEND, owner=call.owner)
        ends = self.box.clock() + said.expires_after.seconds if said.expires_after else None
        kept = {
            **{"file_id": f"file-{uuid.uuid4().hex}", "name": name, "filename": file.name, "bytes": len(file.data)},
            **{"purpose": said.purpose, "ends": ends},
        }
        return shown(self.box.records.add(BACKEND, call.owner, "file", kept))

    async def all(self, call: Call[None]) -> Reply:
        """Newest first."""
        purpose = call.request.query_params.get("purpose")
        rows = self.box.records.all(BACKEND, "file", call.owner)
        data = [shown(row) for row in reversed(rows) if purpose in (None, row["purpose"])]
        if call.request.query_params.get("order") == "asc":
            data.reverse()
        most = call.number("limit", 10_000, 1, 10_000)
        ends = {"first_id": data[0]["id"] if data else "", "last_id": data[-1]["id"] if data else ""}
        return {"object": "list", "data": data[:most], **ends, "has_more": len(data) > most}

    def _found(self, call: Call[None]) -> dict[str, Any]:
        for row in self.box.records.all(BACKEND, "file", call.owner):
            if row["file_id"] == call.word("id"):
                return row
        raise no(404, None, f"No such File object: {call.word('id')}", param="id")

    async def one(self, call: Call[None]) -> Reply:
        """What it is."""
        return shown(self._found(call))

    async def content(self, call: Call[None]) -> Reply:
        """Its bytes."""
        row = self._found(call)
        return Response(await self.box.read(row["name"]), media_type=mime_of(row["filename"]))

    async def drop(self, call: Call[None]) -> Reply:
        """Forget it."""
        row = self._found(call)
        self.box.drop(row["name"])
        self.box.records.drop(row["id"])
        return {"id": row["file_id"], "object": "file", "deleted": True}

    async def models(self, call: Call[None]) -> Reply:
        """Every model that is there, and the day it ends."""
        return {"object": "list", "data": [described(model) for model in MODELS.values()]}

    async def model(self, call: Call[None]) -> Reply:
        """One of them."""
        if call.word("id") not in MODELS:
            raise no(404, "model_not_found", f"The model '{call.word('id')}' does not exist", param="model")
        return described(MODELS[call.word("id")])


def described(model: Model) -> dict[str, Any]:
    """A row of the list."""
    ends = model.ends.isoformat() if model.ends else None
    return {"id": model.id, "object": "model", "created": 1_767_225_600, "owned_by": "system", "shutdown_date": ends}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A file as it is listed."""
    return {
        **{"id": row["file_id"], "object": "file", "bytes": row["bytes"], "created_at": int(row["at"])},
        **{"filename": row["filename"], "purpose": row["purpose"], "status": "processed"},
        **({"expires_at": int(row["ends"])} if row["ends"] else {}),
    }
