"""`gapless schedules`: which schedules there are, what they will do, whether they run. `gapless serve`: run them."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from gapless.cli.recovery import recover
from gapless.cli.serve_log import JsonLog, ServeLog
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, table
from gapless.definitions.project import Project
from gapless.definitions.schedules import Schedule
from gapless.engine import Engine, system_clock
from gapless.errors import InvocationError
from gapless.execution.cancel import CancelToken, cancel_on_signals
from gapless.ledger.home import home_path, open_ledger
from gapless.ledger.schedule_records import TickRecord
from gapless.scheduling import state
from gapless.scheduling.clock import SystemClock
from gapless.scheduling.daemon import Daemon
from gapless.scheduling.preview import Foreseen, ScheduleState, foresee, state_of
from gapless.scheduling.serve_lock import holder, serve_lock
from gapless.views.key_ranges import KeyRange, key_ranges

__all__ = ["schedules", "serve"]

_MOST_RANGES = 6


@click.group()
def schedules() -> None:
    """List, preview, start and stop schedules. They tick while `gapless serve` runs."""


@schedules.command("list")
@project_options
@click.pass_obj
def list_(settings: Settings) -> None:
    """The schedules, whether they run, and when they tick."""
    declared = settings.load()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        states = [state_of(schedule, project.graph, ledger, system_clock()) for schedule in project.schedules.values()]
    if settings.as_json:
        settings.print_json([_state_json(known) for known in states])
        return
    if not states:
        click.echo(f"{project.source} declares no schedules.")
        return
    rows = [
        [
            known.schedule.name,
            known.schedule.job.name,
            known.schedule.cron_schedule,
            known.schedule.timezone,
            "running" if known.running else "stopped",
            _civil(known.next_tick, known.schedule) if known.running else "-",
            _last(known.last_tick, known.schedule),
        ]
        for known in states
    ]
    click.echo(table(["SCHEDULE", "JOB", "CRON", "TIMEZONE", "STATE", "NEXT TICK", "LAST TICK"], rows))
    _say_whether_served(settings, any(known.running for known in states))


@schedules.command(short_help="When a schedule ticks next, and what it asks for then.")
@click.argument("name")
@click.option("--ticks", type=click.IntRange(1, 1000), default=5, show_default=True, help="How many to foresee.")
@project_options
@click.pass_obj
def preview(settings: Settings, name: str, ticks: int) -> None:
    """When a schedule ticks next, what it asks for then, and what it owes now. Changes nothing."""
    declared = settings.load()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        schedule = project.schedule(name)
        known = state_of(schedule, project.graph, ledger, system_clock())
    foreseen = foresee(known, ticks)
    if settings.as_json:
        settings.print_json(
            {
                **_state_json(known),
                "owed": {
                    str(asset): [r.to_json() for r in key_ranges(project.graph[asset].partitions_def, ordinals)]
                    for asset, ordinals in known.owed.items()
                },
                "ticks": [
                    {
                        "at": _civil_iso(tick.at, schedule),
                        "partitions": len(tick.partitions),
                        "ranges": [r.to_json() for r in _ranges_of(schedule, tick)],
                    }
                    for tick in foreseen
                ],
            }
        )
        return
    running = "running" if known.running else "stopped"
    click.echo(f"{schedule.name}: job {schedule.job.name}, {schedule.cron_schedule} {schedule.timezone}, {running}")
    _print_owed(known, project)
    if not known.running:
        click.echo(f"if it were started now ({settings.command('schedules', 'start', name)}):")
    rows = [[_civil(tick.at, schedule), _in_words(_ranges_of(schedule, tick))] for tick in foreseen]
    click.echo(table(["TICK", "ASKS FOR"], rows))


@schedules.command()
@click.argument("name")
@project_options
@click.pass_obj
def start(settings: Settings, name: str) -> None:
    """Let a schedule tick, from now on.

    What became due while it was stopped is not owed, since it was stopped on purpose. What becomes due while it is
    started and `gapless serve` is not running is made as soon as that runs again.
    """
    declared, now = settings.load(), system_clock()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        schedule = project.schedule(name)
        changed = state.start(ledger, schedule, now)
        known = state_of(schedule, project.graph, ledger, now)
    if settings.as_json:
        settings.print_json({**_state_json(known), "changed": changed})
        return
    first = foresee(known, 1)[0]
    asks = _in_words(_ranges_of(schedule, first))
    click.echo(f"{name} {'runs from now on' if changed else 'runs already; nothing changed'}.")
    click.echo(f"next tick: {_civil(first.at, schedule)}, for {asks}")
    if changed:
        command = settings.command("materialize", "--job", schedule.job.name)
        click.echo(f"what became due before now is not owed; to make what is missing of it: {command}")
    _say_whether_served(settings, True)


@schedules.command()
@click.argument("name")
@project_options
@click.pass_obj
def stop(settings: Settings, name: str) -> None:
    """Let a schedule tick no more. A run of it that is under way goes on to its end."""
    declared, now = settings.load(), system_clock()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        schedule = project.schedule(name)
        changed = state.stop(ledger, schedule)
        known = state_of(schedule, project.graph, ledger, now)
    if settings.as_json:
        settings.print_json({**_state_json(known), "changed": changed})
        return
    if not changed:
        click.echo(f"{name} is stopped already; nothing changed.")
        return
    click.echo(f"{name} is stopped. What becomes due until it is started again is not asked for.")
    click.echo(f"to start it: {settings.command('schedules', 'start', name)}")


@click.command()
@click.option("--once", is_flag=True, help="Deal with what is due now, and end; with 1 if not all is made.")
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Threads for each run (default: one per processor)."
)
@project_options
@click.pass_obj
def serve(settings: Settings, once: bool, workers: int | None) -> int:
    """Run the schedules: at each tick, make the partitions that have become due. Each hour, wipe what has expired.

    What became due while nothing served is made first, in order. Ctrl-C and SIGTERM drain: no tick begins any more, a
    run under way stops as it would after Ctrl-C in `gapless materialize`, and the next `serve` goes on where it
    stopped. A second one ends at once. Definitions are loaded when it starts: restart it to serve changed ones.
    """
    project = settings.load()
    if not project.schedules and all(asset.keep is None for asset in project.graph.assets):
        raise InvocationError(
            f"{project.source} declares no schedules, so there is nothing to serve",
            "Make one with build_schedule_from_partitioned_job(job).",
        )
    clock, cancel = SystemClock(), CancelToken()
    log = JsonLog(clock) if settings.as_json else ServeLog(clock, project, settings)
    with Engine(project) as engine, serve_lock(home_path(), clock.now()), cancel_on_signals(cancel):
        recover(engine.project, engine.ledger)
        daemon = Daemon(engine, clock, log, workers=workers)
        log.serving(list(project.schedules.values()))
        if once:
            outcomes = daemon.catch_up(cancel)
            log.stopped(drained=cancel.cancelled, once=True)
            return 0 if all(outcome.success for outcome in outcomes) else 1
        daemon.serve(cancel)
        log.stopped(drained=True, once=False)
    return 0


def _print_owed(known: ScheduleState, project: Project) -> None:
    if known.waiting is None:
        return
    at = _civil(known.waiting.coverage.tick, known.schedule)
    if not known.owed:
        click.echo(f"owed now: nothing; all that the tick of {at} asks for is there")
        return
    begun = ", begun and not ended" if known.waiting.record is not None else ""
    click.echo(f"owed now, by the tick of {at}{begun}:")
    for asset, ordinals in known.owed.items():
        click.echo(f"  {asset}  {_in_words(key_ranges(project.graph[asset].partitions_def, ordinals))}")


def _say_whether_served(settings: Settings, running: bool) -> None:
    if running and holder(home_path()) is None:
        click.echo(f"\nnothing serves this project now, so nothing ticks. To serve it: {settings.command('serve')}")


def _ranges_of(schedule: Schedule, tick: Foreseen) -> tuple[KeyRange, ...]:
    return key_ranges(schedule.job.partitions_def, tick.partitions)


def _in_words(ranges: tuple[KeyRange, ...]) -> str:
    """``2024-01-01..2024-01-10 (10 partitions)``."""
    if not ranges:
        return "nothing"
    total = sum(key_range.count for key_range in ranges)
    text = ", ".join(map(str, ranges[:_MOST_RANGES])) + (", …" if len(ranges) > _MOST_RANGES else "")
    return f"{text} ({count(total, 'partition')})" if total > 1 else text


def _civil(instant: datetime, schedule: Schedule) -> str:
    return f"{instant.astimezone(ZoneInfo(schedule.timezone)):%Y-%m-%d %H:%M %Z}"


def _civil_iso(instant: datetime, schedule: Schedule) -> str:
    return instant.astimezone(ZoneInfo(schedule.timezone)).isoformat()


def _last(tick: TickRecord | None, schedule: Schedule) -> str:
    if tick is None:
        return "-"
    note = f": {cut(tick.note, 60)}" if tick.note else ""
    return f"{_civil(tick.scheduled_at, schedule)} {tick.state.value}{note}"


def _state_json(known: ScheduleState) -> dict[str, Any]:
    schedule, last = known.schedule, known.last_tick
    return {
        "schedule": schedule.name,
        "job": schedule.job.name,
        "cron": schedule.cron_schedule,
        "timezone": schedule.timezone,
        "running": known.running,
        "next_tick": _civil_iso(known.next_tick, schedule) if known.running else None,
        "due_tick": _civil_iso(known.waiting.coverage.tick, schedule) if known.waiting is not None else None,
        "last_tick": None
        if last is None
        else {
            "at": _civil_iso(last.scheduled_at, schedule),
            "state": last.state.value,
            "run_id": last.run_id,
            "note": last.note,
        },
    }
