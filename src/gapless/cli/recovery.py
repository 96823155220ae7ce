"""Before looking at what is recorded: runs whose process died are brought in line with what their data says."""

from __future__ import annotations

import click

from gapless.cli.terminal import count
from gapless.engine import Engine

__all__ = ["recover"]


def recover(engine: Engine) -> None:
    """Reconcile dead runs, and say so on standard error. Next to nothing when there are none."""
    for found in engine.recover():
        if not found.applied:
            continue
        parts = []
        if found.reconciled:
            parts.append(f"{count(len(found.reconciled), 'partition')} found committed and recorded")
        if found.interrupted:
            parts.append(f"{count(len(found.interrupted), 'partition')} interrupted, the rows from before still there")
        click.echo(
            f"note: run {found.run_id} ended without a word: its process died. {'; '.join(parts) or 'Nothing was open'}.",
            err=True,
        )
