"""Chaos, in short: the whole of it is `python -m tests.chaos`."""

import pytest

from tests.chaos.harness import run

pytestmark = pytest.mark.anyio


async def test_under_kills_and_faults_nothing_is_lost_nothing_paid_twice_and_every_credit_explained() -> None:
    outcome = await run(24, kills=4, faults=12, seed=11, patience=120)
    print(outcome.table())
    assert outcome.paid_twice == 0
    assert outcome.lost == 0
    assert outcome.unexplained == 0
    assert outcome.mistaken == 0
    assert outcome.unended == 0
    assert outcome.kills == 4
    assert sum(outcome.faults.values()) > 0
    assert outcome.stages["stored"] > 0
