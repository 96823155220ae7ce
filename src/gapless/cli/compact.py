"""`gapless compact`: give back the room of what nobody can read any more."""

from __future__ import annotations

from collections.abc import Sequence

import click

from gapless.cli.recovery import recover
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import size, table
from gapless.definitions.project import Project
from gapless.definitions.resources import ready_resources
from gapless.engine import system_clock
from gapless.errors import GaplessError, InvocationError, StorageError
from gapless.ledger.errors import LedgerFullError
from gapless.ledger.home import open_ledger
from gapless.storage.slices import Compaction, is_slice_store

__all__ = ["compact"]


@click.command()
@click.argument("selection", nargs=-1, metavar="[ASSET]...")
@project_options
@click.pass_obj
def compact(settings: Settings, selection: tuple[str, ...]) -> None:
    """Give back the room of replaced and wiped rows, and of old versions whose time is over.

    Works on whole stores: those that hold the named assets, or all. Readers and committed rows are not disturbed.
    """
    project = settings.load()
    _recover(project)
    graph, resources = project.graph, project.resources
    assets = [graph[key] for key in project.select(list(selection) or None)]
    keys = {asset.io_manager_key for asset in assets if asset.stores_output}
    stores = {key: resources[key] for key in sorted(keys) if is_slice_store(resources.get(key))}
    if not stores:
        raise InvocationError(
            f"none of {', '.join(asset.name for asset in assets)} lies in a store that can be compacted",
            "Those of Gapless can: DuckDB and Parquet",
        )
    done: list[Compaction] = []
    failed: list[GaplessError] = []
    with ready_resources(resources, stores, None) as ready:
        for store in {id(one): one for one in ready.values()}.values():
            try:
                done += (reports := store.compact(system_clock()))
                failed += [failure for report in reports for failure in report.failures]
            except GaplessError as error:  # the others are none the worse for it
                failed.append(error)
            finally:
                store.close()
    _show(settings, done, bool(failed))
    if len(failed) > 1:
        raise StorageError("\n".join(map(str, failed)))
    if failed:
        raise failed[0]


def _recover(project: Project) -> None:
    try:
        with open_ledger() as ledger:
            recover(project.resolved(ledger), ledger)
    except LedgerFullError as error:  # it may lie on the very disk that is to be freed
        click.echo(
            f"note: no room left on the disk for the ledger {error.path}: what runs that died have made is not recorded"
            " now, but by the next command that finds room. Compacting all the same.",
            err=True,
        )


def _show(settings: Settings, done: Sequence[Compaction], failed: bool) -> None:
    if settings.as_json:
        settings.print_json(
            [
                {
                    "place": one.place,
                    "bytes_before": one.bytes_before,
                    "bytes_after": one.bytes_after,
                    "detail": one.detail,
                }
                for one in done
            ]
        )
        return
    if not done:
        if not failed:
            click.echo("nothing is stored yet.")
        return
    rows = [[one.place, size(one.bytes_before), size(one.bytes_after), one.detail] for one in done]
    click.echo(table(["PLACE", "BEFORE", "AFTER", ""], rows, right=[1, 2]))
