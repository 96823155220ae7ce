"""What can go wrong while a copy is published; the one that was there stays in every case."""

from __future__ import annotations

from dataclasses import dataclass

from gapless.errors import StorageError

__all__ = ["PublishError"]


@dataclass(eq=False)
class PublishError(StorageError):
    """Nothing was published.

    Attributes:
        target: The file or folder that was to hold the copy.
        reason: Why not, a clause.
        fix: What to do, a sentence without its full stop.
    """

    target: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"nothing was published to {self.target}: {self.reason}. {self.fix}."
