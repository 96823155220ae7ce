import sqlite3

import pytest

from gapless.ledger.schema import APPLICATION_ID, MIGRATIONS, VERSION, migrate, version_of


@pytest.fixture
def connection():
    connection = sqlite3.connect(":memory:", isolation_level=None)
    yield connection
    connection.close()


def tables_of(connection):
    return connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2").fetchall()


@pytest.mark.parametrize("earlier", range(VERSION + 1))
def test_upgrading_from_every_earlier_version_gives_the_tables_of_a_fresh_ledger(earlier, connection):
    migrate(connection, MIGRATIONS[:earlier])
    migrate(connection)
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    migrate(fresh)
    assert tables_of(connection) == tables_of(fresh)
    assert version_of(connection) == VERSION
    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    fresh.close()


def test_only_the_missing_steps_are_taken_and_data_stays(connection):
    steps = [["CREATE TABLE a (x)"], ["ALTER TABLE a ADD COLUMN y", "UPDATE a SET y = 2"], ["CREATE TABLE b (x)"]]
    migrate(connection, steps[:1])
    connection.execute("INSERT INTO a VALUES (1)")
    migrate(connection, steps)
    migrate(connection, steps)
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, 2)]
    assert version_of(connection) == 3


def test_a_step_that_fails_leaves_the_version_before(connection):
    migrate(connection, [["CREATE TABLE a (x)"]])
    before = tables_of(connection)
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, [["CREATE TABLE a (x)"], ["CREATE TABLE b (x)", "CREATE TABLE a (x)"]])
    assert tables_of(connection) == before
    assert version_of(connection) == 1
    assert not connection.in_transaction
