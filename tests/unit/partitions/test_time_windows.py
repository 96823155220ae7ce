"""Time definitions, by the tables of the semantics; their sections are named in the comments."""

import pickle
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gapless.errors import (
    DefinitionError,
    PartitionKeyError,
    PartitionRangeError,
    PartitionsDefinitionError,
    UnknownPartitionError,
)
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    ScheduleType,
    TimeWindow,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

NY = "America/New_York"
DAILY = DailyPartitionsDefinition("2024-01-01")
NOW = datetime(2024, 3, 20, 12)


def first_keys(definition, count):
    return definition.keys_of(OrdinalSet.span(0, count))


def hourly(start, zone, **more):
    return HourlyPartitionsDefinition(start, timezone=zone, **more)


def cron(start, schedule, zone=None, fmt="%Y-%m-%d"):
    return TimeWindowPartitionsDefinition(start, fmt, cron_schedule=schedule, timezone=zone)


def iso(window):
    return [moment.isoformat() for moment in window]


# Daylight saving (2.1)


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


def test_a_summer_time_of_one_week_is_not_overlooked():
    recife = DailyPartitionsDefinition("2000-10-01", timezone="America/Recife")
    lengths = [w.end.timestamp() - w.start.timestamp() for w in map(recife.window_at, range(20))]
    assert [n + 1 for n, length in enumerate(lengths) if length != 86400] == [8, 14]


def test_a_day_that_a_country_skipped_does_not_exist():
    apia = DailyPartitionsDefinition("2011-12-28", timezone="Pacific/Apia")
    assert first_keys(apia, 4) == ["2011-12-28", "2011-12-29", "2011-12-31", "2012-01-01"]
    assert apia.ordinal_of("2011-12-30") is None
    assert apia.ordinal_of("2011-12-31") == 2


# Which exist at a moment (2.2)


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
        ({"end_date": "2023-12-01"}, "2024-02-01 00:00", None),
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


# Keys (2.3)


def test_a_format_may_be_coarser_than_the_start_of_the_windows():
    late = DailyPartitionsDefinition("2024-01-01", hour_offset=7)
    assert iso(late.time_window_for_partition_key("2024-01-01")) == [
        "2024-01-01T07:00:00+00:00",
        "2024-01-02T07:00:00+00:00",
    ]
    assert late.ordinal_of("2024-01-02") == 1


@pytest.mark.parametrize(
    "key", ["2024-1-5", "", "zzz", "2024-01-05 ", "２０２４-01-05", "2024-02-30", "2024-01-05+0000", None]
)
def test_what_is_not_exactly_a_key_has_no_ordinal(key):
    assert DAILY.ordinal_of(key) is None
    assert not DAILY.has_partition_key(key, NOW)


def test_future_keys_have_ordinals_and_do_not_exist_yet():
    assert DAILY.ordinal_of("2024-03-20") == 79 == DAILY.extent(NOW)
    assert not DAILY.has_partition_key("2024-03-20", NOW)
    assert DAILY.has_partition_key("2024-03-19", NOW)
    assert not DAILY.has_partition_key("2023-12-31", NOW)


def test_no_ordinal_lies_beyond_the_end_date():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-05")
    assert ended.ordinal_of("2024-01-04") == 3
    assert ended.ordinal_of("2024-01-05") is None
    assert ended.ordinal_containing(datetime(2024, 1, 5)) is None
    assert ended.overlapping(TimeWindow(datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))) == (0, 4)
    for beyond in (4, -1):
        with pytest.raises(IndexError, match="daily from 2024-01-01 to before 2024-01-05"):
            ended.key_at(beyond)
        with pytest.raises(IndexError):
            ended.window_at(beyond)


@pytest.mark.parametrize("key", ["2024-1-5", "2024-01-05"])
def test_a_window_is_found_without_checking_the_key(key):
    assert DAILY.time_window_for_partition_key(key).start == datetime(2024, 1, 5, tzinfo=UTC)
    assert DAILY.start_time_for_partition_key("2031-01-01").year == 2031
    assert DAILY.end_time_for_partition_key("2019-12-31").year == 2020


