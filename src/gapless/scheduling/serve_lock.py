"""One `gapless serve` a project: an advisory lock that the kernel releases when its process dies, however it dies."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gapless.errors import UsageError

__all__ = ["LOCK_FILE", "AlreadyServedError", "holder", "serve_lock"]

LOCK_FILE = "serve.lock"
_TRIES, _PAUSE_S = 5, 0.02


@dataclass(eq=False)
class AlreadyServedError(UsageError):
    """Another process serves the project.

    Attributes:
        pid: That process; None if it cannot be told.
        since: When it began, ISO 8601; None if it cannot be told.
    """

    path: str
    pid: int | None = None
    since: str | None = None

    def __str__(self) -> str:
        if self.pid is None:
            return f"another process serves this project already: it holds {self.path}. Only one at a time can."
        since = f" since {self.since}" if self.since else ""
        return (
            f"process {self.pid} serves this project already{since} (it holds {self.path})."
            f" Only one at a time can; to end that one, type: kill {self.pid}"
        )


@contextmanager
def serve_lock(home: Path, now: datetime) -> Iterator[None]:
    """Be the one that serves the project of `home`, for the length of the block.

    Raises:
        AlreadyServedError: Another process is.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        if not _locked(descriptor):
            raise AlreadyServedError(str(path), *_signature(path))
        os.ftruncate(descriptor, 0)
        entry = {"pid": os.getpid(), "since": now.isoformat(timespec="seconds")}
        os.pwrite(descriptor, json.dumps(entry).encode(), 0)
        yield
        os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(home: Path) -> int | None:
    """The process that serves the project of `home`; None if none does."""
    path = home / LOCK_FILE
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _signature(path)[0]
    finally:
        os.close(descriptor)
    return None


def _locked(descriptor: int) -> bool:
    for _ in range(_TRIES):  # `holder` takes the lock too, for a moment
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(_PAUSE_S)
    return False


def _signature(path: Path) -> tuple[int | None, str | None]:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        entry = json.loads(path.read_text())
        return int(entry["pid"]), str(entry["since"])
    return None, None
