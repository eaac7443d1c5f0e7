"""Jobs, files and the catalogue as resources, for hosts that attach by address; each has a tool that says the same.

The list of resources is short and the same for everybody: what a caller has made, list_jobs finds. The protocol reads
a resource whole; who wants a part of a file takes the path or the link that get_job gives.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp.server.mcpserver.resources import FunctionResource, Resource, ResourceTemplate

from callsheet.errors import CallsheetError, RequestError, cut
from callsheet.queries.queries import DescribeModel, ListModels
from callsheet_server.desk import Desk

LARGEST = 32 * 2**20
"""A file of more bytes is not sent as one resource."""


class File(NamedTuple):
    """What is in a file."""

    content: str | bytes
    mime_type: str


class Files(ResourceTemplate):
    """A template whose resources each have a type of their own; the SDK's have one for all."""

    async def create_resource(self, uri: str, params: dict[str, Any], context: Any) -> Resource:
        """The file at an address, read."""
        found: File = await self.fn(**params)
        return FunctionResource(uri=uri, name=self.name, mime_type=found.mime_type, fn=lambda: found.content)


def register(server: MCPServer[Any], desk: Desk) -> None:
    """Let clients read what they made, and the catalogue."""

    @server.resource("job://{job_id}", name="job", title="A job's receipt", mime_type="application/json")
    async def job(job_id: str) -> str:
        """What get_job answers: how far a job is, what it cost, where its files are."""
        with in_their_words(desk):
            studio = await desk.studio()
            return desk.outward(await studio.receipts.of(job_id, desk.caller())).model_dump_json(exclude_none=True)

    async def media(job_id: str, number: str) -> File:
        """The bytes of a stored file, the first being number 0; get_job gives a path or a link to larger ones."""
        with in_their_words(desk):
            studio = await desk.studio()
            files = await studio.ledger.results(job_id, desk.caller())
        uri, n = (
            f"media://{cut(job_id)}/{cut(number)}",
            int(number) if re.fullmatch("[0-9]{1,3}", number) else len(files),
        )
        if n >= len(files) or not (path := Path(files[n]["path"])).is_file():
            raise ResourceNotFoundError(f"There is no file {uri}.")
        if (size := path.stat().st_size) > LARGEST:
            raise ResourceError(
                f"{uri} is too large to be sent whole ({size:,} bytes; at most {LARGEST:,}). "
                f"get_job(job_id='{job_id}') gives its path or a link to it."
            )
        return await anyio.to_thread.run_sync(read, path, files[n]["mime_type"])

    files = Files.from_function(
        media, "media://{job_id}/{number}", title="A stored file", mime_type="application/octet-stream"
    )
    server._resource_manager._templates[files.uri_template] = files

    @server.resource("models://", name="models", title="The models there are", mime_type="application/json")
    def models() -> str:
        """What list_models answers: every model, with what it takes and costs."""
        from callsheet.backends import registry  # noqa: PLC0415  (with it come all models, and a server starts without)

        found = ListModels().find(registry.catalogue(desk.settings.backends))
        return json.dumps(found.as_dict(), ensure_ascii=False)

    @server.resource(
        "models://{backend}/{model}{?operation}", name="model", title="A model, whole", mime_type="application/json"
    )
    async def model(backend: str, model: str, operation: str | None = None) -> str:
        """What describe_model answers; `operation` only where one id does several things."""
        with in_their_words(desk):
            asked = DescribeModel(model=f"{backend}/{model}", operation=operation)
            return (await asked.answer(await desk.studio(), desk.caller())).model_dump_json(exclude_none=True)


@contextmanager
def in_their_words(desk: Desk) -> Iterator[None]:
    """Our errors as the protocol's: what was asked for is not there, or something is wrong here."""
    try:
        yield
    except RequestError as error:
        raise ResourceNotFoundError(desk.discreet(error.message)) from None
    except CallsheetError as error:
        raise ResourceError(desk.discreet(error.message)) from None


def read(path: Path, mime_type: str) -> File:
    """A file, as text where it is text."""
    content = path.read_bytes()
    textual = mime_type.startswith("text/") or mime_type in ("application/json", "application/x-subrip")
    return File(content.decode(errors="replace") if textual else content, mime_type)
