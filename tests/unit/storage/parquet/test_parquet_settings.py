"""Where the store keeps its files, and what it says where it cannot."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from upath import UPath

import gapless as dg
from gapless.errors import StorageError
from gapless.storage.errors import NoPartitionExpressionError, TableNameError
from gapless.storage.parquet import object_storage
from gapless.storage.parquet.errors import (
    BaseDirectoryError,
    CommitLogError,
    CommitRaceError,
    DataFileError,
    MissingPackageError,
    ObjectStorageError,
    PackedFilesError,
    StoredWholeError,
    VersionGoneError,
)
from gapless.storage.parquet.settings import options_of
from gapless.storage.parquet.store import PolarsParquetIOManager

K1 = "2024-01-01"


def test_a_relative_folder_is_that_of_the_moment_when_it_was_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    store = PolarsParquetIOManager()
    monkeypatch.chdir("/")
    assert store.base_dir == str(tmp_path / "data" / "parquet")


@pytest.mark.parametrize("make", [str, Path, UPath, lambda path: f"file://{path}"])
def test_a_folder_may_be_named_in_any_way(tmp_path, desk, day, make):
    store = PolarsParquetIOManager(make(tmp_path / "other"))
    desk(of=store).write(K1, day(1, 1))
    assert list((tmp_path / "other" / "plays").glob("partition=*/*.parquet"))


def test_a_upath_brings_its_protocol_and_options():
    assert PolarsParquetIOManager(UPath("s3://bucket/folder", key="k")).base_dir == "s3://bucket/folder"
    assert options_of(UPath("s3://bucket", key="k"), {"secret": "s"}) == {"key": "k", "secret": "s"}


def test_options_may_stand_for_variables(monkeypatch):
    monkeypatch.setenv("ENDPOINT", "http://host")
    given = {"client_kwargs": {"endpoint_url": dg.EnvVar("ENDPOINT")}, "key": dg.EnvVar("NO_KEY")}
    with pytest.raises(TableNameError, match="the storage option key is"):
        options_of("s3://bucket", given)
    monkeypatch.setenv("NO_KEY", "k")
    assert options_of("s3://bucket", given) == {"client_kwargs": {"endpoint_url": "http://host"}, "key": "k"}


def test_a_folder_in_memory_is_for_tests(desk, day):
    store = PolarsParquetIOManager("memory://somewhere/else")
    plays = desk(of=store)
    plays.write(K1, day(1, 1))
    assert plays.read(K1).height == 1


def test_settings_are_read_from_the_environment_when_they_are_needed(tmp_path, monkeypatch, desk, day):
    store = PolarsParquetIOManager(
        dg.EnvVar("PARQUET"), keep_versions=dg.EnvVar("KEEP"), lock_timeout=dg.EnvVar.int("S")
    )
    plays = desk(of=store)
    with pytest.raises(TableNameError, match=r"export PARQUET=…"):
        plays.commit((K1, day(1)))
    assert "EnvVar('PARQUET')" in store.location_of(plays.asset, {})
    monkeypatch.setenv("PARQUET", str(tmp_path / "there"))
    with pytest.raises(TableNameError, match=r"keep_versions is EnvVar.'KEEP'., which has no value"):
        plays.commit((K1, day(1)))
    monkeypatch.setenv("KEEP", "2w")
    with pytest.raises(TableNameError, match="the lock_timeout is"):
        plays.commit((K1, day(1)))
    monkeypatch.setenv("S", "3")
    plays.write(K1, day(1))
    assert (tmp_path / "there" / "plays").is_dir()


@pytest.mark.parametrize("given", ["7", "seven days", "-1d", "3y", timedelta(-1), None, 7])
def test_a_time_that_is_none_is_refused(tmp_path, desk, day, given):
    plays = desk(of=PolarsParquetIOManager(tmp_path, keep_versions=given))
    with pytest.raises(TableNameError, match='keep_versions="7d"'):
        plays.commit((K1, day(1)))


@pytest.mark.parametrize("given", [0, "0", "90min", "12h", "7d", "2w", timedelta(hours=3)])
def test_times_are_written_in_many_ways(tmp_path, desk, day, given):
    desk(of=PolarsParquetIOManager(tmp_path, keep_versions=given)).write(K1, day(1))


@pytest.mark.parametrize("given", ["1MB", -1, 1.5, None, True])
def test_a_size_that_is_none_is_refused(tmp_path, desk, day, given):
    plays = desk(of=PolarsParquetIOManager(tmp_path, pack_below=given))
    message = f"pack_below is {given!r}, which is no number of bytes. Give a whole number: pack_below=1_000_000"
    with pytest.raises(TableNameError, match=message):
        plays.commit((K1, day(1)))
    with pytest.raises(TableNameError, match="pack_below"):
        plays.store.compact(datetime(2024, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize("given", ["", None, 7])
def test_a_place_that_is_none_is_refused(desk, day, given):
    plays = desk(of=PolarsParquetIOManager(given))
    with pytest.raises(TableNameError, match="the base_dir is"):
        plays.commit((K1, day(1)))


def test_a_storage_that_cannot_create_on_a_condition_is_refused(desk, day):
    plays = desk(of=PolarsParquetIOManager("ftp://host/folder"))
    with pytest.raises(BaseDirectoryError, match="the protocol 'ftp' is none of s3"):
        plays.commit((K1, day(1)))


def test_a_missing_package_is_named_with_what_brings_it(desk, day, monkeypatch):
    monkeypatch.setattr(object_storage, "find_spec", lambda name: None if name == "s3fs" else name)
    plays = desk(of=PolarsParquetIOManager("s3://bucket/folder"))
    with pytest.raises(MissingPackageError, match=r"pip install 'gapless\[s3\]'"):
        plays.commit((K1, day(1)))
    monkeypatch.setattr(object_storage, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'gapless\[object-storage\]'"):
        desk(of=PolarsParquetIOManager("memory://x")).commit((K1, day(1)))


def test_a_server_that_ignores_the_condition_is_refused(desk, day, monkeypatch):
    import fsspec
    from fsspec.implementations.memory import MemoryFileSystem

    class Careless(MemoryFileSystem):
        store: dict = {}  # noqa: RUF012
        pseudo_dirs = [""]  # noqa: RUF012

        def pipe_file(self, path, value, mode="overwrite", **options):
            super().pipe_file(path, value)

    monkeypatch.setattr(object_storage, "_PROVEN", set())
    fsspec.register_implementation("memory", Careless, clobber=True)
    try:
        plays = desk(of=PolarsParquetIOManager("memory://careless"))
        error = plays.refusal(K1, day(1))
        assert plays.store.is_empty()
    finally:
        fsspec.register_implementation("memory", MemoryFileSystem, clobber=True)
    assert "replaces an object although it was asked to create it only if there is none" in str(error)


def test_a_folder_below_a_file_is_told(tmp_path, desk, day):
    (tmp_path / "file").write_text("")
    error = desk(of=PolarsParquetIOManager(tmp_path / "file" / "data")).refusal(K1, day(1))
    assert isinstance(error, BaseDirectoryError)
    assert "is no folder. Choose another folder" in str(error)


def test_a_partition_needs_an_expression(plays, day):
    from dataclasses import replace

    with pytest.raises(NoPartitionExpressionError, match="partition_expr"):
        plays.store.stage(replace(plays.output(K1), partition_expr=None), day(1))


def test_two_stores_in_one_folder_are_in_one_place(tmp_path):
    one, other = PolarsParquetIOManager(tmp_path / "a"), PolarsParquetIOManager(str(tmp_path / "a"))
    key = dg.AssetKey(["x", "y"])
    assert one.location_of(key, {}) == other.location_of(key, {}) == f"the folder x/y of {tmp_path / 'a'}"


def test_a_project_checks_that_the_partition_column_is_declared(tmp_path):
    @dg.asset(partitions_def=dg.HourlyPartitionsDefinition("2024-01-01-00:00"))
    def plays() -> None: ...

    assert PolarsParquetIOManager.requires_partition_expr


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (BaseDirectoryError("/x", "reason", "Fix"), "Parquet files cannot be kept in /x: reason. Fix."),
        (MissingPackageError("gs://x", "gcsfs", None), "gs://x needs the package gcsfs, which is not installed."),
        (
            ObjectStorageError("s3://b", "http://h", "read", "no", "Look"),
            "cannot read s3://b at http://h: no. Look.",
        ),
        (ObjectStorageError("s3://b", None, "read", "no", "Look"), "cannot read s3://b: no. Look."),
        (CommitRaceError("a", (K1,), "/x/a", 9, 61.2), "tried 9 times in 61 s. Nothing was replaced."),
        (CommitLogError("/x/1.json", "torn", "Fix"), "the commit log /x/1.json cannot be read: torn. Fix."),
        (DataFileError("a", "/x/a", "gone"), "asset 'a': the files in /x/a cannot be read: gone."),
        (StoredWholeError("a", (K1,), "/x/a"), "asset 'a', partition '2024-01-01': /x/a was stored whole"),
        (PackedFilesError("a", 3), "3 of the files hold rows of other partitions"),
        (VersionGoneError("a", None, 4, "7 days"), "asset 'a': the rows of commit 4 are not kept any more"),
    ],
)
def test_errors_say_their_facts_and_survive_pickling(error: StorageError, says: str):
    assert says in str(error)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
