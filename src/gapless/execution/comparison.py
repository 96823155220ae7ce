"""Whether the ledger and the data agree: a database may be deleted, restored or exchanged behind our back.

The commit records that lie beside the rows are the proof. What the ledger calls committed but the data has no record
of counts as missing; what the data proves of a partition that the ledger has never heard of counts as made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.project import Project
from gapless.ledger.contract import EventKind, Ledger, Status, StatusRecord
from gapless.ledger.recovery import found_committed
from gapless.storage.slices import CommitRecord, is_slice_store

__all__ = ["COMPARE", "Difference", "compare_with_data", "put_right"]

COMPARE = "compare"  # the trigger of runs that put the ledger right


@dataclass(frozen=True, slots=True)
class Difference:
    """Where ledger and data disagree about one asset.

    Attributes:
        lost: Partitions that are recorded as committed and are not in the data.
        found: Partitions that are in the data, though the ledger knows nothing of them.
        exchanged: Partitions of which the data holds another version than the one that is recorded.
        recorded: What the ledger said of those that are lost or exchanged.
    """

    asset: AssetKey
    lost: frozenset[str | None] = frozenset()
    found: Mapping[str | None, CommitRecord] = field(default_factory=dict)
    exchanged: Mapping[str | None, CommitRecord] = field(default_factory=dict)
    recorded: Mapping[str | None, StatusRecord] = field(default_factory=dict)

    @property
    def partitions(self) -> list[str | None]:
        """Those that it is about."""
        return [*self.lost, *self.found, *self.exchanged]

    @property
    def total(self) -> int:
        """How many partitions it is about."""
        return len(self.lost) + len(self.found) + len(self.exchanged)

    def corrected(self, records: Mapping[str | None, StatusRecord]) -> dict[str | None, StatusRecord]:
        """`records` of the asset as they will be once the ledger is put right."""
        kept = {key: record for key, record in records.items() if key not in self.lost}
        for key, commit in {**self.found, **self.exchanged}.items():
            kept[key] = StatusRecord(
                str(self.asset),
                key,
                Status.MATERIALIZED,
                commit.run_id,
                commit.committed_at,
                committed_at=commit.committed_at,
                rows=commit.rows,
                nbytes=commit.nbytes,
                code_version=commit.code_version,
                data_version=commit.version,
            )
        return kept


def compare_with_data(project: Project, ledger: Ledger, keys: Iterable[AssetKey]) -> dict[AssetKey, Difference]:
    """Where ledger and data disagree about the assets `keys`; changes nothing, and usually finds nothing.

    Raises:
        StorageError: A store cannot be read.
    """
    differences: dict[AssetKey, Difference] = {}
    for key in keys:
        asset = project.graph[key]
        if asset.stores_output and is_slice_store(project.resources.get(asset.io_manager_key)):
            # The ledger is read first: a run that commits meanwhile records afterwards, so nothing is taken for lost.
            records = ledger.statuses(asset.name)
            held = _held(project, asset)
            lost = {key for key, record in records.items() if record.rows is not None and key not in held}
            exchanged = _exchanged(ledger, asset.name, records, held)
            difference = Difference(
                key,
                frozenset(lost),
                _found(ledger, asset, records, held),
                exchanged,
                {partition: records[partition] for partition in (*lost, *exchanged)},
            )
            if difference.total:
                differences[key] = difference
    return differences


def _held(project: Project, asset: AssetsDefinition) -> dict[str | None, CommitRecord]:
    store: Any = project.resources[asset.io_manager_key]
    return {} if store.is_empty() else store.committed(asset.key, asset.metadata)


def _exchanged(
    ledger: Ledger,
    asset: str,
    records: Mapping[str | None, StatusRecord],
    held: Mapping[str | None, CommitRecord],
) -> dict[str | None, CommitRecord]:
    """What is another version than recorded. Runs do not tell: what was put right once is recorded under another."""
    others = [
        key
        for key, record in records.items()
        if record.status is Status.MATERIALIZED
        and record.data_version is not None
        and key in held
        and held[key].version not in (None, record.data_version)
    ]
    if not others:
        return {}
    # A run that committed since `records` were read has recorded it by now, or still holds the lease.
    now = ledger.statuses(asset, others)
    return {key: held[key] for key in others if now.get(key) == records[key]}


def _found(
    ledger: Ledger,
    asset: AssetsDefinition,
    records: Mapping[str | None, StatusRecord],
    held: Mapping[str | None, CommitRecord],
) -> dict[str | None, CommitRecord]:
    """What there is no record of, though it is a partition and nobody has wiped it since it was committed."""
    unknown = [key for key in held if key not in records and _is_partition(asset, key)]
    if not unknown:
        return {}
    known = ledger.statuses(asset.name, unknown)  # by a run that committed since, or still holds the lease
    unknown = [key for key in unknown if key not in known]
    wiped = _wiped_at(ledger, asset.name)
    whole = wiped.get(None)
    found = {}
    for key in unknown:
        wipes = (whole, wiped.get(key))
        if not any(wipe is not None and wipe >= held[key].committed_at for wipe in wipes):
            found[key] = held[key]
    return found


def _is_partition(asset: AssetsDefinition, key: str | None) -> bool:
    """Whether the asset still has it: definitions change, and keys of dynamic partitions are removed."""
    definition = asset.partitions_def
    if definition is None or key is None:
        return definition is None and key is None
    return definition.ordinal_of(key) is not None


def _wiped_at(ledger: Ledger, asset: str) -> dict[str | None, datetime]:
    """When each partition (None: all of them) was last wiped on purpose, and not for its rows being lost."""
    at: dict[str | None, datetime] = {}
    on_purpose: dict[str, bool] = {}
    for event in ledger.events(asset=asset, kinds=(EventKind.WIPED,)):
        if event.run_id not in on_purpose:
            run = ledger.run(event.run_id)
            on_purpose[event.run_id] = run is None or run.trigger != COMPARE
        if on_purpose[event.run_id]:
            at[event.partition] = max(event.at, at.get(event.partition, event.at))
    return at


def put_right(project: Project, ledger: Ledger, differences: Iterable[Difference], run_id: str, now: datetime) -> None:
    """Let the ledger say what the data proves.

    Other processes may have made, or wiped, what the comparison was about: under the leases of its partitions, the
    ledger and the data are asked again, and what is not as it was is left alone.

    Args:
        run_id: A run that is under way, in whose history the corrections are told.

    Raises:
        StorageError: A store cannot be read; the run's end releases what it holds.
    """
    for difference in differences:
        asset = project.graph[difference.asset]
        before = ledger.statuses(asset.name, difference.partitions)
        same = [key for key in difference.partitions if before.get(key) == difference.recorded.get(key)]
        free = ledger.claim(run_id, asset.name, same, now).granted
        ours = _unchanged(ledger, asset.name, difference, free)
        held = _held(project, asset)
        lost = [key for key in difference.lost & ours if key not in held]
        proofs = {**difference.found, **difference.exchanged}
        proven = [proof for key, proof in proofs.items() if key in ours and held.get(key) == proof]
        if lost:
            ledger.wipe(asset.name, lost, run_id, now)
        ledger.record(run_id, [found_committed(asset.name, proof, now) for proof in proven])
        ledger.release(run_id, asset.name, list(free))


def _unchanged(
    ledger: Ledger, asset: str, difference: Difference, free: Collection[str | None]
) -> frozenset[str | None]:
    """Of the partitions that are `free`, and now ours, those of which the ledger says what it said."""
    now = ledger.statuses(asset, free)
    return frozenset(key for key in free if _commit_of(now.get(key)) == _commit_of(difference.recorded.get(key)))


def _commit_of(record: StatusRecord | None) -> tuple[Any, ...] | None:
    """What is known of the rows; the status is that of our own lease."""
    if record is None or (record.committed_at is None and record.rows is None):
        return None
    return record.committed_at, record.rows, record.data_version
