"""What a person's query may yield: whatever it is, it is shown."""

from __future__ import annotations

import polars as pl
import pytest

from gapless import DuckDBPolarsIOManager
from gapless.storage.duckdb.database.shown_query import fit_to_show


@pytest.fixture
def database(tmp_path):
    import duckdb

    duckdb.connect(tmp_path / "db.duckdb").execute("CREATE TABLE plays AS SELECT 1 AS id, 'a' AS name").close()
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    yield store
    store.close()


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        (
            "SELECT * FROM plays AS p JOIN plays AS q ON p.id = q.id -- twice",
            {"id": 1, "name": "a", "id_1": 1, "name_1": "a"},
        ),
        ("SELECT 1 AS a, 2 AS A, 3 AS a_1;", {"a": 1, "A_1": 2, "a_1_1": 3}),
        ("SELECT INTERVAL 2 DAY AS d", {"d": "2 days"}),
        ("SELECT [INTERVAL 2 DAY] AS d", {"d": "[2 days]"}),
        ("SELECT union_value(a := 1) AS u, 5 AS n", {"u": "1", "n": 5}),
        ("SELECT 'infinity'::TIMESTAMP AS t, '-infinity'::DATE AS d", {"t": "infinity", "d": "-infinity"}),
        ("SELECT DATE '0001-01-01 (BC)' AS d", {"d": "0001-01-01 (BC)"}),
        ("SELECT NULL::DATE AS d", {"d": None}),
        (
            "SELECT {'BITRATE': 1, 'BIT': 2, 'an INTERVAL, ()': 3} AS s",
            {"s": {"BITRATE": 1, "BIT": 2, "an INTERVAL, ()": 3}},
        ),
        ("SELECT [{'a': 'x'::ENUM('x', 'UNION')}] AS l", {"l": [{"a": "x"}]}),
        ("SELECT {'a': '01'::BIT, 'BIT': INTERVAL 1 DAY} AS s", {"s": "{'a': 01, 'BIT': 1 day}"}),
    ],
)
def test_what_a_frame_or_python_cannot_hold_is_shown_as_the_database_writes_it(database, sql, shown):
    assert database.query(sql).to_dicts() == [shown]


def test_an_ordinary_query_is_left_as_it_is(database):
    assert fit_to_show("SELECT 1", ["a", "b"], ["INTEGER", "DATE"]) == "SELECT 1"
    assert database.query("DESCRIBE plays").height == 2
    assert database.query("SELECT * FROM plays").equals(
        pl.DataFrame({"id": [1], "name": ["a"]}, {"id": pl.Int32, "name": pl.String})
    )


@pytest.mark.parametrize("name", ["json", "csv", "parquet", "db", "select", "order"])
def test_an_asset_may_be_called_like_a_kind_of_file(tmp_path, monkeypatch, name):
    import gapless as dg

    monkeypatch.chdir(tmp_path)
    (tmp_path / f"db.public.{name}").write_text("a,b\n1,2\n")  # nor is a file of such a name taken for it

    @dg.asset(name=name, partitions_def=dg.StaticPartitionsDefinition(["eu"]), metadata={"partition_expr": "region"})
    def odd():
        return pl.DataFrame({"region": ["eu"]})

    store = DuckDBPolarsIOManager("db.duckdb")
    for _ in range(2):
        dg.materialize([odd], partition_key="eu", resources={"io_manager": store}, home=tmp_path)
    assert store.query(f'SELECT count(*) AS n FROM public."{name}"')["n"].to_list() == [1]
