"""What becomes of rows outside the partition that they were made for, and of values with several partitions."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless.partitions import DailyPartitionsDefinition, MultiPartitionsDefinition, StaticPartitionsDefinition
from gapless.storage.duckdb.database.session import Session
from gapless.storage.duckdb.staging import gathering
from gapless.storage.errors import DatabaseFailure, PartitionColumnTypeError, RowsOutsidePartitionError
from gapless.storage.partition_slices import slices_of
from gapless.storage.policies import BoundaryPolicy
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, Refused

DAYS = DailyPartitionsDefinition("2024-01-01")
KEYS = [DAYS.key_at(i) for i in range(5)]
NUMBERS = itertools.count()
REFUSE, DROP, ALLOW = BoundaryPolicy.REFUSE, BoundaryPolicy.DROP, BoundaryPolicy.ALLOW

# How a row may say its day, from the day's midnight and the row's number.
WAYS = {
    "text": lambda day, row: day.strftime("%Y-%m-%d"),
    "text with times": lambda day, row: (day + timedelta(minutes=row)).isoformat(),
    "text with offsets": lambda day, row: (day + timedelta(minutes=row)).isoformat() + "+00:00",
    "DATE": lambda day, row: day.date(),
    "TIMESTAMP": lambda day, row: day + timedelta(hours=row),
    "TIMESTAMPTZ": lambda day, row: (day + timedelta(hours=row)).replace(tzinfo=UTC),
    "INTEGER": lambda day, row: int(day.strftime("%Y%m%d")),
}


def rows_of(days, way="text", mark=0):
    """One row for each day, a 0-based number; None for a row without a day."""
    at = [
        None if day is None else WAYS[way](datetime(2024, 1, 1) + timedelta(day), row) for row, day in enumerate(days)
    ]
    kind = {"TIMESTAMPTZ": pl.Datetime("us", "UTC"), "TIMESTAMP": pl.Datetime("us"), "DATE": pl.Date}.get(way)
    kind = kind or (pl.Int64 if way == "INTEGER" else pl.String)
    return pl.DataFrame({"n": list(range(len(days))), "mark": [mark] * len(days), "at": pl.Series(at, dtype=kind)})


def put(desk, policy, keys, frame, **changes):
    output = desk.output(*keys, boundary_policy=policy, **changes)
    (outcome,) = desk.store.commit([desk.store.stage(output, frame)])
    return outcome


def whole(desk):
    return desk.store.query(f"from {desk.asset.path[-1]}")


@pytest.fixture
def days(desk):
    return desk(DAYS)


@pytest.mark.parametrize("way", WAYS)
def test_rows_outside_are_refused_dropped_and_counted_or_stored(desk, way):
    for policy in BoundaryPolicy:
        days = desk(DAYS, asset=f"days_{policy}")
        days.write(KEYS[1], rows_of([1], way))
        outcome = put(days, policy, [KEYS[0]], rows_of([0, 1, 0, 4, None], way, mark=1))
        found = sorted(whole(days)["mark"])
        match policy:
            case BoundaryPolicy.REFUSE:
                assert "3 of 5 rows lie outside" in str(outcome.error)
                assert found == [0]
            case BoundaryPolicy.DROP:
                assert (outcome.rows, outcome.dropped) == ({KEYS[0]: 2}, {KEYS[0]: 3})
                assert found == [0, 1, 1]
                assert days.read(KEYS[0])["n"].to_list() == [0, 2]
            case BoundaryPolicy.ALLOW:
                assert (outcome.rows, outcome.dropped) == ({KEYS[0]: 5}, {})
                assert found == [0, 1, 1, 1, 1, 1]


def test_what_was_allowed_is_replaced_by_whoever_makes_the_partition_in_which_it_lies(days):
    put(days, ALLOW, [KEYS[0]], rows_of([0, 1]))
    put(days, ALLOW, [KEYS[0]], rows_of([0]))  # deletes its own rows only
    assert days.read(KEYS[1])["n"].to_list() == [1]
    days.write(KEYS[1], rows_of([1], mark=7))
    assert days.read(KEYS[1])["mark"].to_list() == [7]


def test_of_a_value_with_several_partitions_nobody_in_particular_lost_the_rows(days):
    outcome = put(days, DROP, KEYS[:2], rows_of([1, 3, 0, None, 1]))
    assert (outcome.rows, outcome.dropped) == ({KEYS[0]: 1, KEYS[1]: 2}, {None: 2})
    outcome = put(days, ALLOW, KEYS[:2], rows_of([1, 3, 0, 1]))
    assert (outcome.rows, outcome.dropped) == ({KEYS[0]: 2, KEYS[1]: 2}, {})


def test_dropping_everything_leaves_an_empty_partition(days):
    days.write(KEYS[0], rows_of([0]))
    outcome = put(days, DROP, [KEYS[0]], rows_of([3, 4]))
    assert (outcome.rows, outcome.dropped) == ({KEYS[0]: 0}, {KEYS[0]: 2})
    assert days.read(KEYS[0]).height == 0


def test_a_group_may_mix_policies_and_each_member_keeps_its_own(days):
    staged = [
        days.store.stage(days.output(key, boundary_policy=policy), rows_of([place, 4]))
        for place, (key, policy) in enumerate(zip(KEYS, (DROP, REFUSE, ALLOW, DROP), strict=False))
    ]
    outcomes = days.store.commit(staged)
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused, Committed, Committed]
    assert [dict(outcomes[place].dropped) for place in (0, 2, 3)] == [{KEYS[0]: 1}, {}, {KEYS[3]: 1}]
    assert Counter(whole(days)["at"]) == {KEYS[0]: 1, KEYS[2]: 1, KEYS[4]: 1, KEYS[3]: 1}


def test_the_content_hash_knows_nothing_of_dropped_rows(days):
    dropped = put(days, DROP, [KEYS[0]], rows_of([0, 0, 3]))
    assert dropped.versions == put(days, REFUSE, [KEYS[0]], rows_of([0, 0])).versions


# --- splitting


def split(desk, keys, frame, policy=REFUSE):
    return desk.store.split(desk.store.stage(desk.output(*keys, boundary_policy=policy), frame))


@pytest.mark.parametrize("way", WAYS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_parts_hold_what_a_filter_by_day_would_and_commit_as_the_whole_would(store, way, data):
    days = Desk(store, DAYS, "at", f"whole{next(NUMBERS)}")
    parts = Desk(store, DAYS, "at", f"parts{next(NUMBERS)}")
    numbers = sorted(data.draw(st.sets(st.integers(0, 4), min_size=1)))
    policy = data.draw(st.sampled_from(list(BoundaryPolicy)))
    of_rows = data.draw(st.lists(st.none() | st.integers(0, 4), max_size=12))
    keys, frame = [KEYS[number] for number in numbers], rows_of(of_rows, way)
    outside = [day for day in of_rows if day not in numbers]
    if outside and policy is REFUSE:
        with pytest.raises(RowsOutsidePartitionError, match=f"{len(outside)} of {len(of_rows)} rows"):
            split(parts, keys, frame)
        return
    made = split(parts, keys, frame, policy)
    assert [part.output.slices for part in made] == [(days.part(key),) for key in keys]
    for place, (number, part) in enumerate(zip(numbers, made, strict=True)):
        here = [day == number or (policy is ALLOW and place == 0 and day not in numbers) for day in of_rows]
        assert part.rows().collect().equals(frame.filter(pl.Series(here, dtype=pl.Boolean)))
    outcomes = parts.store.commit(made)
    (one,) = [put(days, policy, keys, frame)]
    assert {key: rows for outcome in outcomes for key, rows in outcome.rows.items()} == one.rows
    assert {key: version for outcome in outcomes for key, version in outcome.versions.items()} == one.versions
    assert all(outcome.dropped == one.dropped for outcome in outcomes)
    assert whole(parts).sort("n").equals(whole(days).sort("n"))


def test_a_part_that_cannot_be_stored_fails_alone(days):
    days.write(KEYS[0], rows_of([0]).with_columns(big=pl.lit(0.5)))
    frame = rows_of([1, 2]).with_columns(big=pl.Series([2**53 + 1, 1]))
    outcomes = days.store.commit(split(days, KEYS[1:3], frame))
    assert [type(outcome) for outcome in outcomes] == [Refused, Committed]


def test_dropped_rows_are_reported_by_every_part_that_is_committed(days):
    (one,) = days.store.commit(split(days, KEYS[:1], rows_of([0, 3]), DROP))
    assert one.dropped == {KEYS[0]: 1}
    first, second = days.store.commit(split(days, KEYS[:2], rows_of([0, 3, 1]), DROP))
    assert (first.dropped, second.dropped) == ({None: 1}, {None: 1})


def test_slices_without_rows_are_frames_with_the_columns(days):
    frame = rows_of([1]).with_columns(nothing=pl.lit(None))
    parts = split(days, KEYS[:3], frame)
    assert [part.rows().collect().shape for part in parts] == [(0, 4), (1, 4), (0, 4)]
    assert [part.rows().collect().height for part in split(days, KEYS[:2], rows_of([]))] == [0, 0]


def test_types_that_duckdb_does_not_know_stay_what_they_are(days):
    kinds = {"kind": pl.Enum(["a", "b"]), "ms": pl.Datetime("ms"), "array": pl.Array(pl.Int64, 1)}
    frame = rows_of([0, 1]).with_columns(
        kind=pl.Series(["a", "b"], dtype=kinds["kind"]),
        ms=pl.Series([datetime(2024, 1, 1)] * 2, dtype=kinds["ms"]),
        array=pl.Series([[1], [2]], dtype=kinds["array"]),
    )
    for part in split(days, KEYS[:2], frame):
        assert part.rows().collect_schema() == frame.schema


def test_a_whole_table_is_its_only_part(store):
    output = OutputSlices(Desk(store, None, None).asset, (PartitionSlice(None),), None, "run")
    (part,) = store.split(store.stage(output, pl.DataFrame({"n": [1]})))
    assert part.rows().collect().height == 1


def test_what_cannot_tell_the_partitions_is_refused_when_it_is_split(days):
    with pytest.raises(PartitionColumnTypeError):
        split(days, KEYS[:2], pl.DataFrame({"at": [True]}))


@pytest.mark.parametrize("policy", BoundaryPolicy)
def test_rows_in_files_are_split_into_files_or_frames(days, policy, monkeypatch):
    monkeypatch.setattr(gathering.gathered, "__defaults__", (2_000,))
    frame = rows_of([0] * 400 + [1] * 10 + [3] * 5).with_columns(nothing=pl.lit(None))
    batches = [frame[i : i + 100] for i in range(0, frame.height, 100)]
    staged = days.store.stage(days.output(*KEYS[:3], boundary_policy=policy), iter(batches))
    if policy is REFUSE:
        with pytest.raises(RowsOutsidePartitionError, match="5 of 415 rows"):
            days.store.split(staged)
        staged.discard()
        return
    parts = days.store.split(staged)
    heights = [part.rows().select(pl.len()).collect().item() for part in parts]
    assert heights == [405 if policy is ALLOW else 400, 10, 0]
    assert parts[0].rows().collect_schema() == frame.schema
    outcomes = days.store.commit(parts)
    assert [sum(outcome.rows.values()) for outcome in outcomes] == heights
    assert days.read(KEYS[0])["n"].to_list() == list(range(400))


def test_a_product_of_dimensions_is_split_by_all_of_them(store):
    regions = ["eu", "us"]
    definition = MultiPartitionsDefinition({"day": DAYS, "region": StaticPartitionsDefinition(regions)})
    points = [f"{key}|{region}" for key in KEYS[:3] for region in regions]
    chosen = [points[place] for place in (0, 3, 4)]
    facts = slices_of(definition, definition.ordinals_of(chosen), {"day": "day", "region": "region"})
    frame = pl.DataFrame(
        {"day": [date(2024, 1, 1 + i // 2 % 3) for i in range(12)], "region": regions * 6, "n": range(12)}
    )
    output = OutputSlices(Desk(store, None, None).asset, run_id="run", boundary_policy=DROP, **facts)
    parts = store.split(store.stage(output, frame))
    assert [part.rows().collect()["n"].to_list() for part in parts] == [[0, 6], [3, 9], [4, 10]]
    outcomes = store.commit(parts)
    assert outcomes[0].dropped == {None: 6}
    source = InputSlices(output.asset, partition_expr=None, slices=output.slices, by_dimension=output.by_dimension)
    assert sorted(store.load(source, pl.DataFrame)["n"]) == [0, 3, 4, 6, 9, 10]
    (whole_outcome,) = store.commit([store.stage(replace(output, boundary_policy=DROP), frame)])
    assert {key: v for o in outcomes for key, v in o.versions.items()} == whole_outcome.versions


def test_a_year_of_days_in_one_value_is_told_apart_at_once(days):
    """Compared row by row with every day this would be 36 million tests of a text's form."""
    keys = [DAYS.key_at(i) for i in range(365)]
    at = pl.datetime_range(datetime(2024, 1, 1), datetime(2024, 12, 30, 23, 59), "5m", eager=True)
    frame = pl.DataFrame({"at": at.dt.strftime("%Y-%m-%dT%H:%M:%S")})
    (outcome,) = days.store.commit([days.store.stage(days.output(*keys), frame)])
    assert set(outcome.rows.values()) == {288}


@pytest.mark.parametrize("failure", [DatabaseFailure("db.duckdb", "Interrupt", "no"), RuntimeError("no")])
def test_what_is_committed_stays_so_when_clearing_away_fails(desk, monkeypatch, failure):
    execute = Session.execute

    def failing(self, sql, parameters=()):
        if sql.startswith("DROP TABLE IF EXISTS gapless_inside"):
            raise failure
        return execute(self, sql, parameters)

    plays = desk(DAYS)
    staged = [plays.store.stage(plays.output(KEYS[day], boundary_policy=DROP), rows_of([day, 4])) for day in (0, 1)]
    staged.append(plays.store.stage(plays.output(KEYS[2]), rows_of([3])))
    monkeypatch.setattr(Session, "execute", failing)
    first, second, third = plays.store.commit(staged)
    assert [type(outcome) for outcome in (first, second)] == [Committed, Committed]
    assert isinstance(third, Refused)
    assert isinstance(third.error, RowsOutsidePartitionError)
    assert whole(plays)["at"].to_list() == KEYS[:2]
