"""What an input's annotation asks for, and rows as that."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable, Iterator
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.streams import ArrowStream
from gapless.storage.duckdb.staging.gathering import gathered
from gapless.storage.duckdb.staging.spilled import SpilledRows
from gapless.storage.errors import InputTypeError

if TYPE_CHECKING:
    import polars as pl
    import pyarrow as pa

    from gapless.storage.duckdb.database.connection import Session
    from gapless.storage.duckdb.membership.condition import Condition

__all__ = ["Wanted", "arrow_reader", "as_arrow_table", "loaded", "nothing_as", "selected_rows", "wanted_by"]


class Wanted(Enum):
    """The types that a table's rows can be loaded as: module and name."""

    POLARS = ("polars", "DataFrame")
    LAZY = ("polars", "LazyFrame")
    PANDAS = ("pandas", "DataFrame")
    ARROW = ("pyarrow", "Table")
    READER = ("pyarrow", "RecordBatchReader")


_ALIASES = {"pl": "polars", "pd": "pandas", "pa": "pyarrow"}  # in annotations that are text
_NAME = re.compile(r"[\w.]+")
_COMPOUND = re.compile(r"([\w.]+)\s*\[")
_COMPOUNDS = ("Annotated", "Optional", "Union")


def wanted_by(annotation: Any, default: Wanted, asset: str) -> Wanted:
    """What `annotation` asks for; of several choices, the first that can be given.

    Args:
        annotation: Of the parameter: a class, a union of some, the text of one; `default` if it says nothing.
        asset: The upstream asset, for messages.

    Raises:
        InputTypeError: It asks for something else.
    """
    if annotation in (None, Any, inspect.Parameter.empty, object):
        return default
    found = _typed(annotation, default)
    if found is None:
        raise InputTypeError(asset, annotation.__name__ if isinstance(annotation, type) else str(annotation))
    return found


def _named(annotation: str, default: Wanted) -> Wanted | None:
    """Of a text that could not be evaluated, because what it names is only imported for type checkers."""
    if any(name.rpartition(".")[2] not in _COMPOUNDS for name in _COMPOUND.findall(annotation)):
        return None  # dict[str, pl.DataFrame]
    for dotted in _NAME.findall(annotation):
        path, _, name = dotted.rpartition(".")
        module = path.partition(".")[0]
        among = [wanted for wanted in Wanted if wanted.value[1] == name]
        exact = [wanted for wanted in among if wanted.value[0] == _ALIASES.get(module, module)]
        if among:
            # A name by itself, or under an alias of the user's own, may be of any module: the store's own comes first.
            return exact[0] if exact else default if default in among else among[0]
    return None


def _typed(annotation: Any, default: Wanted) -> Wanted | None:
    if isinstance(annotation, typing.ForwardRef):
        return _named(annotation.__forward_arg__, default)
    if isinstance(annotation, str):
        return _named(annotation, default)
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return _typed(typing.get_args(annotation)[0], default)
    if origin in (typing.Union, types.UnionType):
        choices = (_typed(choice, default) for choice in typing.get_args(annotation))
        return next((found for found in choices if found is not None), None)
    places = [(kind.__module__.partition(".")[0], kind.__name__) for kind in getattr(annotation, "__mro__", ())]
    return next((wanted for wanted in Wanted if wanted.value in places), None)


def loaded(session: Session, selected: Condition, wanted: Wanted, new_folder: Callable[[], Path]) -> Any:
    """The rows of a SELECT as what is wanted.

    Args:
        new_folder: Makes a folder for files, for rows that are too many for memory.

    Raises:
        StorageError: DuckDB refused it, or there is no room for the files.
    """
    match wanted:
        case Wanted.POLARS:
            return session.frame(selected.sql, selected.parameters)
        case Wanted.PANDAS:
            return session.pandas(selected.sql, selected.parameters)
        case Wanted.ARROW:
            return session.arrow(selected.sql, selected.parameters)
        case Wanted.LAZY:
            return selected_rows(session, selected, new_folder).lazy()
    schema = session.arrow(f"SELECT * FROM ({selected.sql}) LIMIT 0", selected.parameters).schema
    return arrow_reader(selected_rows(session, selected, new_folder), schema)


def selected_rows(session: Session, selected: Condition, new_folder: Callable[[], Path]) -> pl.DataFrame | SpilledRows:
    """The rows of a SELECT, in files where they are too many for memory."""
    return gathered(session.batches(selected.sql, selected.parameters, new_folder), new_folder)


def nothing_as(wanted: Wanted) -> Any:
    """No rows and no columns."""
    import polars as pl

    match wanted:
        case Wanted.POLARS:
            return pl.DataFrame()
        case Wanted.LAZY:
            return pl.LazyFrame()
        case Wanted.PANDAS:
            import pandas as pd

            return pd.DataFrame()
    import pyarrow as pa

    return pa.table({}) if wanted is Wanted.ARROW else pa.RecordBatchReader.from_batches(pa.schema([]), [])


def as_arrow_table(frame: pl.DataFrame) -> pa.Table:
    """A frame as a pyarrow Table."""
    import pyarrow as pa

    return pa.table(ArrowStream(frame))


def arrow_reader(rows: pl.DataFrame | SpilledRows, schema: pa.Schema | None = None) -> pa.RecordBatchReader:
    """Rows as a pyarrow reader, which holds a piece of them at a time.

    Args:
        schema: To cast them to; None for the one that polars gives them.
    """
    import pyarrow as pa

    if schema is None:
        schema = as_arrow_table(rows.lazy().head(0).collect()).schema

    def batches() -> Iterator[pa.RecordBatch]:
        pieces = (piece.collect() for piece in rows.frames()) if isinstance(rows, SpilledRows) else iter([rows])
        for piece in pieces:
            yield from as_arrow_table(piece).cast(schema).to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())
