"""What `gapless serve` prints: a line when something happens, with its time."""

from __future__ import annotations

import json
import traceback
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from gapless.cli.settings import Settings
from gapless.cli.terminal import count, cut, duration, local_time
from gapless.definitions.project import Project
from gapless.definitions.schedules import Schedule
from gapless.errors import GaplessError
from gapless.execution.progress import StepReport
from gapless.ledger.contract import EventKind
from gapless.ledger.schedule_records import TickState
from gapless.planning.plan import Plan, PlanStep
from gapless.planning.retention import kept_for
from gapless.scheduling.backlog import DueTick
from gapless.scheduling.clock import Clock
from gapless.scheduling.daemon import TickOutcome
from gapless.scheduling.retention import Retained
from gapless.views.key_ranges import key_ranges

__all__ = ["JsonLog", "ServeLog"]

_MOST_STEPS = 3
_MOST_RANGES = 2


class ServeLog:
    """Lines for people: the time on this machine's clock, the schedule, what happened."""

    def __init__(self, clock: Clock, project: Project, settings: Settings) -> None:
        self._clock = clock
        self._project = project
        self._settings = settings
        self._said: tuple[str, datetime] | bool | None = False  # what was said of the next tick; False: nothing yet
        self._width = max((len(name) for name in project.schedules), default=0)

    def serving(self, schedules: Sequence[Schedule]) -> None:
        self._say(f"serving {self._project.source}: {count(len(schedules), 'schedule')}")

    def tick_started(self, tick: DueTick, plan: Plan, run_id: str | None) -> None:
        begun = "goes on" if tick.record is not None else "begins"
        if run_id is not None:
            steps = [_step(step) for step in plan.steps if step.partitions]
            more = f" and {len(steps) - _MOST_STEPS} more assets" if len(steps) > _MOST_STEPS else ""
            self._tell(tick, f"{begun}: {', '.join(steps[:_MOST_STEPS])}{more} (run {run_id})")

    def tick_ended(self, outcome: TickOutcome) -> None:
        took = f" in {duration(outcome.result.duration_s)}" if outcome.result is not None else ""
        words = {
            TickState.REQUESTED: f"done{took}",
            TickState.SKIPPED: "nothing to run",
            TickState.FAILED: click.style("failed", fg="red"),
            TickState.STARTED: f"stopped{took}; the next `gapless serve` goes on with it",
        }
        self._tell(outcome.tick, f"{words[outcome.state]}: {outcome.note}")
        if outcome.result is not None and outcome.result.failed and outcome.result.run_id is not None:
            self._tell(outcome.tick, f"why it failed: {self._settings.command('runs', 'logs', outcome.result.run_id)}")
        if outcome.error is not None and not isinstance(outcome.error, GaplessError):
            click.echo("".join(traceback.format_exception(outcome.error)), err=True, nl=False)

    def retained(self, outcome: Retained) -> None:
        asset = self._project.graph[outcome.asset]
        found = count(len(outcome.partitions), "partition") if outcome.partitions else "whatever is"
        which = f"{found} older than {kept_for(asset)}"
        if outcome.wiped is not None:
            rows = "" if outcome.wiped.rows is None else f", {count(outcome.wiped.rows, 'row')}"
            self._say(f"retention  {asset.name}: {which} wiped{rows}")
        else:
            failed = click.style("not wiped", fg="red")
            self._say(f"retention  {asset.name}: {which} {failed}: {cut(str(outcome.error), 200)}")

    def waiting(self, upcoming: tuple[Schedule, datetime] | None) -> None:
        said = None if upcoming is None else (upcoming[0].name, upcoming[1])
        if said == self._said:
            return
        self._said = said
        if upcoming is None and not self._project.schedules:
            self._say("no schedules; looking for what has expired every hour")
        elif upcoming is None:
            command = self._settings.command("schedules", "start", next(iter(self._project.schedules)))
            self._say(f"no schedule runs. To start one: {command}")
        else:
            self._say(f"next: {upcoming[0].name} at {_civil(upcoming[1], upcoming[0])}")

    def stopped(self, drained: bool, once: bool) -> None:
        if drained:
            self._say("stopped, as asked. The next `gapless serve` makes whatever becomes due until then.")
        elif once:
            self._say("nothing is due any more.")

    def reporter(self) -> _Failures:
        return _Failures(self._say)

    def _tell(self, tick: DueTick, what: str) -> None:
        self._say(f"{tick.schedule.name:<{self._width}}  tick {_civil(tick.coverage.tick, tick.schedule)}  {what}")

    def _say(self, what: str) -> None:
        click.echo(f"{local_time(self._clock.now())}  {what}")


