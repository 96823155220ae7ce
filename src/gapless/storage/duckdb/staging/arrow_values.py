"""Values that give an Arrow stream on their way into a DuckDB table: looked at first, since polars panics over some.

What they say of their types is asked of the values themselves: pyarrow is not needed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.exact_integers import exactly
from gapless.storage.duckdb.database.messages import one_line
from gapless.storage.duckdb.database.streams import batches_of_stream
from gapless.storage.duckdb.errors import UnreadableValueError
from gapless.storage.duckdb.staging.column_types import NULL_TYPE, refuse_column_types
from gapless.storage.duckdb.staging.frames import refuse_column_names
from gapless.storage.errors import ColumnTypeError
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["batches_of_arrow", "is_of_pyarrow"]

_FIXED_OFFSET = re.compile(r"timestamp\[\w+, tz=[+-]\d\d:\d\d\]")
_FIXES = {
    "decimal256": "Cast it to decimal128, of 38 digits at most, or to text",
    "dense_union": "Store one column for each of its members",
    "sparse_union": "Store one column for each of its members",
    "month_day_nano_interval": "Store a number, for example of days",
    "timestamp": 'Cast it to the same instants in UTC, pyarrow.timestamp("us", "UTC")',
    "run_end_encoded": "Decode it: pyarrow.compute.run_end_decode(…)",
    "list_view": "Cast it to a list",
    "large_list_view": "Cast it to a list",
}
_OVER_TYPES = ("PanicException", "InvalidOperationError", "SchemaError")


def batches_of_arrow(output: OutputSlices, value: Any, new_folder: Callable[[], Path]) -> Iterator[pl.DataFrame]:
    """The rows of an object with ``__arrow_c_stream__`` or ``__arrow_c_array__``; at least one batch.

    Instants with a fixed offset become those of UTC, DuckDB's integers of 128 bits decimals of 38 digits.

    Raises:
        StorageError: They cannot be stored.
    """
    import duckdb
    import polars as pl

    is_relation = isinstance(value, duckdb.DuckDBPyRelation)
    try:
        source = _of_relation(output, value) if is_relation else _of_known_types(output, value)
        if hasattr(source, "__arrow_c_stream__"):
            yield from batches_of_stream(source, new_folder)
        else:
            yield pl.DataFrame(source)
    except BaseException as error:
        # polars panics, below Exception, over Arrow types that it does not know. What DuckDB says, it passes on.
        said_by_duckdb = is_relation and (isinstance(error, duckdb.Error) or type(error).__name__ == "ComputeError")
        if not said_by_duckdb and type(error).__name__ not in _OVER_TYPES:
            raise
        reason = one_line(str(error).removeprefix("got external error: "))
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        failure = UnreadableValueError(str(output.asset), _keys(output), kind, reason)
    else:
        return
    # Raised outside: DuckDB's exception, kept alive as a context, would keep its whole connection alive.
    raise failure


def _of_relation(output: OutputSlices, relation: Any) -> Any:
    refuse_column_names(output, relation.columns)
    types = {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
    refuse_column_types(output, {name: kind for name, kind in types.items() if kind != NULL_TYPE})
    return exactly(relation)


def _of_known_types(output: OutputSlices, value: Any) -> Any:
    """`value`, if it is pyarrow's with no types but those that polars knows; what is not pyarrow's as it is."""
    if not is_of_pyarrow(value):
        return value
    schema = value.schema
    refuse_column_names(output, schema.names)
    types = list(schema.types)
    moved = [place for place, kind in enumerate(types) if _FIXED_OFFSET.fullmatch(str(kind))]
    for place, (name, kind) in enumerate(zip(schema.names, types, strict=True)):
        if place not in moved and (unknown := _unknown(kind)) is not None:
            raise ColumnTypeError(str(output.asset), _keys(output), name, str(kind), _FIXES[unknown])
    if not moved:
        return value
    import pyarrow as pa

    for place in moved:
        schema = schema.set(place, schema.field(place).with_type(pa.timestamp(types[place].unit, "UTC")))
    return value.cast(schema)


def is_of_pyarrow(value: Any) -> bool:
    """Whether `value` is pyarrow's. Imports nothing."""
    return type(value).__module__.partition(".")[0] == "pyarrow"


def _unknown(kind: Any) -> str | None:
    """Which of `_FIXES` helps with pyarrow's type, or with one inside it; None if there is nothing to fix."""
    name = re.split(r"[\[(<]", str(kind))[0]
    if name in _FIXES and (name != "timestamp" or _FIXED_OFFSET.fullmatch(str(kind))):
        return name
    parts = [kind.field(place).type for place in range(kind.num_fields)]
    parts += [inner for inner in (getattr(kind, part, None) for part in ("value_type", "storage_type")) if inner]
    return next((found for part in parts if (found := _unknown(part)) is not None), None)


def _keys(output: OutputSlices) -> tuple[str | None, ...]:
    return tuple(part.key for part in output.slices)