def test_a_text_that_cannot_be_read_is_refused_with_an_example():
    with pytest.raises(PartitionKeyError) as caught:
        DAILY.time_window_for_partition_key("5 Jan")
    assert str(caught.value) == (
        "cannot read '5 Jan' as a partition key; expected a key like '2024-01-01' (format '%Y-%m-%d')."
    )
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_ranges_are_inclusive_may_lie_in_the_future_and_are_empty_when_reversed():
    def keys(start, end):
        return DAILY.get_partition_keys_in_range(PartitionKeyRange(start, end))

    assert keys("2024-01-30", "2024-02-01") == ["2024-01-30", "2024-01-31", "2024-02-01"]
    assert keys("2100-02-28", "2100-03-01") == ["2100-02-28", "2100-03-01"]
    assert keys("2024-02-01", "2024-01-30") == []


def test_a_range_outside_of_the_definition_is_refused():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-05")
    with pytest.raises(PartitionRangeError, match="begins before the definition"):
        ended.get_partition_keys_in_range(PartitionKeyRange("2023-12-31", "2024-01-02"))
    with pytest.raises(PartitionRangeError, match="ends after the definition"):
        ended.get_partition_keys_in_range(PartitionKeyRange("2024-01-03", "2024-01-05"))


def test_equal_definitions_are_equal_however_they_were_written():
    by_cron = cron("2024-01-01", "0 0 * * *")
    assert by_cron == DAILY
    assert hash(by_cron) == hash(DAILY)
    assert by_cron != DailyPartitionsDefinition("2024-01-02")
    assert by_cron != DailyPartitionsDefinition("2024-01-01", timezone=NY)
    assert by_cron != DailyPartitionsDefinition("2024-01-01", end_offset=1)
    assert by_cron != "0 0 * * *"


@pytest.mark.parametrize(
    "definition",
    [DAILY, hourly("2024-11-03-00:00", NY, end_offset=-1), cron("2024-01-01 00", "0 * * * 1", NY, "%Y-%m-%d %H")],
)
def test_definitions_pickle_and_show_themselves(definition):
    copy = pickle.loads(pickle.dumps(definition))
    assert copy == definition
    assert type(copy) is type(definition)
    assert first_keys(copy, 30) == first_keys(definition, 30)
    shown = repr(definition)
    assert (
        eval(
            shown,
            {"TimeWindowPartitionsDefinition": TimeWindowPartitionsDefinition, "datetime": __import__("datetime")},
        )
        == definition
    )


@pytest.mark.parametrize(
    "fmt", ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "day {%Y}-%m-%d 100%%", "%Y-%j", "%d %b %Y", "%y-%m-%d"]
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_keys_of_every_format_read_back(fmt, zone):
    definition = DailyPartitionsDefinition(datetime(2024, 1, 1), timezone=zone, fmt=fmt)
    keys = first_keys(definition, 400)
    assert keys[59] == datetime(2024, 2, 29).strftime(fmt)
    assert [definition.ordinal_of(key) for key in keys] == list(range(400))
    assert definition.ordinals_of([*keys[::7], "nonsense"]) == OrdinalSet.of(range(0, 400, 7))


def test_many_keys_resolve_as_one_by_one():
    keys = first_keys(DAILY, 2000)
    wanted = [*keys[5:900], *keys[1500::3], "2024-1-5", "2019-01-01", "zzz", "", "0000"]
    assert DAILY.ordinals_of(wanted) == OrdinalSet.of(
        n for n in (DAILY.ordinal_of(key) for key in wanted) if n is not None
    )


# Dagster's names


def test_neighbours_and_windows_by_time():
    now = datetime(2024, 1, 10)
    at = datetime(2024, 1, 5, 12, tzinfo=UTC)
    assert DAILY.get_next_partition_window(at, current_time=now).start.day == 6
    assert DAILY.get_prev_partition_window(at, current_time=now).start.day == 4
    assert DAILY.get_next_partition_window(datetime(2024, 1, 10), current_time=now) is None
    assert DAILY.get_next_partition_window(datetime(2024, 1, 10), respect_bounds=False).start.day == 10
    assert DAILY.get_prev_partition_window(datetime(2024, 1, 1), current_time=now) is None
    assert DAILY.get_prev_partition_window(datetime(2024, 1, 1), respect_bounds=False).start.day == 31
    assert DAILY.get_next_partition_key("2024-01-08", now) == "2024-01-09"
    assert DAILY.get_next_partition_key("2024-01-09", now) is None
    assert DAILY.get_first_partition_window(now).start.day == 1
    assert DAILY.get_last_partition_window(now).start.day == 9
    assert DAILY.less_than("2024-01-08", "2024-01-09")


