"""What is older than its asset keeps and is still there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.errors import StorageError
from gapless.partitions import OrdinalSet
from gapless.planning.retention import expired
from gapless.planning.snapshot import AssetStatus
from gapless.storage.slices import is_slice_store

__all__ = ["expired_partitions"]


def expired_partitions(
    asset: AssetsDefinition, status: AssetStatus, resources: Mapping[str, Any], now: datetime
) -> OrdinalSet:
    """The partitions of an asset that have expired and are on record, to be wiped.

    On record in the ledger, or in the data: a wipe that failed has forgotten the states and left the rows, and a ledger
    may have been begun anew beside the data. What a run is making now is left alone.
    """
    gone = expired(asset, now)
    return gone & (status.recorded | _committed(asset, resources)) - status.running if gone else gone


def _committed(asset: AssetsDefinition, resources: Mapping[str, Any]) -> OrdinalSet:
    """What its store has proof of; nothing if that cannot be read now."""
    store: Any = resources.get(asset.io_manager_key)
    if asset.partitions_def is None or not asset.stores_output or not is_slice_store(store):
        return OrdinalSet.empty()
    try:
        held = {} if store.is_empty() else store.committed(asset.key, asset.metadata)
    except StorageError:
        return OrdinalSet.empty()
    return asset.partitions_def.ordinals_of(partition for partition in held if partition is not None)
