"""Where rows wait that are too many for memory: a folder of this process beside the database.

It lies on the database's own file system, because the temporary folder of the machine is often a part of its memory.
Whoever finds the folder of a process that is gone removes it: a kill leaves nothing behind but until the next write.
"""

from __future__ import annotations

import atexit
import fcntl
import itertools
import os
import shutil
import threading
import uuid
from contextlib import suppress
from pathlib import Path

from gapless.storage.errors import DatabaseUnusableError

__all__ = ["STAGING", "StagingFolder"]

STAGING = ".gapless-staging"  # beside the database
_LOCK = "lock"  # in the folder of a process: locked as long as it lives


class StagingFolder:
    """One folder's ``.gapless-staging`` as this process uses it. Use `StagingFolder.beside`."""

    _known: dict[Path, StagingFolder] = {}  # noqa: RUF012  # the process's registry
    _registry_lock = threading.Lock()

    def __init__(self, root: Path) -> None:
        self._root = root
        self._own: Path | None = None
        self._lock: int | None = None
        self._numbers = itertools.count()
        self._opening = threading.Lock()
        self._remove_leftovers()

    @classmethod
    def beside(cls, path: Path) -> StagingFolder:
        """The one of the folder that `path` lies in. What dead processes left there is gone after the first call."""
        root = path.parent / STAGING
        with cls._registry_lock:
            if root not in cls._known:
                cls._known[root] = cls(root)
            return cls._known[root]

    def new(self) -> Path:
        """A new, empty folder.

        Raises:
            DatabaseUnusableError: It cannot be made.
        """
        try:
            with self._opening:
                while self._own is None:
                    self._own = self._open()
                folder = self._own / str(next(self._numbers))
                folder.mkdir()
        except OSError as error:
            where = self._root.parent
            reason = f"rows that are too many for memory cannot be put down in {self._root}: {error.strerror or error}"
            if not where.is_dir():
                reason = f"the directory {where} does not exist"
            fix = "Make room there, and give this user the right to write there, or choose another path"
            raise DatabaseUnusableError(str(where), reason, fix) from None
        return folder

    def _open(self) -> Path | None:
        """This process's folder, with its lock; None if another took it for abandoned before the lock was there."""
        own = self._root / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._root.mkdir(exist_ok=True)
        try:
            own.mkdir()
            self._lock = os.open(own / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:
            if self._root.parent.is_dir():
                return None
            raise
        with suppress(OSError):  # a file system without locks: nobody can take it for abandoned there
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        if (own / _LOCK).exists():
            return own
        os.close(self._lock)
        self._lock = None
        return None

    def _remove_leftovers(self) -> None:
        with suppress(OSError):
            for folder in self._root.iterdir():
                _remove_if_abandoned(folder)
        with suppress(OSError):
            self._root.rmdir()

    def tidy(self) -> None:
        """Leave nothing behind, if nothing is in use; `new` begins anew."""
        with self._opening, suppress(OSError):
            if self._own is not None and [each.name for each in self._own.iterdir()] == [_LOCK]:
                self._leave()

    def _leave(self) -> None:
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
        self._own = self._lock = None
        with suppress(OSError):
            self._root.rmdir()

    @classmethod
    def _leave_all(cls) -> None:
        for folder in cls._known.values():
            folder._leave()

    @classmethod
    def _forget_all(cls) -> None:
        # A forked child makes a folder of its own. Its copy of the descriptor would keep the parent's lock alive.
        for folder in cls._known.values():
            if folder._lock is not None:
                os.close(folder._lock)
        cls._known = {}
        cls._registry_lock = threading.Lock()


def _remove_if_abandoned(folder: Path) -> None:
    """Remove `folder` if the process that made it is gone: nobody holds its lock."""
    try:
        # A folder without a lock is just being made; if its process died at that very moment, it is empty.
        descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        # The lock is held meanwhile: who has just made the folder waits for it, and then sees that it is gone.
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(descriptor)


os.register_at_fork(after_in_child=StagingFolder._forget_all)
atexit.register(StagingFolder._leave_all)
