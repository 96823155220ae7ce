"""Windows that a definition leaves out: §2.7 of the semantics, §6.15."""

import pickle
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from gapless.errors import (
    ExcludedPartitionError,
    ExclusionError,
    InvocationError,
    PartitionKeyError,
    PartitionsDefinitionError,
    UnknownPartitionError,
)
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    PartitionSet,
    RollingWindowPartitionMapping,
    TimeWindow,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

WEEKENDS = "0 0 * * 6,0"
HOLIDAY = date(2024, 1, 3)
NOW = datetime(2024, 1, 10, 12)
BUSINESS = DailyPartitionsDefinition("2024-01-01", exclusions=[WEEKENDS, HOLIDAY])


class NotATime(datetime):
    """As pandas' NaT: a datetime that is unequal to itself."""

    __hash__ = datetime.__hash__

    def __eq__(self, other):
        return False

    def __ne__(self, other):
        return True

    def __repr__(self):
        return "NaT"


NOT_A_TIME = NotATime(1, 1, 1)


def is_weekend(start):
    return start.isoweekday() > 5


def day(number):
    return datetime(2024, 1, number, tzinfo=UTC)


def keys(definition, first, end):
    return [definition.unbounded_key(n)[5:] for n in range(first, end)]


# §2.7, right where the incumbent is not


def test_excluded_windows_do_not_exist_and_the_others_do_not_stretch():
    assert [key[5:] for key in BUSINESS.get_partition_keys(NOW)] == [
        "01-01",
        "01-02",
        "01-04",
        "01-05",
        "01-08",
        "01-09",
    ]
    assert BUSINESS.window_at(3) == TimeWindow(day(5), day(6))
    assert BUSINESS.window_at(4) == TimeWindow(day(8), day(9))
    assert keys(BUSINESS, -3, 1) == ["12-27", "12-28", "12-29", "01-01"]


def test_ordinals_go_over_what_is_excluded():
    assert [BUSINESS.ordinal_of(f"2024-01-0{n}") for n in range(1, 10)] == [0, 1, None, 2, 3, None, None, 4, 5]
    assert not BUSINESS.has_partition_key("2024-01-06", NOW)
    assert BUSINESS.get_next_partition_key("2024-01-05", NOW) == "2024-01-08"
    assert BUSINESS.get_next_partition_key("2024-01-06", NOW) == "2024-01-08"
    assert BUSINESS.less_than("2024-01-06", "2024-01-07")


def test_an_excluded_key_is_refused_by_name_and_its_neighbours_are_named():
    with pytest.raises(ExcludedPartitionError) as caught:
        BUSINESS.time_window_for_partition_key("2024-01-06")
    assert str(caught.value) == (
        "partition '2024-01-06' is excluded; expected a partition of: daily from 2024-01-01, except cron '0 0 * * 6,0'"
        " and 1 date. Nearest: '2024-01-05', '2024-01-08'."
    )
    assert isinstance(caught.value, PartitionKeyError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    with pytest.raises(
        UnknownPartitionError, match=r"no partition '2024-01-06': it is excluded\. Nearest: '2024-01-05'"
    ):
        BUSINESS.validate_key("2024-01-06", NOW)
    with pytest.raises(ExcludedPartitionError, match="2024-01-06 12:00:00"):
        BUSINESS.get_partition_key_for_timestamp(day(6).timestamp() + 12 * 3600)


def test_windows_of_keys_drop_the_excluded_only_when_asked_to():
    both = frozenset(["2024-01-05", "2024-01-06"])
    assert BUSINESS.time_windows_for_partition_keys(both, current_time=NOW) == [TimeWindow(day(5), day(6))]
    with pytest.raises(ExcludedPartitionError):
        BUSINESS.time_windows_for_partition_keys(both, validate=False)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("01-02", "01-07", ["01-02", "01-04", "01-05"]),
        ("01-06", "01-07", []),
        ("01-03", "01-03", []),
        ("01-06", "01-09", ["01-08", "01-09"]),
        ("01-05", "01-08", ["01-05", "01-08"]),
        ("01-08", "01-06", []),
    ],
)
def test_a_range_that_ends_on_an_excluded_key_does_not_spill(start, end, expected):
    found = BUSINESS.get_partition_keys_in_range(PartitionKeyRange(f"2024-{start}", f"2024-{end}"))
    assert [key[5:] for key in found] == expected


