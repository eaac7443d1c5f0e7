"""`callsheet backend check`: every backend of ours bears what it must, and a planted fault is red in its row."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from callsheet.cli.check import check
from callsheet.settings.settings import Settings
from tests.backends.test_third_party import PAINTBOX, Empty
from tests.ours import BACKENDS

pytestmark = pytest.mark.anyio

WHOLE = "create, look, file; charge within the price"
FAULTS = {
    "a price below the charge": ("exactly(2)", "exactly(1)", {WHOLE}),
    "a job made up where no id is told": (
        '    """Create, then poll."""\n',
        '''    """Create, then poll."""

    def accepted(self, ask, answer):
        step = super().accepted(ask, answer)
        return step if step.get("ticket") else {"stage": "sent", "ticket": "made-up"}
''',
        {"the create answers without an id", "the create answers a page"},
    ),
    "an unknown word taken for a failure": (
        '    """Create, then poll."""\n',
        '    """Create, then poll."""\n\n    failed = frozenset({"failed", "pondering"})\n',
        {"a state that nobody knows"},
    ),
    "nothing taken for a result": (
        '    """Create, then poll."""\n',
        '''    """Create, then poll."""

    def finished(self, ask, body):
        from callsheet.catalogue.model import Harvest

        return {"stage": "made", "harvest": ask.harvest(body) or Harvest(text="done")}
''',
        {"done without a result"},
    ),
    "a cancel that cancels nothing": (
        'Route("DELETE", f"/pictures/{part(ticket)}")',
        'Route("GET", f"/pictures/{part(ticket)}")\n\n    def cancelled_by(self, answer):\n        return True',
        {"cancel"},
    ),
    "a model without an example": (
        "MODELS: tuple[type[Model], ...] = (Gouache,)",
        '''class Oil(Gouache):
    """Slow to dry."""

    id = "paintbox/oil"
    varnish: str = Field(pattern="^(matt|gloss)$")


MODELS = (Gouache, Oil)''',
        {"every model describes itself"},
    ),
    "a key that is logged": (
        '    """Create, then poll."""\n',
        '''    """Create, then poll."""

    def headers(self, ask, settings):
        import logging

        logging.getLogger("paintbox").warning("sending with %s", self.sandbox_key)
        return {}
''',
        {"no key in anything written or logged"},
    ),
}


@pytest.mark.parametrize("name", BACKENDS.names)
async def test_every_backend_of_ours_bears_what_it_must(name: str, tmp_path: Path) -> None:
    rows = await check(Settings.load(environ={"CALLSHEET_HOME": str(tmp_path)}), name, None, False)
    assert {row.name: row.fault for row in rows if row.fault} == {}
    assert len(rows) == (15 if BACKENDS[name].base else 1)


@pytest.mark.xdist_group("third party")
def test_a_planted_fault_is_red_in_its_own_row(tmp_path: Path) -> None:
    empty, runs = Empty(tmp_path), {}
    for number, (fault, (old, new, _)) in enumerate({"none": ("Create", "Create", set[str]()), **FAULTS}.items()):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(PAINTBOX / "paintbox", copy / "paintbox")
        service = copy / "paintbox" / "service.py"
        text = service.read_text(encoding="utf-8")
        assert old in text, fault
        service.write_text(text.replace(old, new), encoding="utf-8")
        environ = empty.environ(PYTHONPATH=str(copy), CALLSHEET_BACKENDS="paintbox")
        words = [str(empty.bin / "callsheet"), "backend", "check", "paintbox"]
        runs[fault] = subprocess.Popen(words, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    heard = {fault: (*run.communicate(), run.returncode) for fault, run in runs.items()}
    assert [err for out, err, _ in heard.values() if not out.startswith("[")] == []
    red = {fault: {row["name"] for row in json.loads(out) if row["fault"]} for fault, (out, _, _) in heard.items()}
    assert {fault: code for fault, (_, _, code) in heard.items()} == {fault: int(bool(red[fault])) for fault in red}
    assert red == {"none": set(), **{fault: rows for fault, (_, _, rows) in FAULTS.items()}}
