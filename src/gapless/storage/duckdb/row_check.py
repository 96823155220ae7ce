"""Whether the rows of staged frames lie in the slices that they were made for."""

from __future__ import annotations

from gapless.storage.duckdb.batch import Batch
from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import ArrowStream, StagedFrame, typed_frame
from gapless.storage.duckdb.predicates import Kind, Membership
from gapless.storage.duckdb.product_membership import ProductMembership
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.errors import RowsOutsidePartitionError
from gapless.storage.slices import PartitionSlice

__all__ = ["outside_error", "places_found"]


def places_found(
    session: Session,
    batch: Batch,
    membership: Membership | ProductMembership,
    rows: str,
    places: list[tuple[int, int, PartitionSlice]],
) -> list[tuple[int, int | None, int, str | None]]:
    """How many rows of which frame belong to which of its slices (None: to none of them), with an example."""
    bounds = membership.table_of(places)
    stream = ArrowStream(typed_frame(bounds.columns, bounds.types))
    with session.registered("gapless_bounds", stream) as slices:
        values = f"(SELECT {batch.number} AS frame, {membership.selected} FROM ({rows})) AS s"
        table = f"(SELECT {bounds.select} FROM {slices}) AS b"
        if len(places) > len(batch.members):
            belongs = " OR ".join(f"({test})" for test in bounds.belongs)
            return session.execute(
                f"SELECT s.frame, b.slot, count(*), min({membership.shown}) FILTER (b.slot IS NULL)"
                f" FROM {values} LEFT JOIN {table} ON s.frame = b.frame AND ({belongs}) GROUP BY s.frame, b.slot"
            )
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
    members = list(batch.members.values())
    return [(position, slot, members[position].frame.height, None) for position, slot, _ in places] + outside


def outside_error(
    frame: StagedFrame, membership: Membership | ProductMembership, table: TableName, count: int, example: str | None
) -> RowsOutsidePartitionError:
    """What to say of a frame with `count` rows outside its slices."""
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
        frame.frame.height,
        example,
        membership.covers(frame.output.slices),
        str(table),
        note,
    )
