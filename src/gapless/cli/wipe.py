"""`gapless wipe`: delete partitions, rows and status together."""

from __future__ import annotations

import click

from gapless.asset_key import AssetKey
from gapless.cli.partition_options import chosen_assets, partition_options, request_of
from gapless.cli.recovery import recover, tell_differences
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count
from gapless.engine import Engine, system_clock
from gapless.errors import InvocationError
from gapless.execution.wipe import Wiped
from gapless.partitions import OrdinalSet
from gapless.planning.request import PartitionRequest
from gapless.views.key_ranges import key_ranges

__all__ = ["done", "wipe"]

_MOST_RANGES = 6


@click.command()
@partition_options
@click.option("--expired", is_flag=True, help="What is older than its asset keeps; of all assets without SELECTION.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_options
@click.pass_obj
def wipe(
    settings: Settings,
    selection: tuple[str, ...],
    job: str | None,
    partitions: tuple[str, ...],
    ranges: tuple[str, ...],
    last: int | None,
    text: str | None,
    expired: bool,
    yes: bool,
) -> None:
    """Delete partitions: rows and status together. Without any named, whole assets. It asks first.

    What reads them keeps its rows.
    """
    request = request_of(partitions, ranges, last, text)
    if expired and request.names_partitions:
        raise click.UsageError(f"--expired and a {request.named} were given; expired partitions name themselves.")
    if not expired and not selection and job is None:
        raise click.UsageError("name what to wipe; '*' is every asset.")
    with Engine(settings.load()) as engine:
        recover(engine.project, engine.ledger)
        chosen = chosen_assets(engine, selection, job)
        if not expired:  # what is asked for may name states, and what is shown before it is wiped has to be true
            engine.compare(chosen)
            tell_differences(engine.differences.values())
        targets = _expired(engine, chosen) if expired else _targets(engine, chosen, request)
        if expired and not targets:
            click.echo("nothing has expired that is still there.", err=settings.as_json)
            if settings.as_json:
                settings.print_json([])
            return
        if not settings.as_json:
            for key, ordinals in targets.items():
                click.echo(_line(engine, key, ordinals))
        if not yes and not click.confirm("Delete their rows and forget their status?", err=settings.as_json):
            click.echo("nothing was wiped.", err=settings.as_json)
            return
        wiped = engine.wipe(targets)
    if settings.as_json:
        settings.print_json([{"asset": one.asset, "partitions": one.states, "rows": one.rows} for one in wiped])
        return
    for one in wiped:
        click.echo(done(one))


def _expired(engine: Engine, keys: tuple[AssetKey, ...]) -> dict[AssetKey, OrdinalSet | None]:
    """What has expired of each asset that does not keep everything.

    Raises:
        InvocationError: All of them do.
    """
    if all(engine.project.graph[key].keep is None for key in keys):
        names = ", ".join(map(str, keys))
        raise InvocationError(
            f"nothing ever expires of {names}: no `keep` is declared", 'Declare it: @asset(…, keep="90d")'
        )
    return dict(engine.expired(keys))


def _targets(
    engine: Engine, keys: tuple[AssetKey, ...], request: PartitionRequest
) -> dict[AssetKey, OrdinalSet | None]:
    """What is meant of each asset; None for all of it."""
    if not request.names_partitions:
        return dict.fromkeys(keys)
    targets: dict[AssetKey, OrdinalSet | None] = {}
    now, statuses = system_clock(), engine.statuses(keys)
    for key in keys:
        definition = engine.project.graph[key].partitions_def
        if definition is None:
            raise InvocationError(
                f"asset {str(key)!r} is unpartitioned, so no partition of it can be named",
                "Leave it out of the selection, or wipe it whole without naming partitions",
            )
        targets[key] = request.resolve(definition, key.to_user_string(), now, statuses[key])
    return targets


def _line(engine: Engine, key: AssetKey, ordinals: OrdinalSet | None) -> str:
    definition = engine.project.graph[key].partitions_def
    if ordinals is None or definition is None:
        recorded = len(engine.records(key))
        extent = "" if definition is None else f", {count(recorded, 'partition')} on record"
        return f"  {click.style(str(key), bold=True)}  all of it{extent}"
    ranges = key_ranges(definition, ordinals)
    more = f" and {len(ranges) - _MOST_RANGES:,} more ranges" if len(ranges) > _MOST_RANGES else ""
    listed = ", ".join(map(str, ranges[:_MOST_RANGES]))
    return f"  {click.style(str(key), bold=True)}  {count(len(ordinals), 'partition')}: {listed}{more}"


def done(one: Wiped) -> str:
    """What was wiped of an asset, in words."""
    states = f"{count(one.states, 'partition')} forgotten"
    if one.values is not None:
        return f"{one.asset}: {states}, {count(one.values, 'value')} deleted."
    if one.rows is None:
        return f"{one.asset}: {states}. Its rows were not touched: no IO manager of ours stores them."
    return f"{one.asset}: {states}, {count(one.rows, 'row')} deleted."
