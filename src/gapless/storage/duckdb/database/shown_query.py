"""A person's query in a form that a frame, and Python, can hold: names each once, odd values as DuckDB writes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from gapless.storage.duckdb.table_name import quoted

if TYPE_CHECKING:
    import polars as pl

__all__ = ["beyond_python", "fit_to_show"]

# DuckDB's types that no frame has, alone or inside another; behind the name of a field comes its type.
_AS_TEXT = re.compile(r"\b(INTERVAL|UNION|BIT|VARIANT)(?! )\b")
_IN_QUOTES = re.compile(r"""'[^']*'|"[^"]*\"""")  # values of an ENUM, and names that are no plain words
# The first and the last day that Python knows, as days since 1970.
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_PER_DAY = {"ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}


def fit_to_show(sql: str, names: Sequence[str], types: Sequence[str], as_text: Collection[int] = ()) -> str:
    """`sql`, or a query around it that gives every column a name of its own, and text where there is no other way.

    Args:
        names, types: Of its columns, in order; types as DuckDB writes them.
        as_text: Places of further columns that are wanted as text.
    """
    odd = {place for place, kind in enumerate(types) if _AS_TEXT.search(_IN_QUOTES.sub("", kind))} | set(as_text)
    if not odd and len({name.casefold() for name in names}) == len(names):
        return sql
    taken: set[str] = set()
    pieces = []
    for place, name in enumerate(names):
        own, number = name, 0
        while own.casefold() in taken:
            number += 1
            own = f"{name}_{number}"
        taken.add(own.casefold())
        value = f"CAST(c{place} AS VARCHAR)" if place in odd else f"c{place}"
        pieces.append(f"{value} AS {quoted(own)}")
    inner = ", ".join(f"c{place}" for place in range(len(names)))
    return f"SELECT {', '.join(pieces)} FROM ({sql.strip().rstrip(';')}\n) AS q({inner})"


def beyond_python(frame: pl.DataFrame) -> list[int]:
    """The places of columns with a date that Python has not: infinity, or a year before 1 or after 9999."""
    import polars as pl

    found = []
    for place, (name, kind) in enumerate(frame.schema.items()):
        if kind == pl.Date:
            per_day = 1
        elif isinstance(kind, pl.Datetime):
            per_day = _PER_DAY[kind.time_unit]
        else:
            continue
        numbers = frame[name].to_physical()
        low, high = numbers.min(), numbers.max()
        if not isinstance(low, int) or not isinstance(high, int):
            continue  # no values
        if low // per_day <= _FIRST_DAY or high // per_day >= _LAST_DAY:
            found.append(place)
    return found
