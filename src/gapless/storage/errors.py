"""What can go wrong between a function's value and the table; the old rows are still there in every case.

StorageError
├── OutputTypeError              the function did not return a frame
├── InputTypeError               the downstream parameter's annotation is nothing that the store can give
├── NoPartitionExpressionError   nothing says which rows of the table belong to a partition
├── MissingPartitionColumnError  the frame lacks the column that says which partition a row belongs to
├── ColumnNamesError             two columns, or a column and nothing, have one name in the table
├── ColumnTypeError              a column's type cannot be stored
├── PartitionExpressionError     the database cannot evaluate `partition_expr`
├── PartitionColumnTypeError     the type of `partition_expr` cannot tell the partitions apart
├── RowsOutsidePartitionError    the frame holds rows of other partitions
├── SchemaChangeError            the frame's columns do not fit the table's (in schema_change.py)
├── NeverMaterializedError       there is no table to read
├── UnknownColumnsError          an input asks for columns that the table does not have
├── TableNameError               metadata or resource settings that do not name a table
├── QueryError                   a person's SQL that the database refuses
├── StoreUnreachableError        the store as a whole cannot be used now: every other value would fare the same
│   ├── StoreBusyError           others are at work in it; it was waited for
│   │   └── DatabaseLockedError  another program holds the file
│   ├── DatabaseUnusableError    no such directory, not a DuckDB file, read-only, …
│   └── DiskFullError            there is no room for the rows
└── DatabaseFailure              anything else that the database reports
"""

from __future__ import annotations

from dataclasses import dataclass

from gapless.errors import StorageError

__all__ = [
    "ColumnNamesError",
    "ColumnTypeError",
    "DatabaseFailure",
    "DatabaseLockedError",
    "DatabaseUnusableError",
    "DiskFullError",
    "InputTypeError",
    "MissingPartitionColumnError",
    "NeverMaterializedError",
    "NoPartitionExpressionError",
    "OutputTypeError",
    "PartitionColumnTypeError",
    "PartitionExpressionError",
    "QueryError",
    "RowsOutsidePartitionError",
    "StoreBusyError",
    "StoreUnreachableError",
    "TableNameError",
    "UnknownColumnsError",
    "slice_name",
]

_TAKEN = "a frame: of polars, pandas or Arrow, an iterator of such batches, or gapless.sql(…)"


def slice_name(asset: str, partitions: tuple[str | None, ...]) -> str:
    """``asset 'plays', partition '2024-01-05'``, as every message here begins."""
    keys = [key for key in partitions if key is not None]
    if not keys:
        return f"asset {asset!r}"
    if len(keys) == 1:
        return f"asset {asset!r}, partition {keys[0]!r}"
    return f"asset {asset!r}, partitions {keys[0]!r} to {keys[-1]!r}"


def _listed(names: tuple[str, ...], limit: int = 12) -> str:
    shown = ", ".join(map(repr, names[:limit]))
    return f"{shown}, … ({len(names)} in all)" if len(names) > limit else shown or "none"


@dataclass(eq=False)
class OutputTypeError(StorageError):
    """The function did not return a frame.

    Attributes:
        got: The full name of the type that it returned; ``NoneType`` for None.
    """

    asset: str
    partitions: tuple[str | None, ...]
    got: str

    def __str__(self) -> str:
        where = slice_name(self.asset, self.partitions)
        if self.got == "NoneType":
            return (
                f"{where}: the function returned None; expected {_TAKEN}."
                " Return the frame (an empty one if there are no rows), or annotate the function `-> None` if it"
                " stores its own data."
            )
        return (
            f"{where}: the function returned a {self.got}; expected {_TAKEN}."
            " Make a frame of it, for example with pl.DataFrame(value)."
        )


