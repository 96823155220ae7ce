"""pandas frames on their way into a DuckDB table, by DuckDB's own reading of them: pyarrow is not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.database.messages import one_line
from gapless.storage.duckdb.errors import MixedColumnError, UnreadableValueError
from gapless.storage.duckdb.staging.column_types import NULL_TYPE, refuse_column_types
from gapless.storage.duckdb.staging.frames import refuse_column_names
from gapless.storage.errors import ColumnNamesError, DatabaseFailure
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["batches_of_pandas", "is_pandas_frame", "is_pandas_series"]


def is_pandas_frame(value: Any) -> bool:
    """Whether `value` is a pandas DataFrame, or of a class derived from it. Imports nothing."""
    return _is_of_pandas(value, "DataFrame")


def is_pandas_series(value: Any) -> bool:
    """Whether `value` is a pandas Series, or of a class derived from it. Imports nothing."""
    return _is_of_pandas(value, "Series")


def _is_of_pandas(value: Any, name: str) -> bool:
    return any(kind.__name__ == name and kind.__module__.partition(".")[0] == "pandas" for kind in type(value).__mro__)


def batches_of_pandas(output: OutputSlices, frame: Any, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame]:
    """The rows of a pandas DataFrame; missing values, NaN among them, are null.

    The levels of its index that have a name become the first columns, but where a column has that name and the same
    values already; a level without one, as pandas makes by itself, is left out.

    Raises:
        StorageError: The frame cannot be stored.
    """
    asset, keys = str(output.asset), tuple(part.key for part in output.slices)
    levels = _new_levels(asset, keys, frame)
    if levels:
        frame = frame.reset_index(level=levels)
    for name in frame.columns:
        if not isinstance(name, str):
            raise ColumnNamesError(
                asset, keys, f"a column is called {name!r}, which is no text", "Rename it: .rename(columns=str)"
            )
    refuse_column_names(output, list(frame.columns))  # DuckDB would rename what it cannot tell apart
    frame = _with_plain_objects(asset, keys, frame)
    import duckdb

    with scratch_session() as session:
        try:
            with session.registered("gapless_pandas", frame) as source:
                described = session.execute(f"DESCRIBE SELECT * FROM {source}")
                refuse_column_types(output, {row[0]: row[1] for row in described if row[1] != NULL_TYPE})
                yield from session.batches(f"SELECT * FROM {source}", (), new_folder)
        except (DatabaseFailure, duckdb.Error) as error:
            reason = error.reason if isinstance(error, DatabaseFailure) else one_line(str(error))
            failure = UnreadableValueError(asset, keys, "pandas.DataFrame", reason)
        else:
            return
    raise failure


def _new_levels(asset: str, keys: tuple[str | None, ...], frame: Any) -> list[int]:
    """The named levels of the index that are no column yet."""
    new = []
    for level, name in enumerate(frame.index.names):
        if name is None:
            continue
        fix = "Rename it: .rename_axis(…), or drop it: .reset_index(drop=True)"
        if list(frame.index.names).count(name) > 1:
            raise ColumnNamesError(asset, keys, f"two levels of the index are called {name!r}", fix)
        if name not in frame.columns:
            new.append(level)
            continue
        is_once = frame.columns.tolist().count(name) == 1  # more are refused with the columns
        if is_once and not frame.index.get_level_values(level).equals(frame.set_index(name).index):
            reason = f"the index and a column are both called {name!r}, and their values differ"
            raise ColumnNamesError(asset, keys, reason, fix)
    return new


def _with_plain_objects(asset: str, keys: tuple[str | None, ...], frame: Any) -> Any:
    """`frame` with Python's own numbers for numpy's in columns of objects: DuckDB would make text of those.

    Raises:
        MixedColumnError: A column has objects of several kinds, of which it would make text, too.
    """
    import numpy as np

    plain = {}
    for name, dtype in frame.dtypes.items():
        if dtype.kind != "O" or dtype.name != "object":
            continue
        values = frame[name].dropna()
        kinds = {kind: _kind(kind) for kind in set(map(type, values))}
        if len(set(kinds.values())) > 1:
            examples: dict[object, Any] = {}
            for value in values:
                examples.setdefault(kinds[type(value)], value)
            first, second = map(_shown, list(examples.values())[:2])
            raise MixedColumnError(asset, keys, name, first, second)
        if any(issubclass(kind, (np.number, np.bool_)) for kind in kinds):
            column = frame[name]
            plain[name] = type(column)(map(_plain, column), index=column.index, dtype=object)
    return frame.assign(**plain) if plain else frame


def _kind(kind: type) -> object:
    """Equal for the types that DuckDB makes one type of."""
    import numpy as np

    if issubclass(kind, (bool, np.bool_)):
        return bool
    if issubclass(kind, (Number, np.number)) and not issubclass(kind, np.timedelta64):
        return Number
    together = (str, (bytes, bytearray, memoryview), date, Mapping, (list, tuple, np.ndarray))
    return next((same for same in together if issubclass(kind, same)), kind)


def _plain(value: Any) -> Any:
    import numpy as np

    is_plain = isinstance(value, np.timedelta64) or not isinstance(value, (np.number, np.bool_))
    return value if is_plain else value.item()


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
