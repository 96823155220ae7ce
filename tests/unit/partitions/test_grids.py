"""Time grids against a slow obvious model, around every kind of clock change."""

import itertools
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clock import ZONES, fixed_time_ticks, wall_clock_ticks

from gapless.partitions import OrdinalSet, TimeWindowPartitionsDefinition
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.cron_grid import grid_of
from gapless.partitions.civil.zone import Zone

# Days around clock changes, of one hour, half an hour, two hours, a whole day, a change of the standard time.
CHANGES = [
    ("America/New_York", date(2024, 3, 9)),
    ("America/New_York", date(2024, 11, 2)),
    ("America/Havana", date(2024, 3, 9)),
    ("America/Havana", date(2024, 11, 2)),
    ("America/St_Johns", date(2010, 11, 6)),
    ("America/St_Johns", date(2010, 3, 13)),
    ("America/Nuuk", date(2024, 3, 30)),
    ("America/Nuuk", date(2024, 10, 26)),
    ("America/Caracas", date(2016, 4, 30)),
    ("Africa/Casablanca", date(2024, 4, 13)),
    ("Africa/Casablanca", date(2024, 3, 9)),
    ("Antarctica/Troll", date(2024, 3, 30)),
    ("Antarctica/Troll", date(2024, 10, 26)),
    ("Asia/Pyongyang", date(2018, 5, 4)),
    ("Atlantic/Azores", date(2024, 10, 26)),
    ("Africa/Cairo", date(2024, 10, 31)),
    ("Australia/Lord_Howe", date(2024, 4, 6)),
    ("Australia/Lord_Howe", date(2024, 10, 5)),
    ("Pacific/Apia", date(2011, 12, 29)),
    ("Asia/Kathmandu", date(2024, 1, 1)),
]


def starts_of(definition, count):
    return [definition.window_at(n).start.astimezone(UTC) for n in range(count)]


def define(start, cron, zone, **more):
    return TimeWindowPartitionsDefinition(start, "%Y-%m-%d-%H:%M", cron_schedule=cron, timezone=zone, **more)


def check_everything(definition, count):
    """Windows tile, keys are unique, and key, ordinal and window lead to each other."""
    windows = [definition.window_at(n) for n in range(count)]
    for before, after in itertools.pairwise(windows):
        assert before.end.timestamp() == after.start.timestamp()
    keys = definition.keys_of(OrdinalSet.span(0, count))
    assert keys == [definition.key_at(n) for n in range(count)]
    assert len(set(keys)) == count
    assert [definition.ordinal_of(key) for key in keys] == list(range(count))
    assert definition.ordinals_of(keys) == OrdinalSet.span(0, count)
    for n, window in enumerate(windows):
        assert definition.ordinal_containing(window.start) == n
        assert definition.ordinal_containing(window.end.astimezone(UTC) - timedelta(seconds=1)) == n
        assert definition.closed_by(window.end) == n + 1
        assert definition.overlapping_unbounded(window) == (n, n + 1)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
@pytest.mark.parametrize(
    ("cron", "minutes"), [("0 * * * *", {0}), ("30 * * * *", {30}), ("*/20 * * * *", {0, 20, 40}), ("7 * * * *", {7})]
)
def test_hourly_grids_follow_the_wall_clock_through_its_changes(zone, day, cron, minutes):
    definition = define(datetime.combine(day, time()), cron, zone)
    expected = wall_clock_ticks(datetime.combine(day, time(), ZoneInfo(zone)), 3, zone, minutes)
    assert starts_of(definition, len(expected)) == expected
    check_everything(definition, len(expected))


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_hours_of_some_days_follow_the_wall_clock_too(zone, day):
    definition = define(datetime.combine(day, time()), "*/30 * * * */2", zone)
    wanted = wall_clock_ticks(
        datetime.combine(day, time(), ZoneInfo(zone)), 5, zone, {0, 30}, lambda d: d.isoweekday() % 7 % 2 == 0
    )
    assert starts_of(definition, len(wanted)) == wanted
    check_everything(definition, len(wanted))


FIXED_TIMES = [
    ("0 0 * * *", [time(0)]),
    ("30 0 * * *", [time(0, 30)]),
    ("30 1 * * *", [time(1, 30)]),
    ("30 2 * * *", [time(2, 30)]),
    ("15 23 * * *", [time(23, 15)]),
    ("0,30 0-3,23 * * *", [time(h, m) for h in (0, 1, 2, 3, 23) for m in (0, 30)]),
]


@pytest.mark.parametrize(
    ("zone", "day", "cron", "times"),
    [
        (zone, day, cron, times)
        for zone, day in CHANGES
        for cron, times in FIXED_TIMES
        # In Nuuk it would move to the next date, which has a boundary of its own: see the next test.
        if not (zone == "America/Nuuk" and cron == "15 23 * * *" and day.month == 3)
    ],
)
def test_fixed_times_follow_the_rules_in_words(zone, day, cron, times):
    definition = define(datetime.combine(day, time()), cron, zone)
    begin = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    expected = [t for t in fixed_time_ticks(day, day + timedelta(days=4), zone, times) if t >= begin]
    assert starts_of(definition, len(expected)) == expected
    check_everything(definition, len(expected))


