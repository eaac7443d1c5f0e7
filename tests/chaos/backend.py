"""The backend under fault: the sandbox on a port, behind a middleware that lies, stalls and hangs up."""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from callsheet_sandbox.app import sandbox

CREATES = {
    "hang up before the create": 3,
    "create accepted, answer lost": 6,
    "create accepted, then 500": 4,
    "create accepted, then HTML": 3,
    "create redirected": 2,
    "429 on create": 4,
    "500 on create": 2,
    "slow create": 3,
}
LOOKS = {"502 on a look": 3, "HTML on a look": 2, "401 on a look": 2, "404 on a look": 2, "look hung up": 2}
FILES = {"half a download": 4, "download gone once": 2, "HTML instead of the file": 2}


class Faulty:
    """Passes requests on to the sandbox, or does one of the things that networks and backends do."""

    def __init__(self, app: ASGIApp, seed: int, share: float) -> None:
        self.app = app
        self.random = random.Random(seed)
        self.share = share
        self.faults: dict[str, int] = {}
        self.accepted: list[dict[str, Any]] = []
        self.times: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith("/_sandbox"):
            await self.app(scope, receive, send)
        elif scope["path"] == "/_chaos":
            self.share = 0.0 if scope["method"] == "POST" else self.share
            await reply(
                send, 200, json.dumps({"faults": self.faults, "accepted": self.accepted, "times": self.times}).encode()
            )
        else:
            if not scope["path"].startswith("/storage/"):  # a file is no request of the account's
                self.times.append(time.monotonic())
            body = await whole(receive)
            fault = self.pick(scope)
            if fault:
                self.faults[fault] = self.faults.get(fault, 0) + 1
            await self.act(fault, scope, body, send)

    def pick(self, scope: Scope) -> str | None:
        """The fault for this request, if any."""
        path, method = scope["path"], scope["method"]
        kinds: dict[str, int] = {}
        if method == "POST" and path.endswith(("/create", "/generate")):
            kinds = CREATES
        elif method == "GET" and "/status/" in path:
            kinds = LOOKS
        elif path.startswith("/storage/"):
            kinds = FILES
        if not kinds or self.random.random() >= self.share:
            return None
        return self.random.choices(list(kinds), list(kinds.values()))[0]

    async def act(self, fault: str | None, scope: Scope, body: bytes, send: Send) -> None:
        """Do it."""
        if fault in ("hang up before the create", "look hung up"):
            await hang_up(send)
        elif fault == "create redirected":
            await reply(send, 307, b"", ("location", "/elsewhere"))
        elif fault == "429 on create":
            await reply(send, 429, b'{"detail":"Rate limit exceeded"}', ("retry-after", "1"))
        elif fault in ("500 on create", "502 on a look"):
            await reply(send, int(fault[:3]), b"Internal Server Error")
        elif fault in ("HTML on a look", "HTML instead of the file"):
            await reply(send, 200, b"<html>maintenance</html>", ("content-type", "text/html"))
        elif fault in ("401 on a look", "404 on a look", "download gone once"):
            await reply(send, 404 if "download" in fault else int(fault[:3]), b'{"detail":"no"}')
        else:
            if fault == "slow create":
                await anyio.sleep(self.random.uniform(0.2, 1.5))
            answer = await self.ask(scope, body)
            if fault == "slow create":
                await anyio.sleep(self.random.uniform(0.2, 1.5))
            self.remember(scope, body, answer)
            await self.answer(fault, answer, send)

    async def ask(self, scope: Scope, body: bytes) -> list[Message]:
        """The sandbox's own answer, kept back."""
        kept: list[Message] = []
        parts = iter([body])

        async def receive() -> Message:
            if (body := next(parts, None)) is None:
                await anyio.sleep_forever()
            return {"type": "http.request", "body": body, "more_body": False}

        async def keep(message: Message) -> None:
            kept.append(message)

        await self.app(scope, receive, keep)
        return kept

    def remember(self, scope: Scope, body: bytes, answer: list[Message]) -> None:
        """Every create that the backend accepted, whatever the client then heard."""
        if (
            scope["method"] == "POST"
            and scope["path"].endswith(("/create", "/generate"))
            and answer[0]["status"] == 200
        ):
            job = json.loads(b"".join(m.get("body", b"") for m in answer[1:]))["job_id"]
            self.accepted.append({"ticket": job, "prompt": json.loads(body)["prompt"], "path": scope["path"]})

    async def answer(self, fault: str | None, answer: list[Message], send: Send) -> None:
        """Pass the answer on, or what is left of it."""
        if fault == "create accepted, answer lost":
            await hang_up(send)
        elif fault == "create accepted, then 500":
            await reply(send, 500, b"Internal Server Error")
        elif fault == "create accepted, then HTML":
            await reply(send, 200, b"<html>ok</html>", ("content-type", "text/html"))
        elif fault == "half a download":
            content = b"".join(m.get("body", b"") for m in answer[1:])
            await send({**answer[0], "headers": [(b"content-length", str(len(content)).encode())]})
            await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
            raise Cut
        else:
            for message in answer:
                await send(message)


class Cut(Exception):
    """Ends a request in the middle, so that the server closes the connection."""


async def whole(receive: Receive) -> bytes:
    """A request's body."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


async def reply(send: Send, status: int, body: bytes, *headers: tuple[str, str]) -> None:
    """A short answer."""
    pairs = [(name.encode(), value.encode()) for name, value in (*headers, ("content-length", str(len(body))))]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


async def hang_up(send: Send) -> None:
    """An answer that promises more than it gives: the client sees a broken connection."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000")]})
    raise Cut


def main(port: int, folder: Path, seed: int, share: float) -> None:
    """Serve until killed."""
    box = sandbox(folder, credits=1_000_000.0, rate=1_000_000, speed=3.0, backends=["phaya"])
    uvicorn.run(Faulty(box, seed, share), host="127.0.0.1", port=port, log_level="critical")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
