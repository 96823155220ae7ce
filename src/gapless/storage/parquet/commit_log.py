"""The commit log of one table: numbered files, each made once and never changed.

``_gapless/00000000000000000001.json`` is the table's first commit. A commit is there as soon as its file is, whole; the
file is made only if there is none of its number, so of several writers that want to be next one succeeds, and the
others look at what it did and try again. No lock is needed, and a clock orders nothing.

``_gapless/checkpoint.json`` is the sum of all entries up to some number, so that readers need only those after it. It
is written now and then, by whoever commits; one that is too old, or missing, costs time and nothing else. Entries are
never deleted: a writer that slept would find the number free. One that somebody else deleted is told, not filled; as
each entry names the one before, none is ever added to another past than it was made for.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import TypeVar

from gapless.storage.parquet.errors import CommitLogError, CommitUnknownError
from gapless.storage.parquet.files import Files
from gapless.storage.parquet.manifest import Entry, Manifest
from gapless.storage.parquet.names import RESERVED

__all__ = ["CommitLog"]

_CHECKPOINT_EVERY = 50  # commits; more of them if there are many thousand partitions
_LARGEST_READ = 64  # entries asked for at once
_LOOK_BEYOND = 2  # entries: where one is missing, so many later ones are looked for

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
            known = None
            if self._known.number:
                with suppress(CommitLogError):  # perhaps before the checkpoint, where nobody else needs it
                    known = self._continued(self._known)
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
        if last is None or (last.committed_us, last.id) != (manifest.committed_us, manifest.id):
            return None
        new = list(entries)
        return manifest.followed_by(new) if new else manifest

    def entries(self, first: int) -> Iterator[Entry]:
        """Every entry from number `first` on.

        Raises:
            CommitLogError: One is missing, though later ones are there, or follows another one than is there.
        """
        ask = 2 + _LOOK_BEYOND  # most often there is one at most
        before: Entry | None = None
        while True:
            found = self._read(range(first, first + ask))
            for number, data in found.items():
                if data is None:
                    self._refuse_hole(number, found)
                    return  # one that was made since is left for the next time, with all that follow it
                entry = self._parsed(self._name(number), data, Entry.from_bytes)
                self._refuse_other_past(number, entry, before)
                yield entry
                before = entry
            first += ask
            ask = min(ask * 4, _LARGEST_READ)

    def _read(self, numbers: range) -> dict[int, bytes | None]:
        return dict(zip(numbers, self._files.read([self._name(number) for number in numbers]), strict=True))

    def _refuse_hole(self, number: int, found: Mapping[int, bytes | None]) -> None:
        """Tell that entry `number` is missing if later ones are there; `found` was read at once, it among them."""
        more = range(max(found) + 1, number + 1 + _LOOK_BEYOND)
        beyond = {**found, **self._read(more)} if more else found
        if all(data is None for later, data in beyond.items() if later > number):
            return
        # Both may have been made while we read; now that the later one is known to be there, this one must be, too.
        if self._read(range(number, number + 1))[number] is None:
            raise self._missing(number)

    def _refuse_other_past(self, number: int, entry: Entry, before: Entry | None) -> None:
        name = self._name(number)
        if entry.number != number:
            reason, fix = f"it is a copy of entry {entry.number}", "Restore it from a copy of the folder"
        elif before is not None and entry.id and entry.after != before.id:
            was = self._name(number - 1).rpartition("/")[2]
            reason = f"it was made after another {was} than is there now"
            fix = "Restore that one from a copy of the folder"
        else:
            return
        raise CommitLogError(self._files.path(name), reason, fix)

    def _missing(self, number: int) -> CommitLogError:
        return CommitLogError(
            self._files.path(self._name(number)),
            "it is missing, though later ones are there",
            "Restore it from a copy of the folder; if there is none, delete the folder to begin the table anew",
        )

    def entry(self, number: int) -> Entry:
        """One that is known to be there.

        Raises:
            CommitLogError: It is not.
        """
        (data,) = self._files.read([self._name(number)])
        if data is None:
            raise self._missing(number)
        return self._parsed(self._name(number), data, Entry.from_bytes)

    def append(self, entry: Entry) -> bool:
        """Make `entry` the next commit; False if its number is taken, because somebody else committed meanwhile.

        Raises:
            CommitUnknownError: Whether it was made is not known: the storage did not answer.
            StorageError: It was not made.
        """
        if not self._create(self._name(entry.number), entry.to_bytes()):
            return False
        with self._lock:
            if self._known.number == entry.number - 1:
                self._known = self._known.followed_by([entry])
            manifest = self._known
        if manifest.number - self._checkpoint >= max(_CHECKPOINT_EVERY, len(manifest.versions) // 1000):
            with suppress(Exception):  # what is committed is committed
                self.checkpoint(manifest)
        return True

    def _create(self, name: str, data: bytes) -> bool:
        try:
            return self._files.create(name, data)
        except Exception as error:
            failure = error
        # Perhaps only the answer was lost.
        try:
            (found,) = self._files.read([name])
        except Exception:
            raise CommitUnknownError(self._files.path(name), str(failure)) from failure
        if found is None:
            raise failure
        return found == data

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
