"""What values come in, how columns meet the table, and what goes out."""

import inspect
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any

import polars as pl
import pytest

from gapless.asset_key import AssetKey
from gapless.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import (
    ColumnNamesError,
    ColumnTypeError,
    InputTypeError,
    MissingPartitionColumnError,
    NeverMaterializedError,
    OutputTypeError,
    PartitionExpressionError,
    RowsOutsidePartitionError,
    TableNameError,
    UnknownColumnsError,
)
from gapless.storage.schema_change import SchemaChangeError
from gapless.storage.slices import Committed, OutputSlices, PartitionSlice, Refused

DAYS = DailyPartitionsDefinition("2024-01-01")
ONE, TWO = "2024-01-01", "2024-01-02"


def frame(key=ONE, rows=2, **columns):
    return pl.DataFrame({"at": [key] * rows, **{name: [value] * rows for name, value in columns.items()}})


@pytest.fixture
def days(desk):
    return desk(DAYS)


# --- what a function may return


def test_a_lazy_frame_is_collected(days):
    assert days.write(ONE, frame().lazy()).rows == {ONE: 2}


def test_none_is_told_to_be_annotated(days):
    with pytest.raises(OutputTypeError) as caught:
        days.commit((ONE, None))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': the function returned None; expected a frame: of polars, pandas or"
        " Arrow, an iterator of such batches, or gapless.sql(…)."
        " Return the frame (an empty one if there are no rows), or annotate the function `-> None` if it stores its own"
        " data."
    )


def test_another_value_is_named_by_its_type(days):
    with pytest.raises(OutputTypeError) as caught:
        days.commit((ONE, [1]))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': the function returned a list; expected a frame: of polars, pandas or"
        " Arrow, an iterator of such batches, or gapless.sql(…). Make a frame of it, for example with"
        " pl.DataFrame(value)."
    )
    with pytest.raises(OutputTypeError, match=r"returned a decimal\.Decimal"):
        days.commit((ONE, Decimal(1)))


def test_a_missing_partition_column_is_named_with_the_nearest_and_the_fix(desk):
    with pytest.raises(MissingPartitionColumnError) as caught:
        desk(DAYS, "date").commit((ONE, pl.DataFrame({"dat": [1], "n": [2]})))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': the frame has no column 'date', which partition_expr names; its columns"
        " are 'dat', 'n'. Did you mean 'dat'? Add it with .with_columns(date=pl.lit(context.partition_key)), or change"
        ' metadata {"partition_expr": …}.'
    )


@pytest.mark.parametrize("expr", ["AT", '"at"', ' "At" ', "at"])
def test_the_partition_column_may_be_quoted_or_in_another_case(desk, expr):
    days = desk(DAYS, expr)
    for _ in range(2):
        days.write(ONE, frame())
    assert days.read(ONE).height == 2


def test_a_column_whose_name_is_an_expression_is_the_column(desk):
    days = desk(DAYS, "count(*)")
    for _ in range(2):
        days.write(ONE, pl.DataFrame({"count(*)": [ONE]}))
    assert days.read(ONE).height == 1


def test_columns_that_differ_only_in_case_are_refused(days):
    with pytest.raises(ColumnNamesError) as caught:
        days.commit((ONE, frame(a=1, A=2)))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': the columns 'a' and 'A' differ only in case, by which columns are not"
        " told apart. Rename one of them."
    )


def test_a_column_without_a_name_is_refused(days):
    with pytest.raises(ColumnNamesError, match="a column is called ''"):
        days.commit((ONE, frame(**{"": 1})))


@pytest.mark.parametrize(
    ("values", "fix"),
    [
        (pl.Series([timedelta(1)] * 2), "dt.total_microseconds"),
        (pl.Series([object(), object()], dtype=pl.Object), "into text"),
        (pl.Series([1, 2], dtype=pl.Int128), "Cast it"),
        (pl.Series([[], []]), "Give the nested values a type"),
        (pl.Series([{"a": timedelta(1)}] * 2), "dt.total_microseconds"),
    ],
    ids=lambda value: str(getattr(value, "dtype", "")),
)
def test_types_that_cannot_be_read_back_are_refused_with_the_fix(days, values, fix):
    with pytest.raises(ColumnTypeError, match="column 'odd' has the type") as caught:
        days.commit((ONE, frame().with_columns(values.alias("odd"))))
    assert fix in str(caught.value)


