import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)
from gapless.storage.duckdb.membership.time_bounds import (
    AmbiguousHourError,
    UnsuitedTypeError,
    civil_span,
    coalesced,
    date_span,
    digit_spans,
    epoch_us,
    iso_says,
    text_span,
)

NEW_YORK = "America/New_York"
HOURS = HourlyPartitionsDefinition("2024-11-02-00:00", timezone=NEW_YORK)


def hour(key):
    return HOURS.time_window_for_partition_key(key)


@given(st.sets(st.integers(0, 60)))
def test_coalesced_ranges_hold_the_same_values_in_the_fewest_ranges(values):
    ranges = coalesced((value, value + 1) for value in values)
    assert {value for low, high in ranges for value in range(low, high)} == values
    assert all(one[1] < following[0] for one, following in itertools.pairwise(ranges))


def test_a_day_that_starts_at_another_hour_is_labelled_by_its_start():
    late = DailyPartitionsDefinition("2024-03-08", timezone=NEW_YORK, hour_offset=2)
    assert date_span(late.time_window_for_partition_key("2024-03-10"), NEW_YORK, False) == (
        date(2024, 3, 10),
        date(2024, 3, 11),
    )


def test_a_date_cannot_tell_hours():
    with pytest.raises(UnsuitedTypeError) as caught:
        date_span(hour("2024-11-03-05:00"), NEW_YORK, True)
    assert caught.value.reason == "but the partitions are shorter than a day"


@pytest.mark.parametrize("key", ["2024-11-03-01:00", "2024-11-03-01:00-0500"])
def test_the_repeated_hour_has_no_civil_span(key):
    with pytest.raises(AmbiguousHourError):
        civil_span(hour(key), NEW_YORK, True)
    assert text_span(hour(key), NEW_YORK, True).civil is None


@pytest.mark.parametrize("key", ["2024-11-03-00:00", "2024-11-03-02:00"])
def test_the_hours_around_it_have_one(key):
    start = datetime.strptime(key, "%Y-%m-%d-%H:%M")
    assert civil_span(hour(key), NEW_YORK, True) == (start, start + timedelta(hours=1))


def test_long_windows_around_the_repeated_hour_are_not_ambiguous():
    six_hours = TimeWindowPartitionsDefinition(
        start="2024-11-03-00", fmt="%Y-%m-%d-%H", cron_schedule="0 */6 * * *", timezone=NEW_YORK
    )
    assert civil_span(six_hours.time_window_for_partition_key("2024-11-03-00"), NEW_YORK, True) == (
        datetime(2024, 11, 3),
        datetime(2024, 11, 3, 6),
    )


def test_calendar_numbers_are_as_coarse_as_the_window_allows():
    months = MonthlyPartitionsDefinition("2024-01-01")
    assert digit_spans(months.time_window_for_partition_key("2024-12-01"), "UTC", False) == {
        8: (20241201, 20250101),
        6: (202412, 202501),
        10: (2024120100, 2025010100),
    }
    year = TimeWindow(datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
    assert digit_spans(year, "UTC", False)[4] == (2024, 2025)
    assert digit_spans(hour("2024-11-02-05:00"), NEW_YORK, True) == {10: (2024110205, 2024110206)}


def test_no_calendar_number_tells_minutes():
    start = datetime(2024, 1, 1, 0, 30, tzinfo=UTC)
    with pytest.raises(UnsuitedTypeError) as caught:
        digit_spans(TimeWindow(start, start + timedelta(minutes=15)), "UTC", True)
    assert "to_timestamp(column)" in caught.value.fix


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)))
def test_every_iso_text_inside_a_window_lies_between_its_letters(moment):
    zone = ZoneInfo("Pacific/Auckland")
    aware = moment.replace(tzinfo=UTC)
    span = text_span(TimeWindow(aware, aware + timedelta(hours=1)), "Pacific/Auckland", False)
    low, high = span.letters()
    for text in (aware.astimezone(zone).isoformat(), aware.isoformat(sep=" "), span.civil[0].isoformat()):
        assert low <= text < high
        assert iso_says(text, span)


def test_keys_that_are_no_iso_text_say_nothing():
    span = text_span(hour("2024-11-02-05:00"), NEW_YORK, True)
    assert iso_says("2024-11-02-05:00", span) is None
    assert iso_says("2024-11-02", span) is None
    assert iso_says("2024-99-02T05:00", span) is None
    assert iso_says("2024-11-02T05:30", span) is True
    assert iso_says("2024-11-02T06:00", span) is False
    assert iso_says("2024-11-02T09:00:00Z", span) is True


def test_microseconds_are_exact_far_from_the_epoch():
    assert epoch_us(datetime(9999, 1, 1, 0, 0, 0, 1, tzinfo=UTC)) % 10 == 1