@dataclass(eq=False)
class InputTypeError(StorageError):
    """A downstream parameter is annotated with a type that the store cannot give."""

    asset: str
    expected: str

    def __str__(self) -> str:
        relation = ""
        if "DuckDBPyRelation" in self.expected:
            relation = " For SQL over it return gapless.sql(…), or take a connection from a DuckDBResource."
        return (
            f"asset {self.asset!r} cannot be loaded as {self.expected}. Annotate the parameter pl.DataFrame,"
            f" pl.LazyFrame, pd.DataFrame, pa.Table or pa.RecordBatchReader.{relation}"
        )


@dataclass(eq=False)
class NoPartitionExpressionError(StorageError):
    """A partition of a table is asked for, and nothing says which rows belong to it."""

    asset: str
    partitions: tuple[str | None, ...]
    table: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: nothing says which rows of the table {self.table} belong to"
            ' it. Add metadata={"partition_expr": "date"} to @asset, with the name of the column that tells, or an SQL'
            " expression."
        )


@dataclass(eq=False)
class MissingPartitionColumnError(StorageError):
    """The frame lacks the column that ``partition_expr`` names.

    Attributes:
        is_dimension: Whether it is called like a dimension, as it is where ``partition_expr`` does not say otherwise.
    """

    asset: str
    partitions: tuple[str | None, ...]
    column: str
    columns: tuple[str, ...]
    nearest: tuple[str, ...] = ()
    is_dimension: bool = False

    def __str__(self) -> str:
        near = f" Did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else ""
        why, key, expression = "partition_expr names", "context.partition_key", "…"
        if self.is_dimension:
            why = "is expected to tell the dimension of that name"
            key = f'context.multi_partition_key.keys_by_dimension["{self.column}"]'
            expression = f'{{"{self.column}": "…"}}'
        plain = self.column.isidentifier()
        column = f"{self.column}=pl.lit({key})" if plain else f'pl.lit({key}).alias("{self.column}")'
        return (
            f"{slice_name(self.asset, self.partitions)}: the frame has no column {self.column!r}, which {why};"
            f" its columns are {_listed(self.columns)}.{near}"
            f' Add it with .with_columns({column}), or change metadata {{"partition_expr": {expression}}}.'
        )


@dataclass(eq=False)
class ColumnNamesError(StorageError):
    """A frame's column names are not names of one table's columns."""

    asset: str
    partitions: tuple[str | None, ...]
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{slice_name(self.asset, self.partitions)}: {self.reason}. {self.fix}."


@dataclass(eq=False)
class ColumnTypeError(StorageError):
    """A column's type cannot be stored, or read back."""

    asset: str
    partitions: tuple[str | None, ...]
    column: str
    type_name: str
    fix: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: column {self.column!r} has the type {self.type_name}, which"
            f" cannot be stored and read back as it is. {self.fix}."
        )


@dataclass(eq=False)
class PartitionExpressionError(StorageError):
    """The database cannot evaluate ``partition_expr``."""

    asset: str
    expression: str
    reason: str
    columns: tuple[str, ...]

    def __str__(self) -> str:
        return (
            f"asset {self.asset!r}: DuckDB cannot evaluate partition_expr {self.expression!r}: {self.reason}."
            f' The columns are {_listed(self.columns)}. Correct metadata {{"partition_expr": …}}.'
        )


@dataclass(eq=False)
class PartitionColumnTypeError(StorageError):
    """Values of this type cannot tell the partitions apart.

    Attributes:
        reason: Why not, a clause.
        fix: What to store or write instead, a sentence without its full stop.
    """

    asset: str
    partitions: tuple[str | None, ...]
    expression: str
    type_name: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: partition_expr {self.expression!r} is {self.type_name},"
            f" {self.reason}. {self.fix}."
        )


