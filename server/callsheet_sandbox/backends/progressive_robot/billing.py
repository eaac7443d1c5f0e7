"""Progressive Robot's credits, subscription and figures; its till is a page of the sandbox, where opening it pays."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from secrets import token_urlsafe
from typing import Any

from pydantic import Field, field_validator
from starlette.responses import HTMLResponse

from callsheet_sandbox.backends.progressive_robot.door import Robot, absent, whole
from callsheet_sandbox.backends.progressive_robot.generations import MEDIA, Generations
from callsheet_sandbox.backends.progressive_robot.people import NAME
from callsheet_sandbox.backends.progressive_robot.prices import (
    EDIT,
    IMAGE_MODELS,
    MUSIC,
    SPEECH,
    SUBTITLES,
    TIERS,
    TOOL,
    VIDEO_MODELS,
)
from callsheet_sandbox.desk import Body, Call, Reply

PENNIES = Decimal("0.01")
MONTH = 30 * 86_400
STATEMENT = 500


class TopUp(Body):
    """How many credits to buy, at £0.01 each."""

    credits: int = Field(ge=100, le=50_000)


class Checkout(Body):
    """Which tier to subscribe to."""

    tier: str

    @field_validator("tier")
    @classmethod
    def _known(cls, tier: str) -> str:
        if tier not in TIERS:
            raise ValueError(f"one of {', '.join(TIERS)}")
        return tier


class Billing:
    """The last ten routes of the account, and the till."""

    def __init__(self, robot: Robot, generations: Generations) -> None:
        self.robot = robot
        self.box = robot.box
        self.generations = generations
        robot.on("GET", "/api/credits", self._credits)
        robot.on("GET", "/api/credits/history", self._history)
        robot.take("POST", "/api/credits/topup", TopUp, self._top_up)
        robot.on("GET", "/api/subscription", self._subscription)
        robot.take("POST", "/api/stripe/create-checkout", Checkout, self._checkout)
        robot.on("POST", "/api/stripe/create-portal", self._portal)
        robot.on("GET", "/api/pricing", self._pricing, public=True)
        robot.on("GET", "/api/stripe/config", self._config, public=True)
        robot.on("GET", "/api/analytics/usage", self._usage)
        robot.on("GET", "/api/analytics/summary", self._summary)
        robot.on("GET", "/checkout/{token}", self._pay, public=True)

    async def _credits(self, call: Call[None]) -> Reply:
        tier = self.robot.tier_of(call)
        return {"balance": self.robot.balance(call), "tier": tier, "monthly_allowance": TIERS[tier].credits}

    async def _history(self, call: Call[None]) -> Reply:
        self.box.jobs.settle(NAME, call.owner)
        rows = [
            {
                "id": move.id,
                "amount": whole(move.amount),
                "type": move.type,
                "description": move.service,
                "job_id": move.job_id,
                "balance_after": whole(move.balance),
                "created_at": self.robot.moment(move.at),
            }
            for move in self.box.accounts.moves(NAME, call.owner, STATEMENT)
        ]
        return {"history": rows}

    async def _top_up(self, call: Call[TopUp]) -> Reply:
        credits = call.body.credits
        amount = str((credits * PENNIES).quantize(PENNIES))
        return self._till(call, {"credits": credits}) | {"credits": credits, "amount": amount, "currency": "GBP"}

    async def _subscription(self, call: Call[None]) -> Reply:
        person = self.robot.people.of(call.owner)
        tier = TIERS[person["tier"]]
        month = int((self.box.clock() - person["at"]) // MONTH) + 1
        return {
            "tier": person["tier"],
            "status": "active",
            "monthly_allowance": tier.credits,
            "renews_at": self.robot.moment(person["at"] + month * MONTH),
        }

    async def _checkout(self, call: Call[Checkout]) -> Reply:
        return self._till(call, {"tier": call.body.tier})

    async def _portal(self, call: Call[None]) -> Reply:
        return self._till(call, {})

    async def _pricing(self, call: Call[None]) -> Reply:
        tiers = [
            {
                "id": name,
                "name": name.title(),
                "credits_per_month": tier.credits,
                "max_resolution": tier.resolution,
                "max_frames": tier.frames,
                "watermark": tier.watermark,
            }
            for name, tier in TIERS.items()
        ]
        video = {
            id: {"base": float(model.base), "per_frame": float(model.frame), "per_step": float(model.step)}
            for id, model in VIDEO_MODELS.items()
        }
        rules = {
            "video": video,
            "image": {id: model.credits for id, model in IMAGE_MODELS.items()},
            "audio_per_30_seconds": MUSIC[0],
            "speech_per_minute": SPEECH[0],
            "subtitles": SUBTITLES,
            "edit": EDIT,
            "tool": TOOL,
            "topup_price_per_credit": str(PENNIES),
            "currency": "GBP",
        }
        return {"tiers": tiers, "credit_rules": rules}

    async def _config(self, call: Call[None]) -> Reply:
        return {"publishable_key": "pk_test_not_a_real_key"}

    async def _usage(self, call: Call[None]) -> Reply:
        self.box.jobs.settle(NAME, call.owner)
        days: dict[str, Counter[str]] = {}
        for medium in MEDIA:
            for record in self.robot.all(medium, call.owner):
                days.setdefault(self._day(record), Counter())[medium] += 1
        spent: dict[str, Decimal] = {}
        for move in self.box.accounts.moves(NAME, call.owner, 1_000_000):
            if move.type in ("charge", "refund"):
                day = self._day({"at": move.at})
                spent[day] = spent.get(day, Decimal(0)) - move.amount
        rows = [
            {
                "date": day,
                "generations": days.get(day, Counter())["video"],
                "images": days.get(day, Counter())["image"],
                "audio": days.get(day, Counter())["audio"],
                "credits_spent": whole(spent.get(day, Decimal(0))),
            }
            for day in sorted({*days, *spent})
        ]
        return {"usage": rows}

    async def _summary(self, call: Call[None]) -> Reply:
        self.box.jobs.settle(NAME, call.owner)
        videos, images = self.robot.all("video", call.owner), self.robot.all("image", call.owner)
        made = [one for one in videos if self.box.jobs.of(one["job_id"]).state == "done"]
        seconds = sum(one.get("seconds") or one["frames"] / one["frame_rate"] for one in made)
        favourite = Counter(one["model"] for one in [*videos, *images]).most_common(1)
        moves = self.box.accounts.moves(NAME, call.owner, 1_000_000)
        spent = -sum((move.amount for move in moves if move.type in ("charge", "refund")), Decimal(0))
        return {
            "generations": len(videos),
            "images": len(images),
            "video_minutes": round(seconds / 60, 2),
            "favourite_model": favourite[0][0] if favourite else None,
            "credits_spent": whole(spent),
        }

    async def _pay(self, call: Call[None]) -> Reply:
        bill = next((one for one in self.robot.all("bill") if one["token"] == call.word("token")), None)
        if bill is None:
            raise absent("Bill")
        words = "Nothing to pay"
        if not bill["paid"]:
            self.box.records.change(bill["id"], paid=True)
            if "credits" in bill:
                self.box.accounts.move(NAME, bill["owner"], Decimal(bill["credits"]), type="topup")
                words = f"{bill['credits']} credits were added"
            elif "tier" in bill:
                self.box.records.change(self.robot.people.of(bill["owner"])["id"], tier=bill["tier"])
                words = f"The account is now on the {bill['tier'].title()} tier"
        return HTMLResponse(f"<!doctype html><meta charset='utf-8'><title>Sandbox till</title><p>{words}.</p>")

    def _till(self, call: Call[Any], what: Mapping[str, object]) -> dict[str, Any]:
        token = token_urlsafe(12)
        self.robot.add(call, "bill", {"token": token, "paid": False, **what})
        return {"url": f"{str(call.request.base_url).rstrip('/')}/checkout/{token}"}

    def _day(self, record: Mapping[str, Any]) -> str:
        return str(self.robot.moment(record["at"]))[:10]
