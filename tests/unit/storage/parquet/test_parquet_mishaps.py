"""What killed processes leave behind, lost answers, wrong clocks, and errors that are nobody's fault."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from gapless.storage.errors import DiskFullError
from gapless.storage.parquet import compaction
from gapless.storage.parquet.errors import CommitUnknownError, DataFileError, ObjectStorageError
from gapless.storage.parquet.files import Found, LocalFiles, older
from gapless.storage.slices import Committed, Refused, Uncertain

K1, K2, K3 = "2024-01-01", "2024-01-02", "2024-01-03"
NOW = datetime.now(UTC)
TORN = f".{'0123456789abcdef' * 2}"  # as a file is called before it has its name


def aged(path: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(path, (then, then))


# --- a kill


def test_a_writer_that_is_killed_over_a_note_blocks_nobody(plays, day):
    plays.write(K1, day(1))
    for folder in ("_gapless/assets", "_gapless/runs/run"):
        Path(plays.store.base_dir, folder, TORN).write_bytes(b"")
    assert plays.store.compact(NOW)[0].detail == "nothing to do"
    assert [record.partition for record in plays.store.commit_records(["run"])] == [K1]


def test_a_note_that_lost_its_content_is_read_from_its_name(plays, day):
    plays.write(K1, day(1))
    for note in Path(plays.store.base_dir, "_gapless").rglob("plays"):
        note.write_bytes(b"")
    assert len(plays.store.compact(NOW)) == 1
    assert [record.partition for record in plays.store.commit_records(["run"])] == [K1]


def test_a_torn_file_is_no_store(plays):
    folder = Path(plays.store.base_dir, "_gapless/assets")
    folder.mkdir(parents=True)
    (folder / TORN).write_bytes(b"")
    assert plays.store.is_empty()


def test_compacting_deletes_torn_files_that_are_old(plays, day):
    plays.write(K1, day(1))
    base = Path(plays.store.base_dir)
    old, new, strange = base / "_gapless/assets" / TORN, base / "plays/_gapless" / TORN, base / ".gitignore"
    for path in (old, new, strange):
        path.write_bytes(b"")
    aged(old, 2)
    aged(strange, 2)
    plays.store.compact(NOW)
    assert [path.exists() for path in (old, new, strange)] == [False, True, True]


# --- clocks


def test_a_file_is_old_by_both_clocks():
    hour = 3600.0
    now = datetime.fromtimestamp(100 * hour, UTC)
    found = [Found("old", 1, 10 * hour), Found("new", 1, 99 * hour), Found("unknown", 1, 0)]
    day = timedelta(days=1)
    assert [file.name for file in older(found, now, day)] == ["old"]
    assert [file.name for file in older(found, now + timedelta(days=9), day)] == ["old"]
    assert list(older(found, datetime.fromtimestamp(20 * hour, UTC), day)) == []


def test_a_clock_that_is_ahead_does_not_delete_what_is_being_written(plays, day):
    plays.write(K1, day(1))
    written = Path(plays.store.base_dir, "plays", f"partition={K2}", "new.parquet")
    written.parent.mkdir()
    written.write_bytes(b"PAR1")
    plays.store.compact(NOW + timedelta(days=3))
    assert written.exists()


# --- errors in the middle


def test_what_breaks_over_one_asset_hides_nothing_of_the_others(desk, day, monkeypatch):
    from gapless.storage.parquet.table_commit import TableCommit

    run = TableCommit.run

    def breaking(self):
        if self._table.asset == "b":
            raise pl.exceptions.ComputeError("object store error")
        return run(self)

    monkeypatch.setattr(TableCommit, "run", breaking)
    desks = [desk(asset=name) for name in "abc"]
    outcomes = desks[0].store.commit([one.store.stage(one.output(K1), day(1)) for one in desks])
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused, Committed]
    says = "asset 'b', partition '2024-01-01': the store failed: ComputeError: object store error"
    assert str(outcomes[1].error) == says


def test_what_is_committed_is_said_to_be_though_cleaning_up_fails(plays, day, monkeypatch):
    plays.write(K1, day(1))
    monkeypatch.setattr(plays.store, "_keep_versions", 0)
    plays.store.close()

    def failing(*_):
        raise ValueError("a bug")

    monkeypatch.setattr(LocalFiles, "delete", failing)
    (outcome,) = plays.commit((K1, day(1, 7)))
    assert isinstance(outcome, Committed)


def test_rows_that_cannot_be_read_are_told_when_compacting(plays, day):
    for number, key in enumerate((K1, K2), 1):
        plays.write(key, day(number))
    for path in Path(plays.store.base_dir).rglob("*.parquet"):
        path.write_bytes(b"PAR1")
    (report,) = plays.store.compact(NOW)
    assert {type(failure) for failure in report.failures} == {DataFileError}
    assert "cannot be read" in str(report.failures[0])


# --- answers that get lost


@pytest.fixture
def lost_answers(monkeypatch):
    """Entries are made, but their makers are told that the storage does not answer."""
    create = LocalFiles.create

    def losing(self, name, data):
        made = create(self, name, data)
        if "/_gapless/0" in name:
            raise ObjectStorageError("s3://bucket", None, "write to", "it does not answer", "Check it")
        return made

    return lambda: monkeypatch.setattr(LocalFiles, "create", losing)


def test_a_commit_whose_answer_is_lost_is_found(plays, day, lost_answers):
    for number, key in enumerate((K1, K2), 1):
        plays.write(key, day(number))
    first = plays.store.commits(plays.asset, {}, K1)[0]
    lost_answers()
    assert isinstance(plays.commit((K1, day(1, 7)))[0], Committed)
    assert isinstance(plays.store.restore(plays.output(K1), first), Committed)
    assert plays.store.compact(NOW)[0].detail == "2 of 2 files packed"
    assert plays.store.compact(NOW + timedelta(days=8))[0].detail == "2 old versions collected"
    assert plays.store.wipe(plays.output(K1)) == 1
    assert plays.read(K1, K2)["n"].to_list() == [0]


def test_a_commit_of_which_nothing_is_known_is_uncertain(plays, day, lost_answers, monkeypatch):
    plays.write(K1, day(1))
    lost_answers()
    read = LocalFiles.read

    def silent(self, names):
        if len(names) == 1 and names[0].endswith(f"{2:020}.json"):
            raise ObjectStorageError("s3://bucket", None, "read", "it does not answer", "Check it")
        return read(self, names)

    monkeypatch.setattr(LocalFiles, "read", silent)
    (outcome,) = plays.commit((K1, day(1, 7)))
    assert isinstance(outcome, Uncertain)
    assert isinstance(outcome.error, CommitUnknownError)
    assert "was written is not known: cannot write to s3://bucket: it does not answer" in str(outcome.error)
    monkeypatch.undo()
    assert plays.read(K1)["n"].to_list() == [7]


@pytest.mark.parametrize(
    ("error", "left"),
    [
        (DiskFullError("data", "no space left"), 0),
        (ObjectStorageError("s3://bucket", None, "write to", "it does not answer", "Check it"), 1),  # it may come yet
    ],
)
def test_files_of_an_entry_that_was_surely_not_made_are_deleted_at_once(plays, day, monkeypatch, error, left):
    create = LocalFiles.create

    def refusing(self, name, data):
        if "/_gapless/0" in name:
            raise error
        return create(self, name, data)

    monkeypatch.setattr(LocalFiles, "create", refusing)
    (outcome,) = plays.commit((K1, day(1)))
    assert isinstance(outcome, Refused)
    assert len([*Path(plays.store.base_dir).rglob("*.parquet")]) == left


# --- packs


def test_packs_grow_until_they_are_not_small(plays, day):
    base = Path(plays.store.base_dir)
    for number in range(1, 7):
        plays.write(f"2024-01-{number:02}", day(number))
        plays.store.compact(NOW + timedelta(days=8 * number))
    (only,) = base.rglob("*.parquet")
    before = only.stat().st_mtime_ns
    assert plays.store.compact(NOW + timedelta(days=80))[0].detail == "nothing to do"
    assert [path.stat().st_mtime_ns for path in base.rglob("*.parquet")] == [before]
    assert plays.read(*(f"2024-01-{number:02}" for number in range(1, 7))).height == 6


def test_a_full_pack_stays_as_it_is(plays, day, monkeypatch):
    monkeypatch.setattr(compaction, "_PACK_MEMBERS", 3)
    for number in range(1, 8):
        plays.write(f"2024-01-{number:02}", day(number))
    assert plays.store.compact(NOW)[0].detail == "6 of 7 files packed"
    plays.store.compact(NOW + timedelta(days=8))
    plays.write("2024-01-08", day(8))
    assert plays.store.compact(NOW + timedelta(days=16))[0].detail.startswith("2 of 4 files packed")
