"""History as values: the ledger's events joined with the store's commits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

import gapless as dg
from gapless.ledger.contract import EventKind, Outcome, Status
from gapless.ledger.sqlite import SQLiteLedger
from gapless.testing.ledger_processes import materialized
from gapless.views.history import history

NOW = datetime(2024, 1, 5, tzinfo=UTC)


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a", "b"]))
def plays() -> None: ...


@pytest.fixture
def ledger(tmp_path):
    with SQLiteLedger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


def later(seconds):
    return NOW + timedelta(seconds=seconds)


def failed(partition, at):
    return Outcome("plays", partition, EventKind.FAILED, at, Status.FAILED, "ValueError: no")


def checked(run_id, check, passed=True):
    payload = {"check": check, "passed": passed, "severity": "ERROR", "blocking": True}
    return Outcome("plays", "a", EventKind.CHECKED, NOW, None, payload=payload)


def shown(ledger, partition=None, limit=20):
    return [(entry.what, entry.partition, entry.current) for entry in history(ledger, plays, None, partition, limit)]


def test_without_a_store_the_ledger_says_what_is_there(ledger):
    ledger.record("r", [materialized("plays", "a", NOW), materialized("plays", "b", NOW)])
    ledger.record("s", [materialized("plays", "a", later(1)), failed("b", later(1))])
    assert shown(ledger) == [
        ("failed", "b", False),
        ("materialized", "a", True),
        ("materialized", "b", True),
        ("materialized", "a", False),
    ]
    assert shown(ledger, "a") == [("materialized", "a", True), ("materialized", "a", False)]
    ledger.wipe("plays", None, "w", later(2))
    assert shown(ledger, "a", limit=2) == [("wiped", None, False), ("materialized", "a", False)]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_however_many_checks_there_were_the_limit_counts_what_they_were_about(ledger, limit):
    for run in ("r", "s"):
        ledger.record(run, [checked(run, f"check {n}", passed=n > 0) for n in range(30)])
        ledger.record(run, [materialized("plays", "a", NOW)])
    entries = history(ledger, plays, None, None, limit)
    assert [entry.run_id for entry in entries] == ["s", "r"][:limit]
    for entry in entries:
        assert [check.name for check in entry.checks] == [f"check {n}" for n in range(30)]
        assert [check.name for check in entry.checks if not check.passed] == ["check 0"]


def test_a_restored_version_and_what_was_found_after_a_crash_are_called_so(ledger):
    restored = Outcome(
        "plays",
        "a",
        EventKind.MATERIALIZED,
        later(1),
        Status.MATERIALIZED,
        payload={"rows": 2, "bytes": 20, "version": "d2-1", "restored_from": {"run_id": "r0", "version": "d2-1"}},
    )
    found = Outcome("plays", "a", EventKind.RECONCILED, NOW, Status.MATERIALIZED, payload={"rows": 1})
    ledger.record("r", [found])
    ledger.record("s", [restored])
    newest, oldest = history(ledger, plays, None, "a", 9)
    assert (newest.what, newest.reason, newest.rows, newest.nbytes, newest.version) == (
        "restored",
        "that of run r0",
        2,
        20,
        "d2-1",
    )
    assert (oldest.what, oldest.rows, oldest.current) == ("reconciled", 1, False)
