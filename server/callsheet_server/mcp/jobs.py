"""The ledger's jobs as tasks: a task's id is its job's."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from callsheet.errors import RequestError
from callsheet_server.desk import Desk
from callsheet_server.mcp.approval import form
from callsheet_server.mcp.tasks import Task
from callsheet_server.mcp.tools import doing, shown

SPEND = "spend"
"""Under this name a task asks whether to go on at a higher price."""
SHORTEST_S, LONGEST_S = 2.0, 10.0
"""Between two looks of a client."""


class Jobs:
    """The jobs of whoever asks."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    async def find(self, task_id: str) -> Task | None:
        """A job as it stands. One that ended badly is `completed` too, with the error its tool gives for a result."""
        studio, caller = await self.desk.studio(), self.desk.caller()
        try:
            parts = await studio.ledger.parts(task_id, caller)
        except RequestError:
            return None
        receipt = await studio.receipts.of(task_id, caller)
        busy = next((part for part in parts if not part.ended), None)
        if busy:
            message = doing(studio, replace(busy, progress=receipt.progress), receipt.elapsed_s)
        else:
            message = receipt.lines().partition("\n")[0]
        cancelled, question = receipt.status == "cancelled", await studio.orders.second_question(task_id, caller)
        steps = [at for part in parts for at in (part.created_at, part.sent_at, part.made_at, part.ended_at) if at]
        return Task(
            task_id=task_id,
            status="input_required" if question else "working" if busy else "cancelled" if cancelled else "completed",
            status_message=message,
            created_at=datetime.fromtimestamp(parts[0].created_at, UTC),
            last_updated_at=datetime.fromtimestamp(max(steps), UTC),
            poll_interval_ms=poll_ms(studio.receipts.usual_s(parts[0])),
            result=None if busy or cancelled else await shown(self.desk, receipt),
            input_requests={SPEND: form(question.text)} if question else None,
        )

    async def cancel(self, task_id: str) -> None:
        """Cancel a job, here or at its backend; one that cannot be cancelled goes on."""
        await (await self.desk.studio()).carrier.cancel(task_id, self.desk.caller())

    async def answer(self, task_id: str, answers: dict[str, Any]) -> None:
        """Take a person's yes or no to a price that has risen; anything else is no answer."""
        if isinstance(said := answers.get(SPEND), dict) and said.get("action") in ("accept", "decline", "cancel"):
            yes = said["action"] == "accept" and (said.get("content") or {}).get("proceed") is True
            await (await self.desk.studio()).orders.answer(task_id, self.desk.caller(), yes)


def poll_ms(typical_s: float) -> int:
    """How long a client should let pass between two looks: a tenth of what such a job usually takes."""
    return round(1000 * min(max(typical_s / 10, SHORTEST_S), LONGEST_S))
