"""Values that are kept in memory, for tests and for what is cheap to make again."""

from __future__ import annotations

from typing import Any

from gapless.storage.input_context import InputContext
from gapless.storage.io_manager import IOManager
from gapless.storage.output_context import OutputContext
from gapless.storage.values_by_partition import MISSING, loaded_values, values_by_partition

__all__ = ["InMemoryIOManager"]


class InMemoryIOManager(IOManager):
    """Keeps values in memory, as they are; they are gone with the process.

    Of several partitions it takes and gives a dict of a value for each.

    Attributes:
        values: The values, by the parts of the asset's key and by the partition; None if it is unpartitioned.
    """

    def __init__(self) -> None:
        self.values: dict[tuple[tuple[str, ...], str | None], Any] = {}

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Keep `obj`."""
        made = values_by_partition(context, obj)
        self.values.update({_place(context, partition): value for partition, value in made.items()})

    def load_input(self, context: InputContext) -> Any:
        """The very object that was kept; a dict of several partitions.

        Raises:
            ValueMissingError: Nothing is kept of one of them.
        """
        return loaded_values(
            context,
            lambda partition: self.values.get(_place(context, partition), MISSING),
            lambda partition: "the memory of this process",
            "Make it in the same process; what has to outlive it is for FilesystemIOManager.",
        )

    def wipe(self, context: OutputContext) -> int:
        """Forget the partitions that `context` names, or all of the asset; returns how many there were."""
        asset = context.asset_key.parts
        gone = {place for place in self.values if place[0] == asset}
        if context.partition_keys:
            gone &= {(asset, partition) for partition in context.partition_keys}
        return sum(self.values.pop(place, MISSING) is not MISSING for place in gone)


def _place(context: OutputContext | InputContext, partition: str | None) -> tuple[tuple[str, ...], str | None]:
    # The key's parts stay together: asset a/b and partition b of asset a are two places.
    return (context.asset_key.parts, partition)
