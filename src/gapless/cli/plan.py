"""`gapless plan`: what would run, and why."""

from __future__ import annotations

from collections.abc import Mapping

import click

from gapless.asset_key import AssetKey
from gapless.cli.partition_options import chosen_assets, partition_options, request_of, scope_options, typed
from gapless.cli.recovery import tell_differences
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count
from gapless.engine import Engine, system_clock
from gapless.planning.plan import Plan
from gapless.views.key_ranges import KeyRange
from gapless.views.plan import explain

__all__ = ["plan", "print_blocked", "print_left_out"]

_MOST_RANGES = 6
_MOST_BLOCKED = 5


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
    missing: bool,
    failed: bool,
    everything: bool,
    keys: bool,
) -> int:
    """What `materialize` with the same options would do, and why. Changes nothing.

    Exits with 1 if something that was asked for cannot be made.
    """
    request = request_of(partitions, ranges, last, missing, failed, everything)
    with Engine(settings.load()) as engine:
        made = engine.plan(chosen_assets(engine, selection, job), request, system_clock())
        tell_differences(engine.differences.values())
    code = 1 if made.total_blocked else 0
    if settings.as_json:
        settings.print_json(made.to_json())
        return code
    words = typed(selection, job, partitions, ranges, last)
    if keys:
        _print_keys(made)
    else:
        _print_plan(made)
    print_blocked(made)
    print_left_out(settings, made.failed_left_out, words)
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
            which = f": {_ranges(reason.ranges)}" if step.partitioned else ""
            number = f"{reason.count:,} " if step.partitioned else ""
            click.echo(f"  {number}{reason.reason.sentence}{which}")


def _print_keys(made: Plan) -> None:
    for step in made.steps:
        for ordinal in step.partitions:
            key = step.key_at(ordinal)
            click.echo(f"{step.asset}{f' {key}' if key is not None else ''}  {step.reason_of(ordinal).sentence}")


def print_blocked(made: Plan) -> None:
    """What cannot be made now, and what it lacks."""
    groups = [(step, group) for step in explain(made) for group in step.blocked]
    if not groups:
        return
    click.echo(f"\n{click.style('blocked', fg='yellow')}: {count(made.total_blocked, 'partition')} cannot be made now")
    for step, group in groups[:_MOST_BLOCKED]:
        which = f" {_ranges(group.ranges)}" if step.partitioned else ""
        click.echo(f"  {step.asset}{which}  {group.why}")
    if len(groups) > _MOST_BLOCKED:
        rest = sum(group.count for _, group in groups[_MOST_BLOCKED:])
        click.echo(f"  … and {count(rest, 'partition')} more")


def print_left_out(settings: Settings, left_out: Mapping[AssetKey, int], words: list[str]) -> None:
    """Failed partitions are not tried again unless they are asked for; say how."""
    if left_out:
        listed = ", ".join(f"{number:,} of {asset}" for asset, number in left_out.items())
        command = click.style(settings.command("materialize", *words, "--failed"), bold=True)
        click.echo(f"\nfailed before and left out: {listed}. To try them again:\n  {command}")


def _ranges(ranges: tuple[KeyRange, ...]) -> str:
    text = ", ".join(map(str, ranges[:_MOST_RANGES]))
    rest = sum(key_range.count for key_range in ranges[_MOST_RANGES:])
    return f"{text} and {rest:,} more in {count(len(ranges) - _MOST_RANGES, 'range')}" if rest else text