def test_keys_by_timestamp():
    midnight = datetime(2024, 1, 5, tzinfo=UTC).timestamp()
    assert DAILY.get_partition_key_for_timestamp(midnight) == "2024-01-05"
    assert DAILY.get_partition_key_for_timestamp(midnight, end_closed=True) == "2024-01-04"
    assert DAILY.get_partition_key_for_timestamp(midnight + 0.5, end_closed=True) == "2024-01-05"


def test_keys_in_a_time_window():
    window = TimeWindow(datetime(2024, 1, 4, 12, tzinfo=UTC), datetime(2024, 1, 7, tzinfo=UTC))
    assert DAILY.get_partition_keys_in_time_window(window) == ["2024-01-05", "2024-01-06"]
    assert DAILY.get_num_partitions_in_window(window) == 2
    assert DAILY.has_any_partitions_in_window(window)
    assert DAILY.get_partition_key_range_for_time_window(window) == PartitionKeyRange("2024-01-04", "2024-01-06")
    before = TimeWindow(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
    with pytest.raises(PartitionRangeError, match="no partition ends in it"):
        DAILY.get_partition_key_range_for_time_window(before)


def test_windows_of_keys_are_ascending_and_checked_if_asked():
    keys = frozenset(["2024-01-03", "2024-01-02", "2031-01-01", "2020-01-01"])
    assert [w.start.year for w in DAILY.time_windows_for_partition_keys(keys, validate=False)] == [
        2020,
        2024,
        2024,
        2031,
    ]
    assert [w.start.day for w in DAILY.time_windows_for_partition_keys(keys, current_time=NOW)] == [2, 3]
    assert DAILY.filter_valid_partition_keys(set(keys), NOW) == {"2024-01-02", "2024-01-03"}


def test_a_key_is_made_of_a_date_if_it_exists():
    assert DAILY.get_partition_key(date(2024, 1, 5), NOW) == "2024-01-05"
    assert DAILY.get_partition_key("2024-01-05", NOW) == "2024-01-05"
    with pytest.raises(PartitionKeyError, match="expected one of 2024-01-01 to 2024-03-19"):
        DAILY.get_partition_key(date(2025, 1, 5), NOW)


@pytest.mark.parametrize(
    ("definition", "kind", "given", "expected"),
    [
        (DAILY, ScheduleType.DAILY, {}, "0 0 * * *"),
        (DAILY, ScheduleType.DAILY, {"hour_of_day": 3}, "0 3 * * *"),
        (
            DailyPartitionsDefinition("2024-01-01", hour_offset=6),
            ScheduleType.DAILY,
            {"minute_of_hour": 5},
            "5 6 * * *",
        ),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), ScheduleType.HOURLY, {"minute_of_hour": 5}, "5 * * * *"),
        (
            WeeklyPartitionsDefinition("2024-01-01"),
            ScheduleType.WEEKLY,
            {"day_of_week": 2, "hour_of_day": 5},
            "0 5 * * 2",
        ),
        (MonthlyPartitionsDefinition("2024-01-01"), ScheduleType.MONTHLY, {"day_of_month": 3}, "0 0 3 * *"),
        (MonthlyPartitionsDefinition("2024-01-01"), ScheduleType.MONTHLY, {"day_of_week": 3}, "0 0 1 * *"),
        (cron("2024-01-01", "@daily"), ScheduleType.DAILY, {"hour_of_day": 1}, "0 1 * * *"),
        (cron("2024-01-01", "0 0 * * 1-5"), None, {}, "0 0 * * 1-5"),
    ],
)
def test_the_schedule_follows_the_cadence(definition, kind, given, expected):
    assert definition.schedule_type is kind
    assert definition.get_cron_schedule(**given) == expected


@pytest.mark.parametrize(
    ("definition", "given", "reason"),
    [
        (DAILY, {"day_of_week": 1}, "day_of_week does not apply to daily partitions"),
        (DAILY, {"day_of_month": 1}, "day_of_month does not apply to daily partitions"),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), {"hour_of_day": 1}, "hour_of_day does not apply to hourly"),
        (cron("2024-01-01", "0 0 * * 1-5"), {"hour_of_day": 1}, "do not apply to partitions of the cron schedule"),
        (DAILY, {"hour_of_day": 24}, "hour_offset is 24; expected 0 to 23"),
    ],
)
def test_a_schedule_argument_that_does_not_fit_is_refused(definition, given, reason):
    with pytest.raises(DefinitionError, match=reason):
        definition.get_cron_schedule(**given)


