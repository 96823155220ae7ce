"""What a run says while another makes what it wants."""

from __future__ import annotations

import pytest

import gapless as dg
from gapless.engine import system_clock
from gapless.execution.leases import Leases
from gapless.execution.ready import Unit
from gapless.execution.recorded_run import begin_run
from gapless.ledger.sqlite import SQLiteLedger
from gapless.partitions import OrdinalSet
from gapless.planning.plan import PlanStep

KEYS = ["a", "b", "c"]


@pytest.fixture
def ledger(tmp_path):
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


def test_it_is_told_once_for_each_run_that_is_waited_for_however_often_it_is_asked(ledger):
    for run_id in ("ours", "one", "two"):
        begin_run(ledger, run_id, "manual", 1, system_clock())
    ledger.claim("one", "plays", ["a"], system_clock())
    ledger.claim("two", "plays", ["b"], system_clock())
    step = PlanStep(dg.AssetKey("plays"), dg.StaticPartitionsDefinition(KEYS), OrdinalSet.span(0, 3), 1, ())
    told = []
    leases = Leases(ledger, "ours", system_clock(), system_clock, told.append)

    def ask(units):
        return [unit.keys for unit in leases.claim(units)[0]]

    assert ask([Unit(step, OrdinalSet.span(n, n + 1)) for n in range(3)]) == [["c"]]
    for _ in range(3):
        assert ask(leases.take_parked()) == []
    assert told == ["waiting for run one, which is making plays a"]
    ledger.release("one", "plays", ["a"])
    for _ in range(3):
        ask(leases.take_parked())
    assert told[1:] == ["waiting for run two, which is making plays b"]
