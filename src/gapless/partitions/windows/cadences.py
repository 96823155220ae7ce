"""The four common cadences, with Dagster's arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from gapless.partitions.civil.cron import ScheduleType
from gapless.partitions.windows.exclusions import Exclusion
from gapless.partitions.windows.time_window import TimeWindowPartitionsDefinition

__all__ = [
    "DailyPartitionsDefinition",
    "HourlyPartitionsDefinition",
    "MonthlyPartitionsDefinition",
    "WeeklyPartitionsDefinition",
]

_DATE = "%Y-%m-%d"
_DATE_AND_TIME = "%Y-%m-%d-%H:%M"


class HourlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each hour, also for each pass of an hour that the clocks repeat.

    Args:
        start_date: The first hour starts at or after it. Text in `fmt`, or a datetime (civil time in `timezone`).
        end_date: No hour ends after it; None for no end.
        minute_offset: Minute at which hours start, 0 to 59.
        timezone: IANA name; None is UTC.
        fmt: How keys are written.
        end_offset: How many more hours exist before they have ended, or, negative, how many fewer.
        exclusions: Hours that do not exist: cron schedules, dates, datetimes and functions of the start, in a list.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Iterable[Exclusion] | Callable[[datetime], bool] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            _DATE_AND_TIME if fmt is None else fmt,
            end_date,
            schedule_type=ScheduleType.HOURLY,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
            minute_offset=minute_offset,
        )


class DailyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each civil day, of 23 or 25 hours where the clocks change.

    Args:
        start_date: The first day starts at or after it. Text in `fmt`, or a datetime (civil time in `timezone`).
        end_date: No day ends after it; None for no end.
        minute_offset: Minute at which days start, 0 to 59.
        hour_offset: Hour at which days start, 0 to 23.
        timezone: IANA name; None is UTC.
        fmt: How keys are written.
        end_offset: How many more days exist before they have ended, or, negative, how many fewer.
        exclusions: Days that do not exist: cron schedules, dates, datetimes and functions of the start, in a list.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Iterable[Exclusion] | Callable[[datetime], bool] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            _DATE if fmt is None else fmt,
            end_date,
            schedule_type=ScheduleType.DAILY,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
        )


class WeeklyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each week.

    Args:
        start_date: The first week starts at or after it. Text in `fmt`, or a datetime (civil time in `timezone`).
        end_date: No week ends after it; None for no end.
        minute_offset: Minute at which weeks start, 0 to 59.
        hour_offset: Hour at which weeks start, 0 to 23.
        day_offset: Day on which weeks start, 0 (Sunday) to 6 (Saturday); 7 is Sunday too.
        timezone: IANA name; None is UTC.
        fmt: How keys are written.
        end_offset: How many more weeks exist before they have ended, or, negative, how many fewer.
        exclusions: Weeks that do not exist: cron schedules, dates, datetimes and functions of the start, in a list.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 0,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Iterable[Exclusion] | Callable[[datetime], bool] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            _DATE if fmt is None else fmt,
            end_date,
            schedule_type=ScheduleType.WEEKLY,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
        )


class MonthlyPartitionsDefinition(TimeWindowPartitionsDefinition):
    """One partition for each month.

    Args:
        start_date: The first month starts at or after it. Text in `fmt`, or a datetime (civil time in `timezone`).
        end_date: No month ends after it; None for no end.
        minute_offset: Minute at which months start, 0 to 59.
        hour_offset: Hour at which months start, 0 to 23.
        day_offset: Day on which months start, 1 to 31 (0 is 1 too). From 29 on, months without that day are skipped,
            and the window before is longer.
        timezone: IANA name; None is UTC.
        fmt: How keys are written.
        end_offset: How many more months exist before they have ended, or, negative, how many fewer.
        exclusions: Months that do not exist: cron schedules, dates, datetimes and functions of the start, in a list.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(
        self,
        start_date: datetime | str,
        end_date: datetime | str | None = None,
        minute_offset: int = 0,
        hour_offset: int = 0,
        day_offset: int = 1,
        timezone: str | None = None,
        fmt: str | None = None,
        end_offset: int = 0,
        exclusions: Iterable[Exclusion] | Callable[[datetime], bool] | None = None,
    ) -> None:
        super().__init__(
            start_date,
            _DATE if fmt is None else fmt,
            end_date,
            schedule_type=ScheduleType.MONTHLY,
            timezone=timezone,
            end_offset=end_offset,
            exclusions=exclusions,
            minute_offset=minute_offset,
            hour_offset=hour_offset,
            day_offset=day_offset,
        )
