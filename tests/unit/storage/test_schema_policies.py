"""What becomes of a value whose columns are not the table's, by the schema policy of its asset."""

from __future__ import annotations

import itertools
import pickle

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless.asset_key import AssetKey
from gapless.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from gapless.storage.policies import SchemaPolicy
from gapless.storage.schema_change import SchemaChangeError, schema_diff
from gapless.storage.slices import Committed, OutputSlices, PartitionSlice, Refused

DAYS = DailyPartitionsDefinition("2024-01-01")
KEYS = [DAYS.key_at(i) for i in range(6)]
NUMBERS = itertools.count()


def frame(key, rows=2, **columns):
    return pl.DataFrame({"at": [key] * rows, **{name: [value] * rows for name, value in columns.items()}})


@pytest.fixture
def days(desk):
    return desk(DAYS)


@pytest.fixture
def policy(desk):
    """Days whose asset has a policy of its own."""

    def made(which, definition=DAYS):
        found = desk(definition)
        plain = found.output
        found.output = lambda *keys, **changes: plain(*keys, schema_policy=which, **changes)
        return found

    return made


# --- a column that the frame lacks


def typed(way, values):
    at = pl.col("at")
    kinds = {
        "text": at,
        "DATE": at.str.to_date(),
        "TIMESTAMP": at.str.to_datetime(time_unit="us"),
        "TIMESTAMPTZ": at.str.to_datetime(time_unit="us", time_zone="UTC"),
        "YYYYMMDD": at.str.replace_all("-", "").cast(pl.Int32),
    }
    return values.with_columns(kinds[way])


WAYS_TO_TELL = ["text", "DATE", "TIMESTAMP", "TIMESTAMPTZ", "YYYYMMDD"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_backfill_over_days_on_which_columns_were_added_ends_in_one_table_whatever_the_order(store, data):
    """The columns of a day are those of the day before it, and maybe more: then no order of commits refuses any."""
    way = data.draw(st.sampled_from(WAYS_TO_TELL))
    names = ["a", "b", "c"]
    begins = {name: data.draw(st.integers(0, len(KEYS) - 1)) for name in names}
    frames = {
        key: typed(
            way, frame(key, **{name: 10 * number + place for place, name in enumerate(names) if begins[name] <= number})
        )
        for number, key in enumerate(KEYS)
    }
    order = data.draw(st.permutations(KEYS))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(KEYS) - 1))))
    days = Desk(store, DAYS, "at", f"table{next(NUMBERS)}")
    for start, stop in itertools.pairwise([0, *cuts, len(KEYS)]):
        outcomes = days.commit(*((key, frames[key]) for key in order[start:stop]))
        assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
    whole = days.read(*KEYS).sort("at")
    assert set(whole.columns) == {"at", *names}
    for number, name in enumerate(names):
        expected = [10 * day + number if begins[name] <= day else None for day in range(len(KEYS)) for _ in range(2)]
        assert whole[name].to_list() == expected


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_only_a_day_that_lacks_what_an_earlier_day_in_the_table_has_is_refused(store, data):
    """Any columns on any day, in any order: a slow obvious model says who is refused, and the rest is kept whole."""
    days = Desk(store, DAYS, "at", f"table{next(NUMBERS)}")
    held = {}
    for _ in range(data.draw(st.integers(2, 8))):
        key = data.draw(st.sampled_from(KEYS))
        names = data.draw(st.sets(st.sampled_from("abc")))
        (outcome,) = days.commit((key, frame(key, **dict.fromkeys(sorted(names), 1))))
        before = set().union(*(columns for other, columns in held.items() if other <= key))
        assert isinstance(outcome, Refused) is (not before <= names), (key, names, held)
        if isinstance(outcome, Committed):
            held[key] = names
    whole = days.read(*KEYS)
    for key, names in held.items():
        rows = whole.filter(at=key)
        assert {name for name in rows.columns if name != "at" and rows[name].null_count() == 0} == names


@pytest.mark.parametrize("first", [0, 1])
def test_partitions_without_times_may_each_have_their_own_columns_but_lose_none(desk, first):
    regions = desk(StaticPartitionsDefinition(["eu", "us"]))
    frames = {"eu": frame("eu", n=1), "us": frame("us", m=2)}
    for key in sorted(frames, reverse=bool(first)):
        regions.write(key, frames[key])
    assert regions.read("eu", "us").sort("at").select("n", "m").rows() == [(1, None)] * 2 + [(None, 2)] * 2
    assert "column 'n' is missing from the frame" in str(regions.refusal("eu", frame("eu", m=1)))


def test_a_column_that_tomorrow_lacks_is_refused_and_can_be_given_empty(days):
    days.write(KEYS[0], frame(KEYS[0], n=1))
    error = days.refusal(KEYS[1], frame(KEYS[1], other=2))
    assert isinstance(error, SchemaChangeError)
    assert '.with_columns(pl.lit(None).alias("n"))' in str(error)
    days.write(KEYS[1], frame(KEYS[1], other=2, n=None))
    assert days.read(*KEYS[:2])["n"].to_list() == [1, 1, None, None]


