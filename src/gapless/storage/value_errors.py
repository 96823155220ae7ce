"""What can go wrong where single values are stored, in files or in memory.

StorageError
├── ValueMissingError        nothing is stored for what is asked for
└── ValueUnstorableError     the value cannot be pickled, or is none for the partitions; the old one is still there
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.storage.errors import slice_name

__all__ = ["ValueMissingError", "ValueUnstorableError"]


@dataclass(eq=False)
class ValueMissingError(StorageError, FileNotFoundError):
    """Nothing is stored for what is asked for; a FileNotFoundError, as Dagster's is.

    Attributes:
        partition: The first that is missing; None for an unpartitioned asset.
        place: Where it was looked for.
        more: How many others of those asked for are missing too.
        fix: What to do about it, a sentence; by default how to make it.
    """

    asset: str
    partition: str | None
    place: str
    more: int = 0
    fix: str = ""

    def __str__(self) -> str:
        others = f", and nothing of {self.more:,} others" if self.more else ""
        command = ["gapless", "materialize", self.asset]
        if self.partition is not None:
            command += ["--partition", self.partition]
        fix = self.fix or f"Make it with: {shlex.join(command)}"
        return f"{slice_name(self.asset, (self.partition,))}: nothing is stored in {self.place}{others}. {fix}"


@dataclass(eq=False)
class ValueUnstorableError(StorageError):
    """A value that cannot be stored.

    Attributes:
        reason: Why not, a clause.
        fix: What to do instead, a sentence without its full stop.
    """

    asset: str
    partitions: tuple[str | None, ...]
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{slice_name(self.asset, self.partitions)}: {self.reason}. {self.fix}."
