"""Progressive Robot's hosted video pages, which the sandbox serves below `/watch/` and counts the views of."""

import hashlib
from collections import Counter
from html import escape
from secrets import token_urlsafe
from typing import Any, Literal

from pydantic import Field
from starlette.responses import FileResponse, HTMLResponse

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent
from callsheet_sandbox.backends.progressive_robot.people import hashed, matches
from callsheet_sandbox.desk import Body, Call, Reply

LOOK = """<!doctype html><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem;background:#111;color:#eee}}
video{{width:100%;border-radius:8px}}a{{color:#7cf}}</style><h1>{title}</h1>"""


class Page(Body):
    """A page around a video; only what is given changes."""

    title: str = Field(default="", min_length=1, max_length=200)
    description: str = Field(default="", max_length=5000)
    cta_text: str = Field(default="", max_length=100)
    cta_url: str = Field(default="", max_length=2000, pattern=r"^(https?://\S+)?$")
    password: str | None = Field(default=None, max_length=200)
    visibility: Literal["public", "unlisted", "private"] = "public"


class NewPage(Page):
    """A page, and its video."""

    video_filename: str
    title: str = Field(min_length=1, max_length=200)


class Hosting:
    """The six routes, for Pro and above, and the pages themselves."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.box = robot.box
        robot.take("POST", "/api/hosting/pages", NewPage, self._add)
        robot.on("GET", "/api/hosting/pages", self._list)
        robot.on("GET", "/api/hosting/pages/{id}", self._get)
        robot.take("PUT", "/api/hosting/pages/{id}", Page, self._change)
        robot.on("DELETE", "/api/hosting/pages/{id}", self._drop)
        robot.on("GET", "/api/hosting/pages/{id}/analytics", self._analytics)
        robot.on("GET", "/watch/{slug}", self._watch, query=("password",), public=True)
        robot.on("GET", "/watch/{slug}/video", self._video, query=("password",), public=True)

    async def _add(self, call: Call[NewPage]) -> Reply:
        self.robot.need(call, "pro")
        await self.robot.source(call, call.body.video_filename, "video")
        told = call.body.model_dump() | {"slug": token_urlsafe(8), "password": _kept(call.body.password)}
        return self._row(call, self.robot.add(call, "page", told))

    async def _list(self, call: Call[None]) -> Reply:
        self.robot.need(call, "pro")
        return {"pages": [self._row(call, one) for one in self.robot.all("page", call.owner)]}

    async def _get(self, call: Call[None]) -> Reply:
        return self._row(call, self._page(call))

    async def _change(self, call: Call[Page]) -> Reply:
        page, said = self._page(call), call.body.model_dump(exclude_unset=True)
        if "password" in said:
            said["password"] = _kept(said["password"])
        return self._row(call, self.box.records.change(page["id"], **said))

    async def _drop(self, call: Call[None]) -> Reply:
        page = self._page(call)
        for view in self._views(page["id"]):
            self.box.records.drop(view["id"])
        self.box.records.drop(page["id"])
        return {"success": True}

    async def _analytics(self, call: Call[None]) -> Reply:
        views = self._views(self._page(call)["id"])
        days = Counter(str(self.robot.moment(view["at"]))[:10] for view in views)
        referrers = Counter(view["referrer"] for view in views)
        return {
            "total_views": len(views),
            "unique_views": len({view["viewer"] for view in views}),
            "referrers": [{"referrer": name, "views": count} for name, count in referrers.most_common()],
            "per_day": [{"date": day, "views": count} for day, count in sorted(days.items())],
        }

    async def _watch(self, call: Call[None]) -> Reply:
        page = self._found(call)
        title, password = escape(page["title"]), call.request.query_params.get("password", "")
        head = LOOK.format(title=title)
        if page["password"] and not matches(password, page["password"]):
            ask = '<form><label>Password <input type="password" name="password"></label> <button>Watch</button></form>'
            return HTMLResponse(head + ask, 401 if password else 200)
        client, headers = call.request.client, call.request.headers
        viewer = f"{client.host if client else ''} {headers.get('user-agent', '')}"
        told = {"viewer": hashlib.sha256(viewer.encode()).hexdigest()[:16], "page_id": page["id"]}
        self.box.records.add(
            "progressive-robot", page["owner"], "view", told | {"referrer": headers.get("referer", "direct")[:500]}
        )
        where = f"/watch/{page['slug']}/video" + (f"?password={escape(password)}" if password else "")
        body = f'<video controls src="{where}"></video><p>{escape(page["description"])}</p>'
        if page["cta_url"]:
            body += f'<p><a href="{escape(page["cta_url"])}">{escape(page["cta_text"] or page["cta_url"])}</a></p>'
        return HTMLResponse(head + body)

    async def _video(self, call: Call[None]) -> Reply:
        page = self._found(call)
        if page["password"] and not matches(call.request.query_params.get("password", ""), page["password"]):
            raise self.robot.unauthorized()
        place = await self.box.path(page["video_filename"])
        if place is None:
            raise absent("File")
        return FileResponse(place, media_type="video/mp4")

    def _page(self, call: Call[Any]) -> dict[str, Any]:
        self.robot.need(call, "pro")
        return self.robot.owned(call, "page")

    def _found(self, call: Call[None]) -> dict[str, Any]:
        """The page an address is of; private ones only for their owner."""
        for page in self.robot.all("page"):
            if page["slug"] == call.word("slug") and (page["visibility"] != "private" or page["owner"] == call.owner):
                return page
        raise absent("Page")

    def _views(self, page_id: int) -> list[dict[str, Any]]:
        return [view for view in self.robot.all("view") if view["page_id"] == page_id]

    def _row(self, call: Call[Any], page: dict[str, Any]) -> dict[str, Any]:
        url = f"{str(call.request.base_url).rstrip('/')}/watch/{page['slug']}"
        embed = f'<iframe src="{url}" width="640" height="360" frameborder="0" allowfullscreen></iframe>'
        told = {"has_password": page["password"] is not None, "views": len(self._views(page["id"]))}
        return self.robot.shown(page, "password") | told | {"url": url, "embed_code": embed}


def _kept(password: str | None) -> str | None:
    return hashed(password) if password else None
