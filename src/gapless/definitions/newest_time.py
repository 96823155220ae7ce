"""The newest time in a column: of dates, of timestamps, or of text that says them as ISO 8601 does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

from gapless.definitions.check_evidence import by_place

if TYPE_CHECKING:
    import polars as pl

__all__ = ["NewestTime", "UnreadableTimes", "newest_time"]

_EXAMPLES = 5
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = f"{_DAY}[T ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}([.][0-9]+)?)?"
_OFFSET = "([Zz]|[+-][0-9]{2}(:?[0-9]{2})?)"


@dataclass(frozen=True, slots=True)
class NewestTime:
    """The newest value of each kind that there is: what is the newest of them, a zone has to tell.

    Attributes:
        values: Dates, and timestamps with and without a zone; empty if the column holds nulls alone.
    """

    values: tuple[date, ...]

    def in_zone(self, zone: tzinfo) -> tuple[date, datetime] | None:
        """The newest value and its instant in UTC, where `zone` is that of dates and of timestamps that have none."""
        return max(((value, _instant(value, zone)) for value in self.values), key=lambda each: each[1], default=None)


@dataclass(frozen=True, slots=True)
class UnreadableTimes:
    """Text that says no time.

    Attributes:
        rows: How many there are.
        examples: A few of them.
    """

    rows: int
    examples: Sequence[str]


def newest_time(rows: pl.LazyFrame, column: str, schema: pl.Schema) -> NewestTime | UnreadableTimes | None:
    """That of `column`, in one pass; None if it holds neither dates, nor timestamps, nor text.

    Args:
        schema: Of `rows`.
    """
    import polars as pl

    kind, placed = schema[column], by_place(rows, (column,), schema.names())
    if isinstance(kind, (pl.Date, pl.Datetime)):
        newest = placed.max().collect(engine="streaming").item()
        return NewestTime(() if newest is None else (newest,))
    if not isinstance(kind, (pl.String, pl.Categorical, pl.Enum)):
        return None
    text = pl.col("0").cast(pl.String)
    times = {"day": _days(text), "civil": _civil(text), "instant": _instants(text)}
    unreadable = text.is_not_null() & pl.all_horizontal(each.is_null() for each in times.values())
    found: dict[str, Any] = (
        placed.select(
            *(each.max().alias(name) for name, each in times.items()),
            unreadable.sum().alias("unreadable"),
            text.filter(unreadable).head(_EXAMPLES).implode().alias("examples"),
        )
        .collect(engine="streaming")
        .row(0, named=True)
    )
    if found["unreadable"]:
        return UnreadableTimes(found["unreadable"], found["examples"])
    return NewestTime(tuple(found[name] for name in times if found[name] is not None))


# --- text; what is not of the kind becomes null


def _of_form(text: pl.Expr, form: str) -> pl.Expr:
    import polars as pl

    return pl.when(text.str.contains(f"^{form}$")).then(text)


def _days(text: pl.Expr) -> pl.Expr:
    return _of_form(text, _DAY).str.to_date("%Y-%m-%d", strict=False)


def _civil(text: pl.Expr) -> pl.Expr:
    return _read(_of_form(text, _TIME), "")


def _instants(text: pl.Expr) -> pl.Expr:
    whole = _of_form(text, _TIME + _OFFSET).str.replace("[Zz]$", "+0000").str.replace("([+-][0-9]{2})$", "${1}00")
    return _read(whole, "%z")


def _read(text: pl.Expr, offset: str) -> pl.Expr:
    import polars as pl

    parts = text.str.replace(" ", "T", literal=True)
    forms = (f"%Y-%m-%dT%H:%M:%S%.f{offset}", f"%Y-%m-%dT%H:%M{offset}")
    return pl.coalesce(parts.str.to_datetime(form, strict=False, time_unit="us") for form in forms)


def _instant(value: date, zone: tzinfo) -> datetime:
    """The instant of a value, in UTC; of a civil time that comes twice, the later one, so that no alarm is false."""
    try:
        if not isinstance(value, datetime):
            value = datetime.combine(value + timedelta(days=1), time(), zone)
        elif value.tzinfo is None:
            value = value.replace(tzinfo=zone, fold=1)
        return value.astimezone(UTC)
    except OverflowError:  # 9999-12-31, which stands for "for ever", ends when there are no dates any more
        return (datetime.max if value.year > 1 else datetime.min).replace(tzinfo=UTC)
