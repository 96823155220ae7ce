"""After a crash: a dead run is brought in line with the commit records in the project's data."""

from __future__ import annotations

from datetime import datetime

from gapless.definitions.project import Project
from gapless.ledger.contract import Ledger, RunRecord
from gapless.ledger.recovery import Reconciliation, reconcile
from gapless.storage.slices import SliceStore, is_slice_store

__all__ = ["recover", "recover_run", "slice_stores"]


def recover(project: Project, ledger: Ledger, now: datetime) -> list[Reconciliation]:
    """Reconcile all runs whose process died. Cheap when there are none."""
    return [recover_run(project, ledger, run, now) for run in ledger.dead_runs()]


def recover_run(
    project: Project, ledger: Ledger, run: RunRecord, now: datetime, error: str | None = None
) -> Reconciliation:
    """Reconcile one run that nobody drives any more; `error` is what broke it down, None if its process died."""
    records = [record for store in slice_stores(project) for record in store.commit_records([run.run_id])]
    return reconcile(ledger, run, records, now, error)


def slice_stores(project: Project) -> list[SliceStore]:
    """The project's IO managers that keep commit records, each once."""
    return list({id(store): store for store in project.resources.values() if is_slice_store(store)}.values())
