"""`gapless query`: read what the assets hold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, table, width
from gapless.definitions.resources import ready_resources
from gapless.errors import InvocationError, closest
from gapless.storage.errors import QueryError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["query"]

_MOST_ROWS = 50
_WIDEST_CELL = 60


@click.command()
@click.argument("sql")
@click.option("--resource", metavar="KEY", help="The IO manager to ask, if the project has several.")
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
def query(settings: Settings, sql: str, resource: str | None, limit: int) -> None:
    """Read what the assets hold: the rows of one SQL statement. It cannot change anything.

    \b
    gapless query "SELECT date, count(*) FROM plays GROUP BY date"
    gapless query "SHOW ALL TABLES"
    """  # noqa: D301  a real backspace is what tells Click to keep the lines
    resources = settings.load().resources
    key = _chosen({name: r for name, r in resources.items() if callable(getattr(r, "query", None))}, resource)
    with ready_resources(resources, [key], None) as ready:
        store = ready[key]
        try:
            frame = _answer(store, sql)
        finally:
            store.close()
    if settings.as_json:
        settings.print_json(frame.to_dicts())
        return
    _print_frame(frame, limit)


def _answer(store: Any, sql: str) -> pl.DataFrame:
    try:
        answer: pl.DataFrame = store.query(sql)
    except QueryError as error:
        tables: list[str] = getattr(store, "tables", list)()
        if "does not exist" not in error.reason or not tables:
            raise
        raise QueryError(sql, f"{error.reason}\nThe tables are: {', '.join(tables)}") from None
    return answer


def _chosen(stores: dict[str, Any], asked: str | None) -> str:
    """The resource to ask.

    Raises:
        InvocationError: There is none, none of that name, or several and none was named.
    """
    if asked is not None:
        if asked in stores:
            return asked
        near = closest(asked, stores) or tuple(stores)
        offer = f"There {'is' if len(near) == 1 else 'are'}: {', '.join(near)}" if near else ""
        raise InvocationError(f"there is no IO manager {asked!r} that can be queried", offer)
    if not stores:
        raise InvocationError(
            "no IO manager of this project can be queried", "DuckDBPolarsIOManager can; give it as a resource"
        )
    if len({id(store) for store in stores.values()}) > 1:
        raise InvocationError(
            f"the project has several IO managers: {', '.join(stores)}", f"Name one: --resource {next(iter(stores))}"
        )
    return next(iter(stores))


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
