"""What can go wrong with a value on its way into a DuckDB table; the old rows are still there in every case.

StorageError
├── BatchError       one of the frames that a function gave as batches does not fit those before
├── MixedColumnError a column of a pandas DataFrame has Python objects of several kinds
├── StagedFileError  the file in which rows waited for their commit is damaged or gone
├── SqlSourceError   gapless.sql() names something that is not there to read
├── SqlValueError    DuckDB refuses the SQL that a function returned
└── UnreadableValueError  what a function returned looks like rows, but cannot be read
"""

from __future__ import annotations

from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.storage.errors import slice_name

__all__ = [
    "BatchError",
    "MixedColumnError",
    "SqlSourceError",
    "SqlValueError",
    "StagedFileError",
    "UnreadableValueError",
]


@dataclass(eq=False)
class BatchError(StorageError):
    """One of the frames that a function gave as batches does not fit those before.

    Attributes:
        number: Which one, from 1.
        problem: What is wrong with it, a clause.
        fix: What to do.
    """

    asset: str
    partitions: tuple[str | None, ...]
    number: int
    problem: str
    fix: str

    def __str__(self) -> str:
        return f"{slice_name(self.asset, self.partitions)}: batch {self.number} {self.problem}. {self.fix}."


@dataclass(eq=False)
class MixedColumnError(StorageError):
    """A column of a pandas DataFrame has Python objects of several kinds, of which DuckDB would make text.

    Attributes:
        first, second: Two values of different kinds, as Python shows them.
    """

    asset: str
    partitions: tuple[str | None, ...]
    column: str
    first: str
    second: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: column {self.column!r} has values of several kinds, for"
            f" example {self.first} and {self.second}. Give all of them one type, for example with .astype(str)."
        )


@dataclass(eq=False)
class StagedFileError(StorageError):
    """The file in which rows waited for their commit is damaged or gone.

    Attributes:
        path: The file.
        problem: What is wrong with it, a clause.
    """

    asset: str
    partitions: tuple[str | None, ...]
    path: str
    problem: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: the rows waited for their commit in {self.path}, which"
            f" {self.problem}. Nothing was replaced. Materialize it again; if it happens again, look at the disk."
        )


@dataclass(eq=False)
class SqlSourceError(StorageError):
    """``gapless.sql()`` names something that is not there to read.

    Attributes:
        name: What the text names.
        known: What it can name: the assets upstream.
    """

    asset: str
    partitions: tuple[str | None, ...]
    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        there = ", ".join(map(repr, self.known)) if self.known else "nothing"
        return (
            f"{slice_name(self.asset, self.partitions)}: its SQL names {{{self.name}}}, but upstream of it there is"
            f" {there}. Declare it: @asset(deps=[{self.name!r}]); braces that are no name are written twice: {{{{ }}}}."
        )


@dataclass(eq=False)
class SqlValueError(StorageError):
    """DuckDB refuses the SQL that a function returned.

    Attributes:
        sql: The text, as it was given.
        reason: Why, on one line.
    """

    asset: str
    partitions: tuple[str | None, ...]
    sql: str
    reason: str

    def __str__(self) -> str:
        text = " ".join(self.sql.split())
        shown = text if len(text) <= 200 else f"{text[:200]}…"
        return (
            f"{slice_name(self.asset, self.partitions)}: DuckDB refuses the SQL that the function returned:"
            f" {self.reason.rstrip('.')}. Nothing was replaced. The SQL: {shown}"
        )


@dataclass(eq=False)
class UnreadableValueError(StorageError):
    """What a function returned looks like rows, but cannot be read.

    Attributes:
        kind: What it is, the full name of its type.
        reason: Why, on one line.
    """

    asset: str
    partitions: tuple[str | None, ...]
    kind: str
    reason: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: the function returned a {self.kind} that cannot be read:"
            f" {self.reason.rstrip('.')}. Give its columns types that DuckDB knows, or return a polars DataFrame."
        )
