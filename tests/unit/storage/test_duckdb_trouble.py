"""Other processes, other programs, bad files and full disks: the old rows or the new ones, and a message that helps."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import duckdb
import polars as pl
import pytest
from storage_desk import Desk

from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.duckdb.database import connection
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import (
    DatabaseLockedError,
    DatabaseUnusableError,
    DiskFullError,
    NeverMaterializedError,
    OutputTypeError,
    QueryError,
)
from gapless.storage.slices import Committed, Refused
from nursery import Process, run

DAYS = DailyPartitionsDefinition("2024-01-01")
PRELUDE = f"""
import os, sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import polars as pl
from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import *
from gapless.storage.slices import Committed, Refused
from storage_desk import Desk
DAYS = DailyPartitionsDefinition("2024-01-01")
def frame(key, mark, rows=3): return pl.DataFrame({{"at": [key] * rows, "mark": [mark] * rows}})
def desk(path, asset="plays", timeout=30):
    return Desk(DuckDBPolarsIOManager(path, lock_timeout=timeout), DAYS, "at", asset)
"""


def python(code, *arguments, **options):
    """A process of its own that runs `code` after the prelude."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return Process([sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)], **pipes)


def cold_python(code, *arguments):
    """The same, from the interpreter's start to its end."""
    command = [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finished(process):
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out, err


def frame(key, mark, rows=3):
    return pl.DataFrame({"at": [key] * rows, "mark": [mark] * rows})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "db.duckdb"


@pytest.fixture
def days(path):
    store = DuckDBPolarsIOManager(path, lock_timeout=0.3)
    yield Desk(store, DAYS, "at")
    store.close()


@pytest.fixture
def locked_by_another_program(path):
    duckdb.connect(path).close()
    code = f"import duckdb, time; c = duckdb.connect({str(path)!r}); print('in', flush=True); time.sleep(60)"
    with Process([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == "in\n"
        yield holder
        holder.kill()


def test_two_processes_take_turns_and_both_succeed(path):
    code = """
        path, asset = sys.argv[1:]
        plays = desk(path, asset)
        keys = [DAYS.key_at(i) for i in range(30)]
        for key in keys:
            plays.write(key, frame(key, 1))
            plays.store.yield_turn()
        print(plays.read(*keys).height)
        plays.store.close()
    """
    processes = [python(code, path, asset) for asset in ("one", "two", "three")]
    # On a machine that is busy, a wait may be so long that it is told.
    assert [out for out, _ in map(finished, processes)] == ["90\n"] * 3


def test_a_holder_that_is_between_groups_lets_the_next_one_in(path, days):
    days.write("2024-01-01", frame("2024-01-01", 1))
    other = python("desk(sys.argv[1], 'other').write('2024-01-02', frame('2024-01-02', 2))", path)
    while other.poll() is None:
        days.store.yield_turn()
        time.sleep(0.01)
    assert finished(other) == ("", "")
    assert days.store.tables() == ["public.other", "public.plays"]


def test_an_idle_store_lets_other_programs_in(path, days, monkeypatch):
    monkeypatch.setattr("gapless.storage.duckdb.database.connection._IDLE_S", 0.0)
    days.write("2024-01-01", frame("2024-01-01", 1))
    days.store.yield_turn()
    out = run(
        [sys.executable, "-c", f"import duckdb; print(duckdb.connect({str(path)!r}).sql('from plays').fetchall())"]
    )
    assert "Table with name plays does not exist" in out.stderr  # it could open the file


def test_one_gapless_process_that_waits_too_long_is_told_who_is_in(path, days):
    holder = python(
        """
        plays = desk(sys.argv[1])
        plays.write("2024-01-01", frame("2024-01-01", 1))
        print("in", flush=True)
        time.sleep(60)
        """,
        path,
    )
    try:
        assert holder.stdout.readline() == "in\n"
        error = days.refusal("2024-01-02", frame("2024-01-02", 1))
    finally:
        holder.kill()
        holder.communicate()
    assert isinstance(error, DatabaseLockedError)
    assert error.holder == f"gapless process {holder.pid} (commit)"
    days.write("2024-01-02", frame("2024-01-02", 1))  # the dead process's turn is over


def test_another_program_that_holds_the_file_is_named_and_nothing_harmed(path, days, locked_by_another_program):
    error = days.refusal("2024-01-01", frame("2024-01-01", 1))
    assert isinstance(error, DatabaseLockedError)
    assert f"(process {locked_by_another_program.pid})" in str(error)
    assert str(path) in str(error)
    assert "Close that program" in str(error)
    with pytest.raises(DatabaseLockedError):
        days.read("2024-01-01")
    locked_by_another_program.kill()
    locked_by_another_program.wait()
    days.write("2024-01-01", frame("2024-01-01", 1))


def test_who_waits_for_long_says_so_once(path, days, locked_by_another_program, monkeypatch, caplog):
    monkeypatch.setattr(connection, "_TELL_AFTER_S", 0.05)
    days.refusal("2024-01-01", frame("2024-01-01", 1))
    assert caplog.messages == [f"waiting for {path}, which another process uses"]


def test_a_program_that_lets_go_in_time_is_waited_for(path, locked_by_another_program):
    patient = Desk(DuckDBPolarsIOManager(path, lock_timeout=30), DAYS, "at")
    os.kill(locked_by_another_program.pid, signal.SIGSTOP)
    with subprocess.Popen(["sh", "-c", f"sleep 0.4; kill -9 {locked_by_another_program.pid}"]):
        patient.write("2024-01-01", frame("2024-01-01", 1))
    patient.store.close()


def test_a_connection_that_this_process_opened_itself_is_told(path, days):
    own = duckdb.connect(path)
    error = days.refusal("2024-01-01", frame("2024-01-01", 1))
    own.close()
    assert "another connection of this very process, not opened by Gapless" in str(error)
    days.write("2024-01-01", frame("2024-01-01", 1))


def test_two_stores_of_one_file_in_one_process_share_it(path, days):
    other = Desk(DuckDBPolarsIOManager(str(path.parent / "." / path.name), lock_timeout=0.3), DAYS, "at", "other")
    days.write("2024-01-01", frame("2024-01-01", 1))
    other.write("2024-01-01", frame("2024-01-01", 2))
    assert days.read("2024-01-01").height == other.read("2024-01-01").height == 3


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"hello " * 4000, "it is not a DuckDB file"), (b"x", "it is not a DuckDB file")],
)
def test_a_file_that_is_something_else_is_left_alone(path, days, content, reason):
    path.write_bytes(content)
    error = days.refusal("2024-01-01", frame("2024-01-01", 1))
    assert isinstance(error, DatabaseUnusableError)
    assert error.reason == reason
    assert path.read_bytes() == content