@dataclass(eq=False)
class RowsOutsidePartitionError(StorageError):
    """The frame holds rows that do not belong to the partitions being made.

    Attributes:
        outside: How many rows lie outside.
        total: Of how many.
        example: One value outside, as the database writes it; None if it is NULL.
        covers: What the partition covers, in words.
        note: What may explain it, a sentence; empty if nothing does.
    """

    asset: str
    partitions: tuple[str | None, ...]
    expression: str
    outside: int
    total: int
    example: str | None
    covers: str
    table: str
    note: str = ""

    def __str__(self) -> str:
        shown = "NULL" if self.example is None else repr(self.example)
        note = f" {self.note}" if self.note else ""
        return (
            f"{slice_name(self.asset, self.partitions)}: {self.outside:,} of {self.total:,} rows lie outside the"
            f" partition: {self.expression} is {shown}, for example, and the partition covers {self.covers}.{note}"
            f" Nothing was replaced in {self.table}. Filter the frame to its partition before returning it, or correct"
            ' metadata {"partition_expr": …} if another column says where a row belongs.'
        )


@dataclass(eq=False)
class NeverMaterializedError(StorageError):
    """There is no table to read: the asset was never stored here."""

    asset: str
    table: str
    database: str

    def __str__(self) -> str:
        return (
            f"asset {self.asset!r} has never been materialized here: there is no table {self.table} in"
            f" {self.database}. Make it with: gapless materialize {self.asset}"
        )


@dataclass(eq=False)
class UnknownColumnsError(StorageError):
    """An input asks for columns that the table does not have."""

    asset: str
    unknown: tuple[str, ...]
    columns: tuple[str, ...]
    table: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f" Did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else ""
        return (
            f"asset {self.asset!r}: the table {self.table} has no column {_listed(self.unknown)}; its columns are"
            f' {_listed(self.columns)}.{near} Correct the input\'s metadata {{"columns": […]}}.'
        )


@dataclass(eq=False)
class TableNameError(StorageError):
    """Settings that do not name a table or a database file."""

    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}. {self.fix}."


@dataclass(eq=False)
class QueryError(StorageError):
    """SQL that the database refuses.

    Attributes:
        tables: Those that it could have named, as far as that was looked up.
    """

    sql: str
    reason: str
    tables: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"the query failed: {self.reason}"


class StoreUnreachableError(StorageError):
    """The store as a whole cannot be used now; what cannot be stored for this reason is not to be tried in parts."""


class StoreBusyError(StoreUnreachableError):
    """Others were at work in the store for as long as we waited, which a request to stop cuts short."""


@dataclass(eq=False)
class DatabaseUnusableError(StoreUnreachableError):
    """The file cannot be used as a database, whoever else is there.

    Attributes:
        reason: What is wrong with it, a clause.
        fix: What to do, a sentence without its full stop.
    """

    database: str
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"the database {self.database} cannot be used: {self.reason}. {self.fix}."


@dataclass(eq=False)
class DatabaseLockedError(StoreBusyError):
    """Another program holds the file, and did not let go in time.

    Attributes:
        holder: Who, in words: its command and process id, as far as known.
        waited: How long we waited, seconds.
    """

    database: str
    holder: str
    waited: float

    def __str__(self) -> str:
        return (
            f"the database {self.database} is held by {self.holder}; waited {self.waited:.0f} s for it. Nothing was"
            " changed. Close that program, or its connection to the file, and run this again; to wait longer, set"
            " lock_timeout on the IO manager."
        )


@dataclass(eq=False)
class DiskFullError(StoreUnreachableError):
    """There is no room for the rows."""

    database: str
    reason: str

    def __str__(self) -> str:
        return (
            f"there is no room to write to {self.database}: {self.reason}. The old rows are still there. Free some"
            " space on that disk and run this again."
        )


@dataclass(eq=False)
class DatabaseFailure(StorageError):
    """What else the database reports.

    Attributes:
        kind: DuckDB's name for its kind of error, for example ``Conversion``.
        reason: Its message, on one line.
    """

    database: str
    kind: str
    reason: str
    asset: str | None = None
    partitions: tuple[str | None, ...] = ()

    def __str__(self) -> str:
        where = f"{slice_name(self.asset, self.partitions)}: " if self.asset else ""
        return f"{where}DuckDB refused an operation on {self.database} ({self.kind}): {self.reason}"