@pytest.mark.parametrize(
    ("end_offset", "now", "last"),
    [
        (0, "2024-01-06 00:00", "2024-01-05"),
        (0, "2024-01-07 12:00", "2024-01-05"),
        (0, "2024-01-08 12:00", "2024-01-05"),
        (0, "2024-01-09 00:00", "2024-01-08"),
        (1, "2024-01-05 12:00", "2024-01-05"),
        (1, "2024-01-06 12:00", "2024-01-08"),
        (1, "2023-12-29 00:00", None),
        (1, "2023-12-29 12:00", "2024-01-01"),
        (1, "2023-12-30 12:00", "2024-01-01"),
        (-1, "2024-01-06 12:00", "2024-01-04"),
        (-1, "2024-01-08 12:00", "2024-01-04"),
    ],
)
def test_offsets_count_the_windows_that_are_kept(end_offset, now, last):
    definition = DailyPartitionsDefinition("2024-01-01", end_offset=end_offset, exclusions=[WEEKENDS])
    assert definition.get_last_partition_key(datetime.fromisoformat(now)) == last


def test_a_set_across_a_hole_is_one_run_of_as_many_partitions():
    found = PartitionSet.of_keys(BUSINESS, ["2024-01-04", "2024-01-05", "2024-01-08"])
    assert found.flat() == OrdinalSet.span(2, 5)
    assert "2024-01-06" not in found
    assert BUSINESS.stretches(2, 5) == [(2, 4), (4, 5)]
    assert BUSINESS.window_bounds(2, 5) == TimeWindow(day(4), day(9))


def test_a_moment_in_a_hole_is_in_no_window():
    assert BUSINESS.ordinal_containing(day(5)) == 3
    assert BUSINESS.ordinal_containing(day(6)) is None
    assert BUSINESS.overlapping_unbounded(TimeWindow(day(6), day(8))) == (4, 4)
    assert BUSINESS.overlapping_unbounded(TimeWindow(day(5), day(9))) == (3, 5)
    assert BUSINESS.get_prev_partition_window(day(7), current_time=NOW) == TimeWindow(day(5), day(6))
    assert BUSINESS.get_next_partition_window(day(6), current_time=NOW) == TimeWindow(day(8), day(9))
    inside = TimeWindow(day(6), day(10))
    assert BUSINESS.get_partition_keys_in_time_window(inside) == ["2024-01-08", "2024-01-09"]
    assert list(BUSINESS.get_partition_subset_in_time_window(inside)) == ["2024-01-08", "2024-01-09"]
    assert BUSINESS.get_partition_key_range_for_time_window(inside, current_time=NOW) == PartitionKeyRange(
        "2024-01-08", "2024-01-09"
    )


def test_what_starts_an_excluded_window_is_known():
    assert BUSINESS.is_window_start_excluded(datetime(2024, 1, 6))
    assert BUSINESS.is_window_start_excluded(day(3))
    assert not BUSINESS.is_window_start_excluded(day(4))
    assert not BUSINESS.is_window_start_excluded(day(6) + timedelta(hours=12))
    assert not BUSINESS.is_window_start_excluded(day(6) + timedelta(microseconds=1))


def test_an_end_date_in_a_hole_ends_the_definition_before_it():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-08", exclusions=[WEEKENDS])
    assert ended.get_last_partition_key(datetime(2025, 1, 1)) == "2024-01-05"
    assert ended.count(datetime(2025, 1, 1)) == 5 == ended.room
    assert ended.ordinal_of("2024-01-08") is None


# How they are written


def test_every_cadence_takes_exclusions():
    christmas = [date(2024, 12, 25)]
    hourly = HourlyPartitionsDefinition("2024-12-24-22:00", exclusions=christmas)
    assert keys(hourly, 0, 3) == ["12-24-22:00", "12-24-23:00", "12-26-00:00"]
    weekly = WeeklyPartitionsDefinition("2024-12-15", exclusions=[datetime(2024, 12, 22)])
    assert keys(weekly, 0, 2) == ["12-15", "12-29"]
    monthly = MonthlyPartitionsDefinition("2024-06-01", exclusions=["0 0 1 8 *"])
    assert keys(monthly, 0, 3) == ["06-01", "07-01", "09-01"]


