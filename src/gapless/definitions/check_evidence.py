"""What a check shows of the rows that do not pass: how many, and a few of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gapless.definitions.asset_checks import AssetCheckResult, AssetCheckSeverity
from gapless.errors import closest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["by_place", "counted_rows", "examples_of", "listed_columns", "unknown_column"]

_MOST_LISTED = 6  # columns that a sentence names
_LONGEST_VALUE = 200  # characters of a value that is shown


def by_place(rows: pl.LazyFrame, columns: Sequence[str], names: Sequence[str]) -> pl.LazyFrame:
    """`columns` of `rows`, called ``"0"``, ``"1"``, …: a name may look like a pattern, or like one of our own."""
    import polars as pl

    chosen = (pl.nth(names.index(column)).alias(str(place)) for place, column in enumerate(columns))
    return rows.lazy().select(chosen)  # a test may pass a frame in memory


def unknown_column(
    columns: Iterable[str], names: Sequence[str], severity: AssetCheckSeverity
) -> AssetCheckResult | None:
    """That a check of `columns` did not pass, because they are not all there; None if they are."""
    unknown = next((column for column in columns if column not in names), None)
    if unknown is None:
        return None
    near = closest(unknown, names, 1)
    meant = f"; did you mean {near[0]!r}?" if near else ""
    return AssetCheckResult(
        passed=False,
        severity=severity,
        description=f"there is no column {unknown!r}{meant}",
        metadata={"columns": list(columns)},
    )


def counted_rows(count: int) -> str:
    """``3 rows``, ``1 row``."""
    return f"{count:,} row{'' if count == 1 else 's'}"


def listed_columns(columns: Iterable[str]) -> str:
    """Their names for a sentence; of many, the first."""
    names = list(map(repr, columns))
    return ", ".join(names[:_MOST_LISTED]) + (f" and {len(names) - _MOST_LISTED} more" if names[_MOST_LISTED:] else "")


def examples_of(examples: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows as evidence keeps them, the values in the order of `columns`."""
    return [dict(zip(columns, map(_shown, example.values()), strict=True)) for example in examples]


def _shown(value: Any) -> Any:
    """`value` as evidence keeps it."""
    if value is None or isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
