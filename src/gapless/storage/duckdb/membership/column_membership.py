"""Which rows belong to which partitions, as SQL in the type of ``partition_expr``.

The test of what comes in and the condition of what is deleted or read are built from the same spans, so that a row
that was let in is always found again. Literals are only ever made of numbers and of dates that were computed here;
keys are bound parameters.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gapless.partitions.window import TimeWindow
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.condition import BoundsTable, Condition
from gapless.storage.duckdb.membership.doubt import Doubt
from gapless.storage.duckdb.membership.key_spelling import spelled_otherwise
from gapless.storage.duckdb.membership.kind import Kind, literal, timestamp
from gapless.storage.duckdb.membership.text_times import iso_before, iso_test, iso_values, joined_text
from gapless.storage.duckdb.membership.time_bounds import (
    AmbiguousHourError,
    TextSpan,
    UnsuitedTypeError,
    civil_span,
    clock_span,
    coalesced,
    date_span,
    digit_spans,
    instant_span,
    is_repeated,
    iso_says,
    text_span,
    upper_bounds,
)
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.errors import PartitionColumnTypeError
from gapless.storage.slices import PartitionColumn, PartitionSlice

__all__ = ["ColumnMembership"]

_DIGITS = (4, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class ColumnMembership:
    """How the rows of one table tell their partition.

    Attributes:
        value: SQL of the expression, already quoted if it is a column.
        type_name: Its type, as DuckDB writes it.
        timezone: The zone of civil values.
        naive_zone: That of timestamps without a zone, where it is another.
        asset, expression: For messages.
        suffix: What the names of its columns end with in a `BoundsTable`, so that several can be joined.
        session: Asked how the type spells keys.
    """

    value: str
    type_name: str
    timezone: str
    finer_than_day: bool
    asset: str
    expression: str
    suffix: str = ""
    naive_zone: str | None = None
    session: Session | None = field(default=None, compare=False, repr=False)
    # A slice's bounds are asked for three times: to refuse, to check and to delete. Slices outlive this value.
    _found: dict[tuple[str | None, int], Any] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        told_by: PartitionColumn,
        column: str | None,
        type_name: str,
        asset: str,
        suffix: str = "",
        session: Session | None = None,
    ) -> ColumnMembership:
        """Of an expression that is the name of `column`, or (None) any SQL."""
        expression, zone, finer = told_by.expression, told_by.timezone, told_by.finer_than_day
        # The line break ends a comment that the user's SQL may close with.
        value = f"({expression}\n)" if column is None else quoted(column)
        if type_name.startswith("ENUM"):
            value, type_name = f"CAST({value} AS VARCHAR)", "VARCHAR"
        return cls(value, type_name, zone, finer, asset, expression, suffix, told_by.naive_zone, session)

    @property
    def selected(self) -> str:
        """The value as a column to select, under the name that `BoundsTable.belongs` knows."""
        return f"{self.value} AS v{self.suffix}"

    @property
    def names(self) -> tuple[str, ...]:
        """What `selected` selects."""
        return (f"v{self.suffix}",)

    @property
    def shown(self) -> str:
        """The selected column as text, for an example."""
        return f"CAST(v{self.suffix} AS VARCHAR)"

    @property
    def kind(self) -> Kind:
        return Kind.of(self.type_name)

    def refuse_unsuited(self, slices: Iterable[PartitionSlice]) -> None:
        """Whether the type can tell these partitions.

        Raises:
            PartitionColumnTypeError: It cannot.
        """
        keys = []
        for part in slices:
            if part.window is not None:
                self._spans(part.key, part.window)
            elif part.key is not None:
                keys.append(part.key)
        if not keys or self.kind is Kind.TEXT or self.session is None:
            return
        # Keys that are one value of the type would replace each other's rows.
        twin = spelled_otherwise(self.session, self.type_name, self.timezone, keys)
        if twin is not None:
            key, shown = twin
            raise PartitionColumnTypeError(
                self.asset,
                (key,),
                self.expression,
                self.type_name,
                f"which cannot tell the key {key!r} from {shown!r}",
                f"Store the key as text (a VARCHAR column), or spell the partition's key {shown!r}",
            )

    def doubt(self, part: PartitionSlice) -> Doubt | None:
        """What stands against storing a slice in the hour that the clocks repeat; None of any other slice."""
        if part.window is None or self.kind not in (Kind.NAIVE, Kind.INTEGER, Kind.TEXT):
            return None
        try:
            civil_span(part.window, self._civil_zone, self.finer_than_day)
        except AmbiguousHourError as error:
            v, (low, high) = self.value, clock_span(part.window, self._civil_zone)
            rows = f"({v} >= {self._literal(low)} AND {v} < {self._literal(high)})"
            if self.kind is Kind.INTEGER:
                rows = f"({v} >= {low:%Y%m%d%H} AND {v} <= {high - timedelta(microseconds=1):%Y%m%d%H})"
            elif self.kind is Kind.TEXT:
                said = iso_values(v)[1]
                rows = f"({said} >= {timestamp(low)} AND {said} < {timestamp(high)})"
            return Doubt(self._unsuited(part.key, error), Condition(rows), self.kind is not Kind.TEXT)
        return None

    def where(self, slices: Sequence[PartitionSlice]) -> Condition:
        """True for the rows of `slices`, in as few ranges as possible, so that zone maps prune.

        Raises:
            PartitionColumnTypeError: The type cannot tell them.
        """
        if any(part.key is None for part in slices):
            return Condition("TRUE")
        timed = [part for part in slices if part.window is not None]
        pieces = [self._where_timed(timed)] if timed else []
        keys = [part.key for part in slices if part.window is None and part.key is not None]
        if keys:
            pieces.append(self._equals_one_of(keys))
        if not pieces:
            return Condition("FALSE")
        return Condition(
            "(" + " OR ".join(piece.sql for piece in pieces) + ")",
            tuple(value for piece in pieces for value in piece.parameters),
        )

    def table_of(self, places: Sequence[tuple[int, int, PartitionSlice]]) -> BoundsTable:
        """The slices as a table to join staged rows with.

        Args:
            places: Staged frame's number, the slice's number in it, and the slice.

        Raises:
            PartitionColumnTypeError: The type cannot tell them.
        """
        rows: list[tuple[Any, ...]]
        if places[0][2].window is None:
            k, v = f"k{self.suffix}", f"v{self.suffix}"
            types: dict[str, type] = {k: str}
            select = f"TRY_CAST({k} AS {self.type_name}) AS {k}"
            belongs: tuple[str, ...] = (f"{v} = {k}",)
            rows = [(frame, slot, part.key) for frame, slot, part in places]
        else:
            types, select, belongs = self._joined_timed()
            rows = [
                (frame, slot, *self._cells(part.key, part.window))
                for frame, slot, part in places
                if part.window is not None
            ]
        columns = dict(zip(("frame", "slot", *types), zip(*rows, strict=True), strict=True))
        return BoundsTable(columns, {"frame": int, "slot": int, **types}, f"frame, slot, {select}", belongs)

    def finders(self, places: Sequence[tuple[int, int, PartitionSlice]]) -> list[tuple[str, str, str | None]]:
        """How to look up the slice of a row in the table that `table_of` makes of these places.

        Returns:
            For each way, the best first: SQL of the row's value ``v``, and the names of the bounds that it lies
            between, the upper one exclusive; or of the one that it is equal to, and None.
        """
        s = self.suffix
        v = f"v{s}"
        if places[0][2].window is None:
            return [(v, f"k{s}", None)]
        if self.kind is Kind.TEXT:
            iso = [(value, f"{bound}l{s}", f"{bound}h{s}") for value, bound in zip(iso_values(v), "dci", strict=True)]
            return [(v, f"k{s}", None), *iso]
        if self.kind is Kind.INTEGER:
            return [(v, f"l{digits}{s}", f"h{digits}{s}") for digits in (8, 10, 6, 4)]
        return [(v, f"l{s}", f"h{s}")]

    def covers(self, slices: Sequence[PartitionSlice]) -> str:
        """What `slices` cover, in words."""
        windows = [part.window for part in slices if part.window is not None]
        if not windows:
            keys = [repr(part.key) for part in slices]
            return ", ".join(keys[:5]) + (f", … ({len(keys)} keys)" if len(keys) > 5 else "")
        first, last = windows[0], windows[-1]
        if self.kind is Kind.DATE and not self.finer_than_day:
            low, high = date_span(first, self.timezone, False)[0], date_span(last, self.timezone, False)[1]
            return f"{low} up to, but not including, {high}"
        zone = ZoneInfo(self._civil_zone)
        ends = [moment.astimezone(zone) for moment in (first.start, last.end)]
        # What the clocks show twice is told by its offset from UTC.
        repeated = any(map(is_repeated, ends))
        since, until = (end.isoformat(" ", "minutes") if repeated else f"{end:%Y-%m-%d %H:%M}" for end in ends)
        return f"{since} up to, but not including, {until} ({self._civil_zone})"

    def until(self, slices: Sequence[PartitionSlice]) -> Condition:
        """True for the rows of `slices` and of every partition before the last of them.

        Partitions without times have no order: of those, only the slices themselves. Text that is neither an ISO time
        nor a key comes before what it sorts before.

        Raises:
            PartitionColumnTypeError: The type cannot tell them.
        """
        timed = [(part.window.end, part.key, part.window) for part in slices if part.window is not None]
        if not timed or any(part.key is None for part in slices):
            return self.where(slices)
        _, key, window = max(timed)
        v, spans = self.value, self._spans(key, window)
        if spans is None:
            return Condition(f"({v} <= ?)", (key,))
        if self.kind is Kind.TEXT:
            day, civil, instant = upper_bounds(window, self.timezone)
            ends = (f"DATE '{day.isoformat()}'", timestamp(civil), f"make_timestamptz({instant})")
            return Condition(f"({iso_before(v, ends)})", (key,))
        if self.kind is Kind.INTEGER:
            # Numbers of as many digits; the others tell longer or shorter times.
            tests = [f"({v} >= {10 ** (digits - 1)} AND {v} < {high})" for digits, (_, high) in spans.items()]
            return Condition(f"({' OR '.join(tests)})")
        return Condition(f"({v} < {self._literal(spans[1])})")

    @property
    def _civil_zone(self) -> str:
        """The zone of this value, if it is a time without one."""
        return self.naive_zone or self.timezone if self.kind is Kind.NAIVE else self.timezone

    # --- one kind of type each

    def _spans(self, key: str | None, window: TimeWindow) -> Any:
        place = (key, id(window))
        if place not in self._found:
            self._found[place] = self._spans_of(key, window)
        return self._found[place]

    def _spans_of(self, key: str | None, window: TimeWindow) -> Any:
        try:
            match self.kind:
                case Kind.DATE:
                    return date_span(window, self.timezone, self.finer_than_day)
                case Kind.NAIVE:
                    return civil_span(window, self._civil_zone, self.finer_than_day)
                case Kind.INSTANT:
                    return instant_span(window)
                case Kind.INTEGER:
                    return digit_spans(window, self.timezone, self.finer_than_day)
                case Kind.TEXT:
                    span = text_span(window, self.timezone, self.finer_than_day)
                    # A key that reads as another time than its own (a format like %Y-%d-%m) is only a name.
                    return None if key is not None and iso_says(key, span) is False else span
                case Kind.OTHER:
                    raise UnsuitedTypeError(
                        "which says no time", "Use a column of DATE, TIMESTAMP, TIMESTAMPTZ, text or YYYYMMDD numbers"
                    )
        except UnsuitedTypeError as error:
            raise self._unsuited(key, error) from None

    def _unsuited(self, key: str | None, error: UnsuitedTypeError) -> PartitionColumnTypeError:
        fix = error.fix
        if isinstance(error, AmbiguousHourError) and self.kind is Kind.NAIVE:
            fix += '. If its values are UTC already, write metadata {"naive_timestamps": "UTC"}'
        elif isinstance(error, AmbiguousHourError) and self.kind is Kind.TEXT:
            fix = (
                f"Write every time with its offset from UTC, for example {error.start.isoformat()}, or"
                f" {fix[0].lower()}{fix[1:]}"
            )
        return PartitionColumnTypeError(self.asset, (key,), self.expression, self.type_name, error.reason, fix)

    def _literal(self, bound: Any) -> str:
        return literal(bound, self.kind, self.type_name)

    def _where_timed(self, slices: Sequence[PartitionSlice]) -> Condition:
        spans = [self._spans(part.key, part.window) for part in slices if part.window is not None]
        v = self.value
        if self.kind is Kind.TEXT:
            return self._where_text(slices, spans)
        if self.kind is Kind.INTEGER:
            ranges = [
                span for digits in _DIGITS for span in coalesced(found[digits] for found in spans if digits in found)
            ]
        else:
            ranges = coalesced(spans)
        tests = [f"{v} >= {self._literal(low)} AND {v} < {self._literal(high)}" for low, high in ranges]
        return Condition(" OR ".join(f"({test})" for test in tests))

    def _where_text(self, slices: Sequence[PartitionSlice], spans: Sequence[TextSpan | None]) -> Condition:
        v = self.value
        keys = [
            part.key
            for part, span in zip(slices, spans, strict=True)
            if part.key is not None and (span is None or not iso_says(part.key, span))
        ]
        tests = []
        for span in joined_text(span for span in spans if span is not None):
            low, high = span.letters()
            literals = (
                ("NULL", "NULL") if span.dates is None else tuple(f"DATE '{day.isoformat()}'" for day in span.dates),
                ("NULL", "NULL") if span.civil is None else tuple(map(timestamp, span.civil)),
                tuple(f"make_timestamptz({bound})" for bound in span.instants),
            )
            tests.append(f"({v} >= '{low}' AND {v} < '{high}' AND {iso_test(v, *literals)})")
        named = [self._equals_one_of(keys)] if keys else []
        return Condition(
            " OR ".join([*tests, *(piece.sql for piece in named)]),
            tuple(value for piece in named for value in piece.parameters),
        )

    def _equals_one_of(self, keys: Sequence[str]) -> Condition:
        typed = "?" if self.kind is Kind.TEXT else f"TRY_CAST(? AS {self.type_name})"
        return Condition(f"{self.value} IN ({', '.join([typed] * len(keys))})", tuple(keys))

    def _cells(self, key: str | None, window: TimeWindow) -> tuple[Any, ...]:
        spans = self._spans(key, window)
        if self.kind is Kind.INTEGER:
            return tuple(bound for digits in _DIGITS for bound in spans.get(digits, (None, None)))
        if self.kind is not Kind.TEXT:
            return (spans[0], spans[1])
        if spans is None:
            return (key, *[None] * 8)
        none = (None, None)
        return (key, *spans.letters(), *(spans.dates or none), *(spans.civil or none), *spans.instants)

    def _joined_timed(self) -> tuple[dict[str, type], str, tuple[str, ...]]:
        """The columns of bounds, how they are selected in the type of the value, and the tests."""
        s = self.suffix
        v, low, high = f"v{s}", f"l{s}", f"h{s}"
        match self.kind:
            case Kind.TEXT:
                kinds = {"k": str, "tl": str, "th": str, "dl": date, "dh": date, "cl": datetime, "ch": datetime}
                types: dict[str, type] = {f"{name}{s}": kind for name, kind in kinds.items()}
                instants = [f"make_timestamptz({end}{s}) AS {end}{s}" for end in ("il", "ih")]
                select = ", ".join([*types, *instants])
                types |= {f"il{s}": int, f"ih{s}": int}
                dates, civil, exact = ((f"{kind}l{s}", f"{kind}h{s}") for kind in "dci")
                iso = f"{v} >= tl{s} AND {v} < th{s} AND {iso_test(v, dates, civil, exact)}"
                return types, select, (f"{v} = k{s}", iso)
            case Kind.INTEGER:
                types = dict.fromkeys([f"{end}{digits}{s}" for digits in _DIGITS for end in "lh"], int)
                tests = tuple(f"{v} >= l{digits}{s} AND {v} < h{digits}{s}" for digits in (8, 10, 6, 4))
                return types, ", ".join(types), tests
            case Kind.INSTANT:
                ends = [f"CAST(make_timestamptz({end}) AS {self.type_name}) AS {end}" for end in (low, high)]
                return {low: int, high: int}, ", ".join(ends), (f"{v} >= {low} AND {v} < {high}",)
            case _:
                bound = date if self.kind is Kind.DATE else datetime
                ends = [f"CAST({end} AS {self.type_name}) AS {end}" for end in (low, high)]
                return {low: bound, high: bound}, ", ".join(ends), (f"{v} >= {low} AND {v} < {high}",)
