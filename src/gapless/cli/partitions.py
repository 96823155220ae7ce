"""`gapless partitions`: which partitions an asset has."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.symbols import cell_text
from gapless.cli.terminal import count, first_line_of
from gapless.errors import InvocationError
from gapless.ledger.home import open_ledger
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import PartitionStates

__all__ = ["partitions"]


@click.group()
def partitions() -> None:
    """Which partitions an asset has."""


@partitions.command("list")
@click.argument("asset")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the newest N.")
@project_options
@click.pass_obj
def list_(settings: Settings, asset: str, limit: int | None) -> None:
    """The keys of ASSET with their states, in order."""
    definition = settings.load().graph[asset].partitions_def
    if definition is None:
        raise InvocationError(
            f"asset {asset!r} is unpartitioned, so it has no partitions to list",
            f"See it with: {settings.command('status', asset)}",
        )
    everything = definition.existing(datetime.now(UTC))
    extent = len(everything)
    shown = everything if limit is None else everything.tail(limit)
    keys = definition.keys_of(shown)
    with open_ledger() as ledger:
        records = ledger.statuses(asset, keys if limit is not None else None)
    status = AssetStatus.of(definition, records)
    states = PartitionStates.of(status, everything)
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
        settings.print_json({"asset": asset, "extent": extent, "partitions": listed})
        return
    if not keys:
        click.echo(f"{asset} has no partitions yet: {definition.describe()}.")
    size = max(map(len, keys), default=0)
    for ordinal, key in zip(shown, keys, strict=True):
        cell, record = states.at(ordinal), records.get(key)
        rows = f"  {count(record.rows, 'row')}" if record and record.rows is not None else ""
        why = f"  {first_line_of(record.reason)}" if record and record.reason else ""
        click.echo(f"{cell_text(cell)} {key:<{size}}  {cell.value}{rows}{why}")
    if len(keys) < extent:
        click.echo(f"… the newest {len(keys):,} of {count(extent, 'partition')}")