def test_offsets_are_read_from_the_schedule():
    weekly = WeeklyPartitionsDefinition("2024-01-01", minute_offset=5, hour_offset=6, day_offset=2)
    assert (weekly.minute_offset, weekly.hour_offset, weekly.day_offset) == (5, 6, 2)
    assert MonthlyPartitionsDefinition("2024-01-01", day_offset=9).day_offset == 9
    with pytest.raises(DefinitionError, match="has no single day of the month"):
        _ = DAILY.day_offset


def test_which_definitions_differ_only_in_their_bounds():
    assert DAILY.equal_except_for_start_or_end(DailyPartitionsDefinition("2020-01-01", "2021-01-01"))
    assert not DAILY.equal_except_for_start_or_end(DailyPartitionsDefinition("2024-01-01", hour_offset=1))


@pytest.mark.parametrize(
    ("definition", "finer"),
    [
        (DAILY, False),
        (hourly("2024-01-01-00:00", NY), True),
        (cron("2024-01-01-00", "0 */12 * * *", fmt="%Y-%m-%d-%H"), True),
    ],
)
def test_windows_shorter_than_a_day_are_known_as_such(definition, finer):
    assert definition.finer_than_day is finer
    assert definition.is_time


# Words


@pytest.mark.parametrize(
    ("definition", "words", "extent"),
    [
        (DAILY, "daily from 2024-01-01", "2024-01-01 to 2024-03-19"),
        (DailyPartitionsDefinition("2024-03-19"), "daily from 2024-03-19", "2024-03-19"),
        (DailyPartitionsDefinition("2025-01-01"), "daily from 2025-01-01", "none yet"),
        (DailyPartitionsDefinition("2025-01-01", "2025-01-01"), "daily from 2025-01-01 to before 2025-01-01", "none"),
        (
            hourly("2024-03-20-00:00", NY),
            f"hourly from 2024-03-20-00:00 ({NY})",
            "2024-03-20-00:00 to 2024-03-20-11:00",
        ),
        (cron("2024-01-02", "0 0 * * 1-5"), "cron '0 0 * * 1-5' from 2024-01-02", "2024-01-02 to 2024-03-19"),
    ],
)
def test_a_definition_in_words(definition, words, extent):
    assert definition.describe() == words
    assert definition.describe_extent(NOW) == extent


@pytest.mark.parametrize(
    ("definition", "key", "nearest"),
    [
        (DAILY, "2024-1-5", ("2024-01-05",)),
        (DAILY, "2024/01/05", ("2024-01-05",)),
        (DAILY, "05.01.2024", ("2024-01-05",)),
        (DAILY, "2030-01-01", ("2024-03-19",)),
        (DAILY, "2000-01-01", ("2024-01-01",)),
        (DAILY, "9999-12-31", ("2024-03-19",)),
        (DAILY, "yesterday", ("2024-03-19",)),
        (DailyPartitionsDefinition("2024-01-01", hour_offset=7), "2024-1-5", ("2024-01-05",)),
        (WeeklyPartitionsDefinition("2024-01-01"), "2024-01-09", ("2024-01-07", "2024-01-14")),
        (hourly("2024-03-09-00:00", NY), "2024-03-10-02:00", ("2024-03-10-01:00", "2024-03-10-03:00")),
        (DailyPartitionsDefinition("2025-01-01"), "2025-01-01", ()),
    ],
)
def test_the_nearest_keys_are_what_was_meant(definition, key, nearest):
    assert definition.nearest_keys(key, NOW) == nearest


def test_an_unknown_key_is_refused_with_its_neighbours_and_what_exists():
    assert DAILY.validate_key("2024-03-19", NOW) == 78
    with pytest.raises(UnknownPartitionError) as caught:
        DAILY.validate_key("2024-03-20", NOW, "plays")
    assert str(caught.value) == (
        "asset 'plays' has no partition '2024-03-20'. Nearest: '2024-03-19'. Its partitions are 2024-01-01 to"
        " 2024-03-19. List them with: gapless partitions list plays"
    )


