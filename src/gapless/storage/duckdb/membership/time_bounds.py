"""Where a time partition begins and ends, in the column's own type. Every range is half-open, ``[low, high)``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from gapless.partitions.window import TimeWindow

__all__ = [
    "AmbiguousHourError",
    "TextSpan",
    "UnsuitedTypeError",
    "civil_span",
    "clock_span",
    "coalesced",
    "date_span",
    "digit_spans",
    "epoch_us",
    "instant_span",
    "is_repeated",
    "iso_says",
    "text_span",
    "upper_bounds",
]

_B = TypeVar("_B", date, datetime, int)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WIDEST_OFFSET = timedelta(hours=24)  # more than any zone is away from UTC
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}(?P<time>[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(?P<offset>[Zz]|[+-]\d{2}(:?\d{2})?)?)?", re.ASCII
)


class UnsuitedTypeError(Exception):
    """Values of this type cannot tell the partition from its neighbours.

    Attributes:
        reason: A clause.
        fix: A sentence without its full stop.
    """

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fix = fix


class AmbiguousHourError(UnsuitedTypeError):
    """The partition begins or ends within the hour that the clocks repeat, which naive values tell only once.

    Attributes:
        start: Where it begins, in the zone.
    """

    def __init__(self, window: TimeWindow, zone: str) -> None:
        self.start = window.start.astimezone(ZoneInfo(zone))
        super().__init__(
            f"and the clocks of {zone} show {self.start:%Y-%m-%d %H:%M} twice: naive values cannot tell the two apart",
            'Store the instant (TIMESTAMPTZ): a timezone-aware column in polars, for example pl.Datetime("us", "UTC")',
        )


@dataclass(frozen=True, slots=True)
class TextSpan:
    """The ISO texts inside a window: dates alone by date, times by civil time, those with an offset by instant.

    Attributes:
        dates: None if a date alone cannot tell, because the partitions are shorter than a day.
        civil: None if times without an offset cannot tell, because the clocks show the hour twice.
        instants: Microseconds since the epoch.
    """

    dates: tuple[date, date] | None
    civil: tuple[datetime, datetime] | None
    instants: tuple[int, int]

    def letters(self) -> tuple[str, str]:
        """Bounds on the text itself, for pruning: every ISO text inside lies in ``[low, high)``."""
        first = (_EPOCH + timedelta(microseconds=self.instants[0])).replace(tzinfo=None) - _WIDEST_OFFSET
        last = (_EPOCH + timedelta(microseconds=self.instants[1])).replace(tzinfo=None) + _WIDEST_OFFSET
        if self.civil is not None:
            first, last = min(first, self.civil[0]), max(last, self.civil[1])
        return first.date().isoformat(), (last.date() + timedelta(days=1)).isoformat()


def civil_span(window: TimeWindow, zone: str, finer_than_day: bool) -> tuple[datetime, datetime]:
    """Naive civil times in `zone`.

    Raises:
        AmbiguousHourError: The partition is shorter than a day and begins or ends in the repeated hour.
    """
    info = ZoneInfo(zone)
    start, end = window.start.astimezone(info), window.end.astimezone(info)
    if finer_than_day:
        last = (window.end.astimezone(UTC) - _MICROSECOND).astimezone(info)
        if is_repeated(start) or is_repeated(last):
            raise AmbiguousHourError(window, zone)
    return start.replace(tzinfo=None, fold=0), end.replace(tzinfo=None, fold=0)


def clock_span(window: TimeWindow, zone: str) -> tuple[datetime, datetime]:
    """From the least to the greatest naive time that the clocks of `zone` show during the window."""
    info = ZoneInfo(zone)
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC) - _MICROSECOND
    before, after = start, end
    while after - before > _MICROSECOND:  # the last moment before the clocks change, if they do, and the next
        middle = before + (after - before) // 2
        if middle.astimezone(info).utcoffset() == start.astimezone(info).utcoffset():
            before = middle
        else:
            after = middle
    shown = [moment.astimezone(info).replace(tzinfo=None, fold=0) for moment in (start, before, after, end)]
    return min(shown), max(shown) + _MICROSECOND


def date_span(window: TimeWindow, zone: str, finer_than_day: bool) -> tuple[date, date]:
    """Civil dates in `zone`; a day that starts at another hour than midnight is labelled by the date of its start.

    Raises:
        UnsuitedTypeError: The partition is shorter than a day.
    """
    start, end = civil_span(window, zone, False)
    low, high = start.date(), end.date()
    if finer_than_day or low >= high:
        raise UnsuitedTypeError(
            "but the partitions are shorter than a day",
            "Store the time as well, as a TIMESTAMP, or as a TIMESTAMPTZ where clocks change",
        )
    return low, high


def instant_span(window: TimeWindow) -> tuple[int, int]:
    """Microseconds since the epoch."""
    return epoch_us(window.start), epoch_us(window.end)


def digit_spans(window: TimeWindow, zone: str, finer_than_day: bool) -> dict[int, tuple[int, int]]:
    """Calendar digits by their number: 4 for YYYY, 6 for YYYYMM, 8 for YYYYMMDD, 10 for YYYYMMDDHH.

    Raises:
        UnsuitedTypeError: No such number tells the partition, or the clocks repeat its hour.
    """
    start, end = civil_span(window, zone, finer_than_day)
    spans: dict[int, tuple[int, int]] = {}
    if not finer_than_day and start.date() < end.date():
        days = tuple(d.year * 10_000 + d.month * 100 + d.day for d in (start, end))
        spans[8] = (days[0], days[1])
        if start.day == end.day == 1 and days[0] // 100 < days[1] // 100:
            spans[6] = (days[0] // 100, days[1] // 100)
            if start.month == end.month == 1 and start.year < end.year:
                spans[4] = (start.year, end.year)
    whole_hours = all(d.minute == d.second == d.microsecond == 0 for d in (start, end))
    if whole_hours:
        hours = tuple(d.year * 1_000_000 + d.month * 10_000 + d.day * 100 + d.hour for d in (start, end))
        if hours[0] < hours[1]:
            spans[10] = (hours[0], hours[1])
    if not spans:
        raise UnsuitedTypeError(
            "and no calendar number (YYYYMMDD, YYYYMMDDHH) tells partitions as short as these",
            'If it counts seconds since 1970, write metadata {"partition_expr": "to_timestamp(column)"}; otherwise'
            " store a TIMESTAMP",
        )
    return spans


def text_span(window: TimeWindow, zone: str, finer_than_day: bool) -> TextSpan:
    """What of all this can tell the partition."""
    civil = dates = None
    with suppress(AmbiguousHourError):
        civil = civil_span(window, zone, finer_than_day)
    with suppress(UnsuitedTypeError):
        dates = date_span(window, zone, finer_than_day)
    return TextSpan(dates, civil, instant_span(window))


def upper_bounds(window: TimeWindow, zone: str) -> tuple[date, datetime, int]:
    """Where ISO texts of later times begin: the date, the civil time, and microseconds since the epoch."""
    civil = window.end.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)
    start = window.start.astimezone(ZoneInfo(zone)).date()
    return max(civil.date(), start + timedelta(days=1)), civil, epoch_us(window.end)


def iso_says(key: str, span: TextSpan) -> bool | None:
    """Whether `key`, read as an ISO text, lies in the span; None if it is no ISO text, or the span cannot tell."""
    found = _ISO.fullmatch(key)
    if found is None:
        return None
    try:
        moment = datetime.fromisoformat(key)
    except ValueError:
        return None
    if found["time"] is None:
        return None if span.dates is None else span.dates[0] <= moment.date() < span.dates[1]
    if found["offset"] is not None:
        return span.instants[0] <= epoch_us(moment) < span.instants[1]
    return None if span.civil is None else span.civil[0] <= moment < span.civil[1]


def coalesced(spans: Iterable[tuple[_B, _B]]) -> list[tuple[_B, _B]]:
    """The same values as fewer, longer ranges, ascending: neighbours and overlaps joined."""
    joined: list[tuple[_B, _B]] = []
    for low, high in sorted(spans):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined


def epoch_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware moment, exactly."""
    return (moment.astimezone(UTC) - _EPOCH) // _MICROSECOND


def is_repeated(local: datetime) -> bool:
    """Whether the clocks show this civil time twice."""
    earlier, later = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return earlier is not None and later is not None and earlier > later
