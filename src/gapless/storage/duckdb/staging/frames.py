"""Polars frames on their way into a DuckDB table: checked by name and type, stacked, and scanned through Arrow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gapless.errors import closest
from gapless.storage.duckdb.database.streams import ArrowStream
from gapless.storage.duckdb.staging.staged_value import Source, StagedValue
from gapless.storage.errors import ColumnNamesError, ColumnTypeError, MissingPartitionColumnError
from gapless.storage.named_columns import named_columns
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.database.connection import Session

__all__ = [
    "ArrowStream",
    "StagedFrame",
    "checked_schema",
    "column_named_by",
    "refuse_column_names",
    "stacked",
    "staged_frame",
    "typed_frame",
    "with_null_columns",
]


@dataclass(frozen=True, slots=True)
class StagedFrame(StagedValue):
    """A checked frame that waits for its commit.

    Attributes:
        frame: Its columns but those of type Null, which have no values and fit any type.
        null_columns: The names of those.
        columns: All names, in the order that the function gave.
    """

    frame: pl.DataFrame
    null_columns: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        return int(self.frame.estimated_size())

    @property
    def shape_key(self) -> tuple[frozenset[tuple[str, Any]], tuple[str, ...]]:
        """Equal for frames that can be stacked by name."""
        return frozenset(self.frame.schema.items()), tuple(sorted(self.null_columns))

    def rows(self) -> pl.LazyFrame:
        return with_null_columns(self.frame.lazy(), self.null_columns, self.columns)

    def source(self, session: Session, held: ExitStack) -> Source:
        stream = ArrowStream(self.frame)
        name = held.enter_context(session.registered(f"gapless_{id(stream)}", stream))
        types = {row[0]: row[1] for row in session.execute(f"DESCRIBE SELECT * FROM {name}")}
        return Source(name, types, self.columns, self.null_columns, self.frame.height, self.nbytes)


def staged_frame(output: OutputSlices, frame: pl.DataFrame) -> StagedFrame:
    """A checked frame. Called on worker threads, so it does little while it holds the GIL.

    Raises:
        StorageError: It cannot be stored.
    """
    null_columns = checked_schema(output, frame.schema)
    kept = frame.drop(named_columns(null_columns)) if null_columns else frame
    return StagedFrame(output, kept, null_columns, tuple(frame.columns))


def checked_schema(output: OutputSlices, schema: Mapping[str, pl.DataType]) -> tuple[str, ...]:
    """Check the names and types of a frame; the names of its columns of type Null.

    Raises:
        StorageError: Frames of this schema cannot be stored.
    """
    names = tuple(schema)
    refuse_column_names(output, names)
    return tuple(_null_columns(str(output.asset), tuple(part.key for part in output.slices), schema))


def refuse_column_names(output: OutputSlices, names: Sequence[str]) -> None:
    """Check the names of the columns, and that the one that says the partition is among them.

    Raises:
        StorageError: Values with these columns cannot be stored.
    """
    asset, keys = str(output.asset), tuple(part.key for part in output.slices)
    if not names:
        # Taken for an empty slice it would erase a good one; more often something went wrong upstream.
        raise ColumnNamesError(
            asset,
            keys,
            "the function returned a frame without columns",
            "Return one with the table's columns and no rows, if there are none",
        )
    _check_names(asset, keys, names)
    for expression in output.expressions:
        column = _plain_name(expression)
        if column is not None and column_named_by(expression, names) is None:
            is_dimension = column in output.by_dimension
            raise MissingPartitionColumnError(asset, keys, column, tuple(names), closest(column, names), is_dimension)


def with_null_columns(rows: pl.LazyFrame, null_columns: Sequence[str], names: Sequence[str]) -> pl.LazyFrame:
    """`rows` with those of its columns `names`, in their order, that were left out because they are of type Null."""
    import polars as pl

    if not null_columns:
        return rows
    return rows.with_columns(pl.lit(None).alias(name) for name in null_columns).select(named_columns(names))


def column_named_by(expression: str, columns: Sequence[str]) -> str | None:
    """The column that `expression` is the name of, if it is one: as written, quoted, or in another case."""
    if expression in columns:
        return expression
    plain = _plain_name(expression)
    if plain is None:
        return None
    folded = plain.casefold()
    return next((name for name in columns if name.casefold() == folded), None)


def stacked(session: Session, frames: Sequence[pl.DataFrame], number: str, held: ExitStack) -> str:
    """`frames`, which have equal schemas, stacked in order as one table of `session` until `held` is closed.

    Returns:
        Its quoted name. Its column `number` holds each row's 0-based frame number.
    """
    stream = ArrowStream(_numbered(frames, number))
    return held.enter_context(session.registered(f"gapless_{id(stream)}", stream))


def _numbered(frames: Sequence[pl.DataFrame], name: str) -> pl.DataFrame:
    import polars as pl

    first = frames[0].columns
    aligned = [frame if frame.columns == first else frame.select(named_columns(first)) for frame in frames]
    numbers = pl.Series(name, range(len(frames)), dtype=pl.Int32)
    column = pl.concat([numbers.new_from_index(number, frame.height) for number, frame in enumerate(frames)])
    whole = pl.concat(aligned) if len(aligned) > 1 else aligned[0]
    # A frame whose columns were all of type Null has none left, and so no height.
    return whole.with_columns(column) if whole.width else pl.DataFrame([column])


def typed_frame(columns: Mapping[str, Sequence[Any]], types: Mapping[str, type]) -> pl.DataFrame:
    """A frame of Python values; types are str, int, date and datetime (naive)."""
    import polars as pl

    dtypes = {str: pl.String(), int: pl.Int64(), date: pl.Date(), datetime: pl.Datetime("us")}
    return pl.DataFrame([pl.Series(name, columns[name], dtype=dtypes[kind]) for name, kind in types.items()])


def _plain_name(expression: str) -> str | None:
    """The column that an expression names if it is nothing but a name, quoted or not."""
    text = expression.strip()
    if len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('""', ""):
        return text[1:-1].replace('""', '"')
    return text if text.isidentifier() else None


def _check_names(asset: str, keys: tuple[str | None, ...], names: Sequence[str]) -> None:
    folded = {name.casefold() for name in names}
    if len(folded) < len(names):
        seen: dict[str, str] = {}
        for name in names:
            if name.casefold() in seen:
                other = seen[name.casefold()]
                problem = f"the columns {other!r} and {name!r} differ only in case, by which columns are not told apart"
                if name == other:
                    problem = f"two columns are called {name!r}"
                raise ColumnNamesError(asset, keys, problem, "Rename one of them")
            seen[name.casefold()] = name
    if "" in folded or any("\0" in name for name in names):
        raise ColumnNamesError(
            asset, keys, f"a column is called {next(n for n in names if not n or chr(0) in n)!r}", "Rename it"
        )


def _null_columns(asset: str, keys: tuple[str | None, ...], schema: Mapping[str, pl.DataType]) -> list[str]:
    import polars as pl

    nulls = []
    for name, dtype in schema.items():
        if dtype == pl.Null:
            nulls.append(name)
        elif (fix := _unsupported(dtype)) is not None:
            raise ColumnTypeError(asset, keys, name, str(dtype), fix)
    return nulls


def _unsupported(dtype: pl.DataType) -> str | None:
    """What to do instead of storing such values; None if they can be stored."""
    import polars as pl

    kind = dtype if isinstance(dtype, type) else type(dtype)  # older versions of polars give some types bare
    if kind in _PLAIN_KINDS:
        return None
    if not _PLAIN_KINDS:
        _PLAIN_KINDS.update((pl.String, pl.Boolean, pl.Float32, pl.Float64, pl.Date, pl.Datetime, pl.Binary, pl.Time))
        _PLAIN_KINDS.update((pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64))
        _PLAIN_KINDS.update((pl.Decimal, pl.Categorical, pl.Enum))
        return _unsupported(dtype)
    if isinstance(dtype, (pl.List, pl.Array)):
        return _unsupported(dtype.inner)  # type: ignore[arg-type]
    if isinstance(dtype, pl.Struct):
        return next((fix for f in dtype.fields if (fix := _unsupported(f.dtype)) is not None), None)  # type: ignore[arg-type]
    if kind is pl.Duration:
        return "Store a number, for example with .dt.total_microseconds()"
    if kind is pl.Null:
        return "Give the nested values a type, for example with .cast(pl.List(pl.String))"
    if kind is pl.Object:
        return "Turn the Python objects into values, for example into text"
    return "Cast it to a type of 64 bits or less, to Decimal or to text"


_PLAIN_KINDS: set[Any] = set()
