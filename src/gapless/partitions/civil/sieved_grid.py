"""Grids of which some boundaries are left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gapless.partitions.civil.grid import Grid, Labels, Tick
from gapless.partitions.civil.sieve import Sieve
from gapless.partitions.ordinals.runs import Run

__all__ = ["HoledGrid", "SievedGrid"]


class SievedGrid(Grid):
    """The boundaries of another grid that a sieve keeps; a window ends at the next one that is kept."""

    def __init__(self, base: Grid, sieve: Sieve) -> None:
        self._base = base
        self._sieve = sieve

    def number(self, instant: int) -> int:
        return self._sieve.rank(self._base.number(instant))

    def tick(self, number: int) -> Tick:
        return self._base.tick(self._sieve.select(number))

    def labelled(self, civil: int) -> int:
        return self._sieve.rank(self._base.labelled(civil))

    def guess(self, civil: int) -> tuple[int, int] | None:
        guess = self._base.guess(civil)
        if guess is None:
            return None
        rank = self._sieve.rank(guess[0])
        return (rank, guess[1]) if self._sieve.select(rank) == guess[0] else None

    def instants(self, numbers: Sequence[int]) -> list[int]:
        return self._base.instants(list(map(self._sieve.select, numbers)))

    def numbers(self, instants: Sequence[int]) -> list[int]:
        return list(map(self._sieve.rank, self._base.numbers(instants)))

    def labels(self, first: int, end: int) -> Iterator[Labels]:
        if first >= end:
            return
        low, high = self._sieve.select(first), self._sieve.select(end - 1) + 1
        holes = iter([*self._sieve.left_out(low, high), (high, high)])
        hole, hole_end = next(holes)
        for piece in self._base.labels(low, high):
            stop = low + len(piece.seconds)
            if stop <= hole:
                yield piece
                low = stop
                continue
            seconds = piece.seconds
            while low < stop:
                if low < hole:
                    kept = min(hole, stop) - low
                    yield piece._replace(seconds=seconds[:kept])
                    skip = kept
                else:
                    skip = min(hole_end, stop) - low
                seconds, low = seconds[skip:], low + skip
                if low == hole_end < high:
                    hole, hole_end = next(holes)


class HoledGrid(SievedGrid):
    """The windows of another grid that a sieve keeps, each as long as it was: what is left out leaves a hole."""

    def end(self, number: int) -> int:
        return self._base.end(self._sieve.select(number))

    def open_at(self, instant: int) -> int:
        return self._sieve.rank(self._base.open_at(instant))

    def ends(self, numbers: Sequence[int]) -> list[int]:
        return self._base.ends(list(map(self._sieve.select, numbers)))

    def all_open_at(self, instants: Sequence[int]) -> list[int]:
        return list(map(self._sieve.rank, self._base.all_open_at(instants)))

    def keeps_any(self, within: int) -> bool:
        """Whether one of the numbers ``[0, within)`` of the other grid is kept; looks no further than the first."""
        look = 1
        while self._sieve.rank(min(look, within)) == 0:
            if look >= within:
                return False
            look *= 2
        return True

    def base_runs(self, first: int, end: int) -> list[Run]:
        """The numbers that the windows ``[first, end)`` have in the other grid, as runs."""
        select = self._sieve.select
        return [(select(a), select(b - 1) + 1) for a, b in self.stretches(first, end)]

    def kept(self, first: int, end: int) -> Run:
        """Which windows are kept of those that have the numbers ``[first, end)`` in the other grid.

        Raises:
            OverflowError: Too far from the start to know.
        """
        return self._sieve.rank(first), self._sieve.rank(end)

    def stretches(self, first: int, end: int) -> list[Run]:
        """The windows ``[first, end)`` as runs of windows that touch."""
        if first >= end:
            return []
        rank, select = self._sieve.rank, self._sieve.select
        cuts = [rank(hole) for hole, _ in self._sieve.left_out(select(first), select(end - 1))]
        return list(zip([first, *cuts], [*cuts, end], strict=True))
