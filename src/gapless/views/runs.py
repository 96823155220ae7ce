"""What became of the partitions of a run, from its events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gapless.ledger.contract import Event, EventKind, Ledger, RunRecord

__all__ = ["OUTCOMES", "RunOutcome", "outcomes", "run_json"]

# In the order in which a person wants them. RECONCILED counts as materialized: the rows are there.
OUTCOMES = (EventKind.MATERIALIZED, EventKind.FAILED, EventKind.SKIPPED, EventKind.INTERRUPTED)


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """One asset's partitions with the same outcome and the same reason.

    Attributes:
        kind: One of `OUTCOMES`.
        partitions: Keys in the order in which they ended; None for an unpartitioned asset.
        rows: Rows that were committed.
    """

    asset: str
    kind: EventKind
    reason: str | None
    partitions: tuple[str | None, ...]
    rows: int

    def to_json(self) -> dict[str, Any]:
        return {
            "asset": self.asset,
            "outcome": self.kind.value,
            "reason": self.reason,
            "partitions": list(self.partitions),
            "rows": self.rows,
        }


def outcomes(ledger: Ledger, run_id: str) -> list[RunOutcome]:
    """What became of the run's partitions, by asset and outcome. The last word on each partition counts."""
    kinds = (*OUTCOMES, EventKind.RECONCILED)
    last: dict[tuple[str, str | None], Event] = {}
    for event in ledger.events(run_id=run_id, kinds=kinds):
        if event.asset is not None:
            last.pop((event.asset, event.partition), None)
            last[event.asset, event.partition] = event
    return _grouped(last.values())


def _grouped(events: Iterable[Event]) -> list[RunOutcome]:
    groups: dict[tuple[str, EventKind, str | None], list[Event]] = {}
    for event in events:
        kind = EventKind.MATERIALIZED if event.kind is EventKind.RECONCILED else event.kind
        groups.setdefault((str(event.asset), kind, event.reason), []).append(event)
    found = [
        RunOutcome(
            asset,
            kind,
            reason,
            tuple(event.partition for event in members),
            sum(int(event.payload.get("rows") or 0) for event in members),
        )
        for (asset, kind, reason), members in groups.items()
    ]
    return sorted(found, key=lambda outcome: OUTCOMES.index(outcome.kind))


def run_json(run: RunRecord, now: datetime) -> dict[str, Any]:
    """A run as plain JSON values, without its plan."""
    return {
        "run_id": run.run_id,
        "state": run.state.value,
        "created_at": run.created_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "duration_s": round(((run.ended_at or now) - run.created_at).total_seconds(), 3),
        "targeted": run.targeted,
        "trigger": run.trigger,
        "job": run.job,
        "host": run.host,
        "pid": run.pid,
        "error": run.error,
        "tags": dict(run.tags),
    }
