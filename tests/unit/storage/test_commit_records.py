"""What a DuckDB file remembers of each commit, and how it reads what an older Gapless wrote."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import duckdb
import polars as pl
import pytest

from gapless import StaticPartitionsDefinition
from gapless.storage.duckdb.commits.commit_records import trim_records
from gapless.storage.duckdb.database.connection import Database
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.slices import Committed, InputVersion, OutputSlices, PartitionSlice, Provenance

KEYS = StaticPartitionsDefinition(["a", "b", "c"])
PLAYS = TableName("public", "plays")


@pytest.fixture
def plays(desk):
    return desk(KEYS, "k")


def frame(key, n=2, **columns):
    return pl.DataFrame({"k": [key] * n, **{name: [value] * n for name, value in columns.items()}})


def put(desk, key, value, **changes):
    (outcome,) = desk.store.commit([desk.store.stage(replace(desk.output(key), **changes), value)])
    assert isinstance(outcome, Committed), outcome
    return outcome


def change(desk, sql):
    """Something that another program does to the file."""
    desk.store.close()
    with duckdb.connect(str(desk.store.database)) as connection:
        return connection.execute(sql).fetchall()


def test_a_commit_is_recorded_with_all_that_is_known_of_it(plays):
    inputs = {"songs": InputVersion(1, "d2-9"), "it's, ☃": InputVersion(31, "f00")}
    made = put(plays, "a", frame("a", x=1), run_id="r", provenance=Provenance("v1", inputs))
    (record,) = plays.store.commit_records(["r"])
    assert plays.store.commits(plays.asset, {}, "a") == [record]
    assert plays.store.committed(plays.asset, {}) == {"a": record}
    assert (str(record.asset), record.partition, record.run_id, record.rows) == ("plays", "a", "r", 2)
    assert record.nbytes == made.nbytes > 0
    assert record.version == made.versions["a"]
    assert (record.code_version, record.inputs) == ("v1", inputs)
    assert record.columns == {"k": "VARCHAR", "x": "BIGINT"}
    assert (record.number, record.restorable) == (1, False)


def test_a_record_has_the_columns_that_its_own_value_had(plays):
    put(plays, "a", frame("a", x=1))
    put(plays, "b", frame("b", x=1, y="s"))
    held = plays.store.committed(plays.asset, {})
    assert {key: list(record.columns) for key, record in held.items()} == {"a": ["k", "x"], "b": ["k", "x", "y"]}


def test_a_schema_is_kept_once_however_many_commits_have_it(plays):
    for _ in range(3):
        plays.commit(*((key, frame(key, x=1)) for key in "abc"))
    put(plays, "a", frame("a", x=1, y=2))
    assert change(plays, "select count(*), count(distinct schema_id) from _gapless.commits") == [(10, 2)]
    assert change(plays, "select count(*) from _gapless.schemas") == [(2,)]


def test_commits_are_listed_newest_first_and_only_of_that_partition(plays):
    for run in ("r1", "r2", "r3"):
        put(plays, "a", frame("a"), run_id=run)
        put(plays, "b", frame("b"), run_id=run)
    assert [record.run_id for record in plays.store.commits(plays.asset, {}, "a")] == ["r3", "r2", "r1"]
    assert [record.run_id for record in plays.store.commits(plays.asset, {}, "a", limit=2)] == ["r3", "r2"]
    assert [record.number for record in plays.store.commits(plays.asset, {}, "b")] == [6, 4, 2]
    assert plays.store.commits(plays.asset, {}, None) == plays.store.commits(plays.asset, {}, "c") == []


def test_the_version_that_the_user_gives_is_the_version(plays):
    made = put(plays, "a", frame("a"), provenance=Provenance(data_version="2024-06 release"))
    assert made.versions == {"a": "2024-06 release"}
    assert plays.store.committed(plays.asset, {})["a"].version == "2024-06 release"


@pytest.mark.parametrize("jump", [timedelta(days=-1), timedelta(microseconds=0), timedelta(days=1)])
def test_the_newest_commit_is_the_newest_whatever_the_clock_said(plays, jump):
    put(plays, "a", frame("a", n=1), run_id="r1")
    # As if the clock had been elsewhere when the first was committed.
    change(plays, f"update _gapless.commits set committed_at = committed_at - interval '{jump.days} days'")
    put(plays, "a", frame("a", n=2), run_id="r2")
    put(plays, "a", frame("a", n=3), run_id="r2")
    assert plays.store.committed(plays.asset, {})["a"].rows == 3
    assert [record.rows for record in plays.store.commits(plays.asset, {}, "a")] == [3, 2, 1]
    assert [record.rows for record in plays.store.commit_records(["r1", "r2"])] == [1, 3]


def test_a_table_made_whole_replaces_its_partitions_although_the_clock_went_back(plays):
    put(plays, "a", frame("a"))
    change(plays, "update _gapless.commits set committed_at = committed_at + interval 1 day")
    output = OutputSlices(plays.asset, (PartitionSlice(None),), None, "whole")
    (outcome,) = plays.store.commit([plays.store.stage(output, frame("x"))])
    assert isinstance(outcome, Committed)
    assert set(plays.store.committed(plays.asset, {})) == {None}


def test_old_records_are_forgotten_but_the_newest_of_each_partition(plays, store):
    for turn in range(5):
        plays.commit(*((key, frame(key, **{f"x{number}": 1 for number in range(turn)})) for key in "ab"))
        put(plays, "c", frame("c", **{f"x{number}": 1 for number in range(turn)}))
    put(plays, "c", frame("c", x0=1, x1=1, x2=1, x3=1).clear())
    with Database.at(store.database).session(5, "trim", "write") as session:
        assert trim_records(session, 2) == 3 + 3 + 4
        assert trim_records(session, 2) == 0
    assert [record.number for record in plays.store.commits(plays.asset, {}, "a")] == [9, 7]
    assert change(plays, "select count(*) from _gapless.schemas") == [(2,)]
    assert set(plays.store.committed(plays.asset, {})) == {"a", "b", "c"}


# As Gapless made it before commits were numbered; never to be edited.
OLD = """
CREATE SCHEMA _gapless;
CREATE TABLE _gapless.commits (
    asset VARCHAR NOT NULL, partition VARCHAR, run_id VARCHAR NOT NULL,
    rows BIGINT NOT NULL, nbytes BIGINT NOT NULL, committed_at TIMESTAMPTZ NOT NULL
);
INSERT INTO _gapless.commits VALUES
    ('plays', 'b', 'r1', 5, 50, '2024-01-02 00:00:00+00'),
    ('plays', 'a', 'r1', 1, 10, '2024-01-01 00:00:00+00'),
    ('plays', 'a', 'r2', 2, 20, '2024-01-02 00:00:00+00');