def test_one_function_needs_no_list():
    assert DailyPartitionsDefinition("2024-01-01", exclusions=is_weekend) == DailyPartitionsDefinition(
        "2024-01-01", exclusions=[is_weekend]
    )


def test_a_cron_excludes_only_what_starts_at_its_ticks():
    night = HourlyPartitionsDefinition("2024-01-05-22:00", exclusions=[WEEKENDS])
    assert keys(night, 0, 4) == ["01-05-22:00", "01-05-23:00", "01-06-01:00", "01-06-02:00"]
    whole = HourlyPartitionsDefinition("2024-01-05-22:00", exclusions=["* * * * 6,0"])
    assert keys(whole, 0, 3) == ["01-05-22:00", "01-05-23:00", "01-08-00:00"]


NIGHT = HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York")


@pytest.mark.parametrize(
    ("exclusion", "expected"),
    [
        (datetime(2024, 11, 3, 1), ["00:00", "01:00-0500", "02:00"]),
        (datetime(2024, 11, 3, 1, fold=1), ["00:00", "01:00", "02:00"]),
        (datetime(2024, 11, 3, 2, fold=1), ["00:00", "01:00", "01:00-0500", "03:00"]),
        (datetime(2024, 11, 3, 1, tzinfo=UTC), ["00:00", "01:00-0500", "02:00"]),
        (datetime(2024, 11, 3, 1, 30), ["00:00", "01:00", "01:00-0500", "02:00"]),
        ("0 1 * * *", ["00:00", "01:00", "02:00"]),
        ("0 * * * 1", ["00:00", "01:00", "01:00-0500", "02:00"]),
        (lambda start: start.utcoffset() == timedelta(hours=-4), ["01:00-0500", "02:00"]),
    ],
)
def test_the_hour_that_comes_twice_can_be_excluded_once(exclusion, expected):
    # A cron that does not tick each hour ticks at the second pass, §2.1.
    definition = HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York", exclusions=[exclusion])
    assert [key[6:] for key in keys(definition, 0, len(expected))] == expected


def test_a_daily_window_that_starts_in_the_second_pass_is_excluded_by_its_label():
    definition = DailyPartitionsDefinition(
        "2024-11-02", hour_offset=1, timezone="America/New_York", exclusions=[datetime(2024, 11, 3, 1)]
    )
    assert keys(definition, 0, 2) == ["11-02", "11-04"]


def test_a_date_that_a_country_skipped_excludes_nothing():
    apia = DailyPartitionsDefinition("2011-12-29", timezone="Pacific/Apia", exclusions=[date(2011, 12, 30)])
    assert keys(apia, 0, 2) == ["12-29", "12-31"]


def test_scattered_dates_are_excluded_each_for_itself():
    far = [date(9999, 12, 31), date(9999, 12, 30), date(2024, 5, 1), date(2024, 1, 3), date(2024, 1, 2)]
    definition = DailyPartitionsDefinition("2024-01-01", exclusions=[*far, date(9999, 12, 1)])
    assert keys(definition, 0, 3) == ["01-01", "01-04", "01-05"]
    assert [definition.has_partition_key(key, datetime(2024, 6, 1)) for key in ("2024-05-01", "2024-05-02")] == [
        False,
        True,
    ]
    assert definition.ordinal_of("9999-12-01") is None


def test_dates_out_of_reach_exclude_nothing():
    far = [date(1, 1, 1), date(9999, 12, 31), datetime(1, 1, 1), datetime(9999, 12, 31)]
    assert keys(DailyPartitionsDefinition("2024-01-01", exclusions=far), 0, 2) == ["01-01", "01-02"]


# Functions


