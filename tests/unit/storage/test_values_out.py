"""What an input's annotation asks for is what it gets."""

from __future__ import annotations

import gc
from typing import Annotated, Any, ForwardRef, Optional, Union

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gapless import DailyPartitionsDefinition, DuckDBIOManager, DuckDBPandasIOManager, DuckDBPolarsIOManager
from gapless.storage.duckdb.staging import gathering
from gapless.storage.errors import InputTypeError

DAYS = DailyPartitionsDefinition("2024-01-01")
ONE, TWO = "2024-01-01", "2024-01-02"


@pytest.fixture
def days(desk):
    return desk(DAYS)


def frame(rows: int = 3, day: str = ONE) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "name": [f"row {n}" for n in range(rows)], "at": [day] * rows})


class OwnFrame(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (Any, pl.DataFrame),
        (None, pl.DataFrame),
        (object, pl.DataFrame),
        (pl.DataFrame, pl.DataFrame),
        (pl.LazyFrame, pl.LazyFrame),
        (pd.DataFrame, pd.DataFrame),
        (pa.Table, pa.Table),
        (pa.RecordBatchReader, pa.RecordBatchReader),
        (pd.DataFrame | None, pd.DataFrame),
        (Optional[pl.LazyFrame], pl.LazyFrame),  # noqa: UP045
        (Union[int, pa.Table], pa.Table),  # noqa: UP007
        (Annotated[pd.DataFrame | None, "of plays"], pd.DataFrame),
        (Union["pd.DataFrame", int], pd.DataFrame),
        (ForwardRef("pa.Table"), pa.Table),
        ("pd.DataFrame", pd.DataFrame),
        ("pandas.DataFrame", pd.DataFrame),
        ("pl.DataFrame | None", pl.DataFrame),
        ("polars.LazyFrame", pl.LazyFrame),
        ("Optional[pa.Table]", pa.Table),
        ("typing.Annotated[pa.RecordBatchReader, 1]", pa.RecordBatchReader),
        ("LazyFrame", pl.LazyFrame),
        ("DataFrame", pl.DataFrame),
        ("frames.DataFrame", pl.DataFrame),
        ("Table", pa.Table),
    ],
)
def test_an_annotation_is_what_the_input_becomes(days, annotation, kind):
    days.write(ONE, frame())
    value = days.read(ONE, expected=annotation)
    assert isinstance(value, kind)
    rows = value.read_all() if isinstance(value, pa.RecordBatchReader) else value
    assert (
        pl.DataFrame(
            rows.collect() if isinstance(rows, pl.LazyFrame) else dict(rows.items()) if kind is pd.DataFrame else rows
        ).rows()
        == frame().rows()
    )


@pytest.mark.parametrize(
    "annotation", [dict, list[pl.DataFrame], "dict[str, pl.DataFrame]", "Series", pl.Series, int | str, "spark.Frame"]
)
def test_what_cannot_be_given_is_refused_before_the_table_is_read(days, annotation):
    with pytest.raises(
        InputTypeError, match=r"cannot be loaded as .* Annotate the parameter pl.DataFrame, pl.LazyFrame"
    ):
        days.read(ONE, expected=annotation)  # which was never made


def test_a_relation_is_refused_with_what_to_do_instead(days):
    with pytest.raises(InputTypeError) as caught:
        days.read(ONE, expected=duckdb.DuckDBPyRelation)
    assert str(caught.value) == (
        "asset 'plays' cannot be loaded as DuckDBPyRelation. Annotate the parameter pl.DataFrame, pl.LazyFrame,"
        " pd.DataFrame, pa.Table or pa.RecordBatchReader. For SQL over it return gapless.sql(…), or take a connection"
        " from a DuckDBResource."
    )


def test_a_class_of_the_users_own_is_not_taken_for_a_frame_by_its_name(days):
    class DataFrame:
        pass

    with pytest.raises(InputTypeError):
        days.read(ONE, expected=DataFrame)


