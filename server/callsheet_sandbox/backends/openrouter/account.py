"""What OpenRouter tells of an account: what each request cost, the key, the credits; and its lists of models.

`/credits` and `/activity` need a management key: here one with `-management-` in it, for the account of the key
without.
"""

import secrets
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from callsheet_sandbox.backends.openrouter.catalogue import FILMS, STILLS, TALKERS, models
from callsheet_sandbox.backends.openrouter.words import BACKEND, no
from callsheet_sandbox.box import Box
from callsheet_sandbox.desk import Call, Desk, Reply, number

MANAGEMENT = "-management-"
ALL = 1_000_000
NOTHING = (
    *("app_id", "cache_discount", "external_user", "generation_time", "http_referer", "latency", "moderation_latency"),
    *("native_finish_reason", "native_tokens_cached", "native_tokens_completion_images", "native_tokens_reasoning"),
    *("num_fetches", "num_input_audio_prompt", "num_media_completion", "num_media_prompt", "num_search_results"),
    *("preset_id", "provider_responses", "router", "service_tier", "upstream_id", "upstream_inference_cost"),
    *("user_agent", "web_search_engine", "native_tokens_completion", "native_tokens_prompt", "tokens_completion"),
    *("tokens_prompt", "streamed"),
)


class Account:
    """The routes, and the one place where anything is charged."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.box: Box = desk.box
        pages = ("offset", "limit")
        search = ("q", "output_modalities", "input_modalities", "category", "sort", "max_price", "providers")
        desk.on("GET", "/api/v1/models", self.models, query=(*pages, *search), public=True)
        desk.on("GET", "/api/v1/models/user", self.models, query=pages)
        desk.on("GET", "/api/v1/embeddings/models", self.embedders, query=pages, public=True)
        desk.on("GET", "/api/v1/model/{author}/{slug}", self.model, public=True)
        desk.on("GET", "/api/v1/models/{author}/{slug}/endpoints", self.endpoints, public=True)
        desk.on("GET", "/api/v1/providers", self.providers, public=True)
        desk.on("GET", "/api/v1/generation", self.generation, query=("id",))
        desk.on("GET", "/api/v1/key", self.key)
        desk.on("GET", "/api/v1/credits", self.credits)
        desk.on("GET", "/api/v1/activity", self.activity, query=("date",))

    def charge(self, owner: str, price: Decimal, kind: str, model: str, session: str | None, id: str = "") -> str:
        """Take it, and keep the generation that `/generation` tells of; its id."""
        self.box.accounts.move(BACKEND, owner, -price, type="charge", service=model)
        return self.note(owner, price, kind, model, session, id)

    def note(self, owner: str, price: Decimal, kind: str, model: str, session: str | None, id: str = "") -> str:
        """The same for what was charged elsewhere."""
        id = id or f"gen-{round(self.box.clock())}-{secrets.token_hex(10)}"
        kept = {"generation": id, "cost": str(price), "kind": kind, "model": model, "session": session}
        self.box.records.add(BACKEND, owner, "generation", kept)
        return id

    async def models(self, call: Call[None]) -> Reply:
        """Those that make text, unless others are asked for."""
        said = call.request.query_params
        user = call.request.url.path.endswith("/user")
        wanted = said.get("output_modalities", "all" if user else "text").split(",")
        rows = [
            row
            for row in models()
            if ("all" in wanted or set(wanted) & set(row["architecture"]["output_modalities"]))
            and said.get("q", "").lower() in row["id"]
        ]
        return self._page(call, rows)

    def _page(self, call: Call[None], rows: list[dict[str, Any]]) -> dict[str, Any]:
        first, most = call.number("offset", 0), call.number("limit", 1000, 1, 1000)
        more = first + most < len(rows)
        after = f"{call.request.url.path}?offset={first + most}&limit={most}" if more else None
        return {"data": rows[first : first + most], "links": {"next": after}, "total_count": len(rows)}

    async def embedders(self, call: Call[None]) -> Reply:
        """Those that embed."""
        return self._page(call, [row for row in models() if row["architecture"]["output_modalities"] == ["embeddings"]])

    def _row(self, call: Call[None]) -> dict[str, Any]:
        id = f"{call.word('author')}/{call.word('slug')}"
        for row in models():
            if row["id"] == id:
                return row
        raise no(404, f"Model {id} not found")

    async def model(self, call: Call[None]) -> Reply:
        """One of them."""
        return {"data": self._row(call)}

    async def endpoints(self, call: Call[None]) -> Reply:
        """Who serves it; the sandbox names nobody for chats."""
        row = self._row(call)
        about = row["architecture"] | {"instruct_type": "none"}
        return {
            "data": {
                **{"id": row["id"], "name": row["name"], "created": row["created"], "description": ""},
                **{"architecture": about, "endpoints": []},
            }
        }

    async def providers(self, call: Call[None]) -> Reply:
        """The authors of what there is."""
        slugs = sorted({id.partition("/")[0] for id in (*STILLS, *FILMS, *TALKERS)})
        return {"data": [{"name": slug, "slug": slug, "privacy_policy_url": None} for slug in slugs]}

    async def generation(self, call: Call[None]) -> Reply:
        """What a request cost."""
        id = call.request.query_params.get("id")
        for row in self.box.records.all(BACKEND, "generation", call.owner):
            if row["generation"] == id:
                cost = float(row["cost"])
                return {
                    "data": {
                        **dict.fromkeys(NOTHING),
                        **{"id": id, "api_type": row["kind"], "model": row["model"], "total_cost": cost, "usage": cost},
                        **{"created_at": datetime.fromtimestamp(row["at"], UTC).isoformat(), "cancelled": False},
                        **{"data_region": "global", "finish_reason": "stop", "is_byok": False, "origin": ""},
                        **{"provider_name": row["model"].partition("/")[0], "session_id": row["session"]},
                        "request_id": None,
                    }
                }
        raise no(404, f"Generation {id} not found")

    def _used(self, owner: str) -> float:
        moves = self.box.accounts.moves(BACKEND, owner, ALL)
        return number(-sum((move.amount for move in moves if move.type in ("charge", "refund")), Decimal(0)))

    async def key(self, call: Call[None]) -> Reply:
        """What the key has used; not the account's credit."""
        self.box.jobs.settle(BACKEND, call.owner)
        used = self._used(call.owner)
        return {
            "data": {
                **{"label": "sk-or-v1-…", "limit": None, "limit_remaining": None, "limit_reset": None, "usage": used},
                **{"usage_daily": used, "usage_weekly": used, "usage_monthly": used, "byok_usage": 0},
                **{"byok_usage_daily": 0, "byok_usage_weekly": 0, "byok_usage_monthly": 0},
                **{"include_byok_in_limit": False, "is_free_tier": False, "is_management_key": self._manages(call)},
                **{"is_provisioning_key": self._manages(call), "creator_user_id": None, "expires_at": None},
                **{"rate_limit": {"interval": "10s", "note": "This field is deprecated", "requests": -1}},
                **{"allowed_data_regions": ["global"], "budgets": [], "effective_budget": None},
                **{"organization_id": "org_sandbox", "workspace_id": "ws_sandbox"},
                "free_model_daily_requests": {"limit": 1000, "remaining": 1000, "used": 0},
            }
        }

    def _manages(self, call: Call[None]) -> bool:
        return MANAGEMENT in call.request.headers.get("authorization", "")

    async def credits(self, call: Call[None]) -> Reply:
        """What was bought and used."""
        if not self._manages(call):
            raise no(403, "Only management keys can fetch credits")
        left, used = self.box.balance(BACKEND, call.owner), self._used(call.owner)
        return {"data": {"total_credits": number(left + Decimal(str(used))), "total_usage": used}}

    async def activity(self, call: Call[None]) -> Reply:
        """Of finished days: none is over in a sandbox."""
        if not self._manages(call):
            raise no(403, "Only management keys can fetch activity")
        return {"data": []}