def test_a_function_is_asked_once_in_the_definitions_timezone_and_no_further_than_needed():
    asked = []

    def calendar(start):
        if start.year > 2024:
            raise LookupError("the calendar of 2025 is not out yet")
        asked.append(start)
        return start.isoweekday() > 5

    definition = DailyPartitionsDefinition(
        "2024-12-01", timezone="Asia/Tokyo", exclusions=[date(2024, 12, 5), calendar]
    )
    assert [definition.count(datetime(2024, 12, n)) for n in (10, 20, 20, 31)] == [5, 13, 13, 20]
    assert [start.isoformat() for start in asked[:4]] == [
        "2024-12-01T00:00:00+09:00",
        "2024-12-02T00:00:00+09:00",
        "2024-12-03T00:00:00+09:00",
        "2024-12-04T00:00:00+09:00",
    ]
    assert [start.day for start in asked] == [n for n in range(1, 31) if n != 5]
    with pytest.raises(ExclusionError, match="LookupError: the calendar of 2025 is not out yet"):
        definition.count(datetime(2025, 1, 10))
    assert definition.count(datetime(2024, 12, 31)) == 20


def test_a_function_that_forgets_to_answer_is_refused():
    with pytest.raises(PartitionsDefinitionError, match=r"<lambda> says neither True nor False of 2024-01-01 00:00"):
        DailyPartitionsDefinition("2024-01-01", exclusions=lambda start: None)


def test_a_mistyped_year_does_not_ask_a_function_for_ever():
    asked = []
    definition = TimeWindowPartitionsDefinition(
        "2024-01-01-00:00",
        "%Y-%m-%d-%H:%M",
        cron_schedule="* * * * *",
        exclusions=lambda start: bool(asked.append(start)),
    )
    assert definition.ordinal_of("9024-01-01-00:00") is None
    assert not definition.has_partition_key("9024-01-01-00:00", datetime(2024, 1, 2))
    assert len(asked) <= 1441


def test_definitions_that_say_the_same_ask_a_function_once():
    asked = []

    def calendar(start):
        asked.append(start)
        return False

    first, second = (DailyPartitionsDefinition("2024-01-01", exclusions=[calendar]) for _ in range(2))
    assert [each.count(datetime(2024, 2, 1)) for each in (first, second, first)] == [31, 31, 31]
    assert len(asked) == 31
    assert DailyPartitionsDefinition("2024-01-02", exclusions=[calendar]).count(datetime(2024, 1, 4)) == 2


def minutes(*end, **arguments):
    return TimeWindowPartitionsDefinition(
        "2004-01-01-00:00", "%Y-%m-%d-%H:%M", *end, cron_schedule="* * * * *", exclusions=is_weekend, **arguments
    )


def test_a_function_that_would_be_asked_for_minutes_is_refused_with_the_fix():
    expected = (
        r"the exclusions \(is_weekend\(\)\) would be asked about too many windows, all those from {}\. Write the"
        r" rule as cron schedules or dates, which need not be asked, begin later, or say where they end\."
    )
    with pytest.raises(PartitionsDefinitionError, match=expected.format("start_date to end_date")):
        minutes("2026-01-01-00:00")
    definition = minutes()
    with pytest.raises(PartitionsDefinitionError, match=expected.format("2004-01-01 00:00:00.*to 2026-01-01 00:00:00")):
        definition.get_num_partitions(datetime(2026, 1, 1))


def test_a_time_too_far_away_to_know_what_crons_leave_out_is_refused():
    with pytest.raises(InvocationError, match=r"is too far from 2024-01-01 .* leave out in between\. Ask about a time"):
        DailyPartitionsDefinition("2024-01-01", exclusions=[WEEKENDS]).get_num_partitions(datetime(9024, 1, 1))
    for ask in (BUSINESS.time_window_for_partition_key, BUSINESS.get_next_partition_key):
        with pytest.raises(InvocationError, match=r"partition '9024-01-01' is too far from 2024-01-01"):
            ask("9024-01-01")
    with pytest.raises(InvocationError, match=r"2024-01-01\.\.9024-01-01 is too far"):
        BUSINESS.get_partition_keys_in_range(PartitionKeyRange("2024-01-01", "9024-01-01"))


