"""Numbers of which some are left out: how the others are numbered without them."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

from gapless.partitions.ordinals.runs import Run

__all__ = ["AsksItselfError", "Sieve", "TooFarError"]

_LONG = 64  # a run of what is left out grows by so many before what is looked at next grows too


class TooFarError(OverflowError):
    """A number so far from 0 that a sieve does not look at all that lies in between."""


class AsksItselfError(RuntimeError):
    """A scan asked the sieve that it is to tell what is left out."""


class _Side:
    """One direction away from the start: the places 0, 1, 2, …, as far as they were looked at."""

    def __init__(self) -> None:
        self.known = 0  # the places before it were looked at
        self.kept = 0  # how many of these are kept
        self.firsts: list[int] = []  # runs of places that are left out, ascending and apart
        self.ends: list[int] = []
        self.kept_before: list[int] = []  # how many are kept before each run
        self.is_scanned = False

    def add(self, runs: Iterable[Run], until: int) -> None:
        """Takes note of what is left out in ``[known, until)``."""
        for first, end in runs:
            self.kept += first - self.known
            if self.ends and self.ends[-1] == first:
                self.ends[-1] = end
            else:
                self.firsts.append(first)
                self.ends.append(end)
                self.kept_before.append(self.kept)
            self.known = end
        self.kept += until - self.known
        self.known = until

    @property
    def left_out_last(self) -> int:
        """How many places at the end of what is known are left out."""
        return self.ends[-1] - self.firsts[-1] if self.ends and self.ends[-1] == self.known else 0

    def rank(self, place: int) -> int:
        """How many places before `place` are kept."""
        i = bisect_left(self.firsts, place) - 1
        return place if i < 0 else self.kept_before[i] + max(0, place - self.ends[i])

    def select(self, rank: int) -> int:
        """The kept place before which `rank` are kept."""
        i = bisect_right(self.kept_before, rank) - 1
        return rank if i < 0 else self.ends[i] + rank - self.kept_before[i]

    def between(self, low: int, high: int) -> list[Run]:
        """The runs of places in ``[low, high)`` that are left out."""
        found = []
        for i in range(bisect_right(self.ends, low), bisect_left(self.firsts, high)):
            found.append((max(self.firsts[i], low), min(self.ends[i], high)))
        return found


class Sieve:
    """Which numbers are left out, looked at as far as was asked for and remembered.

    Those kept have *ranks*: 0 for the first that is not negative, -1 for the last that is.

    Args:
        scan: The runs that are left out of ``[low, high)``, ascending. Asked about each number once.
        ahead: How much is looked at at least, so that a definition that grows by a day does not look each time.
        limit: How far from 0 is looked, so that a mistyped year cannot take minutes.
    """

    def __init__(self, scan: Callable[[int, int], Iterable[Run]], ahead: int, limit: int) -> None:
        self._scan = scan
        self._ahead = ahead
        self._limit = limit
        self._after, self._before = _Side(), _Side()  # place p of `_before` is the number -1 - p
        # Scanning may call what a user wrote. If that asks the same sieve, it is to be refused, not to wait for ever.
        self._looking = threading.RLock()

    def _look(self, side: _Side, until: int) -> None:
        if until > self._limit:
            raise TooFarError("too far from the start to know what is left out in between")
        further = min(max(until, side.known + self._ahead), self._limit)
        try:
            self._look_until(side, further)
        except OverflowError:
            if further == until:
                raise
            self._look_until(side, until)  # the calendar ends in between

    def _look_until(self, side: _Side, until: int) -> None:
        side.is_scanned = True
        try:
            if side is self._after:
                runs = list(self._scan(side.known, until))
            else:
                runs = [(-end, -first) for first, end in reversed(list(self._scan(-until, -side.known)))]
        finally:
            side.is_scanned = False
        side.add(runs, until)

    @staticmethod
    def _refuse_scanned(side: _Side) -> None:
        # Also what is known by now: the answer would depend on how much is looked at together.
        if side.is_scanned:
            raise AsksItselfError("what is left out is being looked for")

    def rank(self, number: int) -> int:
        """The rank of the first kept number that is not before `number`.

        Raises:
            TooFarError: Beyond the limit.
            AsksItselfError: From within a scan of the same direction.
        """
        side, place = (self._after, number) if number >= 0 else (self._before, -number)
        with self._looking:
            self._refuse_scanned(side)
            if side.known < place:
                self._look(side, place)
            return side.rank(place) if number >= 0 else -side.rank(place)

    def select(self, rank: int) -> int:
        """The kept number of that rank.

        Raises:
            TooFarError: Beyond the limit.
            AsksItselfError: From within a scan of the same direction.
        """
        side, nth = (self._after, rank) if rank >= 0 else (self._before, -1 - rank)
        with self._looking:
            self._refuse_scanned(side)
            while side.kept <= nth:
                further = max(nth + 1 - side.kept, side.left_out_last // _LONG)
                self._look(side, min(side.known + further, max(self._limit, side.known + 1)))
            place = side.select(nth)
        return place if rank >= 0 else -1 - place

    def left_out(self, low: int, high: int) -> list[Run]:
        """The runs in ``[low, high)`` that are left out, ascending and apart.

        Raises:
            TooFarError: Beyond the limit.
            AsksItselfError: From within a scan of the same direction.
        """
        self.rank(low)
        self.rank(high)
        with self._looking:
            runs = [(-end, -first) for first, end in reversed(self._before.between(-high, -low))]
            after = self._after.between(low, high)
        if runs and after and runs[-1][1] == after[0][0]:
            runs[-1] = (runs[-1][0], after.pop(0)[1])
        return runs + after
