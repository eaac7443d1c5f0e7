"""fal's platform API (api.fal.ai/v1): the catalogue with its schemas, prices, what was asked, and the account.

`…/usage`, `…/billing-events` and `/account/billing` need an admin key: here one whose id begins with `admin-`, for the
account of the key without it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field
from starlette.requests import Request

from callsheet_sandbox.accounts import Short
from callsheet_sandbox.backends.fal import making
from callsheet_sandbox.backends.fal.endpoints import ENDPOINTS, Endpoint
from callsheet_sandbox.backends.fal.queue import Queue
from callsheet_sandbox.backends.fal.words import BACKEND, platform
from callsheet_sandbox.desk import Body, Call, Desk, Problem, Refusal, Reply, number
from callsheet_sandbox.jobs import Job

ADMIN = "admin-"
READ = "2026-11-27T00:00:00Z"
ALL = 1_000_000
FILE = {"type": "object", "properties": {"url": {"type": "string"}, "content_type": {"type": "string"}}}


def bearer(request: Request) -> str:
    """The key a request brings, `Key id:secret`."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() if scheme.lower() == "key" else ""


class Quantity(Body):
    """So many units."""

    unit_quantity: float = Field(ge=0.000001)


class Times(Body):
    """So many calls."""

    call_quantity: int = Field(ge=1)


class Estimate(Body):
    """`POST /v1/models/pricing/estimate`."""

    estimate_type: Literal["unit_price", "historical_api_price"]
    endpoints: dict[str, Annotated[Quantity | Times, Field(union_mode="left_to_right")]]


class Storage(Body):
    """`PUT /v1/storage/settings`."""

    expiration_duration_seconds: int | None = None
    initial_acl: dict[str, Any] | None = None


