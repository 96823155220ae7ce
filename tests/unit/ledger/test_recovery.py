from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from gapless.ledger.contract import EventKind, Outcome, RunState, Status
from gapless.ledger.recovery import Reconciliation, reconcile
from gapless.ledger.sqlite import SQLiteLedger
from gapless.storage.slices import InputVersion
from gapless.testing.ledger_processes import a_finished_process, materialized, run_of

NOW = datetime(2024, 1, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Commit:
    partition: str | None
    committed_at: datetime
    rows: int = 7
    run_id: str = "dead"
    asset: str = "plays"
    nbytes: int = 70
    version: str | None = "d2-1"
    code_version: str | None = "v2"
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


def later(seconds):
    return NOW + timedelta(seconds=seconds)


@pytest.fixture
def ledger(tmp_path):
    with SQLiteLedger(tmp_path / "ledger.sqlite") as ledger:
        yield ledger


@pytest.fixture
def dead(ledger):
    ledger.start_run(run_of("dead", a_finished_process(), NOW))
    (run,) = ledger.dead_runs()
    return run


def states(ledger):
    return {key: (record.status, record.run_id, record.rows) for key, record in ledger.statuses("plays").items()}


def test_what_was_committed_is_materialized_and_the_rest_stands_as_it_was(ledger, dead):
    ledger.record("old", [materialized("plays", "b", NOW, rows=1)])
    ledger.claim("dead", "plays", ["a", "b", "c"], later(1))
    found = reconcile(ledger, dead, [Commit("a", later(2))], later(60))
    assert found == Reconciliation("dead", True, (("plays", "a"),), (("plays", "b"), ("plays", "c")))
    assert states(ledger) == {
        "a": (Status.MATERIALIZED, "dead", 7),
        "b": (Status.MATERIALIZED, "old", 1),
    }
    record = ledger.statuses("plays")["a"]
    assert (record.committed_at, record.nbytes) == (later(2), 70)
    assert (record.code_version, record.data_version) == ("v2", "d2-1")
    assert ledger.run("dead").state is RunState.CRASHED
    assert ledger.run("dead").ended_at == later(60)
    assert ledger.leases("dead") == ledger.dead_runs() == []
    kinds = [(event.kind, event.partition) for event in ledger.events(run_id="dead")]
    assert kinds == [
        (EventKind.RUN_STARTED, None),
        (EventKind.RECONCILED, "a"),
        (EventKind.INTERRUPTED, "b"),
        (EventKind.INTERRUPTED, "c"),
        (EventKind.RUN_ENDED, None),
    ]


def test_an_unpartitioned_slice_is_found_too(ledger, dead):
    ledger.claim("dead", "plays", [None], later(1))
    assert reconcile(ledger, dead, [Commit(None, later(2))], later(60)).reconciled == (("plays", None),)
    assert states(ledger) == {None: (Status.MATERIALIZED, "dead", 7)}


def test_reconciling_twice_changes_nothing(ledger, dead):
    ledger.claim("dead", "plays", ["a"], later(1))
    commits = [Commit("a", later(2))]
    reconcile(ledger, dead, commits, later(60))
    before = states(ledger), ledger.events()
    assert reconcile(ledger, dead, commits, later(70)) == Reconciliation("dead", False)
    assert (states(ledger), ledger.events()) == before


def test_of_two_processes_that_reconcile_at_once_the_slower_changes_nothing(ledger, dead, tmp_path):
    ledger.claim("dead", "plays", ["a"], later(1))

    class Overtaken(SQLiteLedger):
        """Between looking and recording, another process reconciles, and a new run makes the slice again."""

        def end_crashed(self, run_id, outcomes, now, error):
            assert reconcile(ledger, dead, [Commit("a", later(2))], now).applied
            ledger.start_run(run_of("new", created_at=now))
            ledger.claim("new", "plays", ["a"], now)
            ledger.record("new", [materialized("plays", "a", later(90), rows=99)])
            return super().end_crashed(run_id, outcomes, now, error)

    with Overtaken(ledger.path) as slower:
        assert reconcile(slower, dead, [Commit("a", later(2))], later(60)) == Reconciliation("dead", False)
    assert states(ledger) == {"a": (Status.MATERIALIZED, "new", 99)}


def test_the_commits_of_other_runs_prove_nothing(ledger, dead):
    ledger.claim("dead", "plays", ["a"], later(1))
    found = reconcile(ledger, dead, [Commit("a", later(2), run_id="other")], later(60))
    assert found.interrupted == (("plays", "a"),)
    assert states(ledger) == {}


def test_the_latest_commit_of_a_slice_counts(ledger, dead):
    ledger.claim("dead", "plays", ["a"], later(1))
    commits = [Commit("a", later(2), 1), Commit("a", later(4), 3), Commit("a", later(3), 2)]  # the clock went backwards
    reconcile(ledger, dead, commits, later(60))
    assert states(ledger) == {"a": (Status.MATERIALIZED, "dead", 2)}


def test_a_recorded_commit_is_not_found_again(ledger, dead):
    # The ledger's clock reading is taken a moment before or after the store's own.
    ledger.record("dead", [materialized("plays", "a", later(1.9)), materialized("plays", "b", later(2.1))])
    found = reconcile(ledger, dead, [Commit("a", later(2)), Commit("b", later(2))], later(60))
    assert found == Reconciliation("dead", True)


def test_a_slice_that_failed_again_after_its_recorded_commit_stays_failed(ledger, dead):
    ledger.record("dead", [materialized("plays", "a", later(1.9))])
    failure = Outcome("plays", "a", EventKind.FAILED, later(9), Status.FAILED, "ValueError: no")
    ledger.record("other", [failure])
    assert reconcile(ledger, dead, [Commit("a", later(2))], later(60)).reconciled == ()
    assert ledger.statuses("plays")["a"].status is Status.FAILED


def test_a_commit_whose_record_was_lost_altogether_is_found(ledger, dead):
    # As after a power failure: neither the lease nor the outcome reached the disk.
    found = reconcile(ledger, dead, [Commit("a", later(2))], later(60))
    assert found.reconciled == (("plays", "a"),)
    assert states(ledger) == {"a": (Status.MATERIALIZED, "dead", 7)}


@pytest.mark.parametrize("partitions", [["a"], None])
@pytest.mark.parametrize("known", ["recorded", "leased", "lost"])
def test_a_slice_that_was_wiped_since_stays_wiped(ledger, dead, partitions, known):
    if known == "recorded":
        ledger.record("dead", [materialized("plays", "a", later(2))])
    if known == "leased":
        ledger.claim("dead", "plays", ["a"], later(1))
    ledger.wipe("plays", partitions, "w", later(5))
    commits = [Commit("a", later(2)), Commit("b", later(6)), Commit(None, later(6))]
    assert reconcile(ledger, dead, commits, later(60)).reconciled == (("plays", "b"), ("plays", None))
    assert set(states(ledger)) == {"b", None}


def test_a_slice_that_was_made_again_after_a_wipe_is_found(ledger, dead):
    ledger.wipe("plays", ["a"], "w", later(1))
    ledger.claim("dead", "plays", ["a"], later(2))
    assert reconcile(ledger, dead, [Commit("a", later(3))], later(60)).reconciled == (("plays", "a"),)


def test_a_later_commit_of_another_run_stands(ledger, dead):
    ledger.record("other", [materialized("plays", "a", later(9), rows=1)])
    assert reconcile(ledger, dead, [Commit("a", later(2))], later(60)).reconciled == ()
    assert states(ledger) == {"a": (Status.MATERIALIZED, "other", 1)}


def test_a_slice_that_the_run_made_a_second_time_has_its_newer_rows(ledger, dead):
    ledger.record("dead", [materialized("plays", "a", later(2), rows=1)])
    ledger.claim("dead", "plays", ["a"], later(3))
    assert reconcile(ledger, dead, [Commit("a", later(4), 2)], later(60)).reconciled == (("plays", "a"),)
    assert states(ledger) == {"a": (Status.MATERIALIZED, "dead", 2)}


DAY = 86_400


@pytest.mark.parametrize("before", ["materialized", "failed"])
def test_what_was_committed_after_the_clock_went_back_a_day_replaces_what_was_known(ledger, dead, before):
    ledger.record("other", [materialized("plays", "a", later(DAY), rows=1)])
    if before == "failed":
        ledger.record("other", [Outcome("plays", "a", EventKind.FAILED, later(DAY + 1), Status.FAILED, "no")])
    ledger.claim("dead", "plays", ["a"], later(1))
    assert reconcile(ledger, dead, [Commit("a", later(2))], later(60)).reconciled == (("plays", "a"),)
    assert states(ledger) == {"a": (Status.MATERIALIZED, "dead", 7)}
    assert ledger.statuses("plays")["a"].data_version == "d2-1"


def test_a_wipe_before_the_run_began_is_no_wipe_of_what_it_made_whatever_the_clock_said(ledger):
    ledger.wipe("plays", ["a"], "w", later(DAY))
    ledger.start_run(run_of("dead", a_finished_process(), NOW))
    (dead,) = ledger.dead_runs()
    ledger.claim("dead", "plays", ["a"], later(1))
    assert reconcile(ledger, dead, [Commit("a", later(2))], later(60)).reconciled == (("plays", "a"),)


def test_what_was_read_and_the_columns_are_recorded_of_what_is_found(ledger, dead):
    ledger.claim("dead", "plays", ["a", "b"], later(1))
    read = {"songs": InputVersion(2, "d2-7")}
    reconcile(
        ledger, dead, [Commit("a", later(2), inputs=read, columns={"n": "BIGINT"}), Commit("b", later(2))], later(60)
    )
    full, bare = ledger.events(run_id="dead", kinds=(EventKind.RECONCILED,))
    assert full.payload["inputs"] == {"songs": {"partitions": 2, "version": "d2-7"}}
    assert full.payload["columns"] == {"n": "BIGINT"}
    assert not bare.payload.keys() & {"inputs", "columns"}
