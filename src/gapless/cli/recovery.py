"""Before looking at what is recorded: runs whose process died are brought in line with what their data says."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import click

from gapless.cli.terminal import count
from gapless.definitions.project import Project
from gapless.execution.comparison import Difference
from gapless.execution.recovery import recover as reconcile_dead_runs
from gapless.ledger.contract import Ledger, Status
from gapless.storage.slices import is_slice_store

__all__ = ["recover", "tell_differences", "tell_empty_stores"]


def recover(project: Project, ledger: Ledger) -> None:
    """Reconcile dead runs, and say so on standard error. Next to nothing when there are none."""
    for found in reconcile_dead_runs(project, ledger, datetime.now(UTC)):
        if not found.applied:
            continue
        parts = []
        if found.reconciled:
            parts.append(f"{count(len(found.reconciled), 'partition')} found committed and recorded")
        if found.interrupted:
            claimed = len(found.interrupted)  # some of them ahead, not yet begun
            parts.append(
                f"{count(claimed, 'partition')} {'was' if claimed == 1 else 'were'} claimed by it and"
                f" {'is' if claimed == 1 else 'are'} free again, with the rows from before"
            )
        became = "; ".join(parts) or "Nothing was open"
        click.echo(f"note: run {found.run_id} ended without a word: its process died. {became}.", err=True)


def tell_differences(differences: Iterable[Difference]) -> None:
    """Say on standard error where the data did not agree with the ledger, and which was believed."""
    for difference in differences:
        if difference.lost:
            lost = count(len(difference.lost), "partition")
            click.echo(
                f"note: {lost} of {difference.asset} were recorded as made, but the database does not hold them:"
                " they count as missing.",
                err=True,
            )
        if difference.found:
            found = count(len(difference.found), "partition")
            click.echo(
                f"note: the database holds {found} of {difference.asset} that nothing was recorded about:"
                " they count as made.",
                err=True,
            )
        if difference.exchanged:
            exchanged = count(len(difference.exchanged), "partition")
            click.echo(
                f"note: of {exchanged} of {difference.asset} the database holds another version than was recorded:"
                " what it holds counts as made.",
                err=True,
            )


def tell_empty_stores(project: Project, ledger: Ledger) -> None:
    """Say on standard error which stores are gone though something was recorded in them. Opens none."""
    for name, store in project.resources.items():
        if not is_slice_store(store) or not store.is_empty():
            continue
        mine = [asset.name for asset in project.graph.assets if asset.io_manager_key == name and asset.stores_output]
        counts = ledger.counts()
        if any(counts.get(asset, {}).get(Status.MATERIALIZED) for asset in mine):
            click.echo(
                f"note: {store!r} holds nothing any more; what is shown as materialized in it is gone,"
                " and the next plan or run counts it as missing.",
                err=True,
            )
