"""What cannot be made now, what it lacks, and what would help."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import click

from gapless import partitions
from gapless.asset_key import AssetKey
from gapless.cli.settings import Settings
from gapless.cli.terminal import count
from gapless.definitions.graph import AssetGraph
from gapless.partitions import PartitionMapping
from gapless.planning.plan import Plan, PlanStep
from gapless.views.key_ranges import KeyRange
from gapless.views.plan import explain

__all__ = ["print_blocked", "ranges_text"]

_MOST_RANGES = 6
_MOST_BLOCKED = 5


def print_blocked(settings: Settings, graph: AssetGraph, selected: Collection[AssetKey], made: Plan) -> None:
    """List it; nothing if all can be made. `selected` are the assets that the plan is about."""
    groups = [(step, group) for step in explain(made) for group in step.blocked]
    if not groups:
        return
    click.echo(f"\n{click.style('blocked', fg='yellow')}: {count(made.total_blocked, 'partition')} cannot be made now")
    for step, group in groups[:_MOST_BLOCKED]:
        which = f" {ranges_text(group.ranges)}" if step.partitioned else ""
        click.echo(f"  {step.asset}{which}  {group.why}")
    if len(groups) > _MOST_BLOCKED:
        rest = sum(group.count for _, group in groups[_MOST_BLOCKED:])
        click.echo(f"  … and {count(rest, 'partition')} more")
    _print_for_what_never_exists(graph, made)
    if words := _what_they_read(graph, selected, made):
        click.echo(f"\nmake what they read too  {click.style(settings.command('materialize', *words), bold=True)}")


def _print_for_what_never_exists(graph: AssetGraph, made: Plan) -> None:
    """How each kind of mapping that needs it passes over it."""
    asking = {type(mapping): step.asset for step in made.steps for mapping in _asking(graph, step, made.now)}
    for kind, asset in asking.items():
        if kind is partitions.TimeWindowPartitionMapping:
            click.echo(
                f"\nWhat does not exist is passed over with TimeWindowPartitionMapping(\n"
                f"  allow_nonexistent_upstream_partitions=True) as the partition_mapping of the dependency;"
                f" or begin {asset} later: start_date."
            )
        else:
            click.echo(
                f"\nWhat does not exist is not waited for with {kind.__name__}(\n"
                f"  …, wait_for=WaitPolicy.existing()) as the partition_mapping of the dependency of {asset};"
                " or correct what it reads."
            )


def _asking(graph: AssetGraph, step: PlanStep, now: datetime) -> list[PartitionMapping]:
    """The mappings by which a step needs what does not exist."""
    return [
        dependency.mapping
        for dependency in graph.parents(step.asset)
        if step.impossible
        and dependency.mapping.upstream(
            step.impossible, step.definition, graph[dependency.upstream].partitions_def, now
        ).nonexistent_count
    ]


def _what_they_read(graph: AssetGraph, selected: Collection[AssetKey], made: Plan) -> list[str]:
    """Selections with what the blocked ones read, if it was not selected; the furthest downstream say it all."""
    waiting = [step.asset for step in made.steps if len(step.blocked) > len(step.impossible)]
    lacking = [asset for asset in waiting if not graph.ancestors([asset]) <= set(selected)]
    upstream = {other for asset in lacking for other in graph.ancestors([asset]) if other != asset}
    return [f"*{asset}" for asset in lacking if asset not in upstream]


def ranges_text(ranges: tuple[KeyRange, ...]) -> str:
    """The first few; the others are counted."""
    text = ", ".join(map(str, ranges[:_MOST_RANGES]))
    rest = sum(key_range.count for key_range in ranges[_MOST_RANGES:])
    return f"{text} and {rest:,} more in {count(len(ranges) - _MOST_RANGES, 'range')}" if rest else text
