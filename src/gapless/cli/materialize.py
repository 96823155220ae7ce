"""`gapless materialize`: make partitions in the foreground."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gapless.cli.blocked import print_blocked
from gapless.cli.partition_options import chosen_assets, partition_options, request_of, scope_options, typed
from gapless.cli.plan import print_expired, print_left_out
from gapless.cli.progress import alike, place, places, reporter_for
from gapless.cli.recovery import recover, tell_differences
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, duration, first_line_of
from gapless.cli.user_traceback import shortened
from gapless.engine import Engine, system_clock
from gapless.execution.check_evaluation import AssetCheckEvaluation
from gapless.execution.progress import StepReport
from gapless.execution.result import RunResult
from gapless.ledger.contract import RunState
from gapless.planning.plan import Plan

__all__ = ["materialize"]

_MOST_SHOWN = 5
_INTERRUPTED = 130


@click.command()
@partition_options
@scope_options
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    metavar="N",
    help="Threads that call the functions (default: one per processor); 1 calls them one after the other.",
)
@project_options
@click.pass_context
def materialize(
    ctx: click.Context,
    selection: tuple[str, ...],
    job: str | None,
    partitions: tuple[str, ...],
    ranges: tuple[str, ...],
    last: int | None,
    text: str | None,
    missing: bool,
    failed: bool,
    everything: bool,
    workers: int | None,
) -> int:
    """Make partitions; by default all that are missing.

    SELECTION names assets: plays · plays* (and what reads it) · *weekly (and what it reads) · group:x · tag:k=v.
    Without one, all assets. Named partitions are those of its first assets; what reads them follows.

    Exits with 1 if some partitions could not be made, with 130 after Ctrl-C.
    """
    settings = ctx.ensure_object(Settings)
    request = request_of(partitions, ranges, last, text, missing, failed, everything)
    words = typed(selection, job, partitions, ranges, last, text)
    with Engine(settings.load()) as engine:
        recover(engine.project, engine.ledger)
        chosen = chosen_assets(engine, selection, job)
        made = engine.plan(chosen, request, system_clock())
        tell_differences(engine.differences.values())
        reporter = reporter_for(settings.as_json, ctx.color is False)
        result = engine.run(made, workers=workers, reporter=reporter, job=job)
    if settings.as_json:
        settings.print_json(_json(made, result))
    elif result.run_id is None:
        click.echo(_nothing(made, failed))
        print_blocked(settings, engine.project.graph, chosen, made)
        print_left_out(settings, made.failed_left_out, words)
        print_expired(made, engine.project.graph)
    elif result.state is RunState.CANCELED:
        flags = [name for name, given in (("--failed", failed), ("--all", everything)) if given]
        _print_stopped(settings, result, [*words, *flags])
    else:
        _print_summary(result)
        print_blocked(settings, engine.project.graph, chosen, made)
        print_left_out(settings, made.failed_left_out, typed(selection, job))
        print_expired(made, engine.project.graph)
        _print_next(settings, result, typed(selection, job))
    if result.state is RunState.CANCELED:
        return _INTERRUPTED
    return 0 if result.success else 1


def _nothing(made: Plan, only_failed: bool) -> str:
    if made.total_blocked:
        return "nothing can be made now."
    return "nothing to do: no partition has failed." if only_failed else "nothing to do: nothing is missing."


def _print_summary(result: RunResult) -> None:
    sums = [f"{result.made_here:,} materialized", *_elsewhere(result)]
    if result.failed:
        sums.append(click.style(f"{len(result.failed):,} failed", fg="red"))
    if result.skipped:
        sums.append(click.style(f"{len(result.skipped):,} skipped", fg="yellow"))
    dropped = f", {result.dropped:,} dropped that lay outside," if result.dropped else ""
    click.echo(f"{', '.join(sums)}; {count(result.rows, 'row')}{dropped} in {duration(result.duration_s)}")
    if result.failed:
        _print_failed(result.failed)
    if result.skipped:
        _print_skipped(result.skipped)
    _print_warnings(result.warnings, [found for found in result.check_failures if not found.prevents])


def _print_warnings(warnings: Sequence[StepReport], found: Sequence[AssetCheckEvaluation]) -> None:
    total = len(warnings) + len(found)
    if not total:
        return
    click.echo(f"\n{click.style('warnings', fg='yellow')}: {total:,}")
    for report in warnings[:_MOST_SHOWN]:
        click.echo(f"  ! {place(report)}: {first_line_of(report.reason)}")
        for line in shortened(report.detail or "").splitlines():
            click.echo(f"    {line}")
    for check in found[: max(0, _MOST_SHOWN - len(warnings))]:
        which = str(check.asset_key) if check.partition is None else f"{check.asset_key} {check.partition}"
        click.echo(f"  ! {which}: {first_line_of(check.reason)}")
    if total > _MOST_SHOWN:
        click.echo(f"  … and {total - _MOST_SHOWN:,} more")


def _print_next(settings: Settings, result: RunResult, words: list[str]) -> None:
    if result.failed or result.skipped:
        assert result.run_id is not None  # noqa: S101  something ran
        lines = [
            ("retry these", settings.command("materialize", *words, "--failed")),
            ("see why", settings.command("runs", "logs", result.run_id, "--failed")),
        ]
        click.echo()
        for what, command in lines:
            click.echo(f"{what:<11}  {click.style(command, bold=True)}")


def _elsewhere(result: RunResult) -> list[str]:
    return [f"{number:,} made meanwhile by run {run}" for run, number in result.made_elsewhere.items()]


def _print_failed(failed: Sequence[StepReport]) -> None:
    click.echo(f"\n{click.style('failed', fg='red')}: {len(failed):,}")
    # One of them in full; for the others, a line says enough.
    groups = alike(failed)
    explained = next((report for report in failed if report.detail), None)
    groups.sort(key=lambda group: explained not in group)
    for group in groups[:_MOST_SHOWN]:
        if explained is not None and explained in group:
            click.echo(f"  {places(group)}:")
            for line in shortened(explained.detail or "").splitlines():
                click.echo(f"    {click.style(line, fg='cyan') if line.startswith('hint: ') else line}")
        else:
            click.echo(f"  {places(group)}: {group[0].reason}")
    _print_rest(groups)


def _print_skipped(skipped: Sequence[StepReport]) -> None:
    click.echo(f"\n{click.style('skipped', fg='yellow')}: {len(skipped):,}")
    groups = alike(skipped)
    for group in groups[:_MOST_SHOWN]:
        click.echo(f"  {places(group)}: {first_line_of(group[0].reason)}")
    _print_rest(groups)


def _print_rest(groups: Sequence[Sequence[StepReport]]) -> None:
    rest = sum(map(len, groups[_MOST_SHOWN:]))
    if rest:
        click.echo(f"  … and {rest:,} more")


def _print_stopped(settings: Settings, result: RunResult, words: list[str]) -> None:
    parts = [f"{result.made_here:,} materialized", *_elsewhere(result)]
    if result.failed:
        parts.append(f"{len(result.failed):,} failed")
    parts.append(f"{len(result.interrupted):,} interrupted")
    again = click.style(settings.command("materialize", *words), bold=True)
    named = any(word.startswith("--") and word != "--job" for word in words)
    onward = "the rest is as it was; the same again:" if named else "the next one carries on:"
    click.echo(f"stopped: {', '.join(parts)}.\nWhat is materialized stays; {onward}\n  {again}")


def _json(made: Plan, result: RunResult) -> dict[str, Any]:
    def listed(reports: Sequence[StepReport]) -> list[dict[str, Any]]:
        return [{"asset": r.asset, "partition": r.partition, "reason": r.reason} for r in reports]

    return {
        "run_id": result.run_id,
        "state": result.state.value,
        "planned": made.total,
        "materialized": result.made_here,
        "made_elsewhere": dict(result.made_elsewhere),
        "rows": result.rows,
        "dropped": result.dropped,
        "failed": listed(result.failed),
        "skipped": listed(result.skipped),
        "interrupted": listed(result.interrupted),
        "warnings": listed(result.warnings),
        "checks_not_passed": [
            {"asset": str(found.asset_key), "partition": found.partition, **found.payload()}
            for found in result.check_failures
        ],
        "blocked": [
            {"asset": str(step.asset), "partition": step.key_at(ordinal), "reason": why}
            for step in made.steps
            for ordinal, why in step.blocked.items()
        ],
        "failed_left_out": {str(asset): number for asset, number in made.failed_left_out.items()},
        "duration_s": round(result.duration_s, 3),
    }
