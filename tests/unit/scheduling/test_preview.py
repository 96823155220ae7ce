"""What a person is told of a schedule before it happens."""

from __future__ import annotations

from scheduling_world import days, scheduled, utc

import gapless as dg
from gapless.scheduling.preview import foresee, state_of

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")


def stands(world):
    return state_of(world.project.schedule("job_schedule"), world.project.graph, world.ledger, world.clock.now())


def foreseen(world, count=3):
    state = stands(world)
    definition = state.schedule.job.partitions_def
    return [(f"{tick.at:%m-%d %H:%M}", definition.keys_of(tick.partitions)) for tick in foresee(state, count)]


def test_the_next_ticks_and_what_they_ask_for_come_true(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    world.catch_up()
    expected = foreseen(world)
    world.serve_until("2024-01-13 12:00")
    assert expected == [
        (f"{outcome.tick.coverage.tick:%m-%d %H:%M}", [key])
        for outcome, key in zip(world.diary.ended, world.made_of(), strict=True)
    ]
    assert [keys for _, keys in expected] == [[day] for day in days("2024-01-10", 3)]


def test_a_tick_before_the_windows_close_is_foreseen_with_the_day_before(world):
    six = dg.DailyPartitionsDefinition(start_date="2024-01-01", hour_offset=6)
    world.declare([world.asset("plays", six)], [scheduled("plays", hour_of_day=2)])
    world.catch_up()
    world.catch_up_at("2024-01-12 02:00")
    world.clock.set(utc("2024-01-12 12:00"))
    assert foreseen(world, 2) == [("01-13 02:00", ["2024-01-11"]), ("01-14 02:00", ["2024-01-12"])]


def test_what_is_owed_now_is_told_and_nothing_is_changed(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    assert stands(world).owed == {}
    world.catch_up()
    world.clock.set(utc("2024-01-13 12:00"))
    state = stands(world)
    assert [DAILY.keys_of(ordinals) for ordinals in state.owed.values()] == [days("2024-01-10", 3)]
    assert state.waiting.coverage.tick == utc("2024-01-13")
    assert state.last_tick is None
    assert world.ticks() == []
    assert foreseen(world, 1) == [("01-14 00:00", ["2024-01-13"])]


def test_a_stopped_schedule_owes_nothing_and_is_foreseen_as_if_started_now(world):
    stopped = scheduled("plays", default_status=dg.DefaultScheduleStatus.STOPPED)
    world.declare([world.asset("plays", DAILY)], [stopped])
    world.ledger.set_schedule("job_schedule", cursor=utc("2024-01-02"))
    state = stands(world)
    assert not state.running
    assert state.owed == {}
    assert foreseen(world, 1) == [("01-11 00:00", ["2024-01-10"])]


def test_nothing_is_foreseen_to_be_asked_for_after_the_last_partition(world):
    ending = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-12")
    world.declare([world.asset("plays", ending)], [scheduled("plays")])
    assert [keys for _, keys in foreseen(world, 4)] == [["2024-01-10"], ["2024-01-11"], [], []]
