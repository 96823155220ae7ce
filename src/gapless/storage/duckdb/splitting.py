"""One staged value for each of its slices."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gapless.errors import StorageError
from gapless.storage.duckdb.database.connection import Session, scratch_session
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.duckdb.membership.membership import Membership, membership_of
from gapless.storage.duckdb.membership.row_check import outside_error, places_found
from gapless.storage.duckdb.membership.slot_finder import rows_by_slot
from gapless.storage.duckdb.staged_query import StagedQuery
from gapless.storage.duckdb.staging.batch import Batch, batches_of
from gapless.storage.duckdb.staging.frames import StagedFrame, staged_frame
from gapless.storage.duckdb.staging.gathering import gathered
from gapless.storage.duckdb.staging.refused_part import RefusedPart
from gapless.storage.duckdb.staging.spilled import SpilledRows, StagedFiles
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName, quoted
from gapless.storage.named_columns import cast_named, named_columns
from gapless.storage.policies import BoundaryPolicy
from gapless.storage.slices import OutputSlices, StagedSlices

if TYPE_CHECKING:
    import polars as pl

__all__ = ["parts_of"]


def parts_of(value: StagedSlices, table: TableName, new_folder: Callable[[], Path]) -> Sequence[StagedSlices]:
    """One value for each slice of `value`, in their order, its rows checked to lie inside.

    Rows outside all slices are left out where the boundary policy says so, and counted; where it allows them, they stay
    with the first slice. Slices in the hour that clocks repeat, which the values cannot tell, get parts whose commit is
    refused.

    Args:
        table: Where it is to go; for messages.
        new_folder: Makes a folder for files, if there have to be any.

    Raises:
        StorageError: Rows lie outside all slices, and the boundary policy refuses them; or that cannot be told.
    """
    whole = not value.output.expressions or any(part.key is None for part in value.output.slices)
    rows = value.looked_at() if isinstance(value, StagedQuery) and not whole else value
    if not isinstance(rows, (StagedFrame, StagedFiles)):
        return [value]
    if whole:
        return [replace(rows, is_part=True)]
    with ExitStack() as held:
        parts = _Splitting(held.enter_context(scratch_session()), rows, table, new_folder, held).parts()
    # A query's own rows know their types in the database better than a frame does.
    untouched = isinstance(value, StagedQuery) and len(parts) == 1 and not parts[0].dropped
    return [replace(value, is_part=True)] if isinstance(value, StagedQuery) and untouched else parts


class _Splitting:
    def __init__(
        self,
        session: Session,
        value: StagedFrame | StagedFiles,
        table: TableName,
        new_folder: Callable[[], Path],
        held: ExitStack,
    ) -> None:
        self._session = session
        self._value = value
        self._table = table
        self._new_folder = new_folder
        self._held = held
        self._output = value.output
        self._places = [(0, slot, part) for slot, part in enumerate(value.output.slices)]

    def parts(self) -> list[StagedValue]:
        value = self._value
        height = value.frame.height if isinstance(value, StagedFrame) else value.spilled.height
        if not height:
            return [replace(value, output=output, is_part=True) for output in self._outputs()]
        if isinstance(value, StagedFrame):
            return self._parts_of_frame(value)
        return self._parts_of_files(value)

    def _outputs(self) -> Iterator[OutputSlices]:
        return (replace(self._output, slices=(part,)) for part in self._output.slices)

    def _read(self, value: StagedValue) -> tuple[Batch, Membership, str]:
        """The value in the session, how its rows tell their slices, and the SELECT of them.

        Raises:
            StorageError: They do not.
        """
        batches, refused = batches_of(self._session, {0: value}, self._held)
        for outcome in refused.values():
            raise outcome.error
        (batch,) = batches
        self._session.set_timezone(self._output.timezone)
        kinds = {name: batch.types.get(name, "VARCHAR") for name in batch.columns}
        rows = batch.select(kinds)
        return batch, membership_of(self._session, self._output, kinds, rows), rows

    # --- slices that cannot be told fail alone

    def _doubtful(self, membership: Membership, rows: str) -> dict[int, tuple[StorageError, Condition]]:
        """The slices in the hour that the clocks repeat, by slot: why they are refused, and which rows with them.

        Raises:
            PartitionColumnTypeError: The type cannot tell the others either.
        """
        found: dict[int, tuple[StorageError, Condition]] = {}
        slices = self._output.slices
        doubts = [membership.doubt(part) for part in slices] if len(slices) > 1 else []
        for slot, doubt in enumerate(doubts):
            if doubt is None:
                continue
            claimed = doubt.rows
            if not doubt.is_certain:
                if not self._session.execute(f"SELECT 1 FROM ({rows}) WHERE {claimed.sql} LIMIT 1", claimed.parameters):
                    continue
                claimed = _either([claimed, membership.where([slices[slot]])])
            found[slot] = (doubt.error, claimed)
        membership.refuse_unsuited([part for slot, part in enumerate(slices) if slot not in found])
        return found

    def _parts_beside(
        self,
        doubtful: Mapping[int, tuple[StorageError, Condition]],
        rows_where: Callable[[OutputSlices, Condition], StagedFrame | StagedFiles],
    ) -> list[StagedValue]:
        """The parts of what is left when the doubtful slices are refused with their rows, and those.

        Args:
            rows_where: The rows for which a condition is true, as a value for a part of the output.
        """
        outputs = list(self._outputs())
        parts: dict[int, StagedValue] = {}
        told = [slot for slot in range(len(outputs)) if slot not in doubtful]
        if told:
            output = replace(self._output, slices=tuple(self._output.slices[slot] for slot in told))
            claimed = _either([rows for _, rows in doubtful.values()])
            left = rows_where(output, Condition(f"{claimed.sql} IS NOT TRUE", claimed.parameters))
            try:
                its = _Splitting(self._session, left, self._table, self._new_folder, self._held).parts()
            except BaseException:
                left.discard()
                raise
            parts = dict(zip(told, its, strict=True))
        for slot, (error, claimed) in doubtful.items():
            parts[slot] = RefusedPart(outputs[slot], rows_where(outputs[slot], claimed), error, is_part=True)
        return [parts[slot] for slot in range(len(outputs))]

    def _strays(self, batch: Batch, membership: Membership, rows: str) -> int:
        """How many rows lie outside all slices.

        Raises:
            RowsOutsidePartitionError: There are any, and they are refused.
        """
        for _, slot, count, example in places_found(self._session, batch, membership, rows, self._places):
            if slot is None:
                if self._output.boundary_policy is BoundaryPolicy.REFUSE:
                    raise outside_error(self._value, batch.height, membership, self._table, count, example)
                return count
        return 0

    # --- a frame: the slot of each row, in order

    def _parts_of_frame(self, value: StagedFrame) -> list[StagedValue]:
        number = "gapless_row"
        while any(number == name.casefold() for name in value.columns):
            number += "_"
        counted = replace(value, frame=value.frame.with_row_index(number), columns=(*value.columns, number))
        batch, membership, rows = self._read(counted)

        def rows_where(output: OutputSlices, condition: Condition) -> StagedFrame:
            chosen = f"SELECT {quoted(number)} FROM ({rows}) WHERE {condition.sql} ORDER BY ALL"
            places = self._session.frame(chosen, condition.parameters)[number]
            return replace(value, output=output, frame=value.frame[places])

        if doubtful := self._doubtful(membership, rows):
            return self._parts_beside(doubtful, rows_where)
        if len(self._places) == 1:
            strays = self._strays(batch, membership, rows)
            if not strays or self._output.boundary_policy is BoundaryPolicy.ALLOW:
                return [replace(value, is_part=True)]
        found = rows_by_slot(
            self._session, membership, rows, batch.number, self._places, self._held, {number: quoted(number)}
        )
        slots = self._session.frame(f"SELECT slot FROM ({found}) ORDER BY {quoted(number)}")["slot"]
        outside = slots.null_count()
        if outside and self._output.boundary_policy is BoundaryPolicy.REFUSE:
            self._strays(batch, membership, rows)
        if self._output.boundary_policy is BoundaryPolicy.ALLOW:
            slots, outside = slots.fill_null(0), 0
        by_slot = {
            key[0]: part
            for key, part in value.frame.with_columns(slots.alias(number))
            .partition_by(number, as_dict=True, include_key=False)
            .items()
        }
        nothing = value.frame.clear()
        return [
            replace(value, output=output, frame=by_slot.get(slot, nothing), is_part=True, dropped=dropped)
            for slot, (output, dropped) in enumerate(self._told(outside))
        ]

    # --- files: one scan for each slice, so that memory is bounded

    def _parts_of_files(self, value: StagedFiles) -> list[StagedValue]:
        batch, membership, rows = self._read(value)

        def rows_where(output: OutputSlices, condition: Condition) -> StagedFrame | StagedFiles:
            found = self._rows_where(value.spilled, batch, rows, condition)
            return StagedFiles(output, found) if isinstance(found, SpilledRows) else staged_frame(output, found)

        if doubtful := self._doubtful(membership, rows):
            parts = self._parts_beside(doubtful, rows_where)
            value.discard()
            return parts
        outside = self._strays(batch, membership, rows)
        policy, slices = self._output.boundary_policy, self._output.slices
        if len(slices) == 1 and (not outside or policy is BoundaryPolicy.ALLOW):
            return [replace(value, is_part=True)]
        everything = membership.where(slices)
        parts = []
        dropped_in_all = outside if policy is BoundaryPolicy.DROP else 0
        for part, (output, dropped) in zip(slices, self._told(dropped_in_all), strict=True):
            inside = membership.where([part])
            if outside and policy is BoundaryPolicy.ALLOW and not parts:
                inside = Condition(
                    f"({inside.sql} OR ({everything.sql}) IS NOT TRUE)", (*inside.parameters, *everything.parameters)
                )
            parts.append(replace(rows_where(output, inside), is_part=True, dropped=dropped))
        value.discard()
        return parts

    def _rows_where(self, whole: SpilledRows, batch: Batch, rows: str, inside: Condition) -> pl.DataFrame | SpilledRows:
        import polars as pl

        sql = f"SELECT {', '.join(map(quoted, batch.types))} FROM ({rows}) WHERE {inside.sql}"
        nulls = [pl.lit(None).alias(name) for name in whole.null_columns]
        frames = self._session.batches(sql, inside.parameters, self._new_folder)
        return gathered(
            (
                cast_named(frame, whole.schema).with_columns(nulls).select(named_columns(whole.columns))
                for frame in frames
            ),
            self._new_folder,
        )

    def _told(self, dropped: int) -> Sequence[tuple[OutputSlices, dict[str | None, int]]]:
        """The output of each part, and how many rows were left out: of several parts, each tells it of all of them."""
        outputs = list(self._outputs())
        key = outputs[0].slices[0].key if len(outputs) == 1 else None
        return [(output, {key: dropped} if dropped else {}) for output in outputs]


def _either(conditions: Sequence[Condition]) -> Condition:
    sql = " OR ".join(f"({condition.sql}) IS TRUE" for condition in conditions)
    return Condition(f"({sql})", tuple(value for condition in conditions for value in condition.parameters))
