"""Whether the ledger and the data agree: a database may be deleted, restored or exchanged behind our back.

The commit records that lie beside the rows are the proof. What the ledger calls committed but the data has no record
of counts as missing; what the data proves of an asset that the ledger has never heard of counts as made.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.project import Project
from gapless.ledger.contract import Ledger, Status, StatusRecord
from gapless.ledger.recovery import found_committed
from gapless.storage.slices import CommitRecord, is_slice_store

__all__ = ["Difference", "compare_with_data", "put_right"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where ledger and data disagree about one asset.

    Attributes:
        lost: Partitions that are recorded as committed and are not in the data.
        found: Partitions that are in the data, though the ledger knows nothing of the asset.
        exchanged: Partitions of which the data holds another version than the one that is recorded.
    """

    asset: AssetKey
    lost: frozenset[str | None] = frozenset()
    found: Mapping[str | None, CommitRecord] = field(default_factory=dict)
    exchanged: Mapping[str | None, CommitRecord] = field(default_factory=dict)

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
        store: Any = project.resources.get(asset.io_manager_key)
        if asset.stores_output and is_slice_store(store):
            # The ledger is read first: a run that commits meanwhile records afterwards, so nothing is taken for lost.
            records = ledger.statuses(asset.name)
            stored = {partition for partition, record in records.items() if record.rows is not None}
            held = {} if store.is_empty() else store.committed(key, asset.metadata)
            difference = Difference(
                key,
                frozenset(stored - held.keys()),
                {} if records else held,
                _exchanged(ledger, asset.name, records, held),
            )
            if difference.total:
                differences[key] = difference
    return differences


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


def put_right(ledger: Ledger, differences: Iterable[Difference], run_id: str, now: datetime) -> None:
    """Let the ledger say what the data proves.

    Args:
        run_id: A run that is under way, in whose history the corrections are told.
    """
    for difference in differences:
        asset = str(difference.asset)
        if difference.lost:
            ledger.wipe(asset, list(difference.lost), run_id, now)
        there = {**difference.found, **difference.exchanged}
        ledger.record(run_id, [found_committed(asset, commit, now) for commit in there.values()])
