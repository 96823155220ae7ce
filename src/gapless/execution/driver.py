"""Drive a plan: claim what is ready, have it made, have it committed, record what became of it, release what waited.

Who does what:

- this thread claims leases, decides, records in the ledger and reports;
- workers call the users' functions and stage what they return;
- one writer per store commits what is staged, in groups.

A partition is recorded as materialized only after the commit that holds it.
"""

from __future__ import annotations

import heapq
import itertools
import queue
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.execution.cancel import CancelToken
from gapless.execution.failure import Failure
from gapless.execution.outcomes import Tally, failed_outcomes, log_outcomes, made_outcomes, skipped_outcomes
from gapless.execution.progress import Reporter, StepReport
from gapless.execution.ready import ReadySet, Unit
from gapless.execution.result import RunResult
from gapless.execution.step import Failed, Made, StepRunner
from gapless.execution.workers import workers_for
from gapless.execution.writer import Writer
from gapless.ledger.contract import EventKind, Ledger, Outcome, RunState
from gapless.partitions import OrdinalSet
from gapless.planning.plan import Plan, PlanStep
from gapless.storage.errors import DatabaseLockedError
from gapless.storage.slices import Committed, Refused

__all__ = ["Driver"]

_MOST_IN_FLIGHT = 128  # two commit groups: one being committed, one being made
_STAGED_BUDGET = 256 * 2**20  # bytes that may wait for their commit before no more is started
_PARKED_RETRY_S = 0.25  # how often another run's leases are asked for again
_LOOK_S = 1.0  # how often the ledger is asked whether another process wants the run to stop
_GRACE_S = 1.0  # how long functions under way may still finish after a request to stop
_COMMIT_GRACE_S = 4.0  # how long a commit under way may still finish after it


@dataclass(frozen=True, slots=True)
class _Group:
    """What a writer's transaction did."""

    outcomes: Sequence[tuple[Made, Committed | Refused]]


