"""A clock that tests move."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gapless.execution.cancel import CancelToken

__all__ = ["FakeClock"]


class FakeClock:
    """Keeps the contract of `gapless.scheduling.clock.Clock`; waiting takes no time.

    Args:
        now: Where it stands at first, timezone-aware.
        end: A wait that would reach it cancels the token instead, so that a daemon that serves forever ends there.

    Attributes:
        waits: The instants that were waited for, in order.
    """

    def __init__(self, now: datetime, end: datetime | None = None) -> None:
        if now.tzinfo is None or (end is not None and end.tzinfo is None):
            raise ValueError(f"a clock needs timezone-aware instants, not {now} and {end}")
        self._now = now
        self._end = end
        self.waits: list[datetime] = []

    def now(self) -> datetime:
        return self._now

    def set(self, now: datetime) -> None:
        """Jump to `now`, forwards or back."""
        self._now = now

    def advance(self, by: timedelta) -> None:
        """Let `by` pass."""
        self._now += by

    def wait(self, until: datetime, cancel: CancelToken) -> None:
        self.waits.append(until)
        if self._end is not None and until >= self._end:
            self._now = self._end
            cancel.cancel()
        elif until > self._now:
            self._now = until
