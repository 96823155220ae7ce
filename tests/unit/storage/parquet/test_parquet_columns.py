"""The columns of a table whose files have others."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import ColumnTypeError
from gapless.storage.policies import BoundaryPolicy
from gapless.storage.slices import Committed

K1, K2, K3 = "2024-01-01", "2024-01-02", "2024-01-03"


def test_older_files_are_read_in_wider_types(plays, day):
    plays.write(K1, day(1, 1).cast({"n": pl.Int16}))
    plays.write(K2, day(2, 2**40))
    plays.write(K3, day(3, 3).cast({"n": pl.Int8}))
    found = plays.read(K1, K2, K3)
    assert (found.schema["n"], found["n"].to_list()) == (pl.Int64, [1, 2**40, 3])


def test_a_column_without_values_takes_the_type_of_the_first(plays, day):
    plays.write(K1, day(1, 1, extra=None))
    plays.write(K2, day(2, 2, extra=date(2024, 1, 2)))
    assert plays.read(K1, K2)["extra"].to_list() == [None, date(2024, 1, 2)]


def test_a_typed_column_without_values_gives_way(plays, day):
    plays.write(K1, day(1, 1).with_columns(extra=pl.lit(None, dtype=pl.Int64)))
    plays.write(K2, day(2, 2, extra="text"))
    assert plays.read(K1, K2)["extra"].to_list() == [None, "text"]


def test_stored_values_that_a_wider_type_cannot_hold_are_found(plays, day):
    plays.write(K1, day(1, 2**53 + 1))
    error = plays.refusal(K2, day(2, 1.5))
    assert "column 'n' holds integers in the table that a DOUBLE cannot tell apart" in str(error)
    plays.write(K1, day(1, 2**53))
    plays.write(K2, day(2, 1.5))
    assert plays.read(K1, K2)["n"].to_list() == [2.0**53, 1.5]


def test_columns_are_found_in_any_case(plays, day):
    plays.write(K1, day(1, 1))
    plays.write(K2, day(2, 2).rename({"n": "N", "at": "AT"}))
    assert plays.read(K1, K2).rows() == [(K1, 1), (K2, 2)]


def test_a_day_from_before_a_column_began_may_lack_it(plays, day):
    plays.write(K2, day(2, 2, extra=1))
    plays.write(K1, day(1, 1))
    assert plays.read(K1, K2)["extra"].to_list() == [None, 1]
    assert "column 'extra' is missing from the frame" in str(plays.refusal(K3, day(3, 3)))


@pytest.mark.parametrize(
    "rows",
    [
        {"n": ["text"], "at": [K2]},
        {"at": [K2]},
        {"n": [1.5], "at": [K2]},
        {"n": [1], "at": [K3]},
        {"n": [1], "at": [None]},
        {"n": [True], "at": [K2]},
    ],
)
def test_both_stores_refuse_the_same_in_the_same_words(plays, desk, day, tmp_path, rows):
    database = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    said = []
    for each, place in ((plays, f"{plays.store.base_dir}/plays"), (desk(of=database), "public.plays")):
        each.write(K1, day(1, 2**60))
        said.append(str(each.refusal(K2, pl.DataFrame(rows, strict=False))).replace(place, "the table"))
    database.close()
    assert said[0] == said[1]


def test_every_type_comes_back_as_from_the_other_store(plays, desk, tmp_path):
    instant = datetime(2024, 1, 1, 12, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "at": [K1, K1],
            "truth": [True, None],
            "small": pl.Series([1, 2], dtype=pl.UInt8),
            "float": pl.Series([1.5, None], dtype=pl.Float32),
            "day": [date(2024, 1, 1), None],
            "milli": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ms")),
            "nano": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ns")),
            "instant": pl.Series([instant, None]).dt.convert_time_zone("Europe/Berlin"),
            "clock": [time(1, 2, 3), None],
            "money": [Decimal("1.25"), None],
            "bytes": [b"\x00\xff", None],
            "list": [[1, 2], None],
            "array": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int32, 2)),
            "struct": [{"a": 1, "b": "x"}, None],
            "category": pl.Series(["a", "b"], dtype=pl.Categorical),
            "choice": pl.Series(["a", "b"], dtype=pl.Enum(["a", "b"])),
            "nothing": [None, None],
        }
    )
    database = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    found = []
    for each in (plays, desk(of=database)):
        each.write(K1, frame)
        found.append(each.read(K1))
    database.close()
    assert_frame_equal(found[0], found[1])
    stored = pl.read_parquet(next(Path(plays.store.base_dir).rglob("*.parquet")))
    assert stored["instant"].to_list() == [instant, None]


@pytest.mark.parametrize("policy", ["drop", "allow"])
def test_the_boundary_policy_is_kept(plays, day, policy):
    output = plays.output(K1, boundary_policy=BoundaryPolicy(policy))
    rows = pl.concat([day(1, 1), day(2, 2), day(1, 3)])
    (outcome,) = plays.store.commit([plays.store.stage(output, rows)])
    assert isinstance(outcome, Committed)
    kept = {"drop": [1, 3], "allow": [1, 2, 3]}[policy]
    assert plays.read(K1)["n"].to_list() == kept
    assert dict(outcome.rows) == {K1: len(kept)}
    assert dict(outcome.dropped) == ({K1: 1} if policy == "drop" else {})


def test_a_value_with_many_partitions_is_committed_whole_or_not_at_all(plays, day):
    plays.write(K1, day(1, 2**60))
    both = pl.concat([day(1, 1), day(2, 2)]).with_columns(n=pl.lit("text"))
    (refused, good) = plays.store.commit(
        [plays.store.stage(plays.output(K2, K3), both), plays.store.stage(plays.output(K1), day(1, 7))]
    )
    assert not isinstance(refused, Committed)
    assert isinstance(good, Committed)
    assert plays.store.committed(plays.asset, {}).keys() == {K1}


def test_of_a_large_group_only_those_that_do_not_fit_are_refused(plays, day):
    plays.write(K1, day(1, 1))
    bad = {7, 8, 21}
    values = [(f"2024-01-{n:02}", day(n, "text" if n in bad else n)) for n in range(2, 30)]
    outcomes = plays.commit(*values)
    assert {n for n, outcome in zip(range(2, 30), outcomes, strict=True) if not isinstance(outcome, Committed)} == bad
    assert len(plays.store.committed(plays.asset, {})) == 29 - len(bad)


@pytest.fixture
def spilling(monkeypatch):
    from gapless.storage.duckdb.staging import gathering

    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 100)


def test_rows_that_are_too_many_for_memory_wait_in_files_and_leave_none(plays, spilling):
    frames = [pl.DataFrame({"at": [K1] * 50, "n": range(i * 50, i * 50 + 50), "x": [None] * 50}) for i in range(20)]
    (outcome,) = plays.commit((K1, iter(frames)))
    assert isinstance(outcome, Committed)
    assert plays.read(K1)["n"].to_list() == list(range(1000))
    assert not list(Path(plays.store.base_dir).glob(".gapless-staging/*/*/*.parquet"))
    (version,) = plays.store.committed(plays.asset, {}).values()
    assert version.columns == {"at": "VARCHAR", "n": "BIGINT", "x": "VARCHAR"}
    plays.store.close()
    assert not Path(plays.store.base_dir, ".gapless-staging").exists()


def test_what_was_refused_of_several_partitions_may_yet_be_taken_apart(plays, day, spilling):
    plays.write(K1, day(1, 1))
    both = pl.concat([day(2, *range(50)), day(3, *range(50))]).with_columns(extra=pl.lit(1))
    value = plays.store.stage(plays.output(K2, K3), iter([both, both.clear()]))
    assert isinstance(plays.store.commit([value])[0], Committed)
    late = plays.store.stage(plays.output(K2, K3), iter([both.drop("extra"), both.drop("extra").clear()]))
    (refused,) = plays.store.commit([late])
    assert "column 'extra' is missing from the frame" in str(refused.error)
    parts = plays.store.split(late)
    assert [part.rows().collect().height for part in parts] == [50, 50]


@pytest.mark.parametrize("kind", [pl.Struct([]), pl.List(pl.Struct({"a": pl.Struct([])}))])
@pytest.mark.parametrize("lazy", [False, True])
def test_a_struct_without_fields_is_refused_with_what_to_do(plays, day, kind, lazy):
    rows = day(1).with_columns(pl.lit(None, kind).alias("facts"))
    with pytest.raises(ColumnTypeError) as told:
        plays.write(K1, rows.lazy() if lazy else rows)
    assert str(told.value) == (
        f"asset 'plays', partition '2024-01-01': column 'facts' has the type {kind}, which cannot be stored and read"
        " back as it is. Give the struct a field, or drop the column."
    )
