from datetime import date

import pytest

from gapless.errors import PartitionsDefinitionError
from gapless.partitions import Cron

EPOCH = date(1970, 1, 1)


def days_of(text, year, month):
    cron = Cron.parse(text)
    days = (date(year, month, d) for d in range(1, 29 + (month == 1) * 3 + (month == 2 and year % 4 == 0)))
    return [day.day for day in days if cron.matches((day - EPOCH).days)]


@pytest.mark.parametrize(
    ("text", "minutes", "hours"),
    [
        ("*/15 */6 * * *", (0, 15, 30, 45), (0, 6, 12, 18)),
        ("5/20 22-2 * * *", (5, 25, 45), (0, 1, 2, 22, 23)),
        ("7,3-4 9-17/4 * * *", (3, 4, 7), (9, 13, 17)),
        ("@daily", (0,), (0,)),
        ("@HOURLY", (0,), tuple(range(24))),
    ],
)
def test_times_of_day(text, minutes, hours):
    assert (Cron.parse(text).minutes, Cron.parse(text).hours) == (minutes, hours)


# January 2024 begins on a Monday.
@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("0 0 */2 * *", [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]),
        ("0 0 L * *", [31]),
        ("0 0 1,L * *", [1, 31]),
        ("0 0 ? * 7", [7, 14, 21, 28]),
        ("0 0 * * sun,WED", [3, 7, 10, 14, 17, 21, 24, 28, 31]),
        ("0 0 * * fri-mon", [1, 5, 6, 7, 8, 12, 13, 14, 15, 19, 20, 21, 22, 26, 27, 28, 29]),
        ("0 0 * * 5#2", [12]),
        ("0 0 * * L5", [26]),
        ("0 0 * * 5L", [26]),
        ("0 0 * 1 1/3", [1, 4, 8, 11, 15, 18, 22, 25, 29]),
        ("0 0 31 * *", [31]),
        ("0 0 * feb-dec *", []),
        # Both restricted: either will do, as in Dagster.
        ("0 0 10 * 1", [1, 8, 10, 15, 22, 29]),
    ],
)
def test_days_of_january_2024(text, days):
    assert days_of(text, 2024, 1) == days


def test_the_29th_of_february_comes_in_leap_years_only():
    assert days_of("0 0 29 2 *", 2024, 2) == [29]
    assert days_of("0 0 29 2 *", 2023, 2) == []


def test_equal_schedules_compare_equal_whatever_the_spacing():
    assert Cron.parse(" 0  0 * * *") == Cron.parse("@midnight")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0 0 * *", "has 4 fields"),
        ("* * * * * 5", "has 6 fields; seconds and years are not supported"),
        ("60 0 * * *", "minute '60' is not 0 to 59"),
        ("0 24 * * *", "hour '24' is not 0 to 23"),
        ("0 0 0 * *", "day of month '0' is not 1 to 31"),
        ("0 0 * 13 *", "month '13' is not 1 to 12 or jan to dec"),
        ("0 0 * * 8", "day of week '8' is not 0 to 7 or sun to sat"),
        ("0 0 * * 1#6", "the part after '#' is not 1 to 5"),
        ("*/0 0 * * *", "the step of minute '*/0' is not a positive number"),
        ("1_0 0 * * *", "minute '1_0'"),
        ("H 0 * * *", "minute 'h'"),
        ("0 0 30 2 *", "never comes"),
        ("", "has 0 fields"),
        (["0 0 * * *"], "is not a string"),
    ],
)
def test_a_bad_schedule_is_refused_with_its_reason(text, reason):
    with pytest.raises(PartitionsDefinitionError) as caught:
        Cron.parse(text)
    assert reason in str(caught.value)
    assert repr(text) in str(caught.value)
