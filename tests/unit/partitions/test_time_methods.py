"""The methods of time definitions that have Dagster's names: §1.1 of the semantics."""

from datetime import UTC, date, datetime

import pytest
from time_definitions import DAILY, NOW, NY, cron, hourly

from gapless.errors import (
    DefinitionError,
    InvocationError,
    PartitionKeyError,
    PartitionRangeError,
)
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    ScheduleType,
    TimeWindow,
    WeeklyPartitionsDefinition,
)


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


def test_a_set_of_what_starts_in_a_time_window_stays_within_the_definition():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-05")
    window = TimeWindow(datetime(2023, 12, 30, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))
    assert list(ended.get_partition_subset_in_time_window(window)) == ["2024-01-01", "2024-01-02"]
    window = TimeWindow(datetime(2024, 1, 3, 1, tzinfo=UTC), datetime(2030, 1, 3, tzinfo=UTC))
    assert list(ended.get_partition_subset_in_time_window(window)) == ["2024-01-04"]


def test_windows_in_bulk_are_those_one_by_one():
    fall = hourly("2024-11-02-00:00", NY)
    some = OrdinalSet.of([0, 1, 24, 25, 26, 27, 40])
    assert fall.windows_of(some) == [fall.window_at(n) for n in some]
    assert fall.windows_of(OrdinalSet.empty()) == []
    with pytest.raises(IndexError):
        DailyPartitionsDefinition("2024-01-01", "2024-01-05").windows_of(OrdinalSet.of([3, 4]))


def test_bounds_of_no_windows_are_refused():
    assert DAILY.window_bounds(0, 31) == TimeWindow(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="no windows from 3 to before 3"):
        DAILY.window_bounds(3, 3)


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
        (HourlyPartitionsDefinition("2024-01-01-00:00"), {"day_of_week": 1}, "day_of_week does not apply to hourly"),
        (HourlyPartitionsDefinition("2024-01-01-00:00"), {"day_of_month": 1}, "day_of_month does not apply to hourly"),
        (WeeklyPartitionsDefinition("2024-01-01"), {"day_of_month": 1}, "day_of_month does not apply to weekly"),
        (MonthlyPartitionsDefinition("2024-01-01"), {"day_of_week": 1}, "day_of_week does not apply to monthly"),
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


@pytest.mark.parametrize("moment", [datetime.min, datetime.max, datetime(9999, 12, 31, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", NY])
def test_a_time_at_the_edge_of_the_calendar_is_answered_or_refused(moment, zone):
    daily = DailyPartitionsDefinition("2024-01-01", timezone=zone)
    ended = DailyPartitionsDefinition("2024-01-01", "2024-02-01", timezone=zone, end_offset=-1)
    early = moment == datetime.min
    assert ended.get_num_partitions(moment) == (0 if early else 31)
    refused = [
        lambda: daily.get_next_partition_window(moment),
        lambda: daily.get_prev_partition_window(moment),
        lambda: daily.is_window_start_excluded(moment),
    ]
    if early:
        assert daily.get_num_partitions(moment) == 0
    else:
        refused.append(lambda: daily.get_num_partitions(moment))
    for ask in refused:
        with pytest.raises(InvocationError, match=r"is out of the calendar\. Ask about a time of the years 2 to 9990"):
            ask()


@pytest.mark.parametrize(
    ("timestamp", "message"),
    [
        (1e30, "timestamp 1000000000000000019884624838656 is out of the calendar. Ask about a time of the years"),
        (float("nan"), "timestamp is nan, not a moment. Write seconds since 1970-01-01T00:00Z."),
        (float("inf"), "timestamp is inf, not a moment. Write seconds since 1970-01-01T00:00Z."),
    ],
)
def test_a_timestamp_that_is_no_moment_is_refused(timestamp, message):
    with pytest.raises(InvocationError) as caught:
        DAILY.get_partition_key_for_timestamp(timestamp)
    assert message in str(caught.value)


def test_nothing_comes_next_where_nothing_exists():
    later = DailyPartitionsDefinition("2024-01-10")
    now = datetime(2024, 1, 10, 6, tzinfo=UTC)
    assert later.get_next_partition_key("2024-01-07", now) is None
    assert later.get_next_partition_window(datetime(2024, 1, 7, tzinfo=UTC), current_time=now) is None
    assert later.get_next_partition_key("2024-01-10", datetime(2024, 1, 12, tzinfo=UTC)) == "2024-01-11"
