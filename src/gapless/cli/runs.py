"""`gapless runs`: what has run, what became of it, and what it said."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, duration, local_time, table
from gapless.errors import InvocationError
from gapless.ledger.contract import Event, EventKind, Ledger, RunRecord, RunState
from gapless.ledger.errors import UnknownRunError
from gapless.ledger.home import open_ledger
from gapless.views.runs import RunOutcome, outcomes, run_json

__all__ = ["runs"]

_MOST_KEYS = 6
_MOST_GROUPS = 20
_COLOURS = {
    RunState.RUNNING: "blue",
    RunState.SUCCEEDED: "green",
    RunState.FAILED: "red",
    RunState.CANCELED: "yellow",
    RunState.CRASHED: "red",
}
_EVENT_COLOURS = {
    EventKind.MATERIALIZED: "green",
    EventKind.RECONCILED: "green",
    EventKind.FAILED: "red",
    EventKind.SKIPPED: "yellow",
    EventKind.RETRIED: "yellow",
    EventKind.INTERRUPTED: "yellow",
    EventKind.CHECKED: "yellow",
}
# What an event's payload holds for programs, or is shown in a place of its own.
_NOT_SHOWN = frozenset(
    {"traceback", "hint", "rows", "duration_s", "columns", "table", "metadata", "level", "batch", "inputs"}
)


@click.group()
def runs() -> None:
    """What has run: list, show, logs, cancel. Needs no definitions, only the ledger."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="The newest N.")
@project_options
@click.pass_obj
def list_(settings: Settings, limit: int) -> None:
    """The newest runs."""
    now = datetime.now(UTC)
    with open_ledger() as ledger:
        found = ledger.runs(limit=limit)
        dead = {run.run_id for run in ledger.dead_runs()}
    if settings.as_json:
        settings.print_json([{**run_json(run, now), "process_gone": run.run_id in dead} for run in found])
        return
    if not found:
        click.echo(f"nothing has run yet. Start with: {settings.command('materialize')}")
        return
    rows = [
        [
            run.run_id,
            _state(run, dead),
            local_time(run.created_at),
            duration(((run.ended_at or now) - run.created_at).total_seconds()) if run.run_id not in dead else "-",
            f"{run.targeted:,}",
            run.job or "-",
            run.trigger,
        ]
        for run in found
    ]
    click.echo(table(["RUN", "STATE", "STARTED", "TOOK", "PARTITIONS", "JOB", "TRIGGER"], rows, right=(3, 4)))
    if any(run.run_id in dead for run in found):
        click.echo("\nDead: its process is gone. The next materialize or status finds out what it had committed.")


@runs.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@project_options
@click.pass_obj
def show(settings: Settings, run_id: str | None) -> None:
    """One run and its partitions by outcome. RUN is its id, or the start of it; the newest by default."""
    now = datetime.now(UTC)
    with open_ledger() as ledger:
        run = _find(ledger, run_id, settings)
        found = outcomes(ledger, run.run_id)
        dead = {dead.run_id for dead in ledger.dead_runs()}
        open_now = ledger.leases(run.run_id)
    if settings.as_json:
        settings.print_json(
            {
                **run_json(run, now),
                "process_gone": run.run_id in dead,
                "outcomes": [outcome.to_json() for outcome in found],
                "open": [{"asset": asset, "partition": key} for asset, key in open_now],
                "plan": dict(run.plan),
            }
        )
        return
    _print_run(run, dead, now)
    for outcome in found[:_MOST_GROUPS]:
        _print_outcome(outcome, run)
    if len(found) > _MOST_GROUPS:
        rest = sum(len(outcome.partitions) for outcome in found[_MOST_GROUPS:])
        click.echo(f"\n… and {count(rest, 'partition')} for {len(found) - _MOST_GROUPS:,} other reasons")
    if open_now:
        state = "was at work on" if run.run_id in dead else "at work on"
        click.echo(f"\n{click.style(state, fg='blue')} {count(len(open_now), 'partition')}")
        for asset, key in open_now[:_MOST_KEYS]:
            click.echo(f"  {asset}{f' {key}' if key is not None else ''}")
    if any(outcome.kind is EventKind.FAILED for outcome in found):
        again = settings.command("runs", "logs", run.run_id, "--failed")
        click.echo(f"\nsee why  {click.style(again, bold=True)}")


@runs.command(short_help="What a run recorded, in order; its tracebacks.")
@click.argument("run_id", required=False, metavar="[RUN]")
@click.option("--failed", is_flag=True, help="Only failures, with their tracebacks.")
@project_options
@click.pass_obj
def logs(settings: Settings, run_id: str | None, failed: bool) -> None:
    """What a run recorded, in order: outcomes, tracebacks, metadata, log lines. The newest run by default."""
    kinds = (EventKind.FAILED, EventKind.RETRIED) if failed else None
    with open_ledger() as ledger:
        run = _find(ledger, run_id, settings)
        events = ledger.events(run_id=run.run_id, kinds=kinds)
    if settings.as_json:
        settings.print_json([_event_json(event) for event in events])
        return
    for event in events:
        _print_event(event)
    if not events:
        click.echo(f"run {run.run_id} has no failures." if failed else f"run {run.run_id} has recorded nothing.")


