"""Which tick of a schedule waits to be dealt with, and what it owes: read from the ledger, changing nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.definitions.schedules import Schedule
from gapless.ledger.contract import Ledger
from gapless.ledger.schedule_records import TickRecord, TickState
from gapless.partitions import OrdinalSet
from gapless.scheduling.due import Coverage, Records, covered, owed
from gapless.scheduling.ticks import Ticks

__all__ = ["Backlog", "DueTick"]


@dataclass(frozen=True, slots=True)
class DueTick:
    """A tick that waits to be dealt with.

    Attributes:
        record: The tick as recorded, if an earlier process began it and did not get to its end.
    """

    schedule: Schedule
    coverage: Coverage
    record: TickRecord | None = None


class Backlog:
    """What schedules owe, by the assets of `graph` and what `ledger` has recorded."""

    def __init__(self, graph: AssetGraph, ledger: Ledger) -> None:
        self._graph = graph
        self._ledger = ledger

    def tick(self, schedule: Schedule, cursor: datetime, now: datetime) -> DueTick | None:
        """The tick to deal with: one that was begun and not ended, else the latest since `cursor`; None if none is due.

        Args:
            cursor: The last tick that was dealt with, or when the schedule was started.
        """
        newest = next(iter(self._ledger.ticks(schedule.name, limit=1)), None)
        if newest is not None and newest.state is TickState.STARTED and newest.scheduled_at > cursor:
            return DueTick(schedule, Coverage(newest.covers_after, newest.scheduled_at), newest)
        latest = Ticks.of(schedule).latest(now)
        if latest <= cursor:
            return None
        return DueTick(schedule, Coverage(self._owed_since(schedule, cursor, newest), latest))

    def owed(self, schedule: Schedule, coverage: Coverage) -> dict[AssetKey, OrdinalSet]:
        """What has still to be made for a tick; see `gapless.scheduling.due.owed`."""
        return owed(self._graph, schedule.job, coverage, self._records(schedule, coverage))

    def _owed_since(self, schedule: Schedule, cursor: datetime, newest: TickRecord | None) -> datetime:
        """From when on partitions are owed: the cursor, or earlier if the tick there could not make all of its own.

        What waits for something upstream, or fell to a run that broke down as a whole, is neither made nor failed. It
        is asked for again, until it is.
        """
        if newest is None or newest.scheduled_at != cursor:
            return cursor
        left = self.owed(schedule, Coverage(newest.covers_after, newest.scheduled_at))
        partitioned = any(self._graph[key].partitions_def is not None for key in left)
        return newest.covers_after if partitioned else cursor

    def _records(self, schedule: Schedule, coverage: Coverage) -> Records:
        records = {}
        for key in schedule.job.selection:
            definition = self._graph[key].partitions_def
            keys = [None] if definition is None else definition.keys_of(covered(definition, coverage))
            records[key] = self._ledger.statuses(key.to_user_string(), keys)
        return records
