"""What makes no time definition is refused, with the reason and the fix."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from time_definitions import NY, cron

from gapless.errors import (
    DefinitionError,
    PartitionsDefinitionError,
)
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    ScheduleType,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)


class NotATime(datetime):
    """As pandas' NaT: a datetime that is unequal to itself."""

    __hash__ = datetime.__hash__

    def __eq__(self, other):
        return False

    def __ne__(self, other):
        return True

    def __repr__(self):
        return "NaT"


class Timestamp(datetime):
    """A datetime of another class, as pandas has one."""

    def __repr__(self):
        return "Timestamp(…)"


def test_what_class_a_datetime_is_of_makes_no_difference():
    def made(kind):
        return DailyPartitionsDefinition(
            kind(2024, 1, 1), kind(2025, 1, 1), timezone="Europe/Berlin", exclusions=[kind(2024, 2, 1)]
        )

    plain, other = made(datetime), made(Timestamp)
    assert plain == other
    assert plain.get_serializable_unique_identifier() == other.get_serializable_unique_identifier()
    assert {type(moment) for moment in (other.start, other.end, *other.exclusions)} == {datetime}


def test_an_offset_may_be_any_whole_number():
    class Three:  # as numpy's
        def __index__(self):
            return 3

    assert DailyPartitionsDefinition("2024-01-01", hour_offset=Three()).cron_schedule == "0 3 * * *"


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
        (lambda: DailyPartitionsDefinition("2024-01-01", ""), "end_date '' does not fit the key format '%Y-%m-%d'"),
        (
            lambda: DailyPartitionsDefinition("2024-01-01", "2023-12-01"),
            "end_date 2023-12-01 00:00 is before start_date 2024-01-01 00:00. Write the later one as end_date",
        ),
        (
            lambda: DailyPartitionsDefinition(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1)),
            "start_date is in timezone UTC, but end_date is without a timezone. Write both as civil time in"
            " timezone='UTC', without a timezone of their own.",
        ),
        (
            lambda: DailyPartitionsDefinition(datetime(2024, 1, 1), datetime(2024, 2, 1, tzinfo=UTC), timezone=NY),
            "start_date is without a timezone, but end_date is in timezone UTC. Write both as civil time in"
            " timezone='America/New_York'",
        ),
        (
            lambda: DailyPartitionsDefinition(
                datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=ZoneInfo("Asia/Tokyo"))
            ),
            "start_date is in timezone UTC, but end_date is in timezone Asia/Tokyo",
        ),
        (lambda: DailyPartitionsDefinition(20240101), "start_date is 20240101, not a string or a datetime"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="Europe/Berlim"), "Did you mean 'Europe/Berlin'"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone="../../etc"), "there is no timezone"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone=3), "timezone is 3, not a string"),
        (lambda: DailyPartitionsDefinition("2024-01-01", hour_offset=24), "hour_offset is 24; expected 0 to 23"),
        (lambda: DailyPartitionsDefinition("2024-01-01", minute_offset=-1), "minute_offset is -1; expected 0 to 59"),
        (
            lambda: DailyPartitionsDefinition("2024-01-01", end_offset=0.5),
            "end_offset is 0.5, of type float; expected a whole number",
        ),
        (
            lambda: DailyPartitionsDefinition("2024-01-01", end_offset=True),
            "end_offset is True, of type bool; expected a whole",
        ),
        (
            lambda: DailyPartitionsDefinition("2024-01-01", end_offset=50_000),
            "end_offset is 50,000: so many windows are more than a century. It is how many windows exist before",
        ),
        (lambda: MonthlyPartitionsDefinition("2024-01-01", end_offset=-(10**12)), "more than a century"),
        (lambda: WeeklyPartitionsDefinition("2024-01-01", day_offset=8), "day_offset is 8; expected 0 (Sunday) to 6"),
        (lambda: MonthlyPartitionsDefinition("2024-01-01", day_offset=32), "day_offset is 32; expected 1 to 31"),
        (lambda: cron("2024-01-01", "0 0 * * * *"), "has 6 fields; seconds and years are not supported"),
        (lambda: cron("2024-01-01", ["0 0 * * *"]), "is not a string"),
        (lambda: cron("2024-01-01", "0 0 31 2 *"), "never comes: no date has that day of month, month and day of week"),
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
        (
            lambda: DailyPartitionsDefinition("2024-01-01", fmt="%q"),
            "keys of the format '%q' cannot be read back: '%q'",
        ),
        (
            lambda: DailyPartitionsDefinition("1704067200", fmt="%s"),
            "keys of the format '%s' cannot be read back: '1704067200'. Use only directives that strptime knows",
        ),
        (lambda: DailyPartitionsDefinition("2024-01-01", fmt=""), "fmt is '', not a format"),
        (
            lambda: DailyPartitionsDefinition("x", fmt="%Y-%m-%d\n"),
            "fmt is '%Y-%m-%d\\n', which has a control character",
        ),
        (lambda: DailyPartitionsDefinition("x", fmt="%Y-%m-%d..."), "which has '...', which writes a range of keys"),
        (lambda: DailyPartitionsDefinition("2024-01-01", timezone=""), "there is no timezone ''. Write an IANA name"),
        (
            lambda: DailyPartitionsDefinition("2024-01-01", hour_offset="5"),
            "hour_offset is '5', of type str; expected 0 to 23",
        ),
        (
            lambda: TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", schedule_type="DAILY"),
            "schedule_type is 'DAILY', not a ScheduleType: one of 'HOURLY', 'DAILY', 'WEEKLY', 'MONTHLY'. Write for"
            " example DailyPartitionsDefinition('2024-01-01'), or cron_schedule='0 0 * * *'.",
        ),
        (
            lambda: DailyPartitionsDefinition(NotATime(1, 1, 1)),
            "start_date is NaT, which is no date. Write start_date=",
        ),
        (
            lambda: DailyPartitionsDefinition("0001-01-01"),
            "is out of the calendar. Write dates of the years 2 to 9990; leave end_date out for no end.",
        ),
        (lambda: DailyPartitionsDefinition("9999-12-30"), "is out of the calendar"),
        (lambda: DailyPartitionsDefinition("2024-01-01", "9999-12-31"), "is out of the calendar"),
        (lambda: DailyPartitionsDefinition("0000-01-01"), "start_date '0000-01-01' does not fit the key format"),
    ],
)
def test_arguments_that_make_no_definition_are_refused_with_the_fix(make, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        make()
    assert message in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, DefinitionError)


def test_several_spellings_of_one_timezone_agree():
    definition = DailyPartitionsDefinition(
        datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=ZoneInfo("Etc/UTC")), timezone=NY
    )
    assert definition == DailyPartitionsDefinition("2024-01-01", "2024-02-01", timezone=NY)
