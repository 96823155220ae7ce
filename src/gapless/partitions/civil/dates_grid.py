"""Grids of the calendar: the same times of each of some dates."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

from gapless.partitions.civil.dates import Dates
from gapless.partitions.civil.grid import Grid, Labels, Tick
from gapless.partitions.civil.zone import DAY, EARLIEST, LATEST, Zone

__all__ = ["DatesGrid"]

_MARGIN = 2 * 366 * DAY
# Civil bounds; some days inside, since a lookup needs its surroundings.
_FIRST, _LAST = EARLIEST + 4 * DAY, LATEST - 4 * DAY


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

    def _known(self, civil: int, last: int | None = None) -> _DatesTable:
        """One table that knows this civil time, and all until `last`, which is not before it."""
        table, last = self._table, civil if last is None else last
        if not table.low <= civil <= last < table.high:
            if not _FIRST <= civil <= last < _LAST:
                raise OverflowError("date out of the years 1 to 9999")
            self._table = table = self._build(min(civil, table.low), max(last + 1, table.high))
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
        offset = self._zone.settled(instant)
        # Away from clock changes a boundary that is not before the civil time is not before the instant either.
        nominal = self._first_from(instant) if offset is None else self._nominal(instant + offset)
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
        offset = self._zone.settled(civil)
        if offset is not None:
            return Tick(civil - offset, offset, repeated=False)
        instant = self._zone.tick_at(civil)
        return Tick(instant, self._zone.offsets(instant, instant + 1).offset_at(instant), repeated=False)

    def instants(self, numbers: Sequence[int]) -> list[int]:
        if not numbers:
            return []
        begin, last = self._nominal_of(numbers[0])[1], self._nominal_of(numbers[-1])[1]
        if last - begin != numbers[-1] - numbers[0]:  # some vanished in between, which is rare
            half = len(numbers) // 2 if len(numbers) > 2 else 1
            return self.instants(numbers[:half]) + self.instants(numbers[half:])
        shift, size = begin - numbers[0], len(self._times)
        if size == 1:
            dates = self._dates.days([number + shift for number in numbers])
            civil = [day * DAY + self._times[0] for day in dates]
        else:
            civil = [self._civil(number + shift) for number in numbers]
        return self._zone.ticks_at(civil)

    def numbers(self, instants: Sequence[int]) -> list[int]:
        found: list[int] = []
        for part, offset in self._zone.settled_parts(instants):
            if offset is None or len(part) < 3:
                found += map(self.number, part)
                continue
            # What vanishes does so at a clock change, so within the part numbers are as far apart as nominal ones.
            first, last = self.number(part[0]), self.number(part[-1])
            nominal = [self._nominal(instant + offset) for instant in part]
            shift = first - nominal[0]
            even = last - first == nominal[-1] - nominal[0]
            found += [n + shift for n in nominal] if even else map(self.number, part)
        return found

    def labels(self, first: int, end: int) -> Iterator[Labels]:
        if first >= end:
            return
        _, begin, low = self._nominal_of(first)
        _, last, high = self._nominal_of(end - 1)
        table = self._known(low, high)
        stop, size = last + 1, len(self._times)
        vanished = table.vanished[bisect_left(table.vanished, begin) : bisect_left(table.vanished, stop)]
        moved: dict[int, int] = {}  # the few boundaries whose nominal time does not exist
        for gap, until in self._gaps_between(table, begin, last):
            for nominal in range(max(begin, self._nominal(gap)), min(stop, self._nominal(until))):
                moved[nominal] = until
        odd = {nominal // size for nominal in (*vanished, *moved)}
        odd |= {nominal // size for nominal in (begin, stop) if nominal % size}  # not all of the date
        date = begin // size
        for odd_date in (*sorted(odd), -(-stop // size)):
            yield from map(Labels, self._dates.days(range(date, odd_date)), repeat(self._times), repeat(None))
            for nominal in range(max(begin, odd_date * size), min(stop, (odd_date + 1) * size)):
                if nominal not in vanished:
                    shown = moved[nominal] if nominal in moved else self._civil(nominal)
                    yield Labels(shown // DAY, (shown % DAY,), None)
            date = odd_date + 1

    def _gaps_between(self, table: _DatesTable, begin: int, last: int) -> Iterable[tuple[int, int]]:
        """The gaps that may hold the time of a boundary from `begin` to `last`, nominal numbers."""
        low = bisect_left(table.gaps, self._civil(begin), key=lambda gap: gap[1])
        high = bisect_right(table.gaps, self._civil(last), key=lambda gap: gap[0])
        return table.gaps[low:high]
