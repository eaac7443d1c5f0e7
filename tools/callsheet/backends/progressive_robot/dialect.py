"""Progressive Robot Video: create, then poll `/api/status?job_id=`; results and inputs go by file name, never by URL.

Source: the vendor's API page (https://video.progressiverobot.com/api-docs) and a fuller copy of its beginning (2026).
What that page leaves open is read leniently: only a job id, or a file name, is needed to go on.
"""

from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from callsheet.backends.dialect import Answer, Dialect, Route, Step, message, number
from callsheet.catalogue.model import Model
from callsheet.errors import CallsheetError, RequestError

LARGEST_UPLOAD = 10_000_000
SHORTAGE = ("credits_required", "required_credits")


class Plan(NamedTuple):
    """What a subscription allows: the frame's longer and shorter side in pixels, and frames a clip."""

    long: int
    short: int
    frames: int


PLANS = {
    "free": Plan(854, 480, 81),
    "starter": Plan(1920, 1080, 121),
    "creator": Plan(3840, 2160, 201),
    "pro": Plan(3840, 2160, 301),
    "studio": Plan(3840, 2160, 301),
    "enterprise": Plan(3840, 2160, 999),
}
"""Every plan, the smallest first."""
RANKS = list(PLANS)

NEEDS = {
    "/api/tts/generate": "creator",
    "/api/tools/upscale-video": "creator",
    "/api/stock/download": "creator",
    "/api/subtitles/translate": "pro",
    "/api/tools/face-swap": "pro",
    "/api/brand-kits/": "pro",
}
"""Creates that need a plan, by how their path begins."""


