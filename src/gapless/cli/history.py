"""`gapless history`: what became of an asset, or of one partition, commit by commit."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from typing import Any

import click

from gapless.asset_key import AssetKey
from gapless.cli.recovery import recover
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import count, cut, local_time, plain_width, size, speaks_unicode, table, width
from gapless.definitions.project import Project
from gapless.definitions.resources import ready_resources
from gapless.engine import system_clock
from gapless.errors import GaplessError, InvocationError, StorageError
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest
from gapless.planning.snapshot import AssetStatus
from gapless.storage.slices import InputVersion, is_slice_store
from gapless.views.history import HistoryEntry, history

__all__ = ["history_"]

_COLOURS = {
    "materialized": "green",
    "restored": "green",
    "reconciled": "green",
    "failed": "red",
    "wiped": "yellow",
    "checked": "blue",
}
_SHORT = 8  # characters of a version that is a hash
_LONGEST_NOTE = 300  # columns; JSON has all of it
_HASH = re.compile(r"(?:[a-z]+[0-9]+-)?([0-9a-f]{16,})")


@click.command("history")
@click.argument("asset")
@click.option("--partition", metavar="KEY", help="Only of this partition.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="The newest N.")
@project_options
@click.pass_obj
def history_(settings: Settings, asset: str, partition: str | None, limit: int) -> None:
    """What became of ASSET, newest first: commits, failures, checks, wipes.

    * marks what is there now; what is "kept" can be restored.
    """
    declared = settings.load()
    with open_ledger() as ledger:
        project = declared.resolved(ledger)
        recover(project, ledger)
        key = project.graph[asset].key
        if partition is not None and not ledger.events(asset=str(key), partition=partition, limit=1):
            _check_exists(project, key, partition)  # what has a history may have left the definition
        entries = _entries(project, key, ledger, partition, limit)
    if settings.as_json:
        found = [entry.to_json() for entry in entries]
        settings.print_json({"asset": str(key), "partition": partition, "history": found})
        return
    if not entries:
        what = str(key) if partition is None else f"{key} {partition}"
        named = () if partition is None else ("--partition", partition)
        again = settings.command("materialize", str(key), *named)
        click.echo(f"nothing has happened to {what} yet. Make it with: {again}")
        return
    click.echo(_table(entries, project.graph[key].partitions_def is not None and partition is None))
    if any(entry.kept for entry in entries):
        named = ("--partition", partition or "KEY") if project.graph[key].partitions_def is not None else ()
        restore = settings.command("restore", str(key), *named, "--to", "N")
        click.echo(f"\nbring one back that is kept  {click.style(restore, bold=True)}")


def _check_exists(project: Project, key: AssetKey, partition: str) -> None:
    definition = project.graph[key].partitions_def
    if definition is None:
        raise InvocationError(
            f"asset {str(key)!r} is unpartitioned, so no partition of it can be named", "Leave out --partition"
        )
    PartitionRequest((partition,)).resolve(definition, str(key), system_clock(), AssetStatus())


def _entries(project: Project, key: AssetKey, ledger: Any, partition: str | None, limit: int) -> list[HistoryEntry]:
    asset = project.graph[key]
    if not asset.stores_output or not is_slice_store(project.resources.get(asset.io_manager_key)):
        return history(ledger, asset, None, partition, limit)
    with ready_resources(project.resources, [asset.io_manager_key], None) as ready:
        store: Any = ready[asset.io_manager_key]
        try:
            return history(ledger, asset, store, partition, limit)
        except StorageError as error:
            click.echo(f"note: this is what was recorded; the data could not be asked: {error}", err=True)
            return history(ledger, asset, None, partition, limit)
        finally:
            with contextlib.suppress(GaplessError):
                store.close()


def _table(entries: Sequence[HistoryEntry], of_several: bool) -> str:
    shown = {
        "": [_mark(entry) for entry in entries],
        "N": [str(entry.number or "") for entry in entries],
        "WHEN": [local_time(entry.at) for entry in entries],
        "PARTITION": [entry.partition if entry.partition is not None else "(all)" for entry in entries],
        "WHAT": [click.style(entry.what, fg=_COLOURS.get(entry.what)) for entry in entries],
        "ROWS": ["" if entry.rows is None else f"{entry.rows:,}" for entry in entries],
        "SIZE": ["" if entry.nbytes is None else size(entry.nbytes) for entry in entries],
        "VERSION": [_short(entry.version) for entry in entries],
        "CODE": [cut(entry.code_version or "", 12) for entry in entries],
        "INPUTS": [cut(", ".join(_input(name, one) for name, one in entry.inputs.items()), 40) for entry in entries],
        "RUN": [entry.run_id for entry in entries],
    }
    if not of_several:
        del shown["PARTITION"]
    shown = {name: cells for name, cells in shown.items() if any(cells)}
    taken = sum(max(plain_width(cell) for cell in (name, *cells)) + 2 for name, cells in shown.items())
    notes = [cut(_note(entry), _LONGEST_NOTE) for entry in entries]
    beside = [note if plain_width(note) <= width() - taken else "" for note in notes]
    if any(beside):
        shown["NOTE"] = beside
    right = [place for place, name in enumerate(shown) if name in ("N", "ROWS", "SIZE")]
    head, *lines = table(list(shown), list(zip(*shown.values(), strict=True)), right=right).splitlines()
    below = [f"\n   {note}" if note and not fits else "" for note, fits in zip(notes, beside, strict=True)]
    return "\n".join([head, *map("".join, zip(lines, below, strict=True))])


def _mark(entry: HistoryEntry) -> str:
    return "*" if entry.current else ""


def _note(entry: HistoryEntry) -> str:
    notes = ["kept"] if entry.kept else []
    if not entry.recorded:
        notes.append("known to the data only")
    if entry.dropped:
        where = "all of its call" if entry.dropped_of_batch else "it"
        notes.append(f"{count(entry.dropped, 'row')} outside {where} dropped")
    failed = [check for check in entry.checks if not check.passed]
    passed = len(entry.checks) - len(failed)
    for check in failed:
        notes.append(f"{check.name} did not pass{f': {check.description}' if check.description else ''}")
    if passed:
        notes.append(f"{passed:,} check{'s' if passed > 1 else ''} passed")
    if entry.reason and not any(check.name in entry.reason for check in failed):
        notes.append(entry.reason)
    return "; ".join(notes)


def _short(version: str | None) -> str:
    """The start of a hash; of what the user said, as much as fits."""
    match = _HASH.fullmatch(version or "")
    return match[1][:_SHORT] if match else cut(version or "", 12)


def _input(name: str, read: InputVersion) -> str:
    times = f" {'×' if speaks_unicode() else 'x'}{read.partitions:,}" if read.partitions != 1 else ""
    return f"{name}{times} {_short(read.version)}"
