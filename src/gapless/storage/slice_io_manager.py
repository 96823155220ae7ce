"""A slice store as an IO manager: the two methods that users know, over the rich contract."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, cast
from weakref import WeakKeyDictionary

from gapless.partitions import OrdinalSet
from gapless.storage.input_context import InputContext
from gapless.storage.io_manager import IOManager
from gapless.storage.output_context import OutputContext
from gapless.storage.partition_slices import slices_of
from gapless.storage.partitions_of_asset import PartitionsOfAsset
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, SliceStore

__all__ = ["SliceIOManager", "handles_itself"]


class SliceIOManager(IOManager):
    """What makes a slice store an IO manager, too.

    A run uses the store itself, in groups. These methods store and load one value at a time, for tests and for those
    who wrap a store in a class of their own: a subclass that overrides one of them is called as any other IO manager.
    """

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`: check it, replace its partitions, and record rows and table.

        Raises:
            StorageError: It cannot be stored; the old rows are still there.
        """
        metadata = context.definition_metadata
        output = context.slices or OutputSlices(
            asset=context.asset_key, metadata=metadata, run_id=context.run_id, **_slices(context, metadata)
        )
        store = cast("SliceStore", self)
        staged = store.stage(output, obj)
        with _turn(self):
            (outcome,) = store.commit([staged])
            store.yield_turn()
        if not isinstance(outcome, Committed):
            raise outcome.error
        context.add_output_metadata({"rows": sum(outcome.rows.values()), "table": outcome.table})

    def load_input(self, context: InputContext) -> Any:
        """The rows of the partitions that `context` names, as the type that the function declares.

        Raises:
            StorageError: They were never stored, or cannot be given as that type.
        """
        upstream, columns = context.upstream_output, context.definition_metadata.get("columns")
        # What tells the partitions apart is said by the upstream asset; a test may have only one context.
        metadata = context.definition_metadata if upstream is None else upstream.definition_metadata
        source = context.slices or InputSlices(
            asset=context.asset_key,
            metadata=metadata,
            columns=None if columns is None else tuple(columns),
            **_slices(context, metadata),
        )
        return cast("SliceStore", self).load(source, context.dagster_type.typing_type)


_TURNS: WeakKeyDictionary[Any, threading.Lock] = WeakKeyDictionary()
_GUARD = threading.Lock()


def _turn(store: Any) -> threading.Lock:
    """Held by the one thread that commits to `store`; not part of the store, which can be pickled."""
    with _GUARD:
        return _TURNS.setdefault(store, threading.Lock())


def handles_itself(manager: Any) -> bool:
    """Whether a slice store's class has its own way to store or load values, which a run must not pass by."""
    kind = type(manager)
    return isinstance(manager, SliceIOManager) and (
        kind.handle_output is not SliceIOManager.handle_output or kind.load_input is not SliceIOManager.load_input
    )


def _slices(context: PartitionsOfAsset, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The slices that the context of a test names, and what tells them apart."""
    definition, expression = context.partitions_def, metadata.get("partition_expr")
    if not context.has_asset_partitions:
        return slices_of(None, None, None)
    if definition is None:  # it gives a key and no definition
        return {"slices": tuple(map(PartitionSlice, context.partition_keys)), "partition_expr": expression}
    known = map(definition.ordinal_of, context.partition_keys)
    return slices_of(definition, OrdinalSet.of(each for each in known if each is not None), expression)
