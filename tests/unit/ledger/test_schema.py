import sqlite3
from datetime import UTC, datetime

import pytest

from gapless.ledger.contract import Status, StatusRecord
from gapless.ledger.schema import APPLICATION_ID, MIGRATIONS, VERSION, migrate, version_of
from gapless.ledger.sqlite import SQLiteLedger
from gapless.testing.ledger_processes import materialized


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


# As the second version of the ledger made them; never to be edited.
VERSION_2 = """
CREATE TABLE statuses (
    asset TEXT NOT NULL, partition TEXT NOT NULL, status TEXT NOT NULL, run_id TEXT NOT NULL,
    updated_at BIGINT NOT NULL, committed_at BIGINT, rows BIGINT, nbytes BIGINT, code_version TEXT, reason TEXT,
    PRIMARY KEY (asset, partition)
) WITHOUT ROWID;
CREATE TABLE leases (
    asset TEXT NOT NULL, partition TEXT NOT NULL, run_id TEXT NOT NULL, claimed_at BIGINT NOT NULL,
    PRIMARY KEY (asset, partition)
) WITHOUT ROWID;
INSERT INTO statuses VALUES ('plays', 'a', 'materialized', 'r', 1000000, 1000000, 7, 70, 'v1', NULL);
INSERT INTO statuses VALUES ('plays', 'b', 'failed', 'r', 2000000, NULL, NULL, NULL, NULL, 'no');
"""


def test_a_ledger_of_the_second_version_is_read_and_then_keeps_data_versions(tmp_path):
    path = tmp_path / "ledger.sqlite"
    old = sqlite3.connect(path, isolation_level=None)
    for step in MIGRATIONS[:2]:
        for statement in step:
            if statement.split()[2] not in ("statuses", "leases"):
                old.execute(statement)
    old.executescript(VERSION_2)
    old.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    old.execute("PRAGMA user_version = 2")
    old.close()
    first = datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)
    with SQLiteLedger(path) as ledger:
        before = ledger.statuses("plays")
        assert before["a"] == StatusRecord(
            "plays", "a", Status.MATERIALIZED, "r", first, first, 7, 70, "v1", data_version=None
        )
        assert (before["b"].status, before["b"].reason) == (Status.FAILED, "no")
        ledger.record("s", [materialized("plays", "b", first, data_version="d2-1")])
        assert ledger.statuses("plays")["b"].data_version == "d2-1"
        assert ledger.statuses("plays")["a"] == before["a"]
