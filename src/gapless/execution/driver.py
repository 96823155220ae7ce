"""Drive a plan: claim what is ready, have it made, have it committed, record what became of it, release what waited.

Who does what:

- this thread claims leases, decides, records in the ledger and reports;
- workers call the users' functions and stage what they return;
- one writer per store commits what is staged, in groups.

A partition is recorded as materialized only after the commit that holds it.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.errors import GaplessError
from gapless.execution.call import Failed, Logged, Made, Warned
from gapless.execution.cancel import CancelToken
from gapless.execution.failure import Failure
from gapless.execution.handover import Handover
from gapless.execution.in_flight import InFlight
from gapless.execution.input_versions import InputVersions
from gapless.execution.late_commits import LateCommits
from gapless.execution.leases import Leases
from gapless.execution.neighbours import RecordedRows
from gapless.execution.outcomes import (
    Tally,
    check_outcomes,
    failed_outcomes,
    interrupted_outcomes,
    log_outcomes,
    made_outcomes,
    skipped_outcomes,
    warned_outcomes,
)
from gapless.execution.progress import Reporter, Silent, StepReport
from gapless.execution.ready import ReadySet, Unit
from gapless.execution.result import RunResult
from gapless.execution.retries import Retries
from gapless.execution.step import StepRunner
from gapless.execution.uncertain import UncertainCommits
from gapless.execution.workers import workers_for
from gapless.ledger.contract import EventKind, Ledger, Outcome, RunState
from gapless.partitions import OrdinalSet
from gapless.planning.plan import Plan, PlanStep
from gapless.storage.errors import StoreBusyError
from gapless.storage.slices import Committed, Uncertain

__all__ = ["Driver"]

_MOST_IN_FLIGHT = 128  # two commit groups: one being committed, one being made
_LOOK_S = 1.0  # how often the ledger is asked whether another process wants the run to stop
_LAST_WORD_S = 0.01  # how often it is looked whether functions that owe nothing any more have returned
_GRACE_S = 1.0  # how long functions under way may still finish after a request to stop


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
        self._versions = InputVersions(graph, ledger)
        self._rows = RecordedRows(ledger)
        self._runner = StepRunner(
            graph, resources, configs or {}, run_id, plan.now, tags or {}, cancel, self._versions, self._rows
        )
        self._ready = ReadySet(plan, graph)
        self._handover = Handover(resources, {step.asset: len(step.partitions) for step in plan.steps}, cancel)
        self._workers = workers_for(workers, self._work, cancel)
        self._worker_count = max(1, workers)
        self._in_flight = InFlight()
        self._leases = Leases(ledger, run_id, plan.read_at, clock, reporter.waiting)
        self._retries = Retries()
        self._tally = Tally()
        self._uncertain = UncertainCommits(graph, resources, run_id, cancel)
        self._late = LateCommits(self._handover)
        self._started = time.monotonic()
        self._look_again = self._started + _LOOK_S

    def run(self) -> RunResult:
        """Make everything that can be made."""
        try:
            self._skip(self._ready.start(self._plan))
            while not self._asked_to_stop():
                started_all = self._fill()
                if not (self._in_flight or self._leases.parked or self._retries):
                    if self._handover.making:
                        self._receive(_LAST_WORD_S)
                        continue
                    self._receive(0)  # what the last calls said when all that they make had landed
                    if self._ready.exhausted:
                        break
                    self._give_up_unreachable()
                    continue
                if started_all and self._handover.held and not self._retries:
                    self._handover.commit_held()
                self._receive(self._patience())
            if self._cancel.cancelled:
                self._wind_down()
        except KeyboardInterrupt:  # a person's patience has ended; what is committed by now is made
            self._late.stop_writers()
            self._receive(0)
            raise
        finally:
            self._workers.stop()
            self._late.stop_writers()
        self._settle(ask=not self._cancel.cancelled)
        state = RunState.CANCELED if self._cancel.cancelled else self._tally.state(self._plan.total_blocked)
        result = self._tally.result(self._run_id, state, self._plan.total_blocked, time.monotonic() - self._started)
        if self._late:  # what lands from now on is in the ledger alone
            self.end_once_landed(state)
        else:
            self._ledger.end_run(self._run_id, state, self._clock())
        return result

    def _asked_to_stop(self) -> bool:
        """Whether this process, or another one through the ledger, asked the run to stop."""
        now = time.monotonic()
        if now >= self._look_again:
            self._look_again = now + _LOOK_S
            if self._ledger.cancel_requested(self._run_id):
                self._cancel.cancel()
        return self._cancel.cancelled

    # --- start things

    def _fill(self) -> bool:
        """Start what can be started; whether that is all that can be now."""
        now = time.monotonic()
        for unit in self._retries.due(now):
            self._submit(unit)
        if self._leases.parked and now >= self._leases.ask_again_at:
            self._recover()
            self._claim(self._leases.take_parked())
        limit = self._limit()
        while len(self._in_flight) < limit and not self._cancel.cancelled:
            units = self._ready.take(limit - len(self._in_flight))
            if not units:
                return True
            self._claim(units)
        return False

    def _limit(self) -> int:
        """How many calls to have claimed: enough to keep everyone busy for half a second, so that leases stay short."""
        if self._handover.full:
            return 0
        rate = self._handover.returned / max(time.monotonic() - self._started, 0.02)
        return self._handover.held + max(2 * self._worker_count, min(_MOST_IN_FLIGHT, int(rate / 2)))

    def _claim(self, units: Sequence[Unit]) -> None:
        ours, elsewhere = self._leases.claim(units)
        for unit in ours:
            self._submit(unit)
        for unit, reports in elsewhere:
            self._finished(reports)
            self._handover.given_up(unit.asset, len(unit.partitions))
            self._ready.done(unit.asset, unit.partitions)

    def _submit(self, unit: Unit) -> None:
        self._in_flight.submit(unit)
        self._handover.submitted()
        self._workers.submit(unit)

    # --- on the workers' threads

    def _work(self, unit: Unit) -> None:
        self._in_flight.begin(unit)
        self._handover.work(lambda: self._runner.run(unit, self._handover))

    # --- take in what became of them

    def _patience(self) -> float:
        """Seconds to wait for news: until the next thing that has to be done without any."""
        # A request to stop is to be seen soon; and how many calls to have claimed follows from how fast they return.
        due = [0.2 if len(self._in_flight) >= _MOST_IN_FLIGHT or self._ready.exhausted else 0.02]
        if self._retries:
            due.append(self._retries.next_at - time.monotonic())
        if self._leases.parked:
            due.append(self._leases.ask_again_at - time.monotonic())
        return max(0.0, min(due))

    def _receive(self, seconds: float) -> None:
        news = self._handover.news(seconds)
        if not news:
            return
        made: list[tuple[Made, Committed | None]] = []
        failed: list[Failed] = []
        unknown: list[Unit] = []
        for item in news:
            if isinstance(item, Made):
                made.append((item, None))
            elif isinstance(item, Failed):
                failed.append(item)
            elif isinstance(item, Logged):
                self._ledger.record(self._run_id, log_outcomes(item.unit, item.logs, self._clock()))
            elif isinstance(item, Warned):
                outcomes, reports = warned_outcomes(item, self._clock())
                self._ledger.record(self._run_id, outcomes)
                self._finished(reports)
            else:
                for staged, outcome in item.outcomes:
                    if isinstance(outcome, Committed):
                        made.append((staged, outcome))
                    elif isinstance(outcome, Uncertain):
                        self._uncertain.add(staged, outcome.error)
                        unknown.append(staged.unit)
                        self._tally.checks.add(staged.checks)
                    elif self._cancel.cancelled and isinstance(outcome.error, StoreBusyError):
                        continue  # it gave up its wait because we stop: interrupted, not failed
                    else:
                        failure = Failure.of(outcome.error)
                        failed.append(Failed(staged.unit, failure, staged.duration_s, staged.logs, staged.checks))
        landed = [*(result.unit for result, _ in made), *unknown]
        undone = [undoing for unit in landed for undoing in self._landed(unit)]
        self._record_made(made)
        self._record_failed([*failed, *undone])
        for unit in unknown:
            self._skip(self._ready.failed(unit.asset, unit.partitions, "is not known to be made"))

    def _record_made(self, made: Sequence[tuple[Made, Committed | None]]) -> None:
        if not made:
            return
        now = self._clock()
        outcomes: list[Outcome] = []
        reports: list[StepReport] = []
        done: dict[AssetKey, list[int]] = {}
        for result, committed in made:
            unit = result.unit
            outcomes += log_outcomes(unit, result.logs, now)
            for found, told in (
                check_outcomes(result.checks, now),
                made_outcomes(result, committed, self._graph[unit.asset], now),
            ):
                outcomes += found
                reports += told
            done.setdefault(unit.asset, []).extend(unit.partitions)
            self._tally.checks.add(result.checks)
            if committed is not None:
                self._tally.add_dropped(unit, committed)
        self._ledger.record(self._run_id, outcomes)
        for asset in done:
            here = [o for o in outcomes if o.kind is EventKind.MATERIALIZED and o.asset == asset.to_user_string()]
            self._versions.committed(self._graph[asset], ((o.partition, o.data_version) for o in here))
            self._rows.committed(asset, ((o.partition, o.rows) for o in here))
        self._finished(reports)
        for asset, ordinals in done.items():
            self._ready.done(asset, OrdinalSet.of(ordinals))

    def _record_failed(self, failed: Sequence[Failed]) -> None:
        now = self._clock()
        outcomes: list[Outcome] = []
        reports: list[StepReport] = []
        final: list[Failed] = []
        for piece in failed:
            unit = piece.unit
            if piece.after_all and self._in_flight.postpone(piece):
                continue  # what it undoes is with the writer
            policy = self._graph[unit.asset].retry_policy
            again = policy is not None and unit.attempt <= policy.max_retries and not self._cancel.cancelled
            again = again and not piece.after_all
            kind = EventKind.RETRIED if again else EventKind.FAILED
            found = failed_outcomes(unit, piece.failure, piece.duration_s, kind, now)
            checked = check_outcomes(piece.checks, now)
            outcomes += [*log_outcomes(unit, piece.logs, now), *checked[0], *found[0]]
            reports += [*checked[1], *found[1]]
            self._tally.checks.add(piece.checks)
            if again:
                self._in_flight.try_again(unit)
            else:
                final.append(piece)
            if not piece.after_all:
                self._landed(unit)
        if outcomes:
            self._ledger.record(self._run_id, outcomes)
            self._finished(reports)
        for piece in final:
            unit = piece.unit
            if not piece.after_all:
                self._handover.given_up(unit.asset, len(unit.partitions))
            elif not self._uncertain.undo(unit):
                self._tally.materialized -= len(unit.partitions)
            self._tally.keep_exception(piece.failure.exception)
            self._skip(self._ready.failed(unit.asset, unit.partitions, "failed"))

    def _landed(self, piece: Unit) -> list[Failed]:
        """These partitions have an outcome; returns what undoes it."""
        undoing, again = self._in_flight.landed(piece)
        policy = self._graph[piece.asset].retry_policy
        if policy is not None:
            for retry in again:
                delay = policy.delay_before(piece.attempt, random.random())  # noqa: S311  jitter, not a secret
                self._retries.add(retry, time.monotonic() + delay)
        return undoing

    def _skip(self, skipped: Sequence[tuple[PlanStep, int, str]]) -> None:
        if skipped:
            outcomes, reports = skipped_outcomes(skipped, self._clock())
            self._ledger.record(self._run_id, outcomes)
            self._finished(reports)
            for step, _, _ in skipped:
                self._handover.given_up(step.asset, 1)

    def _finished(self, reports: Sequence[StepReport]) -> None:
        self._tally.add(reports)
        self._reporter.finished(reports)

    def _give_up_unreachable(self) -> None:
        """What waits for something that nobody will make any more, such as an asset's own blocked yesterday."""
        for step, partitions in self._ready.unfinished():
            self._skip([(step, ordinal, "what it reads cannot be made now") for ordinal in partitions])
            self._skip(self._ready.failed(step.asset, partitions, "was skipped"))

    def _settle(self, *, ask: bool) -> None:
        outcomes, reports, error = self._uncertain.settle(self._clock(), ask=ask)
        if outcomes:
            self._ledger.record(self._run_id, outcomes)
            self._finished(reports)
        if error is not None:
            self._tally.keep_exception(error)

    # --- stop

    def _wind_down(self) -> None:
        self._workers.stop()
        deadline = time.monotonic() + _GRACE_S
        while self._in_flight.any_begun and time.monotonic() < deadline:
            self._receive(0.05)
        for writer in self._handover.close():
            writer.stop_waiting()
        self._late.stop_writers()
        self._receive(0)
        outcomes = self._interrupted()
        if not self._late:  # else it is not known yet, and the leases are kept until it is
            self._ledger.record(self._run_id, outcomes)
        self._finished([StepReport(o.asset, o.partition, o.kind, o.reason) for o in outcomes])

    def _interrupted(self) -> list[Outcome]:
        """What was begun and has no outcome."""
        begun = [*self._in_flight.begun(), *self._retries]
        return interrupted_outcomes(begun, self._clock())

    def once_landed(self, end: Callable[[], None]) -> None:
        """Call `end` as soon as no commit is under way any more: only then can be told what the run has made."""
        self._late.once_landed(end)

    def end_once_landed(self, state: RunState, why: str | None = None) -> None:
        """End the run as soon as no commit is under way any more.

        Whoever ran it was told already; what is known by then is recorded, and the leases are given back.
        """
        self._reporter = Silent()

        def end() -> None:
            with contextlib.suppress(GaplessError):  # then the run is reconciled once this process has ended
                self._receive(0)
                self._settle(ask=False)
                self._ledger.record(self._run_id, self._interrupted())
                self._ledger.end_run(self._run_id, state, self._clock(), why)

        self._late.once_landed(end)
