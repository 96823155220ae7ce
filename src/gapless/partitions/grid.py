"""Time grids: the instants at which one window ends and the next begins, numbered from a start.

A grid answers both ways, number → instant and instant → number, without listing what lies between. Numbers before the
start are negative; they exist so that a message can name them.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gapless.partitions.cron import Cron
from gapless.partitions.dates import Dates, dates_of
from gapless.partitions.zone import DAY, EARLIEST, HOUR, LATEST, Offsets, Zone

__all__ = ["Grid", "Tick", "grid_of"]

_MARGIN = 2 * 366 * DAY
_FIRST, _LAST = (
    EARLIEST + 4 * DAY,
    LATEST - 4 * DAY,
)  # civil bounds; a week inside, since a lookup needs its surroundings


class Tick(NamedTuple):
    """One boundary of a grid.

    Attributes:
        instant: Seconds since 1970-01-01T00:00Z.
        offset: The UTC offset from then on, seconds; ``instant + offset`` is what the wall clock shows.
        repeated: True if the wall clock has shown this time before and both are boundaries.
    """

    instant: int
    offset: int
    repeated: bool

    @property
    def civil(self) -> int:
        """What the wall clock shows, as civil seconds."""
        return self.instant + self.offset


class Grid(ABC):
    """The boundaries that a cron schedule sets in a zone, numbered from the first that is not before `start`."""

    @abstractmethod
    def number(self, instant: int) -> int:
        """The number of the first boundary that is not before `instant`.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """

    @abstractmethod
    def tick(self, number: int) -> Tick:
        """The boundary of that number.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """

    @abstractmethod
    def labelled(self, civil: int) -> int:
        """The number of the first boundary whose own label is `civil` or later; the first of two that share it.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """

    def guess(self, civil: int) -> tuple[int, int] | None:
        """A cheap guess: the number and civil time of the first boundary at or after `civil`, away from clock changes.

        None if there is a clock change, or no cheap way to tell. The pair itself is right: that number has that label.
        """
        return None

    def ticks(self, first: int, end: int) -> Iterator[Tick]:
        """The boundaries ``[first, end)``, ascending."""
        return map(self.tick, range(first, end))

    def labels(self, first: int, end: int) -> Iterator[tuple[int, int | None]]:
        """For the boundaries ``[first, end)``: civil seconds, and the UTC offset if the wall clock repeats itself."""
        for tick in self.ticks(first, end):
            yield tick.civil, tick.offset if tick.repeated else None


@dataclass(frozen=True, slots=True)
class _ClockTable:
    """What a `ClockGrid` knows so far: `first[i]` is the number of the first boundary in stretch ``i``."""

    offsets: Offsets
    first: tuple[int, ...]


class ClockGrid(Grid):
    """The same minutes of every hour of every day: plain arithmetic within each stretch of constant UTC offset.

    Boundaries follow the wall clock, so an hour that repeats has them twice, a skipped one not at all, and after a
    jump of half an hour (Lord Howe) they are on the same minutes of the clock as before.
    """

    def __init__(self, zone: Zone, minutes: tuple[int, ...], start: int) -> None:
        self.zone = zone
        self._minutes = tuple(minute * 60 for minute in minutes)  # seconds after the full hour
        self._start = start
        self._table = self._build(start - DAY, start + DAY)

    def _count(self, civil: int) -> int:
        """Boundaries before `civil` on a clock that never changes."""
        hour, second = divmod(civil, HOUR)
        return hour * len(self._minutes) + bisect_left(self._minutes, second)

    def _build(self, low: int, high: int) -> _ClockTable:
        offsets = self.zone.offsets(low, high)
        at, first = 0, [0]
        ends = (*offsets.starts[1:], offsets.high)
        for begin, end, offset in zip(offsets.starts, ends, offsets.offsets, strict=True):
            at += self._count(end + offset) - self._count(begin + offset)
            first.append(at)
        origin = self._number(_ClockTable(offsets, tuple(first)), self._start)
        return _ClockTable(offsets, tuple(n - origin for n in first))

    def _number(self, table: _ClockTable, instant: int) -> int:
        i = bisect_right(table.offsets.starts, instant) - 1
        begin, offset = table.offsets.starts[i], table.offsets.offsets[i]
        return table.first[i] + self._count(instant + offset) - self._count(begin + offset)

    def _known(self, low: int, high: int) -> _ClockTable:
        """The table, extended to cover ``[low, high)``."""
        table = self._table
        if table.offsets.low <= low and high <= table.offsets.high:
            return table
        if low < EARLIEST or high > LATEST:
            raise OverflowError("date out of the years 1 to 9999")
        self._table = table = self._build(min(low, table.offsets.low), max(high, table.offsets.high))
        return table

    def number(self, instant: int) -> int:
        return self._number(self._known(instant, instant + 1), instant)

    def labelled(self, civil: int) -> int:
        return self.number(self.zone.first_at(civil))

    def _table_with(self, number: int) -> _ClockTable:
        table = self._table
        # A stretch of constant offset is never denser than its minutes, so this estimate only ever falls short by the
        # jumps in between, which add up to less than a day and a bit.
        while not table.first[0] <= number < table.first[-1]:
            estimate = self._start + number * HOUR // len(self._minutes)
            table = self._known(min(estimate - 2 * DAY, table.offsets.low), max(estimate + 2 * DAY, table.offsets.high))
        return table

    def tick(self, number: int) -> Tick:
        table = self._table_with(number)
        return self._tick(table, bisect_right(table.first, number) - 1, number)

    def _tick(self, table: _ClockTable, i: int, number: int) -> Tick:
        begin, offset = table.offsets.starts[i], table.offsets.offsets[i]
        hour, place = divmod(self._count(begin + offset) + number - table.first[i], len(self._minutes))
        civil = hour * HOUR + self._minutes[place]
        return Tick(civil - offset, offset, civil < self._repeats_until(table, i))

    @staticmethod
    def _repeats_until(table: _ClockTable, i: int) -> int:
        """Civil end of what the wall clock shows for the second time in stretch `i`."""
        offsets = table.offsets
        return offsets.starts[i] + max(offsets.offsets[i - 1] if i else offsets.offsets[i], offsets.offsets[i])

    def labels(self, first: int, end: int) -> Iterator[tuple[int, int | None]]:
        if first >= end:
            return
        self._table_with(first)
        table = self._table_with(end - 1)
        i = bisect_right(table.first, first) - 1
        at, size = first, len(self._minutes)
        while at < end:
            begin, offset = table.offsets.starts[i], table.offsets.offsets[i]
            until = min(end, table.first[i + 1])
            base = self._count(begin + offset) - table.first[i]
            repeats_until = self._repeats_until(table, i)
            for n in range(base + at, base + until):
                hour, place = divmod(n, size)
                civil = hour * HOUR + self._minutes[place]
                yield civil, offset if civil < repeats_until else None
            at = until
            i += 1


@dataclass(frozen=True, slots=True)
class _DatesTable:
    """What a `DatesGrid` knows so far.

    Attributes:
        low: Civil time from which on it is known.
        high: End of it, exclusive.
        gaps: Civil times that do not exist, as ``(first, end)``, ascending.
        vanished: Nominal numbers, ascending, whose boundary coincides with a later one.
        shifted: ``vanished[i] - i``: how many vanished before a number, by bisection.
    """

    low: int
    high: int
    gaps: tuple[tuple[int, int], ...]
    vanished: tuple[int, ...]
    shifted: tuple[int, ...]


class DatesGrid(Grid):
    """The same times of each of some dates.

    Every (date, time) has a nominal number in closed form. A time that a gap in the wall clock skips moves to the end
    of the gap; where that is another boundary already, or the date itself does not exist and the next one has
    boundaries of its own, it vanishes. These few are listed.
    """

    def __init__(self, zone: Zone, dates: Dates, times: tuple[int, ...], start: int) -> None:
        self._zone = zone
        self._dates = dates
        self._times = times  # seconds after midnight, ascending
        origin = self._first_from(start)
        self._table = self._build(start, start)
        # Vanished boundaries are counted from the origin, which itself never moves when the table is extended.
        while origin in self._table.vanished:
            origin += 1
        self._origin = origin

    def _nominal(self, civil: int) -> int:
        """The nominal number of the first boundary that is not before `civil` on the wall clock."""
        day, second = divmod(civil, DAY)
        number = self._dates.before(day)
        place = bisect_left(self._times, second)
        if place and self._dates.before(day + 1) == number:
            place = 0  # the date is none of ours
        return number * len(self._times) + place

    def _civil(self, nominal: int) -> int:
        date, place = divmod(nominal, len(self._times))
        return self._dates.day(date) * DAY + self._times[place]

    def _build(self, low: int, high: int) -> _DatesTable:
        # Two years to either side, so that a definition that grows by a day does not rebuild it each time.
        low, high = max(low - _MARGIN, _FIRST), min(high + _MARGIN, _LAST)
        gaps = self._zone.offsets(low - 3 * DAY, high + 3 * DAY).gaps()
        vanished: list[int] = []
        for first, until, _ in gaps:
            if not low <= first < high:
                continue
            a, b = self._nominal(first), self._nominal(until)
            if a == b:
                continue
            following, arrives_on = self._civil(b), until // DAY
            taken = following == until or (self._civil(b - 1) // DAY < arrives_on and following // DAY == arrives_on)
            vanished.extend(range(a, b if taken else b - 1))
        return _DatesTable(
            low,
            high,
            tuple((first, until) for first, until, _ in gaps),
            tuple(vanished),
            tuple(n - i for i, n in enumerate(vanished)),
        )

    def _known(self, civil: int) -> _DatesTable:
        table = self._table
        if not table.low <= civil < table.high:
            if not _FIRST <= civil < _LAST:
                raise OverflowError("date out of the years 1 to 9999")
            self._table = table = self._build(min(civil, table.low), max(civil + 1, table.high))
        return table

    def _instant(self, nominal: int) -> int:
        return self._zone.tick_at(self._civil(nominal))

    def _first_from(self, instant: int) -> int:
        """The first nominal number whose boundary is not before `instant`."""
        offset = self._zone.offsets(instant, instant + 1).offset_at(instant)
        guess = self._nominal(instant + offset)
        if self._instant(guess - 1) < instant <= self._instant(guess):
            return guess
        low, high = self._nominal(instant - 2 * DAY), self._nominal(instant + 2 * DAY) + 1
        return bisect_left(range(low, high), instant, key=self._instant) + low

    def _vanished_before(self, table: _DatesTable, nominal: int) -> int:
        """How many boundaries vanished between the origin and `nominal`, negative before the origin."""
        return bisect_left(table.vanished, nominal) - bisect_left(table.vanished, self._origin)

    def number(self, instant: int) -> int:
        if not EARLIEST <= instant < LATEST:
            raise OverflowError("date out of the years 1 to 9999")
        nominal = self._first_from(instant)
        table = self._known(self._civil(nominal))
        return nominal - self._origin - self._vanished_before(table, nominal)

    def labelled(self, civil: int) -> int:
        # By the wall clock, not by instants: in a stretch that repeats, a time's first pass comes before the
        # boundaries of earlier times, which take the second.
        nominal = self._nominal(civil)
        table = self._known(self._civil(nominal))
        number = nominal - self._origin - self._vanished_before(table, nominal)
        moved = self.tick(number - 1)  # out of a gap, to its end
        return number - 1 if moved.civil >= civil else number

    def guess(self, civil: int) -> tuple[int, int] | None:
        nominal = self._nominal(civil)
        label = self._civil(nominal)
        table = self._known(label)
        gap = bisect_right(table.gaps, (label, LATEST)) - 1
        if gap >= 0 and label < table.gaps[gap][1]:
            return None
        return nominal - self._origin - self._vanished_before(table, nominal), label

    def _nominal_of(self, number: int) -> tuple[_DatesTable, int, int]:
        """The table that knows the boundary, its nominal number, and its nominal civil time."""
        nominal = number + self._origin
        while True:
            civil = self._civil(nominal)
            table = self._known(civil)
            kept = number + self._origin - bisect_left(table.vanished, self._origin)
            found = kept + bisect_right(table.shifted, kept)
            if found == nominal:
                return table, nominal, civil
            nominal = found

    def tick(self, number: int) -> Tick:
        _, _, civil = self._nominal_of(number)
        instant = self._zone.tick_at(civil)
        return Tick(instant, self._zone.offsets(instant, instant + 1).offset_at(instant), repeated=False)

    def labels(self, first: int, end: int) -> Iterator[tuple[int, int | None]]:
        if first >= end:
            return
        _, begin, _ = self._nominal_of(first)
        table, last, _ = self._nominal_of(end - 1)
        vanished = frozenset(table.vanished)
        moved: dict[int, int] = {}  # the few boundaries whose nominal time does not exist
        for gap, until in table.gaps:
            moved.update((n, until) for n in range(*self._between(gap, until, begin, last + 1)) if n not in vanished)
        size = len(self._times)
        nominal = begin - begin % size
        for midnight in self._dates.days(begin // size, last // size + 1):
            for time in self._times:
                if begin <= nominal <= last and nominal not in vanished:
                    yield moved.get(nominal, midnight * DAY + time), None
                nominal += 1

    def _between(self, gap: int, until: int, begin: int, end: int) -> tuple[int, int]:
        """The nominal numbers in ``[begin, end)`` whose time lies in the gap, half-open."""
        if until <= self._civil(begin) or gap > self._civil(end - 1):
            return 0, 0
        return max(begin, self._nominal(gap)), min(end, self._nominal(until))


class ListedGrid(Grid):
    """The same minutes of every hour of some dates: those of a `ClockGrid`, sieved one by one and remembered.

    Only a century to either side of the start is known, so that a mistyped year cannot take minutes.
    """

    def __init__(self, clock: ClockGrid, cron: Cron) -> None:
        self._clock = clock
        self._matches = cron.matches
        self._forward: list[Tick] = []  # numbers 0, 1, …
        self._backward: list[Tick] = []  # numbers -1, -2, …
        self._ahead = 0  # the clock's numbers that are sieved next
        self._behind = -1
        self._limit = 100 * 366 * 24 * len(cron.minutes)
        self._growing = threading.Lock()

    def _grow_forward(self) -> None:
        if self._ahead > self._limit:
            raise OverflowError("more than a century after the start")
        tick = self._clock.tick(self._ahead)
        self._ahead += 1
        if self._matches(tick.civil // DAY):
            self._forward.append(tick)

    def _grow_backward(self) -> None:
        if self._behind < -self._limit:
            raise OverflowError("more than a century before the start")
        tick = self._clock.tick(self._behind)
        self._behind -= 1
        if self._matches(tick.civil // DAY):
            self._backward.append(tick)

    def labelled(self, civil: int) -> int:
        return self.number(self._clock.zone.first_at(civil))

    def number(self, instant: int) -> int:
        bound = self._clock.number(instant)
        if abs(bound) > self._limit:
            raise OverflowError("more than a century from the start")
        with self._growing:
            while self._ahead < bound:
                self._grow_forward()
            while self._behind >= bound:
                self._grow_backward()
            if bound >= 0:
                return bisect_left(self._forward, instant, key=lambda tick: tick.instant)
            return -bisect_right(self._backward, -instant, key=lambda tick: -tick.instant)

    def tick(self, number: int) -> Tick:
        with self._growing:
            while len(self._forward) <= number:
                self._grow_forward()
            while len(self._backward) < -number:
                self._grow_backward()
            return self._forward[number] if number >= 0 else self._backward[-number - 1]


def grid_of(cron: Cron, zone: Zone, start: int) -> Grid:
    """The grid of a cron schedule in a zone, numbered from its first boundary at or after the instant `start`."""
    if not cron.every_hour:
        return DatesGrid(zone, dates_of(cron, start // DAY), cron.times, start)
    clock = ClockGrid(zone, cron.minutes, start)
    return clock if cron.every_day else ListedGrid(clock, cron)