class Platform(Desk):
    """The routes below `/v1`, with a pace of their own."""

    backend = BACKEND

    def __init__(self, box: Any, queue: Queue) -> None:
        super().__init__(box)
        self.queue = queue
        pages = ("limit", "cursor")
        span = (*pages, "start", "end", "endpoint_id", "expand")
        self.on(
            *("GET", "/v1/models", self.models),
            query=(*pages, "q", "category", "status", "endpoint_id", "expand"),
            public=True,
        )
        self.on("GET", "/v1/models/pricing", self.pricing, query=("endpoint_id",))
        self.take("POST", "/v1/models/pricing/estimate", Estimate, self.estimate)
        self.on(
            *("GET", "/v1/models/requests/by-endpoint", self.requests), query=(*span, "status", "request_id", "sort_by")
        )
        self.on("DELETE", "/v1/models/requests/{id}/payloads", self.forget)
        self.on("GET", "/v1/models/billing-events", self.events, query=(*span, "request_id"))
        self.on("GET", "/v1/models/usage", self.usage, query=(*span, "timezone", "timeframe", "bound_to_timeframe"))
        self.on("GET", "/v1/account/billing", self.billing, query=("expand",))
        self.on("GET", "/v1/storage/settings", self.storage)
        self.take("PUT", "/v1/storage/settings", Storage, self.settle)
        self.on("GET", "/v1/meta", self.meta, public=True)
        self.on("GET", "/api/openapi/queue/openapi.json", self.schema, query=("endpoint_id",), public=True)

    def key_of(self, request: Request) -> str:
        """An admin's key opens the account of the plain one."""
        return bearer(request).removeprefix(ADMIN)

    def admits(self, key: str) -> bool:
        """`id:secret`."""
        return all(key.partition(":"))

    def unauthorized(self) -> Refusal:
        """401."""
        return platform(401, "authorization_error", "Authentication required")

    def too_many(self, wait: int) -> Refusal:
        """429."""
        refusal = platform(429, "rate_limited", "Too many requests")
        refusal.headers["Retry-After"] = str(wait)
        return refusal

    def short(self, short: Short) -> Refusal:
        """Nothing here costs anything."""
        raise NotImplementedError

    def invalid(self, problems: Sequence[Problem]) -> Refusal:
        """400."""
        message = "; ".join(f"{'.'.join(map(str, found['loc'][1:]))}: {found['msg']}" for found in problems)
        return platform(400, "validation_error", message, wrong=True)

    async def models(self, call: Call[None]) -> Reply:
        """The catalogue."""
        said = call.request.query_params
        wanted = ids(said.getlist("endpoint_id"))
        if len(wanted) > 50:
            raise platform(400, "validation_error", "endpoint_id: at most 50", wrong=True)
        if missing := [id for id in wanted if id not in ENDPOINTS]:
            raise platform(404, "not_found", f"Unknown endpoints: {', '.join(missing)}")
        text, kind = said.get("q", "").lower(), said.get("category")
        rows = [
            row
            for row in ENDPOINTS.values()
            if (not wanted or row.id in wanted) and text in row.id and kind in (None, row.category)
        ]
        if said.get("status") == "deprecated":
            rows = []
        first, most = call.number("cursor", 0), call.number("limit", 50, 1, 100)
        shown = [listed(row, "openapi-3.0" in ids(said.getlist("expand"))) for row in rows[first : first + most]]
        more = len(rows) > first + most
        return {"models": shown, "next_cursor": str(first + most) if more else None, "has_more": more}

    async def schema(self, call: Call[None]) -> Reply:
        """One endpoint's own description."""
        id = call.request.query_params.get("endpoint_id", "")
        if id not in ENDPOINTS:
            raise platform(404, "not_found", f"Unknown endpoint: {id}")
        return described(ENDPOINTS[id])

    def _asked(self, call: Call[None]) -> list[Endpoint]:
        wanted = ids(call.request.query_params.getlist("endpoint_id"))
        if not 1 <= len(wanted) <= 50:
            raise platform(400, "validation_error", "endpoint_id: 1 to 50 are required", wrong=True)
        if missing := [id for id in wanted if id not in ENDPOINTS]:
            raise platform(404, "not_found", f"Unknown endpoints: {', '.join(missing)}")
        return [ENDPOINTS[id] for id in wanted]

    async def pricing(self, call: Call[None]) -> Reply:
        """What a unit costs, where that is told."""
        prices = [
            {"endpoint_id": row.id, "unit_price": number(row.price), "unit": row.unit, "currency": "USD"}
            for row in self._asked(call)
            if row.priced
        ]
        return {"prices": prices, "next_cursor": None, "has_more": False}

    async def estimate(self, call: Call[Estimate]) -> Reply:
        """What so many units, or calls, would cost."""
        total = Decimal(0)
        for id, said in call.body.endpoints.items():
            if id not in ENDPOINTS:
                raise platform(404, "not_found", f"Unknown endpoint: {id}")
            if isinstance(said, Quantity) != (call.body.estimate_type == "unit_price"):
                raise platform(400, "validation_error", f"endpoints.{id}: not for this estimate_type", wrong=True)
            if isinstance(said, Quantity):
                total += ENDPOINTS[id].price * Decimal(str(said.unit_quantity))
            else:
                total += said.call_quantity * self._usual(call.owner, ENDPOINTS[id])
        return {"estimate_type": call.body.estimate_type, "total_cost": number(total), "currency": "USD"}

    def _usual(self, owner: str, row: Endpoint) -> Decimal:
        """What a call has cost so far; one unit, if there was none."""
        paid = [job.charged for job in self._jobs(owner, [row]) if job.charged]
        return sum(paid, Decimal(0)) / len(paid) if paid else row.price

    def _jobs(self, owner: str, rows: Sequence[Endpoint] = ()) -> list[Job]:
        services = [row.id for row in rows] or None
        return self.box.jobs.all(BACKEND, owner, services, limit=ALL)

    async def requests(self, call: Call[None]) -> Reply:
        """What was asked of some endpoints, with payloads if wanted; nothing of requests that store none."""
        said = call.request.query_params
        expand = "payloads" in ids(said.getlist("expand"))
        id, status = said.get("request_id"), said.get("status")
        day = 90 if id else 1
        since = moment(said.get("start")) or self.box.clock() - day * 86_400
        until = moment(said.get("end")) or self.box.clock() + 1
        items = []
        for job in self._jobs(call.owner, self._asked(call)):
            if not job.facts["stored"] or not since <= job.created <= until or id not in (None, job.id):
                continue
            wrong = self.queue.wrong(job)
            code = None if job.state == "running" else (wrong.status if wrong else 200)
            if status and status != worded(code):
                continue
            item = self._item(job, code)
            if expand:
                item["json_input"] = job.body if "forgotten" not in job.facts else None
                if code == 200 and "forgotten" not in job.facts:
                    item["json_output"] = await making.output(self.box, job, call.link)
            items.append(item)
        if said.get("sort_by") == "duration":
            items.sort(key=lambda item: item["duration"] or 0, reverse=True)
        first, most = call.number("cursor", 0), call.number("limit", 50, 1, 100)
        more = len(items) > first + most
        return {
            "items": items[first : first + most],
            "next_cursor": str(first + most) if more else None,
            "has_more": more,
        }

    def _item(self, job: Job, code: int | None) -> dict[str, Any]:
        ended = stamp(job.finished) if job.finished else None
        took = round(job.finished - job.created, 3) if job.finished else None
        at = stamp(job.created)
        return {
            **{"request_id": job.id, "endpoint_id": job.service, "sent_at": at, "started_at": at, "ended_at": ended},
            **{"status_code": code, "duration": took},
        }

    async def forget(self, call: Call[None]) -> Reply:
        """Payloads and files of a request."""
        job = next((job for job in self._jobs(call.owner) if job.id == call.word("id")), None)
        if job is None:
            raise platform(404, "not_found", "Request not found")
        for name in job.files:
            self.box.drop(name)
        self.box.jobs.note(job.id, forgotten=True)
        return {"cdn_delete_results": [{"link": call.link(name), "exception": None} for name in job.files]}

    def _admin(self, call: Call[Any]) -> None:
        if not bearer(call.request).startswith(ADMIN):
            raise platform(403, "authorization_error", "This needs an admin key")

    async def events(self, call: Call[None]) -> Reply:
        """What was billed, request by request."""
        self._admin(call)
        said = call.request.query_params
        wanted, id = ids(said.getlist("endpoint_id")), said.get("request_id")
        found = [
            self._event(job)
            for job in self._jobs(call.owner)
            if job.charged and id in (None, job.id) and (not wanted or job.service in wanted)
        ]
        return {"billing_events": found, "next_cursor": None, "has_more": False}

    def _event(self, job: Job) -> dict[str, Any]:
        cost = number(job.charged)
        return {
            **{"request_id": job.id, "endpoint_id": job.service, "timestamp": stamp(job.finished or job.created)},
            **{"output_units": float(job.facts["units"]), "unit_price": number(ENDPOINTS[job.service].price)},
            **{"percent_discount": None, "cost_subtotal": cost, "cost_discount": 0, "cost_total": cost},
            "cost_estimate_nano_usd": round(job.charged * 10**9),
        }

    async def usage(self, call: Call[None]) -> Reply:
        """The same, day by day."""
        self._admin(call)
        wanted = ids(call.request.query_params.getlist("endpoint_id"))
        days: dict[str, dict[str, list[Job]]] = {}
        for job in self._jobs(call.owner):
            if job.charged and (not wanted or job.service in wanted):
                day = stamp(job.created)[:10]
                days.setdefault(day, {}).setdefault(job.service, []).append(job)
        series = [
            {"bucket": f"{day}T00:00:00Z", "results": [self._used(id, jobs) for id, jobs in rows.items()]}
            for day, rows in sorted(days.items())
        ]
        return {"time_series": series, "next_cursor": None, "has_more": False}

    def _used(self, id: str, jobs: Sequence[Job]) -> dict[str, Any]:
        row, cost = ENDPOINTS[id], number(sum((job.charged for job in jobs), Decimal(0)))
        quantity = float(sum(Decimal(job.facts["units"]) for job in jobs))
        return {
            **{"endpoint_id": id, "unit": row.unit, "quantity": quantity, "unit_price": number(row.price)},
            **{"percent_discount": None, "cost_subtotal": cost, "cost_discount": 0, "cost_total": cost, "cost": cost},
            "currency": "USD",
        }

    async def billing(self, call: Call[None]) -> Reply:
        """What is left, if that is asked for."""
        self._admin(call)
        told: dict[str, Any] = {"username": "sandbox"}
        if "credits" in ids(call.request.query_params.getlist("expand")):
            left = number(self.box.balance(BACKEND, call.owner))
            told["credits"] = {"current_balance": left, "currency": "USD"}
        return told

    async def storage(self, call: Call[None]) -> Reply:
        """How long files live; for ever, where nothing was said."""
        kept = self.box.records.all(BACKEND, "storage", call.owner)
        return {name: kept[-1][name] if kept else None for name in Storage.model_fields}

    async def settle(self, call: Call[Storage]) -> Reply:
        """Say how long."""
        return {
            name: self.box.records.add(BACKEND, call.owner, "storage", call.body.model_dump())[name]
            for name in Storage.model_fields
        }

    async def meta(self, call: Call[None]) -> Reply:
        """Where webhooks come from."""
        return {"webhook_ip_ranges": ["127.0.0.1/32"]}


