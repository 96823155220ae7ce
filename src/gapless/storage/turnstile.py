"""One process at a time at a file, in order of arrival, and a cheap look at whether somebody waits.

Two advisory locks (``flock``), so that the kernel releases them when a process dies: whoever wants in holds
``<file>.queue`` while it waits for ``<file>.lock``. A holder that lets go must queue up again behind whoever waits,
and sees that somebody waits because it cannot take the queue's lock.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

__all__ = ["TurnTimeoutError", "Turnstile"]

_FIRST_POLL_S = 0.001
_LONGEST_POLL_S = 0.02
# A holder that goes through a whole file, as long as that takes, and then ends: no reason for anybody to give up.
_ENDING = frozenset({"publish", "compact"})
_LONGEST_ENDING_S = 3600.0  # unless it hangs


class TurnTimeoutError(Exception):
    """The turn did not come in time.

    Attributes:
        holder: Who is in, in words.
    """

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class Turnstile:
    """The turn at `path`. Not reentrant; the caller serializes threads of one process.

    Where lock files cannot be made (a read-only directory, a file system without locks), every turn is granted at
    once: the database's own lock still keeps the file safe, only the order is lost.
    """

    def __init__(self, path: Path) -> None:
        self._lock_path = path.with_name(path.name + ".lock")
        self._queue_path = path.with_name(path.name + ".queue")
        self._lock: int | None = None
        self._queue: int | None = None

    def acquire(self, timeout: float, doing: str, given_up: Callable[[], bool] = lambda: False) -> None:
        """Wait for the turn, at most `timeout` seconds; while somebody publishes or compacts, up to an hour more.

        Args:
            doing: What the turn is for; shown to those who wait too long.
            given_up: Whether to stop waiting now; asked between looks.

        Raises:
            TurnTimeoutError: It did not come.
        """
        lock, queue = self._open(self._lock_path), self._open(self._queue_path)
        try:
            if lock is not None and queue is not None:
                left = self._wait(queue, timeout, given_up)
                try:
                    self._wait(lock, max(left, _FIRST_POLL_S) if timeout > 0 else 0.0, given_up)
                finally:
                    _unlock(queue)
                self._sign(lock, doing)
        except BaseException:
            _close(lock)
            _close(queue)
            raise
        self._lock, self._queue = lock, queue

    def somebody_waits(self) -> bool:
        """Whether another process stands in the queue; two system calls."""
        if self._queue is None:
            return False
        if not _try_lock(self._queue):
            return True
        _unlock(self._queue)
        return False

    def release(self) -> None:
        """Let the next one in. What the turn was for stays to be read: whoever waits may be looking at it right now."""
        _close(self._lock)
        _close(self._queue)
        self._lock = self._queue = None

    def forget(self) -> None:
        """In a forked child: drop the inherited descriptors; the parent keeps its turn."""
        _close(self._lock)
        _close(self._queue)
        self._lock = self._queue = None

    def _wait(self, descriptor: int, timeout: float, given_up: Callable[[], bool]) -> float:
        """Wait for a lock; what is left of the time, seconds."""
        began = time.monotonic()
        deadline, pause = began + timeout, _FIRST_POLL_S
        while not _try_lock(descriptor):
            now = time.monotonic()
            if given_up():
                raise TurnTimeoutError(self._holder())
            if now >= deadline:
                if timeout <= 0 or self._doing() not in _ENDING or now - began > _LONGEST_ENDING_S:
                    raise TurnTimeoutError(self._holder())
                deadline = now + timeout  # time behind it does not count: others may be in before us
            time.sleep(min(pause, max(_FIRST_POLL_S, deadline - now)))
            pause = min(pause * 1.5, _LONGEST_POLL_S)
        return deadline - time.monotonic()

    def _sign(self, descriptor: int, doing: str) -> None:
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "doing": doing}).encode(), 0)

    def _holder(self) -> str:
        try:
            entry = json.loads(self._lock_path.read_text())
            return f"gapless process {entry['pid']} ({entry['doing']})"
        except (OSError, ValueError, KeyError, TypeError):
            return "another gapless process"

    def _doing(self) -> str | None:
        try:
            doing: str = json.loads(self._lock_path.read_text())["doing"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return doing

    @staticmethod
    def _open(path: Path) -> int | None:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError:
            return None


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
            return True  # a file system without locks
        raise
    return True


def _unlock(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _close(descriptor: int | None) -> None:
    if descriptor is not None:
        with contextlib.suppress(OSError):
            os.close(descriptor)
