"""What a tick owes, as a function of what is recorded."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_world import utc

import gapless as dg
from gapless.asset_key import AssetKey
from gapless.ledger.contract import Status, StatusRecord
from gapless.partitions import MultiPartitionsDefinition, OrdinalSet
from gapless.scheduling.due import Coverage, covered, owed

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")
REGIONS = dg.StaticPartitionsDefinition(["eu", "us"])
YESTERDAY = Coverage(utc("2024-01-04"), utc("2024-01-05"))
PLAYS, REPORT = AssetKey("plays"), AssetKey("report")
DEFINITIONS = [
    DAILY,
    dg.DailyPartitionsDefinition(start_date="2024-01-01", timezone="America/New_York", hour_offset=2),
    dg.DailyPartitionsDefinition(start_date="2024-01-01", end_offset=1),
    dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-06-01", end_offset=-2),
    dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00", timezone="America/New_York"),
    dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00", timezone="Australia/Lord_Howe"),
    dg.WeeklyPartitionsDefinition(start_date="2024-01-01"),
    dg.MonthlyPartitionsDefinition(start_date="2024-01-01"),
]
INSTANTS = st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


@settings(deadline=None)
@given(st.sampled_from(DEFINITIONS), st.lists(INSTANTS, min_size=2, max_size=6, unique=True).map(sorted))
def test_ticks_that_follow_one_another_cover_each_partition_exactly_once(definition, instants):
    parts = [covered(definition, Coverage(*pair)) for pair in pairwise(instants)]
    together = OrdinalSet.empty()
    for part in parts:
        assert not together & part
        together |= part
    assert together == covered(definition, Coverage(instants[0], instants[-1]))
    assert together == OrdinalSet.span(definition.extent(instants[0]), definition.extent(instants[-1]))


@pytest.mark.parametrize(
    ("after", "tick", "keys"),
    [
        ("2024-01-04", "2024-01-05", ["2024-01-04"]),
        ("2024-01-04 00:00:01", "2024-01-05", ["2024-01-04"]),
        ("2024-01-02", "2024-01-05", ["2024-01-02", "2024-01-03", "2024-01-04"]),
        ("2023-12-01", "2024-01-03", ["2024-01-01", "2024-01-02"]),
        ("2024-01-05", "2024-01-05", []),
    ],
)
def test_a_tick_covers_the_windows_that_closed_after_its_start_up_to_and_including_itself(after, tick, keys):
    assert DAILY.keys_of(covered(DAILY, Coverage(utc(after), utc(tick)))) == keys


def project(definition=DAILY, upstream=True):
    @dg.asset(partitions_def=definition)
    def plays() -> None:
        """Partitioned."""

    @dg.asset(deps=[plays] if upstream else [])
    def report() -> None:
        """Made whole."""

    job = dg.define_asset_job("job", selection=["plays", "report"])
    return dg.Definitions(assets=[plays, report], jobs=[job]).resolve()


def record(key: AssetKey, partition: str | None, status: Status, at: str, committed: str | None = None):
    committed_at = utc(committed) if committed else utc(at) if status is Status.MATERIALIZED else None
    return StatusRecord(key.to_user_string(), partition, status, "run", utc(at), committed_at)


def asked(declared, *records, coverage=YESTERDAY):
    known = {}
    for entry in records:
        known.setdefault(AssetKey(entry.asset), {})[entry.partition] = entry
    due = owed(declared.graph, declared.job("job"), coverage, known)
    return {str(key): list(ordinals) for key, ordinals in due.items()}


def test_a_tick_covers_every_key_of_the_other_dimensions_of_the_windows_that_closed():
    product = MultiPartitionsDefinition({"region": REGIONS, "date": DAILY})
    keys = product.keys_of(covered(product, YESTERDAY))
    assert keys == ["2024-01-04|eu", "2024-01-04|us"]


def test_a_partition_is_owed_until_it_is_made():
    assert asked(project()) == {"plays": [3], "report": [0]}
    made = record(PLAYS, "2024-01-04", Status.MATERIALIZED, "2024-01-05 00:01")
    assert asked(project(), made) == {"report": [0]}
    assert asked(project(), made, record(REPORT, None, Status.MATERIALIZED, "2024-01-05 00:02")) == {}


def test_a_partition_that_failed_is_not_owed():
    assert "plays" not in asked(project(), record(PLAYS, "2024-01-04", Status.FAILED, "2024-01-05 00:01"))


@pytest.mark.parametrize("status", [Status.SKIPPED, Status.RUNNING])
def test_a_partition_that_was_skipped_or_is_under_way_is_owed(status):
    assert asked(project(), record(PLAYS, "2024-01-04", status, "2024-01-05 00:01"))["plays"] == [3]


def test_a_partition_that_somebody_makes_again_right_now_is_not_owed():
    again = record(PLAYS, "2024-01-04", Status.RUNNING, "2024-01-05 00:05", committed="2024-01-05 00:01")
    assert "plays" not in asked(project(), again)


def test_what_is_recorded_of_other_partitions_does_not_matter():
    other = record(PLAYS, "2024-01-02", Status.MATERIALIZED, "2024-01-05 09:00")
    done = record(PLAYS, "2024-01-04", Status.MATERIALIZED, "2024-01-05 00:01")
    report = record(REPORT, None, Status.MATERIALIZED, "2024-01-05 00:02")
    assert asked(project(), other, done, report) == {}


def test_static_partitions_are_owed_unless_they_were_tried_since_the_tick():
    before = record(PLAYS, "eu", Status.MATERIALIZED, "2024-01-04 23:59")
    since = record(PLAYS, "us", Status.FAILED, "2024-01-05 00:01")
    assert asked(project(REGIONS), before, since)["plays"] == [0]


def test_an_unpartitioned_asset_is_owed_while_it_is_older_than_what_it_reads():
    made = record(PLAYS, "2024-01-04", Status.MATERIALIZED, "2024-01-05 00:10")
    assert asked(project(), made, record(REPORT, None, Status.MATERIALIZED, "2024-01-05 00:05")) == {"report": [0]}
    assert asked(project(), made, record(REPORT, None, Status.FAILED, "2024-01-05 00:15")) == {}
    assert asked(project(), made, record(REPORT, None, Status.SKIPPED, "2024-01-05 00:15")) == {"report": [0]}


def test_an_unpartitioned_asset_is_not_owed_when_what_it_reads_only_failed():
    failed = record(PLAYS, "2024-01-04", Status.FAILED, "2024-01-05 00:10")
    assert asked(project(), failed, record(REPORT, None, Status.MATERIALIZED, "2024-01-04 00:05")) == {}


def test_an_unpartitioned_asset_that_reads_nothing_of_the_job_is_owed_once_a_tick():
    old = record(REPORT, None, Status.MATERIALIZED, "2024-01-04 00:05")
    new = record(REPORT, None, Status.MATERIALIZED, "2024-01-05 00:05")
    assert asked(project(upstream=False), old) == {"plays": [3], "report": [0]}
    assert asked(project(upstream=False), new) == {"plays": [3]}


def test_a_tick_that_covers_nothing_owes_nothing():
    ended = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03")
    later = Coverage(YESTERDAY.after + timedelta(days=9), YESTERDAY.tick + timedelta(days=9))
    assert asked(project(ended), coverage=later) == {}
    assert asked(project(ended, upstream=False), coverage=later) == {}


def test_what_reads_an_unpartitioned_asset_is_owed_only_if_that_was_made_for_this_tick():
    @dg.asset(partitions_def=DAILY)
    def plays() -> None:
        """Partitioned."""

    @dg.asset(deps=[plays])
    def report() -> None:
        """Made whole, from all plays."""

    @dg.asset(deps=[report])
    def page() -> None:
        """Made whole, from the report."""

    job = dg.define_asset_job("job", selection=["plays", "report", "page"])
    declared = dg.Definitions(assets=[plays, report, page], jobs=[job]).resolve()
    page_before = record(AssetKey("page"), None, Status.MATERIALIZED, "2024-01-03 00:01")
    report_made = record(REPORT, None, Status.MATERIALIZED, "2024-01-05 00:02")
    made = record(PLAYS, "2024-01-04", Status.MATERIALIZED, "2024-01-05 00:01")
    failed = record(PLAYS, "2024-01-04", Status.FAILED, "2024-01-05 00:01")
    assert asked(declared, made, report_made, page_before) == {"page": [0]}
    assert asked(declared, failed, report_made, page_before) == {}
