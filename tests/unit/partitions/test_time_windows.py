"""Which time windows there are, and which exist at a moment: §2.1 and §2.2 of the semantics."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from time_definitions import NY, cron, first_keys, hourly, iso

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

# §2.1, daylight saving; §6.3 to §6.6


@pytest.mark.parametrize(
    ("definition", "times"),
    [
        (hourly("2024-11-03-00:00", NY), ["00:00", "01:00", "01:00-0500", "02:00"]),
        (hourly("2025-03-09-00:00", NY), ["00:00", "01:00", "03:00"]),
        (hourly("2024-10-27-00:00", "Europe/London"), ["00:00", "01:00", "01:00+0000", "02:00"]),
        (hourly("2024-03-31-00:00", "Europe/London"), ["00:00", "02:00"]),
        (hourly("2024-11-03-00:00", NY, minute_offset=30), ["00:30", "01:30", "01:30-0500", "02:30"]),
        (hourly("2024-11-03-00:00", "America/Havana"), ["00:00", "00:00-0500", "01:00"]),
        (
            cron("2024-11-03-01:00", "*/30 * * * *", NY, "%Y-%m-%d-%H:%M"),
            ["01:00", "01:30", "01:00-0500", "01:30-0500"],
        ),
        (cron("2024-11-03-00:00", "0 1,2 * * *", NY, "%Y-%m-%d-%H:%M"), ["01:00", "02:00"]),
        (hourly("2024-04-07-00:00", "Australia/Lord_Howe"), ["00:00", "01:00", "02:00", "03:00"]),
        (hourly("2024-10-06-01:00", "Australia/Lord_Howe"), ["01:00", "03:00", "04:00"]),
        (hourly("2024-04-07-01:00", "Australia/Lord_Howe", minute_offset=30), ["01:30", "01:30+1030", "02:30"]),
    ],
)
def test_hours_of_a_night_on_which_the_clocks_change(definition, times):
    assert [key[11:] for key in first_keys(definition, len(times))] == times


def test_both_passes_of_a_repeated_hour_have_windows_of_their_own():
    fall = hourly("2024-11-03-00:00", NY)
    assert iso(fall.window_at(1)) == ["2024-11-03T01:00:00-04:00", "2024-11-03T01:00:00-05:00"]
    assert iso(fall.window_at(2)) == ["2024-11-03T01:00:00-05:00", "2024-11-03T02:00:00-05:00"]
    assert fall.get_next_partition_key("2024-11-03-01:00", datetime(2025, 1, 1)) == "2024-11-03-01:00-0500"
    assert fall.ordinal_of("2024-11-03-01:00-0400") is None
    assert fall.ordinal_of("2024-11-03-02:00-0500") is None


def test_the_hour_before_a_skipped_one_ends_after_the_gap():
    spring = hourly("2025-03-09-00:00", NY)
    assert iso(spring.window_at(1)) == ["2025-03-09T01:00:00-05:00", "2025-03-09T03:00:00-04:00"]
    assert not spring.has_partition_key("2025-03-09-02:00", datetime(2026, 1, 1))


def test_a_format_with_the_offset_needs_no_suffix():
    fall = hourly(datetime(2024, 11, 3), NY, fmt="%Y-%m-%d-%H:%M%z")
    assert [key[11:] for key in first_keys(fall, 3)] == ["00:00-0400", "01:00-0400", "01:00-0500"]
    assert [fall.ordinal_of(key) for key in first_keys(fall, 5)] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("more", "key", "start", "hours"),
    [
        ({}, "2024-11-03", "2024-11-03T00:00:00-04:00", 25),
        ({}, "2025-03-09", "2025-03-09T00:00:00-05:00", 23),
        ({"hour_offset": 2}, "2025-03-09", "2025-03-09T03:00:00-04:00", 23),
        ({"hour_offset": 1}, "2024-11-03", "2024-11-03T01:00:00-05:00", 24),
        ({"hour_offset": 7}, "2024-11-02", "2024-11-02T07:00:00-04:00", 25),
    ],
)
def test_days_on_which_the_clocks_change(more, key, start, hours):
    window = DailyPartitionsDefinition("2024-01-01", timezone=NY, **more).time_window_for_partition_key(key)
    assert window.start.isoformat() == start
    assert window.end.timestamp() - window.start.timestamp() == hours * 3600


def test_a_fixed_time_that_comes_twice_means_the_second():
    fall = cron("2024-11-03-00:00", "0 1,2 * * *", NY, "%Y-%m-%d-%H:%M")
    assert iso(fall.window_at(0)) == ["2024-11-03T01:00:00-05:00", "2024-11-03T02:00:00-05:00"]


def test_a_summer_time_of_one_week_is_not_overlooked():
    recife = DailyPartitionsDefinition("2000-10-01", timezone="America/Recife")
    lengths = [w.end.timestamp() - w.start.timestamp() for w in map(recife.window_at, range(20))]
    assert [n + 1 for n, length in enumerate(lengths) if length != 86400] == [8, 14]


def test_a_day_that_a_country_skipped_does_not_exist():
    apia = DailyPartitionsDefinition("2011-12-28", timezone="Pacific/Apia")
    assert first_keys(apia, 4) == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]
    assert apia.ordinal_of("2011-12-30") is None
    assert apia.ordinal_of("2011-12-31") == 2


def test_an_hour_later_is_an_instant_later_even_at_night():
    # Civil arithmetic on the ends of windows would be wrong here; instants are what counts.
    fall = hourly("2024-11-03-00:00", NY)
    assert [
        fall.ordinal_containing(fall.window_at(1).start.astimezone(UTC) + timedelta(hours=h)) for h in range(3)
    ] == [1, 2, 3]


# §2.2, which exist at a moment; §6.1, §6.2, §6.7 and §6.8


def keys_between(definition, now):
    keys = definition.get_partition_keys(datetime.fromisoformat(now))
    return f"{keys[0][5:]}..{keys[-1][5:]}" if keys else None


@pytest.mark.parametrize(
    ("more", "now", "keys"),
    [
        ({}, "2024-01-05 00:00", "01-01..01-04"),
        ({}, "2024-01-04 23:59:59", "01-01..01-03"),
        ({}, "2024-01-04 23:59:59.999999", "01-01..01-03"),
        ({}, "2024-01-01 12:00", None),
        ({"end_offset": 1}, "2024-01-05 12:00", "01-01..01-05"),
        ({"end_offset": 1}, "2023-12-30 12:00", None),
        ({"end_offset": 1}, "2023-12-31 00:00", None),
        ({"end_offset": 1}, "2023-12-31 12:00", "01-01..01-01"),
        ({"end_offset": 2}, "2023-12-30 12:00", "01-01..01-01"),
        ({"end_offset": 2}, "2024-01-05 12:00", "01-01..01-06"),
        ({"end_offset": 3}, "2023-12-31 12:00", "01-01..01-02"),
        ({"end_offset": -1}, "2024-01-05 12:00", "01-01..01-03"),
        ({"end_offset": -9}, "2024-01-05 12:00", None),
        ({"end_date": "2024-01-05"}, "2024-02-01 00:00", "01-01..01-04"),
        ({"end_date": datetime(2024, 1, 5, 13)}, "2024-02-01 00:00", "01-01..01-04"),
        ({"end_date": "2024-01-01"}, "2024-02-01 00:00", None),
        ({"end_date": datetime(2024, 1, 1, 13)}, "2024-02-01 00:00", None),
        ({"end_date": "2024-01-05", "end_offset": 3}, "2024-01-04 00:00", "01-01..01-04"),
        ({"end_date": "2024-01-05", "end_offset": -2}, "2024-02-01 00:00", "01-01..01-04"),
        ({"end_date": "2024-01-05", "end_offset": -2}, "2024-01-05 00:00", "01-01..01-02"),
    ],
)
def test_a_partition_exists_once_it_has_ended(more, now, keys):
    assert keys_between(DailyPartitionsDefinition("2024-01-01", **more), now) == keys


def test_a_naive_now_is_in_the_definitions_timezone():
    tokyo = DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo")
    assert tokyo.extent(datetime(2024, 1, 3)) == 2
    assert tokyo.extent(datetime(2024, 1, 3, tzinfo=UTC)) == 2
    assert tokyo.extent(datetime(2024, 1, 2, 15, tzinfo=UTC)) == 2
    assert tokyo.extent(datetime(2024, 1, 2, 14, 59, tzinfo=UTC)) == 1


def test_without_a_now_the_clock_is_read():
    assert DailyPartitionsDefinition("2024-01-01").get_num_partitions() > 300
    assert DailyPartitionsDefinition("2900-01-01").get_partition_keys() == []
    assert DailyPartitionsDefinition("2900-01-01").get_first_partition_key() is None
    assert DailyPartitionsDefinition("2900-01-01").get_last_partition_window() is None


@pytest.mark.parametrize(
    ("definition", "keys"),
    [
        (DailyPartitionsDefinition(datetime(2024, 1, 3, 13, 30)), ["2024-01-04", "2024-01-05"]),
        (HourlyPartitionsDefinition(datetime(2024, 1, 3, 13, 30)), ["2024-01-03-14:00", "2024-01-03-15:00"]),
        (WeeklyPartitionsDefinition("2024-01-03"), ["2024-01-07", "2024-01-14"]),
        (WeeklyPartitionsDefinition("2024-01-03", day_offset=1), ["2024-01-08", "2024-01-15"]),
        (WeeklyPartitionsDefinition("2024-01-03", day_offset=7), ["2024-01-07", "2024-01-14"]),
        (MonthlyPartitionsDefinition("2024-01-03"), ["2024-02-01", "2024-03-01"]),
        (MonthlyPartitionsDefinition("2024-01-03", day_offset=0), ["2024-02-01", "2024-03-01"]),
        (MonthlyPartitionsDefinition("2024-01-03", day_offset=5), ["2024-01-05", "2024-02-05"]),
        (MonthlyPartitionsDefinition("2024-01-03", day_offset=31), ["2024-01-31", "2024-03-31"]),
        (cron("2024-01-25", "0 0 */2 * *"), ["2024-01-25", "2024-01-27", "2024-01-29", "2024-01-31", "2024-02-01"]),
        (cron("2024-01-01", "0 0 * * 1,4"), ["2024-01-01", "2024-01-04", "2024-01-08"]),
        (cron("2024-01-01", "@daily"), ["2024-01-01", "2024-01-02"]),
        (cron("2024-01-01", "0 0 L * *"), ["2024-01-31", "2024-02-29"]),
    ],
)
def test_an_unaligned_start_moves_to_the_next_boundary(definition, keys):
    assert first_keys(definition, len(keys)) == keys


def test_a_month_without_its_day_makes_the_window_before_it_longer():
    window = MonthlyPartitionsDefinition("2024-01-01", day_offset=31).window_at(0)
    assert iso(window) == ["2024-01-31T00:00:00+00:00", "2024-03-31T00:00:00+00:00"]


def test_the_timezone_of_a_start_is_replaced_not_converted():
    aware = datetime(2024, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert DailyPartitionsDefinition(aware, timezone=NY) == DailyPartitionsDefinition("2024-01-01", timezone=NY)


def test_windows_that_look_alike_on_the_clock_are_told_apart():
    half_hours = TimeWindowPartitionsDefinition(
        "2024-11-03-00:00", "%Y-%m-%d-%H:%M", timezone="America/New_York", cron_schedule="*/30 * * * *"
    )
    windows = [half_hours.window_at(n) for n in range(10)]
    assert len(set(windows)) == 10
    assert windows[2] != windows[4]  # both are 01:00 to 01:30
    assert windows[2] == half_hours.window_at(2)
    utc = [bound.astimezone(UTC) for bound in windows[2]]
    assert TimeWindow(*utc) == windows[2]
    assert hash(TimeWindow(*utc)) == hash(windows[2])
    assert windows[2] != tuple(windows[2])
