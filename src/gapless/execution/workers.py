"""Who calls the users' functions: threads, or the calling thread itself."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Protocol

from gapless.execution.cancel import CancelToken
from gapless.execution.ready import Unit

__all__ = ["InlineWorkers", "ThreadWorkers", "Workers", "workers_for"]


class Workers(Protocol):
    """Runs units; whatever becomes of them is reported by the function that runs them."""

    def submit(self, unit: Unit) -> None: ...
    def stop(self) -> None:
        """Take no more units. A unit that is under way is not waited for."""
        ...


class ThreadWorkers:
    """`count` threads. Polars and DuckDB release the interpreter's lock, so reading overlaps with committing."""

    def __init__(self, count: int, run: Callable[[Unit], None]) -> None:
        self._inbox: queue.SimpleQueue[Unit | None] = queue.SimpleQueue()
        self._run = run
        self._stopped = False
        self._count = count
        for number in range(count):
            # Daemons: a function that sleeps for an hour must not keep a cancelled program alive.
            threading.Thread(target=self._loop, name=f"gapless-worker-{number}", daemon=True).start()

    def submit(self, unit: Unit) -> None:
        self._inbox.put(unit)

    def stop(self) -> None:
        self._stopped = True
        for _ in range(self._count):
            self._inbox.put(None)

    def _loop(self) -> None:
        while (unit := self._inbox.get()) is not None:
            if self._stopped:
                continue
            # Raised only once the run is winding down, which waits for nobody.
            with contextlib.suppress(KeyboardInterrupt):
                self._run(unit)


class InlineWorkers:
    """The thread that drives the run, one unit at a time: for debuggers, and functions that need the main thread."""

    def __init__(self, run: Callable[[Unit], None], cancel: CancelToken) -> None:
        self._run = run
        self._cancel = cancel

    def submit(self, unit: Unit) -> None:
        if self._cancel.cancelled:
            return
        self._cancel.interruptible = True
        try:
            self._run(unit)
        except KeyboardInterrupt:
            # Raised by a signal inside the user's function; the driver sees the cancelled token and winds down.
            self._cancel.cancel()
        finally:
            self._cancel.interruptible = False

    def stop(self) -> None:
        """Nothing runs between two calls of `submit`."""


def workers_for(count: int, run: Callable[[Unit], None], cancel: CancelToken) -> Workers:
    """Threads for more than one worker; the calling thread for one."""
    return InlineWorkers(run, cancel) if count <= 1 else ThreadWorkers(count, run)
