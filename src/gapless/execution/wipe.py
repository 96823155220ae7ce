"""Forget partitions: what is recorded about them and their rows, together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.errors import InvocationError
from gapless.execution.table_slices import output_slices
from gapless.ledger.contract import Ledger
from gapless.partitions import OrdinalSet
from gapless.storage.io_manager import OutputContext, wipes
from gapless.storage.slices import is_slice_store

__all__ = ["Wiped", "wipe_asset"]


@dataclass(frozen=True, slots=True)
class Wiped:
    """What was there of one asset and is not any more.

    Attributes:
        states: Partitions whose recorded state was forgotten.
        rows: Rows that were deleted; None if the asset is no table of ours.
        values: Values that the user's own IO manager deleted; None if it cannot.
    """

    asset: str
    states: int
    rows: int | None
    values: int | None = None


def wipe_asset(
    asset: AssetsDefinition,
    partitions: OrdinalSet | None,
    resources: Mapping[str, Any],
    ledger: Ledger,
    run_id: str,
    now: datetime,
) -> Wiped:
    """Forget `partitions` of an asset, or all of it with None.

    The state goes first: should we die in between, the ledger says "missing" about rows that are still there, which
    the next materialization replaces; the other way round it would vouch for rows that are gone.

    Args:
        run_id: A run that is under way; the partitions must not be those of another.

    Raises:
        InvocationError: Another run is making some of them.
        StorageError: The rows could not be deleted; the states are forgotten already.
    """
    keys: list[str | None] | None = None
    if partitions is not None and asset.partitions_def is not None:
        keys = list(asset.partitions_def.keys_of(partitions))
    claim = ledger.claim(run_id, asset.name, keys if keys is not None else [*ledger.statuses(asset.name)], now)
    for key, holder in claim.held.items():
        raise InvocationError(
            f"run {holder} is making {asset.name}{f' {key}' if key is not None else ''}; nothing of it was wiped",
            "Wait until it has ended, or stop it with Ctrl-C where it runs",
        )
    states = ledger.wipe(asset.name, keys, run_id, now)
    store: Any = resources.get(asset.io_manager_key)
    if keys == []:  # a store that is told of no partition empties the table
        return Wiped(asset.name, states, 0)
    if asset.stores_output and not is_slice_store(store) and wipes(store):
        gone = OutputContext(asset.key, asset.partitions_def, [key for key in keys or () if key is not None])
        return Wiped(asset.name, states, None, store.wipe(gone))
    if not asset.stores_output or not is_slice_store(store):
        return Wiped(asset.name, states, None)
    return Wiped(asset.name, states, store.wipe(output_slices(asset, partitions, run_id)))
