"""Status, plan and runs as views, over a real ledger."""

from datetime import UTC, datetime, timedelta

import pytest

import gapless as dg
from gapless.asset_key import AssetKey
from gapless.definitions.definitions import project_of
from gapless.ledger.contract import EventKind, Outcome, RunRecord, RunState, Status
from gapless.ledger.sqlite import SQLiteLedger
from gapless.partitions import OrdinalSet
from gapless.planning.plan import Plan, PlanStep
from gapless.planning.planner import make_plan
from gapless.planning.reason import Reason
from gapless.planning.request import PartitionRequest
from gapless.planning.snapshot import AssetStatus
from gapless.views.plan import explain
from gapless.views.runs import outcomes, run_json
from gapless.views.status import detail, not_defined, overview

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-11")
NOW = datetime(2024, 2, 1, 12, tzinfo=UTC)


@dg.asset(partitions_def=DAYS)
def plays() -> dg.MaterializeResult: ...


@dg.asset(deps=[plays])
def summary() -> dg.MaterializeResult: ...


PROJECT = project_of([plays, summary])


@pytest.fixture
def ledger(tmp_path):
    with SQLiteLedger(tmp_path / "ledger.sqlite") as opened:
        yield opened


def started(ledger, run_id="r1", targeted=1, pid=0):
    ledger.start_run(RunRecord(run_id, RunState.RUNNING, NOW, targeted, {"steps": []}, pid=pid, host="elsewhere"))


def outcome(key, kind, reason=None, rows=None, asset="plays", at=NOW, **payload):
    status = {
        EventKind.MATERIALIZED: Status.MATERIALIZED,
        EventKind.RECONCILED: Status.MATERIALIZED,
        EventKind.FAILED: Status.FAILED,
        EventKind.SKIPPED: Status.SKIPPED,
    }.get(kind)
    if rows is not None:
        payload["rows"] = rows
    return Outcome(asset, key, kind, at, status, reason, rows, payload=payload)


def day(number):
    return f"2024-01-{number:02d}"


def test_an_overview_counts_each_partition_once_and_adds_up_rows(ledger):
    started(ledger)
    ledger.record(
        "r1",
        [
            outcome(day(1), EventKind.MATERIALIZED, rows=10),
            outcome(day(2), EventKind.MATERIALIZED, rows=5, at=NOW + timedelta(minutes=1)),
            outcome(day(3), EventKind.FAILED, "ValueError: no"),
            outcome(day(4), EventKind.SKIPPED, "source failed"),
        ],
    )
    ledger.claim("r1", "plays", [day(5)], NOW)

    one, other = overview(PROJECT, ledger, PROJECT.graph.keys, NOW)

    assert (one.materialized, one.failed, one.skipped, one.running, one.missing) == (2, 1, 1, 1, 5)
    assert one.extent == 10
    assert one.rows == 15
    assert one.updated_at == NOW + timedelta(minutes=1)
    assert (other.partitions, other.extent, other.missing, other.rows) == (None, 1, 1, None)


def test_partitions_that_the_definition_does_not_have_are_counted_apart(ledger):
    started(ledger)
    ledger.record("r1", [outcome("2019-01-01", EventKind.MATERIALIZED), outcome(day(1), EventKind.MATERIALIZED)])

    (one,) = overview(PROJECT, ledger, [AssetKey("plays")], NOW)

    assert (one.materialized, one.outside, one.missing) == (1, 1, 9)


def test_rows_outside_the_definition_are_not_counted(ledger):
    started(ledger)
    ledger.record(
        "r1",
        [
            outcome("2019-01-01", EventKind.MATERIALIZED, rows=100, at=NOW + timedelta(minutes=9)),
            outcome(day(1), EventKind.MATERIALIZED, rows=3),
            outcome("2019-01-01", EventKind.MATERIALIZED, rows=100, asset="summary"),
        ],
    )

    one, other = overview(PROJECT, ledger, PROJECT.graph.keys, NOW)

    assert (one.rows, one.updated_at) == (3, NOW)
    assert (other.rows, other.updated_at, other.outside) == (None, None, 1)


def test_what_is_recorded_of_assets_that_are_gone_is_known(ledger):
    started(ledger)
    ledger.record("r1", [outcome(day(n), EventKind.MATERIALIZED, asset="gone") for n in (1, 2)])
    ledger.record("r1", [outcome(day(1), EventKind.MATERIALIZED)])

    assert not_defined(PROJECT, ledger) == {"gone": 2}


def test_equal_reasons_are_one_group_and_the_frequent_come_first(ledger):
    started(ledger)
    ledger.record(
        "r1",
        [
            outcome(day(1), EventKind.FAILED, "rare"),
            outcome(day(2), EventKind.FAILED, "often"),
            outcome(day(3), EventKind.FAILED, "often"),
            outcome(day(7), EventKind.FAILED, "often"),
        ],
    )

    found = detail(PROJECT, ledger, AssetKey("plays"), NOW)

    assert [(group.reason, group.count) for group in found.failures] == [("often", 3), ("rare", 1)]
    assert [str(key_range) for key_range in found.failures[0].ranges] == ["2024-01-02..2024-01-03", "2024-01-07"]
    assert [str(gap) for gap in found.gaps] == ["2024-01-04..2024-01-06", "2024-01-08..2024-01-10"]


