"""The loop that serves schedules: find the tick that is due, record it, have made what it owes, record that it ended.

One tick stands for all that came before it: whatever became due since the schedule's cursor is asked for at once, in
order. The tick is recorded before anything is made, and the cursor moves to it in the same transaction that records its
end. What a tick owes follows from what is recorded (see `gapless.scheduling.due`), so a tick that was cut short, by
``kill -9`` at any point, is simply asked again: no partition is lost, none is made twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from gapless.definitions.schedules import Schedule
from gapless.engine import Engine
from gapless.execution.cancel import CancelToken
from gapless.execution.progress import Reporter
from gapless.execution.recorded_run import new_run_id
from gapless.execution.result import RunResult
from gapless.ledger.schedule_records import TickRecord, TickState
from gapless.planning.plan import Plan
from gapless.planning.request import PartitionRequest
from gapless.scheduling.backlog import Backlog, DueTick
from gapless.scheduling.clock import Clock
from gapless.scheduling.retention import Retained, Retention
from gapless.scheduling.state import is_running
from gapless.scheduling.ticks import Ticks

__all__ = ["Daemon", "TickOutcome", "Watcher"]


@dataclass(frozen=True, slots=True)
class TickOutcome:
    """What became of a tick.

    Attributes:
        state: STARTED if it was cut short by a request to stop; the next one to serve goes on with it.
        note: One line for people, the same that the ledger keeps.
        result: Of its run; None if there was nothing to run.
        blocked: Partitions that are owed and could not be made, because something that they read is not there. They
            stay owed.
        error: What planning or running raised.
    """

    tick: DueTick
    state: TickState
    note: str
    result: RunResult | None = None
    blocked: int = 0
    error: Exception | None = None

    @property
    def success(self) -> bool:
        """True if nothing is left to do, for the daemon or for a person."""
        made = self.result is None or self.result.success
        return made and not self.blocked and self.state in (TickState.REQUESTED, TickState.SKIPPED)


class Watcher(Protocol):
    """Is told what the daemon does, while it does it; also how to report each run."""

    def tick_started(self, tick: DueTick, plan: Plan, run_id: str | None) -> None: ...
    def tick_ended(self, outcome: TickOutcome) -> None: ...
    def retained(self, outcome: Retained) -> None:
        """Expired partitions of an asset were wiped, or could not be."""
        ...

    def waiting(self, upcoming: tuple[Schedule, datetime] | None) -> None:
        """Nothing is due before that tick; None if no schedule runs."""
        ...

    def reporter(self) -> Reporter | None: ...


class Daemon:
    """Serves the schedules of a project. Only one at a time may, see `gapless.scheduling.serve_lock`.

    Schedules that are due together are dealt with one after the other, the earliest tick first, since a run uses all
    workers anyway; at the same instant, the one whose assets are further upstream.

    Args:
        workers: As for `Engine.run`.
        patience: How soon a schedule that somebody started, or a clock that was set, is noticed.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        watcher: Watcher,
        *,
        workers: int | None = None,
        patience: timedelta = timedelta(seconds=30),
    ) -> None:
        self._engine = engine
        self._ledger = engine.ledger
        self._clock = clock
        self._watcher = watcher
        self._workers = workers
        self._patience = patience
        self._looked_at = clock.now()  # whatever is due by then has been found
        self._backlog = Backlog(engine.project.graph, engine.ledger)
        self._retention = Retention()
        upstream_first = {key: position for position, key in enumerate(engine.project.graph)}
        self._schedules = sorted(
            engine.project.schedules.values(), key=lambda s: min(upstream_first[key] for key in s.job.selection)
        )

    def serve(self, cancel: CancelToken) -> None:
        """Deal with every tick as it comes, until the token is cancelled; a run under way then stops as runs do."""
        while True:
            self.catch_up(cancel)
            if cancel.cancelled:
                return
            upcoming = self.upcoming()
            self._watcher.waiting(upcoming)
            instants = [self._clock.now() + self._patience]
            instants += [] if upcoming is None else [upcoming[1]]
            retention = self._retention.next_look(self._engine)
            instants += [] if retention is None else [retention]
            self._clock.wait(min(instants), cancel)

    def catch_up(self, cancel: CancelToken) -> list[TickOutcome]:
        """Wipe what has expired, then deal with what is due now, in the order in which it became due.

        A tick whose plan or run fails is recorded so, and the next one has its turn.
        """
        for retained in self._retention.wipe_expired(self._engine, self._clock.now()):
            self._watcher.retained(retained)
            if cancel.cancelled:
                break
        outcomes: list[TickOutcome] = []
        while not cancel.cancelled and (tick := self._next_due()) is not None:
            outcome = self._deal_with(tick, cancel)
            outcomes.append(outcome)
            self._watcher.tick_ended(outcome)
            if outcome.state is TickState.STARTED:
                break
        return outcomes

    def upcoming(self) -> tuple[Schedule, datetime] | None:
        """The first tick after what has been dealt with, of all schedules that run; None if none runs."""
        ticks = [(schedule, Ticks.of(schedule).after(self._looked_at)) for schedule, _ in self._running()]
        return min(ticks, key=lambda tick: tick[1], default=None)

    # --- which tick is due

    def _running(self) -> Iterable[tuple[Schedule, datetime]]:
        """The schedules that run, upstream first, with their cursors."""
        for schedule in self._schedules:
            record = self._ledger.schedule(schedule.name)
            if not is_running(schedule, record):
                continue
            cursor = record.cursor
            if cursor is None:  # it runs by its declaration, and is seen for the first time: ticks count from now on
                cursor = self._clock.now()
                self._ledger.set_schedule(schedule.name, cursor=cursor)
            yield schedule, cursor

    def _next_due(self) -> DueTick | None:
        now = self._looked_at = self._clock.now()
        self._engine = self._engine.refreshed()  # keys may have been added since
        self._backlog = Backlog(self._engine.project.graph, self._ledger)
        ticks = (self._backlog.tick(schedule, cursor, now) for schedule, cursor in self._running())
        return min((tick for tick in ticks if tick is not None), key=lambda tick: tick.coverage.tick, default=None)

    # --- deal with it

    def _plan(self, tick: DueTick) -> Plan:
        self._engine.recover()
        due = self._backlog.owed(tick.schedule, tick.coverage)
        # Planned for the present instant, not for the tick: what others make from now on, the run need not make again.
        return self._engine.plan(tick.schedule.job.selection, PartitionRequest(), self._clock.now(), due)

    def _deal_with(self, tick: DueTick, cancel: CancelToken) -> TickOutcome:
        name, at = tick.schedule.name, tick.coverage.tick
        run_id = new_run_id(self._clock.now())
        try:
            plan = self._plan(tick)
        except Exception as error:  # one schedule's trouble must not end the others
            self._ledger.start_tick(TickRecord(name, at, TickState.STARTED, tick.coverage.after))
            return self._ended(tick, TickState.FAILED, f"could not be planned: {_one_line(error)}", error=error)
        runs = run_id if plan.total else None
        # False if an earlier process recorded it, or the clock was set back over it; asking again is harmless.
        self._ledger.start_tick(TickRecord(name, at, TickState.STARTED, tick.coverage.after, runs))
        self._watcher.tick_started(tick, plan, runs)
        if runs is None:
            return self._ended_without_a_run(tick, plan)
        try:
            result = self._engine.run(
                plan,
                workers=self._workers,
                reporter=self._watcher.reporter(),
                cancel=cancel,
                trigger=f"schedule:{name}",
                job=tick.schedule.job.name,
                tags=self._tags(tick),
                run_id=run_id,
            )
        except Exception as error:  # as above
            note = f"its run broke down: {_one_line(error)}"
            recorded = run_id if self._ledger.run(run_id) else None  # a resource that fails stops it before the record
            return self._ended(tick, TickState.FAILED, note, error=error, run_id=recorded, blocked=plan.total_blocked)
        settled = result.materialized + len(result.failed) + len(result.skipped)
        if cancel.cancelled and settled < plan.total:
            return TickOutcome(tick, TickState.STARTED, _summary(result), result, plan.total_blocked)
        return self._ended(
            tick, TickState.REQUESTED, _summary(result), result=result, run_id=run_id, blocked=plan.total_blocked
        )

    def _ended_without_a_run(self, tick: DueTick, plan: Plan) -> TickOutcome:
        if plan.total_blocked:
            step = next(step for step in plan.steps if step.blocked)
            reason = next(iter(step.blocked.values()))
            note = f"{plan.total_blocked} cannot be made yet: {step.asset} {reason}"
            return self._ended(tick, TickState.SKIPPED, note, blocked=plan.total_blocked)
        if tick.record is not None and tick.record.run_id is not None:
            return self._ended(tick, TickState.REQUESTED, "nothing was left to make", run_id=tick.record.run_id)
        return self._ended(tick, TickState.SKIPPED, "nothing was due that is not there")

    def _ended(
        self,
        tick: DueTick,
        state: TickState,
        note: str,
        *,
        result: RunResult | None = None,
        run_id: str | None = None,
        blocked: int = 0,
        error: Exception | None = None,
    ) -> TickOutcome:
        self._ledger.end_tick(tick.schedule.name, tick.coverage.tick, state, run_id=run_id, note=note)
        return TickOutcome(tick, state, note, result, blocked, error)

    def _tags(self, tick: DueTick) -> dict[str, str]:
        return {
            **tick.schedule.job.tags,
            **tick.schedule.tags,
            "gapless/schedule_name": tick.schedule.name,
            "gapless/scheduled_at": tick.coverage.tick.isoformat(),
        }


def _one_line(error: Exception) -> str:
    first = next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _summary(result: RunResult) -> str:
    """``8 made, 1 failed (plays 2024-01-05: ValueError: …), 1 skipped``."""
    parts = [f"{result.made_here:,} made"]
    parts += [f"{number:,} made meanwhile by run {run}" for run, number in result.made_elsewhere.items()]
    if result.failed:
        first = result.failed[0]
        slice_ = f"{first.asset} {first.partition}" if first.partition is not None else first.asset
        parts.append(f"{len(result.failed):,} failed ({slice_}: {first.reason})")
    if result.skipped:
        parts.append(f"{len(result.skipped):,} skipped")
    if result.interrupted:
        parts.append(f"{len(result.interrupted):,} interrupted")
    if result.blocked:
        parts.append(f"{result.blocked:,} cannot be made yet")
    return ", ".join(parts)