def test_what_an_exclusion_raises_is_shown_whole_with_the_start_that_it_got():
    def lookup(start):
        return {1: False, 2: True}[start.day]

    def is_holiday(start):
        return lookup(start)

    definition = DailyPartitionsDefinition("2024-01-01", exclusions=[is_holiday])
    assert definition.count(datetime(2024, 1, 3)) == 1
    with pytest.raises(ExclusionError) as caught:
        definition.count(datetime(2024, 1, 4))
    text = str(caught.value)
    assert text.startswith(
        f"{__file__}:{is_holiday.__code__.co_firstlineno}: the exclusion is_holiday(2024-01-03 00:00:00+00:00) raised"
        " KeyError: 3. It is asked about every window. Return True for a window that is excluded, False for one that is"
        " not.\n\nTraceback"
    )
    assert text.index("in is_holiday") < text.index("in lookup")
    assert "excluding.py" not in text
    assert text.endswith("KeyError: 3")
    assert isinstance(caught.value.__cause__, KeyError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_what_an_exclusion_raises_is_not_taken_for_the_end_of_the_calendar():
    def overflowing(start):
        raise OverflowError("mine")

    with pytest.raises(ExclusionError, match="raised OverflowError: mine"):
        DailyPartitionsDefinition("2024-01-01", exclusions=[overflowing])


def test_an_answer_that_is_neither_true_nor_false_is_shown():
    class Missing:
        def __bool__(self):
            raise TypeError("boolean value of NA is ambiguous")

        def __repr__(self):
            return "<NA>"

    expected = r"neither True nor False of 2024-01-01 00:00:00\+00:00, but <NA> \(Missing\)\. Return True for"
    with pytest.raises(ExclusionError, match=expected):
        DailyPartitionsDefinition("2024-01-01", exclusions=[lambda start: Missing()])


@pytest.mark.parametrize("listed", [True, False])
def test_an_exclusion_that_cannot_be_called_with_a_start_is_refused_at_once(listed):
    def never():
        return False

    with pytest.raises(ExclusionError, match=r"exclusion never cannot be called with one argument\. Give it one param"):
        DailyPartitionsDefinition("2024-01-01", exclusions=[never] if listed else never)


def test_a_function_that_asks_the_definition_that_it_excludes_from_is_refused():
    def follows_a_kept_day(start):
        if start.day == 1:
            return False
        return definition.ordinal_of((start - timedelta(days=1)).strftime("%Y-%m-%d")) is not None

    definition = DailyPartitionsDefinition("2024-01-01", exclusions=[follows_a_kept_day])
    expected = r"the exclusion follows_a_kept_day asks the definition that it excludes from\. Ask one without"
    for _ in range(2):
        with pytest.raises(ExclusionError, match=expected):
            definition.get_partition_keys(datetime(2024, 5, 1))


# A calendar that lists the days of the definition, and knows of no others

OPEN_DAYS = {date(2024, 1, n) for n in (2, 3, 4, 5, 8, 9, 10, 11, 12, 15, 16)}


def listed_calendar():
    asked = []

    def closed(start):
        asked.append(start)
        return start.date() not in OPEN_DAYS

    return DailyPartitionsDefinition("2024-01-02", end_date="2024-01-17", exclusions=closed), asked


def test_a_function_is_asked_about_windows_of_the_definition_only():
    trading, asked = listed_calendar()
    assert trading.time_window_for_partition_key("2024-01-17") == TimeWindow(day(17), day(18))
    assert trading.get_partition_key_for_timestamp(day(20).timestamp()) == "2024-01-20"
    assert trading.get_prev_partition_window(day(2), respect_bounds=False) == TimeWindow(day(1), day(2))
    assert trading.get_next_partition_window(day(17), respect_bounds=False) == TimeWindow(day(17), day(18))
    assert trading.get_prev_partition_window(day(2)) is None
    assert trading.get_next_partition_key("2024-01-16") is None
    assert keys(trading, -2, 2) == ["12-31", "01-01", "01-02", "01-03"]
    assert keys(trading, 9, 13) == ["01-15", "01-16", "01-17", "01-18"]
    assert {start.day for start in asked} == set(range(2, 17))


@pytest.mark.parametrize(
    ("mapping", "key", "expected"),
    [
        (TimeWindowPartitionMapping(-1, -1), "2024-01-02", []),
        (TimeWindowPartitionMapping(-1, -1), "2024-01-08", ["2024-01-05"]),
        (TimeWindowPartitionMapping(0, 1), "2024-01-16", ["2024-01-16"]),
        (RollingWindowPartitionMapping(3), "2024-01-08", ["2024-01-04", "2024-01-05", "2024-01-08"]),
    ],
)
def test_what_lies_outside_of_a_listed_calendar_is_nothing_to_an_offset(mapping, key, expected):
    # §2.6
    trading, _ = listed_calendar()
    assert mapping.validate(trading, trading) is None
    found = mapping.upstream(trading.ordinals_of([key]), trading, trading, datetime(2024, 6, 1, tzinfo=UTC))
    assert trading.keys_of(found.partitions) == expected
    assert found.nonexistent_count == 0


def test_days_read_from_a_listed_calendar_across_its_holes():
    trading, _ = listed_calendar()
    daily, now = DailyPartitionsDefinition("2024-01-01"), datetime(2024, 6, 1, tzinfo=UTC)
    for mapping, count in ((TimeWindowPartitionMapping(-1, 0), 2), (RollingWindowPartitionMapping(3), 3)):
        found = mapping.upstream(daily.ordinals_of(["2024-01-05"]), daily, trading, now)
        assert trading.keys_of(found.partitions) == ["2024-01-03", "2024-01-04", "2024-01-05"][-count:]
        readers = mapping.downstream(trading.ordinals_of(["2024-01-16"]), daily, trading, now)
        assert daily.keys_of(readers)[0] == "2024-01-16"


def test_the_same_function_in_calendars_of_different_bounds_ties_the_same_days():
    def weekend(start):
        return start.isoweekday() > 5

    early, late = (DailyPartitionsDefinition(start, exclusions=weekend) for start in ("2024-01-01", "2024-01-15"))
    mapping, now = TimeWindowPartitionMapping(), datetime(2024, 6, 1, tzinfo=UTC)
    found = mapping.upstream(late.ordinals_of(["2024-01-16"]), late, early, now)
    assert early.keys_of(found.partitions) == ["2024-01-16"]
    assert late.keys_of(mapping.downstream(early.ordinals_of(["2024-01-16"]), late, early, now)) == ["2024-01-16"]


def test_a_definition_without_windows_can_be_mapped_whatever_it_excludes():
    weekly = WeeklyPartitionsDefinition(
        "2024-04-24", end_date="2024-04-29", exclusions=[WEEKENDS], timezone="America/New_York"
    )
    daily, now = DailyPartitionsDefinition("2024-04-20", timezone="America/New_York"), datetime(2024, 6, 1, tzinfo=UTC)
    for mapping in (TimeWindowPartitionMapping(-1, 0), RollingWindowPartitionMapping(3)):
        assert mapping.validate(weekly, daily) is None
        assert not mapping.upstream(daily.ordinals_of(["2024-04-25"]), daily, weekly, now).partitions


def test_a_calendar_that_lists_days_and_never_ends_is_refused_where_it_has_no_answer():
    open_days = OPEN_DAYS
    endless = DailyPartitionsDefinition("2024-01-02", exclusions=lambda start: start.date() not in open_days)
    assert endless.get_last_partition_key(datetime(2024, 6, 1)) == "2024-01-16"
    with pytest.raises(PartitionsDefinitionError, match="begin later, or say where they end"):
        endless.time_window_for_partition_key("2024-01-17")


# What leaves nothing


@pytest.mark.parametrize(
    ("end", "exclusions", "message"),
    [
        (None, ["0 0 * * *"], "the exclusions (cron '0 0 * * *') leave no partition: the first 15,006 windows are"),
        (None, lambda start: True, "the exclusions (<lambda>()) leave no partition: the first 15,006 windows are"),
        ("2024-01-06", ["0 0 * * 1-5"], "leave no partition: all 5 windows are excluded. Exclude fewer of them."),
        ("2024-01-02", [date(2024, 1, 1)], "the exclusions (1 date) leave no partition: all 1 windows are excluded"),
    ],
)
def test_exclusions_that_leave_nothing_are_refused_after_a_bounded_search(end, exclusions, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        DailyPartitionsDefinition("2024-01-01", end, exclusions=exclusions)
    assert message in str(caught.value)


def test_a_definition_that_is_empty_anyway_may_have_exclusions():
    empty = DailyPartitionsDefinition("2024-01-01", "2024-01-01", exclusions=["0 0 * * *"])
    assert empty.get_partition_keys(NOW) == []


@pytest.mark.parametrize(
    ("exclusions", "message"),
    [
        ("0 0 * * 6", "exclusions is '0 0 * * 6', not a list. Write exclusions=['0 0 * * 6'], or for example"),
        (date(2024, 1, 1), "is datetime.date(2024, 1, 1), not a list. Write exclusions=[datetime.date(2024, 1, 1)]"),
        (5, "exclusions is 5, not a list"),
        ([5], "the exclusion 5 is not a cron schedule, a date, a datetime or a function"),
        (["0 0 31 2 *"], "among the exclusions, the cron schedule '0 0 31 2 *' never comes"),
        (["0 0 * * * *"], "among the exclusions, the cron schedule '0 0 * * * *' has 6 fields"),
        (["2024-01-03"], "'2024-01-03' has 1 field. Write datetime.date(2024, 1, 3) without quotes."),
        (["2024-01-03 10:00"], "Write datetime.datetime(2024, 1, 3, 10, 0) without quotes."),
        (
            [datetime(2024, 1, 3, tzinfo=UTC), datetime(2024, 1, 4)],
            "among the exclusions, 2024-01-03 00:00:00+00:00 is in timezone UTC, but 2024-01-04 00:00:00 is without a"
            " timezone. Write all of them as civil time in the definition's timezone",
        ),
        ([NOT_A_TIME], "among the exclusions, NaT is no date. Leave it out."),
        (
            [f"{n % 60} {n // 60} * * *" for n in range(1001)],
            "there are 1,001 cron schedules among the exclusions; at most 1,000 can be. Write dates or datetimes",
        ),
        (["x" * 1000], "… (1,002 characters) has 1 field"),
    ],
)
def test_what_is_no_exclusion_is_refused_with_the_fix(exclusions, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        DailyPartitionsDefinition("2024-01-01", exclusions=exclusions)
    assert message in str(caught.value)


# As values


def test_exclusions_are_part_of_what_a_definition_says():
    assert BUSINESS.exclusions == (WEEKENDS, HOLIDAY)
    assert DailyPartitionsDefinition("2024-01-01").exclusions == ()
    same = DailyPartitionsDefinition("2024-01-01", exclusions=[HOLIDAY, "0  0 * * 6,0"])
    assert same == BUSINESS
    assert hash(same) == hash(BUSINESS)
    assert same.equal_except_for_start_or_end(DailyPartitionsDefinition("2020-01-01", exclusions=[WEEKENDS, HOLIDAY]))
    assert DailyPartitionsDefinition("2024-01-01") != BUSINESS
    assert DailyPartitionsDefinition("2024-01-01", exclusions=[WEEKENDS]) != BUSINESS
    copy = pickle.loads(pickle.dumps(BUSINESS))
    assert copy == BUSINESS
    assert copy.get_partition_keys(NOW) == BUSINESS.get_partition_keys(NOW)
    with_function = DailyPartitionsDefinition(
        "2024-01-01", timezone="Asia/Tokyo", exclusions=[is_weekend, datetime(2024, 1, 2)]
    )
    assert pickle.loads(pickle.dumps(with_function)) == with_function


def test_the_two_passes_of_an_hour_are_two_exclusions():
    first, second = (
        HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York", exclusions=[moment])
        for moment in (datetime(2024, 11, 3, 1), datetime(2024, 11, 3, 1, fold=1))
    )
    assert first != second


def test_what_is_called_need_not_be_hashable():
    @dataclass
    class Calendar:
        closed: int

        def __call__(self, start):
            return start.day == self.closed

    calendar = Calendar(2)
    definition = DailyPartitionsDefinition("2024-01-01", exclusions=calendar)
    assert keys(definition, 0, 2) == ["01-01", "01-03"]
    assert hash(definition) == hash(DailyPartitionsDefinition("2024-01-01", exclusions=[calendar]))
    assert definition.describe() == "daily from 2024-01-01, except Calendar()"


def test_exclusions_show_themselves():
    definition = DailyPartitionsDefinition(
        "2024-01-01", exclusions=[WEEKENDS, is_weekend, datetime(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]
    )
    assert definition.describe() == (
        "daily from 2024-01-01, except cron '0 0 * * 6,0', is_weekend(), 2 dates and 1 moment"
    )
    assert repr(definition).endswith(
        "exclusions=['0 0 * * 6,0', is_weekend, datetime.datetime(2024, 1, 2, 0, 0), datetime.date(2024, 1, 3),"
        " datetime.date(2024, 1, 4)])"
    )
