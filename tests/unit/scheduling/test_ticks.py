"""When schedules tick: on the same grid as the partitions, exact on nights when the clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scheduling_world import utc

import gapless as dg
from gapless.errors import PartitionsDefinitionError
from gapless.scheduling.ticks import Ticks

ZONES = ["UTC", "America/New_York", "Europe/London", "America/Havana", "Australia/Lord_Howe", "Asia/Kathmandu"]
INSTANTS = st.datetimes(datetime(2024, 1, 2), datetime(2026, 12, 1)).map(lambda naive: naive.replace(tzinfo=UTC))


def civil(ticks: Ticks, zone: str, after: str, count: int) -> list[str]:
    upcoming = islice(ticks.upcoming(utc(after)), count)
    return [f"{tick.astimezone(ZoneInfo(zone)):%m-%d %H:%M %z}" for tick in upcoming]


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        pytest.param("30 2 * * *", "2024-03-09 12:00", ["03-10 03:00 -0400", "03-11 02:30 -0400"], id="skipped"),
        pytest.param("30 1 * * *", "2024-11-02 12:00", ["11-03 01:30 -0500", "11-04 01:30 -0500"], id="comes twice"),
        pytest.param(
            "0 * * * *",
            "2024-11-03 04:30",
            ["11-03 01:00 -0400", "11-03 01:00 -0500", "11-03 02:00 -0500"],
            id="hourly",
        ),
        pytest.param("0 * * * *", "2024-03-10 06:30", ["03-10 03:00 -0400", "03-10 04:00 -0400"], id="hour skipped"),
        pytest.param("0 0 * * 1", "2024-11-01 12:00", ["11-04 00:00 -0500", "11-11 00:00 -0500"], id="weekly"),
    ],
)
def test_ticks_of_new_york_on_nights_when_the_clocks_change(cron, after, expected):
    assert civil(Ticks(cron, "America/New_York"), "America/New_York", after, len(expected)) == expected


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([dg.HourlyPartitionsDefinition, dg.DailyPartitionsDefinition]), st.sampled_from(ZONES), INSTANTS)
def test_ticks_are_the_ends_of_the_partitions_windows(kind, zone, instant):
    start = datetime(2024, 1, 1, tzinfo=ZoneInfo(zone))
    definition = kind(start_date=start, timezone=zone)
    ticks = Ticks(definition.get_cron_schedule(), zone)
    extent = definition.extent(instant)
    ends = [definition.window_at(n).end.astimezone(UTC) for n in range(max(extent - 2, 0), extent + 3)]
    assert list(islice(ticks.upcoming(instant), 3)) == [end for end in ends if end > instant]
    assert ticks.latest(instant) == max((end for end in ends if end <= instant), default=ticks.latest(instant))


@given(st.sampled_from(["*/15 * * * *", "0 0 * * *", "30 1 1 * *", "0 9 * * 1-5"]), st.sampled_from(ZONES), INSTANTS)
def test_the_latest_tick_and_the_next_one_enclose_an_instant_with_nothing_between(cron, zone, instant):
    ticks = Ticks(cron, zone)
    latest, following = ticks.latest(instant), ticks.after(instant)
    assert latest <= instant < following
    assert ticks.after(latest) == following
    assert ticks.latest(following - timedelta(microseconds=1)) == latest
    assert ticks.latest(following) == following


def test_a_tick_is_reached_at_its_very_instant_and_not_a_microsecond_before():
    ticks = Ticks("0 0 * * *", "UTC")
    midnight = utc("2024-01-05")
    assert ticks.latest(midnight) == midnight
    assert ticks.latest(midnight - timedelta(microseconds=1)) == utc("2024-01-04")
    assert ticks.after(midnight) == utc("2024-01-06")


def test_a_text_that_is_no_cron_schedule_is_refused():
    with pytest.raises(PartitionsDefinitionError, match="five fields"):
        Ticks("0 0 * *", "UTC")
