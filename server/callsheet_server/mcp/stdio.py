"""MCP over stdio, for every host there is.

Some hosts ask `server/discover` and then `initialize` on the same pipe; the SDK takes the first for a decision. Here a
probe decides nothing.
"""

import json
import os
import signal
import sys
import threading
from typing import Any

import anyio
import anyio.abc
from mcp.server import MCPServer
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import PARSE_ERROR, ErrorData, JSONRPCError, JSONRPCRequest
from pydantic import ValidationError

from callsheet_server.desk import Desk

PATIENCE_S = 5.0


async def serve(server: MCPServer[Any], desk: Desk) -> None:
    """Serve until stdin ends, a signal comes, or the studio cannot go on; the first two let it close in order."""
    stopped = anyio.Event()

    async def fall() -> None:
        await desk.broken.wait()
        stopped.set()
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks, stdio_server() as (wire_in, wire_out):
        if sys.platform != "win32":
            await tasks.start(watch, stopped, tasks)
        tasks.start_soon(fall)
        try:
            await speak(server, wire_in, wire_out)
        finally:
            if stopped.is_set():
                sys.stdout.flush()
                os._exit(1 if desk.broken.is_set() else 0)  # the reader of stdin is a thread that nothing interrupts
        tasks.cancel_scope.cancel()


async def watch(
    stopped: anyio.Event,
    tasks: anyio.abc.TaskGroup,
    *,
    task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
) -> None:
    """End everything on SIGTERM or SIGINT, by force if it takes too long."""
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            timer = threading.Timer(PATIENCE_S, os._exit, (0,))
            timer.daemon = True
            timer.start()
            stopped.set()
            tasks.cancel_scope.cancel()
            return


async def speak(server: MCPServer[Any], wire_in: Any, wire_out: Any) -> None:
    """Hand each message to the loop of its era; a new `initialize` after mere probes begins another."""
    low = server._lowlevel_server
    async with low.lifespan(low) as state:

        async def loop(read: Any) -> None:
            options = low.create_initialization_options()
            await serve_dual_era_loop(low, read, wire_out.clone(), lifespan_state=state, init_options=options)

        async with wire_out, anyio.create_task_group() as tasks:
            send, receive = anyio.create_memory_object_stream[Any](0)
            tasks.start_soon(loop, receive)
            probing = True
            async for item in wire_in:
                if told := garbled(item):
                    await wire_out.send(SessionMessage(told))
                message = item.message if isinstance(item, SessionMessage) else None
                if isinstance(message, JSONRPCRequest):
                    if probing and message.method == "initialize":
                        await send.aclose()
                        send, receive = anyio.create_memory_object_stream[Any](0)
                        tasks.start_soon(loop, receive)
                    probing = probing and message.method == "server/discover"
                await send.send(item)
            await send.aclose()


def garbled(item: Any) -> JSONRPCError | None:
    """What is answered to a line that is no JSON by the letter, half of an emoji in it for example; the SDK only logs
    it, and whoever sent it would wait for ever. None where nobody waits for an answer."""
    fault: dict[str, Any] = dict(item.errors()[0]) if isinstance(item, ValidationError) else {}
    try:
        said = json.loads(fault["input"]) if fault.get("type") == "json_invalid" else None
    except (ValueError, RecursionError):
        return None
    number = said.get("id") if isinstance(said, dict) and "method" in said else None
    if not isinstance(number, int | str) or not str(number).isprintable():
        return None
    reason = str(fault["ctx"]["error"])
    return JSONRPCError(jsonrpc="2.0", id=number, error=ErrorData(code=PARSE_ERROR, message=f"Parse error: {reason}"))