def test_all_other_types_come_back_as_they_went_in(days):
    columns = {
        "bool": [True, None],
        "i8": pl.Series([1, None], dtype=pl.Int8),
        "u64": pl.Series([2**64 - 1, None], dtype=pl.UInt64),
        "f32": pl.Series([1.5, None], dtype=pl.Float32),
        "text": ["ü", None],
        "blob": [b"\0x", None],
        "day": [date(2024, 1, 1), None],
        "clock": [time(1, 2, 3, 4), None],
        "us": [datetime(2024, 1, 1, 1, 2, 3, 4), None],
        "ns": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("ns")),
        "instant": pl.Series([datetime(2024, 1, 1), None], dtype=pl.Datetime("us", "UTC")),
        "money": pl.Series([Decimal("1.25"), None], dtype=pl.Decimal(12, 2)),
        "list": [[1, 2], None],
        "struct": [{"a": 1, "b": "x"}, {"a": None, "b": None}],
        "array": pl.Series([[1, 2], [3, 4]], dtype=pl.Array(pl.Int64, 2)),
    }
    given = frame().with_columns(**{name: pl.Series(values) for name, values in columns.items()})
    days.write(ONE, given)
    assert days.read(ONE).equals(given)
    assert days.read(ONE).schema == given.schema


def test_categories_come_back_as_text(days):
    days.write(ONE, frame(kind="a").with_columns(pl.col("kind").cast(pl.Categorical)))
    assert days.read(ONE)["kind"].to_list() == ["a", "a"]


# --- how columns meet the table


def test_a_wider_type_widens_the_table_and_a_narrower_one_fits_in(days):
    days.write(ONE, frame(n=1).with_columns(pl.col("n").cast(pl.Int16)))
    assert days.write(TWO, frame(TWO, n=2**40)).columns == {"at": "VARCHAR", "n": "BIGINT"}
    days.write(ONE, frame(n=7).with_columns(pl.col("n").cast(pl.UInt8)))
    assert days.read(ONE, TWO)["n"].sort().to_list() == [7, 7, 2**40, 2**40]


def test_a_group_may_widen_on_its_way(days):
    outcomes = days.commit((ONE, frame(n=1)), (TWO, frame(TWO, n=1.5)))
    assert [type(outcome) for outcome in outcomes] == [Committed, Committed]
    assert days.read(ONE, TWO)["n"].to_list() == [1.0, 1.0, 1.5, 1.5]


def test_integers_that_a_float_cannot_hold_are_refused_either_way(days):
    days.write(ONE, frame(n=2**53 + 1))
    assert "holds integers in the table that a DOUBLE cannot tell apart" in str(days.refusal(TWO, frame(TWO, n=0.5)))
    days.write(ONE, frame(n=2**53))
    days.write(TWO, frame(TWO, n=0.5))
    assert "column 'n' holds integers that a DOUBLE cannot" in str(days.refusal(TWO, frame(TWO, n=2**60 + 1)))
    assert days.read(ONE, TWO)["n"].to_list() == [2.0**53, 2.0**53, 0.5, 0.5]


def test_columns_without_values_fit_every_type(days):
    days.write(ONE, frame(n=None, m=None))
    assert days.read(ONE).schema == {"at": pl.String, "n": pl.String, "m": pl.String}
    days.write(TWO, frame(TWO, n=1, m=date(2024, 1, 1)))  # now the types are known
    assert days.read(ONE, TWO).schema == {"at": pl.String, "n": pl.Int64, "m": pl.Date}
    days.write(ONE, frame(n=None, m=None).with_columns(pl.col("n").cast(pl.String)))
    assert days.read(ONE, TWO)["n"].to_list() == [1, 1, None, None]


