"""`gapless query`: read what the assets hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gapless.asset_key import AssetKey
from gapless.cli.query_advice import advised
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, table, width
from gapless.definitions.project import Project
from gapless.definitions.resources import ready_resources
from gapless.errors import InvocationError, StorageError, closest
from gapless.ledger.home import home_path
from gapless.storage.errors import QueryError

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.project_query import ScannedTable

__all__ = ["query"]

_MOST_ROWS = 50
_WIDEST_CELL = 60


@click.command()
@click.argument("sql")
@click.option("--resource", metavar="KEY", help="Only what this resource stores.")
@click.option("--published", is_flag=True, help="The last published copy; the live files are not touched.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    default=_MOST_ROWS,
    show_default=True,
    metavar="N",
    help="Print at most N rows; 0 for all. JSON always has all.",
)
@project_options
@click.pass_obj
def query(settings: Settings, sql: str, resource: str | None, published: bool, limit: int) -> None:
    """Read what the assets hold: the rows of one SQL statement. It cannot change anything.

    Tables go by their names alone. While a run is writing, it gets in between two commits.

    \b
    gapless query "SELECT date, count(*) FROM plays GROUP BY date"
    gapless query "SHOW ALL TABLES"
    """  # noqa: D301  a real backspace is what tells Click to keep the lines
    if published and resource is not None:
        raise click.UsageError("--published and --resource were given; the published copy is one.")
    project = None if published else settings.load()
    try:
        frame = _answer_of_last_published(sql) if project is None else _answer(project, sql, resource)
    except QueryError as error:
        absent = {} if project is None else _without_table(settings, project, error)
        raise advised(error, absent) from None
    if settings.as_json:
        settings.print_json(_in_json(frame.to_dicts()))
        return
    _print_frame(frame, limit)


def _answer(project: Project, sql: str, resource: str | None) -> pl.DataFrame:
    from gapless.storage.duckdb.project_query import answer

    readable = {name: one for name, one in project.resources.items() if _is_database(one) or _has_files(one)}
    chosen = _chosen(readable, resource)
    with ready_resources(project.resources, chosen, None) as ready:
        files = {_path(one): float(one.lock_timeout) for one in ready.values() if _is_database(one)}
        scanned = [table for name, one in ready.items() if _has_files(one) for table in _tables(project, name, one)]
        return answer(sql, files, scanned)


def _answer_of_last_published(sql: str) -> pl.DataFrame:
    from gapless.storage.publishing.last_published import answer_of_last_published

    return answer_of_last_published(sql, home_path())


def _without_table(settings: Settings, project: Project, refused: QueryError) -> dict[str, str]:
    """Why assets are no tables that a query finds, by what people may call them."""
    reasons = {}
    for asset in project.graph.assets:
        store = project.resources.get(asset.io_manager_key)
        if not asset.stores_output:
            why = f"Asset {asset.name!r} is stored by its own function, not as a table"
        elif not _is_database(store) and not _has_files(store):
            why = f"Asset {asset.name!r} is stored by {type(store).__name__}, not as a table"
        else:
            why = f"Asset {asset.name!r} has no table yet. Make it: {settings.command('materialize', asset.name)}"
        reasons[asset.key.parts[-1].casefold()] = why
    known = {table.rpartition(".")[2].casefold() for table in refused.tables}
    return {name: why for name, why in reasons.items() if name not in known}


def _is_database(resource: Any) -> bool:
    """Whether it is a DuckDB file: an IO manager's, or a `DuckDBResource`."""
    return hasattr(resource, "lock_timeout") and hasattr(resource, "database") and not isinstance(resource, type)


def _path(resource: Any) -> Path:
    path: Path = resource.path if hasattr(resource, "path") else resource.database
    return path


def _has_files(resource: Any) -> bool:
    return callable(getattr(resource, "files", None)) and callable(getattr(resource, "scan", None))


def _tables(project: Project, name: str, store: Any) -> list[ScannedTable]:
    """The assets that `store` keeps in files."""
    from gapless.storage.duckdb.project_query import ScannedTable
    from gapless.storage.duckdb.table_name import TableName
    from gapless.storage.errors import NeverMaterializedError
    from gapless.storage.parquet.errors import PackedFilesError

    def source_of(key: AssetKey) -> Callable[[], str | pl.LazyFrame | None]:
        def source() -> str | pl.LazyFrame | None:
            try:
                try:
                    files: list[str] = store.files(key)
                except PackedFilesError:
                    files = []
                if not files or any("://" in file for file in files):
                    rows: pl.LazyFrame = store.scan(key)
                    return rows
            except NeverMaterializedError:
                return None
            listed = ", ".join("'" + file.replace("'", "''") + "'" for file in files)
            reading = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
            return f"SELECT * FROM {reading}"  # noqa: S608  of paths that are quoted here

        return source

    def unreadable_of(key: AssetKey) -> Callable[[], StorageError | None]:
        return lambda: store.unreadable(key) if hasattr(store, "unreadable") else None

    mine = [asset for asset in project.graph.assets if asset.io_manager_key == name and asset.stores_output]
    return [
        ScannedTable(TableName.of(asset.key, {}, None), source_of(asset.key), unreadable_of(asset.key))
        for asset in mine
    ]


def _chosen(readable: Mapping[str, Any], asked: str | None) -> list[str]:
    """The resources to ask.

    Raises:
        InvocationError: There is none, or none of that name.
    """
    if asked is not None:
        if asked in readable:
            return [asked]
        near = closest(asked, readable) or tuple(readable)
        offer = f"There {'is' if len(near) == 1 else 'are'}: {', '.join(near)}" if near else ""
        raise InvocationError(f"there is no resource {asked!r} that can be queried", offer)
    if not readable:
        raise InvocationError(
            "no IO manager of this project can be queried", "DuckDBPolarsIOManager can; give it as a resource"
        )
    return list(readable)


def _print_frame(frame: pl.DataFrame, limit: int) -> None:
    shown = frame.head(limit) if limit else frame
    if not frame.width:
        click.echo("no columns.")
        return
    right = [place for place, kind in enumerate(frame.dtypes) if kind.is_numeric()]
    cell = max(12, min(_WIDEST_CELL, width() - 2 * frame.width))
    rows = [[cut(_text(value), cell) for value in row] for row in shown.iter_rows()]
    click.echo(table(frame.columns, rows, right=right))
    if len(rows) < frame.height:
        click.echo(f"… {count(frame.height - len(rows), 'more row')}; all of them with --limit 0")
    elif not rows:
        click.echo("(no rows)")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return f"[{', '.join(map(_text, value))}]"
    return str(value)


def _in_json(value: Any) -> Any:
    """JSON has no infinity, and no number that is none."""
    if isinstance(value, dict):
        return {name: _in_json(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_in_json(one) for one in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
