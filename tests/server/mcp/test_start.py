"""A server answers its first client before anything heavy is imported."""

import subprocess
import sys

HEAVY = {"sqlalchemy", "PIL", "numpy", "typer", "stamina", "imageio_ffmpeg"}
SERVE = """
import sys
import callsheet_server.cli, callsheet_server.mcp.server, callsheet_server.mcp.stdio
from callsheet.settings.settings import Settings
callsheet_server.mcp.server.build(Settings.load(environ={"CALLSHEET_HOME": "nowhere"}))
print(*sys.modules)
"""


def test_what_only_a_job_needs_is_imported_with_the_first_job() -> None:
    said = subprocess.run([sys.executable, "-c", SERVE], capture_output=True, text=True, check=True)
    known = set(said.stdout.split())
    assert "callsheet_server" in known
    assert not known & (HEAVY | {"callsheet.studio", "callsheet.ledger.ledger", "callsheet.catalogue.catalogue"})
