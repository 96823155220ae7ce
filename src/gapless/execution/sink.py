"""Take what a function returned to where it belongs: partition by partition if need be, past its checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.execution.call import Call, json_metadata
from gapless.execution.check_input import rows_as
from gapless.execution.checks import Checked, Checks, NoRowsError
from gapless.execution.errors import QueryNotStoredError
from gapless.execution.inputs import Inputs, output_context
from gapless.execution.pairs import take_pairs
from gapless.execution.returned import Returned, YieldedPairs, returned, yielded
from gapless.execution.table_slices import output_slices
from gapless.partitions import OrdinalSet
from gapless.storage.io_manager import store_value
from gapless.storage.slice_io_manager import handles_itself
from gapless.storage.slices import SliceStore, StagedSlices, is_slice_store
from gapless.storage.sql_query import SqlQuery

__all__ = ["Sink"]


class Sink:
    """Takes what functions return, for one run. Safe to use from several threads.

    Args:
        resources: Every resource of the project, ready to use.
    """

    def __init__(self, resources: Mapping[str, Any], checks: Checks, run_id: str) -> None:
        self._resources = resources
        self._checks = checks
        self._run_id = run_id

    def take(self, call: Call, inputs: Inputs, value: Any) -> None:
        """Hand over what the function of `call` returned, or why it cannot be stored.

        Raises:
            BaseException: What applies to all that the call has not handed over.
        """
        asset = call.asset
        to_table = asset.stores_output and is_slice_store(self._manager(asset))
        said: Returned | YieldedPairs | None = None
        if not isinstance(value, SqlQuery):
            said = yielded(asset, call.keys_of(call.unit.partitions), value, to_table=to_table)
        if isinstance(said, YieldedPairs):
            del value  # a list of pairs is let go of as it is taken
            take_pairs(call, said.items, lambda partition, said: self._keep(call, inputs, partition, said))
        else:
            self._keep(call, inputs, call.unit.partitions, said or returned(asset, value))

    def _manager(self, asset: AssetsDefinition) -> Any:
        return self._resources.get(asset.io_manager_key)

    def _keep(self, call: Call, inputs: Inputs, partitions: OrdinalSet, said: Returned) -> None:
        """Store one value, of one partition or of several.

        Raises:
            BaseException: It cannot be stored; nothing of it was handed over.
        """
        found = self._checks.reported(call, partitions, said.check_results)
        if found.failure is not None:
            call.failed(partitions, found.failure, found.evaluations)
            return
        manager = self._manager(call.asset)
        if not said.has_value:
            self._keep_nothing(call, partitions, said, found)
        elif is_slice_store(manager) and not handles_itself(manager):
            self._stage(call, inputs, partitions, said, found, manager)
        else:
            self._hand_to_manager(call, partitions, said, found, manager)

    def _keep_nothing(self, call: Call, partitions: OrdinalSet, said: Returned, found: Checked) -> None:
        """The function has stored its data itself; checks can still look, with resources of theirs."""

        def nothing(_annotation: Any) -> Any:
            raise NoRowsError

        found += self._checks.run(call, partitions, nothing)
        self._land(call, partitions, None, said, found)

    def _hand_to_manager(
        self, call: Call, partitions: OrdinalSet, said: Returned, found: Checked, manager: Any
    ) -> None:
        """A user's own IO manager stores it, after the checks have looked at the value itself."""
        if isinstance(said.value, SqlQuery):
            raise QueryNotStoredError(call.asset.name, call.keys_of(partitions), type(manager).__name__)
        found += self._checks.run(call, partitions, lambda _annotation: said.value)
        if found.failure is not None:
            call.failed(partitions, found.failure, found.evaluations)
            return
        output = output_context(call.asset, partitions, call.context, said.metadata)
        if handles_itself(manager):
            output.slices = output_slices(call.asset, partitions, self._run_id, call.provenance(said.data_version))
        with call.storing() as wanted:
            if wanted:  # else the run has ended, and another may have made newer rows
                store_value(manager, output, said.value)
                self._land(call, partitions, None, said, found, json_metadata(output.recorded_metadata))

    def _stage(
        self, call: Call, inputs: Inputs, partitions: OrdinalSet, said: Returned, found: Checked, store: SliceStore
    ) -> None:
        value = said.value
        if isinstance(value, SqlQuery):
            value = inputs.behind(value, partitions)
        provenance = call.provenance(said.data_version)
        staged = store.stage(output_slices(call.asset, partitions, self._run_id, provenance), value)
        if not self._checks.of(call.asset):
            # Several partitions in one value stay together: the writer takes them apart if they are refused.
            self._land(call, partitions, staged, said, found)
            return
        try:
            parts = store.split(staged)
        except BaseException:
            staged.discard()
            raise
        for ordinal, part in zip(partitions, parts, strict=True):
            partition = OrdinalSet.span(ordinal, ordinal + 1)
            its = Checked(tuple(each for each in found.evaluations if each.partition == part.output.slices[0].key))
            its += self._checks.run(call, partition, _rows_of(part, call.asset.key))
            self._land(call, partition, part, said, its)

    @staticmethod
    def _land(
        call: Call,
        partitions: OrdinalSet,
        staged: StagedSlices | None,
        said: Returned,
        found: Checked,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if found.failure is not None:
            if staged is not None:
                staged.discard()
            call.failed(partitions, found.failure, found.evaluations)
            return
        call.made(
            partitions,
            staged,
            metadata={**said.metadata, **(metadata or {})},
            data_version=said.data_version,
            checks=found.evaluations,
        )


def _rows_of(part: StagedSlices, asset: AssetKey) -> Callable[[Any], Any]:
    return lambda annotation: rows_as(part.rows(), annotation, asset.to_user_string())
