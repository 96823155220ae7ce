"""Several hours in one value on the night when clocks go back: only the hours that cannot be told fail."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from storage_desk import Desk

import gapless as gl
from gapless.partitions import (
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from gapless.storage.duckdb.staging import gathering
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import PartitionColumnTypeError, RowsOutsidePartitionError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.partition_slices import slices_of
from gapless.storage.policies import BoundaryPolicy
from gapless.storage.slices import Committed, InputSlices, OutputSlices, Refused

ZONE = ZoneInfo("America/New_York")
HOURS = HourlyPartitionsDefinition("2024-11-02-22:00", timezone=ZONE.key)
NIGHT = [HOURS.key_at(i) for i in range(7)]
TWICE = [key for key in NIGHT if "03-01:00" in key]
ONCE = [key for key in NIGHT if key not in TWICE]

# How a row may say its hour, from the instant at which it begins.
WAYS = {
    "TIMESTAMP": lambda hour: (hour.astimezone(ZONE) + timedelta(minutes=59)).replace(tzinfo=None),
    "BIGINT": lambda hour: int(f"{hour.astimezone(ZONE):%Y%m%d%H}"),
    "VARCHAR": lambda hour: f"{hour.astimezone(ZONE):%Y-%m-%dT%H:%M:%S}",
}


@pytest.fixture(params=[DuckDBPolarsIOManager, PolarsParquetIOManager], ids=["duckdb", "parquet"])
def store(request, tmp_path):
    store = request.param(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def hours(store):
    return Desk(store, HOURS, "at")


def night(way, rows=2, keys=NIGHT):
    starts = [HOURS.time_window_for_partition_key(key).start.astimezone(UTC) for key in keys]
    return pl.DataFrame({"at": [WAYS[way](start) for start in starts for _ in range(rows)]})


def apart(desk, value, *keys, **changes):
    """What becomes of each slice of a value that is taken apart, as a run does."""
    output = desk.output(*keys, **changes)
    parts = desk.store.split(desk.store.stage(output, value))
    assert [part.output.slices for part in parts] == [(part,) for part in output.slices]
    return dict(zip(keys, desk.store.commit(parts), strict=True))


REFUSE, DROP, ALLOW = BoundaryPolicy.REFUSE, BoundaryPolicy.DROP, BoundaryPolicy.ALLOW
CASES = [*((way, REFUSE) for way in WAYS), ("TIMESTAMP", DROP), ("BIGINT", ALLOW), ("VARCHAR", DROP)]
AWARE = '(TIMESTAMPTZ): a timezone-aware column in polars, for example pl.Datetime("us", "UTC")'
FIXES = {
    "TIMESTAMP": f"Store the instant {AWARE}."
    ' If its values are UTC already, write metadata {"naive_timestamps": "UTC"}.',
    "BIGINT": f"Store the instant {AWARE}.",
    "VARCHAR": "Write every time with its offset from UTC, for example 2024-11-03T01:00:00-0{}:00, or store the instant"
    f" {AWARE}.",
}


@pytest.mark.parametrize("policy", [DROP, ALLOW])
def test_what_may_lie_inside_is_not_taken_for_what_lies_outside(hours, policy):
    rows = pl.DataFrame({"at": ["2024-11-03T01:00:00-04:00", "2024-11-03 01:30"]})
    output = hours.output(TWICE[0], boundary_policy=policy)
    (outcome,) = hours.store.commit([hours.store.stage(output, rows)])
    assert isinstance(outcome.error, PartitionColumnTypeError)


@pytest.mark.parametrize(("way", "policy"), CASES)
def test_only_the_hours_that_a_naive_column_cannot_tell_fail(hours, way, policy):
    (whole,) = hours.store.commit([hours.store.stage(hours.output(*NIGHT), night(way))])
    assert isinstance(whole, Refused)
    for _ in range(2):
        outcomes = apart(hours, night(way), *NIGHT, boundary_policy=policy)
        assert [key for key in NIGHT if isinstance(outcomes[key], Committed)] == ONCE
        assert {key: outcomes[key].rows for key in ONCE} == {key: {key: 2} for key in ONCE}
        assert not any(outcomes[key].dropped for key in ONCE)
    assert hours.read(*ONCE)["at"].to_list() == night(way, keys=ONCE)["at"].to_list()
    for key, offset in zip(TWICE, (4, 5), strict=True):
        assert isinstance(outcomes[key].error, PartitionColumnTypeError)
        assert str(outcomes[key].error) == (
            f"asset 'plays', partition '{key}': partition_expr 'at' is {way}, and the clocks of America/New_York show"
            f" 2024-11-03 01:00 twice: naive values cannot tell the two apart. {FIXES[way].replace('{}', str(offset))}"
        )


def test_a_value_of_the_two_hours_alone_fails_for_both(hours):
    outcomes = apart(hours, night("TIMESTAMP", keys=TWICE), *TWICE)
    assert [outcomes[key].error.partitions for key in TWICE] == [(key,) for key in TWICE]


@pytest.mark.parametrize("way", ["TIMESTAMP", "BIGINT"])
def test_one_of_the_two_hours_fails_with_the_rows_that_may_be_of_either(hours, way):
    keys = [*ONCE, TWICE[1]]
    outcomes = apart(hours, night(way, keys=keys), *keys)
    assert [key for key in keys if isinstance(outcomes[key], Refused)] == [TWICE[1]]


def test_text_with_its_offset_is_stored_in_the_repeated_hour(hours):
    starts = [HOURS.time_window_for_partition_key(key).start for key in NIGHT]
    told = pl.DataFrame({"at": [start.astimezone(ZONE).isoformat() for start in starts]})
    assert all(isinstance(outcome, Committed) for outcome in apart(hours, told, *NIGHT).values())


@pytest.mark.parametrize("policy", [REFUSE, DROP, ALLOW])
def test_an_hour_with_a_text_that_may_be_of_either_is_not_stored_in_part(hours, policy):
    aware = [HOURS.time_window_for_partition_key(key).start.astimezone(ZONE).isoformat() for key in NIGHT]
    outcomes = apart(hours, pl.DataFrame({"at": [*aware, "2024-11-03 01:30"]}), *NIGHT, boundary_policy=policy)
    assert [key for key in NIGHT if isinstance(outcomes[key], Refused)] == TWICE
    assert hours.read(*NIGHT).height == len(ONCE)


def test_rows_outside_all_hours_still_refuse_the_value(hours):
    outside = night("TIMESTAMP", rows=1).head(1).with_columns(pl.col("at").dt.offset_by("-3d"))
    value = pl.concat([night("TIMESTAMP"), outside])
    staged = hours.store.stage(hours.output(*NIGHT), value)
    with pytest.raises(RowsOutsidePartitionError, match="1 of 11 rows"):
        hours.store.split(staged)


def test_rows_in_files_are_told_as_well(hours, monkeypatch):
    monkeypatch.setattr(gathering.gathered, "__defaults__", (500,))
    for way in ("TIMESTAMP", "VARCHAR"):
        batches = night(way, rows=100).iter_slices(50)
        outcomes = apart(hours, batches, *NIGHT)
        assert [key for key in NIGHT if isinstance(outcomes[key], Refused)] == TWICE
        assert hours.read(*ONCE).height == 100 * len(ONCE)
        hours = Desk(hours.store, HOURS, "at", "text")


def test_the_other_dimension_does_not_matter(store):
    definition = MultiPartitionsDefinition({"hour": HOURS, "region": StaticPartitionsDefinition(["eu", "us"])})
    keys = [f"{key}|{region}" for key in NIGHT for region in ("eu", "us")]
    facts = slices_of(definition, definition.ordinals_of(keys), {"hour": "at", "region": "region"})
    desk = Desk(store, HOURS, None)
    value = pl.concat([night("TIMESTAMP").with_columns(region=pl.lit(region)) for region in ("eu", "us")])
    parts = store.split(store.stage(OutputSlices(desk.asset, run_id="run", **facts), value))
    failed = [
        part.output.slices[0].key
        for part, outcome in zip(parts, store.commit(parts), strict=True)
        if isinstance(outcome, Refused)
    ]
    assert sorted(failed) == sorted(f"{key}|{region}" for key in TWICE for region in ("eu", "us"))
    facts_of_one = slices_of(definition, definition.ordinals_of(failed[:1]), {"hour": "at", "region": "region"})
    alone = store.stage(OutputSlices(desk.asset, run_id="run", **facts_of_one), value.head(1))
    (outcome,) = store.commit([alone])
    assert str(outcome.error).startswith(f"asset 'plays', partition '{failed[0]}': partition_expr 'at' is")
    stored = definition.ordinals_of([key for key in keys if key not in failed])
    facts = slices_of(definition, stored, {"hour": "at", "region": "region"})
    assert store.load(InputSlices(desk.asset, **facts), pl.DataFrame).height == 2 * 2 * len(ONCE)


def test_half_hours_between_the_two_are_told_from_those_around(store):
    halves = TimeWindowPartitionsDefinition(
        "2024-11-03-00:00", fmt="%Y-%m-%d-%H:%M", cron_schedule="*/30 * * * *", timezone=ZONE.key
    )
    keys = [halves.key_at(i) for i in range(8)]  # midnight, and on to three o'clock
    starts = [halves.time_window_for_partition_key(key).start.astimezone(ZONE) for key in keys]
    value = pl.DataFrame({"at": [start.replace(tzinfo=None) for start in starts]})
    outcomes = apart(Desk(store, halves, "at"), value, *keys)
    assert [isinstance(outcomes[key], Refused) for key in keys] == [False] * 2 + [True] * 4 + [False] * 2


@pytest.mark.parametrize("checked", [False, True])
def test_a_run_over_the_night_fails_for_the_two_hours_alone(store, checked, tmp_path):
    @gl.asset(
        partitions_def=HOURS,
        metadata={"partition_expr": "at"},
        backfill_policy=gl.BackfillPolicy.single_run(),
    )
    def plays():
        return night("TIMESTAMP")

    @gl.asset_check(asset=plays)
    def has_rows(plays):
        return gl.AssetCheckResult(passed=plays.height > 0)

    assets = [plays, has_rows] if checked else [plays]
    result = gl.materialize(
        assets, partition_keys=NIGHT, resources={"io_manager": store}, raise_on_error=False, home=tmp_path
    )
    assert not result.success
    assert {report.partition for report in result.failed} == set(TWICE)
    assert result.materialized == len(ONCE)