def test_a_failure_over_older_rows_is_told_apart(ledger):
    started(ledger)
    ledger.record("r1", [outcome(day(1), EventKind.MATERIALIZED, rows=1)])
    ledger.record("r1", [outcome(day(1), EventKind.FAILED, "x"), outcome(day(2), EventKind.FAILED, "x")])

    found = detail(PROJECT, ledger, AssetKey("plays"), NOW)

    assert found.failed_but_there == 1
    assert found.overview.rows == 1


def test_a_detail_is_plain_json(ledger):
    started(ledger)
    ledger.record("r1", [outcome(day(1), EventKind.SKIPPED, "why")])

    value = detail(PROJECT, ledger, AssetKey("plays"), NOW).to_json()

    assert value["asset"] == "plays"
    assert value["skips"] == [
        {"reason": "why", "count": 1, "ranges": [{"first": "2024-01-01", "last": "2024-01-01", "count": 1}]}
    ]
    assert value["heat_map"]["kind"] == "days"
    assert detail(PROJECT, ledger, AssetKey("summary"), NOW).to_json()["heat_map"] is None


def test_a_plan_is_explained_by_reason_in_ranges():
    plan = make_plan(
        PROJECT.graph,
        PROJECT.graph.keys,
        PartitionRequest(),
        {AssetKey("plays"): AssetStatus(skipped=OrdinalSet.span(0, 2), materialized=OrdinalSet.span(4, 6))},
        NOW,
    )

    first, second = explain(plan)

    assert [(r.reason, r.count, [str(x) for x in r.ranges]) for r in first.reasons] == [
        (Reason.SKIPPED, 2, ["2024-01-01..2024-01-02"]),
        (Reason.MISSING, 6, ["2024-01-03..2024-01-04", "2024-01-07..2024-01-10"]),
    ]
    assert (first.partitioned, first.count, first.calls) == (True, 8, 8)
    assert (second.partitioned, second.count, second.calls) == (False, 1, 1)


@pytest.mark.parametrize(("batch_size", "calls"), [(1, 7), (2, 4), (5, 2), (None, 2)])
def test_the_calls_of_a_batched_asset_are_counted_by_range(batch_size, calls):
    step = PlanStep(
        AssetKey("plays"),
        DAYS,
        OrdinalSet.of_runs([(0, 3), (5, 9)]),
        ((Reason.MISSING, OrdinalSet.span(0, 1)),),
        {},
        batch_size,
    )

    (explained,) = explain(Plan((step,), NOW, NOW))

    assert explained.calls == len(list(step.batches())) == calls


def test_partitions_that_lack_the_same_are_blocked_together():
    step = PlanStep(AssetKey("plays"), DAYS, OrdinalSet.empty(), (), {3: "needs a", 1: "needs b", 2: "needs b"})

    (explained,) = explain(Plan((step,), NOW, NOW))

    assert [(g.why, g.count, [str(x) for x in g.ranges]) for g in explained.blocked] == [
        ("needs b", 2, ["2024-01-02..2024-01-03"]),
        ("needs a", 1, ["2024-01-04"]),
    ]


def test_the_last_word_on_a_partition_is_its_outcome(ledger):
    started(ledger)
    ledger.record("r1", [outcome(day(1), EventKind.RETRIED, "first try")])
    ledger.record(
        "r1", [outcome(day(1), EventKind.MATERIALIZED, rows=3), outcome(day(2), EventKind.INTERRUPTED, "stop")]
    )
    ledger.record("r1", [outcome(day(3), EventKind.FAILED, "no"), outcome(day(2), EventKind.RECONCILED, rows=4)])

    found = outcomes(ledger, "r1")

    assert [(o.kind, o.partitions, o.rows, o.reason) for o in found] == [
        (EventKind.MATERIALIZED, (day(1), day(2)), 7, None),
        (EventKind.FAILED, (day(3),), 0, "no"),
    ]
    assert found[1].to_json() == {
        "asset": "plays",
        "outcome": "failed",
        "reason": "no",
        "partitions": [day(3)],
        "rows": 0,
    }


def test_a_run_that_goes_on_lasts_until_now(ledger):
    started(ledger)
    run = ledger.run("r1")

    assert run_json(run, NOW + timedelta(seconds=90))["duration_s"] == 90
    ledger.end_run("r1", RunState.SUCCEEDED, NOW + timedelta(seconds=5))
    assert run_json(ledger.run("r1"), NOW + timedelta(seconds=90))["duration_s"] == 5
