"""`gapless publish`: a copy of what the assets hold, for programs that must not wait for us."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, duration, size, table
from gapless.definitions.project import Project
from gapless.definitions.resources import ready_resources
from gapless.engine import system_clock
from gapless.errors import DefinitionError, InvocationError, StorageError
from gapless.ledger.home import home_path, open_ledger
from gapless.storage.slices import is_slice_store

if TYPE_CHECKING:
    from gapless.storage.publishing.publication import Publication, PublishedTable

__all__ = ["publish"]


@click.command()
@click.argument("selection", nargs=-1, metavar="[SELECTION]...")
@click.option("--to", "target", required=True, metavar="PATH", help="A DuckDB file (PATH.duckdb), or a folder.")
@click.option(
    "--as",
    "form",
    type=click.Choice(["duckdb", "parquet"]),
    help="What to write; by default what PATH says: a DuckDB file if it ends in .duckdb, else a folder of Parquet.",
)
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=2,
    show_default=True,
    metavar="N",
    help="Of a folder: how many publications stay, for readers that are under way.",
)
@project_options
@click.pass_obj
def publish(settings: Settings, selection: tuple[str, ...], target: str, form: str | None, keep: int) -> None:
    """Copy assets to a DuckDB file or a folder of Parquet files that other programs open.

    Whoever looks there finds the copy of before or the new one, never half of one. Without SELECTION, all assets.
    """
    from gapless.storage.publishing import publishing
    from gapless.storage.publishing.last_published import remember
    from gapless.storage.publishing.publication import Source

    if "://" in target:
        raise InvocationError(
            f"{target} is no path of this machine", "Publish to a folder, and copy it with the tools of that storage"
        )
    declared, began = settings.load(), time.monotonic()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
    keys = project.select(list(selection) or None)
    assets = [project.graph[key] for key in keys]
    storable = [asset for asset in assets if asset.stores_output and _is_store(project, asset.io_manager_key)]
    left_out = [asset.name for asset in assets if asset not in storable]
    if not storable:
        raise InvocationError(
            f"none of {', '.join(left_out)} is stored where Gapless can read it as a table",
            "DuckDBPolarsIOManager stores tables",
        )
    with ready_resources(project.resources, {asset.io_manager_key for asset in storable}, None) as ready:
        sources = [Source(asset.key, asset.metadata, ready[asset.io_manager_key]) for asset in storable]
        live = list(_places({**project.resources, **ready}))
        path = Path(target).expanduser().absolute()
        try:
            published = publishing.publish(
                sources,
                path,
                publishing.form_of(target, form),
                system_clock(),
                live=live,
                keep=keep,
                told=_told(settings.as_json),
            )
        finally:
            for store in ready.values():
                store.close()
    unwritten = None
    try:
        remember(published, home_path())
    except OSError as error:  # the copy is there all the same
        unwritten = error.strerror or str(error)
    _print(settings, published, left_out, time.monotonic() - began)
    if unwritten is not None:
        click.echo(
            f"warning: the copy is published, but where it is could not be written down in {home_path()}: {unwritten}."
            " Until a copy is published that can be, `gapless query --published` does not find this one.",
            err=True,
        )


def _places(resources: Mapping[str, Any]) -> Iterator[Path]:
    """The files and folders of this machine in which a project stores, as far as the settings have values."""
    for resource in resources.values():
        for name in ("path", "database", "base_dir"):
            with suppress(StorageError, DefinitionError):
                place = getattr(resource, name, None)
                if isinstance(place, (str, Path)) and "://" not in str(place):
                    yield Path(place)
                    break


def _is_store(project: Project, resource: str) -> bool:
    return is_slice_store(project.resources.get(resource))


def _told(as_json: bool) -> Any:
    def told(one: PublishedTable) -> None:
        if not as_json and sys.stderr.isatty():
            click.echo(f"copied {one.asset}: {count(one.rows, 'row')}", err=True)

    return told


def _print(settings: Settings, published: Publication, left_out: list[str], seconds: float) -> None:
    if settings.as_json:
        settings.print_json({**published.to_json(), "left_out": left_out, "duration_s": round(seconds, 3)})
        return
    rows = [
        [one.asset, "-" if one.partitions is None else f"{one.partitions:,}", f"{one.rows:,}"]
        for one in published.tables
    ]
    click.echo(table(["ASSET", "PARTITIONS", "ROWS"], rows, right=[1, 2]))
    for name in published.absent:
        click.echo(f"{name} was never made, and is not in it.")
    if left_out:
        click.echo(f"not stored as tables, and not in it: {', '.join(left_out)}.")
    what = f"{count(len(published.tables), 'asset')}, {count(published.rows, 'row')}, {size(published.nbytes)}"
    click.echo(f"\npublished {what} to {published.target} in {duration(seconds)}")
