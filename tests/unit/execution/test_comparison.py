"""A database that is deleted, exchanged or restored, and a ledger that is lost: the ledger is put right by the data."""

from __future__ import annotations

import shutil
import sys
from subprocess import PIPE

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import StorageError
from gapless.execution.recorded_run import begin_run
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.ledger.recovery import found_committed
from gapless.partitions import OrdinalSet
from gapless.planning.request import PartitionRequest
from nursery import Process
from nursery import run as run_program

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
    code = "import duckdb; c = duckdb.connect('db.duckdb'); print('in', flush=True); input()"
    holder = Process([sys.executable, "-c", code], cwd=folder, stdin=PIPE, stdout=PIPE)
    assert holder.stdout.readline() == "in\n"
    resources = {"io_manager": DuckDBPolarsIOManager(str(folder / "db.duckdb"), lock_timeout=0.2)}
    with Engine(project_of([plays, letters], resources), open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest(), system_clock())
        assert (plan.total, engine.differences) == (0, {})
    holder.communicate("\n")
    assert states() == dict.fromkeys(DAYS, Status.MATERIALIZED)


def moved(metadata):
    """Plays, in a table of their own choice."""

    @dg.asset(name="plays", partitions_def=DAILY, metadata={"partition_expr": "date", **metadata})
    def fn(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"n": [1, 2]}).with_columns(date=pl.lit(context.partition_key))

    return fn


@pytest.mark.parametrize("ledger", ["kept", "lost"])
def test_an_asset_that_moves_to_another_table_has_nothing_there_yet(folder, ledger):
    make(folder, selection=["plays"])
    there = moved({"table": "plays_v2"})
    assert materialize([there], resources=store(folder), partition_key=DAYS[0]).materialized == 1
    if ledger == "lost":
        shutil.rmtree(folder / ".gapless")
    assert materialize([there], resources=store(folder)).materialized == 4
    with duckdb.connect(str(folder / "db.duckdb"), read_only=True) as connection:
        assert connection.execute("select count(distinct date) from public.plays_v2").fetchone() == (5,)


def test_a_table_that_was_dropped_and_begun_anew_lacks_the_others_though_the_ledger_is_lost(folder):
    make(folder, selection=["plays"])
    with duckdb.connect(str(folder / "db.duckdb")) as connection:
        connection.execute("drop table public.plays")
    assert make(folder, selection=["plays"], partition_key=DAYS[0]) == 1
    shutil.rmtree(folder / ".gapless")
    assert make(folder, selection=["plays"]) == 4
    assert rows(folder) == (10, 5)


# Another process makes partitions between this one's plan and its run.
OTHER = """
import sys
import gapless as dg, polars as pl
from gapless import DuckDBPolarsIOManager
from gapless.engine import materialize

@dg.asset(
    partitions_def=dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06"),
    metadata={"partition_expr": "date"},
)
def plays(context) -> pl.DataFrame:
    return pl.DataFrame({"n": [1, 2, 9]}).with_columns(date=pl.lit(context.partition_key))

made = materialize([plays], resources={"io_manager": DuckDBPolarsIOManager("db.duckdb")}, partition_keys=sys.argv[1:])
assert made.success
"""


def planned_before_another_process_makes(folder, keys, then):
    with Engine(project_of([plays], store(folder)), open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest((DAYS[4],)), system_clock())
        assert engine.differences
        other = run_program([sys.executable, "-c", OTHER, *keys], cwd=folder)
        assert other.returncode == 0, other.stderr
        then(engine, plan)


def agreed(folder):
    """That the ledger says of each partition what the data holds; returns the partitions."""
    held, now = store(folder)["io_manager"].committed(plays.key, {}), open_ledger().statuses("plays")
    assert {k: (it.rows, it.data_version) for k, it in now.items() if it.status is Status.MATERIALIZED} == {
        key: (it.rows, it.version) for key, it in held.items()
    }
    assert not open_ledger().runs(states=[RunState.RUNNING])
    return set(held)


def test_what_was_lost_and_made_again_since_the_plan_stays_on_record(folder):
    make(folder, selection=["plays"])
    (folder / "db.duckdb").unlink()
    planned_before_another_process_makes(folder, DAYS[:3], lambda engine, plan: engine.run(plan))
    assert agreed(folder) == {*DAYS[:3], DAYS[4]}


def test_what_was_found_and_made_again_since_the_plan_is_not_recorded_as_it_was(folder):
    make(folder, selection=["plays"])
    shutil.rmtree(folder / ".gapless")
    planned_before_another_process_makes(folder, DAYS[:3], lambda engine, plan: engine.run(plan))
    assert agreed(folder) == set(DAYS)
    assert {key for key, it in open_ledger().statuses("plays").items() if it.rows == 3} == {*DAYS[:3]}


def test_what_was_exchanged_and_made_again_since_the_plan_is_not_recorded_as_it_was(folder):
    materialize([marked(3)], resources=store(folder))
    shutil.copy(folder / "db.duckdb", folder / "backup.duckdb")
    materialize([marked(4)], resources=store(folder), partition_keys=DAYS)
    shutil.copy(folder / "backup.duckdb", folder / "db.duckdb")
    planned_before_another_process_makes(folder, DAYS[:3], lambda engine, plan: engine.run(plan))
    assert agreed(folder) == set(DAYS)


