"""What a DuckDB store says of a group in which something unforeseen happens: of each value what is certain of it."""

from __future__ import annotations

import polars as pl
import pytest

from gapless import StaticPartitionsDefinition
from gapless.storage.duckdb.commits import commit_records, group_commit
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.errors import DatabaseFailure, DatabaseLockedError
from gapless.storage.slices import Committed, Refused, Uncertain

KEYS = StaticPartitionsDefinition(["a", "b", "c"])


class Panic(BaseException):
    """As polars raises it: no Exception."""


@pytest.fixture
def plays(desk):
    return desk(KEYS, "k")


def frame(key, rows=2):
    return pl.DataFrame({"k": [key] * rows})


@pytest.mark.parametrize("error", [ValueError("a bug"), Panic("a bug")])
def test_what_breaks_over_one_value_fails_that_one_alone(plays, monkeypatch, error):
    records_of = group_commit._records_of

    def breaking(value, *arguments):
        if value.keys == ("b",):
            raise error
        return records_of(value, *arguments)

    monkeypatch.setattr(group_commit, "_records_of", breaking)
    outcomes = plays.commit(*((key, frame(key)) for key in "abc"))
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused, Committed]
    assert str(outcomes[1].error) == f"asset 'plays', partition 'b': the store failed: {type(error).__name__}: a bug"
    assert plays.read("a", "b", "c")["k"].to_list() == ["a", "a", "c", "c"]


def test_a_wish_to_stop_is_not_swallowed(plays, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(group_commit, "_records_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        plays.commit(("a", frame("a")), ("b", frame("b")))
    monkeypatch.undo()
    plays.write("a", frame("a"))  # nothing is held


def test_what_is_committed_before_the_store_breaks_is_said_to_be_committed(plays, monkeypatch):
    run = group_commit.GroupCommit.run

    def breaking(self, session, numbers):
        run(self, session, numbers[:1])
        raise RuntimeError("a bug")

    monkeypatch.setattr(group_commit.GroupCommit, "run", breaking)
    outcomes = plays.commit(*((key, frame(key)) for key in "ab"))
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused]
    assert str(outcomes[1].error) == "the store failed: RuntimeError: a bug"


@pytest.mark.parametrize("took", [True, False])
def test_nobody_says_what_became_of_a_commit_that_failed_and_cannot_be_looked_up(plays, monkeypatch, took):
    execute = Session.execute
    plays.write("a", frame("a", 1))

    def failing(self, sql, parameters=()):
        if sql == "COMMIT":
            if took:
                execute(self, sql, parameters)
            raise DatabaseFailure(self.database, "Transaction", "the commit broke")
        return execute(self, sql, parameters)

    def locked(*_):
        raise DatabaseLockedError("db.duckdb", "a program", 60)

    monkeypatch.setattr(Session, "execute", failing)
    monkeypatch.setattr(commit_records, "was_committed", locked)
    outcomes = plays.commit(("a", frame("a")), ("b", frame("a")), ("c", frame("c")))
    monkeypatch.undo()
    assert [type(outcome) for outcome in outcomes] == [Uncertain, Refused, Uncertain]
    assert str(outcomes[0].error).startswith("the COMMIT of a transaction failed: DuckDB refused an operation on")
    assert "could not be looked up at once: the database db.duckdb is held by a program" in str(outcomes[0].error)
    assert plays.read("a", "b", "c").height == (4 if took else 1)
