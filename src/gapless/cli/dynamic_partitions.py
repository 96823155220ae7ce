"""`gapless partitions add` and `remove`: the keys of dynamic partitions."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence

import click

from gapless.asset_key import AssetKey
from gapless.cli.recovery import recover
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count
from gapless.cli.wipe import done
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.graph import AssetGraph
from gapless.definitions.project import Project
from gapless.engine import Engine
from gapless.errors import InvocationError, closest
from gapless.execution.wipe import Wiped
from gapless.ledger.contract import Ledger
from gapless.ledger.home import open_ledger
from gapless.partitions.dynamic import DynamicPartitionsDefinition
from gapless.partitions.multi_key import DELIMITER

__all__ = ["add", "print_keys", "remove"]

_MOST_KEYS = 10  # that are listed


@click.command()
@click.argument("name")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@project_options
@click.pass_obj
def add(settings: Settings, name: str, keys: tuple[str, ...]) -> None:
    """Add keys to the dynamic partitions NAME, or to those of the asset NAME.

    A key that is there already keeps its place. With - as KEY, keys are read from standard input, one a line.
    """
    with Engine(settings.load()) as engine:
        graph = engine.project.graph
        name = _dynamic_name(settings, graph, name)
        given = _given(keys)
        _check_joinable(graph, name, given)
        added = engine.ledger.add_dynamic_partitions(name, given)
    there = _without(given, added)
    if settings.as_json:
        settings.print_json({"name": name, "added": added, "there_already": there})
        return
    click.echo(f"{name}: {_listed(added, 'added')}{f'; {len(there):,} there already' if there else ''}")
    if added:
        words = [asset.name for asset in _partitioned_by(graph, name)]
        click.echo(f"\nmake what is missing  {click.style(settings.command('materialize', *words), bold=True)}")


@click.command()
@click.argument("name")
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@click.option("--wipe", is_flag=True, help="Delete their rows and status as well. It asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@project_options
@click.pass_obj
def remove(settings: Settings, name: str, keys: tuple[str, ...], wipe: bool, yes: bool) -> None:
    """Remove keys from the dynamic partitions NAME, or from those of the asset NAME.

    Rows and status of their partitions stay, unless --wipe is given. With - as KEY, keys are read from standard input,
    one a line.
    """
    # Without the keys that are there, which may not hold together: then this is what mends it.
    project = settings.load()
    with open_ledger() as ledger:
        name = _dynamic_name(settings, project.graph, name)
        given = _given(keys)
        if wipe:
            recover(project, ledger)
        recorded, wiped = _recorded(project.graph, ledger, name, given), list[Wiped]()
        if wipe and recorded:
            for asset, partitions in recorded.items():
                click.echo(f"  {click.style(str(asset), bold=True)}  {_some(partitions)}", err=settings.as_json)
            if not yes and not click.confirm("Delete their rows and forget their status?", err=settings.as_json):
                click.echo("nothing was removed.", err=settings.as_json)
                return
            wiped = _wipe(project, ledger, name, given, recorded)
        removed = ledger.delete_dynamic_partitions(name, given)
    absent = _without(given, removed)
    if settings.as_json:
        settings.print_json(
            {
                "name": name,
                "removed": removed,
                "not_there": absent,
                "wiped": [{"asset": one.asset, "partitions": one.states, "rows": one.rows} for one in wiped],
                "left_on_record": {} if wipe else {str(asset): len(of_asset) for asset, of_asset in recorded.items()},
            }
        )
        return
    click.echo(f"{name}: {_listed(removed, 'removed')}{f'; {len(absent):,} not there' if absent else ''}")
    for one in wiped:
        click.echo(done(one))
    if recorded and not wipe:
        left = ", ".join(f"{asset} ({count(len(partitions), 'partition')})" for asset, partitions in recorded.items())
        click.echo(f"rows and status stay, of {left}")
        words = [name, *keys, "--wipe"]
        click.echo(f"\ndelete them as well  {click.style(settings.command('partitions', 'remove', *words), bold=True)}")


def print_keys(settings: Settings, ledger: Ledger, name: str, limit: int | None) -> None:
    """All keys of dynamic partitions, or the newest `limit`."""
    keys = ledger.get_dynamic_partitions(name)
    shown = keys if limit is None else keys[-limit:]
    if settings.as_json:
        settings.print_json({"name": name, "extent": len(keys), "partitions": shown})
        return
    if not keys:
        click.echo(f"{name} has no keys yet. Add one: {settings.command('partitions', 'add', name, 'KEY')}")
    for key in shown:
        click.echo(key)
    if len(shown) < len(keys):
        click.echo(f"… the newest {len(shown):,} of {count(len(keys), 'key')}")


def _dynamic_name(settings: Settings, graph: AssetGraph, name: str) -> str:
    """The dynamic partitions that `name` means: by their own name, or by that of an asset that has them.

    Raises:
        InvocationError: It means none, or the asset has several.
    """
    names = sorted(graph.dynamic_names)
    if name in names:
        return name
    asset = graph.get(name)
    if asset is None:
        near = closest(name, {*names, *(key.to_user_string() for key in graph if _names_of(graph[key]))})
        meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are: {', '.join(names)}."
        raise InvocationError(
            f"there are no dynamic partitions {name!r}, and no asset of that name",
            meant if names else "No asset has any; declare them with DynamicPartitionsDefinition(name=…).",
        )
    of_asset = _names_of(asset)
    if len(of_asset) == 1:
        return of_asset[0]
    if of_asset:
        raise InvocationError(
            f"asset {asset.name!r} has several dynamic partitions: {', '.join(of_asset)}",
            f"Name one of them, as in: {settings.command('partitions', 'list', of_asset[0])}",
        )
    kind = "unpartitioned" if asset.partitions_def is None else f"partitioned {asset.partitions_def.describe()}"
    raise InvocationError(
        f"asset {asset.name!r} is {kind}, so its keys are neither added nor removed",
        f"Those of dynamic partitions are: {', '.join(names)}." if names else "",
    )


def _names_of(asset: AssetsDefinition) -> list[str]:
    return [] if asset.partitions_def is None else sorted(asset.partitions_def.dynamic_names)


def _partitioned_by(graph: AssetGraph, name: str) -> list[AssetsDefinition]:
    return [asset for asset in graph.assets if name in _names_of(asset)]


def _given(keys: Sequence[str]) -> list[str]:
    """The keys that were typed, with those from standard input in the place of ``-``; each once."""
    given: list[str] = []
    for key in keys:
        if key == "-":
            # Whatever is no valid text becomes something that is refused with a reason, instead of an exception here.
            text = sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")
            given += [line for line in text.replace("\r\n", "\n").split("\n") if line.strip()]
        else:
            given.append(key)
    return list(dict.fromkeys(given))


def _check_joinable(graph: AssetGraph, name: str, keys: Iterable[str]) -> None:
    joined = next((key for key in keys if DELIMITER in key), None)
    if joined is None:
        return
    for asset in _partitioned_by(graph, name):
        for dimension, definition in (asset.partitions_def.dimensions if asset.partitions_def else {}).items():
            if name in definition.dynamic_names:
                raise InvocationError(
                    f"{joined!r} has {DELIMITER!r}, which joins the dimensions of a key, and {name!r} is the dimension"
                    f" {dimension!r} of asset {asset.name!r}",
                    "Nothing was added; choose another character.",
                )


def _recorded(graph: AssetGraph, ledger: Ledger, name: str, keys: Sequence[str]) -> dict[AssetKey, list[str]]:
    """What is on record of the partitions that these keys tell, by asset."""
    wanted = set(keys)
    recorded: dict[AssetKey, list[str]] = {}
    for asset in _partitioned_by(graph, name):
        if isinstance(asset.partitions_def, DynamicPartitionsDefinition):
            found = [key for key in ledger.statuses(asset.name, keys) if key is not None]
        else:
            assert asset.partitions_def is not None  # noqa: S101  it is partitioned by `name`
            dimensions = list(asset.partitions_def.dimensions.values())
            places = [place for place, each in enumerate(dimensions) if name in each.dynamic_names]
            parts = ((key, key.split(DELIMITER)) for key in ledger.statuses(asset.name) if key is not None)
            found = [
                key
                for key, of_key in parts
                if len(of_key) == len(dimensions) and any(of_key[place] in wanted for place in places)
            ]
        if found:
            recorded[asset.key] = found
    return recorded


def _wipe(
    project: Project, ledger: Ledger, name: str, keys: Sequence[str], recorded: Mapping[AssetKey, Sequence[str]]
) -> list[Wiped]:
    """Delete rows and status of the `recorded` partitions."""
    # A partition is found through its definition: keys that were removed before have to be there once more.
    again = ledger.add_dynamic_partitions(name, keys)
    try:
        with Engine(project, ledger) as engine:
            return engine.wipe(
                {
                    key: definition.ordinals_of(partitions)
                    for key, partitions in recorded.items()
                    if (definition := engine.project.graph[key].partitions_def) is not None
                }
            )
    finally:
        ledger.delete_dynamic_partitions(name, again)


def _without(keys: Sequence[str], others: Sequence[str]) -> list[str]:
    gone = set(others)
    return [key for key in keys if key not in gone]


def _listed(keys: Sequence[str], done: str) -> str:
    """``2 keys added: acme, bolt``."""
    return f"{count(len(keys), 'key')} {done}{f': {_some(keys)}' if keys else ''}"


def _some(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - _MOST_KEYS:,} more" if len(keys) > _MOST_KEYS else ""
    return f"{', '.join(keys[:_MOST_KEYS])}{more}"