def test_a_column_that_went_with_the_days_that_had_it_is_missed_by_nobody(days):
    days.write(KEYS[0], frame(KEYS[0], page="<html>"))
    days.write(KEYS[3], frame(KEYS[3], page=None, n=1))
    assert isinstance(days.refusal(KEYS[1], frame(KEYS[1], n=1)), SchemaChangeError)
    days.store.wipe(days.output(KEYS[0]))
    for key in KEYS[:3]:
        days.write(key, frame(key, n=1))
    assert days.read(*KEYS)["page"].null_count() == 8


def test_several_days_in_one_value_lack_what_a_day_before_the_last_of_them_has(days):
    days.write(KEYS[1], frame(KEYS[1], n=1))
    both = pl.concat([frame(KEYS[0]), frame(KEYS[2])])
    (outcome,) = days.store.commit([days.store.stage(days.output(KEYS[0], KEYS[2]), both)])
    assert isinstance(outcome.error, SchemaChangeError)
    days.write(KEYS[0], frame(KEYS[0]))


def test_an_empty_frame_is_judged_by_its_columns_like_any_other(days):
    days.write(KEYS[1], frame(KEYS[1], n=1))
    for key in KEYS[1:3]:
        assert "column 'n' is missing" in str(days.refusal(key, frame(key, 0, page="x")))
    assert days.write(KEYS[0], frame(KEYS[0], 0)).rows == {KEYS[0]: 0}
    assert days.write(KEYS[2], frame(KEYS[2], 0, n="x", more=1)).columns == {"at": "VARCHAR", "n": "BIGINT"}


def test_columns_of_a_refused_member_of_a_group_leave_no_trace(days):
    outcomes = days.commit((KEYS[0], frame(KEYS[5], stray=1)), (KEYS[1], frame(KEYS[1], n=1)))
    assert [type(outcome) for outcome in outcomes] == [Refused, Committed]
    assert outcomes[1].columns == {"at": "VARCHAR", "n": "BIGINT"}


def test_a_table_without_rows_keeps_no_columns(days):
    days.write(KEYS[0], frame(KEYS[0], 0, page="x"))
    assert days.write(KEYS[1], frame(KEYS[1], n=1)).columns == {"at": "VARCHAR", "n": "BIGINT"}


# --- strict


def test_strict_takes_the_same_columns_in_any_order_and_case(policy):
    days = policy(SchemaPolicy.STRICT)
    days.write(KEYS[0], frame(KEYS[0], n=1, m="x"))
    days.write(KEYS[1], frame(KEYS[1], M="y", N=2).select("M", "at", "N"))
    days.write(KEYS[2], frame(KEYS[2], n=None, m="z"))
    days.write(KEYS[3], frame(KEYS[3], 0, n="", m=""))
    assert days.read(*KEYS)["n"].to_list() == [1, 1, 2, 2, None, None]


@pytest.mark.parametrize(
    ("columns", "change"),
    [
        ({"n": 1}, "column 'm' is missing from the frame"),
        ({"n": 1, "m": "x", "more": 1}, "column 'more' is not in the table"),
        ({"n": 1.5, "m": "x"}, "column 'n' is BIGINT in the table and DOUBLE in the frame"),
        ({"n": pl.lit(1, pl.Int32), "m": "x"}, "column 'n' is BIGINT in the table and INTEGER in the frame"),
    ],
)
@pytest.mark.parametrize("earlier", [False, True])
def test_strict_refuses_everything_else_before_and_after(policy, columns, change, earlier):
    days = policy(SchemaPolicy.STRICT)
    days.write(KEYS[1], frame(KEYS[1], n=1, m="x"))
    key = KEYS[0 if earlier else 2]
    made = frame(key).with_columns(**{k: v if isinstance(v, pl.Expr) else pl.lit(v) for k, v in columns.items()})
    if "n" in columns and isinstance(columns["n"], int):
        made = made.with_columns(pl.col("n").cast(pl.Int64))
    error = days.refusal(key, made)
    assert change in str(error)
    assert "Return the table's columns and types, as its strict schema policy asks for" in str(error)
    assert days.read(*KEYS).height == 2


def test_strict_refuses_another_empty_frame_and_an_unpartitioned_one(policy, store):
    days = policy(SchemaPolicy.STRICT)
    days.write(KEYS[0], frame(KEYS[0], n=1))
    assert "column 'm' is not in the table" in str(days.refusal(KEYS[1], frame(KEYS[1], 0, n=1, m=1)))
    whole = OutputSlices(AssetKey("totals"), (PartitionSlice(None),), None, "run", schema_policy=SchemaPolicy.STRICT)
    first, second = (store.commit([store.stage(whole, pl.DataFrame({name: [1]}))])[0] for name in "ab")
    assert isinstance(first, Committed)
    assert isinstance(second.error, SchemaChangeError)


