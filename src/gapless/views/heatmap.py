"""Where each partition stands in a picture of its asset: a calendar for time partitions, names or a matrix for others.

Only layout: rows of cells with labels. How a cell looks is up to whoever draws it. A calendar of more rows than fit
folds stretches of rows that are all in one state into one, so that years of history and its few gaps are seen together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from math import prod
from typing import Any

from gapless.partitions import (
    MultiPartitionsDefinition,
    PartitionsDefinition,
    ProductSet,
    TimeWindowPartitionsDefinition,
)
from gapless.views.cells import Cell, PartitionStates, merged

__all__ = ["HeatMap", "HeatRow", "heat_map"]

_MOST_NAMES = 60  # beyond that, keys are a matrix
_MATRIX_COLUMNS = 50
_MATRIX_ROWS = 20
_PRODUCT_COLUMNS = 60
_PRODUCT_ROWS = 40
_FOLDED_ROWS = 3  # fewer are not worth folding
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One row.

    Attributes:
        label: What all its partitions have in common: a month, a day, a year; for a matrix its first key.
        cells: One for each column.
        materialized, total: Of the partitions in this row.
        folded: Several rows in one, all of whose partitions are in this state; then there are no cells.
    """

    label: str
    cells: tuple[Cell, ...]
    materialized: int
    total: int
    folded: Cell | None = None


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A picture of one asset's partitions.

    Attributes:
        kind: ``hours`` (a row is a day), ``days`` (a month), ``weeks`` and ``months`` (a year), ``years`` (a decade),
            ``names`` (one key), ``matrix`` (keys in order, wrapped) or ``product`` (a row is a key of every dimension
            but one, whose keys are the columns).
        columns: The head of each column; empty for none.
        first_key, last_key: What is shown, both inclusive; None if nothing is.
        shown: How many partitions that is.
        hidden: How many are not: earlier ones of time partitions, later ones of others; of a product, those of the
            columns that do not fit.
    """

    kind: str
    columns: tuple[str, ...]
    rows: tuple[HeatRow, ...]
    first_key: str | None
    last_key: str | None
    shown: int
    hidden: int

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "columns": list(self.columns),
            "rows": [
                {
                    "label": row.label,
                    "cells": [cell.value for cell in row.cells],
                    "materialized": row.materialized,
                    "total": row.total,
                    "folded": row.folded.value if row.folded else None,
                }
                for row in self.rows
            ],
            "first_key": self.first_key,
            "last_key": self.last_key,
            "hidden": self.hidden,
        }


@dataclass(frozen=True, slots=True)
class _Calendar:
    """How windows are laid out.

    Attributes:
        below: Windows shorter than this are laid out so.
        row: A window's start to its row's number.
        label: A window's start to its row's label.
        column: A window's start to its column, from 0.
        most_rows: So many are shown: all if they fit, else the newest, with stretches folded.
    """

    kind: str
    below: timedelta
    row: Callable[[datetime], int]
    label: Callable[[datetime], str]
    column: Callable[[datetime], int]
    columns: tuple[str, ...]
    most_rows: int


def _numbered(first: int, count: int, every: int) -> tuple[str, ...]:
    return tuple(str(n) if n == first or n % every == 0 else "" for n in range(first, first + count))


def _week_columns() -> tuple[str, ...]:
    heads = [""] * 53
    for month, name in enumerate(_MONTHS, 1):
        heads[_week(datetime(2023, month, 1))] = name
    return tuple(heads)


def _week(start: datetime) -> int:
    return (start.timetuple().tm_yday - 1) // 7  # two windows a week apart never share a column


_CALENDARS = (
    _Calendar(
        "hours",
        timedelta(hours=20),
        lambda s: s.toordinal(),
        lambda s: f"{s:%Y-%m-%d}",
        lambda s: s.hour,
        _numbered(0, 24, 3),
        14,
    ),
    _Calendar(
        "days",
        timedelta(days=6),
        lambda s: s.year * 12 + s.month,
        lambda s: f"{s:%Y-%m}",
        lambda s: s.day - 1,
        _numbered(1, 31, 5),
        14,
    ),
    _Calendar("weeks", timedelta(days=27), lambda s: s.year, lambda s: f"{s:%Y}", _week, _week_columns(), 14),
    _Calendar("months", timedelta(days=300), lambda s: s.year, lambda s: f"{s:%Y}", lambda s: s.month - 1, _MONTHS, 14),
    _Calendar(
        "years",
        timedelta.max,
        lambda s: s.year // 10,
        lambda s: f"{s.year // 10 * 10}s",
        lambda s: s.year % 10,
        tuple("0123456789"),
        14,
    ),
)


def heat_map(definition: PartitionsDefinition, states: PartitionStates) -> HeatMap:
    """The picture of `states`. Looks up what it shows, never all that exists."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return _calendar(definition, states)
    if isinstance(definition, MultiPartitionsDefinition) and (product := _product(definition, states)) is not None:
        return product
    if states.extent <= _MOST_NAMES:
        rows = tuple(
            HeatRow(definition.key_at(n), (cell,), int(cell is Cell.MATERIALIZED), 1)
            for n in states.everything
            for cell in [states.at(n)]
        )
        return _picture("names", ("",), rows, definition, states, 0, states.extent)
    return _matrix(definition, states)


