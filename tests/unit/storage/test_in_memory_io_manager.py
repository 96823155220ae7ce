import pytest

from gapless.partitions import PartitionKeyRange, StaticPartitionsDefinition
from gapless.storage.in_memory import InMemoryIOManager
from gapless.storage.input_context import build_input_context
from gapless.storage.output_context import build_output_context
from gapless.storage.value_errors import ValueMissingError

LETTERS = StaticPartitionsDefinition(["a", "b"])


def test_the_very_object_comes_back():
    manager, value = InMemoryIOManager(), object()
    context = build_output_context(asset_key="plays")
    manager.handle_output(context, value)
    assert manager.load_input(build_input_context(upstream_output=context)) is value


def test_what_another_process_had_in_its_memory_is_told_with_what_keeps_it():
    span = PartitionKeyRange("a", "b")
    source = build_input_context(asset_key="plays", asset_partition_key_range=span, asset_partitions_def=LETTERS)
    with pytest.raises(ValueMissingError) as caught:
        InMemoryIOManager().load_input(source)
    assert str(caught.value) == (
        "asset 'plays', partition 'a': nothing is stored in the memory of this process, and nothing of 1 others. Make"
        " it in the same process; what has to outlive it is for FilesystemIOManager."
    )
