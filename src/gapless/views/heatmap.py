"""Where each partition stands in a picture of its asset: a calendar for time partitions, names or a matrix for others.

Only layout: rows of cells with labels. How a cell looks is up to whoever draws it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from gapless.partitions import PartitionsDefinition, TimeWindowPartitionsDefinition
from gapless.views.cells import Cell, PartitionStates, merged

__all__ = ["HeatMap", "HeatRow", "heat_map"]

_MOST_NAMES = 60  # beyond that, keys are a matrix
_MATRIX_COLUMNS = 50
_MATRIX_ROWS = 20
_MOST_LOOKED_UP = 4_000  # windows that are looked up for one picture
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One row.

    Attributes:
        label: What all its partitions have in common: a month, a day, a year; for a matrix its first key.
        cells: One for each column.
        materialized, total: Of the partitions in this row.
    """

    label: str
    cells: tuple[Cell, ...]
    materialized: int
    total: int


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A picture of one asset's partitions.

    Attributes:
        kind: ``hours`` (a row a day), ``days`` (a row a month), ``weeks``, ``months`` (a row a year), ``years`` (a row a
            decade), ``names`` (each row is one key) or ``matrix`` (keys in order, wrapped).
        columns: The head of each column; empty for none.
        first_key, last_key: What is shown, both inclusive; None if nothing is.
        shown: How many partitions that is.
        hidden: How many are not: earlier ones of time partitions, later ones of others.
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
        row: A window's start to its row's label.
        column: A window's start to its column, from 0.
        most_rows: The newest so many are shown.
    """

    kind: str
    below: timedelta
    row: Callable[[datetime], str]
    column: Callable[[datetime], int]
    columns: tuple[str, ...]
    most_rows: int


def _numbered(first: int, count: int, every: int) -> tuple[str, ...]:
    return tuple(str(n) if n == first or n % every == 0 else "" for n in range(first, first + count))


def _decade(start: datetime) -> str:
    return f"{start.year // 10 * 10}s"


def _week_columns() -> tuple[str, ...]:
    heads = [""] * 53
    for month, name in enumerate(_MONTHS, 1):
        heads[_week(datetime(2023, month, 1))] = name
    return tuple(heads)


def _week(start: datetime) -> int:
    return (start.timetuple().tm_yday - 1) // 7  # two windows a week apart never share a column


_CALENDARS = (
    _Calendar("hours", timedelta(hours=20), lambda s: f"{s:%Y-%m-%d}", lambda s: s.hour, _numbered(0, 24, 3), 14),
    _Calendar("days", timedelta(days=6), lambda s: f"{s:%Y-%m}", lambda s: s.day - 1, _numbered(1, 31, 5), 12),
    _Calendar("weeks", timedelta(days=27), lambda s: f"{s:%Y}", _week, _week_columns(), 12),
    _Calendar("months", timedelta(days=300), lambda s: f"{s:%Y}", lambda s: s.month - 1, _MONTHS, 12),
    _Calendar("years", timedelta.max, _decade, lambda s: s.year % 10, tuple("0123456789"), 10),
)


def heat_map(definition: PartitionsDefinition, states: PartitionStates) -> HeatMap:
    """The picture of `states`. Looks up what it shows, never all that exists."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return _calendar(definition, states)
    if states.extent <= _MOST_NAMES:
        rows = tuple(
            HeatRow(definition.key_at(n), (cell,), int(cell is Cell.MATERIALIZED), 1)
            for n in range(states.extent)
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
    places: list[tuple[int, str, int]] = []
    labels: list[str] = []
    for ordinal in range(end - 1, max(end - 1 - _MOST_LOOKED_UP, -1), -1):
        start = definition.window_at(ordinal).start
        label = layout.row(start)
        if not labels or labels[-1] != label:
            if len(labels) == layout.most_rows:
                break
            labels.append(label)
        places.append((ordinal, label, layout.column(start)))
    places.reverse()
    rows = []
    for label, group in groupby(places, key=lambda place: place[1]):
        tallies: list[dict[Cell, int]] = [{} for _ in layout.columns]
        for ordinal, _, column in group:
            state = states.at(ordinal)
            tallies[column][state] = tallies[column].get(state, 0) + 1
        rows.append(
            HeatRow(
                label,
                tuple(merged(tally, sum(tally.values())) for tally in tallies),
                sum(tally.get(Cell.MATERIALIZED, 0) for tally in tallies),
                sum(sum(tally.values()) for tally in tallies),
            )
        )
    return _picture(layout.kind, layout.columns, tuple(rows), definition, states, places[0][0], end)


def _matrix(definition: PartitionsDefinition, states: PartitionStates) -> HeatMap:
    end = min(states.extent, _MATRIX_COLUMNS * _MATRIX_ROWS)
    rows = []
    for first in range(0, end, _MATRIX_COLUMNS):
        cells = [states.at(n) for n in range(first, min(first + _MATRIX_COLUMNS, end))]
        blank = [Cell.NONE] * (_MATRIX_COLUMNS - len(cells))
        rows.append(
            HeatRow(definition.key_at(first), (*cells, *blank), cells.count(Cell.MATERIALIZED), len(cells))
        )
    return _picture("matrix", ("",) * _MATRIX_COLUMNS, tuple(rows), definition, states, 0, end)


def _picture(
    kind: str,
    columns: tuple[str, ...],
    rows: tuple[HeatRow, ...],
    definition: PartitionsDefinition,
    states: PartitionStates,
    first: int,
    end: int,
) -> HeatMap:
    ends = (definition.key_at(first), definition.key_at(end - 1)) if end > first else (None, None)
    return HeatMap(kind, columns, rows, *ends, end - first, states.extent - (end - first))
