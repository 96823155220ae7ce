"""What has expired is not made by itself, and what reads it is told so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gapless as dg
from gapless.definitions.definitions import project_of
from gapless.partitions import OrdinalSet
from gapless.planning.planner import make_plan
from gapless.planning.reason import Reason
from gapless.planning.request import PartitionRequest, Scope
from gapless.planning.retention import expired, kept_for
from gapless.planning.snapshot import AssetStatus

NOW = datetime(2024, 1, 29, 12, tzinfo=UTC)  # 28 days have ended
DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")
WEEKLY = dg.WeeklyPartitionsDefinition(start_date="2024-01-01")  # weeks from the 7th, 14th, 21st have ended
EXPIRED = 18  # the 18th is the last day that ended ten days ago


@dg.asset(partitions_def=DAILY, keep="10d")
def plays() -> None: ...


@dg.asset(partitions_def=DAILY, deps=[plays], keep="10d")
def by_player() -> None: ...


@dg.asset(partitions_def=WEEKLY, deps=[plays])
def weekly() -> None: ...


@dg.asset(deps=[dg.AssetDep(plays, partition_mapping=dg.AllPartitionMapping(wait_for=dg.WaitPolicy.all()))])
def summary() -> None: ...


GRAPH = project_of([plays, by_player, weekly, summary], {}).graph


def plan_of(*assets, request=None, statuses=None, due=None):
    keys = tuple(asset.key for asset in assets)
    return make_plan(GRAPH, keys, request or PartitionRequest(), statuses or {}, NOW, due)


def made(*ordinals) -> AssetStatus:
    found = OrdinalSet.of(ordinals)
    return AssetStatus(materialized=found, committed=found)


def reasons(plan, asset) -> dict[Reason, list[int]]:
    return {reason: list(ordinals) for reason, ordinals in plan.step(asset.key).reasons}


def test_what_is_missing_and_has_expired_is_not_made():
    plan = plan_of(plays, by_player)

    assert reasons(plan, plays) == {Reason.MISSING: list(range(EXPIRED, 28))}
    assert reasons(plan, by_player) == {Reason.MISSING: list(range(EXPIRED, 28))}
    assert not plan.total_blocked
    assert plan.expired_left_out == {}


def test_what_failed_and_has_expired_is_not_tried_again():
    status = AssetStatus(failed=OrdinalSet.of([2, 20]))

    plan = plan_of(plays, request=PartitionRequest(scope=Scope.FAILED), statuses={plays.key: status})

    assert reasons(plan, plays) == {Reason.FAILED: [20]}


def test_all_leaves_out_what_has_expired_and_counts_it():
    plan = plan_of(plays, request=PartitionRequest(scope=Scope.ALL))

    assert reasons(plan, plays) == {Reason.REQUESTED: list(range(EXPIRED, 28))}
    assert plan.expired_left_out == {plays.key: EXPIRED}


def test_what_is_named_is_made_with_the_reason_that_it_will_be_dropped_again():
    plan = plan_of(plays, request=PartitionRequest(ranges=("2024-01-17..2024-01-20",)))

    assert reasons(plan, plays) == {Reason.EXPIRED: [16, 17], Reason.REQUESTED: [18, 19]}
    assert Reason.EXPIRED.sentence == "asked for, though expired: it will be dropped again"


def test_what_is_named_by_being_missing_has_not_expired():
    plan = plan_of(plays, request=PartitionRequest(text="missing"), statuses={plays.key: made(*range(20, 28))})

    assert reasons(plan, plays) == {Reason.REQUESTED: [18, 19]}


def test_named_partitions_narrowed_to_the_missing_ones_are_not_made_if_they_have_expired():
    plan = plan_of(plays, request=PartitionRequest(keys=("2024-01-02",), scope=Scope.MISSING))

    assert plan.total == 0


def test_a_tick_does_not_make_what_has_expired():
    plan = plan_of(plays, due={plays.key: OrdinalSet.span(15, 20)})

    assert reasons(plan, plays) == {Reason.DUE: [18, 19]}


def test_a_week_of_which_days_have_expired_and_are_gone_is_blocked():
    plan = plan_of(weekly, statuses={plays.key: made(*range(EXPIRED, 28))})

    step = plan.step(weekly.key)
    assert step.blocked[0] == "needs plays 2024-01-07..2024-01-13 (7 partitions), which have expired (kept 10 days)"
    assert step.blocked[1] == "needs plays 2024-01-14..2024-01-18 (5 partitions), which have expired (kept 10 days)"
    assert list(step.impossible) == [0, 1]
    assert list(step.partitions) == [2]


def test_one_day_that_has_expired_is_told_in_the_singular():
    plan = plan_of(weekly, statuses={plays.key: made(*(n for n in range(28) if n != 7))})

    assert plan.step(weekly.key).blocked == {0: "needs plays 2024-01-08, which has expired (kept 10 days)"}


def test_expired_days_that_are_still_there_are_read():
    assert list(plan_of(weekly, statuses={plays.key: made(*range(28))}).step(weekly.key).partitions) == [0, 1, 2]


def test_what_covers_no_time_is_made_of_what_is_kept():
    plan = plan_of(summary, statuses={plays.key: made(*range(EXPIRED, 28))})

    assert plan.step(summary.key).blocked == {}
    assert plan.total == 1


def test_what_covers_no_time_still_waits_for_what_has_not_expired():
    plan = plan_of(summary, statuses={plays.key: made(*range(EXPIRED, 27))})

    assert plan.step(summary.key).blocked == {0: "needs plays 2024-01-28, which is missing"}


def test_what_reads_nothing_but_what_has_expired_is_blocked():
    pruned = project_of([_old(), _reader()], {}).graph

    plan = make_plan(pruned, (dg.AssetKey("reader"),), PartitionRequest(), {}, NOW)

    assert plan.step(dg.AssetKey("reader")).blocked == {
        0: "needs any of old 2024-01-01..2024-01-03 (3 partitions), which have expired (kept 36 hours)"
    }


def _old():
    days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-04")

    @dg.asset(partitions_def=days, keep="36h")
    def old() -> None: ...

    return old


def _reader():
    @dg.asset(deps=["old"])
    def reader() -> None: ...

    return reader


def test_a_partition_expires_at_the_instant_when_it_has_been_over_for_so_long():
    limit = datetime(2024, 1, 12, tzinfo=UTC)  # the 1st ended on the 2nd at midnight

    assert list(expired(plays, limit - timedelta(microseconds=1))) == []
    assert list(expired(plays, limit)) == [0]


@pytest.mark.parametrize("now", [datetime(1, 1, 2, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)])
def test_before_there_are_partitions_none_has_expired(now):
    assert not expired(plays, now)


@pytest.mark.parametrize(
    ("keep", "words"),
    [("90d", "90 days"), ("1d", "1 day"), ("2w", "14 days"), ("36h", "36 hours"), ("90min", "90 minutes")],
)
def test_how_long_it_is_kept_is_said_in_whole_units(keep, words):
    @dg.asset(partitions_def=DAILY, keep=keep)
    def one() -> None: ...

    assert kept_for(one) == words


_ZONES = st.sampled_from(["UTC", "America/New_York", "Australia/Lord_Howe"])
_INSTANTS = st.datetimes(datetime(2023, 12, 25), datetime(2024, 12, 31)).map(lambda at: at.replace(tzinfo=UTC))


@given(
    zone=_ZONES,
    cadence=st.sampled_from([dg.HourlyPartitionsDefinition, dg.DailyPartitionsDefinition]),
    offset=st.integers(-2, 2),
    keep=st.sampled_from(["1h", "36h", "7d", "30d"]),
    now=_INSTANTS,
)
def test_expired_agrees_with_looking_at_every_window(zone, cadence, offset, keep, now):
    form = "%Y-%m-%d-%H:%M" if cadence is dg.HourlyPartitionsDefinition else "%Y-%m-%d"
    start = datetime(2024, 10, 30) if cadence is dg.HourlyPartitionsDefinition else datetime(2024, 1, 1)
    definition = cadence(start_date=start.strftime(form), timezone=zone, end_offset=offset)

    @dg.asset(partitions_def=definition, keep=keep)
    def one() -> None: ...

    existing = definition.existing(now)
    old = [n for n in existing if definition.window_at(n).end <= now - one.keep]
    assert list(expired(one, now)) == old


@given(now=_INSTANTS)
def test_several_dimensions_expire_by_the_one_that_is_time(now):
    definition = dg.MultiPartitionsDefinition(
        {
            "date": dg.DailyPartitionsDefinition(start_date="2024-05-01", end_date="2024-05-20"),
            "region": dg.StaticPartitionsDefinition(["eu", "us"]),
        }
    )

    @dg.asset(partitions_def=definition, keep="5d")
    def one() -> None: ...

    keys = definition.keys_of(expired(one, now))
    days = definition.dimension("date")
    old = [n for n in days.existing(now) if days.window_at(n).end <= now - one.keep]
    assert keys == [f"{days.key_at(n)}|{region}" for n in old for region in ("eu", "us")]


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_a_moment_without_a_zone_is_of_the_definitions_zone(zone):
    days = dg.DailyPartitionsDefinition(start_date="2024-01-01", timezone=zone)

    @dg.asset(partitions_def=days, keep="10d")
    def kept() -> None: ...

    (asset,) = project_of([kept], {}).graph.assets
    assert [len(expired(asset, datetime(2024, 1, 29, hour))) for hour in (0, 12)] == [18, 18]
    assert len(expired(asset, datetime(2024, 1, 28, 23, 59))) == 17
