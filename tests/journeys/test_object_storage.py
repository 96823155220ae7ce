"""Parquet files under many hands: in a folder, and on an S3-compatible server."""

from __future__ import annotations

import json
import random
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE
from typing import Any

import polars as pl
import pytest

import gapless as dg
from gapless.storage.parquet.errors import CommitRaceError, ObjectStorageError
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, Refused
from nursery import Process
from s3_server import S3Server

WRITER = """
import json, sys
import polars as pl
import gapless as dg
from gapless.storage.slices import Committed, OutputSlices, PartitionSlice

settings, keys, mark, rows, times = json.loads(sys.argv[1])
store = dg.PolarsParquetIOManager(**settings)
number = 0
while times is None or number < times:
    for key in keys:
        output = OutputSlices(dg.AssetKey("plays"), (PartitionSlice(key),), "key", f"run-{mark}")
        frame = pl.DataFrame({"key": [key] * rows, "mark": [f"{mark}-{number}"] * rows})
        (outcome,) = store.commit([store.stage(output, frame)])
        assert isinstance(outcome, Committed), outcome
        print(key, number, flush=True)
    number += 1
"""

Settings = dict[str, Any]


@pytest.fixture
def on_s3(s3_server: S3Server) -> Settings:
    return {"base_dir": f"s3://{s3_server.new_bucket()}/data", "storage_options": s3_server.storage_options}


