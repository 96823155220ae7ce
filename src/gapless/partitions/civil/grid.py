"""Time grids: the instants at which one window ends and the next begins, numbered from a start.

A grid answers both ways, number → instant and instant → number, without listing what lies between. Numbers before the
start are negative; they exist so that a message can name them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Grid", "Tick"]


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
