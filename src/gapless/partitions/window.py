"""The span of time that one partition covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

__all__ = ["TimeWindow"]


@dataclass(frozen=True, slots=True)
class TimeWindow:
    """The span of time that one partition covers.

    Attributes:
        start: First instant inside, timezone-aware.
        end: First instant *after* it; the window is half-open, ``[start, end)``.

    Raises:
        ValueError: If either is no datetime or is naive, or ``end`` is not after ``start``.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for name, instant in (("start", self.start), ("end", self.end)):
            if not isinstance(instant, datetime) or instant.tzinfo is None:
                raise ValueError(
                    f"the {name} of a time window is {instant!r}; expected a timezone-aware datetime. Write for example"
                    " datetime(2024, 1, 5, tzinfo=ZoneInfo('Europe/Berlin'))."
                )
        # Compared as instants: two datetimes of one zone would otherwise be compared by their civil labels, which
        # is wrong on the night that the clocks go back.
        if self.end.timestamp() <= self.start.timestamp():
            raise ValueError(f"a time window must end after it starts: {self.start} to {self.end}. Write the earlier one first.")

    @classmethod
    def tiled(cls, start: datetime, end: datetime) -> TimeWindow:
        """A window between two boundaries of a grid, which are known to be in order; skips the check, half the cost."""
        made = object.__new__(cls)
        object.__setattr__(made, "start", start)
        object.__setattr__(made, "end", end)
        return made

    def __iter__(self) -> Iterator[datetime]:
        """Unpacks as ``start, end``, as Dagster's does."""
        yield self.start
        yield self.end