@pytest.fixture(params=["folder", "s3"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    if request.param == "folder":
        return {"base_dir": str(tmp_path / "data")}
    found: Settings = request.getfixturevalue("on_s3")
    return found


@pytest.fixture
def write(settings: Settings) -> Callable[..., Process]:
    """Start a process that commits to partitions of ``plays``, one after the other."""

    def start(keys: list[str], mark: str, rows: int = 3, times: int | None = 1) -> Process:
        arguments = json.dumps([settings, keys, mark, rows, times])
        return Process([sys.executable, "-c", WRITER, arguments], stdout=PIPE)

    return start


class Road:
    """A way to a server on this machine, which can be closed."""

    def __init__(self, port: int) -> None:
        self.is_open = True
        self._to = ("127.0.0.1", port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._admit, daemon=True).start()

    def close(self) -> None:
        self.is_open = False
        self._door.close()

    def _admit(self) -> None:
        with suppress(OSError):
            while True:
                guest = self._door.accept()[0]
                if not self.is_open:
                    guest.close()
                    continue
                host = socket.create_connection(self._to)
                for ends in ((guest, host), (host, guest)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source, target:
            while (data := source.recv(65536)) and self.is_open:
                target.sendall(data)


def output(*keys: str, run_id: str = "run") -> OutputSlices:
    return OutputSlices(dg.AssetKey("plays"), tuple(map(PartitionSlice, keys)), "key", run_id)


def read(store: Any, *keys: str) -> pl.DataFrame:
    found: pl.DataFrame = store.load(InputSlices(dg.AssetKey("plays"), tuple(map(PartitionSlice, keys)), "key"), Any)
    return found


def test_no_commit_of_two_processes_is_lost(settings: Settings, write: Callable[..., Process]):
    names = {mark: [f"{mark}{n}" for n in range(3)] for mark in "ab"}
    processes = [write(keys, mark, times=2) for mark, keys in names.items()]
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    store = dg.PolarsParquetIOManager(**settings)
    keys = [key for each in names.values() for key in each]
    records = store.committed(dg.AssetKey("plays"), {})
    assert records.keys() == set(keys)
    assert read(store, *keys).group_by("key", "mark").len().height == len(keys)
    numbers = [r.number for key in keys for r in store.commits(dg.AssetKey("plays"), {}, key)]
    assert sorted(numbers) == list(range(1, 2 * len(keys) + 1))
    assert {r.partition for r in store.commit_records(["run-b"])} == set(names["b"])


@pytest.mark.parametrize("settings", ["s3"], indirect=True)
def test_a_partition_that_two_processes_make_is_one_of_theirs(settings: Settings, write: Callable[..., Process]):
    processes = [write(["k"], mark, rows=500, times=3) for mark in "ab"]
    store = dg.PolarsParquetIOManager(**settings)
    while any(process.poll() is None for process in processes):
        if not store.is_empty() and store.committed(dg.AssetKey("plays"), {}):
            rows = read(store, "k")
            assert (rows.height, rows["mark"].n_unique()) == (500, 1)
        time.sleep(0.02)  # to leave them some of the processors
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0]
    assert len(store.commits(dg.AssetKey("plays"), {}, "k")) == 6


@pytest.mark.parametrize("settings", ["folder"], indirect=True)
def test_a_killed_writer_leaves_the_old_rows_or_the_new_ones(settings: Settings, write: Callable[..., Process]):
    store = dg.PolarsParquetIOManager(**settings)
    chance = random.Random(7)
    for trial in range(2):
        process = write(["k", "l"], f"t{trial}", rows=2000, times=None)
        assert process.stdout is not None
        said = ""
        for _ in range(chance.randrange(2, 6)):
            said = process.stdout.readline() or said
        time.sleep(chance.uniform(0, 0.05))
        process.kill()
        rest = process.communicate()[0].splitlines()
        key, number = (rest[-1] if rest else said).split()
        rows = read(store, key)
        assert (rows.height, rows["mark"].n_unique()) == (2000, 1)
        mark, _, reached = rows["mark"][0].partition("-")
        # What was said to be committed is there; one more may be.
        assert (mark, int(reached) - int(number)) in ((f"t{trial}", 0), (f"t{trial}", 1))
    (outcome,) = store.commit([store.stage(output("k"), pl.DataFrame({"key": ["k"], "mark": ["after"]}))])
    assert isinstance(outcome, Committed)


def test_whoever_may_not_wait_is_refused_and_nobody_is_lost(settings: Settings):
    outcomes: dict[str, Committed | Refused] = {}

    def commit(key: str) -> None:
        store = dg.PolarsParquetIOManager(**settings, lock_timeout=0)
        (outcomes[key],) = store.commit([store.stage(output(key), pl.DataFrame({"key": [key], "mark": ["x"]}))])

    threads = [threading.Thread(target=commit, args=(f"k{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [outcome.error for outcome in outcomes.values() if isinstance(outcome, Refused)]
    assert all(isinstance(error, CommitRaceError) for error in refused)
    store = dg.PolarsParquetIOManager(**settings)
    there = {key for key, outcome in outcomes.items() if isinstance(outcome, Committed)}
    assert store.committed(dg.AssetKey("plays"), {}).keys() == there != set()


def test_a_project_runs_on_s3(on_s3: Settings, tmp_path: Path):
    days = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-04")

    @dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"date": [context.partition_key] * 2, "n": [1, 2]})

    @dg.asset
    def total(plays: pl.LazyFrame) -> pl.LazyFrame:
        return plays.select(pl.sum("n"))

    store = dg.PolarsParquetIOManager(**on_s3)
    for key in days.get_partition_keys():
        assert dg.materialize([plays], partition_key=key, resources={"io_manager": store}, home=tmp_path).success
    assert dg.materialize([plays, total], selection=["total"], resources={"io_manager": store}, home=tmp_path).success
    assert store.scan("total").collect()["n"].to_list() == [9]
    assert [file.partition("/data/")[2].rpartition("/")[0] for file in store.files("plays")] == [
        f"plays/partition={key}" for key in days.get_partition_keys()
    ]


def test_small_files_on_s3_are_packed_and_old_ones_deleted(on_s3: Settings, s3_server: S3Server):
    from datetime import UTC, datetime, timedelta

    store = dg.PolarsParquetIOManager(**on_s3)
    for key in ("a", "ü %|b", "it's", "a"):
        store.commit([store.stage(output(key), pl.DataFrame({"key": [key], "mark": ["x"]}))])
    (report,) = store.compact(datetime.now(UTC) + timedelta(days=8))
    assert report.detail == "3 of 3 files packed, 1 old versions collected"
    assert read(store, "it's", "ü %|b").rows() == [("it's", "x"), ("ü %|b", "x")]
    found = s3_server.file_system().find(on_s3["base_dir"])
    assert sum(name.endswith(".parquet") for name in found) == 1


def test_where_polars_cannot_read_by_itself_files_are_fetched_whole(on_s3: Settings):
    from gapless.storage.parquet.object_storage import ObjectFiles

    options = {**on_s3["storage_options"], "config_kwargs": {"connect_timeout": 20}}
    assert ObjectFiles(on_s3["base_dir"], options).scan_options() is None
    store = dg.PolarsParquetIOManager(on_s3["base_dir"], options)
    store.commit([store.stage(output(key), pl.DataFrame({"key": [key], "mark": ["x"]})) for key in "ab"])
    assert read(store, "b", "a").rows() == [("b", "x"), ("a", "x")]


# --- trouble


def refusal(settings: Settings) -> ObjectStorageError:
    store = dg.PolarsParquetIOManager(**settings)
    (outcome,) = store.commit([store.stage(output("k"), pl.DataFrame({"key": ["k"], "mark": ["x"]}))])
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, ObjectStorageError), outcome.error
    return outcome.error


def test_a_missing_bucket_is_named(on_s3: Settings, s3_server: S3Server):
    settings = {**on_s3, "base_dir": "s3://no-such-bucket/data"}
    says = f"s3://no-such-bucket/data at {s3_server.endpoint}: there is no such bucket. Create it, or correct base_dir."
    assert says in str(refusal(settings))
    with pytest.raises(ObjectStorageError, match="there is no such bucket"):
        dg.PolarsParquetIOManager(**settings).is_empty()


@pytest.mark.parametrize("name", ["key", "secret"])
def test_wrong_credentials_are_told(on_s3: Settings, name: str):
    options = {**on_s3["storage_options"], name: "Mallory"}
    error = refusal({**on_s3, "storage_options": options})
    assert "it refuses these credentials (Forbidden): they are wrong, or may not do that. Check the key" in str(error)
    assert "Mallory" not in str(error)


def test_a_server_that_is_down_is_told_and_one_that_comes_back_is_used(on_s3: Settings, s3_server: S3Server):
    road = Road(int(s3_server.endpoint.rpartition(":")[2]))
    options = {**on_s3["storage_options"], "endpoint_url": road.endpoint}
    options["config_kwargs"] = {"retries": {"max_attempts": 0}}
    store = dg.PolarsParquetIOManager(on_s3["base_dir"], options)

    def commit(mark: str) -> Any:
        return store.commit([store.stage(output("k"), pl.DataFrame({"key": ["k"], "mark": [mark]}))])[0]

    try:
        assert isinstance(commit("x"), Committed)
        road.is_open = False
        outcome = commit("y")
        assert isinstance(outcome, Refused)
        assert f"at {road.endpoint}: it does not answer" in str(outcome.error)
        assert "Check that the server runs" in str(outcome.error)
        road.is_open = True
        assert isinstance(commit("z"), Committed)
    finally:
        road.close()


def test_no_credentials_are_told(on_s3: Settings, monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    endpoint = on_s3["storage_options"]["endpoint_url"]
    error = refusal({**on_s3, "storage_options": {"endpoint_url": endpoint, "anon": False}})
    assert "no credentials were found. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY" in str(error)


def test_wiping_needs_no_file_to_be_there(settings: Settings):
    store = dg.PolarsParquetIOManager(**settings)
    assert store.wipe(replace(output("k"), partition_expr="key")) == 0
    assert store.is_empty()
