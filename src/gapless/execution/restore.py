"""Make an older version of a partition the present one again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.errors import InvocationError
from gapless.execution.table_slices import output_slices
from gapless.ledger.contract import EventKind, Ledger, Outcome, Status
from gapless.partitions import OrdinalSet
from gapless.storage.slices import CommitRecord, Committed, Provenance, Refused, keeps_versions

__all__ = ["restore_partition"]


def restore_partition(
    asset: AssetsDefinition,
    partition: int | None,
    record: CommitRecord,
    resources: Mapping[str, Any],
    ledger: Ledger,
    run_id: str,
    now: datetime,
) -> Committed:
    """Make the rows of `record` those of its partition again, as a commit of this run.

    What is recorded is what the old rows were made from: their code version and inputs, so that it shows if they are
    stale.

    Args:
        partition: Its ordinal; None if the asset is unpartitioned.
        record: One of the store's `commits` of that partition.
        run_id: A run that is under way; the partition must not be that of another.

    Raises:
        InvocationError: Another run is making it, or the asset's store keeps no versions.
        StorageError: The rows of that version are not there any more, or cannot be committed; what is there stands.
    """
    key = record.partition
    place = asset.name if key is None else f"{asset.name} {key}"
    store: Any = resources.get(asset.io_manager_key)
    if not asset.stores_output or not keeps_versions(store):
        kind = type(store).__name__ if asset.stores_output else "its own function"
        made_again = f"gapless materialize {asset.name}" + ("" if key is None else f" --partition {key}")
        raise InvocationError(
            f"{place} is stored by {kind}, which keeps no older versions", f"Make it again: {made_again}"
        )
    claim = ledger.claim(run_id, asset.name, [key], now)
    for holder in claim.held.values():
        raise InvocationError(
            f"run {holder} is making {place}; nothing was restored",
            "Wait until it has ended, or stop it with Ctrl-C where it runs",
        )
    provenance = Provenance(record.code_version, record.inputs, record.version)
    ordinals = None if partition is None else OrdinalSet.span(partition, partition + 1)
    outcome: Committed | Refused = store.restore(output_slices(asset, ordinals, run_id, provenance), record)
    if isinstance(outcome, Refused):
        ledger.release(run_id, asset.name, [key])
        raise outcome.error
    ledger.record(run_id, [_restored(asset, record, outcome, now)])
    return outcome


def _restored(asset: AssetsDefinition, record: CommitRecord, outcome: Committed, now: datetime) -> Outcome:
    version = outcome.versions.get(record.partition) or record.version
    payload: dict[str, Any] = {
        "rows": outcome.rows.get(record.partition),
        "bytes": outcome.nbytes,
        "columns": dict(outcome.columns),
        "table": outcome.table,
        "restored_from": {
            "run_id": record.run_id,
            "committed_at": record.committed_at.isoformat(),
            "version": record.version,
        },
    }
    if version is not None:
        payload["version"] = version
    if record.code_version is not None:
        payload["code_version"] = record.code_version
    if record.inputs:
        payload["inputs"] = {
            name: {"partitions": read.partitions, "version": read.version} for name, read in record.inputs.items()
        }
    return Outcome(
        asset=asset.name,
        partition=record.partition,
        kind=EventKind.MATERIALIZED,
        at=now,
        status=Status.MATERIALIZED,
        rows=outcome.rows.get(record.partition),
        nbytes=outcome.nbytes,
        code_version=record.code_version,
        payload=payload,
        data_version=version,
    )
