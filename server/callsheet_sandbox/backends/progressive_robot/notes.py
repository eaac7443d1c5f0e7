"""What is kept beside a project's shots: its elements (characters, props, locations) and comments."""

from typing import Literal

from pydantic import Field

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, ident
from callsheet_sandbox.backends.progressive_robot.orgs import project_of
from callsheet_sandbox.backends.progressive_robot.studio import part_of, parts_of
from callsheet_sandbox.desk import Body, Call, Refusal, Reply

Sort = Literal["character", "prop", "location"]


class Element(Body):
    """Something that comes back from shot to shot; only what is given changes."""

    type: Sort = "character"
    name: str = Field(default="", min_length=1, max_length=200)
    description: str = Field(default="", max_length=2000)


class NewElement(Element):
    """An element has a name."""

    name: str = Field(min_length=1, max_length=200)


class Comment(Body):
    """A remark about a project, or one shot of it."""

    text: str = Field(min_length=1, max_length=2000)
    shot_id: int | None = None


class Notes:
    """The seven routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.records = robot.box.records
        robot.on("GET", "/api/projects/{id}/elements", self._elements)
        robot.take("POST", "/api/projects/{id}/elements", NewElement, self._add_element)
        robot.take("PUT", "/api/projects/{id}/elements/{eid}", Element, self._change_element)
        robot.on("DELETE", "/api/projects/{id}/elements/{eid}", self._drop_element)
        robot.on("GET", "/api/projects/{id}/comments", self._comments)
        robot.take("POST", "/api/projects/{id}/comments", Comment, self._add_comment)
        robot.on("DELETE", "/api/projects/{id}/comments/{cid}", self._drop_comment)

    async def _elements(self, call: Call[None]) -> Reply:
        project = project_of(self.robot, call, ident(call))
        return {"elements": [self.robot.shown(one) for one in parts_of(self.robot, "element", project["id"])]}

    async def _add_element(self, call: Call[NewElement]) -> Reply:
        project = project_of(self.robot, call, ident(call))
        told = call.body.model_dump() | {"project_id": project["id"]}
        return self.robot.shown(self.robot.add(call, "element", told))

    async def _change_element(self, call: Call[Element]) -> Reply:
        element = part_of(self.robot, call, "element", "eid")
        return self.robot.shown(self.records.change(element["id"], **call.body.model_dump(exclude_unset=True)))

    async def _drop_element(self, call: Call[None]) -> Reply:
        self.records.drop(part_of(self.robot, call, "element", "eid")["id"])
        return {"success": True}

    async def _comments(self, call: Call[None]) -> Reply:
        project = project_of(self.robot, call, ident(call))
        return {"comments": [self.robot.shown(one) for one in parts_of(self.robot, "comment", project["id"])]}

    async def _add_comment(self, call: Call[Comment]) -> Reply:
        project, shot_id = project_of(self.robot, call, ident(call)), call.body.shot_id
        if shot_id is not None and shot_id not in [one["id"] for one in parts_of(self.robot, "shot", project["id"])]:
            raise absent("Shot")
        author = self.robot.people.of(call.owner)["username"]
        told = {"project_id": project["id"], "shot_id": shot_id, "text": call.body.text, "author": author}
        return self.robot.shown(self.robot.add(call, "comment", told))

    async def _drop_comment(self, call: Call[None]) -> Reply:
        comment = part_of(self.robot, call, "comment", "cid")
        project = project_of(self.robot, call, ident(call))
        if call.owner not in (comment["owner"], project["owner"]):
            raise Refusal(403, {"error": "Only its author or the project's owner may delete a comment"})
        self.records.drop(comment["id"])
        return {"success": True}