def test_an_empty_file_has_no_types_and_harms_none(days):
    days.write(ONE, frame(n=1, m=1.5))
    days.write(TWO, pl.DataFrame(schema={"at": pl.String, "n": pl.String, "m": pl.String}))
    assert days.read(TWO).schema == {"at": pl.String, "n": pl.Int64, "m": pl.Float64}


@pytest.mark.parametrize("nothing", [pl.DataFrame(), pl.LazyFrame()], ids=["eager", "lazy"])
def test_a_frame_without_columns_is_refused_and_one_without_rows_is_an_empty_partition(days, nothing):
    days.write(ONE, frame())
    with pytest.raises(ColumnNamesError) as caught:
        days.commit((ONE, nothing))
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': the function returned a frame without columns. Return one with the"
        " table's columns and no rows, if there are none."
    )
    assert days.read(ONE).height == 2
    assert days.write(ONE, frame().clear()).rows == {ONE: 0}
    assert (days.read(ONE).height, days.read(ONE).columns) == (0, ["at"])


def test_an_unpartitioned_frame_without_columns_is_refused_too(store):
    output = OutputSlices(AssetKey("totals"), (PartitionSlice(None),), None, "run")
    with pytest.raises(ColumnNamesError, match="asset 'totals': the function returned a frame without columns"):
        store.stage(output, pl.DataFrame())


def test_another_type_and_a_missing_column_are_shown_as_a_difference(days):
    days.write(ONE, frame(n=1, m="x"))
    error = days.refusal(TWO, frame(TWO, n="one", extra=1))
    assert isinstance(error, SchemaChangeError)
    assert str(error) == (
        "asset 'plays', partition '2024-01-02': the frame does not fit the table public.plays: column 'n' is BIGINT in"
        " the table and VARCHAR in the frame; column 'm' is missing from the frame. Nothing was replaced.\n"
        "    at     VARCHAR\n"
        "  ~ n      BIGINT → VARCHAR\n"
        "  - m      VARCHAR (table)\n"
        "  + extra  BIGINT (frame)\n"
        "Return the table's columns and types; added columns and wider types are taken as they are, and a missing"
        ' column can be given empty: .with_columns(pl.lit(None).alias("m")). If nothing is lost by it, cast:'
        ' .with_columns(pl.col("n").cast(pl.Int64)). To begin the table anew with other columns: gapless wipe plays'
    )
    assert days.read(ONE, TWO).columns == ["at", "n", "m"]


def test_a_wiped_table_may_begin_anew(days):
    days.write(ONE, frame(n=1))
    assert days.store.wipe(days.output(ONE)) == 2
    assert days.write(ONE, frame(other="x")).columns == {"at": "VARCHAR", "other": "VARCHAR"}


def test_an_unpartitioned_table_takes_new_columns_whole(store):
    output = OutputSlices(AssetKey("totals"), (PartitionSlice(None),), None, "run")
    for value in (pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"b": ["x"]})):
        (outcome,) = store.commit([store.stage(output, value)])
        assert isinstance(outcome, Committed), outcome
    assert store.query("from totals").to_dict(as_series=False) == {"b": ["x"]}


def test_rows_of_other_days_are_counted_with_an_example_and_what_to_do(days):
    error = days.refusal(ONE, pl.concat([frame(), frame(TWO, 1)]))
    assert isinstance(error, RowsOutsidePartitionError)
    assert str(error) == (
        "asset 'plays', partition '2024-01-01': 1 of 3 rows lie outside the partition: at is '2024-01-02', for example,"
        " and the partition covers 2024-01-01 00:00 up to, but not including, 2024-01-02 00:00 (UTC). Text belongs if"
        " it is the partition's key, or an ISO date or time inside it. Nothing was replaced in public.plays. Filter the"
        ' frame to its partition before returning it, or correct metadata {"partition_expr": …} if another column says'
        " where a row belongs."
    )