def test_a_damaged_file_is_told_apart(path, days):
    days.write("2024-01-01", frame("2024-01-01", 1, 50_000))
    days.store.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 3] + bytes(len(whole) - 4096 * 3))
    with pytest.raises(DatabaseUnusableError, match="it is damaged") as caught:
        days.read("2024-01-01")
    assert str(path) in str(caught.value)
    assert isinstance(days.refusal("2024-01-01", frame("2024-01-01", 1)), DatabaseUnusableError)


def test_a_missing_directory_is_named(tmp_path):
    lost = Desk(DuckDBPolarsIOManager(tmp_path / "no" / "db.duckdb"), DAYS, "at")
    error = lost.refusal("2024-01-01", frame("2024-01-01", 1))
    assert f"the directory {tmp_path / 'no'} does not exist" in str(error)


def test_a_directory_is_no_database(tmp_path):
    lost = Desk(DuckDBPolarsIOManager(tmp_path), DAYS, "at")
    assert "it is a directory" in str(lost.refusal("2024-01-01", frame("2024-01-01", 1)))


@pytest.fixture
def public_path():
    """A database's path in a directory that every user may enter; pytest's own directories are private."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory) / "db.duckdb"
        Path(directory).chmod(0o755)


AS_NOBODY = """
    import duckdb, html, zoneinfo  # while the interpreter's own files can still be read
    from gapless.storage.duckdb.commits import group_commit
    from gapless.storage.duckdb.membership import column_membership
    duckdb.connect().execute("select 1")
    zoneinfo.ZoneInfo("UTC")
    if os.getuid() == 0: os.setuid(65534)
    plays = desk(sys.argv[1])
