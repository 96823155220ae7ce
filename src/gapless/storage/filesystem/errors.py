"""What can go wrong with files and their folder; when one is written, the old one is still there in every case.

StorageError
├── FileUnreadableError      a file is there, but its value cannot be made of it
└── FilePlaceError           the folder cannot be used: no such place, no permission, no room, no such protocol
"""

from __future__ import annotations

from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.storage.errors import slice_name

__all__ = ["FilePlaceError", "FileUnreadableError"]


@dataclass(eq=False)
class FileUnreadableError(StorageError):
    """A file that is there, but whose value cannot be made of it.

    Attributes:
        reason: Why not, a clause.
        fix: What to do, a sentence without its full stop.
    """

    asset: str
    partition: str | None
    path: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{slice_name(self.asset, (self.partition,))}: cannot read {self.path}: {self.reason}. {self.fix}."


@dataclass(eq=False)
class FilePlaceError(StorageError):
    """A folder, or a file in it, that cannot be used.

    Attributes:
        reason: What is wrong, a clause.
        fix: What to do, a sentence without its full stop.
    """

    path: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"cannot use {self.path}: {self.reason}. {self.fix}."
