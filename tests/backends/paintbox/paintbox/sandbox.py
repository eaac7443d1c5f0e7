"""Paintbox in a box: it remembers its jobs for as long as it lives."""

import io
import secrets
from pathlib import Path

import httpx2
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PRICE = 2


def transport(folder: Path | None = None) -> httpx2.AsyncBaseTransport:
    """The way to it."""
    jobs: dict[str, str] = {}
    credits = {"left": 100}

    async def create(request: Request) -> Response:
        said = await request.json()
        if said.keys() - {"prompt", "shape"} or not isinstance(said.get("prompt"), str):
            return JSONResponse({"detail": "prompt and shape, nothing else"}, 422)
        credits["left"] -= PRICE
        name = secrets.token_hex(6)
        jobs[name] = "painting"
        return JSONResponse({"id": name, "credits_used": PRICE})

    async def picture(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in jobs:
            return JSONResponse({"detail": "no such picture"}, 404)
        if request.method == "DELETE":
            jobs[name] = "cancelled"
            credits["left"] += PRICE
            return JSONResponse({"success": True})
        word, jobs[name] = jobs[name], "done" if jobs[name] == "painting" else jobs[name]
        link = f"{request.base_url}files/{name}.png"
        return JSONResponse({"id": name, "status": word} | ({"image_url": link} if word == "done" else {}))

    async def balance(request: Request) -> Response:
        return JSONResponse({"credits": credits["left"]})

    async def file(request: Request) -> Response:
        held = io.BytesIO()
        Image.new("RGB", (64, 64), "teal").save(held, "PNG")
        return Response(held.getvalue(), media_type="image/png")

    routes = [
        Route("/pictures", create, methods=["POST"]),
        Route("/pictures/{name}", picture, methods=["GET", "DELETE"]),
        Route("/balance", balance),
        Route("/files/{name}", file),
    ]
    return httpx2.ASGITransport(Starlette(routes=routes))
