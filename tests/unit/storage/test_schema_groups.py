"""A group of good and bad values has the outcomes that its members have one by one, in partition order."""

from __future__ import annotations

import itertools

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.membership.membership import membership_of
from gapless.storage.duckdb.membership.partition_order import may_precede
from gapless.storage.partition_slices import slices_of
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy
from gapless.storage.slices import Committed, OutputSlices

DAYS = DailyPartitionsDefinition("2024-01-01")
KEYS = [DAYS.key_at(i) for i in range(5)]
NUMBERS = itertools.count()
# What a column may hold: those of different types and sizes meet in one type, or cannot.
VALUES = {
    "small": pl.Series([1, 2], dtype=pl.Int32),
    "big": pl.Series([2**53 + 1, 3]),
    "float": pl.Series([0.5, 0.25]),
    "text": pl.Series(["x", "y"]),
    "none": pl.Series([None, None], dtype=pl.Null),
    "typed none": pl.Series([None, None], dtype=pl.Int64),
    "empty": pl.Series([], dtype=pl.Int64),
}


@st.composite
def groups(draw):
    """Days with columns of all kinds; of some, a row lies elsewhere, or in no day."""
    found = []
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, unique=True)):
        kind = draw(st.sampled_from(list(VALUES)))
        rows = len(VALUES[kind])
        at = [key] * rows
        if rows and draw(st.integers(0, 4)) == 0:
            at[0] = draw(st.sampled_from([*KEYS, None, "no day"]))
        frame = pl.DataFrame({"at": pl.Series(at, dtype=pl.String)})
        for name in draw(st.sets(st.sampled_from(["v", "w"]))):
            frame = frame.with_columns(VALUES[kind].alias(name))
        found.append((key, frame))
    return found


def outcomes_of(desk, group, policies):
    schema, boundary = policies
    return desk.store.commit(
        [
            desk.store.stage(desk.output(key, schema_policy=schema, boundary_policy=boundary), frame)
            for key, frame in group
        ]
    )


def told(outcome):
    if isinstance(outcome, Committed):
        return dict(outcome.rows), dict(outcome.dropped), dict(outcome.versions)
    return type(outcome.error).__name__


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=groups(), group=groups(), data=st.data())
def test_a_group_is_as_good_as_its_members_one_by_one_in_partition_order(store, before, group, data):
    policies = (
        data.draw(st.sampled_from([SchemaPolicy.EVOLVE, SchemaPolicy.STRICT])),
        data.draw(st.sampled_from(list(BoundaryPolicy))),
    )
    number = next(NUMBERS)
    together, alone = (Desk(store, DAYS, "at", f"{name}{number}") for name in ("together", "alone"))
    for desk in (together, alone):
        for value in before:
            outcomes_of(desk, [value], policies)
    found = dict(zip((key for key, _ in group), outcomes_of(together, group, policies), strict=True))
    for key, frame in sorted(group, key=lambda value: value[0]):
        (expected,) = outcomes_of(alone, [(key, frame)], policies)
        assert told(found[key]) == told(expected), (key, found[key], expected)
    assert table_of(store, f"together{number}") == table_of(store, f"alone{number}")


def table_of(store, name):
    """Its columns and its rows, in any order; None if there is none."""
    if f"public.{name}" not in store.tables():
        return None
    table = store.query(f"from {name}")
    names = sorted(table.columns)
    return names, sorted(map(repr, table.select(names).rows()))


# --- which partitions come before which


@pytest.mark.parametrize(
    ("definition", "value"),
    [
        (DAYS, lambda moment, key: f"'{moment:%Y-%m-%d}'"),
        (DAYS, lambda moment, key: f"'{moment:%Y-%m-%dT%H:%M:%S}'"),
        (DAYS, lambda moment, key: f"'{moment:%Y-%m-%dT%H:%M:%S}+00:00'"),
        (DAYS, lambda moment, key: f"DATE '{moment:%Y-%m-%d}'"),
        (DAYS, lambda moment, key: f"TIMESTAMP '{moment:%Y-%m-%d %H:%M:%S}'"),
        (DAYS, lambda moment, key: f"TIMESTAMPTZ '{moment:%Y-%m-%d %H:%M:%S}+00'"),
        (DAYS, lambda moment, key: f"{moment:%Y%m%d}"),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), lambda moment, key: f"'{key}'"),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), lambda moment, key: f"{moment:%Y%m%d%H}"),
        (WeeklyPartitionsDefinition("2024-01-07", timezone="America/New_York"), lambda moment, key: f"'{key}'"),
        (DailyPartitionsDefinition("20240101", fmt="%Y%m%d"), lambda moment, key: f"'{key}'"),
        (DailyPartitionsDefinition("2024-01-01", fmt="%Y-%d-%m"), lambda moment, key: f"'{key}'"),
    ],
)
def test_rows_up_to_a_partition_are_its_own_and_those_before(store, definition, value):
    """The table tells it in the column's own type, for the rule of a column that began later."""
    numbers = range(2, 9)
    parts = slices_of(definition, definition.ordinals_of([definition.key_at(i) for i in numbers]), "at")["slices"]
    civil = (definition.timezone, definition.finer_than_day)
    output = OutputSlices(Desk(store, None, None).asset, parts, "at", "run", *civil)
    values = [value(part.window.start, part.key) for part in parts]
    rows = f'SELECT "at" FROM (VALUES {", ".join(f"({each})" for each in values)}) AS t("at")'
    with scratch_session() as session:
        session.set_timezone("UTC")
        ((_, kind, *_rest),) = session.execute(f"DESCRIBE {rows}")
        membership = membership_of(session, output, {"at": kind}, rows)
        for place, part in enumerate(parts):
            until = membership.until([parts[0], part])
            found = session.execute(f"SELECT count(*) FROM ({rows}) WHERE {until.sql}", until.parameters)
            assert found == [(place + 1,)], (part.key, until)


@given(st.lists(st.integers(0, 11), min_size=1), st.lists(st.integers(0, 11), min_size=1))
def test_a_partition_precedes_those_that_differ_from_it_in_a_later_time_only(some, others):
    regions = ["eu", "us", "xx"]
    definition = MultiPartitionsDefinition({"day": DAYS, "region": StaticPartitionsDefinition(regions)})

    def slices(places):
        keys = [f"{KEYS[place // 3]}|{regions[place % 3]}" for place in places]
        ordinals = definition.ordinals_of(sorted(set(keys)))
        return slices_of(definition, ordinals, {"day": "day", "region": "region"})["slices"]

    expected = any(a % 3 == b % 3 and a // 3 <= b // 3 for a in some for b in others)
    assert may_precede(slices(some), slices(others)) is expected