def test_static_partitions_say_which_key_they_cover(desk):
    error = desk(StaticPartitionsDefinition(["eu", "us"])).refusal("eu", frame("us"))
    assert "at is 'us', for example, and the partition covers 'eu'." in str(error)


def test_an_expression_that_cannot_be_evaluated_is_shown_with_the_reason(desk):
    error = desk(DAYS, "strptime(nothing, '%Y')").refusal(ONE, frame())
    assert isinstance(error, PartitionExpressionError)
    assert "DuckDB cannot evaluate partition_expr \"strptime(nothing, '%Y')\"" in str(error)
    assert "The columns are 'at'." in str(error)


def test_an_expression_that_fails_on_a_value_fails_its_partition_alone(desk):
    days = desk(DAYS, 'CAST("at" AS DATE)')
    outcomes = days.commit((ONE, frame()), (TWO, frame("no date")))
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused]
    assert str(outcomes[1].error).startswith("asset 'plays', partition '2024-01-02': DuckDB refused")


def test_times_out_of_the_reach_of_nanoseconds_are_refused_either_way(days):
    nanoseconds = frame(t=datetime(2024, 1, 1)).with_columns(pl.col("t").cast(pl.Datetime("ns")))
    far = frame(TWO, t=datetime(9999, 1, 1))
    days.write(ONE, nanoseconds)
    error = days.refusal(TWO, far)
    assert isinstance(error, SchemaChangeError)
    assert (
        "column 't' holds times that TIMESTAMP_NS does not reach (it spans the years 1677 to 2262). Nothing was"
        " replaced."
    ) in str(error)
    days.store.wipe(days.output(ONE))
    days.write(TWO, far)
    error = days.refusal(ONE, nanoseconds)
    assert "column 't' holds times in the table that TIMESTAMP_NS does not reach" in str(error)
    assert 'cast: .with_columns(pl.col("t").cast(pl.Datetime("us")))' in str(error)
    days.write(ONE, nanoseconds.with_columns(pl.col("t").cast(pl.Datetime("us"))))
    assert days.read(ONE, TWO).height == 4


@pytest.mark.parametrize(
    ("stored", "made", "cast"),
    [
        (pl.Int64(), pl.UInt64(), "pl.Int64"),
        (pl.Int32(), pl.Float32(), "pl.Float64"),
        (pl.Float32(), pl.Int32(), "pl.Float64"),
        (pl.Decimal(38, 1), pl.Decimal(38, 5), "pl.Decimal(38, 1)"),
        (pl.Int64(), pl.String(), "pl.Int64"),
        (pl.Date(), pl.Datetime("us"), "pl.Date"),
        (pl.Datetime("us"), pl.Date(), 'pl.Datetime("us")'),
    ],
    ids=str,
)
def test_the_cast_that_a_refusal_offers_makes_the_frame_fit(days, stored, made, cast):
    values = pl.Series("n", ["2024-01-01"] * 2).str.to_date() if made.is_temporal() else pl.Series("n", [1, 2])
    days.write(ONE, frame().with_columns(values.cast(stored)))
    refused = frame(TWO).with_columns(values.cast(made))
    error = days.refusal(TWO, refused)
    assert isinstance(error, SchemaChangeError)
    assert f'If nothing is lost by it, cast: .with_columns(pl.col("n").cast({cast})).' in str(error)
    days.write(TWO, eval(f'refused.with_columns(pl.col("n").cast({cast}))'))
    assert days.read(ONE, TWO).height == 4


# --- where it lies


@pytest.mark.parametrize(
    ("key", "metadata", "schema", "expected"),
    [
        (["plays"], {}, None, "public.plays"),
        (["raw", "plays"], {}, None, "raw.plays"),
        (["raw", "plays"], {}, "mart", "mart.plays"),
        (["raw", "plays"], {"schema": "s"}, "mart", "s.plays"),
        (["raw", "plays"], {"table": "t"}, None, "raw.t"),
        (['we\'ird "x"', "ta.ble"], {}, None, 'we\'ird "x".ta.ble'),
    ],
)
def test_the_table_is_named_by_metadata_then_the_manager_then_the_key(tmp_path, key, metadata, schema, expected):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb", schema)
    output = OutputSlices(AssetKey(key), (PartitionSlice(ONE),), "at", "run", metadata=metadata)
    (outcome,) = store.commit([store.stage(output, frame())])
    assert outcome.table == expected
    assert store.tables() == [expected]
    store.close()


