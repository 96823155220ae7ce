"""What became of an asset, commit by commit: what the ledger recorded, joined with what the store has proof of."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.ledger.contract import Event, EventKind, Ledger
from gapless.storage.slices import CommitRecord, InputVersion, SliceStore

__all__ = ["CheckFact", "HistoryEntry", "history"]

_COMMITTED = (EventKind.MATERIALIZED, EventKind.RECONCILED)
_KINDS = (*_COMMITTED, EventKind.FAILED, EventKind.WIPED)

_Slice = str | None


@dataclass(frozen=True, slots=True)
class CheckFact:
    """What a check found.

    Attributes:
        description: One line of evidence; empty if the check gave none.
    """

    name: str
    passed: bool
    severity: str
    blocking: bool
    description: str
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {**dataclasses.asdict(self), "metadata": dict(self.metadata)}


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One thing that happened to a partition.

    Attributes:
        number: The store's number of this commit; 0 if it is none, or has none.
        what: ``materialized``, ``restored``, ``reconciled`` (found committed afterwards), ``failed``, ``wiped``,
            ``checked`` (a check that looked at a slice that was there already).
        partition: None for an unpartitioned asset, or for all of a partitioned one.
        dropped: Rows that were left out because they lay outside the partition, or outside all of the value that it was
            made of, if that was one of several partitions; None if nothing was.
        reason: Why it failed; where a restored version is from.
        current: These rows are there now.
        kept: Other rows have replaced these, but the store still holds them, so that they can be restored.
        recorded: The ledger knows of it, not only the store.
    """

    at: datetime
    what: str
    partition: str | None
    run_id: str
    number: int = 0
    rows: int | None = None
    nbytes: int | None = None
    version: str | None = None
    code_version: str | None = None
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    dropped: int | None = None
    dropped_of_batch: bool = False
    reason: str | None = None
    checks: tuple[CheckFact, ...] = ()
    current: bool = False
    kept: bool = False
    recorded: bool = True

    def to_json(self) -> dict[str, Any]:
        inputs = {name: {"partitions": one.partitions, "version": one.version} for name, one in self.inputs.items()}
        return {
            "number": self.number or None,
            "at": self.at.isoformat(),
            "what": self.what,
            "partition": self.partition,
            "rows": self.rows,
            "bytes": self.nbytes,
            "version": self.version,
            "code_version": self.code_version,
            "inputs": inputs,
            "dropped": self.dropped,
            "dropped_of_batch": self.dropped_of_batch,
            "run_id": self.run_id,
            "reason": self.reason,
            "checks": [check.to_json() for check in self.checks],
            "current": self.current,
            "kept": self.kept,
            "recorded": self.recorded,
        }


def history(
    ledger: Ledger, asset: AssetsDefinition, store: SliceStore | None, partition: str | None, limit: int
) -> list[HistoryEntry]:
    """The newest `limit` entries, newest first.

    Args:
        store: Where its data lies; None if that keeps no commit records.
        partition: Only of this one; None for all of the asset.

    Raises:
        StorageError: The store cannot be read.
    """
    entries = _recorded(ledger, asset.name, partition, limit)
    if store is None:
        return _marked_by_ledger(ledger, asset.name, entries)
    held: Mapping[_Slice, CommitRecord] = {}
    commits: list[CommitRecord] = []
    if not store.is_empty():
        held = store.committed(asset.key, asset.metadata)
        if partition is not None or asset.partitions_def is None:
            commits = store.commits(asset.key, asset.metadata, partition, limit)
        else:
            newest = sorted(held.values(), key=lambda record: (record.number, record.committed_at), reverse=True)[
                :limit
            ]
            shown = dict.fromkeys(entry.partition for entry in entries if _is_commit(entry) and entry.recorded)
            shown.update(dict.fromkeys(record.partition for record in newest))
            commits = [record for key in shown for record in store.commits(asset.key, asset.metadata, key, limit)]
    return _joined(entries, commits, held)[:limit]


# --- what the ledger says


def _recorded(ledger: Ledger, asset: str, partition: str | None, limit: int) -> list[HistoryEntry]:
    """Newest first; what checks found goes with the commit or the failure that it was about."""
    events = ledger.events(asset=asset, partition=partition, kinds=_KINDS, limit=limit)
    if partition is not None:
        # When all of the asset was wiped, this one was, too.
        wiped = ledger.events(asset=asset, kinds=(EventKind.WIPED,), limit=limit)
        events += (event for event in wiped if event.partition is None)
    checks = ledger.events(asset=asset, partition=partition, kinds=(EventKind.CHECKED,), limit=limit)
    about = {(event.run_id, event.partition) for event in events if event.kind is not EventKind.WIPED}
    oldest = min((event.event_id for event in events), default=0) if len(events) >= limit else 0
    alone = {(check.run_id, check.partition): check for check in checks if check.event_id > oldest}
    events += (check for at, check in alone.items() if at not in about)
    events.sort(key=lambda event: event.event_id, reverse=True)
    return [_entry(event, _checks(ledger, event)) for event in events[:limit]]


