"""A person's query reads tables and files, and writes neither."""

from __future__ import annotations

import polars as pl
import pytest

from gapless.partitions import StaticPartitionsDefinition
from gapless.storage.errors import QueryError


@pytest.fixture
def store(store, desk, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk(StaticPartitionsDefinition(["eu"])).write("eu", pl.DataFrame({"at": ["eu"] * 3, "n": [1, 2, 3]}))
    return store


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM plays",
        "from plays",
        "WITH p AS (FROM plays) SELECT * FROM p;",
        "-- what is there\n/* all */ FROM plays",
        "VALUES (1)",
        "TABLE plays",
        "DESCRIBE plays",
        "SUMMARIZE plays",
        "SHOW TABLES",
        "SHOW ALL TABLES",
        "PIVOT plays ON n USING count(*)",
        "FROM (PIVOT plays ON n USING count(*))",
        "EXPLAIN FROM plays",
        "explain analyze select * from plays",
        "EXPLAIN (FORMAT json) SELECT 1",
        "PRAGMA table_info('plays')",
        "pragma database_size",
    ],
)
def test_what_reads_is_answered(store, sql):
    assert store.query(sql).height > 0


@pytest.mark.parametrize(
    ("sql", "word"),
    [
        ("COPY plays TO 'out.csv'", "COPY"),
        ("/* just */ copy (from plays) to 'out.csv'", "COPY"),
        ("COPY (PIVOT plays ON n USING count(*)) TO 'out.csv'", "COPY"),
        ("EXPLAIN ANALYZE COPY plays TO 'out.csv'", "COPY"),
        ("explain (analyze, format json) copy plays to 'out.csv'", "COPY"),
        ("EXPLAIN COPY plays TO 'out.csv'", "COPY"),
        ("ATTACH 'out.duckdb'", "ATTACH"),
        ("EXPORT DATABASE 'out'", "EXPORT"),
        ("IMPORT DATABASE 'in'", "IMPORT"),
        ("INSTALL spatial", "INSTALL"),
        ("LOAD spatial", "LOAD"),
        ("SET threads = 1", "SET"),
        ("PRAGMA threads = 1", "PRAGMA"),
        ("PRAGMA enable_profiling", "PRAGMA"),
        ("PRAGMA force_checkpoint", "PRAGMA"),
        ("CHECKPOINT", "CHECKPOINT"),
        ("CREATE TABLE t AS PIVOT plays ON n USING count(*)", "CREATE"),
        ("CREATE TEMP TABLE t (i INT)", "CREATE"),
        ("INSERT INTO plays VALUES ('eu', 4)", "INSERT"),
        ("DELETE FROM plays", "DELETE"),
        ("UPDATE plays SET n = 0", "UPDATE"),
        ("DROP TABLE plays", "DROP"),
        ("BEGIN", "BEGIN"),
        ("USE memory", "USE"),
        ("PREPARE q AS FROM plays", "PREPARE"),
        ("CALL enable_logging()", "CALL"),
        ("SELECT * FROM enable_logging(storage = 'file', storage_path = 'logs')", "enable_logging"),
    ],
)
def test_what_writes_is_refused_and_leaves_no_trace(store, tmp_path, sql, word):
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(QueryError) as caught:
        store.query(sql)
    assert str(caught.value) == (
        f"the query failed: {word} is no reading, and a query may read, with SELECT, FROM, WITH, VALUES, PIVOT,"
        " SUMMARIZE, DESCRIBE, SHOW, EXPLAIN or PRAGMA"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert store.query("FROM plays").height == 3


@pytest.mark.parametrize(("sql", "found"), [("", 0), ("-- nothing", 0), ("FROM plays; FROM plays", 2)])
def test_a_query_is_one_statement(store, sql, found):
    with pytest.raises(QueryError, match=f"expected one statement, not {found}"):
        store.query(sql)


def test_a_write_hidden_in_a_query_is_stopped_by_the_transaction(store):
    with pytest.raises(QueryError, match="read-only"):
        store.query("WITH w AS (INSERT INTO plays VALUES ('eu', 4) RETURNING n) FROM w")
    assert store.query("FROM plays").height == 3
