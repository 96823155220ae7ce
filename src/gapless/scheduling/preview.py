"""What a schedule will do: its state, its next ticks, what each will ask for, and what is owed now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.definitions.schedules import Schedule
from gapless.ledger.contract import Ledger
from gapless.ledger.schedule_records import TickRecord
from gapless.partitions import OrdinalSet
from gapless.scheduling.backlog import Backlog, DueTick
from gapless.scheduling.due import Coverage, covered
from gapless.scheduling.state import is_running
from gapless.scheduling.ticks import Ticks

__all__ = ["Foreseen", "ScheduleState", "foresee", "state_of"]


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """A schedule as it stands.

    Attributes:
        waiting: The tick that is due now; None if none is.
        owed: What that tick still has to have made, by asset; empty if all of it is there already.
        next_tick: The next tick; also given for a stopped schedule, which lets it pass.
        last_tick: The newest on record.
        counts_from: Partitions that came to exist at or before this instant are not for the next tick.
    """

    schedule: Schedule
    running: bool
    waiting: DueTick | None
    owed: dict[AssetKey, OrdinalSet]
    next_tick: datetime
    last_tick: TickRecord | None
    counts_from: datetime


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A tick to come.

    Attributes:
        partitions: What it will ask for, of each partitioned asset of the job. What is made before then is left out.
    """

    at: datetime
    partitions: OrdinalSet


def state_of(schedule: Schedule, graph: AssetGraph, ledger: Ledger, now: datetime) -> ScheduleState:
    """How a schedule stands at `now`; changes nothing."""
    record, backlog, ticks = ledger.schedule(schedule.name), Backlog(graph, ledger), Ticks.of(schedule)
    running = is_running(schedule, record)
    cursor = record.cursor if running else None
    waiting = backlog.tick(schedule, cursor, now) if cursor is not None else None
    return ScheduleState(
        schedule=schedule,
        running=running,
        waiting=waiting,
        owed=backlog.owed(schedule, waiting.coverage) if waiting is not None else {},
        next_tick=ticks.after(now),
        last_tick=next(iter(ledger.ticks(schedule.name, limit=1)), None),
        counts_from=now if cursor is None else max(cursor, ticks.latest(now)),
    )


def foresee(state: ScheduleState, count: int) -> list[Foreseen]:
    """The next `count` ticks, and what each asks for if all before it are dealt with in time.

    For a stopped schedule: as if it were started now.
    """
    definition = state.schedule.job.partitions_def
    assert definition is not None  # noqa: S101  a schedule of an unpartitioned job is refused on loading
    foreseen, after = [], state.counts_from
    upcoming = Ticks.of(state.schedule)
    for tick in (state.next_tick, *islice(upcoming.upcoming(state.next_tick), count - 1)):
        foreseen.append(Foreseen(tick, covered(definition, Coverage(after, tick))))
        after = tick
    return foreseen