def _calendar(definition: TimeWindowPartitionsDefinition, states: PartitionStates) -> HeatMap:
    end = states.extent
    if not end:
        return HeatMap("days", (), (), None, None, 0, 0)
    newest = definition.window_at(end - 1)
    layout = next(layout for layout in _CALENDARS if newest.end - newest.start < layout.below)
    folds = layout.row(newest.start) - layout.row(definition.window_at(0).start) >= layout.most_rows
    rows: list[HeatRow] = []
    first = end
    while first and len(rows) < layout.most_rows:
        # The newest row is what a person looks for first: it is never folded.
        folded = _folded(definition, states, layout, first - 1) if folds and rows else None
        row, first = folded or _row(definition, states, layout, first - 1)
        rows.append(row)
    return _picture(layout.kind, layout.columns, tuple(reversed(rows)), definition, states, first, end)


def _row(
    definition: TimeWindowPartitionsDefinition, states: PartitionStates, layout: _Calendar, last: int
) -> tuple[HeatRow, int]:
    """The row that ends with the ordinal `last`, and its first ordinal."""
    start = definition.window_at(last).start
    number, label = layout.row(start), layout.label(start)
    tallies: list[dict[Cell, int]] = [{} for _ in layout.columns]
    first = last + 1
    while first:
        start = definition.window_at(first - 1).start
        if layout.row(start) != number:
            break
        first -= 1
        tally, state = tallies[layout.column(start)], states.at(first)
        tally[state] = tally.get(state, 0) + 1
    cells = tuple(merged(tally, sum(tally.values())) for tally in tallies)
    materialized = sum(tally.get(Cell.MATERIALIZED, 0) for tally in tallies)
    return HeatRow(label, cells, materialized, last + 1 - first), first


def _folded(
    definition: TimeWindowPartitionsDefinition, states: PartitionStates, layout: _Calendar, last: int
) -> tuple[HeatRow, int] | None:
    """The rows that end with the ordinal `last` and are all in its state, as one, if they are worth folding."""

    def row_of(ordinal: int) -> int:
        return layout.row(definition.window_at(ordinal).start)

    state, first = states.stretch_before(last)
    if row_of(last) - row_of(first) < _FOLDED_ROWS - 1:
        return None
    if first and row_of(first - 1) == row_of(first):  # the stretch begins inside a row, which is shown
        begun = row_of(first)
        while row_of(first) == begun:
            first += 1
    if row_of(last) - row_of(first) < _FOLDED_ROWS - 1:
        return None
    total = last + 1 - first
    ends = (layout.label(definition.window_at(ordinal).start) for ordinal in (first, last))
    return HeatRow(" … ".join(ends), (), total if state is Cell.MATERIALIZED else 0, total, state), first


def _matrix(definition: PartitionsDefinition, states: PartitionStates) -> HeatMap:
    end = min(states.extent, _MATRIX_COLUMNS * _MATRIX_ROWS)
    rows = []
    ordinals = list(states.everything.head(end))
    for first in range(0, end, _MATRIX_COLUMNS):
        cells = [states.at(n) for n in ordinals[first : first + _MATRIX_COLUMNS]]
        blank = [Cell.NONE] * (_MATRIX_COLUMNS - len(cells))
        label = definition.key_at(ordinals[first])
        rows.append(HeatRow(label, (*cells, *blank), cells.count(Cell.MATERIALIZED), len(cells)))
    return _picture("matrix", ("",) * _MATRIX_COLUMNS, tuple(rows), definition, states, 0, end)


def _product(definition: MultiPartitionsDefinition, states: PartitionStates) -> HeatMap | None:
    """A table of the dimension of time (or the last one) against the others; None if they have too many keys."""
    dimensions = list(definition.dimensions.values())
    across = next((place for place, each in enumerate(dimensions) if each.is_time), len(dimensions) - 1)
    everything = ProductSet.of_numbers(definition.rooms, states.everything)
    others = [place for place in range(len(dimensions)) if place != across]
    if not everything or prod(len(everything.side(place)) for place in others) > _PRODUCT_ROWS:
        return None
    columns = everything.side(across)
    shown = columns.tail(_PRODUCT_COLUMNS) if dimensions[across].is_time else columns.head(_PRODUCT_COLUMNS)
    rows, total = [], 0
    for combination in product(*(everything.side(place) for place in others)):
        cells = []
        for column in shown:
            point = dict(zip(others, combination, strict=True)) | {across: column}
            number = everything.number(point[place] for place in range(len(dimensions)))
            cells.append(states.at(number) if number in everything else Cell.NONE)
        count = len(cells) - cells.count(Cell.NONE)
        total += count
        if count:
            label = " · ".join(dimensions[p].key_at(n) for p, n in zip(others, combination, strict=True))
            rows.append(HeatRow(label, tuple(cells), cells.count(Cell.MATERIALIZED), count))
    keys = [dimensions[across].key_at(n) for n in shown]
    heads = tuple(key if n == 0 else "" for n, key in enumerate(keys))
    return HeatMap("product", heads, tuple(rows), keys[0], keys[-1], total, states.extent - total)


def _picture(
    kind: str,
    columns: tuple[str, ...],
    rows: tuple[HeatRow, ...],
    definition: PartitionsDefinition,
    states: PartitionStates,
    first: int,
    end: int,
) -> HeatMap:
    shown = end - first
    first_key = definition.key_at(states.everything.at(first)) if shown else None
    last_key = definition.key_at(states.everything.at(end - 1)) if shown else None
    return HeatMap(kind, columns, rows, first_key, last_key, shown, states.extent - shown)
