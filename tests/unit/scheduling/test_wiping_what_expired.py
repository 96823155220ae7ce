"""While it serves, the daemon wipes what has expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from scheduling_world import World, days, scheduled

import gapless as dg
from gapless.cli.serve_log import ServeLog
from gapless.cli.settings import Settings
from gapless.errors import StorageError
from gapless.execution.recorded_run import begin_run
from gapless.ledger.contract import EventKind, Outcome, RunState, Status
from gapless.ledger.sqlite import SQLiteLedger
from gapless.partitions import OrdinalSet
from gapless.planning.request import PartitionRequest
from gapless.testing.clock import FakeClock

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path, "2024-01-11T00:00")
    yield world
    world.ledger.close()


def kept(world, keep="5d", **arguments):
    @dg.asset(name="plays", partitions_def=DAILY, keep=keep, **arguments)
    def function(context: dg.AssetExecutionContext) -> None:
        world.made.append(("plays", context.partition_key))

    return function


def make_all(world, count: int = 10) -> None:
    """As if they had been made before they were old."""
    keys = tuple(days("2024-01-01", count))
    plan = world.engine.plan(world.engine.select("plays"), PartitionRequest(keys), world.clock.now())
    world.engine.run(plan, workers=1)


def test_what_has_expired_is_wiped_when_serving_begins(world):
    world.declare([kept(world)], [])
    make_all(world)

    world.catch_up()

    assert list(world.statuses()) == days("2024-01-06", 5)
    (outcome,) = world.diary.wiped
    assert (str(outcome.asset), len(outcome.partitions), outcome.wiped.states) == ("plays", 5, 5)
    (run,) = world.ledger.runs(limit=1)
    assert (run.trigger, run.state, run.targeted) == ("retention", RunState.SUCCEEDED, 5)


def test_nothing_is_recorded_where_nothing_has_expired(world):
    world.declare([kept(world, "30d")], [])
    make_all(world)

    world.catch_up()

    assert world.diary.wiped == []
    assert [run.trigger for run in world.ledger.runs()] == ["manual"]


def test_it_is_looked_for_every_hour(world):
    world.declare([kept(world)], [])
    make_all(world)

    world.serve_until("2024-01-12T01:30")

    assert list(world.statuses()) == days("2024-01-07", 4)
    assert [len(outcome.partitions) for outcome in world.diary.wiped] == [5, 1]
    hours = {later - sooner for sooner, later in zip(world.clock.waits, world.clock.waits[1:], strict=False)}
    assert hours == {timedelta(hours=1)}


def test_a_clock_that_is_set_back_does_not_put_it_off(world):
    world.declare([kept(world)], [])
    daemon = world.daemon()
    daemon.catch_up(_token())
    world.clock.set(world.clock.now() - timedelta(hours=5))
    make_all(world, 9)

    daemon.catch_up(_token())

    assert list(world.statuses()) == days("2024-01-05", 5)


def test_what_another_run_is_making_is_left_alone(world):
    world.declare([kept(world)], [])
    make_all(world)
    run = begin_run(world.ledger, "r-live", "manual", 1, world.clock.now())
    world.ledger.claim(run.run_id, "plays", ["2024-01-02"], world.clock.now())

    world.catch_up()

    assert list(world.statuses()) == ["2024-01-02", *days("2024-01-06", 5)]
    assert world.statuses()["2024-01-02"] is Status.RUNNING


def test_a_store_that_cannot_be_reached_does_not_end_the_daemon(world, tmp_path):
    class Store:
        def stage(self, output, value): ...
        def commit(self, staged): ...
        def load(self, source, expected): ...
        def is_empty(self):
            return True

        def commit_records(self, run_ids):
            return []

        def close(self): ...
        def wipe(self, target):
            raise StorageError("the disk is gone")

    @dg.asset(name="plays", partitions_def=DAILY, keep="5d")
    def plays() -> int: ...

    world.declare([plays], [], io_manager=Store())
    now = world.clock.now()
    run = begin_run(world.ledger, "r-1", "manual", 1, now)
    world.ledger.wipe("plays", [], run.run_id, now)

    world.ledger.record(
        "r-1", [Outcome("plays", "2024-01-02", EventKind.MATERIALIZED, now, Status.MATERIALIZED, rows=1)]
    )
    world.ledger.end_run("r-1", RunState.SUCCEEDED, now)

    assert world.catch_up() == []

    (outcome,) = world.diary.wiped
    assert str(outcome.error) == "the disk is gone"
    assert world.ledger.runs(limit=1)[0].state is RunState.FAILED


def test_whatever_is_raised_when_it_is_looked_for_the_daemon_goes_on(world, tmp_path, capsys):
    class Broken(dg.DuckDBPolarsIOManager):
        def is_empty(self):
            raise ConnectionError("nobody answers")

    @dg.asset(partitions_def=DAILY, keep="5d", metadata={"partition_expr": "day"}, io_manager_key="broken")
    def charts() -> int: ...

    world.declare([charts, kept(world)], [], broken=Broken(tmp_path / "data.duckdb"))
    make_all(world)

    world.catch_up()

    failed, wiped = world.diary.wiped
    assert (str(failed.asset), str(failed.error), failed.partitions) == ("charts", "nobody answers", OrdinalSet.empty())
    assert (str(wiped.asset), wiped.wiped.states) == ("plays", 5)
    ServeLog(world.clock, world.project, Settings()).retained(failed)
    assert "charts: whatever is older than 5 days not wiped: nobody answers\n" in capsys.readouterr().out


def test_a_users_own_manager_that_says_something_else_was_committed_is_not_asked(world):
    class Mine(dg.InMemoryIOManager):
        committed = ("something of its own",)

    @dg.asset(name="plays", partitions_def=DAILY, keep="5d")
    def plays() -> int:
        return 1

    world.declare([plays], [], io_manager=Mine())
    make_all(world)
    world.catch_up()
    assert list(world.statuses()) == days("2024-01-06", 5)


def test_a_tick_after_a_long_downtime_owes_nothing_that_has_expired(world):
    asset = kept(world)
    world.declare([asset], [scheduled("plays")])
    world.catch_up()
    world.catch_up_at("2024-01-12T00:00")

    world.catch_up_at("2024-02-01T00:00")
    world.catch_up_at("2024-02-02T00:00")

    assert world.made_of() == ["2024-01-11", *days("2024-01-27", 5), "2024-02-01"]


def _token():
    from gapless.execution.cancel import CancelToken

    return CancelToken()


def test_without_anything_to_keep_the_daemon_does_not_wake_for_it(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.clock = FakeClock(world.clock.now())

    world.serve_until("2024-01-11T12:00")

    assert len(world.clock.waits) == 1


def test_rows_that_were_left_when_a_wipe_failed_are_wiped_the_next_time(world, tmp_path):
    import polars as pl

    class Once(dg.DuckDBPolarsIOManager):
        broken = True

        def wipe(self, target):
            if self.broken:
                raise StorageError("the disk is gone")
            return super().wipe(target)

    @dg.asset(partitions_def=DAILY, keep="5d", metadata={"partition_expr": "day"})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"day": [context.partition_key]})

    store = Once(tmp_path / "data.duckdb")
    world.declare([plays], [], io_manager=store)
    make_all(world)
    world.catch_up()
    assert list(world.statuses()) == days("2024-01-06", 5)  # the states of the others are gone, their rows are not
    assert len(store.committed(plays.key, {})) == 10

    store.broken = False
    world.catch_up()

    assert list(store.committed(plays.key, {})) == days("2024-01-06", 5)
    failed, wiped = world.diary.wiped
    assert "the disk is gone" in str(failed.error)
    assert (len(wiped.partitions), wiped.wiped.rows) == (5, 5)
    world.catch_up()
    assert len(world.diary.wiped) == 2  # nothing is left to do


def test_rows_of_which_a_ledger_that_was_begun_anew_knows_nothing_are_wiped_too(world, tmp_path):
    import polars as pl

    @dg.asset(partitions_def=DAILY, keep="5d", metadata={"partition_expr": "day"})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"day": [context.partition_key]})

    store = dg.DuckDBPolarsIOManager(tmp_path / "data.duckdb")
    world.declare([plays], [], io_manager=store)
    make_all(world)
    world.ledger.close()
    world.ledger = SQLiteLedger(tmp_path / "another.sqlite")
    world.declare([plays], [], io_manager=store)

    world.catch_up()

    assert list(store.committed(plays.key, {})) == days("2024-01-06", 5)
    assert [len(outcome.partitions) for outcome in world.diary.wiped] == [5]


def test_whatever_a_users_own_wipe_raises_the_daemon_goes_on(world):
    class Mine(dg.InMemoryIOManager):
        def wipe(self, context):
            raise ConnectionError("nobody answers")

    def made(name):
        @dg.asset(name=name, partitions_def=DAILY, keep="5d")
        def function(context: dg.AssetExecutionContext) -> int:
            return 1

        return function

    world.declare([made("plays"), made("songs")], [], io_manager=Mine())
    make_all(world)
    plan = world.engine.plan(
        world.engine.select("songs"), PartitionRequest(tuple(days("2024-01-01", 10))), world.clock.now()
    )
    world.engine.run(plan, workers=1)

    world.catch_up()

    assert [str(outcome.error) for outcome in world.diary.wiped] == ["nobody answers"] * 2
