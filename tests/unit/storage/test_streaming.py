"""Values that do not fit in memory: where they wait, and what can happen to them there."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import polars as pl
import pytest

from gapless import DailyPartitionsDefinition
from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.errors import StagedFileError
from gapless.storage.duckdb.staging import gathering
from gapless.storage.duckdb.staging.spilled import StagedFiles
from gapless.storage.duckdb.staging.staging_folder import STAGING, StagingFolder
from gapless.storage.errors import DatabaseUnusableError

DAYS = DailyPartitionsDefinition("2024-01-01")
ONE, TWO = "2024-01-01", "2024-01-02"


def frame(rows: int = 50, mark: int = 1, day: str = ONE) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "mark": [mark] * rows, "at": [day] * rows})


@pytest.fixture
def days(desk, monkeypatch):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 500)
    return desk(DAYS)


def parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"{STAGING}/*/*/*.parquet"))


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    head = """
        import os, resource, sys, time
        import polars as pl
        from storage_desk import Desk
        from gapless import DailyPartitionsDefinition, DuckDBIOManager
        from gapless.storage.duckdb.staging import gathering
        def desk(path):
            return Desk(DuckDBIOManager(path + "/db.duckdb"), DailyPartitionsDefinition("2024-01-01"), "at")
        def batches(count=40, rows=10_000):
            for _ in range(count):
                yield pl.DataFrame({"n": pl.int_range(rows, eager=True), "at": ["2024-01-01"] * rows})
    """
    program = textwrap.dedent(head) + textwrap.dedent(code)
    return subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )


def test_a_staged_value_in_files_holds_no_memory_and_is_gone_after_its_commit(days, tmp_path):
    staged = days.store.stage(days.output(ONE), iter([frame(), frame()]))
    assert isinstance(staged, StagedFiles)
    assert (staged.nbytes, len(parts(tmp_path))) == (0, 2)
    (outcome,) = days.store.commit([staged])
    assert outcome.rows == {ONE: 100}
    assert outcome.nbytes == 2 * frame().estimated_size()
    assert parts(tmp_path) == []


def test_names_of_columns_that_look_like_patterns_are_names_in_files_too(days, tmp_path):
    whole = frame().with_columns(
        pl.Series("^mark$", [7] * 50), pl.Series("*", [8] * 50), pl.Series("^.*$", [None] * 50)
    )
    typed = whole.with_columns(pl.Series("^.*$", [9] * 50))
    staged = days.store.stage(days.output(ONE, TWO), iter([whole, typed, whole]))
    assert len(parts(tmp_path)) == 3
    (outcome,) = days.store.commit([staged])
    assert outcome.rows == {ONE: 150, TWO: 0}
    found = days.read(ONE, TWO)
    assert found.columns == whole.columns
    values = {name: set(found[name]) for name in ("mark", "^mark$", "*", "^.*$")}
    assert values == {"mark": {1}, "^mark$": {7}, "*": {8}, "^.*$": {None, 9}}
    assert days.read(ONE, TWO, expected=pl.LazyFrame).select(pl.nth(3)).collect().columns == ["^mark$"]


def test_a_value_that_is_not_committed_leaves_nothing_either(days, tmp_path):
    staged = days.store.stage(days.output(ONE), frame().lazy())
    staged.discard()
    staged.discard()
    assert parts(tmp_path) == []
    assert "cannot be read: No such file" in str(days.store.commit([staged])[0].error)
    del staged
    refused = days.refusal(ONE, frame(day=TWO).lazy())
    assert "50 of 50 rows" in str(refused)
    days.store.stage(days.output(ONE), frame().lazy())  # and forgotten
    assert parts(tmp_path) == []


@pytest.mark.parametrize("damage", ["cut short", "longer", "gone"])
def test_a_file_that_was_damaged_while_it_waited_is_refused_and_the_others_are_committed(days, tmp_path, damage):
    days.write(ONE, frame(3))
    staged = days.store.stage(days.output(ONE), iter([frame(), frame(mark=2)]))
    other = days.store.stage(days.output(TWO), frame(day=TWO))
    file = parts(tmp_path)[-1]
    size = file.stat().st_size
    if damage == "gone":
        file.unlink()
    else:
        os.truncate(file, size // 2 if damage == "cut short" else size + 1)
    torn, whole = days.store.commit([staged, other])
    assert isinstance(torn.error, StagedFileError)
    problem = "cannot be read: No such file or directory"
    if damage != "gone":
        problem = f"has {file_size(size, damage)} bytes instead of {size:,}"
    assert str(torn.error) == (
        f"asset 'plays', partition '2024-01-01': the rows waited for their commit in {file}, which {problem}."
        " Nothing was replaced. Materialize it again; if it happens again, look at the disk."
    )
    assert pickle.loads(pickle.dumps(torn.error)).path == str(file)
    assert whole.rows == {TWO: 50}
    assert (days.read(ONE).height, parts(tmp_path)) == (3, [])


def file_size(size: int, damage: str) -> str:
    return f"{size // 2 if damage == 'cut short' else size + 1:,}"


def test_a_file_with_other_bytes_of_the_same_length_is_refused(days, tmp_path):
    days.write(ONE, frame(3))
    staged = days.store.stage(days.output(ONE), frame().lazy())
    (file,) = parts(tmp_path)
    file.write_bytes(b"x" * file.stat().st_size)
    (outcome,) = days.store.commit([staged])
    assert "plays" in str(outcome.error)
    assert days.read(ONE).height == 3


def test_paths_with_patterns_in_them_are_only_paths(tmp_path, monkeypatch):
    from storage_desk import Desk

    from gapless import DuckDBIOManager

    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 500)
    folder = tmp_path / "it's [a-b] * day=1"
    folder.mkdir()
    desk = Desk(DuckDBIOManager(folder / "db.duckdb"), DAYS, "at")
    desk.write(ONE, iter([frame(), frame()]))
    assert desk.read(ONE, expected=pl.LazyFrame).collect().columns == ["n", "mark", "at"]
    desk.store.close()


def test_without_a_place_for_files_it_says_so(tmp_path, monkeypatch):
    from storage_desk import Desk

    from gapless import DuckDBIOManager

    monkeypatch.setattr(gathering, "MEMORY_BUDGET", 500)
    lost = Desk(DuckDBIOManager(tmp_path / "no" / "db.duckdb"), DAYS, "at")
    with pytest.raises(DatabaseUnusableError, match=r"the directory .*/no does not exist"):
        lost.store.stage(lost.output(ONE), frame().lazy())
    (tmp_path / STAGING).write_text("in the way")
    blocked = Desk(DuckDBIOManager(tmp_path / "db.duckdb"), DAYS, "at")
    with pytest.raises(DatabaseUnusableError, match=r"too many for memory cannot be put down in .*gapless-staging: .*"):
        blocked.store.stage(blocked.output(ONE), frame().lazy())


def test_what_a_killed_process_left_is_removed_at_the_next_write(tmp_path):
    code = """
        gathering.MEMORY_BUDGET = 2**20
        plays = desk(sys.argv[1])
        staged = plays.store.stage(plays.output("2024-01-01"), batches())
        print(len(staged.spilled.files), flush=True)
        if sys.argv[2] == "die":
            os.kill(os.getpid(), 9)
        time.sleep(60)
    """
    living = python(code, tmp_path, "live")
    assert int(living.stdout.readline()) > 1  # it would remove what the other one left, if it began later
    dead = python(code, tmp_path, "die")
    try:
        assert int(dead.stdout.readline()) > 1
        dead.wait(30)
        assert len(list(tmp_path.glob(f"{STAGING}/*"))) == 2
        StagingFolder(tmp_path / STAGING)
        (left,) = tmp_path.glob(f"{STAGING}/*")
        assert left.name.startswith(f"{living.pid}-")
        assert parts(tmp_path)
    finally:
        living.kill()
        living.wait(30)
        for process in (living, dead):
            process.stdout.close()
            process.stderr.close()
    StagingFolder(tmp_path / STAGING)
    assert not (tmp_path / STAGING).exists()


def test_a_forked_child_does_not_take_its_parents_files_along(days, tmp_path):
    staged = days.store.stage(days.output(ONE), frame().lazy())
    child = os.fork()
    if not child:
        staged.discard()
        days.store.close()
        os._exit(0)
    os.waitpid(child, 0)
    assert len(parts(tmp_path)) == 1
    assert days.store.commit([staged])[0].rows == {ONE: 50}


def test_a_disk_that_is_full_while_rows_are_put_down_leaves_the_old_rows_and_no_files(tmp_path):
    code = """
        import signal
        gathering.MEMORY_BUDGET = 2**20
        plays = desk(sys.argv[1])
        plays.write("2024-01-01", pl.DataFrame({"n": [1], "at": ["2024-01-01"]}))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, resource.RLIM_INFINITY))
        try:
            plays.store.stage(plays.output("2024-01-01"), batches())
        except Exception as error:
            print(type(error).__name__, "there is no room to write to" in str(error))
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(plays.read("2024-01-01").height)
        plays.store.close()
        print(os.path.exists(sys.argv[1] + "/.gapless-staging"))
    """
    process = python(code, tmp_path)
    out, err = process.communicate(timeout=60)
    assert (out.split("\n"), err) == (["DiskFullError True", "1", "False", ""], "")


@pytest.mark.parametrize("value", ["wide(120)", "lazy(6_000_000)"])
def test_staging_holds_a_part_of_the_rows_in_memory(tmp_path, value):
    code = """
        def lazy(rows):
            few, many = pl.int_range(100, eager=True), pl.int_range(rows // 100, eager=True)
            both = pl.LazyFrame({"k": few}).join(pl.LazyFrame({"j": many}), how="cross")
            more = [pl.col("k").mul(n).add(pl.col("j")).alias(str(n)) for n in range(3)]
            return both.with_columns(*more, at=pl.lit("2024-01-01"))
        def wide(count):
            for batch in batches(count, 50_000):
                yield batch.select("at", *(pl.col("n").alias(name) for name in "abcde"))
        gathering.MEMORY_BUDGET = 8 * 2**20
        plays = desk(sys.argv[1])
        plays.store.stage(plays.output("2024-01-01"), batches(1)).discard()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        staged = plays.store.stage(plays.output("2024-01-01"), VALUE)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(staged.spilled.height, staged.spilled.nbytes >> 20, grown >> 10)
    """
    process = python(code.replace("VALUE", value), tmp_path)
    out, err = process.communicate(timeout=120)
    rows, size, grown = map(int, out.split())
    assert (rows, err) == (6_000_000, "")
    assert grown < 130 < 200 < size  # MiB


def test_the_memory_limit_lasts_until_the_last_session_is_done_with_it():
    def limit(session):
        return session.execute("SELECT current_setting('memory_limit')")

    with scratch_session() as one, scratch_session() as two, ExitStack() as early, ExitStack() as late:
        unlimited = limit(one)
        one.limit_memory(10, early)
        two.limit_memory(100, late)
        limited = limit(two)
        assert limited != unlimited
        early.close()
        assert limit(two) == limited
        late.close()
        assert limit(two) == unlimited