@pytest.mark.parametrize(
    "metadata",
    [{"schema": 3}, {"table": ""}, *({"schema": name} for name in ("_gapless", "pg_catalog", "TEMP", "system"))],
)
def test_bad_names_are_refused(store, metadata):
    output = OutputSlices(AssetKey("plays"), (PartitionSlice(ONE),), "at", "run", metadata=metadata)
    with pytest.raises(TableNameError, match="asset 'plays'"):
        store.stage(output, frame())


class Variable:
    def __init__(self, value):
        self.value = value

    def get_value(self):
        return self.value

    def __repr__(self):
        return "EnvVar('DB')"


def test_settings_may_come_from_the_environment_and_are_read_at_first_use(tmp_path):
    setting = Variable(None)
    store = DuckDBPolarsIOManager(setting, schema=Variable("mart"))
    with pytest.raises(TableNameError, match="the database is EnvVar\\('DB'\\), which has no value"):
        store.tables()
    setting.value = str(tmp_path / "db.duckdb")
    output = OutputSlices(AssetKey("plays"), (PartitionSlice(ONE),), "at", "run")
    (outcome,) = store.commit([store.stage(output, frame())])
    assert outcome.table == "mart.plays"
    store.close()


@pytest.mark.parametrize("database", [":memory:", "md:warehouse"])
def test_a_database_must_be_a_file(database):
    with pytest.raises(TableNameError, match="is not a file"):
        DuckDBPolarsIOManager(database).tables()


@pytest.mark.parametrize("name", ["memory.duckdb", 'a\'b "c".duckdb', ".duckdb", "main", "日本.db"])
def test_a_file_may_have_any_name(tmp_path, name):
    store = DuckDBPolarsIOManager(tmp_path / name)
    output = OutputSlices(AssetKey("plays"), (PartitionSlice(ONE),), "at", "run")
    for _ in range(2):
        (outcome,) = store.commit([store.stage(output, frame())])
        assert isinstance(outcome, Committed), outcome
    assert store.query("from plays").height == 2
    store.close()


# --- what goes out


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        (Any, pl.DataFrame),
        (inspect.Parameter.empty, pl.DataFrame),
        (pl.DataFrame, pl.DataFrame),
        (pl.LazyFrame, pl.LazyFrame),
        (pl.LazyFrame | None, pl.LazyFrame),
        (Annotated[pl.LazyFrame, "x"], pl.LazyFrame),
        ("pl.LazyFrame", pl.LazyFrame),
        ("DataFrame", pl.DataFrame),
    ],
)
def test_the_annotation_chooses_eager_or_lazy(days, expected, kind):
    days.write(ONE, frame())
    value = days.read(ONE, expected=expected)
    assert type(value) is kind
    assert value.lazy().collect().height == 2


def test_another_annotation_is_refused(days):
    days.write(ONE, frame())
    with pytest.raises(InputTypeError) as caught:
        days.read(ONE, expected=dict)
    assert (
        str(caught.value)
        == "asset 'plays' cannot be loaded as dict. Annotate the parameter pl.DataFrame, pl.LazyFrame,"
        " pd.DataFrame, pa.Table or pa.RecordBatchReader."
    )


def test_no_columns_at_all_cannot_be_asked_for(days):
    days.write(ONE, frame())
    with pytest.raises(ColumnNamesError) as caught:
        days.read(ONE, columns=())
    assert str(caught.value) == (
        "asset 'plays': the input's metadata {'columns': []} asks for no column. Name one, or leave it out for all."
    )


