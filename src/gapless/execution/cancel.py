"""Asking a run to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["CancelToken", "cancel_on_signals"]


class CancelToken:
    """A request to stop that any thread may make and the driver obeys.

    Attributes:
        interruptible: True while the main thread is inside the user's own function; only there may a signal raise.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self.interruptible = False

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Sleep up to `seconds`; True as soon as the token is cancelled."""
        return self._event.wait(seconds)


@contextmanager
def cancel_on_signals(token: CancelToken) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM into a request to stop while the block runs.

    An exception raised in the middle of a commit or of a ledger transaction is what we must not have, so the first
    signal only sets the token. A second one raises, for a person whose patience has ended.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals can only be handled by the main thread; whoever started this thread cancels the token itself
        return

    def handle(_signal: int, _frame: FrameType | None) -> None:
        repeated = token.cancelled
        token.cancel()
        if repeated or token.interruptible:
            raise KeyboardInterrupt

    previous = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
