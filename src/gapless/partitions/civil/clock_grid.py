"""Grids of the clock: the same minutes of every hour, of all dates or of some."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.grid import Grid, Tick
from gapless.partitions.civil.zone import DAY, EARLIEST, HOUR, LATEST, Offsets, Zone

__all__ = ["ClockGrid", "ListedGrid"]


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
