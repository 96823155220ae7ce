"""ISO times in text, as SQL: dates alone, civil times, and times with their offset from UTC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gapless.storage.duckdb.membership.time_bounds import TextSpan

__all__ = ["iso_before", "iso_test", "iso_values", "joined_text"]

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = f"{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]+)?)?"
# An offset of a day or more would lead out of the letters that `TextSpan` prunes by.
_OFFSET = "([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-9]{2})?)"
_Ends = tuple[str, ...]


def _says(v: str) -> tuple[tuple[str, str], ...]:
    """SQL: whether the text `v` says a date, a civil time, an instant, never two of them; and the type that reads it.

    Everything here is made of this: DuckDB reads other spellings as well ('2024/01/05', blanks), and what is let in
    by one reading must be found again by another.
    """
    return (
        (f"regexp_full_match({v}, '{_DAY}')", "DATE"),
        (f"regexp_full_match({v}, '{_TIME}')", "TIMESTAMP"),
        (f"regexp_full_match({v}, '{_TIME}{_OFFSET}')", "TIMESTAMPTZ"),
    )


def iso_test(v: str, dates: _Ends, civil: _Ends, instants: _Ends) -> str:
    """SQL: whether the text `v` is an ISO time inside the bounds; NULL or false if not."""
    cases = (
        f"WHEN {says} THEN TRY_CAST({v} AS {kind}) >= {low} AND TRY_CAST({v} AS {kind}) < {high}"
        for (says, kind), (low, high) in zip(_says(v), (dates, civil, instants), strict=True)
    )
    return f"CASE {' '.join(cases)} ELSE FALSE END"


def iso_values(v: str) -> tuple[str, ...]:
    """SQL: the date, the civil time and the instant that the text `v` says; two of them NULL, or all."""
    return tuple(f"CASE WHEN {says} THEN TRY_CAST({v} AS {kind}) END" for says, kind in _says(v))


def iso_before(v: str, ends: tuple[str, str, str]) -> str:
    """SQL: whether the text `v` says a time before the ends, or sorts before the parameter; NULL or false if not."""
    cases = (
        f"WHEN {says} THEN TRY_CAST({v} AS {kind}) < {end}" for (says, kind), end in zip(_says(v), ends, strict=True)
    )
    return f"CASE {' '.join(cases)} ELSE {v} <= ? END"


def joined_text(spans: Iterable[TextSpan]) -> list[TextSpan]:
    """The same texts in fewer spans."""
    joined: list[TextSpan] = []
    for span in sorted(spans, key=lambda each: each.instants):
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.instants[1] == span.instants[0]
            and _continues(last.dates, span.dates)
            and _continues(last.civil, span.civil)
        ):
            joined[-1] = TextSpan(
                last.dates and span.dates and (last.dates[0], span.dates[1]),
                last.civil and span.civil and (last.civil[0], span.civil[1]),
                (last.instants[0], span.instants[1]),
            )
        else:
            joined.append(span)
    return joined


def _continues(one: tuple[Any, Any] | None, following: tuple[Any, Any] | None) -> bool:
    if one is None or following is None:
        return one is following
    return bool(one[1] == following[0])
