"""SQL by hand on the file that an IO manager keeps its tables in."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager, DuckDBResource, EnvVar
from gapless.errors import DefinitionError, InvocationError, StorageError
from gapless.storage.duckdb.database.connection import Database
from gapless.storage.duckdb.hand_written_sql import OpenTransactionError
from gapless.storage.errors import DatabaseLockedError, DatabaseUnusableError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "db.duckdb"


@pytest.fixture
def resource(path):
    return DuckDBResource(database=str(path), lock_timeout=5.0)


@pytest.fixture
def filled(resource):
    with resource.get_connection() as connection:
        connection.execute("CREATE TABLE plays AS SELECT unnest([1, 2, 3]) AS n")
    return resource


def numbers(resource) -> list[int]:
    with resource.get_connection(read_only=True) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM plays ORDER BY n").fetchall()]


def opened_by_another_process(path) -> str:
    program = f"import duckdb; print(duckdb.connect({str(path)!r}).execute('SELECT 42').fetchall())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def test_each_statement_commits_itself(filled):
    with filled.get_connection() as connection:
        connection.execute("INSERT INTO plays VALUES (4)")

    assert numbers(filled) == [1, 2, 3, 4]


def test_what_a_block_did_in_a_transaction_is_rolled_back_when_it_raises(filled):
    def block() -> None:
        with filled.get_connection() as connection:
            connection.execute("BEGIN")
            connection.execute("DELETE FROM plays")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        block()
    assert numbers(filled) == [1, 2, 3]


def test_a_transaction_that_is_committed_stays(filled):
    with filled.get_connection() as connection:
        connection.execute("BEGIN")
        connection.execute("DELETE FROM plays WHERE n > 1")
        connection.execute("COMMIT")

    assert numbers(filled) == [1]


def test_a_transaction_that_is_left_open_is_an_error_rather_than_a_loss(filled, path):
    with pytest.raises(OpenTransactionError) as caught, filled.get_connection() as connection:
        connection.execute("BEGIN; DELETE FROM plays")

    assert str(caught.value) == (
        f"the block of get_connection() on {path} ended with a transaction open; what it did was rolled back."
        " End it with connection.execute('COMMIT'), or leave BEGIN out: each statement then commits itself."
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert numbers(filled) == [1, 2, 3]


def test_sql_that_duckdb_refuses_raises_duckdbs_own_error_and_lets_go_of_the_file(filled, path):
    with pytest.raises(duckdb.CatalogException), filled.get_connection() as connection:
        connection.execute("SELECT * FROM nowhere")

    assert opened_by_another_process(path) == "[(42,)]"


def test_the_file_is_free_after_the_block(filled, path):
    assert opened_by_another_process(path) == "[(42,)]"


def test_results_that_outlive_the_block_do_not_hold_the_file(filled, path):
    with filled.get_connection() as connection:
        relation = connection.sql("SELECT * FROM plays")

    assert opened_by_another_process(path) == "[(42,)]"
    with pytest.raises(duckdb.ConnectionException):
        relation.fetchall()


def test_a_block_that_only_reads_can_change_nothing(filled):
    with (
        pytest.raises(duckdb.Error, match="read-only"),
        filled.get_connection(read_only=True) as connection,
    ):
        connection.execute("DELETE FROM plays")

    assert numbers(filled) == [1, 2, 3]


def test_a_block_that_only_reads_sees_one_picture_while_others_write(filled):
    with Database.at(filled.path).session(5, "test", "write"):
        pass  # open for writing from now on, so that both can be under way at once
    seen = []
    with filled.get_connection(read_only=True) as connection:
        seen.append(connection.execute("SELECT count(*) FROM plays").fetchone())
        writer = threading.Thread(target=_insert, args=(filled,))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
        seen.append(connection.execute("SELECT count(*) FROM plays").fetchone())

    assert seen == [(3,), (3,)]
    assert numbers(filled) == [1, 2, 3, 4]


def _insert(resource) -> None:
    with resource.get_connection() as connection:
        connection.execute("INSERT INTO plays VALUES (4)")


def test_reading_a_file_that_is_not_there_says_so(resource, path):
    with pytest.raises(DatabaseUnusableError, match="it does not exist"), resource.get_connection(read_only=True):
        pass
    assert not path.exists()


def test_blocks_of_one_thread_nest_and_share_the_connection(filled):
    with filled.get_connection() as outer:
        outer.execute("BEGIN")
        outer.execute("INSERT INTO plays VALUES (4)")
        with filled.get_connection() as inner, filled.get_connection(read_only=True) as innermost:
            assert inner is outer
            assert innermost.execute("SELECT count(*) FROM plays").fetchone() == (4,)
        outer.execute("COMMIT")

    assert numbers(filled) == [1, 2, 3, 4]


def test_a_block_that_writes_inside_of_one_that_only_reads_is_refused_at_once(filled, path):
    with (
        filled.get_connection(read_only=True),
        pytest.raises(InvocationError, match="was called inside of get_connection\\(read_only=True\\)") as caught,
        filled.get_connection(),
    ):
        pass
    assert "Leave read_only out of the outer one" in str(caught.value)


def test_blocks_of_several_threads_take_turns(filled):
    def add(_: int) -> None:
        with filled.get_connection() as connection:
            connection.execute("BEGIN")
            ((highest,),) = connection.execute("SELECT max(n) FROM plays").fetchall()
            connection.execute("INSERT INTO plays VALUES (?)", [highest + 1])
            connection.execute("COMMIT")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(20)))

    assert numbers(filled) == list(range(1, 24))


def test_without_with_there_is_an_error_that_says_how(resource):
    with pytest.raises(InvocationError) as caught:
        resource.get_connection().execute("SELECT 1")

    assert str(caught.value) == (
        "get_connection().execute was used without `with`. Write: with database.get_connection() as connection: …"
    )


def test_new_tables_lie_where_assets_do(resource):
    with resource.get_connection() as connection:
        connection.execute("CREATE TABLE log (n INT)")
        assert connection.execute("SELECT schema_name FROM duckdb_tables()").fetchall() == [("public",)]


def test_settings_are_duckdbs(path):
    resource = DuckDBResource(database=str(path), connection_config={"threads": 1, "enable_progress_bar": False})

    with resource.get_connection() as connection:
        assert connection.execute("SELECT current_setting('threads')").fetchone() == (1,)


def test_a_setting_that_duckdb_does_not_have_is_refused(path):
    resource = DuckDBResource(database=str(path), connection_config={"treads": 1})

    with pytest.raises(StorageError, match="treads"), resource.get_connection():
        pass
    assert opened_by_another_process(path) == "[(42,)]"


def test_settings_come_from_the_environment(path, monkeypatch):
    resource = DuckDBResource(database=EnvVar("DB_FILE"))
    with pytest.raises(DefinitionError, match="DB_FILE, which is not set"):
        resource.get_connection()

    monkeypatch.setenv("DB_FILE", str(path))
    with resource.get_connection() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert path.exists()


@pytest.mark.parametrize("database", [":memory:", "md:mine", ""])
def test_what_is_no_file_is_refused(database):
    with pytest.raises(DefinitionError, match="is not a file"):
        DuckDBResource(database=database).get_connection()


def test_a_relative_path_counts_from_where_the_resource_was_made(tmp_path, monkeypatch):
    (tmp_path / "made").mkdir()
    monkeypatch.chdir(tmp_path / "made")
    resource = DuckDBResource(database="db.duckdb")
    monkeypatch.chdir(tmp_path)

    with resource.with_environment("duckdb").get_connection() as connection:
        connection.execute("CREATE TABLE t (n INT)")

    assert (tmp_path / "made" / "db.duckdb").exists()


def test_a_connection_of_ones_own_in_the_same_process_is_told_of_the_resource(filled, path):
    mine = duckdb.connect(str(path))
    try:
        with (
            pytest.raises(DatabaseLockedError, match="give its code a DuckDBResource") as caught,
            DuckDBResource(database=str(path), lock_timeout=0.1).get_connection(),
        ):
            pass
        assert "another connection of this very process" in str(caught.value)
    finally:
        mine.close()


def run(assets, path, home, **resources):
    manager = DuckDBPolarsIOManager(database=str(path))
    return dg.materialize(assets, resources={"io_manager": manager, **resources}, home=home, raise_on_error=False)


DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-21")


def test_functions_use_it_while_their_own_output_goes_to_the_same_file(path, tmp_path, resource):
    @dg.asset(partitions_def=DAYS, metadata={"partition_expr": "date"})
    def plays(context: dg.AssetExecutionContext, duckdb: DuckDBResource) -> pl.DataFrame:
        with duckdb.get_connection() as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS log (day VARCHAR)")
            connection.execute("INSERT INTO log VALUES (?)", [context.partition_key])
        return pl.DataFrame({"date": [context.partition_key], "n": [1]})

    @dg.asset(partitions_def=DAYS, metadata={"partition_expr": "date"}, deps=[plays])
    def doubled(context: dg.AssetExecutionContext, duckdb: DuckDBResource) -> pl.DataFrame:
        with duckdb.get_connection(read_only=True) as connection:
            return connection.sql(
                "SELECT date, n * 2 AS n FROM plays WHERE date = $day", params={"day": context.partition_key}
            ).pl()

    result = run([plays, doubled], path, tmp_path / "home", duckdb=resource)

    assert result.success, result.failed
    with resource.get_connection(read_only=True) as connection:
        assert connection.execute("SELECT count(*), count(DISTINCT day) FROM log").fetchone() == (20, 20)
        assert connection.execute("SELECT count(*), sum(n) FROM doubled").fetchone() == (20, 40)


def test_a_function_that_opens_the_file_itself_is_told_what_to_do(path, tmp_path):
    @dg.asset
    def first() -> pl.DataFrame:
        return pl.DataFrame({"n": [1]})

    @dg.asset
    def second(first: pl.DataFrame) -> None:
        duckdb.connect(str(path))

    result = run([first, second], path, tmp_path / "home")

    (failed,) = result.failed
    assert "hint: Gapless holds that file open" in failed.detail
    assert "with database.get_connection() as connection:" in failed.detail
