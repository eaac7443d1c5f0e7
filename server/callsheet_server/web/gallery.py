"""The page on which hosts show jobs: what was made, what it cost, what is under way. Text answers stay as they are."""

import html
from pathlib import Path
from urllib.parse import urlsplit

from mcp.server.apps import APP_MIME_TYPE, Apps
from mcp.server.mcpserver.resources import Resource
from pydantic import ConfigDict

from callsheet_server.desk import Desk
from callsheet_server.web.links import here

PAGE = "ui://callsheet/gallery.html"
SHOWN = {"ui": {"resourceUri": PAGE}}
"""The `_meta` of a tool whose answer the page shows."""


class Page(Resource):
    """The page as it is for whoever reads it: it may load media from the address at which they reached us, and nothing
    else from anywhere. Over a pipe there is no such address, and it reads media through its host."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    desk: Desk

    async def read(self) -> str:
        home = origin(self.desk)
        self.meta = {"ui": {"csp": {"resourceDomains": [home] if home else []}, "prefersBorder": False}}
        page = Path(__file__).with_name("gallery.html").read_text(encoding="utf-8")
        return page.replace('data-home=""', f'data-home="{html.escape(home)}"', 1)


def apps(desk: Desk) -> Apps:
    """The page as an extension."""
    found = Apps()
    found.add_resource(
        Page(
            desk=desk,
            uri=PAGE,
            name="gallery",
            title="Gallery",
            description="Jobs, with previews, prices and progress",
            mime_type=APP_MIME_TYPE,
        )
    )
    return found


def origin(desk: Desk) -> str:
    """Where our links to files lead; empty where files have paths instead."""
    parts = urlsplit(desk.links.base or here.get("")) if desk.links else urlsplit("")
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