@pytest.mark.parametrize(
    ("manager", "kind"),
    [(DuckDBIOManager, pl.DataFrame), (DuckDBPolarsIOManager, pl.DataFrame), (DuckDBPandasIOManager, pd.DataFrame)],
)
def test_managers_differ_in_what_they_give_without_an_annotation(days, manager, kind):
    days.write(ONE, frame())
    other = manager(days.store.database)
    source = days.store
    days.store = other
    for annotation in (Any, "DataFrame"):
        assert isinstance(days.read(ONE, expected=annotation), kind)
    assert isinstance(days.read(ONE, expected=pl.LazyFrame), pl.LazyFrame)
    days.write(TWO, frame(2, TWO).to_pandas())
    days.store = source
    assert days.read(TWO).height == 2


@pytest.mark.parametrize("kind", [pl.DataFrame, pl.LazyFrame, pd.DataFrame, pa.Table, pa.RecordBatchReader])
def test_no_slices_are_no_rows_of_every_kind(days, kind):
    def shape(value: Any) -> tuple[int, list[str]]:
        if isinstance(value, pa.RecordBatchReader):
            value = value.read_all()
        if isinstance(value, pa.Table):
            return value.num_rows, value.column_names
        value = value.collect() if isinstance(value, pl.LazyFrame) else value
        return len(value), list(value.columns)

    assert shape(days.read(expected=kind)) == (0, [])
    days.write(ONE, frame())
    assert shape(days.read(expected=kind)) == (0, ["n", "name", "at"])
    assert shape(days.read(TWO, expected=kind)) == (0, ["n", "name", "at"])
    assert shape(days.read(ONE, expected=kind, columns=("name",))) == (3, ["name"])


# --- more than memory holds


@pytest.fixture
def spilled(days, monkeypatch):
    """Many rows of two days, and a budget that they exceed."""
    days.write(ONE, frame(60_000))
    days.write(TWO, frame(60_000, TWO))
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 2**20)
    return days


def files(desk) -> list[str]:
    return sorted(path.name for path in desk.store.database.parent.glob(".gapless-staging/*/*/*.parquet"))


def test_a_lazy_frame_of_many_rows_reads_them_from_files(spilled):
    rows = spilled.read(ONE, TWO, expected=pl.LazyFrame)
    assert len(files(spilled)) > 1
    assert rows.collect().equals(pl.concat([frame(60_000), frame(60_000, TWO)]))
    picked = rows.filter(pl.col("n") >= 59_999).select("at", twice=pl.col("n") * 2)
    assert picked.collect().rows() == [(ONE, 119_998), (TWO, 119_998)]
    assert rows.head(70_000).select(pl.len()).collect().item() == 70_000
    assert rows.filter(pl.col("n") > 2).head(2).collect()["n"].to_list() == [3, 4]
    assert rows.select(pl.len()).collect().item() == 120_000


def test_the_files_of_a_lazy_frame_live_as_long_as_it(spilled):
    rows = spilled.read(ONE, expected=pl.LazyFrame)
    derived = rows.filter(pl.col("n") < 5)
    del rows
    spilled.write(ONE, frame(1))  # what was read is what was there then
    spilled.store.close()
    assert derived.collect().height == 5
    del derived
    gc.collect()
    assert files(spilled) == []
    spilled.store.close()
    assert not list(spilled.store.database.parent.glob(".gapless-staging"))


def test_a_lazy_frame_goes_back_into_the_table_that_it_came_from(spilled):
    rows = spilled.read(ONE, expected=pl.LazyFrame)
    assert spilled.write(ONE, rows.with_columns(pl.col("n") + 1)).rows == {ONE: 60_000}
    assert spilled.read(ONE)["n"].sum() == frame(60_000)["n"].sum() + 60_000


def test_a_reader_of_many_rows_gives_them_a_piece_at_a_time(spilled):
    reader = spilled.read(ONE, expected=pa.RecordBatchReader)
    assert reader.schema == pa.schema([("n", pa.int64()), ("name", pa.string()), ("at", pa.string())])
    batches = list(reader)
    assert len(batches) > 1
    assert pl.DataFrame(pa.Table.from_batches(batches)).equals(frame(60_000))
    assert reader.schema == spilled.read(ONE, expected=pa.Table).schema
    del reader, batches
    gc.collect()
    assert files(spilled) == []
