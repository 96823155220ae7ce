"""Whether the rows of staged frames lie in the slices that they were made for."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.kind import Kind
from gapless.storage.duckdb.membership.membership import Membership, membership_of
from gapless.storage.duckdb.membership.slot_finder import rows_by_slot
from gapless.storage.duckdb.staging.batch import Batch
from gapless.storage.duckdb.staging.frames import ArrowStream, typed_frame
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.errors import RowsOutsidePartitionError
from gapless.storage.slices import PartitionSlice

__all__ = ["hashes_if_inside", "leave_out", "outside_error", "places_found"]


def hashes_if_inside(
    session: Session,
    batch: Batch,
    membership: Membership,
    rows: str,
    places: list[tuple[int, int, PartitionSlice]],
    row_hash: str,
) -> dict[int, tuple[int, int]] | None:
    """The hashes of each member's rows, by its position, if all lie inside its one slice; None if some may not.

    One pass over the rows tells both, and nearly always all rows do: what the first of the tests says of a member's
    least and greatest value it says of all between.

    Args:
        row_hash: SQL of the hash of a row.
    """
    bounds = membership.table_of(places)
    names = membership.names
    whole = " AND ".join(f"count({name}) = count(*)" for name in names)
    extremes = ", ".join(f"[min({name}), max({name})] AS {name}" for name in names)
    summed = (
        f"SELECT frame, {whole} AS whole, bit_xor(row_hash) AS either, sum(row_hash) AS total, {extremes} FROM"
        f" (SELECT {batch.number} AS frame, {membership.selected}, {row_hash} AS row_hash FROM ({rows})) GROUP BY frame"
    )
    ends = ", ".join(f"unnest({name}) AS {name}" for name in names)
    with session.registered("gapless_bounds", ArrowStream(typed_frame(bounds.columns, bounds.types))) as slices:
        found = session.execute(
            f"SELECT s.frame, any_value(either), any_value(total), bool_and(whole AND ({bounds.belongs[0]}) IS TRUE)"
            f" FROM (SELECT frame, whole, either, total, {ends} FROM ({summed})) AS s"
            f" JOIN (SELECT {bounds.select} FROM {slices}) AS b ON s.frame = b.frame GROUP BY s.frame"
        )
    if not all(inside for *_, inside in found):
        return None
    return {position: (either, total) for position, either, total, _ in found}


def places_found(
    session: Session,
    batch: Batch,
    membership: Membership,
    rows: str,
    places: list[tuple[int, int, PartitionSlice]],
) -> list[tuple[int, int | None, int, str | None]]:
    """How many rows of which frame belong to which of its slices (None: to none of them), with an example."""
    if len(places) > len(batch.members):
        with ExitStack() as held:
            slotted = rows_by_slot(session, membership, rows, batch.number, places, held)
            return session.execute(
                f"SELECT frame, slot, count(*), min({membership.shown}) FILTER (slot IS NULL)"
                f" FROM ({slotted}) GROUP BY frame, slot"
            )
    bounds = membership.table_of(places)
    stream = ArrowStream(typed_frame(bounds.columns, bounds.types))
    with session.registered("gapless_bounds", stream) as slices:
        values = f"(SELECT {batch.number} AS frame, {membership.selected} FROM ({rows})) AS s"
        table = f"(SELECT {bounds.select} FROM {slices}) AS b"
        # One slice a frame: only what fails is looked for; by the cheapest test first, which nearly always passes
        # every row, because to plan the others takes DuckDB longer than to run this one.
        for tests in dict.fromkeys((bounds.belongs[:1], bounds.belongs)):
            fails = " AND ".join(f"({test}) IS NOT TRUE" for test in tests)
            outside = session.execute(
                f"SELECT s.frame, NULL, count(*), min({membership.shown})"
                f" FROM {values} JOIN {table} ON s.frame = b.frame WHERE {fails} GROUP BY s.frame"
            )
            if not outside:
                break
    heights = list(batch.heights.values())
    strays = {position: count for position, _, count, _ in outside}
    inside = [(position, slot, heights[position] - strays.get(position, 0), None) for position, slot, _ in places]
    return inside + outside


def leave_out(session: Session, batch: Batch, strays: Mapping[int, int], held: ExitStack) -> None:
    """Let `batch` have no rows outside the slices of its members any more.

    Args:
        strays: How many of which member's rows are outside, by the number that the group knows it by.
        held: Lets go of the copy that is made.
    """
    kinds = {name: batch.types.get(name, "VARCHAR") for name in batch.columns}
    rows = batch.select(kinds)
    session.set_timezone(batch.first.output.timezone)
    membership = membership_of(session, batch.first.output, kinds, rows)
    kept: list[str] = []
    parameters: list[Any] = []
    for position, (number, member) in enumerate(batch.members.items()):
        if number in strays:
            inside = membership.where(member.output.slices)
            kept.append(f"{batch.number} = {position} AND {inside.sql}")
            parameters += inside.parameters
        else:
            kept.append(f"{batch.number} = {position}")
    copy = f"gapless_inside_{id(batch)}"
    held.callback(session.attempt, f"DROP TABLE IF EXISTS {copy}")
    session.execute(f"CREATE TEMP TABLE {copy} AS SELECT * FROM ({rows}) WHERE ({') OR ('.join(kept)})", parameters)
    batch.source = copy
    batch.heights = {number: height - strays.get(number, 0) for number, height in batch.heights.items()}


def outside_error(
    frame: StagedValue,
    height: int,
    membership: Membership,
    table: TableName,
    count: int,
    example: str | None,
) -> RowsOutsidePartitionError:
    """What to say of a value of `height` rows with `count` rows outside its slices."""
    note = ""
    if membership.kind is Kind.TEXT and any(part.window is not None for part in frame.output.slices):
        note = "Text belongs if it is the partition's key, or an ISO date or time inside it."
        if frame.output.finer_than_day:
            note = (
                "Text belongs if it is the partition's key, or an ISO time inside it; a date alone cannot tell"
                " partitions shorter than a day, nor can a time without its UTC offset in the hour that clocks"
                " repeat."
            )
    return RowsOutsidePartitionError(
        str(frame.output.asset),
        frame.keys,
        membership.expression,
        count,
        height,
        example,
        membership.covers(frame.output.slices),
        str(table),
        note,
    )
