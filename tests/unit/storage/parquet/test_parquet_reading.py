"""Reading what the store holds: as what is asked for, and by other programs."""

from __future__ import annotations

import pickle
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gapless as dg
from gapless.storage.errors import InputTypeError, NeverMaterializedError, UnknownColumnsError
from gapless.storage.parquet.errors import DataFileError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.slices import InputSlices
from gapless.storage.sql_query import SqlSource, sql

K1, K2 = "2024-01-01", "2024-01-02"


@pytest.fixture
def two_days(plays, day):
    plays.write(K1, day(1, 1, 2))
    plays.write(K2, day(2, 3))
    return plays


@pytest.mark.parametrize(
    ("expected", "kind"),
    [
        (Any, pl.DataFrame),
        (pl.DataFrame, pl.DataFrame),
        (pl.LazyFrame, pl.LazyFrame),
        ("pl.LazyFrame", pl.LazyFrame),
        (pl.LazyFrame | None, pl.LazyFrame),
        (pd.DataFrame, pd.DataFrame),
        (pa.Table, pa.Table),
        (pa.RecordBatchReader, pa.RecordBatchReader),
    ],
)
def test_rows_are_given_as_the_annotation_asks(two_days, expected, kind):
    rows = two_days.read(K1, K2, expected=expected)
    assert isinstance(rows, kind)
    values = (
        rows.collect()["n"].to_list()
        if kind is pl.LazyFrame
        else rows.read_all()["n"].to_pylist()
        if kind is pa.RecordBatchReader
        else list(pl.DataFrame(rows)["n"])
    )
    assert values == [1, 2, 3]


def test_an_annotation_that_cannot_be_given_is_refused(two_days):
    with pytest.raises(InputTypeError, match="cannot be loaded as dict"):
        two_days.read(K1, expected=dict)


def test_only_the_files_of_the_asked_for_partition_are_touched(two_days):
    for file in Path(two_days.store.base_dir).rglob(f"partition={K2}/*.parquet"):
        file.unlink()
    assert two_days.read(K1)["n"].to_list() == [1, 2]
    with pytest.raises(DataFileError, match="gapless materialize plays"):
        two_days.read(K1, K2)


def test_a_damaged_file_is_told(two_days):
    for file in Path(two_days.store.base_dir).rglob(f"partition={K2}/*.parquet"):
        file.write_bytes(b"PAR1 and nothing more PAR1")
    with pytest.raises(DataFileError) as told:
        two_days.read(K1, K2)
    assert str(told.value) == (
        f"asset 'plays', partition '2024-01-02': its file {file} cannot be read: parquet: File out of specification:"
        " The footer size must be smaller or equal to the file's size. Put the file back from a copy, make it again:"
        " gapless materialize plays --partition 2024-01-02; or go back to an older version: gapless restore plays"
        " --partition 2024-01-02"
    )
    assert two_days.store.unreadable("plays").partition == K2


def test_of_many_damaged_files_one_is_named_and_the_others_are_counted(two_days):
    for file in Path(two_days.store.base_dir).rglob("partition=*/*.parquet"):
        file.unlink()
    with pytest.raises(DataFileError, match=r"No such file or directory .*, and so it is with 1 other partition[.]"):
        two_days.read(K1, K2)