def test_unknown_columns_are_named_with_the_nearest(days):
    days.write(ONE, frame(amount=1))
    assert days.read(ONE, columns=("AMOUNT",)).columns == ["amount"]
    with pytest.raises(UnknownColumnsError) as caught:
        days.read(ONE, columns=("amont", "at"))
    assert str(caught.value) == (
        "asset 'plays': the table public.plays has no column 'amont'; its columns are 'at', 'amount'. Did you mean"
        " 'amount'? Correct the input's metadata {\"columns\": […]}."
    )


def test_a_table_that_was_never_made_says_how_to_make_it(days):
    with pytest.raises(NeverMaterializedError) as caught:
        days.read(ONE)
    assert str(caught.value) == (
        "asset 'plays' has never been materialized here: there is no table public.plays in"
        f" {days.store.database}. Make it with: gapless materialize plays"
    )


def test_a_column_that_polars_cannot_read_is_named(days, store):
    days.write(ONE, frame())
    store.close()
    import duckdb

    with duckdb.connect(store.database) as own:
        own.execute("alter table public.plays add column gap interval")
    with pytest.raises(ColumnTypeError, match="column 'gap' has the type INTERVAL"):
        days.read(ONE)
    assert days.read(ONE, columns=("at",)).height == 2


def test_rows_keep_the_order_in_which_they_were_given(days):
    numbers = list(range(5000, 0, -1))
    days.write(ONE, pl.DataFrame({"at": [ONE] * 5000, "n": numbers}))
    assert days.read(ONE)["n"].to_list() == numbers


def test_reading_one_day_scans_only_its_row_groups(days, store):
    keys = [DAYS.key_at(i) for i in range(60)]
    outcomes = days.commit(*((key, frame(key, 4000)) for key in keys))
    assert all(isinstance(outcome, Committed) for outcome in outcomes)
    store.close()
    import duckdb

    with duckdb.connect(store.database, read_only=True) as own:
        spans = own.execute("select count(distinct row_group_id) from pragma_storage_info('public.plays')").fetchone()
    assert spans[0] >= 10


def test_everything_that_is_refused_survives_pickling(days):
    import pickle

    days.write(ONE, frame(n=1))
    for error in (days.refusal(ONE, frame(TWO, n=1)), days.refusal(ONE, frame(n="x"))):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_the_manager_survives_pickling(days):
    import pickle

    days.write(ONE, frame())
    assert pickle.loads(pickle.dumps(days.store)).tables() == ["public.plays"]


def test_a_frame_without_rows_adds_no_columns_and_its_types_say_nothing(days):
    good = pl.DataFrame({"n": [1], "at": ["2024-01-01"]})
    nothing = pl.DataFrame(schema={"n": pl.String, "more": pl.String, "at": pl.Int64})
    days.write("2024-01-01", good)
    assert days.write("2024-01-02", nothing).rows == {"2024-01-02": 0}
    days.write("2024-01-03", good.with_columns(at=pl.lit("2024-01-03")))
    days.write("2024-01-01", nothing)
    assert days.read("2024-01-01", "2024-01-03").columns == ["n", "at"]
    assert days.read("2024-01-01", "2024-01-03")["at"].to_list() == ["2024-01-03"]


def test_an_error_page_read_as_a_frame_without_rows_replaces_nothing(days):
    page = pl.DataFrame(schema={"<html>503": pl.String, "at": pl.String})
    days.write("2024-01-01", pl.DataFrame({"n": [1], "at": ["2024-01-01"]}))
    for key in ("2024-01-01", "2024-01-02"):
        assert "column 'n' is missing from the frame" in str(days.refusal(key, page))
    assert days.read("2024-01-01")["n"].to_list() == [1]


def test_a_table_that_began_with_an_error_page_takes_the_first_real_columns(days):
    page = pl.DataFrame({"<html>503": [], "at": []}, schema={"<html>503": pl.String, "at": pl.String})
    good = pl.DataFrame({"n": [1], "at": ["2024-01-02"]})
    outcomes = days.commit(("2024-01-01", page), ("2024-01-02", good))
    assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
    assert days.read("2024-01-01", "2024-01-02").columns == ["n", "at"]
