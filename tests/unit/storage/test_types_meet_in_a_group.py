"""Frames of different types that make a table together: nothing is lost, whatever their order and grouping."""

from __future__ import annotations

import itertools
from datetime import date, datetime

import polars as pl
import pytest

from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.schema_change import SchemaChangeError
from gapless.storage.slices import Committed

DAYS = DailyPartitionsDefinition("2024-01-01")
KEYS = [DAYS.key_at(i) for i in range(3)]
BIG = 2**53 + 1
COUNTER = itertools.count()

# What days hold in a column of theirs.
DAYS_OF = {
    "large integers and floats": [pl.Series([BIG]), pl.Series([0.5]), pl.Series([7])],
    "small integers, large ones and floats": [
        pl.Series([7], dtype=pl.Int32),
        pl.Series([BIG]),
        pl.Series([0.5]),
    ],
    "large unsigned integers and single floats": [
        pl.Series([2**64 - 1], dtype=pl.UInt64),
        pl.Series([0.5], dtype=pl.Float32),
        pl.Series([0.25]),
    ],
    "dates and times": [
        pl.Series([date(2024, 1, 1)]),
        pl.Series([datetime(2024, 1, 2, 5)]),
        pl.Series([datetime(2024, 1, 3)], dtype=pl.Datetime("ns")),
    ],
    "far times and nanoseconds": [
        pl.Series([datetime(9999, 1, 1)]),
        pl.Series([datetime(2024, 1, 2)], dtype=pl.Datetime("ns")),
        pl.Series([datetime(1, 1, 1)], dtype=pl.Datetime("ms")),
    ],
    "naive times and instants": [
        pl.Series([datetime(2024, 1, 1)]),
        pl.Series([datetime(2024, 1, 1)], dtype=pl.Datetime("us", "UTC")),
        pl.Series([None], dtype=pl.Date),
    ],
}


def days_of(kind):
    return {key: pl.DataFrame({"at": [key]}).with_columns(v=v) for key, v in zip(KEYS, DAYS_OF[kind], strict=True)}


def stored(desk, groups, frames):
    """Which days are in the table after the groups were committed one by one."""
    kept = set()
    for group in groups:
        for key, outcome in zip(group, desk.commit(*((key, frames[key]) for key in group)), strict=True):
            if isinstance(outcome, Committed):
                kept.add(key)
            else:
                assert isinstance(outcome.error, SchemaChangeError), outcome
    return kept


@pytest.mark.parametrize("kind", DAYS_OF)
def test_every_value_is_kept_exactly_or_its_day_is_refused(desk, kind):
    frames = days_of(kind)
    for order in itertools.permutations(KEYS):
        for groups in ([order], [order[:1], order[1:]], [order[:2], order[2:]], [[key] for key in order]):
            days = desk(DAYS, asset=f"t{next(COUNTER)}")
            kept = stored(days, groups, frames)
            assert kept
            for key in kept:
                (given,), (found,) = frames[key]["v"].to_list(), days.read(key)["v"].to_list()
                assert (found, type(found) is datetime) == (given, type(given) is datetime), (groups, key)


@pytest.mark.parametrize("kind", DAYS_OF)
def test_within_a_group_it_is_no_matter_who_came_first(desk, kind):
    frames = days_of(kind)
    kept = {frozenset(stored(desk(DAYS, asset=f"t{next(COUNTER)}"), [o], frames)) for o in itertools.permutations(KEYS)}
    assert len(kept) == 1


def test_a_digit_is_not_lost_silently_when_a_table_is_made(desk):
    days = desk(DAYS)
    large, floats = pl.DataFrame({"at": [KEYS[0]], "v": [BIG]}), pl.DataFrame({"at": [KEYS[1]], "v": [0.5]})
    first, second = days.commit((KEYS[0], large), (KEYS[1], floats))
    assert isinstance(first, Committed)
    assert "column 'v' holds integers in the table that a DOUBLE cannot tell apart" in str(second.error)
    assert days.read(KEYS[0])["v"].to_list() == [BIG]


def test_a_column_without_values_so_far_takes_one_type_only(desk):
    days = desk(DAYS)
    days.write(KEYS[0], pl.DataFrame({"at": [KEYS[0]], "v": [None]}))
    numbers, truths = pl.DataFrame({"at": [KEYS[1]], "v": [1]}), pl.DataFrame({"at": [KEYS[2]], "v": [True]})
    first, second = days.commit((KEYS[1], numbers), (KEYS[2], truths))
    assert isinstance(first, Committed)
    assert isinstance(second.error, SchemaChangeError)
    assert days.read(*KEYS)["v"].to_list() == [None, 1]


def test_a_column_in_another_case_is_looked_at_too(desk):
    days = desk(DAYS)
    large, floats = pl.DataFrame({"at": [KEYS[0]], "v": [BIG]}), pl.DataFrame({"at": [KEYS[1]], "V": [0.5]})
    first, second = days.commit((KEYS[0], large), (KEYS[1], floats))
    assert isinstance(first, Committed)
    assert isinstance(second.error, SchemaChangeError)
