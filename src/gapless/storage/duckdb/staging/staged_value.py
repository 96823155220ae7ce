"""A checked value that waits for its commit to a DuckDB table, whatever it is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.connection import Session

__all__ = ["Source", "StagedValue"]


@dataclass(frozen=True, slots=True)
class Source:
    """The rows of a value as a session scans them.

    Attributes:
        sql: What to select from.
        types: Name to DuckDB's type of all columns but those of type NULL.
        columns: All names, in the order that the function gave.
        null_columns: Those of type NULL, which have no values and fit any type.
        height: Rows.
        nbytes: Bytes, approximately, wherever they lie.
    """

    sql: str
    types: Mapping[str, str]
    columns: tuple[str, ...]
    null_columns: tuple[str, ...]
    height: int
    nbytes: int


@dataclass(frozen=True, slots=True)
class StagedValue(ABC):
    """What `SliceStore.stage` gives: a frame in memory, rows spilled to files, or a query that is yet to run.

    Attributes:
        is_part: Whether `SliceStore.split` made it: its rows were checked to lie inside.
        dropped: Rows that were left out then, as `Committed` has it.
    """

    output: OutputSlices
    is_part: bool = field(default=False, kw_only=True)
    dropped: Mapping[str | None, int] = field(default_factory=dict, kw_only=True)

    @property
    def keys(self) -> tuple[str | None, ...]:
        """The partitions that it is for."""
        return tuple(part.key for part in self.output.slices)

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """What it holds in memory, bytes, approximately; what lies in files does not count."""

    @abstractmethod
    def rows(self) -> pl.LazyFrame:
        """The rows, with all columns in the order that the function gave."""

    @abstractmethod
    def source(self, session: Session, held: ExitStack) -> Source:
        """Make the rows ready to be scanned, in their order, until `held` is closed. Outside of a transaction.

        Raises:
            StorageError: They cannot be read, or not be stored.
        """

    def discard(self) -> None:  # noqa: B027  most have none
        """Let go of the files, if there are any. Harmless twice."""
