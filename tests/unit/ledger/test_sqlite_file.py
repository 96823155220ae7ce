import multiprocessing
import os
import shutil
import sqlite3
import tempfile
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gapless.ledger.contract import EventKind, Outcome
from gapless.ledger.errors import (
    LedgerAccessError,
    LedgerBusyError,
    LedgerDamagedError,
    LedgerFullError,
    LedgerNewerError,
)
from gapless.ledger.schema import APPLICATION_ID, VERSION
from gapless.ledger.sqlite import SQLiteLedger

NOW = datetime(2024, 1, 5, tzinfo=UTC)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    with SQLiteLedger(path) as ledger:
        ledger.set_schedule("nightly", running=True)
        yield ledger


def raw(path):
    return sqlite3.connect(path, isolation_level=None)


def test_writers_do_not_block_readers(ledger, path):
    other = raw(path)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE schedules SET running = 0")
    assert ledger.schedule("nightly").running is True
    other.execute("COMMIT")
    assert ledger.schedule("nightly").running is False
    other.close()


def test_a_writer_waits_its_turn(ledger, path):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.2, other.execute, ["COMMIT"])
    timer.start()
    ledger.set_schedule("nightly", running=False)
    timer.join()
    assert ledger.schedule("nightly").running is False
    other.close()


# SQLite itself waits for an exclusive lock; one that is only reserved keeps a file from being switched to WAL at once.
@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_new_ledger_waits_for_the_process_that_creates_it(path, lock):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute(f"BEGIN {lock}")
    timer = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    timer.start()
    with SQLiteLedger(path) as ledger:
        ledger.set_schedule("nightly", running=True)
        timer.join()
        assert ledger.schedule("nightly").running is True
    other.close()


def test_a_new_ledger_waits_while_another_process_reads(path):
    other = raw(path)
    other.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    other.close()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN")
    other.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
    timer = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    timer.start()
    with SQLiteLedger(path) as ledger:
        ledger.set_schedule("nightly", running=True)
        timer.join()
        assert ledger.schedule("nightly").running is True
    other.close()


def test_a_ledger_that_stays_locked_is_named_and_left_as_it_is(path):
    with SQLiteLedger(path, busy_timeout_s=0.05) as ledger:
        ledger.set_schedule("nightly", running=True)
        other = raw(path)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerBusyError, match=r"ledger\.sqlite is locked by another process; waited 0\.05 s"):
            ledger.set_schedule("nightly", running=False)
        other.execute("ROLLBACK")
        other.close()
        assert ledger.schedule("nightly").running is True
        ledger.set_schedule("nightly", running=False)


def test_a_ledger_of_a_newer_version_is_refused_unchanged(ledger, path):
    ledger.close()
    other = raw(path)
    other.execute(f"PRAGMA user_version = {VERSION + 8}")
    other.execute("PRAGMA journal_mode = DELETE")
    other.close()
    before = path.read_bytes()
    for use in (ledger.counts, lambda: ledger.set_schedule("nightly", running=False)):
        with pytest.raises(LedgerNewerError, match=f"version {VERSION + 8}.*up to {VERSION}.*pip install -U gapless"):
            use()
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_unchanged(path):
    content = b"these are not the pages you are looking for\n" * 50
    path.write_bytes(content)
    with SQLiteLedger(path) as ledger:
        for use in (ledger.counts, lambda: ledger.set_schedule("nightly", running=True)):
            with pytest.raises(LedgerDamagedError, match=r"ledger\.sqlite is not a ledger.*mv "):
                use()
    assert path.read_bytes() == content


@pytest.mark.parametrize("mark", ["CREATE TABLE theirs (x)", "PRAGMA application_id = 77"])
def test_a_database_of_another_program_is_refused_unchanged(path, mark):
    other = raw(path)
    other.execute(mark)
    other.close()
    before = path.read_bytes()
    with SQLiteLedger(path) as ledger, pytest.raises(LedgerDamagedError, match="of another program"):
        ledger.set_schedule("nightly", running=True)
    assert path.read_bytes() == before


def test_a_damaged_ledger_is_named(ledger, path):
    ledger.record("r", [Outcome("plays", "a", EventKind.LOG, NOW, None, "x" * 100) for _ in range(500)])
    ledger.close()
    content = bytearray(path.read_bytes())
    assert len(content) > 3 * 4096
    content[4096:] = b"\xee" * (len(content) - 4096)
    path.write_bytes(content)
    with pytest.raises(LedgerDamagedError, match="malformed"):
        ledger.events()


def test_an_empty_file_is_a_new_ledger(path):
    # What a process leaves that is killed between creating the file and its tables.
    path.touch()
    with SQLiteLedger(path) as ledger:
        assert ledger.counts() == {}
        ledger.set_schedule("nightly", running=True)
    found = raw(path)
    assert found.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert found.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    found.close()


def test_a_full_disk_is_named_and_what_was_there_is_intact(ledger):
    with ledger._file.write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    with ledger._file.read() as connection:
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    log = [Outcome("plays", "a", EventKind.LOG, NOW, None, "x" * 1000) for _ in range(100)]
    with pytest.raises(LedgerFullError, match=r"no room left.*ledger\.sqlite"):
        ledger.record("r", log)
    assert ledger.schedule("nightly").running is True
    assert ledger.events() == []
    ledger.close()  # the limit goes with the connection
    ledger.record("r", log)
    assert len(ledger.events()) == 100


def test_a_ledger_that_was_deleted_while_open_is_begun_anew(ledger, path):
    for file in path.parent.iterdir():
        file.unlink()
    assert ledger.schedule("nightly").running is None
    ledger.set_schedule("hourly", running=True)
    with SQLiteLedger(path) as other:
        assert other.schedule("hourly").running is True


def test_a_write_that_is_interrupted_is_undone_and_the_ledger_goes_on(ledger):
    def interrupted():
        with ledger._file.write() as connection:
            connection.execute("UPDATE schedules SET running = 0")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert ledger.schedule("nightly").running is True
    ledger.set_schedule("nightly", running=False)
    assert ledger.schedule("nightly").running is False


def _as_nobody(path, answer):
    os.setgid(65534)
    os.setuid(65534)
    with SQLiteLedger(path) as ledger:
        for use in (ledger.counts, lambda: ledger.set_schedule("nightly", running=False)):
            try:
                use()
                answer.send(None)
            except LedgerAccessError as error:
                answer.send(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("folder_mode", "file_mode"), [(0o755, 0o600), (0o700, 0o644)])
def test_missing_permissions_are_named(folder_mode, file_mode):
    folder = Path(tempfile.mkdtemp())  # pytest's own folders are closed to other users
    try:
        with SQLiteLedger(folder / "ledger.sqlite") as ledger:
            ledger.set_schedule("nightly", running=True)
        (folder / "ledger.sqlite").chmod(file_mode)
        folder.chmod(folder_mode)
        answer, theirs = multiprocessing.Pipe(duplex=False)
        process = multiprocessing.get_context("fork").Process(
            target=_as_nobody, args=(folder / "ledger.sqlite", theirs)
        )
        process.start()
        for _ in range(2):
            assert f"cannot use the ledger {folder}/ledger.sqlite" in str(answer.recv())
        process.join()
        folder.chmod(0o700)
        with SQLiteLedger(folder / "ledger.sqlite") as ledger:
            assert ledger.schedule("nightly").running is True
    finally:
        shutil.rmtree(folder)
