"""Where the database is, which table an asset gets, and who would be in whose way."""

from __future__ import annotations

import pickle

import polars as pl
import pytest

from gapless import DuckDBResource, EnvVar
from gapless.asset_key import AssetKey
from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import NoPartitionExpressionError, TableNameError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.slices import Committed, OutputSlices, PartitionSlice

WHOLE = OutputSlices(AssetKey("plays"), (PartitionSlice(None),), None, "run")
FRAME = pl.DataFrame({"n": [1]})


def committed(store, output=WHOLE):
    (outcome,) = store.commit([store.stage(output, FRAME)])
    store.close()
    assert isinstance(outcome, Committed), outcome
    return outcome


def place(store, key="plays", **metadata):
    return store.location_of(AssetKey.of(key), metadata)


def test_a_variable_of_the_environment_names_the_file_and_the_schema(tmp_path, monkeypatch):
    store = DuckDBPolarsIOManager(EnvVar("DB_FILE"), schema=EnvVar("DB_SCHEMA"))
    monkeypatch.setenv("DB_FILE", str(tmp_path / "real.duckdb"))
    monkeypatch.setenv("DB_SCHEMA", "mart")
    assert committed(store).table == "mart.plays"
    assert (tmp_path / "real.duckdb").exists()


@pytest.mark.parametrize(("missing", "what"), [("DB_FILE", "database"), ("DB_SCHEMA", "schema")])
@pytest.mark.parametrize("value", [None, ""])
def test_a_variable_that_is_not_set_is_named_before_anything_is_written(tmp_path, monkeypatch, missing, what, value):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DB_FILE", str(tmp_path / "real.duckdb"))
    monkeypatch.setenv("DB_SCHEMA", "mart")
    if value is None:
        monkeypatch.delenv(missing)
    else:
        monkeypatch.setenv(missing, value)
    store = DuckDBPolarsIOManager(EnvVar("DB_FILE"), schema=EnvVar("DB_SCHEMA"))
    with pytest.raises(TableNameError) as caught:
        store.stage(WHOLE, FRAME)
    assert str(caught.value) == f"the {what} is EnvVar('{missing}'), which has no value. Set it: export {missing}=…."
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("from_environment", [False, True])
def test_a_relative_path_is_relative_to_where_the_manager_was_made(tmp_path, monkeypatch, from_environment):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    home.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(home)
    store = DuckDBPolarsIOManager(EnvVar("DB_FILE") if from_environment else "db.duckdb")
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("DB_FILE", "db.duckdb")
    copy = pickle.loads(pickle.dumps(store))
    committed(store)
    assert copy.database == store.database == home / "db.duckdb"
    assert (home / "db.duckdb").exists()
    assert list(elsewhere.iterdir()) == []


