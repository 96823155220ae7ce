"""Checks that most tables need: no nulls, no doubles, a usual number of rows, rows that are new enough.

They are evaluated lazily, in one pass over the staged rows, and tell how many rows offend and a few of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from statistics import median
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gapless.asset_key import CoercibleToAssetKey
from gapless.definitions.asset_checks import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
)
from gapless.definitions.check_evidence import (
    by_place,
    counted_rows,
    examples_of,
    listed_columns,
    unknown_column,
)
from gapless.definitions.dependency import Keyed, coerce_asset_key
from gapless.definitions.newest_time import UnreadableTimes, newest_time
from gapless.definitions.parameters import Annotations, parameters_of
from gapless.definitions.source_location import location_of_caller
from gapless.definitions.time_span import time_span
from gapless.errors import DefinitionError, InvocationError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["freshness", "not_null", "row_count", "unique"]

_EXAMPLES = 5  # rows that are shown as evidence
_SHOWN_COLUMNS = 6  # of each of them
_LONGEST_NAME = 60  # characters of a name that is put together from columns
_LEAST_NEIGHBOURS = 3  # of fewer, the median says little


def not_null(
    asset: CoercibleToAssetKey | Keyed,
    columns: str | Sequence[str],
    *,
    name: str | None = None,
    blocking: bool = True,
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
) -> AssetChecksDefinition:
    """Check that no row has a null in any of `columns`. NaN is not null.

    Raises:
        DefinitionError: An argument is not what it is for.
    """
    wanted = _columns(columns, "not_null")

    def check(rows: pl.LazyFrame) -> AssetCheckResult:
        import polars as pl

        names = rows.collect_schema().names()
        if unknown := unknown_column(wanted, names, severity):
            return unknown
        others = [each for each in names if each not in wanted]
        looked_at = [*wanted, *others[: max(0, _SHOWN_COLUMNS - len(wanted))]]
        shown = list(map(str, range(min(len(looked_at), _SHOWN_COLUMNS))))
        checked = list(map(str, range(len(wanted))))
        is_null = pl.any_horizontal(pl.col(place).is_null() for place in checked)
        found = by_place(rows, looked_at, names).select(
            is_null.sum().alias("offending"),
            pl.struct(pl.col(place).null_count() for place in checked).alias("nulls"),
            pl.struct(shown).filter(is_null).head(_EXAMPLES).implode().alias("examples"),
        )
        offending, nulls, examples = found.collect(engine="streaming").row(0)
        by_column = {column: count for column, count in zip(wanted, nulls.values(), strict=True) if count}
        return AssetCheckResult(
            passed=not offending,
            severity=severity,
            description=f"{counted_rows(offending)} with null in {listed_columns(by_column)}" if offending else None,
            metadata={
                "columns": list(wanted),
                "offending_rows": offending,
                "nulls": by_column,
                "examples": examples_of(examples, looked_at[: len(shown)]),
            },
        )

    return _built_in("not_null", asset, wanted, name, blocking, check)


def unique(
    asset: CoercibleToAssetKey | Keyed,
    columns: str | Sequence[str],
    *,
    name: str | None = None,
    blocking: bool = True,
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
) -> AssetChecksDefinition:
    """Check that no two rows of a partition have the same values in all of `columns`.

    A row with a null in one of them is not compared, as in SQL: see `not_null`.

    Raises:
        DefinitionError: An argument is not what it is for.
    """
    wanted = _columns(columns, "unique")

    def check(rows: pl.LazyFrame) -> AssetCheckResult:
        import polars as pl

        names = rows.collect_schema().names()
        if unknown := unknown_column(wanted, names, severity):
            return unknown
        places = list(map(str, range(len(wanted))))
        doubled = (
            by_place(rows, wanted, names)
            .drop_nulls()
            .with_row_index("first")
            .group_by(places)
            .agg(pl.len().alias("times"), pl.col("first").min())
            .filter(pl.col("times") > 1)
        )
        most_frequent = pl.struct(*places, "times").sort_by("times", "first", descending=[True, False])
        found = doubled.select(
            pl.len().alias("values"),
            pl.col("times").sum().alias("rows"),
            most_frequent.head(_EXAMPLES).implode().alias("examples"),
        )
        values, offending, examples = found.collect(engine="streaming").row(0)
        share = "it" if values == 1 else "one of them"
        return AssetCheckResult(
            passed=not values,
            severity=severity,
            description=(
                f"{values:,} value{'' if values == 1 else 's'} of {listed_columns(wanted)} more than once;"
                f" {counted_rows(offending)} have {share}"
                if values
                else None
            ),
            metadata={
                "columns": list(wanted),
                "offending_rows": offending,
                "offending_values": values,
                "examples": examples_of(examples, (*wanted, "times")),
            },
        )

    return _built_in("unique", asset, wanted, name, blocking, check)


def row_count(
    asset: CoercibleToAssetKey | Keyed,
    *,
    at_least: int | None = None,
    at_most: int | None = None,
    min_ratio: float | None = None,
    max_ratio: float | None = None,
    neighbours: int = 7,
    name: str | None = None,
    blocking: bool = True,
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
) -> AssetChecksDefinition:
    """Check the number of rows of a partition, by itself or beside the partitions around it.

    Args:
        at_least: The fewest rows that pass.
        at_most: The most rows that pass.
        min_ratio: The fewest rows that pass, as a share of the median of the neighbouring partitions.
        max_ratio: The most rows that pass, likewise: 3.0 for three times the usual.
        neighbours: How many of the nearest materialized partitions are looked at, before and after each. While fewer
            than three are there, or their median is 0, the ratios pass, and the result says so.

    Raises:
        DefinitionError: There is no bound, or none that fits.
    """
    ratios = min_ratio is not None or max_ratio is not None
    _check_bounds(at_least, at_most, "at_least", "at_most")
    _check_bounds(min_ratio, max_ratio, "min_ratio", "max_ratio")
    if not ratios and at_least is None and at_most is None:
        raise _wrong("row_count", "no bound", "Give at_least, at_most, min_ratio or max_ratio.")
    if not isinstance(neighbours, int) or neighbours < 1:
        raise _wrong("row_count", f"neighbours={neighbours!r}", "Look at one partition or more.")

    def judged(rows: pl.LazyFrame, counts: Mapping[str, int] | None) -> AssetCheckResult:
        import polars as pl

        count: int = rows.lazy().select(pl.len()).collect(engine="streaming").item()
        wrong = _outside(count, at_least, at_most)
        facts: dict[str, Any] = {"rows": count}
        note = None
        if counts is not None:
            usual = median(counts.values()) if counts else 0
            facts |= {"neighbours": dict(counts), "median": usual}
            if len(counts) < min(_LEAST_NEIGHBOURS, neighbours) or not usual:
                note = (
                    f"{counted_rows(count)}; not compared, as the neighbouring partitions have none"
                    if len(counts) >= min(_LEAST_NEIGHBOURS, neighbours)
                    else f"{counted_rows(count)}; not compared, as only {len(counts)} neighbouring partitions are made"
                )
            else:
                fewest, most = min(counts.values()), max(counts.values())
                span = f"{fewest:,} to {most:,}, the median is {usual:,.10g}" if fewest < most else f"{most:,} each"
                beside = f"{len(counts)} neighbouring partitions have {span}"
                low = None if min_ratio is None else min_ratio * usual
                high = None if max_ratio is None else max_ratio * usual
                wrong = wrong or _outside(count, low, high, f" ({beside})")
        return AssetCheckResult(
            passed=wrong is None,
            severity=severity,
            description=wrong or note,
            metadata=facts,
        )

    def beside_others(context: Any, rows: pl.LazyFrame) -> AssetCheckResult:
        return judged(rows, context.row_counts(neighbours))

    def alone(rows: pl.LazyFrame) -> AssetCheckResult:
        return judged(rows, None)

    return _built_in("row_count", asset, (), name, blocking, beside_others if ratios else alone)


def freshness(
    asset: CoercibleToAssetKey | Keyed,
    column: str,
    *,
    within: str,
    name: str | None = None,
    blocking: bool = True,
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
) -> AssetChecksDefinition:
    """Check that the newest value of `column` is not long before the end of its partition.

    It is compared with the end of the partition's window, or with now if that is earlier or the partitions are not
    times. A date counts as its end; a timestamp without a zone is civil time of the partitions definition, unless the
    asset has ``metadata={"naive_timestamps": "UTC"}``.

    Args:
        column: Dates or timestamps, or text that says them as ISO 8601 does: ``2024-01-05``, ``2024-01-05T10:30``,
            ``2024-01-05 10:30:00.5+01:00``. A text that does not is named, and the check does not pass.
        within: How long before at most: ``"2h"``, ``"30min"``, ``"1d"``.

    Raises:
        DefinitionError: An argument is not what it is for.
    """
    wanted = _columns(column, "freshness")
    where = location_of_caller()
    longest = time_span(within, "checks.freshness()", "within", None if where is None else str(where))

    def check(context: Any, rows: pl.LazyFrame) -> AssetCheckResult:
        schema = rows.collect_schema()
        if unknown := unknown_column(wanted, schema.names(), severity):
            return unknown
        newest = newest_time(rows, column, schema)
        reference, words, zone = _reference(context)
        facts: dict[str, Any] = {"columns": [column], "compared_with": reference.isoformat(), "within": within}

        def not_passed(reason: str, **more: Any) -> AssetCheckResult:
            return AssetCheckResult(passed=False, severity=severity, description=reason, metadata={**facts, **more})

        if newest is None:
            return not_passed(f"column {column!r} is {schema[column]}; expected dates, timestamps, or ISO text of them")
        if isinstance(newest, UnreadableTimes):
            return not_passed(
                f"{counted_rows(newest.rows)} with no ISO date or timestamp in {column!r}, such as"
                f" {newest.examples[0]!r}; expected for example 2024-01-05 or 2024-01-05T10:30",
                offending_rows=newest.rows,
                examples=examples_of(({column: text} for text in newest.examples), (column,)),
            )
        found = newest.in_zone(zone)
        if found is None:
            return not_passed(f"there is no value in {column!r}")
        value, instant = found
        age = reference.astimezone(UTC) - instant
        return AssetCheckResult(
            passed=age <= longest,
            severity=severity,
            description=(
                f"the newest {column!r} is {value}, {age} before {words}; at most {longest} are allowed"
                if age > longest
                else None
            ),
            metadata={**facts, "newest": value.isoformat()},
        )

    return _built_in("freshness", asset, wanted, name, blocking, check)


# --- declaring


def _built_in(
    kind: str,
    asset: CoercibleToAssetKey | Keyed,
    columns: Sequence[str],
    name: str | None,
    blocking: bool,
    check: Callable[..., AssetCheckResult],
) -> AssetChecksDefinition:
    location = location_of_caller()
    where = None if location is None else str(location)
    spec = AssetCheckSpec(
        _default_name(kind, columns) if name is None else name,
        asset=coerce_asset_key(asset),
        description=f"{kind} of {listed_columns(columns)}" if columns else kind,
        blocking=blocking,
    )
    parameters = parameters_of(check, Annotations.of(check, {}), frozenset(), f"check {spec.name!r}", where)
    return AssetChecksDefinition(spec, check, parameters, parameters.inputs[0], location=location)


def _default_name(kind: str, columns: Sequence[str]) -> str:
    name = "_".join((kind, *("".join(c if c.isalnum() or c in "_-." else "_" for c in each) for each in columns)))
    if len(name) <= _LONGEST_NAME:
        return name
    more = f"_and_{len(columns) - 1}_more" if len(columns) > 1 else ""
    return f"{_default_name(kind, columns[:1])[: _LONGEST_NAME - len(more)]}{more}" if more else name[:_LONGEST_NAME]


def _columns(columns: Any, kind: str) -> tuple[str, ...]:
    given = (columns,) if isinstance(columns, str) else tuple(columns) if isinstance(columns, Iterable) else ()
    if not given or not all(isinstance(each, str) and each for each in given) or len(set(given)) < len(given):
        raise _wrong(kind, f"the columns {columns!r}", 'Name one, "id", or several, ["id", "date"], each once.')
    return given


def _check_bounds(least: float | None, most: float | None, least_name: str, most_name: str) -> None:
    for argument, bound in ((least_name, least), (most_name, most)):
        is_number = isinstance(bound, (int, float)) and not isinstance(bound, bool) and math.isfinite(bound)
        if bound is not None and not (is_number and bound >= 0):
            raise _wrong("row_count", f"{argument}={bound!r}", "Give a number, 0 or more.")
    if least is not None and most is not None and least > most:
        raise _wrong("row_count", f"{least_name}={least} above {most_name}={most}", "Nothing could pass.")


def _wrong(kind: str, what: str, fix: str) -> DefinitionError:
    where = location_of_caller()
    return DefinitionError(f"checks.{kind}() got {what}", fix, None if where is None else str(where))


# --- looking


def _outside(count: int, least: float | None, most: float | None, beside: str = "") -> str | None:
    if least is not None and count < least:
        return f"{counted_rows(count)}, expected at least {math.ceil(least):,}{beside}"
    if most is not None and count > most:
        return f"{counted_rows(count)}, expected at most {math.floor(most):,}{beside}"
    return None


def _reference(context: Any) -> tuple[datetime, str, tzinfo]:
    """When the rows should reach up to, that in words, and the zone of timestamps that have none."""
    naive = None if context.naive_zone is None else ZoneInfo(context.naive_zone)
    if context.has_partition_key:
        with suppress(InvocationError):  # its partitions are not times
            end = context.partition_time_window.end
            is_over = end <= context.now
            zone = naive or end.tzinfo or UTC
            return (end, "the end of the partition", zone) if is_over else (context.now, "now", zone)
    return context.now, "now", naive or UTC
