"""`compact` of the DuckDB store: a smaller file, the same data, and nothing lost whatever happens meanwhile."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import duckdb
import polars as pl
import pytest

from gapless import DuckDBPolarsIOManager, StaticPartitionsDefinition
from gapless.asset_key import AssetKey
from gapless.storage.duckdb import compaction
from gapless.storage.duckdb.database.connection import Database
from gapless.storage.errors import DatabaseFailure, DiskFullError
from gapless.storage.slices import InputSlices, OutputSlices, PartitionSlice
from nursery import Process

DAYS = StaticPartitionsDefinition([f"d{number}" for number in range(30)])
ROWS = 20_000
ASSET = AssetKey.of("plays")


def output(*keys):
    return OutputSlices(ASSET, tuple(map(PartitionSlice, keys)), "k", "run")


@pytest.fixture(scope="session")
def loose_bytes(tmp_path_factory):
    """A file of which most is free: thirty partitions, of which all but three were wiped; and other things in it."""
    path = tmp_path_factory.mktemp("loose") / "db.duckdb"
    store = DuckDBPolarsIOManager(path)
    value = pl.DataFrame({"n": range(ROWS)}).with_columns(h=pl.col("n").hash())
    days = {key: value.with_columns(k=pl.lit(key)) for key in DAYS.get_partition_keys()}
    store.commit([store.stage(output(key), day) for key, day in days.items()])
    store.close()
    with duckdb.connect(str(path)) as connection:
        connection.execute("create view public.three as select * from public.plays where n < 3")
        connection.execute("create sequence main.numbers; create type mood as enum ('good', 'bad')")
        connection.execute("create macro plus_one(x) as x + 1; create table main.mine (a integer primary key)")
        connection.execute("insert into main.mine values (1), (2)")
    store.wipe(output(*DAYS.get_partition_keys()[:-3]))
    store.close()
    return path.read_bytes()


@pytest.fixture
def loose(tmp_path, loose_bytes):
    path = tmp_path / "db.duckdb"
    path.write_bytes(loose_bytes)
    store = DuckDBPolarsIOManager(path, lock_timeout=20)
    yield store
    store.close()


def content(store):
    store.close()
    with duckdb.connect(str(store.database), read_only=True) as connection:
        return (
            connection.execute("select k, n, h from public.plays").fetchall(),  # in the order in which they lie
            connection.execute("select count(*) from public.three").fetchall(),
            connection.execute("select plus_one(a) from main.mine order by 1").fetchall(),
            connection.execute(
                "select * replace (epoch_us(committed_at) as committed_at) from _gapless.commits order by all"
            ).fetchall(),
        )


def beside(store):
    return sorted(path.name for path in store.database.parent.glob("db.duckdb.c*"))


def test_the_room_of_what_was_wiped_is_given_back_and_everything_is_still_there(loose):
    before, size = content(loose), loose.database.stat().st_size
    (done,) = loose.compact(None)
    assert done.place == str(loose.database)
    assert done.bytes_before == size
    assert done.bytes_after < size / 3
    assert done.detail.startswith("written anew without ")
    loose.close()
    assert loose.database.stat().st_size == done.bytes_after
    assert content(loose) == before
    assert beside(loose) == []


def test_what_was_compacted_is_committed_to_and_read_as_before(loose):
    loose.compact(None)
    value = pl.DataFrame({"k": ["d0"], "n": [7], "h": pl.Series([1], dtype=pl.UInt64)})
    loose.commit([loose.stage(output("d0"), value)])
    read = loose.load(InputSlices(ASSET, (PartitionSlice("d0"),), "k"), pl.DataFrame)
    assert read.select("k", "n", "h").rows() == [("d0", 7, 1)]
    assert len(loose.committed(ASSET, {})) == 4


def test_a_file_with_nothing_to_give_back_is_left_as_it_is(loose):
    loose.compact(None)
    loose.close()
    inode = loose.database.stat().st_ino
    (done,) = loose.compact(None)
    assert (done.bytes_before, done.detail) == (done.bytes_after, "nothing to give back")
    assert loose.database.stat().st_ino == inode


def test_a_file_that_is_not_there_is_not_made(tmp_path):
    store = DuckDBPolarsIOManager(tmp_path / "none.duckdb")
    assert store.compact(None) == []
    assert list(tmp_path.iterdir()) == []


def test_old_commit_records_are_forgotten_and_told(tmp_path):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    for _ in range(23):
        store.commit([store.stage(output("a"), pl.DataFrame({"k": ["a"]}))])
    (done,) = store.compact(None)
    assert done.detail == "nothing to give back; 3 old commit records forgotten"
    assert len(store.commits(ASSET, {}, "a")) == 20
    store.close()


def test_the_file_keeps_its_rights(loose):
    loose.database.chmod(0o640)
    loose.compact(None)
    assert loose.database.stat().st_mode & 0o777 == 0o640


def test_a_reader_of_this_process_goes_on_reading_what_it_opened(loose):
    sql = "select count(*) from public.plays"
    with Database.at(loose.database).session(5, "read", "read") as reader:
        assert reader.execute(sql.replace("public", f"{reader.catalog}.public")) == [(3 * ROWS,)]
        loose.compact(None)
        assert reader.execute(sql.replace("public", f"{reader.catalog}.public")) == [(3 * ROWS,)]
    assert loose.query(sql).item() == 3 * ROWS


def test_a_process_that_waits_its_turn_opens_the_new_file(loose):
    program = (
        "import sys, polars as pl; from gapless import DuckDBPolarsIOManager;"
        "from gapless.asset_key import AssetKey; from gapless.storage.slices import OutputSlices, PartitionSlice;"
        "store = DuckDBPolarsIOManager('db.duckdb', lock_timeout=30); print('up', flush=True);"
        "value = pl.DataFrame({'k': ['d1'], 'n': [1], 'h': pl.Series([2], dtype=pl.UInt64)});"
        "output = OutputSlices(AssetKey.of('plays'), (PartitionSlice('d1'),), 'k', 'other');"
        "print(type(store.commit([store.stage(output, value)])[0]).__name__)"
    )
    folder = loose.database.parent
    with Database.at(loose.database).session(5, "hold", "read"):  # the other one waits until this process lets go
        other = Process([sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE)
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
        loose.compact(None)
    assert other.communicate(timeout=30)[0] == "Committed\n"
    assert loose.query("select count(*) from public.plays where k = 'd1'").item() == 1
    assert loose.query("select count(*) from public.plays").item() == 3 * ROWS + 1


def test_without_room_for_a_second_file_the_first_stays(loose, monkeypatch):
    before = content(loose)
    usage = shutil.disk_usage(loose.database)
    monkeypatch.setattr(compaction.shutil, "disk_usage", lambda _: usage._replace(free=2**20))
    (done,) = loose.compact(None)
    assert "not written anew: that needs" in done.detail
    assert "1.0 MB are free" in done.detail
    assert content(loose) == before


def test_a_disk_that_is_full_half_way_leaves_the_old_file(loose):
    before = content(loose)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, limits[1]))
        with pytest.raises((DiskFullError, DatabaseFailure)):
            loose.compact(None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert beside(loose) == []
    assert content(loose) == before
    loose.compact(None)
    assert content(loose) == before


def test_a_copy_that_lacks_something_does_not_take_the_place_of_the_file(loose, monkeypatch):
    before = content(loose)
    monkeypatch.setattr(compaction, "_inventory", lambda session, catalog: [catalog])
    with pytest.raises(DatabaseFailure, match="the copy does not hold all that the file holds"):
        loose.compact(None)
    assert beside(loose) == []
    assert content(loose) == before


@pytest.mark.parametrize("wait_ms", [0, 5, 25])
def test_a_compaction_that_is_killed_leaves_the_old_file_or_the_new_one(loose, wait_ms):
    before = content(loose)
    program = (
        "from gapless import DuckDBPolarsIOManager; store = DuckDBPolarsIOManager('db.duckdb');"
        "store.query('select 1'); print('up', flush=True); store.compact(None); print('done', flush=True)"
    )
    folder = loose.database.parent
    process = Process([sys.executable, "-c", program], cwd=folder, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    copy = folder / "db.duckdb.compacting"
    inode, deadline = loose.database.stat().st_ino, time.monotonic() + 20
    while not copy.exists() and loose.database.stat().st_ino == inode and time.monotonic() < deadline:
        time.sleep(0.0005)
    time.sleep(wait_ms / 1000)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert content(loose) == before
    loose.compact(None)
    assert content(loose) == before
    assert beside(loose) == []
    assert loose.database.stat().st_size < 4 * 2**20
