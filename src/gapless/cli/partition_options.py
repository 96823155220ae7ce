"""The options that say which partitions: of `plan`, `materialize` and `wipe`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from gapless.asset_key import AssetKey
from gapless.engine import Engine
from gapless.planning.request import PartitionRequest, Scope

__all__ = ["chosen_assets", "partition_options", "request_of", "scope_options", "typed"]

_F = TypeVar("_F", bound=Callable[..., Any])


def partition_options(command: _F) -> _F:
    """Add SELECTION, ``--job``, and the options that name partitions."""
    for option in reversed(_NAMING):
        command = option(command)
    return command


def scope_options(command: _F) -> _F:
    """Add ``--missing``, ``--failed`` and ``--all``."""
    for option in reversed(_SCOPES):
        command = option(command)
    return command


def request_of(
    partitions: tuple[str, ...],
    ranges: tuple[str, ...],
    last: int | None,
    text: str | None,
    missing: bool = False,
    failed: bool = False,
    everything: bool = False,
) -> PartitionRequest:
    """What was asked for.

    Raises:
        InvocationError: ``--last`` is less than one.
        click.UsageError: Two scopes at once.
    """
    scopes = {
        "--missing": (missing, Scope.MISSING),
        "--failed": (failed, Scope.FAILED),
        "--all": (everything, Scope.ALL),
    }
    given = {option: scope for option, (chosen, scope) in scopes.items() if chosen}
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} contradict each other; give one of them.")
    return PartitionRequest(partitions, ranges, last, next(iter(given.values()), None), text)


def chosen_assets(engine: Engine, selection: tuple[str, ...], job: str | None) -> tuple[AssetKey, ...]:
    """The assets that are meant; all without a selection.

    Raises:
        UnknownAssetError, SelectionError: The selection names something that there is not.
        UnknownNameError: There is no such job.
        click.UsageError: A selection and a job at once.
    """
    if job is None:
        return engine.select(list(selection) or None)
    if selection:
        raise click.UsageError("a selection and --job were given; a job has its own selection, give one of them.")
    return engine.project.job(job).selection


def typed(
    selection: tuple[str, ...],
    job: str | None,
    partitions: tuple[str, ...] = (),
    ranges: tuple[str, ...] = (),
    last: int | None = None,
    text: str | None = None,
) -> list[str]:
    """The words that name the same again, for a command line to type next."""
    words = [*selection, *(("--job", job) if job else ())]
    words += [word for key in partitions for word in ("--partition", key)]
    words += [word for text in ranges for word in ("--range", text)]
    words += ["--last", str(last)] if last else []
    return [*words, *(("--partitions", text) if text is not None else ())]


_NAMING: tuple[Callable[[Any], Any], ...] = (
    click.argument("selection", nargs=-1, metavar="[SELECTION]..."),
    click.option("--job", metavar="NAME", help="The assets of this job."),
    click.option("--partition", "partitions", multiple=True, metavar="KEY", help="This partition; may be repeated."),
    click.option(
        "--range", "ranges", multiple=True, metavar="A..B", help="From A to B, both included; may be repeated."
    ),
    click.option("--last", type=int, metavar="N", help="The newest N partitions."),
    click.option(
        "--partitions", "text", metavar="TEXT", help="A selection: '2024-01..', 'region=eu & date=2024', 'not failed'."
    ),
)
_SCOPES: tuple[Callable[[Any], Any], ...] = (
    click.option("--missing", is_flag=True, help="Those not made yet (the default, if no partitions are named)."),
    click.option("--failed", is_flag=True, help="Those that failed, and those skipped because of them."),
    click.option("--all", "everything", is_flag=True, help="All of them, whatever is recorded."),
)