def ids(said: Sequence[str]) -> list[str]:
    """Repeated, or with commas."""
    return [id for part in said for id in part.split(",") if id]


def worded(code: int | None) -> str:
    """How a request's end is filtered."""
    if code is None:
        return ""
    return "success" if code < 400 else "user_error" if code < 500 else "error"


def moment(said: str | None) -> float | None:
    """A time of the query."""
    if said is None:
        return None
    try:
        at = datetime.fromisoformat(said.replace("Z", "+00:00"))
    except ValueError as error:
        raise platform(400, "validation_error", f"not a time: {said}", wrong=True) from error
    return at.replace(tzinfo=at.tzinfo or UTC).timestamp()


def stamp(at: float) -> str:
    """A time of an answer."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")


def listed(row: Endpoint, schema: bool) -> dict[str, Any]:
    """An endpoint in the catalogue."""
    about = (row.body.__doc__ or "").strip().splitlines()[0]
    metadata = {
        **{"display_name": row.id, "category": row.category, "description": about, "status": "active", "tags": []},
        **{"updated_at": READ, "date": READ, "is_favorited": False, "thumbnail_url": "", "kind": "inference"},
        **{"model_url": f"https://fal.run/{row.id}", "license_type": "commercial", "highlighted": False},
        "pinned": False,
    }
    return {"endpoint_id": row.id, "metadata": metadata} | ({"openapi": described(row)} if schema else {})


def described(row: Endpoint) -> dict[str, Any]:
    """An endpoint's own OpenAPI document."""
    schema = row.body.model_json_schema(ref_template="#/components/schemas/{model}")
    parts = schema.pop("$defs", {})
    schema["x-fal-order-properties"] = sorted(schema["properties"], key=lambda name: name == "sync_mode")
    several: dict[str, Any] = {"images": {"type": "array", "items": FILE}, "text": {"type": "string"}}
    made = {row.body.makes: several.get(row.body.makes, FILE)}
    output = {"type": "object", "properties": made, "x-fal-order-properties": list(made)}
    asked = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Input"}}}, "required": True}
    told = {
        "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Output"}}}}
    }
    paths = {
        f"/{row.id}": {"post": {"requestBody": asked}},
        f"/{row.app}/requests/{{request_id}}": {"get": {"responses": told}},
    }
    return {
        **{"openapi": "3.0.4", "info": {"title": row.id, "version": "1.0.0"}, "paths": paths},
        "components": {"schemas": {"Input": schema, "Output": output, **parts}},
    }
