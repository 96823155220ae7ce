"""The version of a slice: equal for equal rows, however they came, and another for other rows."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless import StaticPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.slices import Committed, PartitionSlice

KEYS = StaticPartitionsDefinition([*"abc"])


@pytest.fixture
def plays(desk):
    return desk(KEYS, "k")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """One table for many examples."""
    store = DuckDBPolarsIOManager(tmp_path_factory.mktemp("hashes") / "db.duckdb")
    yield Desk(store, KEYS, "k")
    store.close()


def version(desk, frame, key="a"):
    return desk.write(key, frame.with_columns(k=pl.lit(key))).versions[key]


rows = st.lists(
    st.tuples(
        st.none() | st.integers(-3, 3),
        st.none() | st.sampled_from(["", "x", "y", "it's", "☃"]),
        st.none() | st.sampled_from([0.0, 1.5, -1.5]),
    ),
    max_size=5,
)


def frame_of(table):
    schema = {"n": pl.Int64, "s": pl.String, "f": pl.Float64}
    return pl.DataFrame(table, schema=schema, orient="row")


@settings(max_examples=30, deadline=None)
@given(one=rows, other=rows, seed=st.integers(0, 99))
def test_versions_are_equal_if_and_only_if_the_rows_are(lasting, one, other, seed):
    first = version(lasting, frame_of(one))
    assert version(lasting, frame_of(one).sample(fraction=1, shuffle=True, seed=seed).select("f", "n", "s")) == first
    assert (version(lasting, frame_of(other)) == first) is (Counter(one) == Counter(other))


def test_the_version_does_not_depend_on_the_group_nor_on_the_partition_being_one_of_several(plays, desk):
    frames = {
        key: pl.DataFrame({"k": [key] * n, "x": range(n)}, {"k": pl.String, "x": pl.Int64})
        for n, key in enumerate("abc")
    }
    alone = {key: desk(KEYS, "k", "alone").write(key, frame).versions[key] for key, frame in frames.items()}
    grouped = [outcome.versions for outcome in plays.commit(*frames.items())]
    assert grouped == [{key: version} for key, version in alone.items()]
    several = desk(KEYS, "k", "several")
    value = pl.concat(frames.values()).reverse()
    (outcome,) = several.store.commit([several.store.stage(several.output(*"abc"), value)])
    assert isinstance(outcome, Committed)
    assert outcome.versions == alone
    assert {key: record.version for key, record in several.store.committed(several.asset, {}).items()} == alone


def test_other_processes_compute_the_same(plays, tmp_path):
    program = textwrap.dedent(
        f"""
        import polars as pl
        from gapless import DuckDBPolarsIOManager
        from gapless.asset_key import AssetKey
        from gapless.storage.slices import OutputSlices, PartitionSlice
        store = DuckDBPolarsIOManager({str(tmp_path / "other.duckdb")!r})
        output = OutputSlices(AssetKey.of("other"), (PartitionSlice("a"),), "k", "r")
        print(store.commit([store.stage(output, pl.DataFrame({{"x": [2, 1], "k": ["a", "a"]}}))])[0].versions["a"])
        """
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == version(plays, pl.DataFrame({"x": [1, 2]}))


def test_null_nothing_and_zero_are_different(plays, desk):
    texts = [version(plays, pl.DataFrame({"x": [value]}, schema={"x": pl.String})) for value in (None, "", "0")]
    numbers = desk(KEYS, "k", "numbers")
    values = (None, 0, 1)
    texts += [version(numbers, pl.DataFrame({"x": [value]}, schema={"x": pl.Int64})) for value in values[1:]]
    assert len(set(texts)) == 5
    assert version(numbers, pl.DataFrame({"x": [None]}, schema={"x": pl.Int64})) == texts[0]  # null has no type


def test_a_row_more_or_twice_is_another_version(plays):
    versions = [version(plays, pl.DataFrame({"x": values})) for values in ([1], [1, 1], [1, 1, 1], [2, 2])]
    assert len(set(versions)) == 4


def test_the_names_of_the_columns_count_and_their_order_does_not(plays, desk):
    assert version(plays, pl.DataFrame({"x": [1], "y": [2]})) == version(plays, pl.DataFrame({"y": [2], "x": [1]}))
    swapped = desk(KEYS, "k", "swapped")
    assert version(plays, pl.DataFrame({"x": [1], "y": [2]})) != version(swapped, pl.DataFrame({"x": [2], "y": [1]}))
    renamed = desk(KEYS, "k", "renamed")
    assert version(plays, pl.DataFrame({"x": [1], "y": [2]})) != version(renamed, pl.DataFrame({"x": [1], "z": [2]}))


def test_a_column_that_came_to_the_table_later_or_was_widened_changes_no_version(plays):
    narrow = pl.DataFrame({"x": [1, -5], "f": [0.5, None]}, schema={"x": pl.Int8, "f": pl.Float32})
    before = version(plays, narrow)
    wide = narrow.with_columns(pl.col("x").cast(pl.Int64), pl.col("f").cast(pl.Float64))
    assert version(plays, wide) == before  # and now the table is wide
    assert version(plays, narrow) == before


def test_a_column_of_nulls_without_a_type_is_a_column_of_nulls(plays, desk):
    typed = desk(KEYS, "k", "typed")
    untyped = version(plays, pl.DataFrame({"x": [1], "y": [None]}))
    assert version(typed, pl.DataFrame({"x": [1], "y": [None]}, schema_overrides={"y": pl.Int32})) == untyped


def test_an_empty_slice_has_a_version_whatever_its_columns(plays, desk):
    other = desk(KEYS, "k", "other")
    one = version(plays, pl.DataFrame({"x": [1]}).clear())
    assert one == version(other, pl.DataFrame({"y": ["z"], "x": [1]}).clear())
    assert one != version(plays, pl.DataFrame({"x": [1]}))
    assert plays.store.committed(plays.asset, {})["a"].version != one


def test_a_version_says_how_it_was_made(plays):
    algorithm, _, digits = version(plays, pl.DataFrame({"x": [1]})).partition("-")
    assert algorithm.startswith("d")
    assert int(algorithm[1:]) >= 1
    assert len(digits) == 32
    int(digits, 16)


def test_an_unpartitioned_table_has_a_version(desk):
    whole = desk(None, None)
    output = replace(whole.output(), slices=(PartitionSlice(None),))
    (outcome,) = whole.store.commit([whole.store.stage(output, pl.DataFrame({"x": [1]}))])
    assert isinstance(outcome, Committed)
    assert set(outcome.versions) == {None}


EVERY_TYPE = {
    "date": date(2024, 1, 5),
    "naive": datetime(2024, 1, 5, 1, 2, 3, 4),
    "instant": datetime(2024, 1, 5, tzinfo=UTC),
    "bytes": b"\x00\xff",
    "list": [1, None],
    "struct": {"a": 1, "b": "x"},
    "flag": True,
    "nan": float("nan"),
}


@pytest.mark.parametrize("name", EVERY_TYPE)
def test_values_of_every_type_are_told_apart(plays, name):
    value = EVERY_TYPE[name]
    there = pl.DataFrame({"x": pl.Series([value])})
    assert version(plays, there) == version(plays, there)
    assert version(plays, there) != version(plays, there.with_columns(x=pl.lit(None, there.schema["x"])))


def test_the_zone_of_the_definition_does_not_count(desk):
    versions = []
    for number, zone in enumerate(("UTC", "America/New_York")):
        plays = desk(KEYS, "k", f"plays_{number}")
        value = pl.DataFrame({"k": ["a"], "at": [datetime(2024, 1, 5, tzinfo=UTC)]})
        (outcome,) = plays.store.commit([plays.store.stage(replace(plays.output("a"), timezone=zone), value)])
        versions.append(outcome.versions["a"])
    assert versions[0] == versions[1]
