"""Cron schedules as values: which minutes, hours and days they name.

Five fields (minute, hour, day of month, month, day of week) or a macro such as ``@daily``. As in Dagster, a day matches
if either day field does when both are restricted; a range may wrap (``22-2``, ``fri-mon``), ``5/15`` runs to the end.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from gapless.errors import PartitionsDefinitionError, shown
from gapless.partitions.civil.zone import EPOCH_DAY
from gapless.partitions.ordinals.runs import union

__all__ = ["Cron", "ScheduleType"]

MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = "five fields: minute hour day-of-month month day-of-week, for example '0 6 * * 1-5'"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SEARCH_DAYS = 41 * 366  # a fifth Monday in February comes once in 28 years, or in 40 around a skipped leap year


class ScheduleType(Enum):
    """The common cadences."""

    HOURLY = "HOURLY"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    MONTHLY = "MONTHLY"


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a cron schedule: its name and inclusive bounds."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()

    def number(self, text: str) -> int:
        if text in self.names:
            return self.names.index(text) + self.low
        # Digits only: int() would take '+5', '1_0' and other alphabets' digits.
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not self.low <= value <= self.high:
            allowed = f"{self.low} to {self.high}" + (f" or {self.names[0]} to {self.names[-1]}" if self.names else "")
            raise ValueError(f"{self.name} {text!r} is not {allowed}")
        return value

    def values(self, text: str) -> list[int]:
        """What one item without commas names: ``*``, ``5``, ``1-5``, ``22-2``, any of them with ``/step``."""
        span, slash, step_text = text.partition("/")
        step = 1
        if slash:
            step = int(step_text) if step_text.isascii() and step_text.isdigit() else 0
            if step < 1:
                raise ValueError(f"the step of {self.name} {text!r} is not a positive number")
        first, dash, last = span.partition("-")
        top = min(self.high, 6) if self is _DAY_OF_WEEK else self.high  # 7 is Sunday again, and only when written
        if span in ("*", "?"):
            values = list(range(self.low, top + 1))
        elif dash:
            a, b = self.number(first), self.number(last)
            values = list(range(a, b + 1)) if a <= b else [*range(a, top + 1), *range(self.low, b + 1)]
        elif slash:
            values = list(range(self.number(span), top + 1))
        else:
            values = [self.number(span)]
        return values[::step]


_MINUTE = _Field("minute", 0, 59)
_HOUR = _Field("hour", 0, 23)
_DAY_OF_MONTH = _Field("day of month", 1, 31)
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day of week", 0, 7, _DAYS)


def _spans(values: Collection[int], of: _Field) -> str:
    """The values of a field as text: ``*``, ``*/15`` or ``1-5,7``."""
    high = 6 if of is _DAY_OF_WEEK else of.high
    for step in range(1, 31):
        if len(values) > 1 and sorted(values) == list(range(of.low, high + 1, step)):
            return "*" if step == 1 else f"*/{step}"
    runs = union((value, value + 1) for value in values)
    # A run of two is as long as a list.
    return ",".join(str(a) if b == a + 1 else f"{a}{',' if b == a + 2 else '-'}{b - 1}" for a, b in runs)


@dataclass(frozen=True, slots=True)
class Cron:
    """A parsed cron schedule. Two that name the same times are equal, however they are written.

    Attributes:
        text: The five fields, a macro expanded, single spaces.
        minutes: Ascending, 0 to 59.
        hours: Ascending, 0 to 23.
        days: Days of the month, 1 to 31; all 31 if unrestricted.
        last_day: True if ``L``, the last day of the month, is named too.
        months: 1 to 12.
        weekdays: 0 (Sunday) to 6; all seven if unrestricted.
        nth_weekdays: ``(weekday, n)`` for the n-th one of the month, ``n = -1`` for the last.
    """

    text: str = field(compare=False)
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    last_day: bool
    months: frozenset[int]
    weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]

    @classmethod
    def parse(cls, text: object) -> Cron:
        """Read a cron schedule.

        Raises:
            PartitionsDefinitionError: It is not one, has seconds, or names a day that never comes.
        """
        if not isinstance(text, str):
            raise PartitionsDefinitionError(
                f"the cron schedule {shown(text)} is not a string", f"Write one with {_FIELDS}."
            )
        expanded = MACROS.get(text.strip().lower(), text)
        fields = expanded.lower().split()
        if len(fields) != 5:
            seconds = "; seconds and years are not supported" if len(fields) > 5 else ""
            raise PartitionsDefinitionError(
                f"the cron schedule {shown(text)} has {len(fields)} field{'s' * (len(fields) != 1)}{seconds}",
                f"Write {_FIELDS}.",
            )
        try:
            cron = cls._of_fields(" ".join(expanded.split()), fields)
        except ValueError as error:
            raise PartitionsDefinitionError(f"the cron schedule {shown(text)} is not valid: {error!s:.200}") from None
        # Only an odd choice of days can miss every date, so the others are spared the search.
        if not cron.every_day and not any(map(cron.matches, range(10_000, 10_000 + _SEARCH_DAYS))):
            raise PartitionsDefinitionError(
                f"the cron schedule {text!r} never comes: no date has that day of month, month and day of week"
            )
        return cron

    @classmethod
    def _of_fields(cls, text: str, fields: list[str]) -> Cron:
        minute, hour, day, month, weekday = fields
        days: set[int] = set()
        last_day = False
        for item in day.split(","):
            if item == "l":
                last_day = True
            else:
                days.update(_DAY_OF_MONTH.values(item))
        weekdays: set[int] = set()
        nth: set[tuple[int, int]] = set()
        for item in weekday.split(","):
            name, hash_mark, n = item.partition("#")
            if hash_mark:
                if n not in ("1", "2", "3", "4", "5"):
                    raise ValueError(f"in day of week {item!r} the part after '#' is not 1 to 5")
                nth.add((_DAY_OF_WEEK.number(name) % 7, int(n)))
            elif len(item) > 1 and (item.startswith("l") or (item.endswith("l") and item[:-1].isdigit())):
                nth.add((_DAY_OF_WEEK.number(item.strip("l")) % 7, -1))
            else:
                weekdays.update(n % 7 for n in _DAY_OF_WEEK.values(item))
        return cls(
            text=text,
            minutes=tuple(sorted({n for item in minute.split(",") for n in _MINUTE.values(item)})),
            hours=tuple(sorted({n for item in hour.split(",") for n in _HOUR.values(item)})),
            days=frozenset(days),
            last_day=last_day,
            months=frozenset(n for item in month.split(",") for n in _MONTH.values(item)),
            weekdays=frozenset(weekdays),
            nth_weekdays=frozenset(nth),
        )

    @property
    def every_hour(self) -> bool:
        """True if it repeats in each hour of a day: then both passes of a repeated hour have ticks."""
        return len(self.hours) == 24

    @property
    def any_day_of_month(self) -> bool:
        """True if the day of month is not restricted."""
        return len(self.days) == 31

    @property
    def any_weekday(self) -> bool:
        """True if the day of week is not restricted."""
        return len(self.weekdays) == 7

    @property
    def every_day(self) -> bool:
        """True if it comes on each date."""
        return self.any_day_of_month and self.any_weekday and len(self.months) == 12

    @property
    def times(self) -> tuple[int, ...]:
        """The times of a day, seconds after midnight, ascending."""
        return tuple(hour * 3600 + minute * 60 for hour in self.hours for minute in self.minutes)

    @property
    def canonical(self) -> str:
        """The five fields as all equal schedules write them, numbers ascending: ``*/15 * * * 1-5``."""
        days = ["*"] if self.any_day_of_month else [_spans(self.days, _DAY_OF_MONTH), "l" * self.last_day]
        weekdays = ["*"] if self.any_weekday else [_spans(self.weekdays, _DAY_OF_WEEK)]
        if not self.any_weekday:
            weekdays += [f"l{day}" if n < 0 else f"{day}#{n}" for day, n in sorted(self.nth_weekdays)]
        fields = (
            _spans(self.minutes, _MINUTE),
            _spans(self.hours, _HOUR),
            ",".join(filter(None, days)),
            _spans(self.months, _MONTH),
            ",".join(filter(None, weekdays)),
        )
        return " ".join(fields)

    def matches(self, day: int) -> bool:
        """Whether it comes on a date, given as days since 1970-01-01."""
        on = date.fromordinal(EPOCH_DAY + day)
        if on.month not in self.months:
            return False
        if self.any_day_of_month and self.any_weekday:
            return True
        by_date = on.day in self.days or (self.last_day and date.fromordinal(EPOCH_DAY + day + 1).day == 1)
        weekday = on.isoweekday() % 7
        by_weekday = weekday in self.weekdays or (
            bool(self.nth_weekdays)
            and (
                (weekday, (on.day + 6) // 7) in self.nth_weekdays
                or ((weekday, -1) in self.nth_weekdays and date.fromordinal(EPOCH_DAY + day + 7).month != on.month)
            )
        )
        if self.any_day_of_month:
            return by_weekday
        if self.any_weekday:
            return by_date
        return by_date or by_weekday