def test_a_boundary_that_would_move_into_the_next_days_own_vanishes():
    # In Nuuk, 23:00 to 24:00 of 30 March 2024 did not exist.
    nuuk = TimeWindowPartitionsDefinition(
        "2024-03-29", "%Y-%m-%d", cron_schedule="15 23 * * *", timezone="America/Nuuk"
    )
    assert nuuk.keys_of(OrdinalSet.span(0, 3)) == ["2024-03-29", "2024-03-31", "2024-04-01"]
    check_everything(nuuk, 10)


zones = st.sampled_from(ZONES)
crons = st.sampled_from(
    [
        "0 * * * *",
        "*/30 * * * *",
        "0 0 * * *",
        "30 2 * * *",
        "0 1 * * *",
        "0 0 * * 0",
        "0 6 * * 1,4",
        "0 0 1 * *",
        "0 3 31 * *",
        "0 0 */2 * *",
        "0 0 L * *",
        "0 0 1 1,7 *",
        "0 1,2 * * *",
        "*/15 9-17 * * 1-5",
        "0 * * * 6,0",
        "0 0 29 2 *",
    ]
)


@settings(max_examples=60, deadline=None)
@given(zone=zones, cron=crons, day=st.dates(date(1975, 1, 1), date(2050, 12, 31)), at=st.integers(0, 50_000))
def test_windows_tile_time_and_keys_lead_back(zone, cron, day, at):
    definition = define(datetime.combine(day, time()), cron, zone)
    at = at if " * * *" in cron and cron[0] == "0" else at % 300
    count = 40
    keys = definition.keys_of(OrdinalSet.span(at, at + count))
    assert keys == [definition.key_at(n) for n in range(at, at + count)]
    assert len(set(keys)) == count
    end = None
    for n, key in enumerate(keys, at):
        window = definition.window_at(n)
        assert end is None or window.start.timestamp() == end
        end = window.end.timestamp()
        assert definition.ordinal_of(key) == n
        assert definition.time_window_for_partition_key(key) == window
        assert definition.ordinal_containing(window.start) == n
        assert definition.closed_by(window.start) == n
        assert definition.overlapping_unbounded(window) == (n, n + 1)
        middle = datetime.fromtimestamp((window.start.timestamp() + end) // 2, UTC)
        assert definition.ordinal_containing(middle) == n


@settings(max_examples=50, deadline=None)
@given(zone=zones, cron=crons, day=st.dates(date(1975, 1, 1), date(2050, 12, 31)), ahead=st.integers(-90, 900))
def test_a_definition_that_starts_elsewhere_has_the_same_windows(zone, cron, day, ahead):
    # The grid is anchored at its start, and tables grow from there; neither may show.
    late = define(datetime.combine(day, time()), cron, zone)
    early = define(datetime.combine(day - timedelta(days=1000), time()), cron, zone)
    moment = datetime.combine(day, time(), UTC) + timedelta(days=ahead)
    n, m = late._first_open_at(moment), early._first_open_at(moment)
    assert late.unbounded_key(n) == early.unbounded_key(m)
    assert late.boundary(n).timestamp() == early.boundary(m).timestamp()
    first = late.window_at(0).start
    assert early.closed_by(first) == m - n


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_the_far_future_is_reached_without_listing_what_lies_between(zone):
    hourly = define("2024-01-01-00:00", "0 * * * *", zone)
    n = hourly.ordinal_of("2400-06-01-12:00")
    assert hourly.key_at(n) == "2400-06-01-12:00"
    assert n // 24 == (date(2400, 6, 1) - date(2024, 1, 1)).days


@pytest.mark.parametrize("cron", ["0 * * * *", "0 0 * * *", "0 0 1 * *", "0 0 L * *", "0 * 1 1 *"])
def test_what_lies_after_the_year_9999_does_not_exist(cron):
    definition = define("2024-01-01-00:00", cron, "UTC")
    with pytest.raises(IndexError):
        definition.key_at(10**9)
    with pytest.raises(IndexError):
        definition.window_at(10**9)
    with pytest.raises(IndexError):
        definition.keys_of(OrdinalSet.of([10**9]))
    assert definition.ordinal_of("9999-12-31-00:00") is None


@pytest.mark.parametrize("text", ["0 * * * *", "0 0 * * *"])
def test_a_range_is_right_whatever_another_thread_has_just_stored(text):
    """What one thread stores may know less than another has just asked for."""
    zone = Zone.named("Europe/Berlin")
    start = 1_700_000_000
    expected = list(grid_of(Cron.parse(text), zone, start).labels(-90_000, 90_000))

    class Forgetful(type(grid_of(Cron.parse(text), zone, start))):
        """Another thread overwrites the table after each extension."""

        def __setattr__(self, name, value):
            if name != "_table" or "_table" not in self.__dict__ or not self.__dict__.get("forget"):
                super().__setattr__(name, value)

    grid = grid_of(Cron.parse(text), zone, start)
    grid.__class__ = Forgetful
    grid.forget = True
    assert list(grid.labels(-90_000, 90_000)) == expected
