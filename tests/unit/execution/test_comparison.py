"""A database that is deleted, exchanged or restored, and a ledger that is lost: the ledger is put right by the data."""

from __future__ import annotations

import shutil
import subprocess
import sys

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import StorageError
from gapless.ledger.contract import EventKind, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")
DAYS = [f"2024-01-0{day}" for day in range(1, 6)]


@dg.asset(partitions_def=DAILY, metadata={"partition_expr": "date"})
def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2]}).with_columns(date=pl.lit(context.partition_key))


@dg.asset(partitions_def=DAILY)
def letters(context: dg.AssetExecutionContext) -> None:
    """Stores its data itself: nothing of it can be compared."""


def marked(mark):
    """Plays as they are made of another version of their source."""

    @dg.asset(name="plays", partitions_def=DAILY, metadata={"partition_expr": "date"}, code_version=f"v{mark}")
    def fn(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"n": [1, 2, mark]}).with_columns(date=pl.lit(context.partition_key))

    return fn


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def store(folder, name="db.duckdb"):
    return {"io_manager": DuckDBPolarsIOManager(str(folder / name))}


def make(folder, name="db.duckdb", **request):
    result = materialize([plays, letters], resources=store(folder, name), **request)
    assert result.success
    return result.materialized


def planned(folder, name="db.duckdb"):
    with Engine(project_of([plays, letters], store(folder, name)), open_ledger()) as engine:
        plan = engine.plan([plays.key, letters.key], PartitionRequest(), system_clock())
        return plan.total, list(engine.differences.values())


def states():
    ledger = open_ledger()
    try:
        return {key: record.status for key, record in ledger.statuses("plays").items()}
    finally:
        ledger.close()


def rows(folder, name="db.duckdb"):
    with duckdb.connect(str(folder / name), read_only=True) as connection:
        return connection.execute("select count(*), count(distinct date) from public.plays").fetchone()


def test_what_agrees_is_left_alone(folder):
    assert make(folder) == 10
    assert planned(folder) == (0, [])
    assert [run.trigger for run in open_ledger().runs()] == ["manual"]


def test_a_deleted_database_makes_its_partitions_missing_again(folder):
    make(folder)
    (folder / "db.duckdb").unlink()
    total, [difference] = planned(folder)
    assert total == 5
    assert (str(difference.asset), difference.lost, difference.found) == ("plays", frozenset(DAYS), {})
    assert states() == dict.fromkeys(DAYS, Status.MATERIALIZED)  # a plan changes nothing
    assert make(folder) == 5
    assert rows(folder) == (10, 5)


def test_an_emptied_database_file_makes_them_missing_again_and_is_not_taken_for_a_database(folder):
    make(folder)
    (folder / "db.duckdb").write_bytes(b"")
    assert planned(folder)[0] == 5
    with pytest.raises(StorageError, match=r"it is not a DuckDB file\. Choose another path, or move that file"):
        make(folder)


def test_another_database_is_filled_although_the_ledger_knows_the_first(folder):
    make(folder)
    assert make(folder, "prod.duckdb") == 5
    assert rows(folder, "prod.duckdb") == (10, 5)


def test_a_dropped_table_makes_them_missing_again(folder):
    make(folder)
    with duckdb.connect(str(folder / "db.duckdb")) as connection:
        connection.execute("drop table public.plays")
    assert make(folder) == 5
    assert rows(folder) == (10, 5)


def test_a_restored_older_backup_lacks_just_what_was_made_since(folder):
    make(folder, partition_range="2024-01-01..2024-01-03")
    shutil.copy(folder / "db.duckdb", folder / "backup.duckdb")
    make(folder)
    shutil.copy(folder / "backup.duckdb", folder / "db.duckdb")
    total, [difference] = planned(folder)
    assert total == 2
    assert difference.lost == {"2024-01-04", "2024-01-05"}
    assert make(folder) == 2
    assert rows(folder) == (10, 5)


def test_a_backup_of_other_rows_is_told_from_what_was_recorded(folder):
    materialize([marked(3)], resources=store(folder))
    shutil.copy(folder / "db.duckdb", folder / "backup.duckdb")
    materialize([marked(4)], resources=store(folder), partition_keys=DAYS[:2])
    recorded = open_ledger().statuses("plays")
    shutil.copy(folder / "backup.duckdb", folder / "db.duckdb")
    total, [difference] = planned(folder)
    assert total == 5  # of letters; what the backup holds of plays counts as made
    assert set(difference.exchanged) == set(DAYS[:2])
    assert (difference.lost, difference.found, difference.total) == (frozenset(), {}, 2)
    assert open_ledger().statuses("plays") == recorded  # a plan changes nothing
    make(folder)
    held, now = store(folder)["io_manager"].committed(plays.key, {}), open_ledger().statuses("plays")
    assert {key: record.data_version for key, record in now.items()} == {key: it.version for key, it in held.items()}
    assert {record.code_version for record in now.values()} == {"v3"}
    assert {key for key in now if now[key].run_id != recorded[key].run_id} == set(DAYS[:2])
    assert planned(folder) == (0, [])  # put right once and for all


def test_a_backup_of_equal_rows_is_not_another_version(folder):
    make(folder)
    shutil.copy(folder / "db.duckdb", folder / "backup.duckdb")
    make(folder, partition_keys=DAYS[:2])
    shutil.copy(folder / "backup.duckdb", folder / "db.duckdb")
    assert planned(folder) == (0, [])


def test_a_lost_ledger_is_told_by_the_data_what_is_there(folder):
    make(folder, partition_range="2024-01-01..2024-01-03")
    shutil.rmtree(folder / ".gapless")
    total, [difference] = planned(folder)
    assert total == 2 + 5
    assert set(difference.found) == {"2024-01-01", "2024-01-02", "2024-01-03"}
    assert not (folder / ".gapless").exists()  # a plan changes nothing
    assert make(folder, selection=["plays"], partition_key="2024-01-05") == 1
    assert states() == dict.fromkeys([*DAYS[:3], "2024-01-05"], Status.MATERIALIZED)
    ledger = open_ledger()
    assert {e.partition for e in ledger.events(asset="plays", kinds=[EventKind.RECONCILED])} == {*DAYS[:3]}
    assert {record.rows for record in ledger.statuses("plays").values()} == {2}
    assert None not in {record.data_version for record in ledger.statuses("plays").values()}
    ledger.close()
    assert make(folder) == 1 + 5


def test_what_was_wiped_is_not_taken_over_again(folder):
    make(folder)
    with Engine(project_of([plays, letters], store(folder)), open_ledger()) as engine:
        engine.wipe({plays.key: None})
    total, differences = planned(folder)
    assert (total, differences) == (5, [])


def test_a_locked_database_is_not_taken_for_an_empty_one(folder):

    make(folder)
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb; c = duckdb.connect('db.duckdb'); print('in', flush=True); input()"],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    resources = {"io_manager": DuckDBPolarsIOManager(str(folder / "db.duckdb"), lock_timeout=0.2)}
    with Engine(project_of([plays, letters], resources), open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest(), system_clock())
        assert (plan.total, engine.differences) == (0, {})
    holder.communicate("\n")
    assert states() == dict.fromkeys(DAYS, Status.MATERIALIZED)
