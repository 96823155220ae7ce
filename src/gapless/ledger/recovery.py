"""After a crash: what a dead run left behind is brought in line with what its data says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from gapless.ledger.contract import EventKind, Ledger, Outcome, RunRecord, Status, StatusRecord

__all__ = ["CommitProof", "Reconciliation", "found_committed", "reconcile"]

_Slice = tuple[str, str | None]


class _Version(Protocol):
    """What is needed of what was read of one upstream asset; see `gapless.storage.slices.InputVersion`."""

    @property
    def partitions(self) -> int: ...
    @property
    def version(self) -> str: ...


class CommitProof(Protocol):
    """What is needed of a store's commit record: proof, from the data's own transaction, that a slice was replaced.

    `asset` is an asset key or its name; what matters is how it reads as a string. The other members mean what those of
    `gapless.storage.slices.CommitRecord` do.
    """

    @property
    def asset(self) -> object: ...
    @property
    def partition(self) -> str | None: ...
    @property
    def run_id(self) -> str: ...
    @property
    def rows(self) -> int: ...
    @property
    def committed_at(self) -> datetime: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def version(self) -> str | None: ...
    @property
    def code_version(self) -> str | None: ...
    @property
    def inputs(self) -> Mapping[str, _Version]: ...
    @property
    def columns(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What was found of a dead run.

    Attributes:
        applied: False if the run had ended already, by another process's hand; then nothing was recorded.
        reconciled: Slices that are durably committed, though the ledger did not know.
        interrupted: Slices that it was at work on; their old rows and states stand.
    """

    run_id: str
    applied: bool
    reconciled: tuple[_Slice, ...] = ()
    interrupted: tuple[_Slice, ...] = ()


def reconcile(
    ledger: Ledger,
    run: RunRecord,
    commits: Iterable[CommitProof],
    now: datetime,
    error: str | None = None,
) -> Reconciliation:
    """End a dead run as CRASHED, believing the commit records over the ledger.

    Call it only for runs of `Ledger.dead_runs`, or for one's own that broke down: a live run would lose its leases. Two
    processes may do so at once; what the first records stands.

    Args:
        commits: The commit records of every store that the run wrote to, oldest first; those of other runs are passed
            over.
        error: What broke the run down; None if its process died.
    """
    proofs: dict[_Slice, CommitProof] = {}
    for commit in commits:
        at = (str(commit.asset), commit.partition)
        if commit.run_id == run.run_id:
            proofs[at] = commit
    leases = ledger.leases(run.run_id)
    unknown = _unknown(ledger, run.run_id, proofs, frozenset(leases))
    outcomes = [found_committed(asset, proof, now) for (asset, _), proof in unknown.items()]
    interrupted = tuple(lease for lease in leases if lease not in unknown)
    why = "its run's process died" if error is None else "its run broke down"
    outcomes += [Outcome(asset, partition, EventKind.INTERRUPTED, now, None, why) for asset, partition in interrupted]
    if not ledger.end_crashed(run.run_id, outcomes, now, "its process died" if error is None else error):
        return Reconciliation(run.run_id, applied=False)
    return Reconciliation(run.run_id, applied=True, reconciled=tuple(unknown), interrupted=interrupted)


def found_committed(asset: str, proof: CommitProof, now: datetime) -> Outcome:
    """The outcome that records a commit which only the data knew of.

    Args:
        asset: The asset's name.
    """
    payload: dict[str, Any] = {
        "rows": proof.rows,
        "bytes": proof.nbytes,
        "version": proof.version,
        "code_version": proof.code_version,
        "found_at": now.isoformat(),
    }
    if proof.inputs:
        payload["inputs"] = {
            name: {"partitions": read.partitions, "version": read.version} for name, read in proof.inputs.items()
        }
    if proof.columns:
        payload["columns"] = dict(proof.columns)
    return Outcome(
        asset=asset,
        partition=proof.partition,
        kind=EventKind.RECONCILED,
        at=proof.committed_at,
        status=Status.MATERIALIZED,
        rows=proof.rows,
        nbytes=proof.nbytes,
        code_version=proof.code_version,
        payload=payload,
        data_version=proof.version,
    )


def _unknown(
    ledger: Ledger, run_id: str, proofs: Mapping[_Slice, CommitProof], leases: frozenset[_Slice]
) -> dict[_Slice, CommitProof]:
    """The commits that the ledger does not know of; a dict, since its order is that of the commits."""
    by_asset: dict[str, list[str | None]] = {}
    for asset, partition in proofs:
        by_asset.setdefault(asset, []).append(partition)
    statuses: dict[_Slice, StatusRecord] = {
        (asset, partition): status
        for asset, partitions in by_asset.items()
        for partition, status in ledger.statuses(asset, partitions).items()
    }
    unknown = {}
    for at, proof in proofs.items():
        status = statuses.get(at)
        newer = status is not None and status.committed_at is not None and status.committed_at >= proof.committed_at
        if status is not None and status.run_id != run_id and at in leases:
            newer = False  # nobody else could commit it since, whatever the clock says
        recorded = status is not None and status.run_id == run_id and status.status is Status.MATERIALIZED
        if not newer and (at in leases or not recorded):
            unknown[at] = proof
    if not unknown:
        return unknown
    # A recorded commit gives its lease back. So one without a lease and without a status is either one whose record
    # was lost with the machine's power, or one that was recorded and then failed again.
    if unknown.keys() - leases:
        history = ledger.events(run_id=run_id, kinds=(EventKind.MATERIALIZED, EventKind.RECONCILED))
        for event in history:
            if event.asset is not None and (event.asset, event.partition) not in leases:
                unknown.pop((event.asset, event.partition), None)
    started = next((event.event_id for event in ledger.events(run_id=run_id, kinds=(EventKind.RUN_STARTED,))), None)
    wiped: dict[_Slice, datetime] = {}
    for asset in {asset for asset, _ in unknown}:
        for event in ledger.events(asset=asset, kinds=(EventKind.WIPED,), after=started):
            at = asset, event.partition
            wiped[at] = max(event.at, wiped.get(at, event.at))
    return {at: proof for at, proof in unknown.items() if not _was_wiped(at, proof, wiped)}


def _was_wiped(at: _Slice, proof: CommitProof, wiped: Mapping[_Slice, datetime]) -> bool:
    asset, partition = at
    wipes = (wiped.get((asset, None)), wiped.get((asset, partition)))  # of the whole asset, of this partition
    return any(wipe is not None and wipe >= proof.committed_at for wipe in wipes)
