"""What the other processes do in the tests of `gapless.testing.ledger`; apart, so that they start without pytest."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Barrier

from gapless.ledger.contract import EventKind, Ledger, Outcome, RunRecord, RunState, Status
from gapless.ledger.process import ProcessIdentity, this_process

__all__ = ["OpenLedger", "a_finished_process", "add_each", "claim_each", "materialized", "record_batches", "run_of"]

OpenLedger = Callable[[], Ledger]
"""Opens the ledger under test, always the same one, in whatever process; has to be picklable."""

_NOW = datetime(2024, 1, 5, tzinfo=UTC)


def run_of(run_id: str, process: ProcessIdentity | None = None, created_at: datetime = _NOW) -> RunRecord:
    """A run of `process`, by default the one that calls."""
    who = process or this_process()
    return RunRecord(
        run_id=run_id,
        state=RunState.RUNNING,
        created_at=created_at,
        targeted=1,
        plan={"assets": ["plays"]},
        host=who.host,
        pid=who.pid,
        process_started=who.started,
        boot=who.boot,
    )


def materialized(
    asset: str, partition: str | None, at: datetime = _NOW, rows: int | None = 3, data_version: str | None = None
) -> Outcome:
    """The outcome of a slice whose rows were committed at `at`."""
    return Outcome(
        asset,
        partition,
        EventKind.MATERIALIZED,
        at,
        Status.MATERIALIZED,
        rows=rows,
        payload={"rows": rows},
        data_version=data_version,
    )


def a_finished_process() -> ProcessIdentity:
    """Who that process was."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return ProcessIdentity(os.uname().nodename, process.pid)


def claim_each(open_ledger: OpenLedger, run_id: str, keys: Sequence[str], start: Barrier, answer: Connection) -> None:
    """Start a run, claim `keys` a few at a time, and answer with those that were granted."""
    ledger = open_ledger()
    start.wait()
    ledger.start_run(run_of(run_id))
    granted: list[str | None] = []
    for first in range(0, len(keys), 5):
        granted += ledger.claim(run_id, "plays", keys[first : first + 5], _NOW).granted
    answer.send(granted)
    ledger.close()


def add_each(open_ledger: OpenLedger, keys: Sequence[str], start: Barrier, answer: Connection) -> None:
    """Add `keys` a few at a time, and one that comes and goes; answer with those that were new."""
    ledger = open_ledger()
    start.wait()
    added: list[str] = []
    for first in range(0, len(keys), 5):
        added += ledger.add_dynamic_partitions("customers", keys[first : first + 5])
        ledger.add_dynamic_partitions("passing", ["p"])
        ledger.delete_dynamic_partition("passing", "p")
    answer.send(added)
    ledger.close()


def record_batches(
    open_ledger: OpenLedger, run_id: str, batches: int, size: int, start: Barrier | None, answer: Connection
) -> None:
    """Record `batches` of `size` outcomes each, answering with the number of each batch once it is recorded."""
    ledger = open_ledger()
    if start is not None:
        start.wait()
    for batch in range(batches):
        keys = [f"{run_id}-{batch}-{number}" for number in range(size)]
        ledger.record(run_id, [materialized("plays", key) for key in keys])
        answer.send(batch)
        time.sleep(0)  # give the others a chance to write in between
    ledger.close()
