"""Compacting while writers sleep, clocks are wrong, and files are missing."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from gapless.storage.parquet import compaction
from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.slices import Compaction

DAY = timedelta(days=1)


@pytest.fixture
def before_the_next_append(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], Any]], None]:
    """Does something else between a writer's files and its entry."""

    def arrange(happens: Callable[[], Any]) -> None:
        append = CommitLog.append

        def once(log: CommitLog, entry: Any) -> bool:
            monkeypatch.setattr(CommitLog, "append", append)
            happens()
            return append(log, entry)

        monkeypatch.setattr(CommitLog, "append", once)

    return arrange


def other_process(store: PolarsParquetIOManager, **settings: Any) -> PolarsParquetIOManager:
    return PolarsParquetIOManager(store.base_dir, lock_timeout=5, **settings)


def compacted_tomorrow(store: PolarsParquetIOManager) -> list[Compaction]:
    """By another process, a day after everything that is there was written."""
    for file in Path(store.base_dir).rglob("*.parquet"):
        os.utime(file, (file.stat().st_atime, file.stat().st_mtime - DAY.total_seconds() - 60))
    return other_process(store).compact(datetime.now(UTC))


def kept_files(store: PolarsParquetIOManager) -> int:
    return len(list(Path(store.base_dir).rglob("*.parquet")))


def test_a_writer_that_slept_for_a_day_writes_its_files_anew(plays, day, before_the_next_append):
    plays.write("2024-01-01", day(1, 1))
    reports: list[Compaction] = []
    before_the_next_append(lambda: reports.extend(compacted_tomorrow(plays.store)))
    plays.write("2024-01-01", day(1, 2))
    assert [report.detail for report in reports] == ["1 files of interrupted writers deleted"]
    assert plays.read("2024-01-01")["n"].to_list() == [2]
    assert kept_files(plays.store) == 2  # the one that is current, and the one before


def test_the_first_writer_of_a_table_may_sleep_too(plays, day, before_the_next_append):
    before_the_next_append(lambda: compacted_tomorrow(plays.store))
    plays.write("2024-01-01", day(1, 2))
    assert plays.read("2024-01-01")["n"].to_list() == [2]


def test_who_was_overtaken_by_a_commit_alone_keeps_its_files(plays, day, before_the_next_append, monkeypatch):
    other = other_process(plays.store)
    before_the_next_append(
        lambda: other.commit([other.stage(plays.output("2024-01-02"), day(2, 5))]),
    )
    plays.write("2024-01-01", day(1, 2))
    assert kept_files(plays.store) == 2
    assert plays.read("2024-01-01", "2024-01-02")["n"].to_list() == [2, 5]


def test_a_compaction_that_slept_for_a_day_moves_nothing_to_a_file_that_is_gone(plays, day, before_the_next_append):
    for number in (1, 2):
        plays.write(f"2024-01-0{number}", day(number, number))
    before_the_next_append(lambda: compacted_tomorrow(other_process(plays.store, pack_below=0)))
    other_process(plays.store).compact(datetime.now(UTC))
    assert plays.read("2024-01-01", "2024-01-02")["n"].to_list() == [1, 2]


def test_a_file_that_was_committed_meanwhile_is_not_deleted(plays, day, before_the_next_append):
    plays.write("2024-01-01", day(1, 1))
    (Path(plays.store.base_dir) / "plays/partition=2024-01-01/left.parquet").write_bytes(b"")
    compacted: list[Compaction] = []

    def sweeper_sleeps() -> None:
        before_the_next_append(lambda: plays.write("2024-01-02", day(2, 2)))
        compacted.extend(compacted_tomorrow(plays.store))

    before_the_next_append(sweeper_sleeps)
    plays.write("2024-01-03", day(3, 3))
    assert compacted
    assert plays.read("2024-01-01", "2024-01-02", "2024-01-03")["n"].to_list() == [1, 2, 3]


def test_scanning_a_table_that_only_ever_was_swept_is_told(plays, day, before_the_next_append):
    from gapless.storage.errors import NeverMaterializedError

    folder = Path(plays.store.base_dir, "plays", "partition=2024-01-09")
    plays.store._known.note(plays.asset, ["run"], plays.store._table(plays.asset).log)
    folder.mkdir(parents=True)
    (folder / "torn.parquet").write_bytes(b"PAR1")
    compacted_tomorrow(plays.store)
    with pytest.raises(NeverMaterializedError):
        plays.store.scan("plays")
    assert plays.read().height == 0


@pytest.mark.parametrize("harm", ["missing", "torn", "garbage"])
def test_an_unreadable_file_keeps_nothing_else_from_being_compacted(plays, desk, day, harm):
    other = desk(asset="later")
    for number in (1, 2, 3):
        plays.write(f"2024-01-0{number}", day(number, number))
        other.write(f"2024-01-0{number}", day(number, number))
    (file,) = plays.store.files("plays", ["2024-01-02"])
    if harm == "missing":
        Path(file).unlink()
    elif harm == "torn":
        Path(file).write_bytes(Path(file).read_bytes()[:100])
    else:
        Path(file).write_bytes(os.urandom(2000))
    of_other, of_plays = plays.store.compact(datetime.now(UTC))
    assert of_other.detail == "3 of 3 files packed"
    assert not of_other.failures
    assert of_plays.detail == "1 partitions cannot be read"
    (error,) = of_plays.failures
    assert str(error).startswith("asset 'plays', partition '2024-01-02': ")
    assert "gapless materialize plays --partition 2024-01-02" in str(error)
    assert "gapless restore plays --partition 2024-01-02" in str(error)
    assert plays.read("2024-01-01", "2024-01-03")["n"].to_list() == [1, 3]


def test_a_damaged_log_keeps_no_other_asset_from_being_compacted(plays, desk, day):
    other = desk(asset="later")
    for number in (1, 2, 3):
        plays.write(f"2024-01-0{number}", day(number, number))
        other.write(f"2024-01-0{number}", day(number, number))
    (Path(plays.store.base_dir) / "later/_gapless" / f"{2:020}.json").unlink()
    of_other, of_plays = other_process(plays.store).compact(datetime.now(UTC))
    assert "later ones are there" in str(*of_other.failures)
    assert of_plays.detail == "3 of 3 files packed"


def test_files_that_a_writer_replaces_while_they_are_packed_are_no_failure(tmp_path, desk, day, monkeypatch):
    plays = desk(of=PolarsParquetIOManager(tmp_path / "other", keep_versions=0))
    for number in (1, 2, 3):
        plays.write(f"2024-01-0{number}", day(number, number))
    packs = compaction._packs

    def meanwhile(*arguments: Any) -> Any:
        found = list(packs(*arguments))
        plays.write("2024-01-01", day(1, 9))
        return iter(found)

    monkeypatch.setattr(compaction, "_packs", meanwhile)
    (report,) = plays.store.compact(datetime.now(UTC))
    assert not report.failures
    assert plays.read("2024-01-01", "2024-01-02", expected=pl.DataFrame)["n"].to_list() == [9, 2]
