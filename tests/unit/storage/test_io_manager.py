import pytest

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError
from gapless.partitions import DailyPartitionsDefinition, PartitionKeyRange, StaticPartitionsDefinition
from gapless.storage.io_manager import InputContext, IOManager, OutputContext

DAYS = DailyPartitionsDefinition("2024-01-01")
PLAYS = AssetKey("plays")


def test_an_output_knows_its_partitions_as_keys_range_and_window():
    context = OutputContext(PLAYS, DAYS, ("2024-01-02", "2024-01-03"))
    assert context.has_asset_partitions
    assert not context.has_partition_key
    assert context.asset_partition_keys == ["2024-01-02", "2024-01-03"]
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-02", "2024-01-03")
    assert context.asset_partitions_time_window.start == DAYS.time_window_for_partition_key("2024-01-02").start
    assert context.asset_partitions_time_window.end == DAYS.time_window_for_partition_key("2024-01-03").end
    assert context.asset_partitions_def is DAYS


def test_the_one_partition_is_asked_for_only_where_there_is_one():
    assert OutputContext(PLAYS, DAYS, ("2024-01-02",)).partition_key == "2024-01-02"
    with pytest.raises(InvocationError, match=r"there are 2\. Use asset_partition_keys"):
        OutputContext(PLAYS, DAYS, ("2024-01-02", "2024-01-03")).asset_partition_key  # noqa: B018


def test_an_unpartitioned_asset_has_none_of_it():
    context = OutputContext(PLAYS)
    assert not context.has_asset_partitions
    with pytest.raises(InvocationError, match="asset 'plays' is not partitioned"):
        context.asset_partition_keys  # noqa: B018


def test_static_partitions_have_no_time_window():
    with pytest.raises(InvocationError, match="has no time window"):
        OutputContext(PLAYS, StaticPartitionsDefinition(["a"]), ("a",)).asset_partitions_time_window  # noqa: B018


def test_an_input_without_partitions_to_read_has_no_range():
    with pytest.raises(InvocationError, match="no partition of asset 'plays' is asked for"):
        InputContext(PLAYS, DAYS).asset_partition_key_range  # noqa: B018


def test_an_inputs_partition_key_is_the_downstream_one():
    context = InputContext(PLAYS, DAYS, ("2024-01-01", "2024-01-02"), partition_key="2024-01")
    assert (context.has_partition_key, context.partition_key) == (True, "2024-01")
    with pytest.raises(InvocationError, match="this run makes no single partition"):
        InputContext(PLAYS, DAYS).partition_key  # noqa: B018


def test_metadata_is_recorded_the_last_of_equal_names_stays():
    context = OutputContext(PLAYS, metadata={"table": "t"})
    context.add_output_metadata({"rows": 1, "path": "a"})
    context.add_output_metadata({"rows": 2})
    assert context.recorded_metadata == {"rows": 2, "path": "a"}
    assert context.definition_metadata == {"table": "t"}


def test_an_io_manager_must_store_and_load():
    class Half(IOManager):
        def handle_output(self, context, obj):
            pass

    with pytest.raises(TypeError, match="load_input"):
        Half()
