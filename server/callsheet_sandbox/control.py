"""The sandbox's own routes, outside every vendor's API: what was asked, who has what, how fast time goes.

* `GET /_sandbox/log?backend=&limit=`    every request: method, route template, status, whether the body was valid
* `GET /_sandbox/accounts`               every account and its balance
* `POST /_sandbox/credits`               `{"backend", "key", "credits"}` sets a balance
* `POST /_sandbox/pace`                  `{"pace": "seconds"|"looks", "looks", "speed"}`, for jobs still running too
* `GET /storage/v1/object/public/sandbox/{name}`   stored files and results, which are public as the vendors' are
"""

import logging
from dataclasses import asdict
from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from callsheet_sandbox.accounts import owner_of
from callsheet_sandbox.box import STORAGE, Box, mime_of
from callsheet_sandbox.jobs import Pace


class Credits(BaseModel):
    """Set the balance of a key's account."""

    model_config = ConfigDict(extra="forbid")
    backend: str
    key: str
    credits: Decimal


class SetPace(BaseModel):
    """Set how jobs move on."""

    model_config = ConfigDict(extra="forbid")
    pace: Literal["seconds", "looks"] = "seconds"
    looks: int = 1
    speed: float = 1.0


def control(box: Box) -> Starlette:
    """The app that answers these routes."""

    async def log(request: Request) -> Response:
        said = request.query_params
        entries = box.log.entries(said.get("backend"), int(said.get("limit", 1000)))
        return JSONResponse({"requests": [asdict(entry) for entry in entries]})

    async def accounts(request: Request) -> Response:
        return JSONResponse({"accounts": box.accounts.all()})

    async def credits(request: Request) -> Response:
        said = Credits.model_validate_json(await request.body())
        box.accounts.set(said.backend, owner_of(said.key), said.credits)
        return JSONResponse({"success": True})

    async def pace(request: Request) -> Response:
        said = SetPace.model_validate_json(await request.body())
        box.jobs.set_pace(Pace(said.pace, said.looks, said.speed))
        return JSONResponse({"success": True})

    async def stored(request: Request) -> Response:
        return await file(box, request.path_params["name"])

    async def wrong(request: Request, error: Exception) -> Response:
        return JSONResponse({"detail": str(error)}, 422)

    return Starlette(
        routes=[
            Route("/_sandbox/log", log),
            Route("/_sandbox/accounts", accounts),
            Route("/_sandbox/credits", credits, methods=["POST"]),
            Route("/_sandbox/pace", pace, methods=["POST"]),
            Route(STORAGE + "{name:path}", stored),
        ],
        exception_handlers={ValidationError: wrong},
    )


async def file(box: Box, name: str) -> Response:
    """Serve a stored file, which is made now if its job is done and nobody asked before."""
    try:
        place = await box.path(name)
    except Exception as error:
        logging.getLogger("callsheet_sandbox").exception("making %s", name)
        return JSONResponse({"error": "internal", "message": f"The sandbox could not make this: {error}"}, 500)
    if place is None:
        return JSONResponse({"error": "not_found", "message": "Object not found"}, 404)
    return FileResponse(place, media_type=mime_of(name))
