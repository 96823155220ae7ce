"""A database is read as it was at one instant, while others have their turn at it; and who waits for a copy, waits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import duckdb
import pytest

from gapless.storage.duckdb.database.connection import Database, scratch_session
from gapless.storage.errors import DatabaseLockedError
from gapless.storage.publishing.picture import picture_of
from gapless.storage.turnstile import Turnstile, TurnTimeoutError


@pytest.fixture
def database(tmp_path):
    """With rows in the file, and more of them in its log."""
    path = tmp_path / "live.duckdb"
    with duckdb.connect(path) as connection:
        connection.execute("CREATE TABLE t AS FROM range(1000)")
    with duckdb.connect(path) as connection:
        connection.execute("PRAGMA disable_checkpoint_on_shutdown")
        connection.execute("INSERT INTO t VALUES (1), (2)")
    assert path.with_name("live.duckdb.wal").stat().st_size
    return path


def rows_in(session):
    ((count,),) = session.execute(f"SELECT count(*) FROM {session.catalog}.t")
    return count


def change(path):
    code = f"import duckdb; duckdb.connect({str(path)!r}).execute('DELETE FROM t')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_others_write_while_a_picture_is_read(database, tmp_path):
    with picture_of(database, 5, "publish", tmp_path / "picture") as session:
        assert change(database).returncode == 0
        assert rows_in(session) == 1002
    with picture_of(database, 5, "publish", tmp_path / "picture") as session:
        assert rows_in(session) == 0
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("picture")] == []


def test_without_room_for_a_picture_the_file_is_read_while_others_wait(database, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": 0}))
    with picture_of(database, 5, "publish", tmp_path / "picture") as session:
        assert rows_in(session) == 1002
        assert "Conflicting lock" in change(database).stderr


def test_who_reads_beside_a_publisher_keeps_the_file_locked(database, tmp_path):
    def publish():
        with picture_of(database, 5, "publish", tmp_path / "picture") as session:
            counts.append(rows_in(session))

    counts = []
    with Database.at(database).session(5, "query", "look") as reader:
        publisher = threading.Thread(target=publish)
        publisher.start()
        publisher.join(0.3)
        assert "Conflicting lock" in change(database).stderr
        assert rows_in(reader) == 1002
    publisher.join()
    assert counts == [1002]
    Database.at(database).close()


@pytest.mark.parametrize("refuses", [None, OSError(18, "another file system")])
def test_a_picture_is_taken_whatever_the_system_can_do(refuses, database, tmp_path, monkeypatch):
    def copy_file_range(*arguments):
        raise refuses

    if refuses is None:
        monkeypatch.delattr(os, "copy_file_range")
    else:
        monkeypatch.setattr(os, "copy_file_range", copy_file_range)
    with picture_of(database, 5, "publish", tmp_path / "picture") as session:
        assert (tmp_path / "picture").exists()
        assert rows_in(session) == 1002


@pytest.mark.parametrize(("doing", "waits"), [("publish", True), ("compact", True), ("query", False)])
def test_who_waits_for_a_whole_file_to_be_read_does_not_give_up(doing, waits, tmp_path):
    holder, waiter = Turnstile(tmp_path / "db"), Turnstile(tmp_path / "db")
    holder.acquire(1, doing)
    threading.Timer(0.3, holder.release).start()
    if waits:
        waiter.acquire(0.05, "commit")
        assert json.loads((tmp_path / "db.lock").read_text())["doing"] == "commit"
        waiter.release()
    else:
        with pytest.raises(TurnTimeoutError, match=rf"gapless process {os.getpid()} \(query\)"):
            waiter.acquire(0.05, "commit")


def test_who_does_not_want_to_wait_and_who_is_told_to_stop_give_up_at_once(tmp_path):
    holder = Turnstile(tmp_path / "db")
    holder.acquire(1, "publish")
    for timeout, given_up in ((0, False), (30, True)):
        with pytest.raises(TurnTimeoutError, match="publish"):
            Turnstile(tmp_path / "db").acquire(timeout, "commit", lambda given_up=given_up: given_up)
    holder.release()


def test_every_thread_waits_for_who_publishes(database):
    def read():
        with Database.at(database).session(0.05, "query", "look") as session:
            counts.append(rows_in(session))

    counts = []
    holder = Turnstile(database)
    holder.acquire(1, "publish")
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    threading.Timer(0.3, holder.release).start()
    for reader in readers:
        reader.join()
    Database.at(database).close()
    assert counts == [1002] * 3


def test_a_query_over_two_files_waits_for_who_publishes_while_another_thread_does(database):
    def read():
        with Database.at(database).session(5, "query", "look"):
            pass

    holder = Turnstile(database)
    holder.acquire(1, "publish")
    reader = threading.Thread(target=read)
    reader.start()
    threading.Timer(0.3, holder.release).start()
    with (
        scratch_session() as session,
        Database.at(database).lent_to(session, "lent", 0.05, "query"),
    ):
        assert session.execute("SELECT count(*) FROM lent.t") == [(1002,)]
    reader.join()


def test_who_is_told_to_stop_waits_for_nobody_in_this_process_either(database):
    def read():
        with pytest.raises(DatabaseLockedError), Database.at(database).session(30, "query", "look"):
            pass

    holder = Turnstile(database)
    holder.acquire(1, "publish")
    readers = [threading.Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    time.sleep(0.1)
    Database.at(database).stop_waiting()
    for reader in readers:
        reader.join(5)
    assert not any(reader.is_alive() for reader in readers)
    holder.release()
