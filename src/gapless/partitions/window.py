"""The span of time that one partition covers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

__all__ = ["TimeWindow"]


@dataclass(frozen=True, slots=True, eq=False)
class TimeWindow:
    """The span of time that one partition covers.

    Two windows are compared as instants: datetimes of one zone would be compared by what the clock shows, which is the
    same twice on the night that clocks go back.

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
        start, end = self._instants()
        if end <= start:
            raise ValueError(
                f"a time window must end after it starts: {self.start} to {self.end}. Write the earlier one first."
            )

    @classmethod
    def tiled(cls, start: datetime, end: datetime) -> TimeWindow:
        """A window between two boundaries of a grid, which are known to be in order; skips the check, half the cost."""
        made = object.__new__(cls)
        object.__setattr__(made, "start", start)
        object.__setattr__(made, "end", end)
        return made

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TimeWindow):
            return NotImplemented
        return self._instants() == other._instants()

    def __hash__(self) -> int:
        return hash(self._instants())

    def _instants(self) -> tuple[float, float]:
        return self.start.timestamp(), self.end.timestamp()

    def __iter__(self) -> Iterator[datetime]:
        """Unpacks as ``start, end``, as Dagster's does."""
        yield self.start
        yield self.end
