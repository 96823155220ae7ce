"""The grid of the clock: the same minutes of every hour."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gapless.partitions.civil.grid import Grid, Labels, Tick
from gapless.partitions.civil.zone import DAY, EARLIEST, HOUR, LATEST, Offsets, Zone

__all__ = ["ClockGrid"]


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
        self._times = tuple(hour * HOUR + minute for hour in range(24) for minute in self._minutes)
        # Minutes that are as far apart from one hour to the next too need no table: each `step` seconds.
        step = HOUR // len(minutes)
        even = all(minute == self._minutes[0] + i * step for i, minute in enumerate(self._minutes))
        self._step = step if even and not HOUR % len(minutes) else None
        self._start = start
        self._table = self._build(start - DAY, start + DAY)

    # On a clock that never changes, boundaries are counted from 1970-01-01T00:00.

    def _count(self, civil: int) -> int:
        """Boundaries before `civil` on a clock that never changes."""
        if self._step is not None:
            return -((self._minutes[0] - civil) // self._step)
        hour, second = divmod(civil, HOUR)
        return hour * len(self._minutes) + bisect_left(self._minutes, second)

    def _civil(self, count: int) -> int:
        """The boundary before which there are `count` on a clock that never changes."""
        if self._step is not None:
            return count * self._step + self._minutes[0]
        hour, place = divmod(count, len(self._minutes))
        return hour * HOUR + self._minutes[place]

    def _build(self, low: int, high: int) -> _ClockTable:
        offsets = self.zone.offsets(low, high)
        at, first = 0, [0]
        ends = (*offsets.starts[1:], offsets.high)
        for begin, end, offset in zip(offsets.starts, ends, offsets.offsets, strict=True):
            at += self._count(end + offset) - self._count(begin + offset)
            first.append(at)
        origin = self._number(_ClockTable(offsets, tuple(first)), self._start)
        return _ClockTable(offsets, tuple(n - origin for n in first))

    def _shift(self, table: _ClockTable, i: int) -> int:
        """What to add to a number in stretch `i` to get the count of a clock that always was as it is there."""
        return self._count(table.offsets.starts[i] + table.offsets.offsets[i]) - table.first[i]

    def _number(self, table: _ClockTable, instant: int) -> int:
        i = bisect_right(table.offsets.starts, instant) - 1
        return self._count(instant + table.offsets.offsets[i]) - self._shift(table, i)

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

    def numbers(self, instants: Sequence[int]) -> list[int]:
        if not instants:
            return []
        table = self._known(instants[0], instants[-1] + 1)
        found: list[int] = []
        ends = (*table.offsets.starts[1:], table.offsets.high)
        for i in range(bisect_right(table.offsets.starts, instants[0]) - 1, len(ends)):
            part = instants[len(found) : bisect_left(instants, ends[i], len(found))]
            offset, shift = table.offsets.offsets[i], self._shift(table, i)
            if self._step is not None:
                step, origin = self._step, self._minutes[0] - offset
                found += [-((origin - instant) // step) - shift for instant in part]
            else:
                found += [self._count(instant + offset) - shift for instant in part]
            if len(found) == len(instants):
                break
        return found

    def labelled(self, civil: int) -> int:
        return self.number(self.zone.first_at(civil))

    def guess(self, civil: int) -> tuple[int, int] | None:
        offset = self.zone.settled(civil)
        if offset is None:
            return None
        label = self._civil(self._count(civil))
        return self.number(label - offset), label

    def _table_with(self, *numbers: int) -> _ClockTable:
        """One table that knows all of these; what another thread stores meanwhile may know less."""
        table = self._table
        for number in numbers:
            # A stretch of constant offset is never denser than its minutes, so this estimate only ever falls short by
            # the jumps in between, which add up to less than a day and a bit.
            while not table.first[0] <= number < table.first[-1]:
                estimate = self._start + number * HOUR // len(self._minutes)
                low, high = estimate - 2 * DAY, estimate + 2 * DAY
                table = self._known(min(low, table.offsets.low), max(high, table.offsets.high))
        return table

    def tick(self, number: int) -> Tick:
        table = self._table_with(number)
        i = bisect_right(table.first, number) - 1
        civil, offset = self._civil(number + self._shift(table, i)), table.offsets.offsets[i]
        return Tick(civil - offset, offset, civil < self._repeats_until(table, i))

    @staticmethod
    def _repeats_until(table: _ClockTable, i: int) -> int:
        """Civil end of what the wall clock shows for the second time in stretch `i`."""
        offsets = table.offsets
        return offsets.starts[i] + max(offsets.offsets[i - 1] if i else offsets.offsets[i], offsets.offsets[i])

    def instants(self, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        table = self._table_with(numbers[0], numbers[-1])
        found: list[int] = []
        for i in range(bisect_right(table.first, numbers[0]) - 1, len(table.first) - 1):
            part = numbers[len(found) : bisect_left(numbers, table.first[i + 1], len(found))]
            offset, shift = table.offsets.offsets[i], self._shift(table, i)
            if self._step is not None:
                step, origin = self._step, self._civil(shift) - offset
                found += [number * step + origin for number in part]
            else:
                found += [self._civil(number + shift) - offset for number in part]
            if len(found) == len(numbers):
                break
        return found

    def labels(self, first: int, end: int) -> Iterator[Labels]:
        if first >= end:
            return
        table = self._table_with(first, end - 1)
        times = self._times
        i = bisect_right(table.first, first) - 1
        while first < end:
            until, shift = min(end, table.first[i + 1]), self._shift(table, i)
            at, last, repeated = first + shift, until + shift, self._count(self._repeats_until(table, i))
            while at < last:
                day, place = divmod(at, len(times))
                stop = min(last, at - place + len(times), repeated if at < repeated else last)
                seconds = times if stop - at == len(times) else times[place : place + stop - at]
                yield Labels(day, seconds, table.offsets.offsets[i] if at < repeated else None)
                at = stop
            first = until
            i += 1