# Bad arguments


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: DailyPartitionsDefinition("January"),
            "start_date 'January' does not fit the key format '%Y-%m-%d'. Write",
        ),
        (
            lambda: HourlyPartitionsDefinition("2024-02-03"),
            "start_date '2024-02-03' does not fit the key format '%Y-%m-%d-%H:%M'. Write start_date='2024-02-03-00:00'",
        ),
        (lambda: DailyPartitionsDefinition("2024-01-01", "x"), "end_date 'x' does not fit"),
        (lambda: DailyPartitionsDefinition(20240101), "start_date is 20240101, not a string or a datetime"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlim"), "Did you mean 'Europe/Berlin'"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="../../etc"), "there is no timezone"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone=3), "timezone is 3, not a string"),
        (lambda: DailyPartitionsDefinition("2024-01-01", hour_offset=24), "hour_offset is 24; expected 0 to 23"),
        (lambda: DailyPartitionsDefinition("2024-01-01", minute_offset=-1), "minute_offset is -1; expected 0 to 59"),
        (lambda: DailyPartitionsDefinition("2024-01-01", end_offset=0.5), "end_offset is 0.5; expected a whole number"),
        (lambda: WeeklyPartitionsDefinition("2024-01-01", day_offset=8), "day_offset is 8; expected 0 (Sunday) to 6"),
        (lambda: MonthlyPartitionsDefinition("2024-01-01", day_offset=32), "day_offset is 32; expected 1 to 31"),
        (lambda: cron("2024-01-01", "0 0 * * * *"), "has 6 fields; seconds and years are not supported"),
        (lambda: cron("2024-01-01", ["0 0 * * *"]), "is not a string"),
        (lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d"), "neither cron_schedule nor schedule_type"),
        (
            lambda: TimeWindowPartitionsDefinition(
                "2024-01-01", "%Y-%m-%d", cron_schedule="0 0 * * *", schedule_type=ScheduleType.DAILY
            ),
            "cron_schedule is given together with schedule_type or an offset",
        ),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule="0 0 * * *", hour_offset=3),
            "cron_schedule is given together with schedule_type or an offset",
        ),
        (
            lambda: TimeWindowPartitionsDefinition(
                "2024-01-01", "%Y-%m-%d", schedule_type=ScheduleType.DAILY, day_offset=3
            ),
            "day_offset is 3, but the cadence is daily",
        ),
        (
            lambda: TimeWindowPartitionsDefinition(
                "2024-01-01", "%Y-%m-%d", schedule_type=ScheduleType.HOURLY, hour_offset=3
            ),
            "hour_offset is 3, but the cadence is hourly",
        ),
        (lambda: DailyPartitionsDefinition("2024-01-01", fmt="date"), "fmt is 'date', not a format"),
        (
            lambda: HourlyPartitionsDefinition("2024-01-01", fmt="%Y-%m-%d"),
            "does not tell the partitions of '0 * * * *' apart: the one that starts at 2024-01-01 01:00 would get the"
            " key '2024-01-01', which names another. Add what is missing to fmt",
        ),
        (lambda: HourlyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y-%m-%d %I:%M"), "does not tell"),
        (lambda: HourlyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y-%d-%H"), "does not tell"),
        (lambda: DailyPartitionsDefinition(datetime(2024, 1, 1), fmt="%m-%d"), "does not tell"),
        (lambda: DailyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y-%m"), "does not tell"),
        (lambda: MonthlyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y"), "does not tell"),
        (lambda: WeeklyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y-%W"), "does not tell"),
        (lambda: DailyPartitionsDefinition(datetime(2024, 1, 1), fmt="%Y-%-m-%d"), "cannot be read back"),
        (lambda: DailyPartitionsDefinition("0001-01-01"), "is out of the calendar"),
        (lambda: DailyPartitionsDefinition("9999-12-30"), "is out of the calendar"),
    ],
)
def test_arguments_that_make_no_definition_are_refused_with_the_fix(make, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        make()
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, DefinitionError)


def test_an_hour_later_is_an_instant_later_even_at_night():
    # Civil arithmetic on the ends of windows would be wrong here; instants are what counts.
    fall = hourly("2024-11-03-00:00", NY)
    assert [
        fall.ordinal_containing(fall.window_at(1).start.astimezone(UTC) + timedelta(hours=h)) for h in range(3)
    ] == [1, 2, 3]
