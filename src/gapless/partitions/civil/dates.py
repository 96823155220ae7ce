"""Which dates a cadence names, counted in closed form where the calendar allows.

A date is its number of days since 1970-01-01. Each rule numbers its dates consecutively in both directions; where the
count begins does not matter, since grids count from their own start.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Callable, Iterable
from datetime import date
from typing import Protocol

from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.zone import CYCLE, EPOCH_DAY

__all__ = ["Dates", "dates_of"]


class Dates(Protocol):
    """The dates of a cadence, numbered in order."""

    def before(self, day: int) -> int:
        """The number of the first date that is not before `day`."""
        ...

    def day(self, number: int) -> int:
        """The date of that number.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        ...

    def days(self, numbers: Iterable[int]) -> Iterable[int]:
        """`day` of each."""
        ...


class WeekDates:
    """The same weekdays in each week; all seven is every date."""

    def __init__(self, weekdays: tuple[int, ...]) -> None:
        self._weekdays = weekdays  # ascending, 0 is Sunday

    def before(self, day: int) -> int:
        week, weekday = divmod(day + 4, 7)  # 1970-01-01 was a Thursday
        return week * len(self._weekdays) + bisect_left(self._weekdays, weekday)

    def day(self, number: int) -> int:
        week, place = divmod(number, len(self._weekdays))
        return week * 7 + self._weekdays[place] - 4

    def days(self, numbers: Iterable[int]) -> Iterable[int]:
        if len(self._weekdays) == 7:
            return [number - 4 for number in numbers]
        return map(self.day, numbers)


class MonthDates:
    """The same days in each of some months; only days that every month has, 1 to 28."""

    def __init__(self, months: tuple[int, ...], days: tuple[int, ...]) -> None:
        self._months = months
        self._days = days

    def before(self, day: int) -> int:
        on = date.fromordinal(day + EPOCH_DAY)
        place = bisect_left(self._months, on.month)
        number = (on.year * len(self._months) + place) * len(self._days)
        if place < len(self._months) and self._months[place] == on.month:
            number += bisect_left(self._days, on.day)
        return number

    def day(self, number: int) -> int:
        month, day = divmod(number, len(self._days))
        year, place = divmod(month, len(self._months))
        try:
            return date(year, self._months[place], self._days[day]).toordinal() - EPOCH_DAY
        except ValueError:
            raise OverflowError(f"year {year} is not in 1 to 9999") from None

    def days(self, numbers: Iterable[int]) -> Iterable[int]:
        return map(self.day, numbers)


class MatchedDates:
    """Dates that a predicate picks, found as far as they were asked for and remembered.

    At most one cycle of the calendar is looked through: it repeats after 400 years, weekdays included.
    """

    def __init__(self, matches: Callable[[int], bool], origin: int) -> None:
        self._matches = matches
        self._origin = origin
        self._forward: list[int] = []  # ascending from the origin; numbers 0, 1, …
        self._backward: list[int] = []  # descending from before it; numbers -1, -2, …
        self._forward_end = origin  # first day not yet looked at
        self._backward_end = origin - 1
        self._growing = threading.Lock()

    def _forward_until(self, enough: Callable[[], bool]) -> bool:
        """Looks ahead until `enough`; False if a whole cycle was not."""
        with self._growing:
            while not enough():
                if self._forward_end == self._origin + CYCLE:
                    return False
                # Shifted by a cycle, a date near the year 9999 is matched like the same date in the middle ages.
                if self._matches(self._forward_end % CYCLE):
                    self._forward.append(self._forward_end)
                self._forward_end += 1
        return True

    def _backward_until(self, enough: Callable[[], bool]) -> bool:
        with self._growing:
            while not enough():
                if self._backward_end < self._origin - CYCLE:
                    return False
                if self._matches(self._backward_end % CYCLE):
                    self._backward.append(self._backward_end)
                self._backward_end -= 1
        return True

    def before(self, day: int) -> int:
        if day >= self._origin and self._forward_until(lambda: self._forward_end >= day):
            return bisect_left(self._forward, day)
        if day < self._origin and self._backward_until(lambda: self._backward_end < day):
            return -bisect_left(self._backward, 1 - day, key=lambda found: -found)
        self._forward_until(lambda: False)
        cycle, rest = divmod(day - self._origin, CYCLE)
        return cycle * len(self._forward) + bisect_left(self._forward, self._origin + rest)

    def day(self, number: int) -> int:
        if number >= 0 and self._forward_until(lambda: len(self._forward) > number):
            return self._forward[number]
        if number < 0 and self._backward_until(lambda: len(self._backward) >= -number):
            return self._backward[-number - 1]
        self._forward_until(lambda: False)
        cycle, rest = divmod(number, len(self._forward))
        return self._forward[rest] + cycle * CYCLE

    def days(self, numbers: Iterable[int]) -> Iterable[int]:
        return map(self.day, numbers)


def dates_of(cron: Cron, origin: int) -> Dates:
    """The dates of a cron schedule; `origin` is near where they will be asked for."""
    plain = not cron.last_day and not cron.nth_weekdays
    every_month = len(cron.months) == 12
    if plain and every_month and cron.any_day_of_month:
        return WeekDates(tuple(sorted(cron.weekdays)))
    if plain and cron.any_weekday and cron.days and max(cron.days) <= 28:
        return MonthDates(tuple(sorted(cron.months)), tuple(sorted(cron.days)))
    return MatchedDates(cron.matches, origin)
