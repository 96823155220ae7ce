"""The clock that the daemon lives by."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol

from gapless.execution.cancel import CancelToken

__all__ = ["Clock", "SystemClock"]

_SLICE_S = 0.5  # how soon a request to stop, or a wall clock that was set, is noticed


class Clock(Protocol):
    """Tells the time, and lets it pass."""

    def now(self) -> datetime:
        """The present instant, timezone-aware."""
        ...

    def wait(self, until: datetime, cancel: CancelToken) -> None:
        """Return at `until`, or when the token is cancelled. May return early: the caller looks at the clock again."""
        ...


class SystemClock:
    """The wall clock of this machine.

    It may be set, and it goes on while the machine is suspended; so a wait compares with it again every half second,
    and never lasts longer than was left when it began.
    """

    def now(self) -> datetime:
        return datetime.now(UTC)

    def wait(self, until: datetime, cancel: CancelToken) -> None:
        longest = time.monotonic() + (until - self.now()).total_seconds()
        # Short sleeps rather than one wait on the token: a signal's handler sets it, and would deadlock on the token's
        # own lock if it came while this thread was just taking that.
        while not cancel.cancelled:
            left = min((until - self.now()).total_seconds(), longest - time.monotonic())
            if left <= 0:
                return
            time.sleep(min(left, _SLICE_S))
