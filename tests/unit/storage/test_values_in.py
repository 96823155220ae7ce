"""Every kind of value that a function can return ends as the same rows."""

from __future__ import annotations

import pickle
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gapless import DailyPartitionsDefinition
from gapless.storage.duckdb.database.streams import ArrowStream, _sunk_batches
from gapless.storage.duckdb.errors import BatchError, MixedColumnError, UnreadableValueError
from gapless.storage.duckdb.staging import gathering
from gapless.storage.duckdb.staging.frames import StagedFrame
from gapless.storage.duckdb.staging.spilled import StagedFiles
from gapless.storage.errors import ColumnNamesError, ColumnTypeError, MissingPartitionColumnError, OutputTypeError

DAYS = DailyPartitionsDefinition("2024-01-01")
ONE, TWO = "2024-01-01", "2024-01-02"


@pytest.fixture
def days(desk):
    return desk(DAYS)


@pytest.fixture
def tiny_memory(monkeypatch):
    """Everything but a polars DataFrame is too much for memory."""
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 0)


def frame(rows: int = 3, mark: int = 1, day: str = ONE) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "mark": [mark] * rows, "at": [day] * rows}, schema_overrides={"n": pl.Int64})


def reader(rows: pl.DataFrame, batch: int = 2) -> pa.RecordBatchReader:
    table = rows.to_arrow()
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=batch))


