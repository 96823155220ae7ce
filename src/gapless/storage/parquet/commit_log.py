"""The commit log of one table: numbered files, each made once and never changed.

``_gapless/00000000000000000001.json`` is the table's first commit. A commit is there as soon as its file is, whole; the
file is made only if there is none of its number, so of several writers that want to be next one succeeds, and the
others look at what it did and try again. No lock is needed, and a clock orders nothing.

``_gapless/checkpoint.json`` is the sum of all entries up to some number, so that readers need only those after it. It
is written now and then, by whoever commits; one that is too old, or missing, costs time and nothing else. Entries are
never deleted: a writer that slept would find the number free.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TypeVar

from gapless.errors import StorageError
from gapless.storage.parquet.errors import CommitLogError
from gapless.storage.parquet.files import Files
from gapless.storage.parquet.manifest import Entry, Manifest
from gapless.storage.parquet.names import RESERVED

__all__ = ["CommitLog"]

_CHECKPOINT_EVERY = 50  # commits; more of them if there are many thousand partitions
_LARGEST_READ = 64  # entries asked for at once

_T = TypeVar("_T")


class CommitLog:
    """The commit log of the table in one folder, as this process knows it. Safe to use on several threads.

    Args:
        folder: Of the table, below the base of `files`.
    """

    def __init__(self, files: Files, folder: str) -> None:
        self._files = files
        self._folder = f"{folder}/{RESERVED}"
        self._known = Manifest()
        self._checkpoint = 0
        self._lock = threading.Lock()

    def current(self) -> Manifest:
        """The table after every commit there is."""
        with self._lock:
            known = self._continued(self._known) if self._known.number else None
            if known is None:
                checkpoint = self._read_checkpoint()
                self._checkpoint = checkpoint.number
                known = self._continued(checkpoint)
            if known is None:
                raise CommitLogError(
                    self._files.path(f"{self._folder}/checkpoint.json"),
                    "the entries that it sums up are not there",
                    "Restore the folder from a copy, or delete it to begin the table anew",
                )
            self._known = known
            return known

    def _continued(self, manifest: Manifest) -> Manifest | None:
        """`manifest` and the entries since; None if it is not of this log (any more): somebody exchanged the folder."""
        if not manifest.number:
            return manifest.followed_by(self.entries(1))
        entries = self.entries(manifest.number)
        last = next(entries, None)
        if last is None or last.committed_us != manifest.committed_us:
            return None
        new = list(entries)
        return manifest.followed_by(new) if new else manifest

    def entries(self, first: int) -> Iterator[Entry]:
        """Every entry from number `first` on."""
        ask = 2  # most often there is one at most
        while True:
            numbers = range(first, first + ask)
            for number, data in zip(numbers, self._files.read([self._name(n) for n in numbers]), strict=True):
                if data is None:
                    return  # one that was made since is left for the next time, with all that follow it
                yield self._parsed(self._name(number), data, Entry.from_bytes)
            first += ask
            ask = min(ask * 4, _LARGEST_READ)

    def entry(self, number: int) -> Entry:
        """One that is known to be there.

        Raises:
            CommitLogError: It is not.
        """
        (data,) = self._files.read([self._name(number)])
        if data is None:
            raise CommitLogError(
                self._files.path(self._name(number)),
                "it is missing, though later ones are there",
                "Restore it from a copy of the folder",
            )
        return self._parsed(self._name(number), data, Entry.from_bytes)

    def append(self, entry: Entry) -> bool:
        """Make `entry` the next commit; False if its number is taken, because somebody else committed meanwhile."""
        if not self._files.create(self._name(entry.number), entry.to_bytes()):
            return False
        with self._lock:
            if self._known.number == entry.number - 1:
                self._known = self._known.followed_by([entry])
            manifest = self._known
        if manifest.number - self._checkpoint >= max(_CHECKPOINT_EVERY, len(manifest.versions) // 1000):
            with suppress(StorageError):  # what is committed is committed
                self.checkpoint(manifest)
        return True

    def checkpoint(self, manifest: Manifest) -> None:
        """Write down what the table is, so that readers need not read all entries."""
        self._files.put(f"{self._folder}/checkpoint.json", manifest.to_bytes())
        self._checkpoint = manifest.number

    def _read_checkpoint(self) -> Manifest:
        name = f"{self._folder}/checkpoint.json"
        (data,) = self._files.read([name])
        return Manifest() if data is None else self._parsed(name, data, Manifest.from_bytes)

    def _name(self, number: int) -> str:
        return f"{self._folder}/{number:020}.json"

    def _parsed(self, name: str, data: bytes, parse: Callable[[bytes], _T]) -> _T:
        try:
            return parse(data)
        except (ValueError, KeyError, TypeError) as error:
            reason = str(error)
        file = self._files.path(name)
        if "newer version" in reason:
            raise CommitLogError(file, reason, "Upgrade it: pip install --upgrade gapless")
        fix = "Restore it from a copy of the folder"
        if name.endswith("checkpoint.json"):
            fix = "Delete this one file: it is made again from the other ones"
        raise CommitLogError(file, f"it is damaged ({reason})", fix)