CREATE SCHEMA public;
CREATE TABLE public.plays AS SELECT 'a' AS k FROM range(2) UNION ALL SELECT 'b' FROM range(5);
"""


@pytest.fixture
def old(plays, tmp_path):
    change(plays, OLD)
    return plays


def test_a_file_of_an_older_gapless_is_read_as_it_is(old):
    held = old.store.committed(old.asset, {})
    assert {key: (record.run_id, record.rows, record.nbytes) for key, record in held.items()} == {
        "a": ("r2", 2, 20),
        "b": ("r1", 5, 50),
    }
    assert (held["a"].version, held["a"].columns, held["a"].inputs, held["a"].number) == (None, {}, {}, 0)
    assert [record.run_id for record in old.store.commits(old.asset, {}, "a")] == ["r2", "r1"]
    assert [record.partition for record in old.store.commit_records(["r1"])] == ["a", "b"]
    assert change(old, "select count(*) from duckdb_columns() where table_name = 'commits'") == [(6,)]


def test_the_first_commit_gives_an_older_file_what_it_lacks(old, store):
    put(old, "a", frame("a", n=3), run_id="r3")
    records = old.store.commits(old.asset, {}, "a")
    assert [(record.number, record.run_id) for record in records] == [(3, "r3"), (2, "r2"), (1, "r1")]
    assert [record.version is None for record in records] == [False, True, True]
    assert old.store.committed(old.asset, {})["b"].number == 2  # in the transaction of its day
    held = old.store.committed(old.asset, {})
    assert {key: dict(record.columns) for key, record in held.items()} == {"a": {"k": "VARCHAR"}, "b": {}}
    put(old, "b", frame("b"))
    assert old.store.committed(old.asset, {})["b"].number == 4


def test_a_refused_commit_leaves_an_older_file_as_it_was(old):
    old.refusal("a", frame("b"))
    assert change(old, "select count(*) from duckdb_columns() where table_name = 'commits'") == [(6,)]


def test_an_older_file_can_be_wiped_and_compacted(old):
    assert old.store.wipe(old.output("a")) == 2
    assert set(old.store.committed(old.asset, {})) == {"b"}
    (done,) = old.store.compact(None)
    assert done.detail == "nothing to give back"


@pytest.mark.parametrize("wiped", ["c", "all"])
def test_the_number_of_a_commit_is_never_given_again(plays, store, wiped):
    for key in "abc":
        put(plays, key, frame(key))
    for number in (4, 5):
        plays.store.wipe(plays.output(*(() if wiped == "all" else wiped)))
        with Database.at(store.database).session(5, "trim", "write") as session:
            trim_records(session, 1)
        put(plays, "c", frame("c"))
        (record,) = plays.store.commits(plays.asset, {}, "c")
        assert record.number == number
    kept = {"c"} if wiped == "all" else {"a", "b", "c"}
    assert set(plays.store.committed(plays.asset, {})) == kept
    assert {record.partition for record in plays.store.commit_records(["run", ""])} == kept


ELSEWHERE = {"table": "plays_v2"}


def test_records_prove_only_what_lies_in_the_table_that_the_asset_has_now(plays):
    for key in "ab":
        put(plays, key, frame(key))
    put(plays, "a", frame("a", n=3), metadata=ELSEWHERE)
    assert {key: it.rows for key, it in plays.store.committed(plays.asset, ELSEWHERE).items()} == {"a": 3}
    assert {key: it.rows for key, it in plays.store.committed(plays.asset, {}).items()} == {"a": 2, "b": 2}
    assert [record.rows for record in plays.store.commits(plays.asset, ELSEWHERE, "a")] == [3]
    assert [record.rows for record in plays.store.commits(plays.asset, {"table": "Plays"}, "a")] == [2]  # DuckDB's case
    plays.store.wipe(replace(plays.output("a"), metadata=ELSEWHERE))
    assert plays.store.committed(plays.asset, ELSEWHERE) == {}
    assert set(plays.store.committed(plays.asset, {})) == {"a", "b"}


def test_each_table_of_an_asset_keeps_its_newest_records(plays, store):
    put(plays, "a", frame("a"))
    for _ in range(3):
        put(plays, "a", frame("a", n=3), metadata=ELSEWHERE)
    with Database.at(store.database).session(5, "trim", "write") as session:
        assert trim_records(session, 1) == 2
    assert set(plays.store.committed(plays.asset, {})) == {"a"}


def test_a_table_that_is_made_anew_has_only_what_was_made_since(plays):
    for key in "ab":
        put(plays, key, frame(key), run_id="before")
    change(plays, "drop table public.plays")
    assert plays.store.committed(plays.asset, {}) == {}
    put(plays, "a", frame("a"), run_id="after")
    assert {key: it.run_id for key, it in plays.store.committed(plays.asset, {}).items()} == {"a": "after"}
    assert [record.number for record in plays.store.commits(plays.asset, {}, "a")] == [3]
    assert plays.store.commits(plays.asset, {}, "b") == []


def test_a_table_without_rows_that_takes_other_columns_keeps_its_records(plays):
    put(plays, "a", frame("a", n=0))
    put(plays, "b", frame("b", x=1))
    assert set(plays.store.committed(plays.asset, {})) == {"a", "b"}


def test_records_that_name_no_table_are_forgotten_when_one_is_made_anew(old):
    put(old, "c", frame("c"))
    assert set(old.store.committed(old.asset, {})) == {"a", "b", "c"}
    put(old, "a", frame("a", n=3), metadata=ELSEWHERE)
    assert {key: record.rows for key, record in old.store.committed(old.asset, ELSEWHERE).items()} == {"a": 3}
    assert set(old.store.committed(old.asset, {})) == {"c"}
