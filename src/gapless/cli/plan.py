"""`gapless plan`: what would run, and why."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gapless.asset_key import AssetKey
from gapless.cli.blocked import print_blocked, ranges_text
from gapless.cli.partition_options import chosen_assets, partition_options, request_of, scope_options, typed
from gapless.cli.recovery import tell_differences
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count
from gapless.definitions.graph import AssetGraph
from gapless.engine import Engine, system_clock
from gapless.planning.plan import Plan
from gapless.planning.retention import kept_for
from gapless.views.plan import explain

__all__ = ["plan", "print_expired", "print_left_out"]


@click.command()
@partition_options
@scope_options
@click.option("--keys", is_flag=True, help="List every partition with its reason.")
@project_options
@click.pass_obj
def plan(
    settings: Settings,
    selection: tuple[str, ...],
    job: str | None,
    partitions: tuple[str, ...],
    ranges: tuple[str, ...],
    last: int | None,
    text: str | None,
    missing: bool,
    failed: bool,
    everything: bool,
    keys: bool,
) -> int:
    """What `materialize` with the same options would do, and why. Changes nothing.

    Exits with 1 if something that was asked for cannot be made.
    """
    request = request_of(partitions, ranges, last, text, missing, failed, everything)
    with Engine(settings.load()) as engine:
        chosen = chosen_assets(engine, selection, job)
        made = engine.plan(chosen, request, system_clock())
        tell_differences(engine.differences.values())
    code = 1 if made.total_blocked else 0
    if settings.as_json:
        settings.print_json(made.to_json())
        return code
    words = typed(selection, job, partitions, ranges, last, text)
    if keys:
        _print_keys(made)
    else:
        _print_plan(made)
    print_blocked(settings, engine.project.graph, chosen, made)
    print_left_out(settings, made.failed_left_out, words)
    print_expired(made, engine.project.graph)
    if made.total:
        options = {"--missing": missing, "--failed": failed, "--all": everything}
        given = [option for option, chosen in options.items() if chosen]
        click.echo(f"\nto run it  {click.style(settings.command('materialize', *words, *given), bold=True)}")
    return code


def _print_plan(made: Plan) -> None:
    if not made.total:
        click.echo("nothing to make.")
        return
    assets = sum(1 for step in made.steps if step.partitions)
    click.echo(f"{count(made.total, 'partition')} of {count(assets, 'asset')}, in this order:")
    for step in explain(made):
        if not step.count:
            continue
        calls = f", {count(step.calls, 'call')}" if step.calls != step.count else ""
        size = f"{count(step.count, 'partition')}{calls}" if step.partitioned else "whole"
        click.echo(f"\n{click.style(str(step.asset), bold=True)}  {size}")
        for reason in step.reasons:
            which = f": {ranges_text(reason.ranges)}" if step.partitioned else ""
            number = f"{reason.count:,} " if step.partitioned else ""
            click.echo(f"  {number}{reason.reason.sentence}{which}")


def _print_keys(made: Plan) -> None:
    for step in made.steps:
        for ordinal in step.partitions:
            key = step.key_at(ordinal)
            click.echo(f"{step.asset}{f' {key}' if key is not None else ''}  {step.reason_of(ordinal).sentence}")


def print_left_out(settings: Settings, left_out: Mapping[AssetKey, int], words: list[str]) -> None:
    """Failed partitions are not tried again unless they are asked for; say how."""
    if left_out:
        listed = ", ".join(f"{number:,} of {asset}" for asset, number in left_out.items())
        command = click.style(settings.command("materialize", *words, "--failed"), bold=True)
        click.echo(f"\nfailed before and left out: {listed}. To try them again:\n  {command}")


def print_expired(made: Plan, graph: AssetGraph) -> None:
    """What all of an asset does not mean."""
    for asset, number in made.expired_left_out.items():
        have = "has" if number == 1 else "have"
        kept = kept_for(graph[asset])
        click.echo(f"\nleft out: {count(number, 'partition')} of {asset} that {have} expired (kept {kept}).")