def test_damage_inside_a_file_is_found_too(plays, day):
    plays.write(K1, day(1, *range(5_000)))
    plays.write(K2, day(2, *range(5_000)))
    (file,) = Path(plays.store.base_dir).rglob(f"partition={K2}/*.parquet")
    content = bytearray(file.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    file.write_bytes(content)
    assert plays.store.unreadable("plays").partition == K2


def test_what_can_be_read_is_not_said_to_be_damaged(two_days):
    assert two_days.store.unreadable("plays") is None


def test_a_lazy_frame_reads_only_the_columns_that_are_used(two_days):
    plan = two_days.read(K1, K2, expected=pl.LazyFrame).select("n").explain()
    assert "PROJECT 1/2 COLUMNS" in plan


def test_columns_that_are_not_there_are_told(two_days):
    with pytest.raises(UnknownColumnsError, match="Did you mean 'n'"):
        two_days.read(K1, columns=("nn",))


def test_instants_are_shown_in_the_zone_of_the_partitions(desk):
    new_york = desk(dg.DailyPartitionsDefinition("2024-01-01", timezone="America/New_York"), "at")
    new_york.write(K1, pl.DataFrame({"at": [datetime(2024, 1, 2, 3, tzinfo=UTC)]}))
    (value,) = new_york.read(K1)["at"].to_list()
    assert (value.utcoffset().total_seconds(), value.day) == (-5 * 3600, 1)


def test_the_whole_table_is_read_by_key(plays, day):
    plays.write(K2, day(2, 3))
    plays.write(K1, day(1, 1))
    whole = InputSlices(plays.asset, replace(plays.output(K1), slices=()).slices or (), "at")
    assert plays.store.load(whole, Any).height == 0
    assert plays.store.scan("plays").collect()["n"].to_list() == [1, 3]


def test_polars_and_duckdb_scan_the_files_with_their_partitions(desk):
    keys = ["it's", "../..", "a/b", "ü–日本", "100%"]
    odd = desk(dg.StaticPartitionsDefinition(keys), "key")
    for key in keys:
        odd.write(key, pl.DataFrame({"key": [key]}))
    files = odd.store.files("plays")
    assert len(files) == len(keys)
    found = pl.scan_parquet(files, hive_partitioning=True, glob=False).collect()
    assert sorted(found["partition"]) == sorted(found["key"]) == sorted(keys)
    rows = duckdb.execute("SELECT partition, key FROM read_parquet(?, hive_partitioning = true)", [files]).fetchall()
    assert sorted(rows) == sorted((key, key) for key in keys)


def test_each_dimension_is_a_folder_that_other_programs_read(desk, tmp_path):
    definition = dg.MultiPartitionsDefinition(
        {"date": dg.DailyPartitionsDefinition("2024-01-01"), "region": dg.StaticPartitionsDefinition(["e/u", "us"])}
    )
    store = PolarsParquetIOManager(desk().store.base_dir)

    @dg.asset(partitions_def=definition, metadata={"partition_expr": {"date": "day", "region": "region"}})
    def sales(context: dg.AssetExecutionContext) -> pl.DataFrame:
        sides = context.multi_partition_key.keys_by_dimension
        return pl.DataFrame({"day": [sides["date"]], "region": [sides["region"]]})

    for key in (f"{K1}|e/u", f"{K2}|us"):
        assert dg.materialize([sales], partition_key=key, resources={"io_manager": store}, home=tmp_path).success
    files = store.files("sales")
    assert f"/sales/date={K1}/partition_region=e%2Fu/" in files[0]
    found = pl.scan_parquet(files, hive_partitioning=True).collect()
    assert found.select(pl.col("date").cast(str), "partition_region").rows() == [(K1, "e/u"), (K2, "us")]
    assert store.files("sales", [f"{K2}|us"]) == files[1:]
    with pytest.raises(Exception, match="no partition"):
        dg.materialize([sales], partition_key=f"{K1}|asia", resources={"io_manager": store}, home=tmp_path)


def test_partitions_without_rows_have_no_files(plays, day):
    plays.write(K1, day(1, 1).clear())
    assert plays.store.files("plays") == []
    assert plays.store.files("never") == []
    assert plays.store.scan("plays").collect().columns == ["at", "n"]


def test_scanning_what_was_never_made_is_told(store):
    with pytest.raises(NeverMaterializedError, match="gapless materialize never"):
        store.scan("never")


def test_sql_is_run_over_the_files(two_days):
    query = sql('SELECT n * $factor AS n, "at" FROM {plays} ORDER BY n DESC', factor=10)
    source = InputSlices(two_days.asset, two_days.output(K1, K2).slices, "at")
    query = query.reading({"plays": SqlSource(two_days.store, source)})
    output = replace(two_days.output(K1, K2), asset=dg.AssetKey("tens"))
    (outcome,) = two_days.store.commit([two_days.store.stage(output, query)])
    assert outcome.rows == {K1: 2, K2: 1}
    assert two_days.store.scan("tens").collect()["n"].to_list() == [20, 10, 30]


def test_a_store_can_be_sent_to_another_process(two_days):
    again = pickle.loads(pickle.dumps(two_days.store))
    assert again.files("plays") == two_days.store.files("plays")
