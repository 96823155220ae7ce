"""The tests that every ledger has to pass. Subclass `LedgerContract` and say how yours is opened:

```python
class TestMyLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(self, tmp_path):
        return functools.partial(MyLedger, tmp_path / "ledger")
```
"""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from gapless.ledger.contract import Claim, EventKind, Ledger, Outcome, RunState, Status, StatusRecord
from gapless.ledger.errors import RunEndedError, RunExistsError, UnknownRunError, UnknownTickError
from gapless.ledger.process import ProcessIdentity
from gapless.ledger.schedule_records import ScheduleRecord, TickRecord, TickState
from gapless.testing.ledger_dynamic_partitions import AWKWARD_KEYS, DynamicPartitionsContract
from gapless.testing.ledger_processes import (
    OpenLedger,
    a_finished_process,
    claim_each,
    materialized,
    record_batches,
    run_of,
)

__all__ = ["NOW", "LedgerContract", "later"]

NOW = datetime(2024, 1, 5, 12, 30, 0, 123456, tzinfo=UTC)


def later(seconds: float) -> datetime:
    """That long after `NOW`."""
    return NOW + timedelta(seconds=seconds)


def failed(asset: str, partition: str | None, at: datetime, reason: str = "ValueError: no") -> Outcome:
    return Outcome(asset, partition, EventKind.FAILED, at, Status.FAILED, reason)


def skipped(asset: str, partition: str | None, at: datetime) -> Outcome:
    return Outcome(asset, partition, EventKind.SKIPPED, at, Status.SKIPPED, "plays failed")


