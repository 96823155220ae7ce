"""Civil time and instants in one timezone, as whole seconds.

An *instant* is seconds since 1970-01-01T00:00Z. *Civil seconds* count from 1970-01-01T00:00 on the zone's own wall
clock, so ``civil = instant + offset``; within a stretch of constant offset both are plain arithmetic.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import cache
from itertools import repeat
from zoneinfo import ZoneInfo

__all__ = ["CYCLE", "DAY", "EPOCH_DAY", "HOUR", "Offsets", "Zone", "civil_datetime", "civil_seconds", "plain"]

HOUR = 3600
DAY = 86400
EPOCH_DAY = 719163  # date.toordinal() of 1970-01-01
CYCLE = 146097  # days in 400 years, after which the calendar repeats, weekdays included

# Two days inside what datetime can hold, so that an offset never leads out of it.
EARLIEST = -62135596800 + 2 * DAY
LATEST = 253402300800 - 2 * DAY

_EPOCH = datetime(1970, 1, 1)
_FIXED = frozenset({"UTC", "Etc/UTC", "Etc/GMT", "GMT", "Etc/UCT", "UCT", "Zulu", "Etc/Zulu", "Universal"})

# zoneinfo does not tell its transitions, so they are found by sampling. The shortest stretch between two of them in
# tzdata since 1972 is an hour less than a week (Recife in October 2000).
_SAMPLE = 3 * DAY
_MARGIN = 2 * 366 * DAY


def civil_seconds(civil: datetime) -> int:
    """A naive datetime as civil seconds; fractions of a second are dropped."""
    delta = civil.replace(tzinfo=None) - _EPOCH
    return delta.days * DAY + delta.seconds


def plain(civil: datetime, zone: Zone) -> datetime:
    """What a datetime of any class shows on the wall clock, as an ordinary one in a zone; its own is dropped."""
    clock = (civil.hour, civil.minute, civil.second, civil.microsecond, zone.info)
    return datetime(civil.year, civil.month, civil.day, *clock, fold=civil.fold)


def civil_datetime(civil: int) -> datetime:
    """Civil seconds as a naive datetime.

    Raises:
        OverflowError: Outside the years 1 to 9999.
    """
    return _EPOCH + timedelta(seconds=civil)


@dataclass(frozen=True, slots=True)
class Offsets:
    """Stretches of constant UTC offset in one zone.

    Attributes:
        low: First instant that is known, inclusive.
        high: End of what is known, exclusive.
        starts: The instant at which each stretch begins, ascending; the first is `low`.
        offsets: The offset of each stretch from UTC, seconds.
    """

    low: int
    high: int
    starts: tuple[int, ...]
    offsets: tuple[int, ...]

    def gaps(self) -> list[tuple[int, int, int]]:
        """Civil times that do not exist: ``(first, end, instant of the jump)``, half-open, ascending."""
        return [
            (start + before, start + after, start)
            for start, before, after in zip(self.starts[1:], self.offsets, self.offsets[1:], strict=False)
            if after > before
        ]

    def offset_at(self, instant: int) -> int:
        """The UTC offset in force at an instant that is known."""
        return self.offsets[bisect_right(self.starts, instant) - 1]

    def occurrences(self, civil: int) -> tuple[int, ...]:
        """The instants at which the wall clock shows `civil`: usually one, none in a gap, two in a repeated stretch."""
        # No offset exceeds a day, so only stretches that touch these two days can hold it.
        first = max(0, bisect_right(self.starts, civil - DAY) - 1)
        last = bisect_left(self.starts, civil + DAY)
        found = []
        for i in range(first, max(last, first + 1)):
            instant = civil - self.offsets[i]
            end = self.starts[i + 1] if i + 1 < len(self.starts) else self.high
            if self.starts[i] <= instant < end:
                found.append(instant)
        return tuple(found)

    def shown_from(self, civil: int) -> list[tuple[int, int]]:
        """When, until the instant ``civil + DAY``, the wall clock shows `civil` or later: half-open, ascending.

        More than one span where the clock goes back; from ``civil + DAY`` on it always does, since no offset exceeds
        a day.
        """
        ends = (*self.starts[1:], self.high)
        spans = [
            (max(start, civil - offset), min(end, civil + DAY))
            for start, end, offset in zip(self.starts, ends, self.offsets, strict=True)
            if start < civil + DAY and end > civil - DAY
        ]
        return [(start, end) for start, end in spans if start < end]

    def jump_over(self, civil: int) -> int:
        """The instant at which the wall clock jumps over `civil`, which lies in a gap."""
        i = bisect_right(self.starts, civil - DAY)
        while self.starts[i] + self.offsets[i] <= civil:
            i += 1
        return self.starts[i]


_NOTHING = Offsets(0, 0, (), ())


class Zone:
    """One IANA timezone. Instances are shared and may be used from several threads."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.info: tzinfo = ZoneInfo(name)
        self._fixed = name in _FIXED
        self._known = _NOTHING

    @staticmethod
    @cache
    def named(name: str) -> Zone:
        """The shared zone of that name.

        Raises:
            ZoneInfoNotFoundError: No such zone (a KeyError).
            ValueError: Not the form of a zone's name.
        """
        return Zone(name)

    def _offset(self, instant: int) -> int:
        offset = datetime.fromtimestamp(instant, self.info).utcoffset()
        return 0 if offset is None else offset.days * DAY + offset.seconds

    def offsets(self, low: int, high: int) -> Offsets:
        """The stretches of constant offset that cover at least ``[low, high)``, clamped to the years 1 to 9999."""
        known = self._known
        if known.low <= low and high <= known.high:
            return known
        if self._fixed:
            known = Offsets(EARLIEST, LATEST, (EARLIEST,), (0,))
        else:
            if known is _NOTHING:
                begin = max(EARLIEST, low - _MARGIN)
                known = Offsets(begin, begin + 1, (begin,), (self._offset(begin),))
            low = known.low if low >= known.low else max(EARLIEST, low - _MARGIN)
            high = known.high if high <= known.high else min(LATEST, high + _MARGIN)
            if low >= known.low and high <= known.high:
                return known
            before = self._changes(low, known.low)
            # A change exactly at `high` belongs to the next extension, which begins one second before.
            after = [change for change in self._changes(known.high - 1, high) if change < high]
            starts = (low, *before, *known.starts[1:], *after)
            known = Offsets(low, high, starts, tuple(map(self._offset, starts)))
        # One assignment of an immutable value: two threads that extend at once waste work, and harm nothing.
        self._known = known
        return known

    def _changes(self, low: int, high: int) -> list[int]:
        """The instants in ``(low, high]`` from which on the offset differs from the second before."""
        changes: list[int] = []
        at = low
        offset = self._offset(at) if low < high else 0
        while at < high:
            until = min(at + _SAMPLE, high)
            if self._offset(until) == offset:
                at = until
                continue
            before, after = at, until
            while after - before > 1:
                middle = (before + after) // 2
                if self._offset(middle) == offset:
                    before = middle
                else:
                    after = middle
            changes.append(after)
            at, offset = after, self._offset(after)
        return changes

    def aware(self, instant: int) -> datetime:
        """The instant as a datetime in this zone.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        try:
            return datetime.fromtimestamp(instant, self.info)
        except ValueError:
            raise OverflowError("date out of the years 1 to 9999") from None

    def all_aware(self, instants: Iterable[int]) -> Iterator[datetime]:
        """`aware` of each, all of the years 1 to 9999, in two thirds of the time."""
        return map(datetime.fromtimestamp, instants, repeat(self.info))

    def settled(self, at: int) -> int | None:
        """The UTC offset around an instant or civil time; None if it changes within a day of it."""
        known = self._known
        if not (known.low <= at - DAY and at + DAY < known.high):
            if at - DAY < EARLIEST or at + DAY >= LATEST:
                return None
            known = self.offsets(at - DAY, at + DAY + 1)
        i = bisect_right(known.starts, at + DAY) - 1
        return known.offsets[i] if i == 0 or known.starts[i] <= at - DAY else None

    def settled_parts(self, ats: Sequence[int]) -> Iterator[tuple[Sequence[int], int | None]]:
        """`settled` in bulk: ascending instants or civil times, cut into parts that share the answer."""
        if not ats:
            return
        known = self.offsets(max(EARLIEST, ats[0] - DAY), min(LATEST, ats[-1] + DAY + 1))
        at = 0
        for i in range(max(0, bisect_right(known.starts, ats[0] - DAY) - 1), len(known.starts)):
            change = known.starts[i + 1] if i + 1 < len(known.starts) else known.high + 2 * DAY
            for until, offset in ((change - DAY, known.offsets[i]), (change + DAY, None)):
                to = bisect_left(ats, until, at)
                if to > at:
                    yield ats[at:to], offset
                at = to
            if at == len(ats):
                return

    def changing_days(self, low: int, high: int) -> frozenset[int]:
        """The dates around clock changes from the instant `low` to `high`: a day before to a day after each.

        On all others, each time comes once.
        """
        known = self.offsets(max(EARLIEST, low - 2 * DAY), min(LATEST, high + 2 * DAY))
        shown = {
            (change + offset) // DAY
            for i, change in enumerate(known.starts[1:])
            for offset in known.offsets[i : i + 2]
            if low - 2 * DAY <= change <= high + 2 * DAY
        }
        return frozenset(day + near for day in shown for near in (-1, 0, 1))

    def _around(self, civil: int) -> Offsets:
        known = self._known
        low, high = civil - DAY, civil + DAY
        if known.low <= low and high <= known.high:
            return known
        if low < EARLIEST or high > LATEST:
            raise OverflowError("date out of the years 1 to 9999")
        return self.offsets(low, high)

    def first_at(self, civil: int) -> int:
        """The first instant at which the wall clock shows `civil`, or jumps over it.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        offset = self.settled(civil)
        if offset is not None:
            return civil - offset
        offsets = self._around(civil)
        found = offsets.occurrences(civil)
        return found[0] if found else offsets.jump_over(civil)

    def tick_at(self, civil: int) -> int:
        """The instant of a fixed time of day.

        A time that is skipped moves forward to the end of the gap. One that comes twice means the second, except in
        the hour after midnight when the clocks go back within that day: a day begins at its first midnight.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        offset = self.settled(civil)
        if offset is not None:
            return civil - offset
        offsets = self._around(civil)
        found = offsets.occurrences(civil)
        if not found:
            return offsets.jump_over(civil)
        if len(found) == 1 or civil % DAY >= HOUR:
            return found[-1]
        change = offsets.starts[bisect_right(offsets.starts, found[-1]) - 1]
        repeats_from = change + offsets.offset_at(change)
        return found[0] if repeats_from // DAY == civil // DAY else found[-1]

    def ticks_at(self, civil: Sequence[int]) -> list[int]:
        """`tick_at` of each; ascending."""
        found: list[int] = []
        for part, offset in self.settled_parts(civil):
            found += map(self.tick_at, part) if offset is None else [at - offset for at in part]
        return found