def test_the_first_commit_decides_for_strict_and_a_wiped_table_begins_anew(policy):
    days = policy(SchemaPolicy.STRICT)
    outcomes = days.commit((KEYS[1], frame(KEYS[1], m=1)), (KEYS[0], frame(KEYS[0], n=1)))
    assert [type(outcome) for outcome in outcomes] == [Refused, Committed]  # the earlier partition comes first
    days.store.wipe(days.output(*KEYS))
    days.write(KEYS[1], frame(KEYS[1], m=1))


# --- replace


def test_replace_begins_anew_if_every_partition_is_rewritten(policy):
    days = policy(SchemaPolicy.REPLACE)
    for key in KEYS[:3]:
        days.write(key, frame(key, n=1, gone="x"))
    outcomes = days.commit(*((key, frame(key, n="text", new=1.5)) for key in KEYS[:4]))
    assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
    assert outcomes[0].columns == {"at": "VARCHAR", "n": "VARCHAR", "new": "DOUBLE"}
    assert days.read(*KEYS).select("n", "new").rows() == [("text", 1.5)] * 8


def test_replace_evolves_where_that_will_do(policy):
    days = policy(SchemaPolicy.REPLACE)
    days.write(KEYS[0], frame(KEYS[0], n=1))
    assert days.write(KEYS[1], frame(KEYS[1], n=1.5, new=1)).columns["n"] == "DOUBLE"


def test_replace_is_refused_as_long_as_other_partitions_are_in_the_table(policy):
    days = policy(SchemaPolicy.REPLACE)
    days.commit(*((key, frame(key, n=1)) for key in KEYS[:4]))
    outcomes = days.commit(*((key, frame(key, n="x")) for key in KEYS[:3]))
    assert {type(outcome) for outcome in outcomes} == {Refused}
    # Each was tried alone in the end.
    assert str(outcomes[0].error).endswith(
        " The table begins anew with other columns if all its partitions are made together; it holds 3 other partitions"
        " beside these. Make them all: gapless materialize plays --all; or empty it first: gapless wipe plays"
    )
    assert days.read(*KEYS)["n"].to_list() == [1] * 8


def test_a_bad_partition_is_not_lost_when_the_others_would_begin_anew(policy):
    days = policy(SchemaPolicy.REPLACE)
    days.commit(*((key, frame(key, n=1)) for key in KEYS[:2]))
    outcomes = days.commit((KEYS[0], frame(KEYS[0], n="x")), (KEYS[1], frame(KEYS[4], n="x")))
    assert {type(outcome) for outcome in outcomes} == {Refused}
    assert days.read(*KEYS)["n"].to_list() == [1] * 4


def test_partitions_that_cannot_make_one_table_do_not_replace_the_old_one(policy):
    days = policy(SchemaPolicy.REPLACE)
    days.commit(*((key, frame(key, n=1)) for key in KEYS[:2]))
    outcomes = days.commit((KEYS[0], frame(KEYS[0], n="x")), (KEYS[1], frame(KEYS[1], n=True)))
    assert {type(outcome) for outcome in outcomes} == {Refused}
    assert days.read(*KEYS)["n"].to_list() == [1] * 4


@pytest.mark.parametrize("which", [SchemaPolicy.EVOLVE, SchemaPolicy.STRICT])
def test_no_other_policy_begins_anew_when_every_partition_is_rewritten(policy, which):
    days = policy(which)
    days.write(KEYS[0], frame(KEYS[0], n=1))
    assert isinstance(days.refusal(KEYS[0], frame(KEYS[0], n="x")), SchemaChangeError)


# --- what is told


def test_equal_columns_of_a_wide_table_are_counted():
    table = [(f"c{i}", "BIGINT") for i in range(40)]
    made = [*table[:37], ("C37", "DATE"), ("new", "DOUBLE")]
    assert schema_diff(table, made) == (
        "  ~ c37  BIGINT → DATE\n"
        "  - c38  BIGINT (table)\n"
        "  - c39  BIGINT (table)\n"
        "  + new  DOUBLE (frame)\n"
        "  … 37 equal columns"
    )


def test_many_changes_are_counted_too():
    diff = schema_diff([(f"c{i}", "BIGINT") for i in range(10_000)], [(f"c{i}", "DATE") for i in range(10_000)])
    assert diff.endswith("\n  … 9,964 more columns that differ")
    assert len(diff.splitlines()) == 37


def test_a_refusal_of_hundreds_of_columns_is_short_and_survives_pickling(days):
    names = [f"c{i}" for i in range(600)]
    days.write(KEYS[0], frame(KEYS[0], 1, **dict.fromkeys(names, 1)))
    error = days.refusal(KEYS[1], frame(KEYS[1], 1, **dict.fromkeys(names, "x")))
    assert "; and 592 more. Nothing was replaced." in str(error)
    assert len(str(error)) < 4_000
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_wide_table_takes_one_column_more(days):
    names = [f"c{i}" for i in range(400)]
    days.write(KEYS[0], frame(KEYS[0], 10, **dict.fromkeys(names, 1)))
    days.write(KEYS[1], frame(KEYS[1], 10, **dict.fromkeys(names, 1), more=2))
    assert days.read(*KEYS[:2])["more"].to_list() == [None] * 10 + [2] * 10
