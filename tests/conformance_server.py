"""`python -m tests.conformance_server --port N`: the product's server, and what the conformance suite calls.

Tools, middleware, extensions and the ASGI app are the product's; the backends are the sandbox; nobody needs a token.
"""

import argparse
import tempfile
from pathlib import Path

import uvicorn

from callsheet.queries import TOOLSETS
from callsheet.settings import Settings
from callsheet_server import http
from callsheet_server.server import build
from tests import conformance_fixtures, conformance_questions, conformance_tasks


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
        chores = conformance_tasks.Chores()
        server, desk = build(settings, toolsets=tuple(TOOLSETS), tasks=[chores], remote=True)
        conformance_fixtures.furnish(server)
        conformance_questions.furnish(server)
        conformance_tasks.furnish(server, chores)
        app = http.app(server, desk, sessions=not said.stateless)
        uvicorn.run(app, port=said.port, log_level="warning", timeout_graceful_shutdown=3)


if __name__ == "__main__":
    main()
