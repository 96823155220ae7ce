"""ISO times in text, as SQL: dates alone, civil times, and times with their offset from UTC."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gapless.storage.duckdb.time_bounds import TextSpan

__all__ = ["iso_before", "iso_test", "iso_values", "joined_text"]

_OFFSET = r"'[T ][0-9:.]+([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)'"
_NAIVE = r"'[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?'"
_Ends = tuple[str, ...]


def iso_test(v: str, dates: _Ends, civil: _Ends, instants: _Ends) -> str:
    """SQL: whether the text `v` is an ISO time inside the bounds; NULL or false if not."""
    day, time, instant = (
        f"TRY_CAST({v} AS {kind}) >= {low} AND TRY_CAST({v} AS {kind}) < {high}"
        for kind, (low, high) in (("DATE", dates), ("TIMESTAMP", civil), ("TIMESTAMPTZ", instants))
    )
    return (
        f"CASE WHEN {v} LIKE '____-__-__' THEN {day}"
        f" WHEN {v} LIKE '____-__-_____:__:__' OR regexp_full_match({v}, {_NAIVE}) THEN {time}"
        f" WHEN regexp_full_match(substr({v}, 11), {_OFFSET}) THEN {instant} ELSE FALSE END"
    )


def iso_values(v: str) -> tuple[str, str, str]:
    """SQL: the date, the civil time and the instant that the text `v` says; two of them NULL, or all."""
    says_date = f"{v} LIKE '____-__-__'"
    says_civil = f"regexp_full_match({v}, {_NAIVE})"
    says_instant = f"regexp_full_match(substr({v}, 11), {_OFFSET})"
    return (
        f"CASE WHEN {says_date} THEN TRY_CAST({v} AS DATE) END",
        f"CASE WHEN {says_civil} THEN TRY_CAST({v} AS TIMESTAMP) END",
        f"CASE WHEN {says_instant} THEN TRY_CAST({v} AS TIMESTAMPTZ) END",
    )


def iso_before(v: str, ends: tuple[str, str, str]) -> str:
    """SQL: whether the text `v` says a time before the ends, or sorts before the parameter; NULL or false if not."""
    day, civil, instant = (
        f"TRY_CAST({v} AS {kind}) < {end}" for kind, end in zip(("DATE", "TIMESTAMP", "TIMESTAMPTZ"), ends, strict=True)
    )
    return (
        f"CASE WHEN {v} LIKE '____-__-__' THEN {day}"
        f" WHEN regexp_full_match({v}, {_NAIVE}) THEN {civil}"
        f" WHEN regexp_full_match(substr({v}, 11), {_OFFSET}) THEN {instant} ELSE {v} <= ? END"
    )


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
