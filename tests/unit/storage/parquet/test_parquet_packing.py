"""Small partitions share files once the store was compacted; nobody who reads them can tell."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from gapless.storage.parquet.errors import PackedFilesError
from gapless.storage.parquet.store import PolarsParquetIOManager

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=8)  # when nothing is kept any more


def keys(*numbers: int) -> list[str]:
    return [f"2024-01-{number:02}" for number in numbers]


@pytest.fixture
def packed(plays, day):
    """Twenty days of as many rows as their numbers, packed."""
    for number in range(1, 21):
        plays.write(*keys(number), day(number, *range(number)))
    (report,) = plays.store.compact(LATER)
    assert report.detail.startswith("20 of 20 files packed")
    return plays


def data_files(store: PolarsParquetIOManager) -> list[Path]:
    return sorted(Path(store.base_dir).rglob("*.parquet"))


def test_packing_changes_no_rows(packed):
    assert len(data_files(packed.store)) == 1
    for number in (1, 7, 20):
        assert packed.read(*keys(number))["n"].to_list() == list(range(number))
    assert packed.read(*keys(*range(1, 21))).height == 210


def test_packing_is_no_new_version(packed):
    (record,) = packed.store.commits(packed.asset, {}, "2024-01-07")
    assert (record.number, record.rows, record.restorable) == (7, 7, True)
    assert packed.store.committed(packed.asset, {})["2024-01-07"] == record


def test_one_partition_is_read_without_the_others(packed):
    lazy = packed.read(*keys(3), expected=pl.LazyFrame)
    assert "SLICE" in lazy.explain()
    assert lazy.collect()["n"].to_list() == [0, 1, 2]


def test_packed_partitions_are_read_in_the_order_that_is_asked_for(packed):
    assert packed.read(*keys(3, 1, 2, 3))["n"].to_list() == [0, 1, 2, 0, 0, 1, 0, 1, 2]


def test_a_partition_that_is_made_again_leaves_the_file(packed, day):
    packed.write(*keys(5), day(5, 99))
    assert len(data_files(packed.store)) == 2
    assert packed.read(*keys(4, 5, 6))["n"].to_list() == [*range(4), 99, *range(6)]


def test_a_file_that_is_mostly_dead_is_packed_anew(packed, day):
    for number in range(6, 21):
        packed.write(*keys(number), day(number, 99))
    packed.store.compact(LATER + timedelta(days=8))
    (only,) = data_files(packed.store)
    assert pl.read_parquet(only).height == 15 + 15
    assert packed.read(*keys(2, 5, 6))["n"].to_list() == [*range(2), *range(5), 99]


def test_a_packed_version_can_be_restored(packed, day):
    packed.write(*keys(5), day(5, 99))
    newest, first = packed.store.commits(packed.asset, {}, "2024-01-05")
    assert first.restorable
    packed.store.restore(packed.output(*keys(5)), first)
    assert packed.read(*keys(5))["n"].to_list() == list(range(5))
    assert packed.store.commits(packed.asset, {}, "2024-01-05")[0].version == first.version != newest.version


def test_files_that_partitions_share_are_not_given_away(packed, day):
    packed.write(*keys(5), day(5, 99))
    with pytest.raises(PackedFilesError, match="1 of the files hold rows of other partitions"):
        packed.store.files("plays")
    assert len(packed.store.files("plays", keys(5))) == 1
    assert packed.store.scan("plays", keys(4, 5)).collect()["n"].to_list() == [*range(4), 99]


def test_files_of_other_columns_are_not_packed_together(plays, day):
    for number in range(1, 5):
        plays.write(*keys(number), day(number, 1))
    for number in range(5, 9):
        plays.write(*keys(number), day(number, 1, extra="x"))
    plays.store.compact(LATER)
    assert len(data_files(plays.store)) == 2
    assert plays.read(*keys(*range(1, 9)))["extra"].to_list() == [None] * 4 + ["x"] * 4


def test_a_single_small_file_stays_as_it_is(plays, day):
    plays.write(*keys(1), day(1, 1))
    before = data_files(plays.store)
    (report,) = plays.store.compact(LATER)
    assert (report.detail, data_files(plays.store)) == ("nothing to do", before)


def test_large_files_are_not_packed(tmp_path, desk, day):
    plays = desk(of=PolarsParquetIOManager(tmp_path / "other", pack_below=10))
    for number in (1, 2, 3):
        plays.write(*keys(number), day(number, 1))
    plays.store.compact(LATER)
    assert len(plays.store.files("plays")) == 3


def test_packing_can_be_switched_off(tmp_path, desk, day):
    plays = desk(of=PolarsParquetIOManager(tmp_path / "other", pack_below=0))
    for number in (1, 2, 3):
        plays.write(*keys(number), day(number, 1))
    plays.store.compact(LATER)
    assert len(plays.store.files("plays")) == 3


def test_what_a_killed_writer_left_is_deleted_after_a_day(plays, day):
    plays.write(*keys(1), day(1, 1))
    folder = Path(plays.store.base_dir, "plays", "partition=2024-01-09")
    folder.mkdir()
    (folder / "torn.parquet").write_bytes(b"PAR1")
    plays.store.compact(NOW)
    assert (folder / "torn.parquet").exists()
    two_days_ago = NOW.timestamp() - 2 * 86_400
    os.utime(folder / "torn.parquet", (two_days_ago, two_days_ago))
    (report,) = plays.store.compact(NOW)
    assert report.detail == "1 files of interrupted writers deleted"
    assert not (folder / "torn.parquet").exists()
    assert plays.read(*keys(1))["n"].to_list() == [1]


def test_compacting_one_asset_leaves_those_below_it_alone(plays, desk, day):
    plays.write(*keys(1), day(1, 1))
    below = desk(asset="plays/raw")
    below.write(*keys(1), day(1, 2))
    assert len(plays.store.compact(LATER)) == 2
    assert below.read(*keys(1))["n"].to_list() == [2]
    assert plays.read(*keys(1))["n"].to_list() == [1]


def test_a_reader_from_before_finds_its_files(plays, day):
    for number in (1, 2, 3):
        plays.write(*keys(number), day(number, number))
    before = plays.read(*keys(1, 2, 3), expected=pl.LazyFrame)
    plays.write(*keys(1), day(1, 99))
    plays.store.compact(NOW)
    assert before.collect()["n"].to_list() == [1, 2, 3]
    assert plays.read(*keys(1, 2, 3))["n"].to_list() == [99, 2, 3]
