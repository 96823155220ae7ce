"""Before looking at what is recorded: runs whose process died are brought in line with what their data says."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from gapless.cli.terminal import count
from gapless.definitions.project import Project
from gapless.execution.recovery import recover as reconcile_dead_runs
from gapless.ledger.contract import Ledger

__all__ = ["recover"]


def recover(project: Project, ledger: Ledger) -> None:
    """Reconcile dead runs, and say so on standard error. Next to nothing when there are none."""
    for found in reconcile_dead_runs(project, ledger, datetime.now(UTC)):
        if not found.applied:
            continue
        parts = []
        if found.reconciled:
            parts.append(f"{count(len(found.reconciled), 'partition')} found committed and recorded")
        if found.interrupted:
            parts.append(f"{count(len(found.interrupted), 'partition')} interrupted, the rows from before still there")
        became = "; ".join(parts) or "Nothing was open"
        click.echo(f"note: run {found.run_id} ended without a word: its process died. {became}.", err=True)
