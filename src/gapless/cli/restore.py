"""`gapless restore`: make an earlier version of a partition the present one again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from gapless.asset_key import AssetKey
from gapless.cli.recovery import recover
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, local_time
from gapless.definitions.resources import ready_resources
from gapless.engine import Engine, system_clock
from gapless.errors import InvocationError
from gapless.planning.request import PartitionRequest
from gapless.planning.snapshot import AssetStatus
from gapless.storage.slices import CommitRecord, keeps_versions

__all__ = ["restore"]

_MOST_VERSIONS = 10_000


@click.command()
@click.argument("asset")
@click.option("--partition", metavar="KEY", help="The partition; an unpartitioned asset has none.")
@click.option(
    "--to",
    "wanted",
    metavar="VERSION",
    help="A number, a version or a run as `gapless history` prints them; by default the one before the present.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@project_options
@click.pass_obj
def restore(settings: Settings, asset: str, partition: str | None, wanted: str | None, yes: bool) -> None:
    """Make an earlier version of a partition the present one again, in stores that keep versions. It asks first.

    What is there now becomes an earlier version itself. What reads the partition keeps its rows.
    """
    with Engine(settings.load()) as engine:
        recover(engine.project, engine.ledger)
        key = engine.project.graph[asset].key
        ordinal = _ordinal(engine, key, partition)
        commits, present = _versions(settings, engine, key, partition)
        place = str(key) if partition is None else f"{key} {partition}"
        version = _chosen(settings, place, key, partition, commits, present, wanted)
        if not settings.as_json:
            now = "nothing" if present is None else _told(present)
            click.echo(f"  {click.style(place, bold=True)}  {_told(version)}, instead of {now}")
        if not yes and not click.confirm("Make it the present one?", err=settings.as_json):
            click.echo("nothing was restored.", err=settings.as_json)
            return
        restored = engine.restore(key, ordinal, version)
    rows = restored.rows.get(partition, 0)
    if settings.as_json:
        settings.print_json(
            {
                "asset": str(key),
                "partition": partition,
                "number": version.number,
                "run_id": version.run_id,
                "rows": rows,
            }
        )
        return
    click.echo(f"{place}: restored, {count(rows, 'row')}.")


def _ordinal(engine: Engine, key: AssetKey, partition: str | None) -> int | None:
    """Which partition is meant.

    Raises:
        InvocationError: None is named of an asset that has some, or one of an asset that has none.
        UnknownPartitionError: There is no such partition.
    """
    definition = engine.project.graph[key].partitions_def
    if definition is None:
        if partition is not None:
            raise InvocationError(
                f"asset {str(key)!r} is unpartitioned, so no partition of it can be named", "Leave out --partition"
            )
        return None
    if partition is None:
        raise InvocationError(f"asset {str(key)!r} is restored partition by partition", "Name one: --partition KEY")
    return PartitionRequest((partition,)).resolve(definition, str(key), system_clock(), AssetStatus()).first()


def _versions(
    settings: Settings, engine: Engine, key: AssetKey, partition: str | None
) -> tuple[list[CommitRecord], CommitRecord | None]:
    """All that is known of a partition, newest first, and the one that is there now.

    Raises:
        InvocationError: The store keeps no versions.
    """
    asset, resources = engine.project.graph[key], engine.project.resources
    if not asset.stores_output or not keeps_versions(resources.get(asset.io_manager_key)):
        words = ["--partition", partition] if partition is not None else []
        again = settings.command("materialize", str(key), *words)
        raise InvocationError(
            f"what {key} is stored with keeps no earlier versions, so there is nothing to restore",
            f"Make it again from what it reads: {again}",
        )
    with ready_resources(resources, [asset.io_manager_key], None) as ready:
        store: Any = ready[asset.io_manager_key]
        try:
            commits: list[CommitRecord] = store.commits(key, asset.metadata, partition, _MOST_VERSIONS)
            return commits, store.committed(key, asset.metadata).get(partition)
        finally:
            store.close()


def _chosen(
    settings: Settings,
    place: str,
    key: AssetKey,
    partition: str | None,
    commits: Sequence[CommitRecord],
    present: CommitRecord | None,
    wanted: str | None,
) -> CommitRecord:
    """The version that is meant.

    Raises:
        InvocationError: There is none, it is not kept any more, or it is there now.
    """
    history = settings.command("history", str(key), *(["--partition", partition] if partition is not None else []))
    meant = [one for one in commits if wanted is None or _is_meant(one, wanted)]
    earlier = [one for one in meant if present is None or one.number != present.number]
    kept = [one for one in earlier if one.restorable]
    if kept:
        return kept[0]
    which = "an earlier version" if wanted is None else f"version {wanted!r}"
    if not earlier and meant and wanted is not None:
        raise InvocationError(f"{place}: {which} is what is there now", f"See what else there was: {history}")
    if earlier:
        raise InvocationError(f"{place}: {which} is known, but its rows are not kept any more", f"See: {history}")
    raise InvocationError(f"{place} has no {which.removeprefix('an ')}", f"See what there was: {history}")


def _is_meant(record: CommitRecord, wanted: str) -> bool:
    if wanted.isdecimal() and len(wanted) < 8:  # a hash may have no letters, but never is so short
        return record.number == int(wanted)
    version = record.version or ""
    parts = (version, version.rpartition("-")[2], record.run_id)
    return len(wanted) > 3 and any(part.startswith(wanted) for part in parts)


def _told(record: CommitRecord) -> str:
    """``300 rows of 2024-01-05 10:15:00 (number 3, run 20240105-101500-3fa9c1)``."""
    rows = count(record.rows, "row")
    return f"{rows} of {local_time(record.committed_at)} (number {record.number}, run {record.run_id})"
