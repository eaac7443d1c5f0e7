"""`python -m tests.server.conformance.server --port N`: the product's server, and what the conformance suite calls.

Tools, middleware, extensions and the ASGI app are the product's; the backends are the sandbox; nobody needs a token.
"""

import argparse
import tempfile
from pathlib import Path

import uvicorn

from callsheet.queries.queries import TOOLSETS
from callsheet.settings.settings import Settings
from callsheet_server.mcp.server import build
from callsheet_server.web import http
from tests.server.conformance import fixtures, questions, tasks


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--stateless", action="store_true", help="as replicas are, which cannot ask an older client")
    said = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = Settings.load(
            environ={
                "CALLSHEET_HOME": str(home),
                "CALLSHEET_OUTPUT_DIR": str(home / "out"),
                "CALLSHEET_SANDBOX": "always",
            }
        )
        chores = tasks.Chores()
        server, desk = build(settings, toolsets=tuple(TOOLSETS), tasks=[chores], remote=True)
        fixtures.furnish(server)
        questions.furnish(server)
        tasks.furnish(server, chores)
        app = http.app(server, desk, sessions=not said.stateless)
        uvicorn.run(app, port=said.port, log_level="warning", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main()
