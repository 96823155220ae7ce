"""A part of a value that is known not to be storable, so that the other parts are stored without it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gapless.errors import StorageError
from gapless.storage.duckdb.staging.staged_value import Source, StagedValue

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.session import Session

__all__ = ["RefusedPart"]


@dataclass(frozen=True, slots=True)
class RefusedPart(StagedValue):
    """Its commit is refused.

    Attributes:
        value: The rows that it may have; checks look at them.
        error: Why it is refused.
    """

    value: StagedValue
    error: StorageError

    @property
    def nbytes(self) -> int:
        return self.value.nbytes

    def rows(self) -> pl.LazyFrame:
        return self.value.rows()

    def source(self, session: Session, held: ExitStack) -> Source:
        raise self.error

    def discard(self) -> None:
        self.value.discard()
