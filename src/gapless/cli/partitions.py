"""`gapless partitions`: which partitions an asset has, and the keys of dynamic ones."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from gapless.cli.dynamic_partitions import add, print_keys, remove
from gapless.cli.recovery import recover
from gapless.cli.settings import Settings, project_options
from gapless.cli.symbols import cell_text
from gapless.cli.terminal import count, first_line_of
from gapless.errors import InvocationError
from gapless.ledger.home import open_ledger
from gapless.planning.retention import expired
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import PartitionStates

__all__ = ["partitions"]


@click.group()
def partitions() -> None:
    """Which partitions an asset has; add and remove the keys of dynamic ones."""


partitions.add_command(add)
partitions.add_command(remove)


@partitions.command("list")
@click.argument("asset")
@click.argument("text", required=False, metavar="[PARTITIONS]")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@project_options
@click.pass_obj
def list_(settings: Settings, asset: str, text: str | None, limit: int | None) -> None:
    """The keys of ASSET with their states, in order. The name of dynamic partitions lists their keys.

    PARTITIONS selects some of them: '2024-01..' · 'last 7' · 'region=eu,us & date=2024-01' · 'failed' · 'not 2024'.
    """
    declared = settings.load()
    with open_ledger() as ledger:
        graph = declared.graph.resolved(ledger)
        if text is None and asset in graph.dynamic_names and asset not in graph:
            print_keys(settings, ledger, asset, limit)
            return
        recover(declared.resolved(ledger), ledger)
    definition = graph[asset].partitions_def
    if definition is None:
        raise InvocationError(
            f"asset {asset!r} is unpartitioned, so it has no partitions to list",
            f"See it with: {settings.command('status', asset)}",
        )
    now = datetime.now(UTC)
    everything = selected = definition.existing(now)
    gone = expired(graph[asset], now)
    with open_ledger() as ledger:
        if text is not None:
            recorded = AssetStatus.of(definition, ledger.statuses(asset))
            selected = definition.select(text, now, recorded.by_word(everything, gone)).flat()
        shown = selected if limit is None else selected.tail(limit)
        keys = definition.keys_of(shown)
        records = ledger.statuses(asset, keys if limit is not None else None)
    status = AssetStatus.of(definition, records)
    states = PartitionStates.of(status, everything, gone)
    if settings.as_json:
        listed = []
        for ordinal, key in zip(shown, keys, strict=True):
            record = records.get(key)
            listed.append(
                {
                    "partition": key,
                    "status": states.at(ordinal).value,
                    "rows": record.rows if record else None,
                    "committed_at": record.committed_at.isoformat() if record and record.committed_at else None,
                    "run_id": record.run_id if record else None,
                    "reason": record.reason if record else None,
                }
            )
        settings.print_json({"asset": asset, "extent": len(everything), "partitions": listed})
        return
    if not everything:
        click.echo(f"{asset} has no partitions yet: {definition.describe()}.")
        for name in sorted(definition.dynamic_names):
            click.echo(f"add a key  {click.style(settings.command('partitions', 'add', name, 'KEY'), bold=True)}")
    elif not keys:
        click.echo(f"of {count(len(everything), 'partition')} of {asset}, none is selected.")
    size = max(map(len, keys), default=0)
    for ordinal, key in zip(shown, keys, strict=True):
        cell, record = states.at(ordinal), records.get(key)
        rows = f"  {count(record.rows, 'row')}" if record and record.rows is not None else ""
        why = f"  {first_line_of(record.reason)}" if record and record.reason else ""
        click.echo(f"{cell_text(cell)} {key:<{size}}  {cell.value}{rows}{why}")
    if len(keys) < len(selected):
        click.echo(f"… the newest {len(keys):,} of {count(len(selected), 'partition')}")