def test_what_a_live_run_holds_is_not_put_right_under_its_hands(folder):
    make(folder, selection=["plays"])
    (folder / "db.duckdb").unlink()
    with Engine(project_of([plays], store(folder)), open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest((DAYS[4],)), system_clock())
        begin_run(engine.ledger, "live", "manual", 1, system_clock())
        engine.ledger.claim("live", "plays", [DAYS[0]], system_clock())
        engine.run(plan)
        assert engine.ledger.leases("live") == [("plays", DAYS[0])]
        engine.ledger.end_run("live", RunState.CANCELED, system_clock())
    assert states() == {DAYS[0]: Status.MATERIALIZED, DAYS[4]: Status.MATERIALIZED}
    _, [difference] = planned(folder)
    assert difference.lost == {DAYS[0]}  # the next one tells


def test_a_database_that_cannot_be_read_any_more_leaves_the_ledger_as_it_is(folder):
    make(folder, selection=["plays"])
    (folder / "db.duckdb").unlink()
    resources = store(folder)
    with Engine(project_of([plays], resources), open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest((DAYS[4],)), system_clock())
        (folder / "db.duckdb").write_bytes(b"no database at all")
        assert not engine.run(plan).success
    assert states() == {**dict.fromkeys(DAYS, Status.MATERIALIZED), DAYS[4]: Status.FAILED}
    assert not open_ledger().runs(states=[RunState.RUNNING])


@pytest.mark.parametrize("first", ["made", "wiped", "restored"])
def test_a_lost_ledger_is_told_of_each_partition_that_it_knows_nothing_of(folder, first):
    resources = {"io_manager": dg.PolarsParquetIOManager(str(folder / "data"))}
    materialize([marked(3)], resources=resources)
    materialize([marked(4)], resources=resources, partition_key=DAYS[0])
    shutil.rmtree(folder / ".gapless")
    project, parquet = project_of([marked(4)], resources), resources["io_manager"]
    with Engine(project, open_ledger()) as engine:
        if first == "made":
            ledger = engine.ledger  # by a Gapless that compared nothing
            begin_run(engine.ledger, "old", "manual", 1, system_clock())
            record = parquet.committed(plays.key, {})[DAYS[0]]
            ledger.record("old", [found_committed("plays", record, system_clock())])
            ledger.end_run("old", RunState.SUCCEEDED, system_clock())
        elif first == "wiped":
            engine.wipe({plays.key: OrdinalSet.span(0, 1)})
        else:
            _, earlier = parquet.commits(plays.key, {}, DAYS[0])
            engine.restore(plays.key, 0, earlier)
            assert states() == dict.fromkeys(DAYS, Status.MATERIALIZED)
    with Engine(project, open_ledger()) as engine:
        plan = engine.plan([plays.key], PartitionRequest(), system_clock())
        assert plan.total == (1 if first == "wiped" else 0)
        engine.run(plan)
        assert {key: it.rows for key, it in engine.ledger.statuses("plays").items()} == dict.fromkeys(DAYS, 3)
        engine.plan([plays.key], PartitionRequest(), system_clock())
        assert engine.differences == {}


def test_rows_that_a_failed_wipe_left_are_not_found_again(folder, monkeypatch):
    make(folder, selection=["plays"])
    resources = store(folder)
    with Engine(project_of([plays], resources), open_ledger()) as engine:
        monkeypatch.setattr(DuckDBPolarsIOManager, "wipe", failing)
        with pytest.raises(OSError, match="no such luck"):
            engine.wipe({plays.key: OrdinalSet.span(0, 2)})
        plan = engine.plan([plays.key], PartitionRequest(), system_clock())
        assert (plan.total, engine.differences) == (2, {})


def failing(*_):
    raise OSError("no such luck")


def test_what_was_lost_and_comes_back_from_a_backup_is_found(folder):
    make(folder, selection=["plays"])
    (folder / "db.duckdb").rename(folder / "backup.duckdb")
    make(folder, selection=["plays"], partition_key=DAYS[0])
    (folder / "db.duckdb").unlink()
    (folder / "backup.duckdb").rename(folder / "db.duckdb")
    assert make(folder, selection=["plays"]) == 0
    assert agreed(folder) == set(DAYS)


def test_what_is_no_partition_any_more_is_not_found(folder):
    resources = store(folder)
    with open_ledger() as ledger:
        ledger.add_dynamic_partitions("regions", ["eu", "us"])

    @dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="regions"), metadata={"partition_expr": "region"})
    def sales(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"region": [context.partition_key]})

    assert materialize([sales], resources=resources).materialized == 2
    shutil.rmtree(folder / ".gapless")
    with open_ledger() as ledger:
        ledger.add_dynamic_partitions("regions", ["us"])
    with Engine(project_of([sales], resources), open_ledger()) as engine:
        plan = engine.plan([sales.key], PartitionRequest(), system_clock())
        assert (plan.total, set(engine.differences[sales.key].found)) == (0, {"us"})
        engine.run(plan)
        engine.plan([sales.key], PartitionRequest(), system_clock())
        assert engine.differences == {}
