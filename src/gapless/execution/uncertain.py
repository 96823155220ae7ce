"""Commits of which their store could not say whether they took: the data is asked again when the run ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gapless.errors import StorageError
from gapless.execution.call import Made
from gapless.execution.failure import Failure
from gapless.execution.outcomes import check_outcomes, failed_outcomes, log_outcomes
from gapless.execution.progress import StepReport
from gapless.ledger.contract import EventKind, Outcome
from gapless.ledger.recovery import found_committed
from gapless.storage.slices import CommitRecord, SliceStore

__all__ = ["UncertainCommits"]

_Slice = tuple[str, str | None]


class UncertainCommits:
    """Those of one run."""

    def __init__(self, resources: Mapping[str, Any], run_id: str) -> None:
        self._resources = resources
        self._run_id = run_id
        self._open: list[tuple[Made, StorageError]] = []

    def add(self, made: Made, error: StorageError) -> None:
        self._open.append((made, error))

    def settle(self, now: datetime) -> tuple[list[Outcome], list[StepReport], StorageError | None]:
        """What the data says of them, and the error of the first that was not committed. Waits as any reader does.

        Of what it cannot be asked about, no state is recorded: the next plan compares the ledger with the data.
        """
        outcomes: list[Outcome] = []
        reports: list[StepReport] = []
        first: StorageError | None = None
        known: dict[str, Mapping[_Slice, CommitRecord] | None] = {}
        for made, error in self._open:
            if made.store not in known:
                known[made.store] = self._records(made.store)
            checked = check_outcomes(made.checks, now)
            outcomes += [*log_outcomes(made.unit, made.logs, now), *checked[0]]
            reports += checked[1]
            told = self._told(made, error, known[made.store], now)
            outcomes += told[0]
            reports += told[1]
            if first is None and any(report.kind is EventKind.FAILED for report in told[1]):
                first = error
        self._open = []
        return outcomes, reports, first

    def _records(self, resource: str) -> Mapping[_Slice, CommitRecord] | None:
        store: SliceStore = self._resources[resource]
        try:
            records = store.commit_records([self._run_id])
        except StorageError:
            return None
        return {(str(record.asset), record.partition): record for record in records}

    @staticmethod
    def _told(
        made: Made, error: StorageError, records: Mapping[_Slice, CommitRecord] | None, now: datetime
    ) -> tuple[list[Outcome], list[StepReport]]:
        name, keys = made.unit.asset.to_user_string(), made.unit.keys
        if records is None:
            reason = f"nobody knows whether it was committed: {error}"
            return (
                [Outcome(name, key, EventKind.INTERRUPTED, now, None, reason) for key in keys],
                [StepReport(name, key, EventKind.FAILED, reason) for key in keys],
            )
        found = [records[name, key] for key in keys if (name, key) in records]
        if len(found) < len(keys):  # they were one transaction
            return failed_outcomes(made.unit, Failure.of(error), made.duration_s, EventKind.FAILED, now)
        return (
            [found_committed(name, record, now) for record in found],
            [StepReport(name, record.partition, EventKind.MATERIALIZED, rows=record.rows) for record in found],
        )
