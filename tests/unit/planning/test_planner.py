"""What must run, and why."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gapless as dg
from gapless.definitions.definitions import project_of
from gapless.errors import InvocationError, PartitionRangeError, UnknownPartitionError
from gapless.partitions import MultiPartitionsDefinition, OrdinalSet
from gapless.planning.plan import Plan
from gapless.planning.planner import make_plan
from gapless.planning.reason import Reason
from gapless.planning.request import PartitionRequest, Scope
from gapless.planning.snapshot import AssetStatus

NOW = datetime(2024, 1, 29, 12, tzinfo=UTC)  # 28 days and 4 weeks have ended
DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")
WEEKLY = dg.WeeklyPartitionsDefinition(start_date="2024-01-01")  # the first one starts on Sunday the 7th
DAYS = 28


@dg.asset(partitions_def=DAILY)
def plays() -> None: ...


@dg.asset(partitions_def=DAILY, deps=[plays])
def by_player() -> None: ...


@dg.asset(partitions_def=WEEKLY, deps=[plays])
def weekly() -> None: ...


@dg.asset(deps=[weekly])
def summary() -> None: ...


GRAPH = project_of([plays, by_player, weekly, summary], {}).graph
PLAYS, BY_PLAYER, WEEKS, SUMMARY = plays.key, by_player.key, weekly.key, summary.key
EVERYTHING = (PLAYS, BY_PLAYER, WEEKS, SUMMARY)


def days(*ordinals: int) -> OrdinalSet:
    return OrdinalSet.of(ordinals)


def made(ordinals: OrdinalSet, failed: OrdinalSet = OrdinalSet.empty(), **more: OrdinalSet) -> AssetStatus:
    return AssetStatus(materialized=ordinals, failed=failed, committed=ordinals, **more)


def planned(plan: Plan) -> dict[str, list[int]]:
    return {str(step.asset): list(step.partitions) for step in plan.steps if step.partitions}


def reasons(plan: Plan, asset: dg.AssetKey) -> dict[Reason, list[int]]:
    step = plan.step(asset)
    assert step is not None
    return {reason: list(ordinals) for reason, ordinals in step.reasons}


def plan_of(selected, request=None, statuses=None, now=NOW) -> Plan:
    return make_plan(GRAPH, selected, request or PartitionRequest(), statuses or {}, now)


def test_a_fresh_project_plans_everything_that_exists_in_dependency_order():
    plan = plan_of(EVERYTHING)
    assert [str(step.asset) for step in plan.steps] == ["plays", "by_player", "weekly", "summary"]
    assert planned(plan) == {
        "plays": list(range(DAYS)),
        "by_player": list(range(DAYS)),
        "weekly": [0, 1, 2],
        "summary": [0],
    }
    assert reasons(plan, PLAYS) == {Reason.MISSING: list(range(DAYS))}


def test_a_partition_that_has_not_ended_is_not_planned():
    assert planned(plan_of([PLAYS], now=datetime(2024, 1, 3, 23, 59, tzinfo=UTC))) == {"plays": [0, 1]}
    assert planned(plan_of([PLAYS], now=datetime(2024, 1, 4, tzinfo=UTC))) == {"plays": [0, 1, 2]}


def test_by_default_only_what_is_missing_is_planned_and_what_depends_on_it():
    statuses = {
        PLAYS: made(OrdinalSet.span(0, DAYS) - days(8)),
        BY_PLAYER: made(OrdinalSet.span(0, DAYS)),
        WEEKS: made(OrdinalSet.span(0, 3)),
        SUMMARY: made(days(0)),
    }
    plan = plan_of(EVERYTHING, statuses=statuses)
    # The 9th of January lies in the week that starts on the 7th.
    assert planned(plan) == {"plays": [8], "by_player": [8], "weekly": [0], "summary": [0]}
    assert reasons(plan, WEEKS) == {Reason.UPSTREAM: [0]}


def test_a_failed_partition_is_left_out_by_default_and_counted():
    statuses = {PLAYS: made(OrdinalSet.span(0, DAYS) - days(3), failed=days(3))}
    plan = plan_of([PLAYS], statuses=statuses)
    assert planned(plan) == {}
    assert plan.failed_left_out == {PLAYS: 1}


def test_failed_makes_exactly_what_failed_and_what_was_skipped_for_it():
    statuses = {
        PLAYS: made(OrdinalSet.span(0, DAYS) - days(8), failed=days(8)),
        BY_PLAYER: made(OrdinalSet.span(0, DAYS) - days(8), skipped=days(8)),
        WEEKS: made(days(1, 2), skipped=days(0)),
        SUMMARY: made(OrdinalSet.empty(), skipped=days(0)),
    }
    plan = plan_of(EVERYTHING, PartitionRequest(scope=Scope.FAILED), statuses)
    assert planned(plan) == {"plays": [8], "by_player": [8], "weekly": [0], "summary": [0]}
    assert reasons(plan, PLAYS) == {Reason.FAILED: [8]}
    assert reasons(plan, WEEKS) == {Reason.SKIPPED: [0]}


def test_what_was_skipped_is_a_gap_again_once_its_upstream_is_there():
    statuses = {PLAYS: made(OrdinalSet.span(0, DAYS)), BY_PLAYER: made(OrdinalSet.span(1, DAYS), skipped=days(0))}
    plan = plan_of([PLAYS, BY_PLAYER], statuses=statuses)
    assert planned(plan) == {"by_player": [0]}
    assert reasons(plan, BY_PLAYER) == {Reason.SKIPPED: [0]}


def test_named_partitions_are_made_whatever_is_recorded_and_followed_downstream():
    statuses = {key: made(OrdinalSet.span(0, DAYS)) for key in EVERYTHING}
    plan = plan_of(EVERYTHING, PartitionRequest(ranges=("2024-01-13..2024-01-14",)), statuses)
    assert planned(plan) == {"plays": [12, 13], "by_player": [12, 13], "weekly": [0, 1], "summary": [0]}
    assert reasons(plan, PLAYS) == {Reason.REQUESTED: [12, 13]}


def test_last_takes_the_newest_of_each_first_asset():
    assert planned(plan_of([PLAYS], PartitionRequest(last=3))) == {"plays": [25, 26, 27]}
    assert planned(plan_of([PLAYS], PartitionRequest(last=99))) == {"plays": list(range(DAYS))}


def test_a_scope_narrows_named_partitions():
    statuses = {PLAYS: made(days(0, 1), failed=days(2))}
    span = PartitionRequest(ranges=("2024-01-01..2024-01-04",), scope=Scope.MISSING)
    assert planned(plan_of([PLAYS], span, statuses)) == {"plays": [3]}
    span = PartitionRequest(ranges=("2024-01-01..2024-01-04",), scope=Scope.FAILED)
    assert planned(plan_of([PLAYS], span, statuses)) == {"plays": [2]}


def test_a_partition_whose_upstream_is_missing_and_not_planned_is_blocked_with_what_it_lacks():
    plan = plan_of([BY_PLAYER], statuses={PLAYS: made(OrdinalSet.span(1, DAYS))})
    step = plan.step(BY_PLAYER)
    assert step is not None
    assert step.blocked == {0: "needs plays 2024-01-01, which is missing"}
    assert 0 not in step.partitions


def test_a_blocked_coarse_partition_names_what_it_lacks_as_ranges_with_their_number():
    plan = plan_of([WEEKS], statuses={PLAYS: made(OrdinalSet.span(0, 8), failed=days(8))})
    step = plan.step(WEEKS)
    assert step is not None
    assert step.blocked[0] == "needs plays 2024-01-09..2024-01-13 (5 partitions), which failed"
    assert set(step.blocked) == {0, 1, 2}
    assert not step.impossible


@pytest.mark.parametrize(
    ("made_days", "lacks"),
    [
        ({6, 8, 9, 11}, "2024-01-08, 2024-01-11, 2024-01-13, which are missing"),
        ({7, 9, 11}, "2024-01-07, 2024-01-09, 2024-01-11, … (4 partitions), which are missing"),
        ({6, 9, 10, 11, 12}, "2024-01-08..2024-01-09 (2 partitions), which are missing"),
        ({6, 9, 11}, "2024-01-08..2024-01-09, 2024-01-11, 2024-01-13 (4 partitions), which are missing"),
    ],
)
def test_a_few_ranges_are_named_and_all_are_counted(made_days, lacks):
    plan = plan_of([WEEKS], PartitionRequest(keys=("2024-01-07",)), {PLAYS: made(OrdinalSet.of(made_days))})
    step = plan.step(WEEKS)
    assert step is not None
    assert step.blocked[0] == f"needs plays {lacks}"


def test_a_failed_upstream_with_older_rows_does_not_block():
    status = AssetStatus(failed=days(0), committed=OrdinalSet.span(0, DAYS))
    assert planned(plan_of([BY_PLAYER], PartitionRequest(keys=("2024-01-01",)), {PLAYS: status})) == {"by_player": [0]}


def test_what_requires_a_partition_that_never_existed_is_blocked_and_says_so():
    late = dg.DailyPartitionsDefinition(start_date="2024-01-10")

    @dg.asset(partitions_def=late)
    def source() -> None: ...

    @dg.asset(partitions_def=WEEKLY, deps=[source])
    def weeks() -> None: ...

    graph = project_of([source, weeks], {}).graph
    plan = make_plan(graph, [source.key, weeks.key], PartitionRequest(), {}, NOW)
    step = plan.step(weeks.key)
    assert step is not None
    assert list(step.partitions) == [1, 2]
    assert step.blocked == {0: "needs source 2024-01-07..2024-01-09 (3 partitions), which do not exist"}
    assert list(step.impossible) == [0]


def test_all_of_what_does_not_exist_is_counted_however_much_it_is():
    @dg.asset(partitions_def=dg.HourlyPartitionsDefinition(start_date="2024-01-03-00:00"))
    def hourly() -> None: ...

    @dg.asset(partitions_def=DAILY, deps=[hourly])
    def daily() -> None: ...

    graph = project_of([hourly, daily], {}).graph
    step = make_plan(graph, [hourly.key, daily.key], PartitionRequest(), {}, NOW).step(daily.key)
    assert step is not None
    assert step.blocked[1] == "needs hourly 2024-01-02-00:00..2024-01-02-23:00 (24 partitions), which do not exist"


def test_what_upstream_will_have_one_day_does_not_exist_yet():
    slow = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_offset=-1)

    @dg.asset(partitions_def=slow)
    def source() -> None: ...

    @dg.asset(partitions_def=DAILY, deps=[source])
    def copy() -> None: ...

    graph = project_of([source, copy], {}).graph
    step = make_plan(graph, [source.key, copy.key], PartitionRequest(), {}, NOW).step(copy.key)
    assert step is not None
    assert step.blocked == {DAYS - 1: "needs source 2024-01-28, which does not exist yet"}
    assert not step.impossible


def test_all_of_an_upstream_means_what_is_there():
    @dg.asset(deps=[plays])
    def totals() -> None: ...

    graph = project_of([plays, totals], {}).graph
    some = make_plan(graph, [totals.key], PartitionRequest(), {PLAYS: made(days(3))}, NOW)
    assert planned(some) == {"totals": [0]}
    none = make_plan(graph, [totals.key], PartitionRequest(), {}, NOW)
    assert none.step(totals.key).blocked == {0: "nothing of plays has been made yet"}  # type: ignore[union-attr]  # a step is there


def test_an_asset_that_reads_its_own_past_is_not_blocked_by_what_it_makes_itself():
    @dg.asset(
        partitions_def=DAILY,
        deps=[dg.AssetDep("running", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))],
    )
    def running() -> None: ...

    graph = project_of([running], {}).graph
    assert planned(make_plan(graph, [running.key], PartitionRequest(), {}, NOW)) == {"running": list(range(DAYS))}


@pytest.mark.parametrize(
    ("request_", "error", "message"),
    [
        (PartitionRequest(keys=("2024-01-32",)), UnknownPartitionError, "asset 'plays' has no partition '2024-01-32'"),
        (PartitionRequest(keys=("2024-01-29",)), UnknownPartitionError, "asset 'plays' has no partition '2024-01-29'"),
        (PartitionRequest(ranges=("2024-01-05",)), PartitionRangeError, "it has no '..'"),
        (PartitionRequest(ranges=("2024-01-05..",)), PartitionRangeError, "its end is empty"),
        (PartitionRequest(ranges=("..2024-01-05",)), PartitionRangeError, "its start is empty"),
        (
            PartitionRequest(ranges=("2024-01-05..2024-01-02",)),
            PartitionRangeError,
            "Expected 2024-01-02..2024-01-05, the earlier one first",
        ),
    ],
)
def test_partitions_that_do_not_exist_are_refused_with_what_would_do(request_, error, message):
    with pytest.raises(error) as raised:
        plan_of([PLAYS], request_)
    assert message in str(raised.value)


def test_none_of_the_last_is_refused():
    with pytest.raises(InvocationError, match="Ask for at least one: --last 1"):
        PartitionRequest(last=0)


def test_three_dots_are_read_as_dagster_writes_them():
    assert planned(plan_of([PLAYS], PartitionRequest(ranges=("2024-01-01...2024-01-02",)))) == {"plays": [0, 1]}


def test_a_static_key_that_holds_dots_still_ends_a_range():
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["v1..0", "v1..1", "v2"]))
    def versions() -> None: ...

    graph = project_of([versions], {}).graph
    plan = make_plan(graph, [versions.key], PartitionRequest(ranges=("v1..0..v1..1",)), {}, NOW)
    assert planned(plan) == {"versions": [0, 1]}


def test_a_plan_as_json_speaks_of_ranges_not_of_every_key():
    json = plan_of([PLAYS], statuses={PLAYS: made(days(5))}).to_json()
    assert json["total"] == DAYS - 1
    assert json["steps"][0]["ranges"] == [["2024-01-01", "2024-01-05"], ["2024-01-07", "2024-01-28"]]
    assert json["steps"][0]["reasons"][0]["reason"] == "missing"


ordinals = st.frozensets(st.integers(0, DAYS - 1))


@given(plays_made=ordinals, plays_failed=ordinals, players_made=ordinals)
def test_the_default_plan_agrees_with_asking_of_each_partition(plays_made, plays_failed, players_made):
    statuses = {
        PLAYS: made(OrdinalSet.of(plays_made - plays_failed), failed=OrdinalSet.of(plays_failed)),
        BY_PLAYER: made(OrdinalSet.of(players_made)),
    }
    plan = plan_of([PLAYS, BY_PLAYER], statuses=statuses)
    to_make = {day for day in range(DAYS) if day not in plays_made | plays_failed}
    has_rows = plays_made - plays_failed
    wanted = {day for day in range(DAYS) if day not in players_made or day in to_make}
    assert set(planned(plan).get("plays", [])) == to_make
    assert set(planned(plan).get("by_player", [])) == {day for day in wanted if day in to_make | has_rows}
    step = plan.step(BY_PLAYER)
    assert set(step.blocked if step else ()) == {day for day in wanted if day not in to_make | has_rows}


def test_a_batch_of_several_dimensions_stays_within_one_row():
    regions = dg.StaticPartitionsDefinition(["eu", "us", "apac"])
    product = MultiPartitionsDefinition({"date": DAILY, "region": regions})

    @dg.asset(partitions_def=product, backfill_policy=dg.BackfillPolicy.single_run())
    def by_region() -> None: ...

    graph = project_of([by_region]).graph
    request = PartitionRequest(keys=("2024-01-01|us", "2024-01-01|apac", "2024-01-02|eu", "2024-01-02|us"))
    (step,) = make_plan(graph, [by_region.key], request, {}, NOW).steps
    assert [list(step.keys_of(batch)) for batch in step.batches()] == [
        ["2024-01-01|us", "2024-01-01|apac"],
        ["2024-01-02|eu", "2024-01-02|us"],
    ]


def test_a_rectangle_that_runs_backwards_in_any_dimension_is_refused():
    product = MultiPartitionsDefinition({"date": DAILY, "region": dg.StaticPartitionsDefinition(["eu", "us"])})

    @dg.asset(partitions_def=product)
    def by_region() -> None: ...

    graph = project_of([by_region]).graph
    for text in ("2024-01-01|us..2024-01-02|eu", "2024-01-02|eu..2024-01-01|us"):
        with pytest.raises(PartitionRangeError) as refused:
            make_plan(graph, [by_region.key], PartitionRequest(ranges=(text,)), {}, NOW)
        assert "comes after its end" in str(refused.value)
        assert "the corner of a rectangle that comes first in every dimension" in str(refused.value)
