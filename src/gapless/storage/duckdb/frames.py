"""The values that a DuckDB table takes and gives: polars frames, checked by name and type."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from gapless.errors import closest
from gapless.storage.errors import (
    ColumnNamesError,
    ColumnTypeError,
    InputTypeError,
    MissingPartitionColumnError,
    OutputTypeError,
)
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ArrowStream", "StagedFrame", "as_expected", "column_named_by", "numbered", "staged", "typed_frame"]


@dataclass(frozen=True, slots=True)
class StagedFrame:
    """A checked frame that waits for its commit.

    Attributes:
        frame: Its columns but those of type Null, which have no values and fit any type.
        null_columns: The names of those.
        columns: All names, in the order that the function gave.
    """

    output: OutputSlices
    frame: pl.DataFrame
    null_columns: tuple[str, ...]
    columns: tuple[str, ...]
    nbytes: int

    @property
    def keys(self) -> tuple[str | None, ...]:
        return tuple(part.key for part in self.output.slices)

    @property
    def shape_key(self) -> tuple[frozenset[tuple[str, Any]], tuple[str, ...]]:
        """Equal for frames that can be stacked by name."""
        return frozenset(self.frame.schema.items()), tuple(sorted(self.null_columns))


class ArrowStream:
    """A frame as DuckDB scans it. A bare frame would make DuckDB import pyarrow, which takes a tenth of a second."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A fresh stream for every scan."""
        return self._frame.__arrow_c_stream__(requested_schema)


def staged(output: OutputSlices, value: Any) -> StagedFrame:
    """Check what can be checked without the table. Called on worker threads, so it does little while it holds the GIL.

    Raises:
        StorageError: The value cannot be stored.
    """
    import polars as pl

    asset, keys = str(output.asset), tuple(part.key for part in output.slices)
    if isinstance(value, pl.LazyFrame):
        value = value.collect()
    if not isinstance(value, pl.DataFrame):
        kind = type(value)
        named = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        raise OutputTypeError(asset, keys, named)
    names = value.columns
    if not names:
        # Taken for an empty slice it would erase a good one; more often something went wrong upstream.
        raise ColumnNamesError(
            asset,
            keys,
            "the function returned a frame without columns",
            "Return one with the table's columns and no rows, if there are none",
        )
    _check_names(asset, keys, names)
    null_columns = tuple(_check_types(asset, keys, value))
    for expression in output.expressions:
        column = _plain_name(expression)
        if column is not None and column_named_by(expression, names) is None:
            raise MissingPartitionColumnError(asset, keys, column, tuple(names), closest(column, names))
    frame = value.drop(null_columns) if null_columns else value
    return StagedFrame(output, frame, null_columns, tuple(names), int(value.estimated_size()))


def column_named_by(expression: str, columns: Sequence[str]) -> str | None:
    """The column that `expression` is the name of, if it is one: as written, quoted, or in another case."""
    if expression in columns:
        return expression
    plain = _plain_name(expression)
    if plain is None:
        return None
    folded = plain.casefold()
    return next((name for name in columns if name.casefold() == folded), None)


def numbered(frames: Sequence[pl.DataFrame], name: str) -> pl.DataFrame:
    """`frames`, which have equal schemas, stacked in order, with each row's 0-based frame number as column `name`."""
    import polars as pl

    first = frames[0].columns
    aligned = [frame if frame.columns == first else frame.select(first) for frame in frames]
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


def as_expected(frame: pl.DataFrame, expected: Any, asset: str) -> Any:
    """`frame` as the type that an annotation asks for; a DataFrame if it asks for nothing in particular.

    Raises:
        InputTypeError: It asks for something else.
    """
    import polars as pl

    if expected is None or expected is Any or expected is inspect.Parameter.empty or expected is object:
        return frame
    if isinstance(expected, str):
        wanted = expected.rpartition(".")[2]
        if wanted in ("DataFrame", "LazyFrame"):
            return frame if wanted == "DataFrame" else frame.lazy()
    origin = typing.get_origin(expected)
    if origin is typing.Annotated:
        return as_expected(frame, typing.get_args(expected)[0], asset)
    for choice in typing.get_args(expected) if origin is not None else (expected,):
        if isinstance(choice, type) and issubclass(choice, pl.DataFrame):
            return frame
        if isinstance(choice, type) and issubclass(choice, pl.LazyFrame):
            return frame.lazy()
    raise InputTypeError(asset, expected.__name__ if isinstance(expected, type) else str(expected))


def _plain_name(expression: str) -> str | None:
    """The column that an expression names if it is nothing but a name, quoted or not."""
    text = expression.strip()
    if len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('""', ""):
        return text[1:-1].replace('""', '"')
    return text if text.isidentifier() else None


def _check_names(asset: str, keys: tuple[str | None, ...], names: list[str]) -> None:
    folded = {name.casefold() for name in names}
    if len(folded) < len(names):
        seen: dict[str, str] = {}
        for name in names:
            if name.casefold() in seen:
                raise ColumnNamesError(
                    asset,
                    keys,
                    f"the columns {seen[name.casefold()]!r} and {name!r} differ only in case, which DuckDB ignores",
                    "Rename one of them",
                )
            seen[name.casefold()] = name
    if "" in folded or any("\0" in name for name in names):
        raise ColumnNamesError(
            asset, keys, f"a column is called {next(n for n in names if not n or chr(0) in n)!r}", "Rename it"
        )


def _check_types(asset: str, keys: tuple[str | None, ...], frame: pl.DataFrame) -> list[str]:
    """The names of the columns of type Null."""
    import polars as pl

    nulls = []
    for name, dtype in frame.schema.items():
        if dtype == pl.Null:
            nulls.append(name)
        elif (fix := _unsupported(dtype)) is not None:
            raise ColumnTypeError(asset, keys, name, str(dtype), fix)
    return nulls


def _unsupported(dtype: pl.DataType) -> str | None:
    """What to do instead of storing such values; None if they can be stored."""
    import polars as pl

    kind = type(dtype)
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