class Driver:
    """Drives one plan to its end. Use it once.

    Args:
        clock: The present instant, timezone-aware.
        recover: Reconciles runs whose process died, so that their leases come free.
    """

    def __init__(
        self,
        plan: Plan,
        graph: AssetGraph,
        resources: Mapping[str, Any],
        ledger: Ledger,
        run_id: str,
        *,
        workers: int,
        clock: Callable[[], datetime],
        recover: Callable[[], object],
        cancel: CancelToken,
        reporter: Reporter,
        configs: Mapping[AssetKey, Any] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self._plan = plan
        self._graph = graph
        self._resources = resources
        self._ledger = ledger
        self._run_id = run_id
        self._clock = clock
        self._recover = recover
        self._cancel = cancel
        self._reporter = reporter
        self._runner = StepRunner(graph, resources, configs or {}, run_id, plan.now, tags or {}, cancel)
        self._ready = ReadySet(plan, graph)
        self._inbox: queue.SimpleQueue[Made | Failed | _Group] = queue.SimpleQueue()
        self._workers = workers_for(workers, self._work, cancel)
        self._worker_count = max(1, workers)
        self._in_flight: dict[tuple[AssetKey, OrdinalSet], Unit] = {}
        self._begun: set[tuple[AssetKey, OrdinalSet]] = set()  # of those in flight, what a worker has taken up
        self._parked: list[Unit] = []
        self._parked_until = 0.0
        self._delayed: list[tuple[float, int, Unit]] = []
        self._sequence = itertools.count()
        self._handing_over = threading.Lock()  # guards what follows, which workers share
        self._writers: dict[int, Writer] = {}
        self._called = 0  # calls that came back
        self._making = 0  # calls handed to workers that have not come back
        self._closed = False  # nothing more is taken from workers
        self._tally = Tally()
        self._started = time.monotonic()
        self._look_again = self._started + _LOOK_S

    def run(self) -> RunResult:
        """Make everything that can be made."""
        try:
            self._skip(self._ready.start(self._plan))
            while not self._asked_to_stop():
                self._fill()
                if not (self._in_flight or self._parked or self._delayed):
                    if self._ready.exhausted:
                        break
                    self._give_up_unreachable()
                    continue
                self._receive(self._patience())
            if self._cancel.cancelled:
                self._wind_down()
        finally:
            self._workers.stop()
            for writer in self._close():
                writer.stop(_COMMIT_GRACE_S)
        state = (
            RunState.CANCELED
            if self._cancel.cancelled
            else RunState.FAILED
            if self._tally.failed or self._tally.skipped or self._plan.total_blocked
            else RunState.SUCCEEDED
        )
        self._ledger.end_run(self._run_id, state, self._clock())
        return self._tally.result(self._run_id, state, self._plan.total_blocked, time.monotonic() - self._started)

    def _asked_to_stop(self) -> bool:
        """Whether this process, or another one through the ledger, asked the run to stop."""
        now = time.monotonic()
        if now >= self._look_again:
            self._look_again = now + _LOOK_S
            if self._ledger.cancel_requested(self._run_id):
                self._cancel.cancel()
        return self._cancel.cancelled

    # --- start things

    def _fill(self) -> None:
        now = time.monotonic()
        while self._delayed and self._delayed[0][0] <= now:
            self._submit(heapq.heappop(self._delayed)[2])
        if self._parked and now >= self._parked_until:
            self._recover()
            parked, self._parked = self._parked, []
            self._claim(parked)
        limit = self._limit()
        while len(self._in_flight) < limit and not self._cancel.cancelled:
            units = self._ready.take(limit - len(self._in_flight))
            if not units:
                return
            self._claim(units)

    def _limit(self) -> int:
        """How many calls to have claimed: enough to keep everyone busy for half a second, so that leases stay short."""
        with self._handing_over:
            staged = sum(writer.staged_bytes for writer in self._writers.values())
        if staged > _STAGED_BUDGET:
            return 0
        rate = self._called / max(time.monotonic() - self._started, 0.02)
        return max(2 * self._worker_count, min(_MOST_IN_FLIGHT, int(rate / 2)))

    def _claim(self, units: list[Unit]) -> None:
        for asset, group in itertools.groupby(units, key=lambda unit: unit.asset):
            same = list(group)
            name = asset.to_user_string()
            keys = [key for unit in same for key in unit.keys]
            claim = self._ledger.claim(self._run_id, name, keys, self._clock(), since=self._plan.read_at)
            give_back: list[str | None] = []
            elsewhere: list[Unit] = []
            for unit in same:
                if not claim.granted.issuperset(unit.keys):
                    give_back += [key for key in unit.keys if key in claim.granted]
                    self._park(unit, claim.held)
                elif claim.committed_since.issuperset(unit.keys):
                    give_back += unit.keys
                    elsewhere.append(unit)
                else:
                    self._submit(unit)
            if give_back:
                self._ledger.release(self._run_id, name, give_back)
            for unit in elsewhere:  # now that the lease is given back, the ledger names who made it, not who holds it
                self._made_elsewhere(unit)

    def _submit(self, unit: Unit) -> None:
        self._in_flight[unit.asset, unit.partitions] = unit
        with self._handing_over:
            self._making += 1
        self._workers.submit(unit)

    def _park(self, unit: Unit, held: Mapping[str | None, str]) -> None:
        if not self._parked:
            holder = next((held[key] for key in unit.keys if key in held), "another run")
            self._reporter.waiting(
                f"waiting for run {holder}, which is making {unit.asset} {unit.keys[0] or ''}".rstrip()
            )
            self._parked_until = time.monotonic() + _PARKED_RETRY_S
        self._parked.append(unit)

    def _made_elsewhere(self, unit: Unit) -> None:
        records = self._ledger.statuses(unit.asset.to_user_string(), unit.keys)
        self._finished(
            [
                StepReport(
                    unit.asset.to_user_string(),
                    key,
                    EventKind.MATERIALIZED,
                    rows=records[key].rows if key in records else None,
                    made_by=records[key].run_id if key in records else None,
                )
                for key in unit.keys
            ]
        )
        self._ready.done(unit.asset, unit.partitions)

    # --- on the workers' and writers' threads

    def _work(self, unit: Unit) -> None:
        self._begun.add((unit.asset, unit.partitions))
        result = self._runner.run(unit)
        with self._handing_over:
            if self._closed:
                return  # the run has ended without us; what we made is not committed
            if isinstance(result, Made) and result.slices is not None:
                self._writer(result.store).put(result, result.slices)
            else:
                self._inbox.put(result)
            self._called += 1
            self._making -= 1

    def _writer(self, resource: str) -> Writer:
        store = self._resources[resource]
        writer = self._writers.get(id(store))
        if writer is None:
            writer = Writer(store, lambda outcomes: self._inbox.put(_Group(outcomes)), lambda: self._making > 0)
            self._writers[id(store)] = writer
        return writer

    def _close(self) -> list[Writer]:
        """Take nothing more from workers; returns the writers, which are then all there will be."""
        with self._handing_over:
            self._closed = True
            return list(self._writers.values())

    # --- take in what became of them

    def _patience(self) -> float:
        """Seconds to wait for news: until the next thing that has to be done without any."""
        # A request to stop is to be seen soon; and how many calls to have claimed follows from how fast they return.
        due = [0.2 if len(self._in_flight) >= _MOST_IN_FLIGHT or self._ready.exhausted else 0.02]
        if self._delayed:
            due.append(self._delayed[0][0] - time.monotonic())
        if self._parked:
            due.append(self._parked_until - time.monotonic())
        return max(0.0, min(due))

    def _receive(self, seconds: float) -> None:
        try:
            news = [self._inbox.get(timeout=seconds) if seconds > 0 else self._inbox.get_nowait()]
        except queue.Empty:
            return
        while True:
            try:
                news.append(self._inbox.get_nowait())
            except queue.Empty:
                break
        made: list[tuple[Made, Committed | None]] = []
        failed: list[tuple[Unit, Failure, float, tuple[tuple[str, str], ...]]] = []
        for item in news:
            if isinstance(item, Made):
                made.append((item, None))
            elif isinstance(item, Failed):
                failed.append((item.unit, item.failure, item.duration_s, item.logs))
            else:
                for staged, outcome in item.outcomes:
                    if isinstance(outcome, Committed):
                        made.append((staged, outcome))
                    elif self._cancel.cancelled and isinstance(outcome.error, DatabaseLockedError):
                        continue  # it gave up its wait because we stop: interrupted, not failed
                    else:
                        failed.append((staged.unit, Failure.of(outcome.error), staged.duration_s, staged.logs))
        self._record_made(made)
        self._record_failed(failed)

    def _record_made(self, made: Sequence[tuple[Made, Committed | None]]) -> None:
        if not made:
            return
        now = self._clock()
        outcomes: list[Outcome] = []
        reports: list[StepReport] = []
        done: dict[AssetKey, list[int]] = {}
        for result, committed in made:
            unit = result.unit
            self._landed(unit)
            outcomes += log_outcomes(unit, result.logs, now)
            materialized, told = made_outcomes(result, committed, self._graph[unit.asset], now)
            outcomes += materialized
            reports += told
            done.setdefault(unit.asset, []).extend(unit.partitions)
        self._ledger.record(self._run_id, outcomes)
        self._finished(reports)
        for asset, ordinals in done.items():
            self._ready.done(asset, OrdinalSet.of(ordinals))

    def _record_failed(self, failed: Sequence[tuple[Unit, Failure, float, tuple[tuple[str, str], ...]]]) -> None:
        now = self._clock()
        for unit, failure, duration_s, logs in failed:
            self._landed(unit)
            policy = self._graph[unit.asset].retry_policy
            again = policy is not None and unit.attempt <= policy.max_retries and not self._cancel.cancelled
            kind = EventKind.RETRIED if again else EventKind.FAILED
            outcomes, reports = failed_outcomes(unit, failure, duration_s, kind, now)
            self._ledger.record(self._run_id, [*log_outcomes(unit, logs, now), *outcomes])
            self._finished(reports)
            if policy is not None and again:
                retry = Unit(unit.step, unit.partitions, unit.attempt + 1)
                due = time.monotonic() + policy.delay_before(unit.attempt, random.random())  # noqa: S311  jitter, not a secret
                heapq.heappush(self._delayed, (due, next(self._sequence), retry))
                continue
            self._tally.keep_exception(failure.exception)
            self._skip(self._ready.failed(unit.asset, unit.partitions, "failed"))

    def _landed(self, unit: Unit) -> None:
        place = unit.asset, unit.partitions
        self._in_flight.pop(place, None)
        self._begun.discard(place)

    def _skip(self, skipped: Sequence[tuple[PlanStep, int, str]]) -> None:
        if skipped:
            outcomes, reports = skipped_outcomes(skipped, self._clock())
            self._ledger.record(self._run_id, outcomes)
            self._finished(reports)

    def _finished(self, reports: Sequence[StepReport]) -> None:
        self._tally.add(reports)
        self._reporter.finished(reports)

    def _give_up_unreachable(self) -> None:
        """What waits for something that nobody will make any more, such as an asset's own blocked yesterday."""
        for step, partitions in self._ready.unfinished():
            self._skip([(step, ordinal, "what it reads cannot be made now") for ordinal in partitions])
            self._skip(self._ready.failed(step.asset, partitions, "was skipped"))

    # --- stop early

    def _wind_down(self) -> None:
        self._workers.stop()
        deadline = time.monotonic() + _GRACE_S
        while any(place in self._begun for place in self._in_flight) and time.monotonic() < deadline:
            self._receive(0.05)
        for writer in self._close():
            writer.stop_waiting()
            writer.wait_idle(_COMMIT_GRACE_S)
        self._receive(0)
        begun = [unit for place, unit in self._in_flight.items() if place in self._begun]
        begun += [unit for _, _, unit in self._delayed]
        now = self._clock()
        reason = "stopped before it was finished; what was there before still stands"
        outcomes = [
            Outcome(unit.asset.to_user_string(), key, EventKind.INTERRUPTED, now, None, reason)
            for unit in begun
            for key in unit.keys
        ]
        self._ledger.record(self._run_id, outcomes)
        self._finished([StepReport(o.asset, o.partition, o.kind, reason) for o in outcomes])
