"""Frames that come one after the other become one, or files where they are too many for memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gapless.storage.duckdb.errors import BatchError
from gapless.storage.duckdb.staging.frames import checked_schema
from gapless.storage.duckdb.staging.spilled import SpilledRows
from gapless.storage.named_columns import cast_named, named_columns
from gapless.storage.slices import OutputSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["MEMORY_BUDGET", "fitting", "gathered"]

MEMORY_BUDGET = 64 * 2**20  # bytes of one value that are held in memory; what is more goes to files of this size


def gathered(frames: Iterable[pl.DataFrame], new_folder: Callable[[], Path]) -> pl.DataFrame | SpilledRows:
    """`frames` as one; where they take more than `MEMORY_BUDGET`, in files.

    Args:
        frames: With the same columns in the same order; those of type Null in one may have a type in another.
        new_folder: Makes a folder for files, if there have to be any.

    Raises:
        StorageError: There is no room for the files.
    """
    held: list[pl.DataFrame] = []
    held_bytes = 0
    files: SpilledRows | None = None
    try:
        for frame in frames:
            held.append(frame)
            held_bytes += int(frame.estimated_size())
            if held_bytes > MEMORY_BUDGET:
                files = files or SpilledRows(new_folder())
                files.add(_joined(held))
                held, held_bytes = [], 0
        if files is None:
            return _joined(held)
        if held:
            files.add(_joined(held))
    except BaseException:
        if files is not None:
            files.remove()
        raise
    return files


def fitting(output: OutputSlices, batches: Iterable[tuple[int, pl.DataFrame]]) -> Iterator[pl.DataFrame]:
    """The frames of one value, with the columns of each in the order of the first.

    Args:
        batches: Each with the number that messages give it.

    Raises:
        StorageError: They cannot be stored; or one has other columns than those before, or another type where both have
            values.
    """
    import polars as pl

    schema: dict[str, pl.DataType] = {}
    for number, frame in batches:
        if not schema:
            checked_schema(output, frame.schema)  # before the rest is even made
            schema = dict(frame.schema)
        elif frame.schema != schema:
            problem = _misfit(schema, frame.schema)
            if problem is not None:
                keys = tuple(part.key for part in output.slices)
                raise BatchError(str(output.asset), keys, number, *problem)
            schema |= {name: kind for name, kind in frame.schema.items() if kind != pl.Null}
            checked_schema(output, schema)
        yield frame if frame.columns == list(schema) else frame.select(named_columns(list(schema)))
    if not schema:
        checked_schema(output, {})


def _misfit(known: dict[str, pl.DataType], found: pl.Schema) -> tuple[str, str] | None:
    """What is wrong with a batch of schema `found`, and what to do; None if nothing is."""
    import polars as pl

    missing = [name for name in known if name not in found]
    added = [name for name in found if name not in known]
    if missing or added:
        differs = " and ".join(
            f"{verb} {', '.join(map(repr, names[:5]))}{', …' if len(names) > 5 else ''}"
            for verb, names in (("lacks", missing), ("adds", added))
            if names
        )
        return f"has other columns than those before: it {differs}", "Give all batches the same columns"
    for name, kind in found.items():
        if kind not in (known[name], pl.Null) and known[name] != pl.Null:
            problem = f"has the column {name!r} as {kind}, those before have it as {known[name]}"
            return problem, "Cast it to one type in all batches"
    return None


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    import polars as pl

    if len(frames) < 2:
        return frames[0] if frames else pl.DataFrame()
    schema: dict[str, pl.DataType] = {}
    for frame in frames:
        schema |= {name: kind for name, kind in frame.schema.items() if kind != pl.Null or name not in schema}
    return pl.concat(
        cast_named(frame, {name: kind for name, kind in schema.items() if frame.schema[name] != kind})
        for frame in frames
    )
