"""Commits of which their store could not say whether they took: the data is asked again when the run ends."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.errors import StorageError
from gapless.execution.call import Made
from gapless.execution.cancel import CancelToken
from gapless.execution.failure import Failure
from gapless.execution.outcomes import check_outcomes, failed_outcomes, log_outcomes, made_outcomes
from gapless.execution.progress import StepReport
from gapless.execution.ready import Unit
from gapless.ledger.contract import EventKind, Outcome
from gapless.ledger.recovery import found_committed
from gapless.partitions import OrdinalSet
from gapless.storage.slices import CommitRecord, SliceStore

__all__ = ["UncertainCommits"]

_LOOK_S = 0.1  # how often it is looked whether the run is to stop while the data is asked

_Slice = tuple[str, str | None]


class UncertainCommits:
    """Those of one run."""

    def __init__(self, graph: AssetGraph, resources: Mapping[str, Any], run_id: str, cancel: CancelToken) -> None:
        self._graph = graph
        self._resources = resources
        self._run_id = run_id
        self._cancel = cancel
        self._open: list[tuple[Made, StorageError]] = []
        self._undone: set[tuple[AssetKey, OrdinalSet]] = set()

    def add(self, made: Made, error: StorageError) -> None:
        self._open.append((made, error))

    def undo(self, unit: Unit) -> bool:
        """It has failed after all, whatever the data says; whether it was among them."""
        place = unit.asset, unit.partitions
        known = any((made.unit.asset, made.unit.partitions) == place for made, _ in self._open)
        if known:
            self._undone.add(place)
        return known

    def settle(self, now: datetime, *, ask: bool) -> tuple[list[Outcome], list[StepReport], StorageError | None]:
        """What the data says of them, and the error of the first that was not committed.

        Of what it cannot be asked about, no state is recorded: the next plan compares the ledger with the data.

        Args:
            ask: Whether to ask it, which waits as any reader does, but no longer once the run is to stop.
        """
        outcomes: list[Outcome] = []
        reports: list[StepReport] = []
        first: StorageError | None = None
        known: dict[str, Mapping[_Slice, CommitRecord] | None] = {}
        for made, error in self._open:
            if ask and made.store not in known:
                known[made.store] = self._records(made.store)
            checked = check_outcomes(made.checks, now)
            outcomes += [*log_outcomes(made.unit, made.logs, now), *checked[0]]
            reports += checked[1]
            if (made.unit.asset, made.unit.partitions) in self._undone:
                continue
            told = self._told(made, error, known[made.store], now) if ask else _not_asked(made.unit, now)
            outcomes += told[0]
            reports += told[1]
            if first is None and any(report.kind is EventKind.FAILED for report in told[1]):
                first = error
        self._open = []
        return outcomes, reports, first

    def _records(self, resource: str) -> Mapping[_Slice, CommitRecord] | None:
        store: SliceStore = self._resources[resource]
        try:
            with self._waiting_no_longer_than_wanted(store):
                records = store.commit_records([self._run_id])
        except StorageError:
            return None
        return {(str(record.asset), record.partition): record for record in records}

    @contextmanager
    def _waiting_no_longer_than_wanted(self, store: SliceStore) -> Iterator[None]:
        asked = threading.Event()

        def look() -> None:
            while not asked.wait(_LOOK_S):
                if self._cancel.cancelled:
                    store.stop_waiting()

        threading.Thread(target=look, name="gapless-uncertain", daemon=True).start()
        try:
            yield
        finally:
            asked.set()

    def _told(
        self, made: Made, error: StorageError, records: Mapping[_Slice, CommitRecord] | None, now: datetime
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
        # The data knows nothing of what the user recorded, nor how long it took.
        said = {
            outcome.partition: outcome for outcome in made_outcomes(made, None, self._graph[made.unit.asset], now)[0]
        }
        proven = [found_committed(name, record, now) for record in found]
        return (
            [replace(each, payload={**said[each.partition].payload, **each.payload}) for each in proven],
            [StepReport(name, record.partition, EventKind.MATERIALIZED, rows=record.rows) for record in found],
        )


def _not_asked(unit: Unit, now: datetime) -> tuple[list[Outcome], list[StepReport]]:
    name, reason = (
        unit.asset.to_user_string(),
        "stopped before it was known whether it is committed; the next plan looks",
    )
    return (
        [Outcome(name, key, EventKind.INTERRUPTED, now, None, reason) for key in unit.keys],
        [StepReport(name, key, EventKind.INTERRUPTED, reason) for key in unit.keys],
    )
