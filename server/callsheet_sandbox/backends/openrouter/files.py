"""OpenRouter's files, for chats."""

import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from callsheet_sandbox.backends.openrouter.words import BACKEND, no
from callsheet_sandbox.box import mime_of
from callsheet_sandbox.desk import Body, Call, Desk, Reply
from callsheet_sandbox.forms import form

MOST_BYTES = 100_000_000


class Nothing(Body):
    """No part but the file."""


class Files:
    """The routes."""

    def __init__(self, desk: Desk) -> None:
        self.box = desk.box
        where = ("workspace_id",)
        desk.on("POST", "/api/v1/files", self.keep, query=where)
        desk.on("GET", "/api/v1/files", self.all, query=("limit", "cursor", *where))
        desk.on("GET", "/api/v1/files/{id}", self.one, query=where)
        desk.on("GET", "/api/v1/files/{id}/content", self.content, query=where)
        desk.on("DELETE", "/api/v1/files/{id}", self.drop, query=where)

    async def keep(self, call: Call[None]) -> Reply:
        """Take one."""
        _, files = await form(call, Nothing, ("file",))
        if len(files.get("file", [])) != 1:
            raise no(400, "file: required", wrong=True)
        (file,) = files["file"]
        if len(file.data) > MOST_BYTES:
            raise no(413, "The file is larger than 100 MB")
        name = self.box.put(file.data, "", backend=BACKEND, owner=call.owner)
        kept = {"file_id": f"file-{uuid.uuid4().hex}", "name": name, "filename": file.name, "bytes": len(file.data)}
        return shown(self.box.records.add(BACKEND, call.owner, "file", kept))

    async def all(self, call: Call[None]) -> Reply:
        """Newest first."""
        data = [shown(row) for row in reversed(self.box.records.all(BACKEND, "file", call.owner))]
        ends = {"first_id": data[0]["id"] if data else None, "last_id": data[-1]["id"] if data else None}
        return {"data": data, **ends, "cursor": None, "has_more": False}

    def _found(self, call: Call[None]) -> dict[str, Any]:
        for row in self.box.records.all(BACKEND, "file", call.owner):
            if row["file_id"] == call.word("id"):
                return row
        raise no(404, "File not found")

    async def one(self, call: Call[None]) -> Reply:
        """What it is."""
        return shown(self._found(call))

    async def content(self, call: Call[None]) -> Reply:
        """Its bytes."""
        return Response(await self.box.read(self._found(call)["name"]), media_type="application/octet-stream")

    async def drop(self, call: Call[None]) -> Reply:
        """Forget it."""
        row = self._found(call)
        self.box.drop(row["name"])
        self.box.records.drop(row["id"])
        return {"id": row["file_id"], "type": "file_deleted"}


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A file as it is listed."""
    return {
        **{"id": row["file_id"], "filename": row["filename"], "mime_type": mime_of(row["filename"]), "type": "file"},
        **{"size_bytes": row["bytes"], "created_at": datetime.fromtimestamp(row["at"], UTC).isoformat()},
        "downloadable": True,
    }
