"""What loading checks about the tables that assets lie in, with the manager that users have."""

from __future__ import annotations

import pytest

from gapless import (
    AssetIn,
    DailyPartitionsDefinition,
    DuckDBPolarsIOManager,
    EnvVar,
    asset,
)
from gapless.definitions.definitions import project_of
from gapless.definitions.errors import DefinitionErrors
from gapless.errors import DefinitionError

DAILY = DailyPartitionsDefinition("2024-01-01")


def made(key: str, **how):
    @asset(key=key, **how)
    def function(): ...

    return function


@pytest.fixture
def tables(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(tmp_path / "db.duckdb")}


def refusal(assets, resources) -> str:
    with pytest.raises(DefinitionError) as caught:
        project_of(assets, resources)
    assert "test_tables_of_assets.py:" in str(caught.value)
    return str(caught.value)


def test_two_assets_in_one_table_are_both_named_with_the_way_out(tmp_path, tables):
    one, two = made("a/x/t"), made("b/x/t")
    assert refusal([one, two], tables) == (
        f"{two.where}: assets 'a/x/t' ({one.where}) and 'b/x/t' ({two.where}) both lie in the table x.t of"
        f" {tmp_path / 'db.duckdb'}: each would overwrite the other. Give one of them a place of its own with"
        ' metadata={"schema": "…"} or {"table": "…"}, or another name.'
    )
    assert project_of([one, made("b/x/t", metadata={"schema": "b"})], tables)
    assert project_of([one, made("b/x/t", metadata={"table": "u"})], tables)


@pytest.mark.parametrize(
    "pair",
    [
        (made("T"), made("t")),
        (made("x/t"), made("t", metadata={"schema": "X"})),
        (made("t"), made("u", metadata={"table": "t"})),
    ],
    ids=["case", "schema", "table"],
)
def test_other_ways_into_one_table(tables, pair):
    assert "both lie in the table" in refusal(pair, tables)


def test_a_schema_of_the_manager_brings_prefixes_together(tmp_path):
    main = {"io_manager": DuckDBPolarsIOManager(tmp_path / "db.duckdb", schema="main")}
    assert "both lie in the table main.t of" in refusal([made("x/t"), made("y/t")], main)


def test_two_managers_of_one_file_are_one_place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, two = DuckDBPolarsIOManager("db.duckdb"), DuckDBPolarsIOManager(tmp_path / "db.duckdb", schema="public")
    assets = [made("t"), made("x/t", io_manager_key="two")]
    assert "both lie in the table public.t" in refusal(assets, {"io_manager": one, "two": two})
    assert project_of(assets, {"io_manager": one, "two": DuckDBPolarsIOManager("other.duckdb", schema="public")})


def test_variables_without_a_value_go_by_their_names():
    names = {"one": "DB_ONE", "two": "DB_TWO", "again": "DB_ONE"}
    resources = {key: DuckDBPolarsIOManager(EnvVar(name)) for key, name in names.items()}
    one, two, again = (made(f"{key}/x/t", io_manager_key=key) for key in names)
    assert project_of([one, two], resources)
    assert "both lie in the table x.t of EnvVar('DB_ONE')" in refusal([one, again], resources)


def test_assets_that_keep_their_own_data_lie_in_no_table(tables):
    @asset(key="b/x/t")
    def own() -> None: ...

    assert project_of([made("a/x/t"), own], tables)


def test_managers_that_cannot_say_where_things_lie_are_not_asked(memory):
    assert project_of([made("a/x/t"), made("b/x/t")], memory)


@pytest.mark.parametrize("schema", ["pg_catalog", "information_schema", "_gapless", "temp", "system"])
def test_schemas_that_are_not_for_assets_are_refused_at_load(tables, schema):
    plays = made(f"{schema}/plays")
    message = refusal([plays], tables)
    assert message.startswith(f"{plays.where}: asset '{schema}/plays' would lie in the schema '{schema}', ")
    assert message.endswith('. Choose another with metadata {"schema": …}.')


def test_the_real_manager_wants_a_partition_expr(tables):
    plays = made("plays", partitions_def=DAILY)
    assert refusal([plays], tables).startswith(
        f"{plays.where}: asset 'plays' is partitioned and stored in a table by DuckDBPolarsIOManager, but does not say"
    )
    assert project_of([made("plays", partitions_def=DAILY, metadata={"partition_expr": "date"})], tables)
    assert project_of([made("whole")], tables)


@pytest.mark.parametrize("columns", [[], "id", [1], {"id": 1}, 3])
def test_columns_of_an_input_are_a_list_of_names(tables, columns):
    @asset(ins={"plays": AssetIn(metadata={"columns": columns})})
    def total(plays): ...

    assert refusal([made("plays"), total], tables) == (
        f"{total.where}: asset 'total' asks for the columns {columns!r} of 'plays'; expected a list of names."
        ' Write metadata={"columns": ["id"]}, or leave it out for all columns.'
    )


@pytest.mark.parametrize("columns", [["id"], ("id", "n"), None])
def test_a_list_of_columns_is_taken(tables, columns):
    @asset(ins={"plays": AssetIn(metadata={"columns": columns})})
    def total(plays): ...

    assert project_of([made("plays"), total], tables)


def test_all_clashes_are_told_at_once(tables):
    with pytest.raises(DefinitionErrors) as caught:
        project_of([made("a/x/t"), made("b/x/t"), made("c/x/t")], tables)
    assert len(caught.value.errors) == 2
