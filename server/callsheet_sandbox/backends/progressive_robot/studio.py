"""Progressive Robot's studio: projects, their shots in order, and the film they make."""

import re
from typing import Any, Literal

from pydantic import Field

from callsheet_sandbox import props
from callsheet_sandbox.backends.progressive_robot import cuts
from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, ident, wrong
from callsheet_sandbox.backends.progressive_robot.generations import Generations
from callsheet_sandbox.backends.progressive_robot.orgs import Named, project_of, reaches
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import by_clips
from callsheet_sandbox.desk import Body, Call, Reply

SIZES = {"480p": (854, 480), "720p": (1280, 720), "1080p": (1920, 1080), "4K": (3840, 2160)}
SHOTS = ("wide", "medium", "close-up", "over-the-shoulder")
MOVES = ("slow push in", "static", "pan right", "handheld")


class Script(Body):
    """A script to break down."""

    script: str = Field(min_length=1, max_length=20_000)
    model: str | None = None


class Project(Body):
    """What can be changed about a project."""

    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = Field(default=None, max_length=2000)
    model: str | None = None


class Export(Body):
    """How large the film shall be."""

    resolution: Literal["480p", "720p", "1080p", "4K"] = "1080p"


class Shot(Body):
    """One shot of a project."""

    prompt: str | None = Field(default=None, max_length=2000)
    notes: str | None = Field(default=None, max_length=2000)
    duration: float | None = Field(default=None, gt=0, le=600)
    shot_type: str | None = Field(default=None, max_length=100)
    camera_move: str | None = Field(default=None, max_length=100)
    transition: str | None = Field(default=None, max_length=100)


class LinkedShot(Shot):
    """A shot, and the video made for it."""

    filename: str | None = None


class Order(Body):
    """The ids of all shots, in their new order."""

    order: list[int]


