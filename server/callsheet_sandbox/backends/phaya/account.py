"""Phaya's account routes."""

from datetime import UTC, datetime

from callsheet_sandbox.desk import Call, Desk, Reply, number

CACHE_SECONDS = 30.0


class Account:
    """Profile, credits and their history; the balance is cached, as the real one is."""

    def __init__(self, desk: Desk) -> None:
        self.box = desk.box
        desk.on("GET", "/api/v1/user/profile", self.profile)
        desk.on("GET", "/api/v1/user/credits", self.credits)
        desk.on("GET", "/api/v1/user/credits/history", self.moves, query=("limit",))
        desk.on("POST", "/api/v1/user/credits/invalidate-cache", self.forget)

    async def profile(self, call: Call[None]) -> Reply:
        """Who this is."""
        return {
            "success": True,
            "user_id": f"user_{call.owner}",
            "email": f"{call.owner}@sandbox.invalid",
            "credits_balance": number(self.box.balance("phaya", call.owner)),
        }

    async def credits(self, call: Call[None]) -> Reply:
        """The balance, up to 30 seconds old unless the cache was invalidated since."""
        known = self.box.records.all("phaya", "balance", call.owner)
        cached = bool(known) and self.box.clock() - known[-1]["at"] < CACHE_SECONDS
        if cached:
            balance = float(known[-1]["balance"])
        else:
            self.clear(call.owner)
            balance = number(self.box.balance("phaya", call.owner))
            self.box.records.add("phaya", call.owner, "balance", {"balance": balance})
        return {
            "success": True,
            "user_id": f"user_{call.owner}",
            "credits_balance": balance,
            "credits_balance_formatted": f"{balance:.2f} เครดิต",
            "currency": "THB",
            "cached": cached,
        }

    async def moves(self, call: Call[None]) -> Reply:
        """The statement, newest first."""
        self.box.jobs.settle("phaya", call.owner)
        rows = [
            {
                "id": str(move.id),
                "amount": number(move.amount),
                "type": move.type,
                "service": move.service,
                "job_id": move.job_id,
                "created_at": moment(move.at),
            }
            for move in self.box.accounts.moves("phaya", call.owner, call.number("limit", 20, 1, 1000))
        ]
        return {"success": True, "transactions": rows}

    async def forget(self, call: Call[None]) -> Reply:
        """The next balance is a fresh one."""
        self.clear(call.owner)
        return {"success": True}

    def clear(self, owner: str) -> None:
        """Drop the cached figure."""
        for record in self.box.records.all("phaya", "balance", owner):
            self.box.records.drop(record["id"])


def moment(at: float) -> str:
    """A time in RFC 3339, UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat()
