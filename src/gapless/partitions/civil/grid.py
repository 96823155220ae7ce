"""Time grids: the instants at which one window ends and the next begins, numbered from a start.

A grid answers both ways, number → instant and instant → number, without listing what lies between. Numbers before the
start are negative; they exist so that a message can name them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import NamedTuple

__all__ = ["Grid", "Labels", "Tick"]


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


class Labels(NamedTuple):
    """What the wall clock shows at consecutive boundaries on one date.

    Attributes:
        day: The date, days since 1970-01-01.
        seconds: The times after midnight, ascending. Ordinary days of one grid share one object.
        repeated: The UTC offset, if the wall clock has shown these times before; None otherwise.
    """

    day: int
    seconds: Sequence[int]
    repeated: int | None


class Grid(ABC):
    """The boundaries that a cron schedule sets in a zone, numbered from the first that is not before a start.

    A window begins at a boundary, and is told by its number. Numbers and instants in bulk are ascending.
    """

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

    @abstractmethod
    def labels(self, first: int, end: int) -> Iterator[Labels]:
        """What the wall clock shows at the boundaries ``[first, end)``, date by date.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """

    def guess(self, civil: int) -> tuple[int, int] | None:
        """A cheap guess: the number and civil time of the first boundary at or after `civil`, away from clock changes.

        None if there is a clock change, or no cheap way to tell. The pair itself is right: that number has that label.
        """
        return None

    # Where windows end. Unless something is left out between them, each ends where the next begins.

    def end(self, number: int) -> int:
        """The instant at which a window ends."""
        return self.tick(number + 1).instant

    def open_at(self, instant: int) -> int:
        """The number of the first window that ends after `instant`."""
        return self.number(instant + 1) - 1

    # In bulk.

    def instants(self, numbers: Sequence[int]) -> list[int]:
        """The instants of these boundaries."""
        return [self.tick(number).instant for number in numbers]

    def ends(self, numbers: Sequence[int]) -> list[int]:
        """The instants at which these windows end."""
        if isinstance(numbers, range) and numbers.step == 1:
            return self.instants(range(numbers.start + 1, numbers.stop + 1))
        return self.instants([number + 1 for number in numbers])

    def numbers(self, instants: Sequence[int]) -> list[int]:
        """`number` of each."""
        return list(map(self.number, instants))

    def all_open_at(self, instants: Sequence[int]) -> list[int]:
        """`open_at` of each."""
        return [number - 1 for number in self.numbers([instant + 1 for instant in instants])]
