"""Progressive Robot's prompt helpers and templates."""

from zlib import crc32

from pydantic import Field

from callsheet_sandbox.backends.progressive_robot.door import Robot
from callsheet_sandbox.backends.progressive_robot.generations import MEDIA
from callsheet_sandbox.desk import Body, Call, Reply

SUGGESTIONS = 10
LIGHT = ("golden hour light", "soft overcast light", "neon reflections", "volumetric morning light")
LENS = ("35 mm, shallow depth of field", "wide angle", "macro detail", "anamorphic, slow push in")
FINISH = ("cinematic colour grade, highly detailed", "natural film grain", "crisp, photorealistic", "painterly, rich")


class Idea(Body):
    """A simple idea."""

    idea: str = Field(min_length=1, max_length=2000)
    model: str | None = None


class Template(Body):
    """A prompt to use again."""

    name: str = Field(min_length=1, max_length=200)
    prompt: str = Field(min_length=1, max_length=2000)
    negative_prompt: str | None = Field(default=None, max_length=2000)
    model: str | None = None


class Prompts:
    """The five routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        robot.take("POST", "/api/generate-prompt", Idea, self._improve)
        robot.on("GET", "/api/prompts/autocomplete", self._complete, query=("q",))
        robot.on("GET", "/api/templates", self._list)
        robot.take("POST", "/api/templates", Template, self._add)
        robot.on("DELETE", "/api/templates/{id}", self._drop)

    async def _improve(self, call: Call[Idea]) -> Reply:
        idea = call.body.idea.strip()
        luck = crc32(idea.encode())
        parts = [words[luck >> shift & 3] for shift, words in ((0, LIGHT), (2, LENS), (4, FINISH))]
        return {"prompt": ", ".join([idea.rstrip(".").strip(), *parts])[:2000]}

    async def _complete(self, call: Call[None]) -> Reply:
        asked = call.request.query_params.get("q", "").lower()
        said = sorted(
            (record for medium in MEDIA for record in self.robot.all(medium, call.owner)),
            key=lambda record: -float(record["at"]),
        )
        known = dict.fromkeys(record["prompt"] for record in said if asked in record["prompt"].lower())
        return {"suggestions": list(known)[:SUGGESTIONS]}

    async def _list(self, call: Call[None]) -> Reply:
        return {"templates": [self.robot.shown(one) for one in self.robot.all("template", call.owner)]}

    async def _add(self, call: Call[Template]) -> Reply:
        return self.robot.shown(self.robot.add(call, "template", call.body.model_dump()))

    async def _drop(self, call: Call[None]) -> Reply:
        self.robot.box.records.drop(self.robot.owned(call, "template")["id"])
        return {"success": True}
