"""Progressive Robot's brand kits: colours, a font, a logo and an intro, and a video dressed in them."""

from typing import Any, Literal

from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot import cuts
from callsheet_sandbox.backends.progressive_robot.door import Robot, form, picture, work, wrong
from callsheet_sandbox.desk import Body, Call, Reply

COLOUR = r"^#[0-9a-fA-F]{6}$"
INTRO_BYTES = 100_000_000


class Kit(Body):
    """What can be changed about a kit."""

    name: str = Field(default="", min_length=1, max_length=200)
    primary_color: str = Field(default="#ffffff", pattern=COLOUR)
    secondary_color: str = Field(default="#000000", pattern=COLOUR)
    font: str = Field(default="Roboto", max_length=100)
    logo_position: Literal["top-left", "top-right", "bottom-left", "bottom-right"] = "bottom-right"


class NewKit(Kit):
    """A kit has a name."""

    name: str = Field(min_length=1, max_length=200)


class Apply(Body):
    """Which video to dress."""

    video_filename: str


class Brand:
    """The seven routes, for Pro and above."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.box = robot.box
        robot.take("POST", "/api/brand-kits", NewKit, self._add)
        robot.on("GET", "/api/brand-kits", self._list)
        robot.take("PUT", "/api/brand-kits/{id}", Kit, self._change)
        robot.on("DELETE", "/api/brand-kits/{id}", self._drop)
        robot.on("POST", "/api/brand-kits/{id}/upload-logo", self._logo)
        robot.on("POST", "/api/brand-kits/{id}/upload-intro", self._intro)
        robot.take("POST", "/api/brand-kits/{id}/apply", Apply, self._apply)

    async def _add(self, call: Call[NewKit]) -> Reply:
        self.robot.need(call, "pro")
        told = call.body.model_dump() | {"logo": None, "intro": None}
        return self.robot.shown(self.robot.add(call, "brand_kit", told))

    async def _list(self, call: Call[None]) -> Reply:
        self.robot.need(call, "pro")
        return {"brand_kits": [self.robot.shown(one) for one in self.robot.all("brand_kit", call.owner)]}

    async def _change(self, call: Call[Kit]) -> Reply:
        kit = self._kit(call)
        return self.robot.shown(self.box.records.change(kit["id"], **call.body.model_dump(exclude_unset=True)))

    async def _drop(self, call: Call[None]) -> Reply:
        self.box.records.drop(self._kit(call)["id"])
        return {"success": True}

    async def _logo(self, call: Call[None]) -> Reply:
        kit = self._kit(call)
        held, _ = await form(call, {"logo": ("image", "file")})
        data, suffix = await picture(held, "logo")
        name = self.robot.keep(call, data, suffix, "logo")
        self.box.records.change(kit["id"], logo=name)
        return {"success": True, "filename": name}

    async def _intro(self, call: Call[None]) -> Reply:
        kit = self._kit(call)
        held, _ = await form(call, {"intro": ("video", "file")})
        data = held.get("intro", b"")
        if not data or len(data) > INTRO_BYTES:
            raise wrong("intro: a video up to 100 MB")
        found = await work(lambda: props.facts(data))
        if found.kind != "video":
            raise wrong(f"intro: a video, not an {found.kind}")
        name = self.robot.keep(call, data, f".{found.suffix}", "intro")
        self.box.records.change(kit["id"], intro=name)
        return {"success": True, "filename": name}

    async def _apply(self, call: Call[Apply]) -> Reply:
        kit = self._kit(call)
        video = await self.robot.source(call, call.body.video_filename, "video")
        logo = await self.box.read(kit["logo"]) if kit["logo"] else None
        intro = await self.box.read(kit["intro"]) if kit["intro"] else None
        (name,) = await self.robot.sell(call, "branded", 0, lambda: dressed(video, kit, logo, intro), ".mp4")
        return self.robot.sold(call, 0, filename=name)

    def _kit(self, call: Call[Any]) -> dict[str, Any]:
        self.robot.need(call, "pro")
        return self.robot.owned(call, "brand_kit")


def dressed(video: bytes, kit: dict[str, Any], logo: bytes | None, intro: bytes | None) -> bytes:
    """The video with the logo, or else the name in the first colour, in its corner, after the intro."""
    if logo:
        made = cuts.branded(video, logo, kit["logo_position"])
    else:
        size = max(12, props.facts(video).height // 18)
        made = cuts.lettered(video, kit["name"], kit["logo_position"], size, kit["primary_color"])
    if not intro:
        return made
    found = props.facts(made)
    return props.joined([cuts.resized(intro, found.width, found.height), made])