class ProgressiveRobot(Dialect):
    """22 open video models, 4 for images, music, speech, subtitles, edits, and a studio around them."""

    listed = ("job_id",)
    """A row's `id` is the number of a generation, and its `prompt_id` is the GPU's own; neither can be polled."""

    def tidy(self, base: str) -> str:
        return base.rstrip("/").removesuffix("/api")

    # -- the life of a job --------------------------------------------------------------------------------------

    def submit(self, ask: Model) -> Route:
        body = ask.body()
        if not getattr(ask, "multipart", False):
            return Route("POST", ask.create(), body)
        held = {name for name, (mark, _) in ask.inputs().items() if mark.by == "file"}
        files = {name: Path(body.pop(name)) for name in held}
        return Route("POST", ask.create(), body, files=files)

    def accepted(self, ask: Model, answer: Answer) -> Step:
        """Any create may give a job to poll, or at once a file; a model's usual way is believed first."""
        body = answer.object or {"job_ids": answer.body}
        harvest, ticket = ask.harvest(body), ticket_of(body)
        if ticket and not (ask.at_once and harvest):
            return Step(stage="sent", ticket=ticket, **self.read_cost(body))
        if harvest:
            return Step(stage="made", harvest=harvest, **self.read_cost(body))
        return super().accepted(ask, answer)

    def look(self, endpoint: str, ticket: str) -> Route:
        return Route("GET", "/api/status", query={"job_id": ticket})

    def progress(self, body: Mapping[str, Any]) -> str | None:
        """The word, with the place in the queue or how far it is."""
        word, place, done = super().progress(body), number(body.get("queue_position")), number(body.get("progress"))
        if word is None:
            return None
        if place:
            return f"{word}, number {place} in the queue"
        return f"{word}, {done} %" if done else word

    def cancel(self, endpoint: str, ticket: str) -> Route | None:
        return Route("POST", "/api/cancel", {"job_id": ticket})

    def gives_back(self, progress: str | None) -> bool:
        """Credits come back while a job is queued, and no longer once it runs."""
        return progress is None or progress.startswith("queued")

    # -- money and plans ----------------------------------------------------------------------------------------

    def quote(self, ask: Model) -> Route | None:
        """Video models are quoted by the backend; the price of an export follows from its project's shots."""
        body, price = ask.body(), ask.price()
        if ask.create() == "/api/generate" and price.low == price.high:
            asked: dict[str, Any] = {name: body[name] for name in ("model", "frames", "steps") if name in body}
            return Route("GET", "/api/generation-cost", query=asked)
        if ask.create().endswith("/export"):
            return Route("GET", ask.create().removesuffix("/export"))
        return None

    def read_quote(self, answer: Answer) -> Decimal | None:
        body = answer.object
        if isinstance(shots := body.get("shots"), list):
            clips = sum(1 for shot in shots if isinstance(shot, dict) and shot.get("filename", True))
            return Decimal(max(3, 2 * clips))
        return next((cost for name in ("cost", "credits", "credit_cost") if (cost := number(body.get(name)))), None)

    def standing(self) -> Route | None:
        return Route("GET", "/api/auth/check")

    def check(self, ask: Model, standing: Answer) -> None:
        """Refuse what the account's plan does not allow; where the plan is not known, the backend decides."""
        tier = str(standing.object.get("tier") or "").casefold()
        plan, path, body = PLANS.get(tier), ask.create(), ask.body()
        if plan is None:
            return
        needed = next((need for start, need in NEEDS.items() if path.startswith(start)), RANKS[0])
        if RANKS.index(tier) < RANKS.index(needed):
            raise RequestError(f"{ask.name} needs the {needed} plan or a higher one; this account is on {tier}.")
        if path != "/api/generate":
            return
        limits = standing.object.get("limits")
        told = number(limits.get("max_frames")) if isinstance(limits, dict) else None
        if body.get("frames", 0) > (most := int(told or plan.frames)):
            raise RequestError(
                f"`frames`: {body['frames']}, and the {tier} plan allows {most}. Ask for a shorter clip."
            )
        sides = [body[name] for name in ("width", "height") if name in body]
        if sides and (max(sides) > plan.long or min(sides) > plan.short):
            shown = "x".join(str(side) for side in sides)
            raise RequestError(f"`resolution`: {shown}, and the {tier} plan allows up to {plan.long}x{plan.short}.")

    def balance(self) -> tuple[Route, ...]:
        return (Route("GET", "/api/credits"),)

    def read_balance(self, answer: Answer) -> Decimal | None:
        body = answer.object
        found = (number(body.get(name)) for name in ("balance", "credit_balance", "credits"))
        return next((credits for credits in found if credits is not None), None)

    def account(self) -> dict[str, Route]:
        return {
            "standing": Route("GET", "/api/auth/check"),
            "credits": Route("GET", "/api/credits"),
            "history": Route("GET", "/api/credits/history"),
            "queue": Route("GET", "/api/queue"),
        }

    def lists(self, ask: Model) -> tuple[Route, ...]:
        paths = (ask.history, "/api/queue", "/api/credits/history")
        return tuple(Route("GET", path) for path in paths if path)

    def short_of_credits(self, answer: Answer) -> bool:
        """No code is documented for it: 402, or a 400 or 403 that speaks of credits."""
        told = any(name in answer.object for name in SHORTAGE) or "credit" in message(answer).casefold()
        return answer.status == 402 or (answer.status in (400, 403) and told)

    def refused(self, answer: Answer) -> CallsheetError | None:
        """A 403 is about the plan or the role, not about the key."""
        if answer.status != 403:
            return None
        why = message(answer)
        said = f': "{why}"' if why else ""
        return RequestError(f"{self.title} does not allow this account to do that{said}. Nothing was charged.")

    # -- files --------------------------------------------------------------------------------------------------

    def upload(self, path: Path, kind: str) -> Route | None:
        if kind != "image":
            return None
        if path.stat().st_size > LARGEST_UPLOAD:
            raise RequestError(f"{path.name} is larger than the {LARGEST_UPLOAD // 10**6} MB that {self.title} takes.")
        return Route("POST", "/api/upload-image", files={"image": path})

    def read_upload(self, answer: Answer) -> str | None:
        body = answer.object
        name = next((body[name] for name in ("filename", "image_filename", "name") if body.get(name)), None)
        return f"/api/input-image/{name}" if isinstance(name, str) else None

    def barred(self, kind: str) -> str | None:
        """Only pictures can be uploaded."""
        if kind == "image":
            return None
        return (
            f"{self.title} takes no {kind} uploads, only its own files: the job_id of something made there, or the URL "
            f"of one. Use local/ffmpeg, which reads any file, or bring stock media in with download_stock."
        )

    def named(self, link: str, kind: str) -> str | None:
        """A picture is an input only once it was uploaded; everything else goes by the name it was made under."""
        if kind == "image" and "/input-image/" not in link:
            return None
        return link.partition("?")[0].rpartition("/")[2] or None

    def trade(self, via: str, name: str) -> Route:
        return Route("POST", via, {"video_filename": name})


def ticket_of(body: Mapping[str, Any]) -> str | None:
    """The id of the one job that a create started: by itself, or alone in an array."""
    arrays = (body.get(name) for name in ("job_ids", "jobs", "ids"))
    several: list[Any] = next((array for array in arrays if isinstance(array, list)), [])
    for found in (body.get("job_id"), *several):
        ticket = found.get("job_id") if isinstance(found, dict) else found
        if isinstance(ticket, str | int) and ticket:
            return str(ticket)
    return None