def test_an_absolute_path_needs_no_working_directory(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    committed(DuckDBPolarsIOManager(tmp_path / "db.duckdb"))
    assert (tmp_path / "db.duckdb").exists()
    monkeypatch.chdir(tmp_path)


def test_a_file_without_a_byte_holds_nothing_and_is_left_alone(tmp_path):
    path = tmp_path / "db.duckdb"
    path.touch()
    store = DuckDBPolarsIOManager(path)
    assert store.is_empty()
    assert (store.tables(), store.commit_records(["run"]), store.committed(WHOLE.asset, {})) == ([], [], {})
    assert store.wipe(WHOLE) == 0
    (outcome,) = store.commit([store.stage(WHOLE, FRAME)])
    assert "it is not a DuckDB file. Choose another path, or move that file out of the way." in str(outcome.error)
    assert path.stat().st_size == 0


def test_records_without_their_table_vouch_for_nothing(tmp_path):
    import duckdb

    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    committed(store)
    with duckdb.connect(store.database) as own:
        own.execute("drop table public.plays")
    assert store.committed(WHOLE.asset, {}) == {}
    assert not store.is_empty()
    store.close()


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema", "Temp", "system", "_gapless"])
def test_schemas_that_are_not_for_assets_are_refused_with_the_way_out(tmp_path, schema):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb", schema)
    with pytest.raises(TableNameError) as caught:
        store.stage(WHOLE, FRAME)
    whose = "where Gapless keeps its own records" if schema == "_gapless" else "which is DuckDB's own"
    assert str(caught.value) == (
        f"asset 'plays' would lie in the schema {schema!r}, {whose}. Choose another with metadata {{\"schema\": …}}."
    )


def test_places_are_equal_if_and_only_if_duckdb_takes_the_tables_for_one(tmp_path):
    store, mart = (DuckDBPolarsIOManager(tmp_path / "db.duckdb", schema) for schema in (None, "mart"))
    assert place(store, "plays") == f"the table public.plays of {tmp_path / 'db.duckdb'}"
    assert (
        place(store, "a/x/t")
        == place(store, "b/x/t")
        == place(store, "X/T")
        == place(store, "u", schema="x", table="t")
    )
    assert place(mart, "x/t") == place(mart, "y/t") == place(store, "mart/t")
    assert place(store, "x/ü") != place(store, "x/Ü")  # DuckDB ignores the case of A to Z only
    assert place(store, "t", schema="a.b") != place(store, "b.t", schema="a")
    for name in ("ü", "Ü"):
        committed(store, OutputSlices(AssetKey(["x", name]), WHOLE.slices, None, "run"))
    assert store.tables() == ["x.Ü", "x.ü"]
    store.close()


def test_places_follow_links_and_variables(tmp_path, monkeypatch):
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    direct = DuckDBPolarsIOManager("db.duckdb")
    assert place(direct) == place(DuckDBPolarsIOManager(tmp_path / "link" / "db.duckdb"))
    variable = DuckDBPolarsIOManager(EnvVar("DB_FILE"))
    assert place(variable) == "the table public.plays of EnvVar('DB_FILE')"
    assert place(variable) == place(DuckDBPolarsIOManager(EnvVar("DB_FILE"))) != place(direct)
    monkeypatch.setenv("DB_FILE", "db.duckdb")
    assert place(variable) == place(direct)
    monkeypatch.setenv("DB_FILE", "other.duckdb")  # asking has settled nothing
    assert variable.database == tmp_path / "other.duckdb"
    assert "EnvVar('DB_SCHEMA')".lower() in place(DuckDBPolarsIOManager("db.duckdb", EnvVar("DB_SCHEMA")))


def test_a_partition_without_an_expression_is_told_what_to_add(desk):
    with pytest.raises(NoPartitionExpressionError) as caught:
        desk(DailyPartitionsDefinition("2024-01-01"), None).write("2024-01-01", FRAME)
    assert str(caught.value) == (
        "asset 'plays', partition '2024-01-01': nothing says which rows of the table public.plays belong to it. Add"
        ' metadata={"partition_expr": "date"} to @asset, with the name of the column that tells, or an SQL expression.'
    )


def test_whether_a_store_is_empty_is_told_without_duckdb(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys; from gapless.storage.duckdb.store import DuckDBPolarsIOManager as M;"
        f" print(M({str(tmp_path / 'db.duckdb')!r}).is_empty(), 'duckdb' in sys.modules, 'polars' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "True False False\n"


def test_the_lock_timeout_may_come_from_the_environment(tmp_path, monkeypatch):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb", lock_timeout=EnvVar.int("PATIENCE"))
    monkeypatch.setenv("PATIENCE", "3")
    assert store.tables() == []
    output = OutputSlices(AssetKey("t"), (PartitionSlice(None),), None, "run")
    store.commit([store.stage(output, pl.DataFrame({"n": [1]}))])
    store.close()
    monkeypatch.delenv("PATIENCE")
    with pytest.raises(TableNameError, match=r"which has no value\. Set it: export PATIENCE="):
        store.query("SELECT 1")


@pytest.mark.parametrize("given", [-1, "x", None, float("nan")])
@pytest.mark.parametrize("kind", [DuckDBPolarsIOManager, PolarsParquetIOManager])
def test_a_lock_timeout_that_is_none_is_refused(tmp_path, kind, given):
    store = kind(tmp_path / "place", lock_timeout=given)
    output = OutputSlices(AssetKey("t"), (PartitionSlice(None),), None, "run")
    try:
        (outcome,) = store.commit([store.stage(output, pl.DataFrame({"n": [1]}))])
        error = outcome.error
    except TableNameError as raised:  # before anything is staged
        error = raised
    assert str(error) == (
        f"the lock_timeout is {given!r}, and that is no number of seconds. Set it to a number that is at least 0, such"
        " as 60."
    )


def test_a_lock_timeout_of_a_resource_that_is_none_is_refused(tmp_path):
    with pytest.raises(TableNameError, match=r"the lock_timeout is -1[.]0, and that is no number of seconds"):
        DuckDBResource(database=str(tmp_path / "a.duckdb"), lock_timeout=-1).get_connection()


def test_a_file_that_is_deleted_while_it_is_open_is_not_written_to_any_more(tmp_path):
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    output = OutputSlices(AssetKey("t"), (PartitionSlice(None),), None, "run")
    [first] = store.commit([store.stage(output, pl.DataFrame({"n": [1]}))])
    (tmp_path / "db.duckdb").unlink()
    [second] = store.commit([store.stage(output, pl.DataFrame({"n": [2]}))])
    store.close()
    assert isinstance(first, Committed)
    assert isinstance(second, Committed)
    assert (tmp_path / "db.duckdb").exists()
    assert store.query("SELECT n FROM t")["n"].to_list() == [2]
    store.close()