class LedgerContract(DynamicPartitionsContract):
    """What every ledger keeps, one test for each promise."""

    @pytest.fixture
    def open_ledger(self, tmp_path: Path) -> OpenLedger:
        """Opens one and the same ledger, empty at first, from any process; a picklable callable."""
        raise NotImplementedError

    @pytest.fixture
    def ledger(self, open_ledger: OpenLedger) -> Iterator[Ledger]:
        """The ledger under test, closed afterwards."""
        ledger = open_ledger()
        yield ledger
        ledger.close()

    # Runs

    def test_an_empty_ledger_has_nothing(self, ledger: Ledger) -> None:
        assert ledger.runs() == []
        assert ledger.run("r") is None
        assert ledger.dead_runs() == []
        assert ledger.counts() == {}
        assert ledger.statuses("plays") == {}
        assert ledger.events() == []
        assert ledger.ticks() == []
        assert ledger.leases("r") == []
        assert list(ledger.get_dynamic_partitions("customers")) == []
        assert ledger.cancel_requested("r") is False
        assert ledger.schedule("nightly") == ScheduleRecord("nightly", None, None)

    def test_a_run_comes_back_as_it_was_recorded(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        run = run_of("0123456789ab", created_at=NOW)
        ledger.start_run(run)
        ledger.close()
        again = open_ledger()
        assert again.run("0123456789ab") == run
        again.close()

    def test_a_run_is_found_by_a_prefix_that_only_one_has(self, ledger: Ledger) -> None:
        for run_id in ("abc1", "abc2", "ab", "x%_"):
            ledger.start_run(run_of(run_id))
        found = {prefix: ledger.run(prefix) for prefix in ("abc1", "abc", "ab", "a", "x", "%", "_", "")}
        assert {prefix: run.run_id for prefix, run in found.items() if run} == {"abc1": "abc1", "ab": "ab", "x": "x%_"}

    def test_runs_are_listed_newest_first_by_state_and_without_plans(self, ledger: Ledger) -> None:
        for number, run_id in enumerate(("first", "second", "third")):
            ledger.start_run(run_of(run_id, created_at=later(number)))
        ledger.start_run(run_of("same moment as third", created_at=later(2)))
        ledger.end_run("first", RunState.SUCCEEDED, later(5))
        ledger.end_run("second", RunState.FAILED, later(5))
        assert [run.run_id for run in ledger.runs()] == ["same moment as third", "third", "second", "first"]
        assert [run.run_id for run in ledger.runs(limit=2)] == ["same moment as third", "third"]
        ended = ledger.runs(states=(RunState.SUCCEEDED, RunState.FAILED))
        assert [run.run_id for run in ended] == ["second", "first"]
        assert ledger.runs(states=()) == []
        assert all(run.plan == {} for run in ledger.runs())

    def test_two_runs_cannot_have_one_id(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        with pytest.raises(RunExistsError, match="'r' is already recorded"):
            ledger.start_run(run_of("r"))
        assert len(ledger.events(run_id="r")) == 1

    def test_the_end_of_a_run_releases_its_leases_and_the_first_end_stands(self, ledger: Ledger) -> None:
        for run_id in ("r", "other"):
            ledger.start_run(run_of(run_id))
        ledger.claim("r", "plays", ["a", "b"], NOW)
        ledger.claim("other", "plays", ["c"], NOW)
        ledger.end_run("r", RunState.CANCELED, later(1), error="stopped")
        ledger.end_run("r", RunState.SUCCEEDED, later(2))
        run = ledger.run("r")
        assert run is not None
        assert (run.state, run.ended_at, run.error) == (RunState.CANCELED, later(1), "stopped")
        assert ledger.leases("r") == []
        assert ledger.leases("other") == [("plays", "c")]
        kinds = [(event.kind, event.reason) for event in ledger.events(run_id="r")]
        assert kinds == [(EventKind.RUN_STARTED, None), (EventKind.RUN_ENDED, "stopped")]

    def test_an_unknown_run_is_named(self, ledger: Ledger) -> None:
        with pytest.raises(UnknownRunError, match=r"no run 'nope'.*gapless runs list"):
            ledger.end_run("nope", RunState.FAILED, NOW)
        with pytest.raises(UnknownRunError):
            ledger.request_cancel("nope")
        with pytest.raises(UnknownRunError):
            ledger.claim("nope", "plays", ["a"], NOW)

    def test_another_process_is_told_to_cancel(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        other = open_ledger()
        for run_id in ("r", "s"):
            ledger.start_run(run_of(run_id))
        assert not ledger.cancel_requested("r")
        other.request_cancel("r")
        assert ledger.cancel_requested("r")
        assert not ledger.cancel_requested("s")
        other.close()

    def test_only_runs_of_this_host_whose_process_is_gone_are_dead(self, ledger: Ledger) -> None:
        gone = a_finished_process()
        ledger.start_run(run_of("alive"))
        ledger.start_run(run_of("dead", gone))
        ledger.start_run(run_of("dead and ended", gone))
        ledger.start_run(run_of("elsewhere", ProcessIdentity("another-host", gone.pid)))
        ledger.end_run("dead and ended", RunState.SUCCEEDED, NOW)
        assert [run.run_id for run in ledger.dead_runs()] == ["dead"]

    # Outcomes and states

    def test_a_materialized_slice_is_remembered_with_its_facts(self, ledger: Ledger) -> None:
        outcome = Outcome(
            "plays", "a", EventKind.MATERIALIZED, NOW, Status.MATERIALIZED, None, 3, 99, "v1", {"columns": {"x": "INT"}}
        )
        ledger.record("r", [outcome])
        assert ledger.statuses("plays") == {
            "a": StatusRecord("plays", "a", Status.MATERIALIZED, "r", NOW, NOW, 3, 99, "v1", None)
        }
        (event,) = ledger.events()
        assert (event.run_id, event.at, event.kind, event.asset, event.partition, event.payload) == (
            ("r", NOW, EventKind.MATERIALIZED, "plays", "a", {"columns": {"x": "INT"}})
        )

    @pytest.mark.parametrize("bad", [failed, skipped])
    def test_a_slice_that_fails_keeps_what_is_known_of_its_older_rows(self, ledger: Ledger, bad: Any) -> None:
        made = Outcome("plays", "a", EventKind.MATERIALIZED, NOW, Status.MATERIALIZED, None, 3, 99, "v1")
        outcome = bad("plays", "a", later(1))
        ledger.record("r", [made])
        ledger.record("s", [outcome])
        assert ledger.statuses("plays")["a"] == StatusRecord(
            "plays", "a", outcome.status, "s", later(1), NOW, 3, 99, "v1", outcome.reason
        )

    def test_success_clears_the_reason_of_an_earlier_failure(self, ledger: Ledger) -> None:
        ledger.record("r", [failed("plays", "a", NOW), materialized("plays", "a", later(1), rows=0)])
        record = ledger.statuses("plays")["a"]
        assert (record.status, record.reason, record.rows) == (Status.MATERIALIZED, None, 0)

    def test_outcomes_of_one_call_take_effect_in_order(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", "a", NOW), failed("plays", "a", later(1))])
        assert ledger.statuses("plays")["a"].status is Status.FAILED

    def test_a_failure_leaves_the_data_version_of_the_rows_that_are_there(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", "a", NOW, data_version="d2-1"), failed("plays", "a", later(1))])
        assert ledger.statuses("plays")["a"].data_version == "d2-1"
        ledger.record("r", [materialized("plays", "a", later(2))])
        assert ledger.statuses("plays")["a"].data_version is None

    @pytest.mark.parametrize("kind", [EventKind.INTERRUPTED, EventKind.RETRIED, EventKind.LOG, EventKind.CHECKED])
    def test_what_is_no_result_leaves_the_state(self, ledger: Ledger, kind: EventKind) -> None:
        ledger.record("r", [materialized("plays", "a", NOW)])
        before = ledger.statuses("plays")
        ledger.record("s", [Outcome("plays", key, kind, later(1), None, "said") for key in ("a", "b")])
        assert ledger.statuses("plays") == before

    def test_a_result_or_an_interruption_releases_the_lease_and_the_rest_keeps_it(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        ledger.claim("r", "plays", list("abcdefg"), NOW)
        ledger.record(
            "r",
            [
                materialized("plays", "a", NOW),
                failed("plays", "b", NOW),
                skipped("plays", "c", NOW),
                Outcome("plays", "d", EventKind.INTERRUPTED, NOW, None),
                Outcome("plays", "e", EventKind.RETRIED, NOW, None),
                Outcome("plays", "f", EventKind.LOG, NOW, None),
                Outcome("plays", "g", EventKind.CHECKED, NOW, None, payload={"check": "rows", "passed": True}),
            ],
        )
        assert ledger.leases("r") == [("plays", "e"), ("plays", "f"), ("plays", "g")]
        (checked,) = ledger.events(kinds=[EventKind.CHECKED])
        assert (checked.partition, checked.payload) == ("g", {"check": "rows", "passed": True})

    def test_a_state_that_only_a_lease_can_give_cannot_be_recorded(self, ledger: Ledger) -> None:
        outcome = Outcome("plays", "b", EventKind.MATERIALIZED, NOW, Status.RUNNING)
        with pytest.raises(ValueError, match="not running"):
            ledger.record("r", [materialized("plays", "a", NOW), outcome])
        assert ledger.statuses("plays") == {}
        assert ledger.events() == []

    def test_an_unpartitioned_asset_has_one_state_under_none(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        assert ledger.claim("r", "summary", [None], NOW).granted == frozenset([None])
        assert ledger.leases("r") == [("summary", None)]
        ledger.record("r", [materialized("summary", None, NOW)])
        assert list(ledger.statuses("summary")) == [None]
        assert list(ledger.statuses("summary", [None, "a"])) == [None]
        assert ledger.events(asset="summary")[0].partition is None
        assert ledger.leases("r") == []
        assert ledger.wipe("summary", [None], "w", NOW) == 1

    def test_keys_and_names_are_data(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        for asset in ("plays", "it's; drop table runs", "日本/x"):
            assert ledger.claim("r", asset, AWKWARD_KEYS, NOW).granted == frozenset(AWKWARD_KEYS)
            ledger.record("r", [materialized(asset, key, NOW) for key in AWKWARD_KEYS])
            assert set(ledger.statuses(asset)) == set(AWKWARD_KEYS)
            assert set(ledger.statuses(asset, AWKWARD_KEYS)) == set(AWKWARD_KEYS)
            for key in AWKWARD_KEYS:
                assert [event.partition for event in ledger.events(asset=asset, partition=key)] == [key]
            assert ledger.wipe(asset, AWKWARD_KEYS, "w", NOW) == len(AWKWARD_KEYS)

    def test_instants_are_exact_and_come_back_in_utc(self, ledger: Ledger) -> None:
        local = datetime(2024, 11, 3, 1, 30, 0, 999999, tzinfo=timezone(timedelta(hours=-5)))
        ledger.record("r", [materialized("plays", "a", local)])
        committed_at = ledger.statuses("plays")["a"].committed_at
        assert committed_at == local
        assert committed_at.tzinfo is UTC

    def test_a_naive_instant_is_refused(self, ledger: Ledger) -> None:
        with pytest.raises(ValueError, match="timezone-aware"):
            ledger.record("r", [materialized("plays", "a", datetime(2024, 1, 1))])

    def test_text_that_is_no_valid_unicode_and_values_that_are_no_json_can_be_recorded(self, ledger: Ledger) -> None:
        payload: dict[Any, Any] = {
            "path": "caf\udce9",
            "when": NOW,
            "nan": float("nan"),
            ("a", "tuple"): 1,
            "nested": {"set": {1}},
        }
        outcome = Outcome("plays", "a", EventKind.FAILED, NOW, Status.FAILED, "no file caf\udce9 ☃", payload=payload)
        ledger.record("r", [outcome])
        (event,) = ledger.events()
        assert event.reason == ledger.statuses("plays")["a"].reason == "no file caf\\udce9 ☃"
        assert event.payload["path"] == "caf\udce9"
        assert event.payload["nested"] == {"set": "{1}"}

    def test_states_are_given_for_the_partitions_that_are_asked_for(self, ledger: Ledger) -> None:
        keys = [f"k{number}" for number in range(3000)]
        ledger.record("r", [materialized("plays", key, NOW) for key in keys])
        ledger.record("r", [materialized("other", "k1", NOW)])
        assert set(ledger.statuses("plays")) == set(keys)
        assert set(ledger.statuses("plays", [*keys[:1700], "k1", "nope"])) == set(keys[:1700])
        assert ledger.statuses("plays", []) == {}
        assert set(ledger.statuses("other", iter(["k1", "k2"]))) == {"k1"}

    # Running

    def test_a_slice_that_a_live_run_holds_is_running(self, ledger: Ledger) -> None:
        ledger.record("old", [materialized("plays", "a", NOW), failed("plays", "b", NOW), failed("plays", "c", NOW)])
        ledger.start_run(run_of("r"))
        ledger.claim("r", "plays", ["a", "b", "new"], later(1))
        ledger.claim("r", "summary", [None], later(1))
        states = ledger.statuses("plays")
        assert {key: record.status for key, record in states.items()} == {
            "a": Status.RUNNING,
            "b": Status.RUNNING,
            "c": Status.FAILED,
            "new": Status.RUNNING,
        }
        assert states["a"] == StatusRecord("plays", "a", Status.RUNNING, "r", later(1), NOW, 3)
        assert ledger.statuses("plays", ["new", "c"]).keys() == {"new", "c"}
        assert ledger.counts() == {
            "plays": {Status.RUNNING: 3, Status.FAILED: 1},
            "summary": {Status.RUNNING: 1},
        }

    def test_a_slice_that_a_dead_run_holds_is_what_it_was_before(self, ledger: Ledger) -> None:
        ledger.record("old", [materialized("plays", "a", NOW)])
        before = ledger.statuses("plays"), ledger.counts()
        ledger.start_run(run_of("dead", a_finished_process()))
        ledger.claim("dead", "plays", ["a", "b"], later(1))
        assert (ledger.statuses("plays"), ledger.counts()) == before

    def test_counts_are_by_asset_and_state(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", key, NOW) for key in "abc"])
        ledger.record("r", [failed("plays", "d", NOW), skipped("weekly", "w", NOW)])
        assert ledger.counts() == {
            "plays": {Status.MATERIALIZED: 3, Status.FAILED: 1},
            "weekly": {Status.SKIPPED: 1},
        }

    # Leases

    def test_a_lease_is_held_by_one_run(self, ledger: Ledger) -> None:
        for run_id in ("r", "s"):
            ledger.start_run(run_of(run_id))
        assert ledger.claim("r", "plays", ["a", "b"], NOW) == Claim(frozenset("ab"), {})
        assert ledger.claim("s", "plays", ["b", "c", "c"], NOW) == Claim(frozenset("c"), {"b": "r"})
        assert ledger.claim("s", "weekly", ["b"], NOW).granted == frozenset("b")
        assert ledger.claim("r", "plays", ["a"], NOW).granted == frozenset("a")
        assert ledger.claim("r", "plays", [], NOW) == Claim(frozenset(), {})

    def test_only_the_holder_releases_a_lease(self, ledger: Ledger) -> None:
        for run_id in ("r", "s"):
            ledger.start_run(run_of(run_id))
        ledger.claim("r", "plays", ["a", "b"], NOW)
        ledger.release("s", "plays", ["a"])
        ledger.record("s", [materialized("plays", "b", NOW)])
        assert ledger.leases("r") == [("plays", "a"), ("plays", "b")]
        ledger.release("r", "plays", ["a"])
        assert ledger.claim("s", "plays", ["a", "b"], NOW) == Claim(frozenset("a"), {"b": "r"})

    def test_the_leases_of_a_dead_run_are_not_handed_out_before_it_is_reconciled(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("dead", a_finished_process()))
        ledger.start_run(run_of("r"))
        ledger.claim("dead", "plays", ["a"], NOW)
        assert ledger.claim("r", "plays", ["a"], NOW).held == {"a": "dead"}
        assert ledger.end_crashed("dead", [], later(1))
        assert ledger.claim("r", "plays", ["a"], NOW).granted == frozenset("a")

    def test_a_run_that_was_found_dead_gets_no_more_leases(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        ledger.end_crashed("r", [], NOW)
        with pytest.raises(RunEndedError, match=r"'r' has ended \(crashed\)"):
            ledger.claim("r", "plays", ["a"], NOW)

    def test_a_claim_tells_what_others_committed_meanwhile(self, ledger: Ledger) -> None:
        for run_id in ("r", "s", "t"):
            ledger.start_run(run_of(run_id))
        ledger.record("s", [materialized("plays", "before", later(-1)), materialized("plays", "then", NOW)])
        ledger.record("s", [materialized("plays", "after", later(9)), materialized("plays", "held", later(9))])
        ledger.record("r", [materialized("plays", "own", later(9))])
        ledger.record("s", [materialized("plays", "failed since", later(2)), failed("plays", "failed since", later(3))])
        ledger.claim("t", "plays", ["held"], NOW)
        keys = ["before", "then", "after", "held", "own", "failed since", "never"]
        claim = ledger.claim("r", "plays", keys, later(10), since=NOW)
        assert claim.committed_since == {"then", "after"}
        assert claim.granted == set(keys) - {"held"}
        assert ledger.claim("r", "plays", keys, later(10)).committed_since == frozenset()

    def test_what_the_clock_has_not_reached_is_not_taken_for_made_meanwhile(self, ledger: Ledger) -> None:
        # Committed before the clock went back a day: whoever asks for it now wants it made again.
        ledger.start_run(run_of("r"))
        ledger.record("s", [materialized("plays", "a", later(86_400)), materialized("plays", "b", later(2))])
        assert ledger.claim("r", "plays", ["a", "b"], later(3), since=NOW).committed_since == {"b"}

    # Crashes

    def test_a_dead_run_is_ended_once_with_what_was_found_of_it(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("dead", a_finished_process()))
        ledger.claim("dead", "plays", ["a", "b"], NOW)
        found = [
            Outcome("plays", "a", EventKind.RECONCILED, later(1), Status.MATERIALIZED, rows=7),
            Outcome("plays", "b", EventKind.INTERRUPTED, later(5), None),
        ]
        assert ledger.end_crashed("dead", found, later(5))
        run = ledger.run("dead")
        assert run is not None
        assert (run.state, run.ended_at) == (RunState.CRASHED, later(5))
        assert ledger.leases("dead") == []
        states, history = ledger.statuses("plays"), ledger.events()
        assert states == {"a": StatusRecord("plays", "a", Status.MATERIALIZED, "dead", later(1), later(1), 7)}
        assert not ledger.end_crashed("dead", [materialized("plays", "b", later(6))], later(6))
        assert (ledger.statuses("plays"), ledger.events()) == (states, history)
        assert not ledger.end_crashed("nope", [materialized("plays", "b", later(6))], later(6))

    def test_a_commit_that_is_found_late_does_not_replace_a_later_one(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("dead"))
        ledger.record("r", [materialized("plays", "a", later(5), rows=5), materialized("plays", "b", NOW, rows=5)])
        outcomes = [
            Outcome("plays", key, EventKind.RECONCILED, later(1), Status.MATERIALIZED, rows=1) for key in ("a", "b")
        ]
        ledger.end_crashed("dead", outcomes, later(9))
        states = ledger.statuses("plays")
        assert {key: (record.run_id, record.rows) for key, record in states.items()} == {
            "a": ("r", 5),
            "b": ("dead", 1),
        }

    @pytest.mark.parametrize("held", [True, False])
    def test_what_a_dead_run_committed_under_its_lease_is_the_latest_whatever_the_clock_said(
        self, ledger: Ledger, held: bool
    ) -> None:
        ledger.record("r", [materialized("plays", "a", later(86_400), rows=5)])  # then the clock went back a day
        ledger.start_run(run_of("dead"))
        if held:
            ledger.claim("dead", "plays", ["a"], NOW)
        found = Outcome("plays", "a", EventKind.RECONCILED, later(1), Status.MATERIALIZED, rows=1, data_version="d2-1")
        ledger.end_crashed("dead", [found], later(9))
        record = ledger.statuses("plays")["a"]
        expected = ("dead", 1, "d2-1", later(1)) if held else ("r", 5, None, later(86_400))
        assert (record.run_id, record.rows, record.data_version, record.committed_at) == expected

    def test_what_is_put_right_may_be_older_than_what_was_recorded(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", "a", later(9), rows=5)])
        backup = Outcome("plays", "a", EventKind.RECONCILED, later(1), Status.MATERIALIZED, rows=1)
        ledger.record("compare", [backup])
        assert ledger.statuses("plays")["a"].rows == 1

    # History

    def test_history_is_filtered_and_oldest_first(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        ledger.record("r", [materialized("plays", "a", NOW), failed("plays", "b", NOW), failed("weekly", "a", NOW)])
        ledger.record("s", [materialized("plays", "a", later(1))])
        everything = ledger.events()
        assert [event.event_id for event in everything] == sorted({event.event_id for event in everything})

        def seen(**conditions: Any) -> list[tuple[str | None, str | None, str]]:
            return [(event.asset, event.partition, event.run_id) for event in ledger.events(**conditions)]

        assert seen(run_id="s") == [("plays", "a", "s")]
        assert seen(asset="plays", partition="a") == [("plays", "a", "r"), ("plays", "a", "s")]
        assert seen(asset="weekly") == [("weekly", "a", "r")]
        assert len(seen(partition="a")) == len(everything)
        assert seen(kinds=[EventKind.FAILED]) == [("plays", "b", "r"), ("weekly", "a", "r")]
        assert seen(kinds=[]) == []
        assert seen(limit=2) == [("weekly", "a", "r"), ("plays", "a", "s")]
        assert seen(after=everything[2].event_id) == [("weekly", "a", "r"), ("plays", "a", "s")]

    def test_pruning_forgets_old_events_and_nothing_else(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", "a", later(-2)), materialized("plays", "b", NOW)])
        last = ledger.events()[-1].event_id
        assert ledger.prune(NOW) == 1
        assert [event.partition for event in ledger.events()] == ["b"]
        assert set(ledger.statuses("plays")) == {"a", "b"}
        assert ledger.prune(later(1)) == 1
        ledger.record("r", [materialized("plays", "c", later(2))])
        assert ledger.events()[0].event_id > last

    def test_pruning_takes_any_number_of_events(self, ledger: Ledger) -> None:
        log = [Outcome("plays", "a", EventKind.LOG, NOW, None, str(number)) for number in range(12_000)]
        ledger.record("r", log)
        assert ledger.prune(later(1)) == 12_000

    def test_wiping_forgets_the_states_and_leaves_a_trace(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", key, NOW) for key in "abc"] + [materialized("weekly", "a", NOW)])
        assert ledger.wipe("plays", ["a", "nope"], "w", later(1)) == 1
        assert set(ledger.statuses("plays")) == {"b", "c"}
        assert ledger.wipe("plays", None, "w", later(2)) == 2
        assert ledger.counts() == {"weekly": {Status.MATERIALIZED: 1}}
        wiped = ledger.events(kinds=[EventKind.WIPED])
        assert [(event.asset, event.partition, event.run_id, event.at) for event in wiped] == [
            ("plays", "a", "w", later(1)),
            ("plays", "nope", "w", later(1)),
            ("plays", None, "w", later(2)),
        ]

    # Schedules

    def test_a_schedule_changes_only_in_what_is_given(self, ledger: Ledger) -> None:
        ledger.set_schedule("nightly", running=True)
        ledger.set_schedule("nightly", cursor=NOW)
        assert ledger.schedule("nightly") == ScheduleRecord("nightly", True, NOW)
        ledger.set_schedule("nightly", running=False)
        ledger.set_schedule("nightly")
        assert ledger.schedule("nightly") == ScheduleRecord("nightly", False, NOW)
        ledger.set_schedule("nightly", cursor=later(-5))
        assert ledger.schedule("nightly").cursor == later(-5)

    def test_a_tick_is_recorded_once(self, ledger: Ledger, open_ledger: OpenLedger) -> None:
        other = open_ledger()
        tick = TickRecord("nightly", NOW, TickState.STARTED, later(-60), note="due: 2")
        assert ledger.start_tick(tick)
        assert not other.start_tick(TickRecord("nightly", NOW, TickState.STARTED, later(-90)))
        assert other.start_tick(TickRecord("hourly", NOW, TickState.STARTED, later(-90)))
        assert ledger.ticks("nightly") == [tick]
        assert ledger.schedule("nightly").cursor is None
        other.close()

    def test_the_end_of_a_tick_moves_the_cursor_only_forward(self, ledger: Ledger) -> None:
        ledger.set_schedule("nightly", running=True)
        for at in (0, 60):
            ledger.start_tick(TickRecord("nightly", later(at), TickState.STARTED, later(at - 60), note="began"))
        ledger.end_tick("nightly", later(60), TickState.REQUESTED, run_id="r")
        assert ledger.schedule("nightly") == ScheduleRecord("nightly", True, later(60))
        ledger.end_tick("nightly", later(0), TickState.SKIPPED, note="nothing was due")
        assert ledger.schedule("nightly").cursor == later(60)
        assert ledger.ticks() == [
            TickRecord("nightly", later(60), TickState.REQUESTED, later(0), "r", "began"),
            TickRecord("nightly", later(0), TickState.SKIPPED, later(-60), None, "nothing was due"),
        ]
        assert [tick.scheduled_at for tick in ledger.ticks(limit=1)] == [later(60)]

    def test_a_tick_that_never_started_cannot_end(self, ledger: Ledger) -> None:
        with pytest.raises(UnknownTickError, match="'nightly' has no tick at 2024-01-05T12:30"):
            ledger.end_tick("nightly", NOW, TickState.FAILED)
        assert ledger.schedule("nightly").cursor is None

    # Several at once

    def test_it_can_be_used_again_after_it_was_closed(self, ledger: Ledger) -> None:
        ledger.record("r", [materialized("plays", "a", NOW)])
        ledger.close()
        ledger.close()
        assert set(ledger.statuses("plays")) == {"a"}

    def test_threads_share_one_ledger(self, ledger: Ledger) -> None:
        ledger.start_run(run_of("r"))
        seen: list[int] = []
        errors: list[BaseException] = []

        def work(name: str) -> None:
            try:
                for number in range(25):
                    key = f"{name}-{number}"
                    ledger.claim("r", "plays", [key], NOW)
                    ledger.record("r", [materialized("plays", key, NOW)])
                    seen.append(len(ledger.statuses("plays")))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert ledger.counts() == {"plays": {Status.MATERIALIZED: 100}}
        assert max(seen) == 100

    def test_each_partition_is_granted_to_exactly_one_of_many_processes(self, open_ledger: OpenLedger) -> None:
        spawn = multiprocessing.get_context("spawn")
        keys = [f"k{number}" for number in range(200)]
        start, answers, processes = spawn.Barrier(4), [], []
        for number in range(4):
            answer, theirs = spawn.Pipe(duplex=False)
            # The ledger does not exist yet: creating it is a race, too.
            arguments = (open_ledger, f"run-{number}", keys, start, theirs)
            processes.append(spawn.Process(target=claim_each, args=arguments))
            answers.append(answer)
            processes[-1].start()
            theirs.close()
        granted = [key for answer in answers for key in answer.recv()]
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 4
        assert sorted(granted) == sorted(keys)
        ledger = open_ledger()
        held = [key for number in range(4) for _, key in ledger.leases(f"run-{number}")]
        assert sorted(str(key) for key in held) == sorted(keys)
        ledger.close()

    def test_nothing_is_lost_when_two_processes_record_at_once(self, open_ledger: OpenLedger) -> None:
        spawn = multiprocessing.get_context("spawn")
        start, processes = spawn.Barrier(2), []
        for run_id in ("r", "s"):
            answer, theirs = spawn.Pipe(duplex=False)
            arguments = (open_ledger, run_id, 100, 20, start, theirs)
            processes.append((spawn.Process(target=record_batches, args=arguments), answer))
            processes[-1][0].start()
            theirs.close()
        for process, answer in processes:
            assert [answer.recv() for _ in range(100)] == list(range(100))
            process.join()
            assert process.exitcode == 0
        ledger = open_ledger()
        assert ledger.counts() == {"plays": {Status.MATERIALIZED: 4000}}
        assert len(ledger.events()) == 4000
        ledger.close()

    @pytest.mark.parametrize("acknowledged", [1, 5, 17])
    def test_a_killed_process_leaves_whole_calls_and_all_that_returned(
        self, open_ledger: OpenLedger, acknowledged: int
    ) -> None:
        spawn = multiprocessing.get_context("spawn")
        answer, theirs = spawn.Pipe(duplex=False)
        process = spawn.Process(target=record_batches, args=(open_ledger, "r", 100_000, 30, None, theirs))
        process.start()
        theirs.close()
        returned = [answer.recv() for _ in range(acknowledged)]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        try:
            while True:
                returned.append(answer.recv())
        except EOFError:
            pass
        ledger = open_ledger()
        states, history = ledger.statuses("plays"), ledger.events()
        recorded = {int(str(key).split("-")[1]) for key in states}
        assert recorded >= set(returned)
        assert len(states) == len(history) == 30 * len(recorded)
        # And it can be written to.
        ledger.record("s", [materialized("plays", "after", NOW)])
        assert "after" in ledger.statuses("plays")
        ledger.close()