@runs.command()
@click.argument("run_id", required=False, metavar="[RUN]")
@project_options
@click.pass_obj
def cancel(settings: Settings, run_id: str | None) -> None:
    """Ask a run to stop, wherever it runs (default: the newest). What is finished stays."""
    with open_ledger() as ledger:
        run = _find(ledger, run_id, settings)
        if run.state is not RunState.RUNNING:
            raise InvocationError(
                f"run {run.run_id} has ended already: {run.state.value}",
                f"List the runs with: {settings.command('runs', 'list')}",
            )
        if any(run.run_id == dead.run_id for dead in ledger.dead_runs()):
            raise InvocationError(
                f"the process of run {run.run_id} is gone, so there is nothing to stop",
                f"What it held comes free with: {settings.command('status')}",
            )
        ledger.request_cancel(run.run_id)
    if settings.as_json:
        settings.print_json({"run_id": run.run_id, "cancel_requested": True})
    else:
        click.echo(f"run {run.run_id} was asked to stop; it does so within seconds.")


def _find(ledger: Ledger, run_id: str | None, settings: Settings) -> RunRecord:
    if run_id is None:
        newest = ledger.runs(limit=1)
        if not newest:
            raise InvocationError("nothing has run yet", f"Start with: {settings.command('materialize')}")
        run_id = newest[0].run_id
    run = ledger.run(run_id)
    if run is None:
        raise UnknownRunError(run_id)
    return run


def _state(run: RunRecord, dead: set[str]) -> str:
    if run.run_id in dead:
        return click.style("dead", fg="red")
    return click.style(run.state.value, fg=_COLOURS[run.state])


def _print_run(run: RunRecord, dead: set[str], now: datetime) -> None:
    click.echo(f"run {click.style(run.run_id, bold=True)}  {_state(run, dead)}")
    took = "" if run.run_id in dead else f", took {duration(((run.ended_at or now) - run.created_at).total_seconds())}"
    click.echo(f"started {local_time(run.created_at)}{took}; {count(run.targeted, 'partition')} planned")
    origin = [f"trigger {run.trigger}", *([f"job {run.job}"] if run.job else [])]
    click.echo(f"{', '.join(origin)}; process {run.pid} on {run.host}")
    for name, value in run.tags.items():
        click.echo(f"tag {name} = {value}")
    if run.error:
        click.echo(f"ended because {run.error}")


def _print_outcome(outcome: RunOutcome, run: RunRecord) -> None:
    rows = f", {count(outcome.rows, 'row')}" if outcome.kind is EventKind.MATERIALIZED else ""
    head = click.style(outcome.kind.value, fg=_EVENT_COLOURS.get(outcome.kind))
    click.echo(f"\n{head}  {outcome.asset}  {count(len(outcome.partitions), 'partition')}{rows}")
    keys = [key for key in outcome.partitions if key is not None]
    if keys:
        click.echo(f"  {_which(outcome.asset, keys, run)}")
    for line in (outcome.reason or "").splitlines():
        click.echo(f"  {line}")


def _which(asset: str, keys: Sequence[str], run: RunRecord) -> str:
    """The plan's ranges, if these are all its partitions; else some of the keys."""
    step = next((step for step in run.plan.get("steps", ()) if step["asset"] == asset), None)
    if step is not None and step["partitions"] == len(keys):
        ranges = [first if first == last else f"{first}..{last}" for first, last in step["ranges"]]
        return ", ".join(ranges[:_MOST_KEYS]) + (f" … ({len(ranges):,} ranges)" if len(ranges) > _MOST_KEYS else "")
    shown = ", ".join(sorted(keys)[:_MOST_KEYS])
    return f"{shown} and {len(keys) - _MOST_KEYS:,} more" if len(keys) > _MOST_KEYS else shown


def _print_event(event: Event) -> None:
    payload = event.payload
    clock = click.style(event.at.astimezone().strftime("%H:%M:%S"), dim=True)
    where = " ".join(part for part in (event.asset, event.partition) if part)
    if event.kind is EventKind.LOG:
        word = str(payload.get("level", "info")).lower()
        click.echo(f"{clock}  {where}  {word}: {event.reason}")
        return
    if event.kind is EventKind.CHECKED and payload.get("passed"):
        click.echo(f"{clock}  {where}  {click.style('checked', fg='green')}  {payload.get('check')} passed")
        return
    word = click.style(event.kind.value.replace("_", " "), fg=_EVENT_COLOURS.get(event.kind))
    facts = []
    if payload.get("rows") is not None:
        facts.append(count(int(payload["rows"]), "row"))
    if payload.get("duration_s") is not None:
        facts.append(f"{payload['duration_s']:.3f} s")
    hidden = frozenset(payload) if event.kind is EventKind.CHECKED else _NOT_SHOWN  # the reason says it all
    facts += [f"{name} {_short(value)}" for name, value in payload.items() if name not in hidden]
    line = "  ".join(part for part in (clock, where, word, ", ".join(facts)) if part)
    click.echo(line)
    detail = [*(event.reason or "").splitlines()] if not payload.get("traceback") else []
    detail += str(payload.get("traceback") or "").splitlines()
    if payload.get("hint"):
        detail.append(f"hint: {payload['hint']}")
    detail += [f"{name}: {_short(value)}" for name, value in (payload.get("metadata") or {}).items()]
    for text in detail:
        click.echo(f"          {text}")


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _event_json(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "at": event.at.isoformat(),
        "kind": event.kind.value,
        "asset": event.asset,
        "partition": event.partition,
        "reason": event.reason,
        "payload": dict(event.payload),
    }