class OnlyAStream:
    """What another library may return."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._rows.__arrow_c_stream__(requested_schema)


class OnlyAnArray:
    def __init__(self, rows: pl.DataFrame) -> None:
        (self._batch,) = rows.to_arrow().combine_chunks().to_batches()

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self._batch.__arrow_c_array__(requested_schema)


def relation(rows: pl.DataFrame) -> Any:
    connection = duckdb.connect()
    connection.register("source", OnlyAStream(rows))
    return connection.sql("SELECT * FROM source")


def as_pandas(rows: pl.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(rows.to_dict(as_series=False))


def halves(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    yield rows[: rows.height // 2]
    yield rows[rows.height // 2 :].select(reversed(rows.columns))


KINDS = {
    "LazyFrame": lambda rows: rows.lazy(),
    "batches": halves,
    "batches of other kinds": lambda rows: iter([rows[:1].lazy(), as_pandas(rows[1:2]), reader(rows[2:])]),
    "pandas": as_pandas,
    "pyarrow Table": lambda rows: rows.to_arrow(),
    "pyarrow RecordBatchReader": reader,
    "pyarrow RecordBatch": lambda rows: rows.to_arrow().combine_chunks().to_batches()[0],
    "Arrow stream": OnlyAStream,
    "Arrow array": OnlyAnArray,
    "DuckDB relation": relation,
}


@pytest.mark.parametrize("budget", [2**26, 0], ids=["in memory", "in files"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_value_is_stored_as_its_frame_would_be(days, monkeypatch, kind, budget):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", budget)
    rows = frame(7)
    expected = days.write(ONE, rows)
    staged = days.store.stage(days.output(ONE), KINDS[kind](rows))
    assert type(staged) is (StagedFrame if budget else StagedFiles)
    assert staged.rows().collect().equals(rows)
    (outcome,) = days.store.commit([staged])
    assert (outcome.rows, outcome.columns, outcome.versions) == (expected.rows, expected.columns, expected.versions)
    assert days.read(ONE).equals(rows)


EVERY_TYPE = pl.DataFrame(
    {
        "at": [ONE, ONE],
        "tiny": pl.Series([1, None], dtype=pl.Int8),
        "huge": pl.Series([2**64 - 1, None], dtype=pl.UInt64),
        "single": pl.Series([1.5, float("nan")], dtype=pl.Float32),
        "flag": [True, None],
        "bytes": [b"\0x", None],
        "day": [date(2024, 1, 1), None],
        "naive ms": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ms")),
        "naive ns": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ns")),
        "instant": pl.Series([datetime(2024, 1, 1, tzinfo=UTC), None], dtype=pl.Datetime("us", "UTC")),
        "instant ns": pl.Series([datetime(2024, 1, 1, tzinfo=UTC), None], dtype=pl.Datetime("ns", "UTC")),
        "time": [time(1, 2, 3, 4), None],
        "amount": pl.Series([Decimal("1.23"), None], dtype=pl.Decimal(38, 2)),
        "word": pl.Series(["x", None], dtype=pl.Categorical),
        "choice": pl.Series(["x", None], dtype=pl.Enum(["x", "y"])),
        "list": [[1, None], None],
        "pair": pl.Series([[1, 2], None], dtype=pl.Array(pl.Int32, 2)),
        "record": [{"a": 1, "b": [datetime(2024, 1, 1)]}, None],
        "nothing": [None, None],
        'a "quoted", name': ["x", "it's"],
    }
)


def test_the_types_of_a_table_do_not_depend_on_how_much_there_was(desk, monkeypatch):
    small, large = desk(DAYS, asset="small"), desk(DAYS, asset="large")
    expected = small.write(ONE, EVERY_TYPE)
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 0)
    staged = large.store.stage(large.output(ONE), iter([EVERY_TYPE[:1], EVERY_TYPE[1:]]))
    assert staged.rows().collect().equals(EVERY_TYPE)
    assert staged.rows().collect().schema == EVERY_TYPE.schema
    (outcome,) = large.store.commit([staged])
    assert (outcome.columns, outcome.versions) == (expected.columns, expected.versions)
    assert large.read(ONE).equals(small.read(ONE))


@given(data=st.data())
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_batches_are_what_they_are_stacked(days, monkeypatch, data):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", data.draw(st.sampled_from([0, 60, 2**26])))
    columns = ["n", "late", "at"]
    batches = []
    for size in data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=5)):
        values = data.draw(st.lists(st.integers(-3, 3), min_size=size, max_size=size))
        late = data.draw(st.sampled_from([pl.Series([None] * size), pl.Series(["x"] * size, dtype=pl.String)]))
        batch = pl.DataFrame({"n": pl.Series(values, dtype=pl.Int64), "late": late, "at": pl.Series([ONE] * size)})
        batches.append(batch.with_columns(pl.col("at").cast(pl.String)).select(data.draw(st.permutations(columns))))
    model = pl.concat([batch.select(columns) for batch in batches], how="vertical_relaxed")
    days.store.wipe(days.output())
    staged = days.store.stage(days.output(ONE), iter(batches))
    assert staged.rows().select(columns).collect().rows() == model.rows()
    days.store.commit([staged])
    assert days.read(ONE).select(columns).rows() == model.rows()


def test_a_group_of_every_kind_of_value_commits_together_and_the_bad_ones_fail_alone(days, monkeypatch):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 100)
    keys = [f"2024-01-{day:02}" for day in range(1, 9)]
    values = [
        frame(2, 1, keys[0]),
        frame(20, 2, keys[1]).lazy(),
        frame(20, 3, TWO).lazy(),  # of another day
        as_pandas(frame(3, 4, keys[3])),
        iter([frame(9, 5, keys[4]), frame(9, 5, keys[4])]),
        frame(20, 6, keys[5]).lazy().with_columns(n=pl.lit("text")),
        frame(0, 7, keys[6]).lazy(),
        frame(1, 8, keys[7]),
    ]
    outcomes = days.commit(*zip(keys, values, strict=True))
    assert [type(outcome).__name__ for outcome in outcomes] == [
        *("Committed", "Committed", "Refused", "Committed", "Committed", "Refused", "Committed", "Committed")
    ]
    assert "20 of 20 rows" in str(outcomes[2].error)
    assert "'n' is BIGINT in the table and VARCHAR in the frame" in str(outcomes[5].error)
    marks = [days.read(key)["mark"].to_list() for key in keys]
    assert marks == [[1] * 2, [2] * 20, [], [4] * 3, [5] * 18, [], [], [8]]


# --- what does not fit


def test_a_batch_that_is_no_frame_is_told_by_its_number(days):
    with pytest.raises(BatchError) as caught:
        days.commit((ONE, iter([frame(), [1]])))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': batch 2 is a list, not a frame. Give frames of the value's rows."
    )
    with pytest.raises(BatchError, match=r"batch 1 is None, not a frame"):
        days.commit((ONE, iter([None])))


def test_a_batch_of_other_columns_is_told_by_its_number(days, tiny_memory):
    with pytest.raises(BatchError) as caught:
        days.commit((ONE, iter([frame(), frame(), frame().rename({"n": "m"})])))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': batch 3 has other columns than those before: it lacks 'n' and adds 'm'."
        " Give all batches the same columns."
    )
    error = pickle.loads(pickle.dumps(caught.value))
    assert (type(error), error.number) == (BatchError, 3)


def test_a_batch_of_another_type_is_told_by_its_number(days):
    with pytest.raises(BatchError) as caught:
        days.commit((ONE, iter([frame().lazy(), frame().with_columns(pl.col("n").cast(pl.Int32))])))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': batch 2 has the column 'n' as Int32, those before have it as Int64."
        " Cast it to one type in all batches."
    )


def test_no_batch_at_all_is_not_taken_for_an_empty_partition(days):
    days.write(ONE, frame())
    with pytest.raises(ColumnNamesError, match="with the table's columns and no rows"):
        days.commit((ONE, iter([])))
    assert days.read(ONE).height == 3


@pytest.mark.parametrize("value", [pl.Series([1]), pl.DataFrame, {"n": [1]}, [frame()], "text", 1])
def test_what_is_no_rows_is_refused(days, value):
    with pytest.raises(OutputTypeError, match=r"an iterator of such batches, or gapless\.sql"):
        days.commit((ONE, value))


@pytest.mark.parametrize("kind", ["LazyFrame", "batches", "pandas", "Arrow stream"])
def test_names_and_types_are_checked_before_the_whole_is_read(days, kind):
    make = KINDS[kind]
    with pytest.raises(MissingPartitionColumnError):
        days.commit((ONE, make(frame(4).drop("at"))))
    with pytest.raises(ColumnNamesError, match="differ only in case"):
        days.commit((ONE, make(frame(4).with_columns(N=pl.col("n")))))


def test_an_error_on_the_way_is_the_users_own_and_leaves_no_files(days, tiny_memory, tmp_path):
    days.write(ONE, frame())

    def breaks() -> Iterator[pl.DataFrame]:
        yield frame()
        assert list(tmp_path.glob(".gapless-staging/*/*/*.parquet"))
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        days.commit((ONE, breaks()))
    with pytest.raises(pl.exceptions.InvalidOperationError):
        days.commit((ONE, frame().lazy().with_columns(pl.lit("x").cast(pl.Int64))))
    days.store.close()
    assert list(tmp_path.glob(".gapless-staging")) == []
    assert days.read(ONE).height == 3


# --- pandas


def test_named_levels_of_an_index_become_columns_and_others_are_left_out(desk):
    names = desk(DAYS, asset="named")
    indexed = as_pandas(frame()).set_index(["at", "n"])
    assert names.write(ONE, indexed).columns == {"at": "VARCHAR", "n": "BIGINT", "mark": "BIGINT"}
    assert names.write(ONE, as_pandas(frame()).query("n > 0")).rows == {ONE: 2}
    kept = as_pandas(frame()).set_index("n", drop=False)
    assert names.write(ONE, kept).columns == {"at": "VARCHAR", "n": "BIGINT", "mark": "BIGINT"}


def test_missing_values_of_pandas_are_null(days):
    rows = as_pandas(frame()).assign(
        f=[1.0, float("nan"), 2.0], t=pd.to_datetime([ONE, None, TWO]), o=[None, "x", None]
    )
    days.write(ONE, rows)
    assert days.read(ONE).null_count().select("f", "t", "o").row(0) == (1, 1, 2)


@pytest.mark.parametrize(
    ("rows", "error", "message"),
    [
        (pd.DataFrame({1: [1]}), ColumnNamesError, r"a column is called 1, which is no text. Rename it: \.rename"),
        (pd.DataFrame([[ONE, 1]], columns=["at", "at"]), ColumnNamesError, "two columns are called 'at'"),
        (pd.DataFrame({"at": [ONE], "d": pd.to_timedelta([1], "s")}), ColumnTypeError, "'d' has the type INTERVAL"),
        (
            pd.DataFrame({"at": [ONE], "p": pd.period_range("2024-01", periods=1, freq="M")}),
            UnreadableValueError,
            r"a pandas.DataFrame that cannot be read: .*period\[M\].* Give its columns types that DuckDB knows",
        ),
        (
            pd.DataFrame({"at": [ONE], "n": [1]}, index=pd.Index([5], name="n")),
            ColumnNamesError,
            r"the index and a column are both called 'n', and their values differ. Rename it: \.rename_axis",
        ),
        (
            pd.DataFrame({"at": [ONE]}, index=pd.MultiIndex.from_tuples([(1, 2)], names=["n", "n"])),
            ColumnNamesError,
            "two levels of the index are called 'n'",
        ),
        (
            pd.DataFrame({"at": [ONE] * 3, "n": [None, 1, "x"]}, dtype=object),
            MixedColumnError,
            r"column 'n' has values of several kinds, for example 1 and 'x'\. Give all of them one type",
        ),
        (pd.DataFrame({"at": [ONE] * 2, "n": [True, 2]}, dtype=object), MixedColumnError, "True and 2"),
        (pd.DataFrame({"at": [ONE] * 2, "n": ["x", b"x"]}, dtype=object), MixedColumnError, "'x' and b'x'"),
    ],
)
def test_a_pandas_frame_that_cannot_be_stored_says_why(days, rows, error, message):
    with pytest.raises(error, match=message) as caught:
        days.commit((ONE, rows))
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2.5, None, float("nan"), np.float32(4)], [1, 2.5, None, None, 4]),
        ([np.int64(2**60 + 1), None, 1, pd.NA], [2**60 + 1, None, 1, None]),
        ([np.bool_(True), False, None], [True, False, None]),
        (["x", None, float("nan"), np.str_("y")], ["x", None, None, "y"]),
        ([[1], (2,), None], [[1], [2], None]),
    ],
)
def test_objects_of_one_kind_keep_it(days, values, expected):
    rows = pd.DataFrame({"at": [ONE] * len(values), "v": pd.Series(values, dtype=object)})
    days.write(ONE, rows)
    assert days.read(ONE)["v"].to_list() == expected


def test_a_subclass_of_a_pandas_frame_is_one(days):
    class Frame(pd.DataFrame):
        pass

    days.write(ONE, Frame(as_pandas(frame())))
    assert days.read(ONE).equals(frame())


# --- what Arrow has and a table has not


def with_day(values: pa.Array) -> pa.Table:
    return pa.table({"at": [ONE] * len(values), "v": values})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pa.array([Decimal(1)], pa.decimal256(60, 2)), r"'v' has the type decimal256\(60, 2\).*Cast it to decimal128"),
        (pa.array([[Decimal(1)]], pa.list_(pa.decimal256(60, 2))), r"'v' has the type list<item: decimal256"),
        (pa.array([(1, 2, 3)], pa.month_day_nano_interval()), "type month_day_nano_interval.*Store a number"),
        (
            pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
            "'v' has the type sparse_union.*members",
        ),
        (pa.array([{"a": 0}], pa.struct([("a", pa.timestamp("s", "-02:00"))])), "same instants in UTC"),
        (pa.RunEndEncodedArray.from_arrays([1], pa.array([7])), "run_end_decode"),
    ],
    ids=str,
)
def test_a_column_that_polars_cannot_read_is_told_with_the_cure(days, capfd, values, message):
    table = with_day(values)
    for value in (table, table.to_reader(), table.to_batches()[0]):
        with pytest.raises(ColumnTypeError, match=message):
            days.commit((ONE, value))
    assert capfd.readouterr().err == ""


def test_instants_with_a_fixed_offset_are_stored_as_instants(days):
    table = with_day(pa.array([0, None], pa.timestamp("us", "+05:30")))
    for value in (table, table.to_reader(), table.to_batches()[0]):
        days.write(ONE, value)
        assert days.read(ONE)["v"].to_list() == [datetime(1970, 1, 1, tzinfo=UTC), None]


@pytest.mark.parametrize(
    "value", [pd.Series([1]), pa.array([1]), pa.chunked_array([[1]])], ids=["pandas", "array", "chunks"]
)
def test_values_without_the_name_of_a_column_are_refused(days, value):
    with pytest.raises(OutputTypeError, match=r"an iterator of such batches, or gapless\.sql"):
        days.commit((ONE, value))


def test_integers_of_128_bits_are_stored_as_they_are_or_refused(days):
    def relation_of(value: str) -> Any:
        return duckdb.connect().sql(f"SELECT '{ONE}' AS at, {value} AS v")

    most = 10**38 - 1
    for value, stored in ((f"sum({most}::HUGEINT)", most), (f"-{most}::HUGEINT", -most), (f"{most}::UHUGEINT", most)):
        days.write(ONE, relation_of(value))
        assert days.read(ONE)["v"].item() == stored
    for value in (f"{most + 1}::UHUGEINT", f"{2**128 - 1}::UHUGEINT", f"({-(2**127)})::HUGEINT"):
        with pytest.raises(
            UnreadableValueError, match=r"column 'v', U?HUGEINT, has an integer of more than 38 digits: CAST"
        ):
            days.commit((ONE, relation_of(value)))
    for value in (f"[{2**128 - 1}::UHUGEINT]", f"{{'HUGEINT': ({-(2**127)})::HUGEINT}}"):
        with pytest.raises(UnreadableValueError, match="Could not cast value"):
            days.commit((ONE, relation_of(value)))


def test_a_relation_is_told_by_its_types_before_it_runs(days):
    with pytest.raises(ColumnTypeError, match="'v' has the type INTERVAL"):
        days.commit((ONE, duckdb.connect().sql(f"SELECT '{ONE}' AS at, INTERVAL 1 DAY AS v")))
    with pytest.raises(ColumnNamesError, match="two columns are called 'at'"):
        days.commit((ONE, duckdb.connect().sql("SELECT 1::HUGEINT AS at, 2 AS at")))
    with pytest.raises(UnreadableValueError, match="DuckDBPyRelation that cannot be read: broken"):
        days.commit((ONE, duckdb.connect().sql(f"SELECT '{ONE}' AS at, error('broken') AS v")))


# --- without help


def test_nothing_but_arrow_itself_needs_pyarrow(tmp_path):
    code = """
        import sys
        sys.modules["pyarrow"] = None  # cannot be imported
        import duckdb, pandas as pd, polars as pl
        from storage_desk import Desk
        from gapless import DailyPartitionsDefinition, DuckDBIOManager
        desk = Desk(DuckDBIOManager(sys.argv[1] + "/db.duckdb"), DailyPartitionsDefinition("2024-01-01"), "day")
        rows = pl.DataFrame({"day": ["2024-01-01"], "n": [1]})
        values = [rows, rows.lazy(), iter([rows]), pd.DataFrame(rows.to_dict(as_series=False)),
                  duckdb.sql("SELECT '2024-01-01' AS day, 1 AS n")]
        for value in values:
            desk.write("2024-01-01", value)
            for expected in (pl.DataFrame, pl.LazyFrame, pd.DataFrame):
                assert len(desk.read("2024-01-01", expected=expected).lazy().collect()
                           if expected is not pd.DataFrame else desk.read("2024-01-01", expected=expected)) == 1
        desk.store.close()
    """
    program = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    subprocess.run(program, check=True, cwd=Path(__file__).parent, capture_output=True, text=True)


def test_a_polars_without_batches_goes_by_way_of_a_file(tmp_path):
    folder = tmp_path / "sunk"
    for rows in (frame(5), frame(0)):
        folder.mkdir()
        assert pl.concat(list(_sunk_batches(rows.lazy(), folder))).equals(rows)
        assert not folder.exists()


def test_many_rows_by_way_of_a_file_are_in_order(tmp_path):
    (tmp_path / "sunk").mkdir()
    batches = list(_sunk_batches(pl.LazyFrame({"n": pl.int_range(120_000, eager=True)}), tmp_path / "sunk"))
    assert len(batches) == 3
    assert pl.concat(batches)["n"].to_list() == list(range(120_000))


def test_text_is_given_to_old_versions_of_duckdb_as_pyarrow_can_filter_it():
    rows = ArrowStream(pl.DataFrame({"text": ["a", None], "bytes": [b"a", None]}))
    assert [str(kind) for kind in pa.table(rows.for_pyarrow()).schema.types] == ["large_string", "large_binary"]
    assert [str(kind) for kind in pa.table(rows).schema.types] == ["string_view", "binary_view"]