"""


def test_a_read_only_file_can_be_read_and_says_why_it_cannot_be_written(public_path):
    writer = Desk(DuckDBPolarsIOManager(public_path), DAYS, "at")
    writer.write("2024-01-01", frame("2024-01-01", 1))
    writer.store.close()
    for entry in public_path.parent.iterdir():
        entry.chmod(0o444)
    public_path.parent.chmod(0o555)
    code = """
    print(plays.read("2024-01-01").height, plays.store.query("select count(*) from plays").item())
    print(plays.refusal("2024-01-01", frame("2024-01-01", 2)))
    """
    out, _ = finished(python(AS_NOBODY + code, public_path))
    assert out.splitlines() == [
        "3 3",
        f"the database {public_path} cannot be used: it is read-only for this user."
        " Give this user the right to write there, or choose another path.",
    ]


def test_a_directory_that_may_not_be_entered_is_told(public_path):
    if os.getuid() != 0:
        pytest.skip("only root can become a user who may not enter")
    public_path.parent.chmod(0o700)
    code = """
    print(plays.refusal("2024-01-01", frame("2024-01-01", 2)))
    for ask in (lambda: plays.read("2024-01-01"), plays.store.tables, lambda: plays.store.commit_records(["run"])):
        try: ask()
        except DatabaseUnusableError as error: print(error)
    """
    out, _ = finished(python(AS_NOBODY + code, public_path))
    assert (
        out.splitlines()
        == [
            f"the database {public_path} cannot be used: this user may not look into {public_path.parent}."
            " Give this user the right to enter it, or choose another path."
        ]
        * 4
    )


def test_a_full_disk_leaves_the_old_rows(path):
    code = """
        import resource, signal
        plays = desk(sys.argv[1])
        key = "2024-01-01"
        plays.write(key, frame(key, 1, 1000))
        plays.store.close()
        size = os.path.getsize(sys.argv[1])
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 2**20, resource.RLIM_INFINITY))
        import random
        big = pl.DataFrame({"at": [key] * 2_000_000, "mark": [random.getrandbits(60) for _ in range(2_000_000)]})
        group = [("2024-01-02", frame("2024-01-02", 7)), (key, big)]
        for outcome in plays.commit(*group): print(type(outcome.error).__name__)
        print(plays.read(key)["mark"].unique().to_list(), plays.read(key).height)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        plays.write(key, big)
        print(plays.read(key).height)
        plays.store.close()
    """
    out, err = finished(python(code, path))
    assert (out.split("\n"), err) == (["DiskFullError", "DiskFullError", "[1] 1000", "2000000", ""], "")


def test_killed_at_any_moment_a_slice_holds_its_old_rows_or_its_new_ones(path):
    """Ten writers die by SIGKILL at random moments; each slice is whole afterwards, and the records say the same."""
    code = """
        path, mark = sys.argv[1], int(sys.argv[2])
        plays = desk(path)
        keys = [DAYS.key_at(i) for i in range(8)]
        print("go", flush=True)
        for turn in range(10_000):
            plays.commit(*((key, frame(key, mark * 10_000 + turn, 500 + turn % 7)) for key in keys))
            if turn % 5 == 0: plays.store.close()
    """
    dice = random.Random(7)
    keys = [DAYS.key_at(i) for i in range(8)]
    for mark in range(1, 11):
        with python(code, path, mark, stderr=subprocess.DEVNULL) as writer:
            assert writer.stdout.readline() == "go\n"
            time.sleep(dice.uniform(0.05, 0.5))
            writer.kill()
        desk = Desk(DuckDBPolarsIOManager(path), DAYS, "at")
        if not desk.store.tables():
            assert desk.store.commit_records(["run"]) == []
            continue
        rows = {record.partition: record.rows for record in desk.store.commit_records(["run"])}
        for key in keys:
            marks = desk.read(key)["mark"].to_list()
            assert len(set(marks)) == 1
            assert len(marks) == rows[key] == 500 + marks[0] % 10_000 % 7
        desk.store.close()


def test_a_process_ends_in_silence_even_after_errors(path):
    code = """
        plays = desk(sys.argv[1])
        plays.write("2024-01-01", frame("2024-01-01", 1))
        kept = [plays.refusal("2024-01-01", frame("2024-01-02", 1))]
        kept += [plays.refusal("2024-01-01", frame("2024-01-01", "text"))]
        try: plays.store.query("select nonsense from plays")
        except QueryError as error: kept.append(error)
        plays.read("2024-01-01")
        if len(sys.argv) > 2: raise SystemExit(0)
        plays.store.close()
    """
    assert finished(cold_python(code, path)) == ("", "")
    assert finished(cold_python(code, path, "without closing")) == ("", "")


def test_reading_creates_nothing(path, days):
    assert days.store.commit_records(["run"]) == []
    assert days.store.tables() == []
    assert days.store.wipe(days.output("2024-01-01")) == 0
    with pytest.raises(NeverMaterializedError):
        days.read("2024-01-01")
    with pytest.raises(DatabaseUnusableError, match="it does not exist"):
        days.store.query("select 1")
    assert not path.exists()


def test_a_query_can_only_read(days):
    days.write("2024-01-01", frame("2024-01-01", 1))
    assert days.store.query("select count(*) as n from plays").to_dict(as_series=False) == {"n": [3]}
    assert days.store.query("from public.plays").height == 3
    for sql in ("drop table plays", "select 1; drop table plays", "commit; drop table plays", "selec", ""):
        with pytest.raises(QueryError, match="the query failed"):
            days.store.query(sql)
    days.store.close()
    with pytest.raises(QueryError, match="read-only"):
        days.store.query("with w as (insert into plays values ('2024-01-01', 1) returning mark) from w")
    assert days.read("2024-01-01").height == 3


def test_threads_read_while_the_writer_writes_and_others_wait(path, days):
    from concurrent.futures import ThreadPoolExecutor

    keys = [DAYS.key_at(i) for i in range(12)]
    days.store._lock_timeout = 30
    days.write(keys[0], frame(keys[0], 0))

    def read(_):
        return len(set(days.read(keys[0])["mark"]))

    with ThreadPoolExecutor(3) as pool:
        answers = pool.map(read, range(60))
        for mark in range(1, 12):
            assert all(isinstance(o, Committed) for o in days.commit(*((k, frame(k, mark)) for k in keys)))
            days.store.close()
        assert set(answers) == {1}


def test_a_bad_type_is_refused_before_the_store_is_touched(path, days):
    with pytest.raises(OutputTypeError):
        days.commit(("2024-01-01", {"a": 1}))
    assert not path.exists()


def test_a_transaction_whose_commit_fails_is_looked_up(days, monkeypatch):
    from gapless.storage.duckdb.database.connection import Session
    from gapless.storage.errors import DatabaseFailure

    execute = Session.execute
    days.write("2024-01-01", frame("2024-01-01", 1))

    def failing(self, sql, parameters=()):
        if sql == "COMMIT":
            if took:
                execute(self, sql, parameters)
            raise DatabaseFailure(self.database, "Transaction", "the commit broke")
        return execute(self, sql, parameters)

    monkeypatch.setattr(Session, "execute", failing)
    for took, expected in ((True, Committed), (False, Refused)):
        outcomes = days.commit(*((key, frame(key, int(took) + 2)) for key in ("2024-01-01", "2024-01-02")))
        assert [type(outcome) for outcome in outcomes] == [expected] * 2
    monkeypatch.undo()
    assert days.read("2024-01-01", "2024-01-02")["mark"].to_list() == [3] * 6


def test_what_is_committed_before_the_disk_is_full_stays_committed(days, monkeypatch):
    from gapless.storage.duckdb.database.connection import Session
    from gapless.storage.errors import DatabaseFailure

    execute = Session.execute
    inserts = []

    def failing(self, sql, parameters=()):
        if sql.startswith("INSERT") and "plays" in sql:
            inserts.append(sql)
            if len(inserts) == 1:
                raise DatabaseFailure(self.database, "Conversion", "something about one row")
            if len(inserts) == 4:
                raise DiskFullError(self.database, "No space left on device")
        return execute(self, sql, parameters)

    monkeypatch.setattr(Session, "execute", failing)
    outcomes = days.commit(*((DAYS.key_at(i), frame(DAYS.key_at(i), 1)) for i in range(4)))
    monkeypatch.undo()
    assert [type(outcome) for outcome in outcomes] == [Committed, Committed, Refused, Refused]
    assert [days.read(DAYS.key_at(i)).height for i in range(4)] == [3, 3, 0, 0]


def test_declaring_a_store_imports_no_heavy_package():
    code = """
        import sys
        import gapless.storage.io_manager
        from gapless.storage.duckdb.store import DuckDBPolarsIOManager
        DuckDBPolarsIOManager("db.duckdb")
        print(sorted({"polars", "duckdb", "pyarrow", "pydantic", "numpy"} & set(sys.modules)))
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    ).stdout
    assert out == "[]\n"


def test_no_pyarrow_is_needed_to_write_or_read(path):
    code = """
        plays = desk(sys.argv[1])
        plays.write("2024-01-01", frame("2024-01-01", 1))
        plays.read("2024-01-01")
        plays.store.query("from plays")
        print("pyarrow" in sys.modules)
        plays.store.close()
    """
    assert finished(cold_python(code, path))[0] == "False\n"