def _checks(ledger: Ledger, event: Event) -> tuple[CheckFact, ...]:
    """What checks of the same run found about the same partition, oldest first."""
    if event.kind is EventKind.WIPED:
        return ()
    found = ledger.events(run_id=event.run_id, asset=event.asset, partition=event.partition, kinds=(EventKind.CHECKED,))
    return tuple(_check(check) for check in found if check.partition == event.partition)


def _entry(event: Event, checks: tuple[CheckFact, ...]) -> HistoryEntry:
    if event.kind is EventKind.CHECKED:
        return HistoryEntry(event.at, event.kind.value, event.partition, event.run_id, checks=checks)
    payload = event.payload
    restored = payload.get("restored_from")
    return HistoryEntry(
        at=event.at,
        what="restored" if restored else event.kind.value,
        partition=event.partition,
        run_id=event.run_id,
        rows=payload.get("rows"),
        nbytes=payload.get("bytes"),
        version=payload.get("version"),
        code_version=payload.get("code_version"),
        inputs={name: _input(read) for name, read in (payload.get("inputs") or {}).items()},
        dropped=payload.get("dropped") or payload.get("dropped_of_batch"),
        dropped_of_batch="dropped_of_batch" in payload,
        reason=_told(restored) if restored else event.reason,
        checks=checks,
    )


def _input(read: Any) -> InputVersion:
    return InputVersion(int(read.get("partitions", 1)), str(read.get("version", "?")))


def _told(restored: Any) -> str:
    """Of which commit a restored version was: ``that of run 2024…``."""
    run_id = restored.get("run_id") if isinstance(restored, Mapping) else None
    return f"that of run {run_id}" if run_id else str(restored)


def _check(event: Event) -> CheckFact:
    payload = event.payload
    return CheckFact(
        name=str(payload.get("check", "")),
        passed=bool(payload.get("passed")),
        severity=str(payload.get("severity", "")),
        blocking=bool(payload.get("blocking")),
        description=str(payload.get("description") or event.reason or ""),
        metadata=payload.get("metadata") or {},
    )


def _is_commit(entry: HistoryEntry) -> bool:
    return entry.what in ("materialized", "restored", "reconciled")


def _marked_by_ledger(ledger: Ledger, asset: str, entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """The commits that the ledger still vouches for."""
    statuses = ledger.statuses(asset, {entry.partition for entry in entries})
    committed = {key: record.committed_at for key, record in statuses.items()}
    return [
        dataclasses.replace(entry, current=_is_commit(entry) and committed.get(entry.partition) == entry.at)
        for entry in entries
    ]


# --- what the store says


def _joined(
    entries: Sequence[HistoryEntry], commits: Sequence[CommitRecord], held: Mapping[_Slice, CommitRecord]
) -> list[HistoryEntry]:
    """`entries` with what the store knows of them, and the commits that are not among them."""
    left = sorted(commits, key=lambda record: (record.number, record.committed_at), reverse=True)
    joined: list[HistoryEntry] = []
    for entry in entries:
        record = _record_of(entry, left) if _is_commit(entry) else None
        if record is not None:
            left.remove(record)
        joined.append(entry if record is None else _known(entry, record, held))
    for record in left:
        entry = HistoryEntry(record.committed_at, "materialized", record.partition, record.run_id, recorded=False)
        entry = _known(entry, record, held)
        place = next((i for i, other in enumerate(joined) if _is_older(other, entry)), len(joined))
        joined.insert(place, entry)
    return joined


def _record_of(entry: HistoryEntry, commits: Sequence[CommitRecord]) -> CommitRecord | None:
    mine = [record for record in commits if record.partition == entry.partition]
    # What was found afterwards is recorded at the instant of its commit, perhaps by another run.
    exact = next((record for record in mine if record.committed_at == entry.at), None)
    return exact or next((record for record in mine if record.run_id == entry.run_id), None)


def _known(entry: HistoryEntry, record: CommitRecord, held: Mapping[_Slice, CommitRecord]) -> HistoryEntry:
    now = held.get(record.partition)
    current = now is not None and (now.number, now.committed_at) == (record.number, record.committed_at)
    return dataclasses.replace(
        entry,
        number=record.number,
        rows=record.rows,
        nbytes=record.nbytes,
        version=record.version or entry.version,
        code_version=record.code_version or entry.code_version,
        inputs=record.inputs or entry.inputs,
        current=current,
        kept=record.restorable and not current,
    )


def _is_older(entry: HistoryEntry, than: HistoryEntry) -> bool:
    """By the store's numbers if both have one, since a clock may go backwards."""
    if entry.number and than.number:
        return entry.number < than.number
    return entry.at < than.at
