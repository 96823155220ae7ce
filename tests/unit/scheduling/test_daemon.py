"""The daemon, by a clock that the test moves: which partitions each tick makes, and what is left after trouble."""

from __future__ import annotations

from conftest import days, scheduled, utc

import gapless as dg

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")


def test_a_tick_makes_the_partition_whose_window_has_just_closed(world):
    world.declare([world.asset("plays", DAILY)], [scheduled("plays")])
    assert world.catch_up() == []
    assert world.catch_up_at("2024-01-10 23:59:59") == []
    [outcome] = world.catch_up_at("2024-01-11 00:00")
    assert world.keys() == ["2024-01-10"]
    assert outcome.success
    assert outcome.tick.coverage.tick == utc("2024-01-11 00:00")
    assert world.catch_up_at("2024-01-11 00:00:01") == []
