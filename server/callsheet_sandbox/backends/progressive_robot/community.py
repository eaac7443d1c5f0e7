"""Progressive Robot's community prompts: shared, voted on, used; a new one is looked over before others see it."""

from typing import Any, Literal

from pydantic import Field

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, ident, wrong
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.desk import Body, Call, Refusal, Reply

PER_PAGE = 20
MODERATION_SECONDS = 5.0


class Shared(Body):
    """A prompt for everybody."""

    prompt: str = Field(min_length=1, max_length=2000)
    title: str = Field(default="", max_length=200)
    model: str | None = None
    tags: list[str] = Field(default_factory=list, max_length=20)


class Vote(Body):
    """Up or down."""

    vote: Literal[1, -1]


class Community:
    """The five routes."""

    def __init__(self, robot: Robot) -> None:
        self.robot = robot
        self.records = robot.box.records
        path = "/api/community/prompts"
        robot.on("GET", path, self._list, query=("sort", "tag", "model", "page"), public=True)
        robot.take("POST", path, Shared, self._add)
        robot.take("POST", path + "/{id}/vote", Vote, self._vote)
        robot.on("POST", path + "/{id}/use", self._use)
        robot.on("DELETE", path + "/{id}", self._drop)

    async def _list(self, call: Call[None]) -> Reply:
        query = call.request.query_params
        sort, tag, model = query.get("sort", "popular"), query.get("tag"), query.get("model")
        if sort not in ("popular", "newest"):
            raise wrong("sort: popular or newest")
        page = call.number("page", 1, 1)
        rows = [
            self._row(one)
            for one in reversed(self.robot.all("prompt"))
            if self._approved(one) and tag in (None, *one["tags"]) and model in (None, one["model"])
        ]
        if sort == "popular":
            rows.sort(key=lambda row: (-row["votes"], -row["uses"]))
        return {"prompts": rows[(page - 1) * PER_PAGE : page * PER_PAGE], "page": page, "total": len(rows)}

    async def _add(self, call: Call[Shared]) -> Reply:
        told = call.body.model_dump() | {"uses": 0}
        return self._row(self.robot.add(call, "prompt", told))

    async def _vote(self, call: Call[Vote]) -> Reply:
        prompt = self._prompt(call)
        for old in self.robot.all("vote", call.owner):
            if old["prompt_id"] == prompt["id"]:
                self.records.drop(old["id"])
        self.robot.add(call, "vote", {"prompt_id": prompt["id"], "vote": call.body.vote})
        return {"success": True, "votes": self._row(prompt)["votes"]}

    async def _use(self, call: Call[None]) -> Reply:
        prompt = self._prompt(call)
        changed = self.records.change(prompt["id"], uses=prompt["uses"] + 1)
        return {"prompt": prompt["prompt"], "model": prompt["model"], "uses": changed["uses"]}

    async def _drop(self, call: Call[None]) -> Reply:
        prompt = self._prompt(call)
        if prompt["owner"] != call.owner and not self.robot.people.of(call.owner)["is_admin"]:
            raise Refusal(403, {"error": "Only its author may delete a prompt"})
        self.records.drop(prompt["id"])
        return {"success": True}

    def _approved(self, prompt: dict[str, Any]) -> bool:
        return bool(self.robot.box.clock() - prompt["at"] >= MODERATION_SECONDS)

    def _prompt(self, call: Call[Any]) -> dict[str, Any]:
        """A prompt that the caller can see: an approved one, or their own."""
        found = self.records.get(NAME, "prompt", ident(call))
        if found is None or not (self._approved(found) or found["owner"] == call.owner):
            raise absent("Prompt")
        return found

    def _row(self, prompt: dict[str, Any]) -> dict[str, Any]:
        votes = sum(one["vote"] for one in self.robot.all("vote") if one["prompt_id"] == prompt["id"])
        told = {"votes": votes, "author": self.robot.people.of(prompt["owner"])["username"]}
        return self.robot.shown(prompt) | told | {"status": "approved" if self._approved(prompt) else "pending"}
