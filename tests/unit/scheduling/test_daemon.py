"""The daemon, by a clock that the test moves: which partitions each tick makes, and what is left after trouble."""

from __future__ import annotations

from datetime import timedelta

import pytest
from scheduling_world import days, scheduled, utc

import gapless as dg
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import RunState, Status
from gapless.ledger.schedule_records import TickState
from gapless.scheduling import state

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")


def serve_days(world, end):
    world.serve_until(end)
    return [f"{outcome.tick.coverage.tick:%m-%d %H:%M}" for outcome in world.diary.ended]


# --- time passes


def test_a_tick_makes_the_partition_whose_window_has_just_closed(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    assert world.catch_up() == []
    assert world.catch_up_at("2024-01-10 23:59:59") == []
    [outcome] = world.catch_up_at("2024-01-11 00:00")
    assert world.made_of() == ["2024-01-10"]
    assert outcome.success
    assert outcome.note == "1 made"
    assert outcome.tick.coverage.tick == utc("2024-01-11 00:00")
    assert world.catch_up_at("2024-01-11 00:00:01") == []


def test_nothing_from_before_a_schedule_first_ran_is_made(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.serve_until("2024-01-13 12:00")
    assert world.made_of() == ["2024-01-10", "2024-01-11", "2024-01-12"]


def test_each_day_of_a_month_is_made_once_at_its_tick(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    ticks = serve_days(world, "2024-02-10 12:00")
    assert world.made_of() == days("2024-01-10", 31)
    assert ticks == [f"{day[5:]} 00:00" for day in days("2024-01-11", 31)]


def test_ten_days_of_downtime_are_one_tick_that_makes_ten_partitions_in_order(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    [outcome] = world.catch_up_at("2024-01-20 12:00")
    assert world.made_of() == days("2024-01-10", 10)
    assert outcome.result.materialized == 10
    assert [tick.scheduled_at for tick in world.ticks()] == [utc("2024-01-20 00:00")]
    assert world.ticks()[0].covers_after == utc("2024-01-10 12:00")


def test_what_somebody_made_during_the_downtime_is_not_made_again(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    world.clock.set(utc("2024-01-13 09:00"))
    world.materialize("plays", "2024-01-11")
    world.catch_up()
    assert world.made_of() == ["2024-01-11", "2024-01-10", "2024-01-12"]


def test_nothing_is_asked_for_after_the_last_partition(world):
    ending = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-13")
    world.declare([world.asset("plays", ending)], [scheduled("plays")])
    world.serve_until("2024-01-17 12:00")
    assert world.made_of() == days("2024-01-10", 3)
    assert [tick.state for tick in world.ticks()] == [TickState.REQUESTED] * 3 + [TickState.SKIPPED] * 4
    assert world.ticks()[-1].note == "nothing was due that is not there"


def test_with_an_end_offset_a_tick_asks_for_the_day_that_begins(world):
    today = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_offset=1)
    world.declare([world.asset("plays", today)], [scheduled("plays")])
    world.serve_until("2024-01-12 12:00")
    assert world.made_of() == ["2024-01-11", "2024-01-12"]


def test_an_hour_on_the_schedule_only_delays_the_tick(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays", hour_of_day=3)])
    ticks = serve_days(world, "2024-01-12 12:00")
    assert ticks == ["01-11 03:00", "01-12 03:00"]
    assert world.made_of() == ["2024-01-10", "2024-01-11"]


def test_a_tick_before_the_window_closes_asks_for_the_day_before(world):
    # 2.8: hour_offset=6 with a tick at 02:00: yesterday's window is open until 06:00.
    six = dg.DailyPartitionsDefinition(start_date="2024-01-01", hour_offset=6)
    world.declare([world.asset("plays", six)], [scheduled("plays", hour_of_day=2)])
    world.serve_until("2024-01-12 12:00")
    assert world.made_of() == ["2024-01-10"]
    assert [tick.state for tick in world.ticks()] == [TickState.SKIPPED, TickState.REQUESTED]


def test_static_partitions_are_all_made_at_each_tick_however_long_nothing_served(world):
    regions = dg.StaticPartitionsDefinition(["eu", "us"])
    world.declare([world.asset("plays", regions)], [scheduled("plays", cron_schedule="0 6 * * *")])
    world.catch_up()
    world.catch_up_at("2024-01-11 06:00")
    world.catch_up_at("2024-01-11 07:00")
    world.catch_up_at("2024-01-15 12:00")
    assert world.made_of() == ["eu", "us", "eu", "us"]


# --- nights on which the clocks change, New York

NEW_YORK = "America/New_York"


@pytest.mark.parametrize(
    ("start", "end", "count"),
    [
        pytest.param("2024-11-03 02:00", "2024-11-04 08:00", 29, id="clocks go back, 25 hours"),
        pytest.param("2024-03-10 02:00", "2024-03-11 07:00", 28, id="clocks go forward, 23 hours"),
    ],
)
def test_no_hour_is_lost_or_doubled_when_the_clocks_change(world, start, end, count):
    hourly = dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00", timezone=NEW_YORK)
    world.declare([world.asset("plays", hourly)], [scheduled("plays")])
    world.clock.set(utc(start) + timedelta(minutes=30))
    world.catch_up()
    world.serve_until(end)
    windows = [hourly.time_window_for_partition_key(key) for key in world.made_of()]
    starts = [window.start.timestamp() for window in windows]
    assert starts == [utc(start).timestamp() + 3600 * n for n in range(count)]
    assert {window.end.timestamp() - window.start.timestamp() for window in windows} == {3600}
    assert all(len(plan.step(world.engine.select("plays")[0]).partitions) == 1 for _, plan, _ in world.diary.started)


@pytest.mark.parametrize("hour", [0, 1, 2, 3])
@pytest.mark.parametrize("night", ["2024-03-10", "2024-11-03"])
def test_a_daily_schedule_ticks_once_a_day_whatever_the_clocks_do(world, night, hour):
    daily = dg.DailyPartitionsDefinition(start_date="2024-01-01", timezone=NEW_YORK)
    world.declare([world.asset("plays", daily)], [scheduled("plays", hour_of_day=hour)])
    world.clock.set(utc(night) - timedelta(days=1))
    world.catch_up()
    world.serve_until(f"{utc(night) + timedelta(days=3):%Y-%m-%d}")
    first = f"{utc(night) - timedelta(days=2):%Y-%m-%d}"
    assert world.made_of() == days(first, 4)
    assert len(world.ticks()) == 4


# --- clocks that are set


def test_a_clock_that_is_set_back_repeats_nothing(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    world.catch_up_at("2024-01-13 00:05")
    assert world.catch_up_at("2024-01-11 12:00") == []
    assert world.catch_up_at("2024-01-13 00:06") == []
    world.catch_up_at("2024-01-14 00:00")
    assert world.made_of() == days("2024-01-10", 4)


def test_a_cursor_behind_a_recorded_tick_makes_only_what_is_missing(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    world.catch_up_at("2024-01-13 00:05")
    world.ledger.set_schedule("job_schedule", cursor=utc("2024-01-08 00:00"))
    world.catch_up()
    assert world.made_of() == ["2024-01-10", "2024-01-11", "2024-01-12", "2024-01-08", "2024-01-09"]
    assert world.catch_up() == []


# --- trouble


def test_a_failed_partition_is_recorded_and_waits_for_a_person(world):
    broken = {"2024-01-11"}
    world.declare([world.asset("plays", DAILY, broken.__contains__)], [scheduled("plays")])
    world.catch_up()
    [outcome] = world.catch_up_at("2024-01-13 12:00")
    assert not outcome.success
    assert outcome.note == "2 made, 1 failed (plays 2024-01-11: ValueError: no data for 2024-01-11)"
    assert world.ticks()[0].state is TickState.REQUESTED
    assert world.ticks()[0].note == outcome.note
    broken.clear()
    [next_day] = world.catch_up_at("2024-01-14 00:00")
    assert next_day.success
    assert world.made_of() == ["2024-01-10", "2024-01-12", "2024-01-13"]
    assert world.statuses()["2024-01-11"] is Status.FAILED


def test_what_waits_for_something_upstream_stays_owed_until_that_is_made(world):
    plays, totals = world.asset("plays", DAILY), world.asset("totals", DAILY, deps=["plays"])
    world.declare([plays, totals], [scheduled("totals")])
    world.catch_up()
    [blocked] = world.catch_up_at("2024-01-12 00:00")
    assert not blocked.success
    assert blocked.blocked == 2
    assert blocked.note == "2 cannot be made yet: totals needs plays 2024-01-10, which is missing"
    assert world.ticks()[0].state is TickState.SKIPPED
    world.materialize("plays", "2024-01-10")
    world.catch_up_at("2024-01-13 00:00")
    assert world.made_of("totals") == ["2024-01-10"]
    world.clock.advance(timedelta(hours=1))
    world.materialize("plays", *days("2024-01-11", 2))
    world.catch_up_at("2024-01-14 00:00")
    assert world.made_of("totals") == days("2024-01-10", 3)


def test_two_schedules_due_at_once_run_the_one_further_upstream_first(world):
    plays, totals = world.asset("plays", DAILY), world.asset("totals", DAILY, deps=["plays"])
    world.declare([plays, totals], [scheduled("totals", job="a"), scheduled("plays", job="b")])
    world.catch_up()
    outcomes = world.catch_up_at("2024-01-11 00:00")
    assert all(outcome.success for outcome in outcomes)
    assert world.made == [("plays", "2024-01-10"), ("totals", "2024-01-10")]


def test_schedules_that_are_due_run_in_the_order_of_their_ticks(world):
    hourly = dg.HourlyPartitionsDefinition(start_date="2024-01-01-00:00")
    world.declare(
        [world.asset("hours", hourly), world.asset("plays", DAILY)],
        [scheduled("hours", job="hours"), scheduled("plays", job="plays", hour_of_day=2)],
    )
    world.catch_up()
    outcomes = world.catch_up_at("2024-01-11 03:10")
    assert [outcome.tick.schedule.job.name for outcome in outcomes] == ["plays", "hours"]
    assert len(world.made_of("hours")) == 15


class Service(dg.ConfigurableResource):
    reachable: bool

    def setup_for_execution(self, context) -> None:
        if not self.reachable:
            raise OSError("no such host")


def test_a_run_that_breaks_down_ends_its_tick_as_failed_and_its_partitions_stay_owed(world):
    @dg.asset(partitions_def=DAILY)
    def plays(context: dg.AssetExecutionContext, service: Service) -> None:
        world.made.append(("plays", context.partition_key))

    other = world.asset("other", DAILY)
    schedules = [scheduled("plays"), scheduled("other", job="other")]
    world.declare([plays, other], schedules, service=Service(reachable=False))
    world.catch_up()
    failed, good = world.catch_up_at("2024-01-12 00:00")
    assert failed.state is TickState.FAILED
    assert failed.note == "its run broke down: OSError: no such host"
    assert isinstance(failed.error, OSError)
    assert good.success
    assert [run.state for run in world.ledger.runs()] == [RunState.SUCCEEDED]
    world.declare([plays, other], schedules, service=Service(reachable=True))
    world.catch_up_at("2024-01-13 00:00")
    assert world.made_of() == days("2024-01-10", 3)


def unreachable():
    raise OSError("disk is gone")


def test_a_plan_that_fails_ends_its_tick_as_failed_and_its_partitions_stay_owed(world, monkeypatch):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    with monkeypatch.context() as patched:
        patched.setattr(world.engine, "recover", unreachable)
        [failed] = world.catch_up_at("2024-01-11 00:00")
    assert failed.state is TickState.FAILED
    assert world.ticks()[0].note == "could not be planned: OSError: disk is gone"
    world.catch_up_at("2024-01-12 00:00")
    assert world.made_of() == days("2024-01-10", 2)


# --- processes that die


class KilledError(BaseException):
    """Stands for the end of the process: nothing that comes after it is done."""


def die(*args, **kwargs):
    raise KilledError


@pytest.mark.parametrize("moment", ["start_tick", "tick_started", "end_tick"])
def test_a_process_that_dies_around_a_tick_neither_loses_nor_doubles_it(world, monkeypatch, moment):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    with monkeypatch.context() as patched:
        patched.setattr(world.diary if moment == "tick_started" else world.ledger, moment, die)
        with pytest.raises(KilledError):
            world.catch_up_at("2024-01-13 12:00")
    assert world.made_of() == ([] if moment != "end_tick" else days("2024-01-10", 3))
    world.catch_up_at("2024-01-15 12:00")
    assert world.made_of() == days("2024-01-10", 5)
    states = {tick.scheduled_at.day: tick.state for tick in world.ticks()}
    assert set(states.values()) == {TickState.REQUESTED}
    assert sorted(states) == ([15] if moment == "start_tick" else [13, 15])


def test_a_tick_that_was_begun_is_ended_before_the_next_one_begins(world, monkeypatch):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    with monkeypatch.context() as patched:
        patched.setattr(world.diary, "tick_started", die)
        with pytest.raises(KilledError):
            world.catch_up_at("2024-01-12 00:00")
    first, second = world.catch_up_at("2024-01-14 06:00")
    assert first.tick.record is not None
    assert (first.tick.coverage.tick, second.tick.coverage.tick) == (utc("2024-01-12"), utc("2024-01-14"))
    assert (first.result.materialized, second.result.materialized) == (2, 2)


def test_a_partition_that_failed_before_the_process_died_is_not_tried_again(world, monkeypatch):
    tries = []
    world.declare(
        [world.asset("plays", DAILY, lambda key: tries.append(key) or key == "2024-01-10")], [scheduled("plays")]
    )
    world.catch_up()
    with monkeypatch.context() as patched:
        patched.setattr(world.ledger, "end_tick", die)
        with pytest.raises(KilledError):
            world.catch_up_at("2024-01-12 00:00")
    [ended] = world.catch_up()
    assert ended.state is TickState.REQUESTED
    assert ended.note == "nothing was left to make"
    assert world.ticks()[0].run_id == world.ledger.runs()[0].run_id
    assert sorted(tries) == days("2024-01-10", 2)


def test_static_partitions_made_before_the_process_died_are_not_made_again_for_that_tick(world):
    regions, cancel = dg.StaticPartitionsDefinition(["eu", "jp", "us"]), CancelToken()
    asset = world.asset("plays", regions, lambda key: key == "jp" and cancel.cancel())
    world.declare([asset], [scheduled("plays", cron_schedule="0 6 * * *")])
    world.catch_up()
    world.clock.set(utc("2024-01-11 06:00"))
    world.catch_up(cancel)
    assert world.made_of() == ["eu", "jp"]
    world.clock.advance(timedelta(minutes=1))
    world.catch_up()
    assert world.made_of() == ["eu", "jp", "us"]
    world.catch_up_at("2024-01-12 06:00")
    assert sorted(world.made_of()) == ["eu", "eu", "jp", "jp", "us", "us"]


# --- asked to stop


def test_a_request_to_stop_leaves_the_tick_begun_and_the_next_process_makes_the_rest(world):
    cancel = CancelToken()
    world.declare(
        [world.asset("plays", DAILY, lambda key: key == "2024-01-12" and cancel.cancel())], [scheduled("plays")]
    )
    world.catch_up()
    world.clock.set(utc("2024-01-20 12:00"))
    [cut] = world.catch_up(cancel)
    assert cut.state is TickState.STARTED
    assert world.made_of() == days("2024-01-10", 3)
    assert world.ticks()[0].state is TickState.STARTED
    assert world.ledger.runs()[0].state is RunState.CANCELED
    [rest] = world.catch_up()
    assert rest.state is TickState.REQUESTED
    assert world.made_of() == days("2024-01-10", 10)


def test_a_request_to_stop_with_the_last_partition_ends_the_tick(world):
    cancel = CancelToken()
    world.declare([world.asset("plays", DAILY, lambda key: cancel.cancel())], [scheduled("plays")])
    world.catch_up()
    world.clock.set(utc("2024-01-11 00:00"))
    [outcome] = world.catch_up(cancel)
    assert outcome.state is TickState.REQUESTED
    assert world.catch_up() == []


def test_no_tick_begins_after_a_request_to_stop(world):
    cancel = CancelToken()
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    world.clock.set(utc("2024-01-12 00:00"))
    cancel.cancel()
    assert world.catch_up(cancel) == []
    assert world.ticks() == []


# --- stopped and started by a person


def test_what_becomes_due_while_a_schedule_is_stopped_is_not_owed(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    schedule = world.project.schedule("job_schedule")
    world.catch_up()
    assert state.stop(world.ledger, schedule)
    assert not state.stop(world.ledger, schedule)
    assert world.catch_up_at("2024-01-13 12:00") == []
    assert state.start(world.ledger, schedule, world.clock.now())
    world.catch_up()
    world.catch_up_at("2024-01-14 00:00")
    assert world.made_of() == ["2024-01-13"]


def test_starting_a_schedule_that_runs_loses_nothing(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    world.clock.set(utc("2024-01-13 12:00"))
    assert not state.start(world.ledger, world.project.schedule("job_schedule"), world.clock.now())
    world.catch_up()
    assert world.made_of() == days("2024-01-10", 3)


def test_starting_a_schedule_again_gives_up_a_tick_that_was_cut_short(world):
    cancel = CancelToken()
    world.declare([world.asset("plays", DAILY, lambda key: cancel.cancel())], [scheduled("plays")])
    schedule = world.project.schedule("job_schedule")
    world.catch_up()
    world.clock.set(utc("2024-01-13 12:00"))
    world.catch_up(cancel)
    state.stop(world.ledger, schedule)
    assert world.catch_up() == []
    state.start(world.ledger, schedule, world.clock.now())
    assert world.catch_up() == []
    assert world.ticks()[0].state is TickState.SKIPPED
    assert world.ticks()[0].note == "given up: the schedule was stopped and started again"
    assert world.made_of() == ["2024-01-10"]


def test_a_schedule_declared_as_stopped_ticks_only_once_it_is_started(world):
    stopped = scheduled("plays", default_status=dg.DefaultScheduleStatus.STOPPED)
    world.declare([world.asset("plays", DAILY)], [stopped])
    world.serve_until("2024-01-13 12:00")
    assert world.made_of() == []
    assert world.diary.upcoming[-1] is None
    state.start(world.ledger, world.project.schedule("job_schedule"), world.clock.now())
    world.serve_until("2024-01-15 12:00")
    assert world.made_of() == days("2024-01-13", 2)


def test_the_watcher_hears_which_tick_comes_next(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.serve_until("2024-01-12 12:00")
    assert [at for _, at in world.diary.upcoming] == [utc("2024-01-11"), utc("2024-01-12"), utc("2024-01-13")]


def test_a_run_says_which_schedule_and_tick_it_is_for(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays", tags={"team": "sports"})])
    world.catch_up()
    world.catch_up_at("2024-01-11 00:00")
    [run] = world.ledger.runs()
    assert (run.trigger, run.job) == ("schedule:job_schedule", "job")
    assert run.tags == {
        "team": "sports",
        "gapless/schedule_name": "job_schedule",
        "gapless/scheduled_at": "2024-01-11T00:00:00+00:00",
    }
    assert world.ticks()[0].run_id == run.run_id


def test_a_running_schedule_that_somebody_starts_before_it_was_ever_served_owes_from_then_on(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    state.start(world.ledger, world.project.schedule("job_schedule"), world.clock.now())
    world.catch_up_at("2024-01-12 00:00")
    assert world.made_of() == days("2024-01-10", 2)


def test_what_waited_for_something_upstream_is_not_owed_after_a_stop_and_a_start(world):
    plays, totals = world.asset("plays", DAILY), world.asset("totals", DAILY, deps=["plays"])
    world.declare([plays, totals], [scheduled("totals")])
    schedule = world.project.schedule("job_schedule")
    world.catch_up()
    world.catch_up_at("2024-01-12 00:00")
    world.materialize("plays", *days("2024-01-10", 2))
    state.stop(world.ledger, schedule)
    state.start(world.ledger, schedule, utc("2024-01-12 01:00"))
    world.clock.set(utc("2024-01-13 00:00"))
    world.materialize("plays", "2024-01-12")
    world.catch_up()
    assert world.made_of("totals") == ["2024-01-12"]