class Studio:
    """Twelve of the nineteen routes; elements and comments are the rest."""

    def __init__(self, robot: Robot, generations: Generations) -> None:
        self.robot = robot
        self.records = robot.box.records
        self.generations = generations
        robot.take("POST", "/api/studio/script-to-shots", Script, self._break_down)
        robot.on("GET", "/api/projects", self._list)
        robot.take("POST", "/api/projects", Named, self._add)
        robot.on("GET", "/api/projects/{id}", self._get)
        robot.take("PUT", "/api/projects/{id}", Project, self._change)
        robot.on("DELETE", "/api/projects/{id}", self._drop)
        robot.on("POST", "/api/projects/{id}/duplicate", self._duplicate)
        robot.take("POST", "/api/projects/{id}/export", Export, self._export)
        robot.take("POST", "/api/projects/{id}/shots", Shot, self._add_shot)
        robot.take("PUT", "/api/projects/{id}/shots/{shot_id}", LinkedShot, self._change_shot)
        robot.on("DELETE", "/api/projects/{id}/shots/{shot_id}", self._drop_shot)
        robot.take("POST", "/api/projects/{id}/shots/reorder", Order, self._reorder)

    async def _break_down(self, call: Call[Script]) -> Reply:
        return {"shots": broken_down(call.body.script)}

    async def _list(self, call: Call[None]) -> Reply:
        mine = [one for one in self.robot.all("project") if reaches(self.robot, call, one)]
        return {"projects": [self._row(one) for one in mine]}

    async def _add(self, call: Call[Named]) -> Reply:
        told = {"name": call.body.name, "description": "", "model": None, "org_id": None}
        return self._row(self.robot.add(call, "project", told))

    async def _get(self, call: Call[None]) -> Reply:
        project = self._project(call)
        made = [one for one in self.robot.all("video") if one["project_id"] == project["id"]]
        return self._row(project) | {
            "shots": [self.robot.shown(one, "position") for one in shots_of(self.robot, project["id"])],
            "elements": [self.robot.shown(one) for one in parts_of(self.robot, "element", project["id"])],
            "generations": [self.generations.row(one) for one in made],
        }

    async def _change(self, call: Call[Project]) -> Reply:
        project = self._project(call)
        return self._row(self.records.change(project["id"], **call.body.model_dump(exclude_unset=True)))

    async def _drop(self, call: Call[None]) -> Reply:
        project = self._project(call)
        for kind in ("shot", "element", "comment"):
            for one in parts_of(self.robot, kind, project["id"]):
                self.records.drop(one["id"])
        for one in self.robot.all("video"):
            if one["project_id"] == project["id"]:
                self.records.change(one["id"], project_id=None)
        self.records.drop(project["id"])
        return {"success": True}

    async def _duplicate(self, call: Call[None]) -> Reply:
        project = self._project(call)
        told = {name: project[name] for name in ("description", "model", "org_id")}
        twin = self.robot.add(call, "project", told | {"name": f"{project['name']} (copy)"})
        for kind, parts in (
            ("shot", shots_of(self.robot, project["id"])),
            ("element", parts_of(self.robot, "element", project["id"])),
        ):
            for one in parts:
                data = {name: value for name, value in one.items() if name not in ("id", "owner", "at")}
                self.robot.add(call, kind, data | {"project_id": twin["id"]})
        return self._row(twin)

    async def _export(self, call: Call[Export]) -> Reply:
        project = self._project(call)
        size = SIZES[call.body.resolution]
        self.robot.allow(call, size=size)
        names = [shot["filename"] for shot in shots_of(self.robot, project["id"]) if shot["filename"]]
        if not names:
            raise wrong("No shot of this project has a video yet")
        clips = [await self.robot.source(call, name, "video") for name in names]
        price = by_clips(len(clips))
        (name,) = await self.robot.sell(call, "export", price, lambda: film(clips, size), ".mp4")
        return self.robot.sold(call, price, filename=name)

    async def _add_shot(self, call: Call[Shot]) -> Reply:
        project = self._project(call)
        last = max((one["position"] for one in shots_of(self.robot, project["id"])), default=0)
        told = call.body.model_dump() | {"project_id": project["id"], "position": last + 1, "filename": None}
        return self.robot.shown(self.robot.add(call, "shot", told), "position")

    async def _change_shot(self, call: Call[LinkedShot]) -> Reply:
        shot = part_of(self.robot, call, "shot", "shot_id")
        if call.body.filename is not None:
            await self.robot.source(call, call.body.filename, "video")
        changed = self.records.change(shot["id"], **call.body.model_dump(exclude_unset=True))
        return self.robot.shown(changed, "position")

    async def _drop_shot(self, call: Call[None]) -> Reply:
        self.records.drop(part_of(self.robot, call, "shot", "shot_id")["id"])
        return {"success": True}

    async def _reorder(self, call: Call[Order]) -> Reply:
        project, order = self._project(call), call.body.order
        if sorted(order) != sorted(one["id"] for one in shots_of(self.robot, project["id"])):
            raise wrong("order: should name every shot of the project once")
        for position, id in enumerate(order, 1):
            self.records.change(id, position=position)
        return {"success": True, "order": order}

    def _project(self, call: Call[Any]) -> dict[str, Any]:
        return project_of(self.robot, call, ident(call))

    def _row(self, project: dict[str, Any]) -> dict[str, Any]:
        shots = shots_of(self.robot, project["id"])
        cover = next((one["filename"] for one in shots if one["filename"]), None)
        return self.robot.shown(project) | {"shot_count": len(shots), "cover": cover}


def parts_of(robot: Robot, kind: str, project_id: int) -> list[dict[str, Any]]:
    """The shots, elements or comments of a project, whoever wrote them."""
    return [one for one in robot.all(kind) if one["project_id"] == project_id]


def shots_of(robot: Robot, project_id: int) -> list[dict[str, Any]]:
    """The shots of a project in their order."""
    return sorted(parts_of(robot, "shot", project_id), key=lambda one: int(one["position"]))


def part_of(robot: Robot, call: Call[Any], kind: str, part: str) -> dict[str, Any]:
    """The shot, element or comment that the path names, in the project that it names."""
    project = project_of(robot, call, ident(call))
    found = robot.box.records.get(NAME, kind, ident(call, part))
    if found is None or found["project_id"] != project["id"]:
        raise absent(kind.title())
    return found


def broken_down(script: str) -> list[dict[str, Any]]:
    """A script as shots: one a sentence, as long as it takes to say, from far to near."""
    sentences = [one.strip() for one in re.split(r"(?<=[.!?。])\s+|\n+", script) if one.strip()]
    return [
        {
            "prompt": sentence[:2000],
            "notes": f"Shot {number + 1} of {len(sentences)}",
            "duration": min(10, max(2, round(len(sentence.split()) / 2.5))),
            "shot_type": SHOTS[number % len(SHOTS)],
            "camera_move": MOVES[number % len(MOVES)],
        }
        for number, sentence in enumerate(sentences)
    ]


def film(clips: list[bytes], size: tuple[int, int]) -> bytes:
    """The clips one after another in this size, upright if the first is; the first one's frame rules."""
    lead = props.facts(clips[0])
    wide, high = size if lead.width >= lead.height else size[::-1]
    return props.joined([cuts.resized(clips[0], wide, high), *clips[1:]])