class _Failures:
    """Of a run that goes on, says what does not go well, as soon as it is known."""

    def __init__(self, say: Any) -> None:
        self._say = say

    def started(self, run_id: str, plan: Plan) -> None:
        """Said by the tick."""

    def finished(self, reports: Sequence[StepReport]) -> None:
        for report in reports:
            if report.kind in (EventKind.FAILED, EventKind.RETRIED, EventKind.CHECKED, EventKind.LOG):
                which = f"{report.asset} {report.partition}" if report.partition is not None else report.asset
                what = "warning" if report.kind is EventKind.LOG else report.kind.value
                self._say(f"{which}  {what}: {cut(report.reason or '', 200)}")

    def waiting(self, message: str) -> None:
        self._say(message)

    def ended(self) -> None:
        """Said by the tick."""


class JsonLog:
    """One JSON object a line, for programs. `event` says which."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._said: tuple[str, datetime] | bool | None = False

    def serving(self, schedules: Sequence[Schedule]) -> None:
        self._print("serving", schedules=[schedule.name for schedule in schedules])

    def tick_started(self, tick: DueTick, plan: Plan, run_id: str | None) -> None:
        partitions = {str(step.asset): len(step.partitions) for step in plan.steps if step.partitions}
        self._print("tick_started", **_facts(tick), run_id=run_id, partitions=partitions)

    def tick_ended(self, outcome: TickOutcome) -> None:
        result = outcome.result
        self._print(
            "tick_ended",
            **_facts(outcome.tick),
            state=outcome.state.value,
            note=outcome.note,
            run_id=None if result is None else result.run_id,
            materialized=0 if result is None else result.materialized,
            failed=0 if result is None else len(result.failed),
            skipped=0 if result is None else len(result.skipped),
            blocked=outcome.blocked,
        )

    def retained(self, outcome: Retained) -> None:
        wiped = outcome.wiped
        self._print(
            "retention",
            asset=str(outcome.asset),
            partitions=len(outcome.partitions),
            rows=None if wiped is None else wiped.rows,
            error=None if outcome.error is None else str(outcome.error),
        )

    def waiting(self, upcoming: tuple[Schedule, datetime] | None) -> None:
        said = None if upcoming is None else (upcoming[0].name, upcoming[1])
        if said != self._said:
            self._said = said
            self._print("waiting", schedule=said and said[0], until=said and said[1].isoformat())

    def stopped(self, drained: bool, once: bool) -> None:
        self._print("stopped", drained=drained)

    def reporter(self) -> None:
        return None

    def _print(self, event: str, **facts: Any) -> None:
        at = self._clock.now().isoformat(timespec="milliseconds")
        click.echo(json.dumps({"at": at, "event": event, **facts}, ensure_ascii=False))


def _facts(tick: DueTick) -> dict[str, Any]:
    return {"schedule": tick.schedule.name, "scheduled_at": tick.coverage.tick.isoformat()}


def _step(step: PlanStep) -> str:
    """``plays 2024-01-01..2024-01-10 (10)``."""
    if step.definition is None:
        return str(step.asset)
    ranges = key_ranges(step.definition, step.partitions)
    text = ", ".join(map(str, ranges[:_MOST_RANGES])) + (", …" if len(ranges) > _MOST_RANGES else "")
    return f"{step.asset} {text}"


def _civil(instant: datetime, schedule: Schedule) -> str:
    return f"{instant.astimezone(ZoneInfo(schedule.timezone)):%Y-%m-%d %H:%M %Z}"
