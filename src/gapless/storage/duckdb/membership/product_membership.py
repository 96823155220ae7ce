"""Which rows belong to which partitions where several dimensions tell them: the conditions of each, together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from gapless.storage.duckdb.membership.column_membership import ColumnMembership
from gapless.storage.duckdb.membership.condition import BoundsTable, Condition
from gapless.storage.duckdb.membership.doubt import Doubt
from gapless.storage.duckdb.membership.kind import Kind
from gapless.storage.errors import PartitionColumnTypeError
from gapless.storage.slices import PartitionSlice

__all__ = ["ProductMembership"]


@dataclass(frozen=True, slots=True)
class ProductMembership:
    """How the rows of one table tell their partition, dimension by dimension; as `ColumnMembership` otherwise.

    Attributes:
        dimensions: By name, each with a suffix of its own.
    """

    dimensions: Mapping[str, ColumnMembership]

    @property
    def kind(self) -> Kind:
        return Kind.OTHER

    @property
    def expression(self) -> str:
        return ", ".join(member.expression for member in self.dimensions.values())

    @property
    def selected(self) -> str:
        return ", ".join(member.selected for member in self.dimensions.values())

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for member in self.dimensions.values() for name in member.names)

    @property
    def shown(self) -> str:
        # A NULL must be seen: concat_ws would pass over it.
        pieces = (f"coalesce({member.shown}, 'NULL')" for member in self.dimensions.values())
        return f"concat_ws('|', {', '.join(pieces)})"

    def refuse_unsuited(self, slices: Sequence[PartitionSlice]) -> None:
        for name, member in self.dimensions.items():
            try:
                member.refuse_unsuited(part.sides[name] for part in slices if part.sides)
            except PartitionColumnTypeError as error:
                keys = tuple(part.key for part in slices if part.sides and part.sides[name].key in error.partitions)
                raise replace(error, partitions=keys) from None

    def doubt(self, part: PartitionSlice) -> Doubt | None:
        """That of a dimension, if one has any."""
        found = {name: member.doubt(part.sides[name]) for name, member in self.dimensions.items()}
        doubts = [doubt for doubt in found.values() if doubt is not None]
        if not doubts:
            return None
        rows = [
            self.dimensions[name].where([part.sides[name]]) if doubt is None else doubt.rows
            for name, doubt in found.items()
        ]
        error = replace(doubts[0].error, partitions=(part.key,))
        return Doubt(error, _joined(" AND ", rows), any(doubt.is_certain for doubt in doubts))

    def where(self, slices: Sequence[PartitionSlice]) -> Condition:
        """True for the rows of `slices`; those that differ in the last dimension only share one condition."""
        if any(part.key is None for part in slices):
            return Condition("TRUE")
        *others, last = self.dimensions
        rows = _grouped(slices, others)
        pieces: list[Condition] = []
        for row in rows.values():
            together = [self.dimensions[name].where([row[0].sides[name]]) for name in others]
            together.append(self.dimensions[last].where([part.sides[last] for part in row]))
            pieces.append(_joined(" AND ", together))
        return _joined(" OR ", pieces) if pieces else Condition("FALSE")

    def until(self, slices: Sequence[PartitionSlice]) -> Condition:
        """True for the rows of `slices`, and of every partition before them that differs only in its times."""
        if any(part.key is None for part in slices):
            return Condition("TRUE")
        timeless = [name for name in self.dimensions if slices[0].sides[name].window is None]
        pieces = []
        for row in _grouped(slices, timeless).values():
            sides = {name: [part.sides[name] for part in row] for name in self.dimensions}
            pieces.append(_joined(" AND ", [member.until(sides[name]) for name, member in self.dimensions.items()]))
        return _joined(" OR ", pieces)

    def table_of(self, places: Sequence[tuple[int, int, PartitionSlice]]) -> BoundsTable:
        columns: dict[str, tuple[Any, ...]] = {}
        types: dict[str, type] = {}
        selects: list[str] = []
        belongs: list[tuple[str, ...]] = []
        for name, member in self.dimensions.items():
            table = member.table_of([(frame, slot, part.sides[name]) for frame, slot, part in places])
            columns |= table.columns
            types |= table.types
            selects.append(table.select.removeprefix("frame, slot, "))
            belongs.append(table.belongs)
        tests = tuple(" AND ".join(f"({test})" for test in combined) for combined in product(*belongs))
        return BoundsTable(columns, types, f"frame, slot, {', '.join(selects)}", tests)

    def covers(self, slices: Sequence[PartitionSlice]) -> str:
        """What `slices` cover, in words."""
        words = []
        for name, member in self.dimensions.items():
            sides = list({part.sides[name].key: part.sides[name] for part in slices}.values())
            words.append(f"{name} {member.covers(sides)}")
        return "; ".join(words)


def _grouped(slices: Sequence[PartitionSlice], names: Sequence[str]) -> dict[tuple[Any, ...], list[PartitionSlice]]:
    """Those that have the same key in each of these dimensions, together."""
    found: dict[tuple[Any, ...], list[PartitionSlice]] = {}
    for part in slices:
        found.setdefault(tuple(part.sides[name].key for name in names), []).append(part)
    return found


def _joined(operator: str, pieces: Sequence[Condition]) -> Condition:
    sql = operator.join(piece.sql for piece in pieces)
    return Condition(f"({sql})", tuple(value for piece in pieces for value in piece.parameters))
