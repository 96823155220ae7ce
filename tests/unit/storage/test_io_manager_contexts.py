import logging
import pickle

import pytest

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    StaticPartitionsDefinition,
)
from gapless.storage.input_context import InputContext, build_input_context
from gapless.storage.io_manager import IOManager, load_value, store_value
from gapless.storage.output_context import OutputContext, build_output_context
from gapless.storage.partitions_of_asset import NoSuchFactError

DAYS = DailyPartitionsDefinition("2024-01-01", end_date="2024-02-01")
LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
BOTH = MultiPartitionsDefinition({"letter": LETTERS, "date": DAYS})


def test_a_test_builds_contexts_by_key_range_or_what_was_stored():
    one = build_output_context(asset_key="raw/plays", partition_key="2024-01-02", asset_partitions_def=DAYS)
    assert (one.asset_key, one.partition_key) == (AssetKey(["raw", "plays"]), "2024-01-02")
    span = PartitionKeyRange("2024-01-02", "2024-01-04")
    several = build_output_context(asset_key=["a"], asset_partition_key_range=span, asset_partitions_def=DAYS)
    assert several.asset_partition_keys == ["2024-01-02", "2024-01-03", "2024-01-04"]
    source = build_input_context(upstream_output=several)
    assert (source.asset_key, source.asset_partition_keys) == (several.asset_key, several.asset_partition_keys)
    assert source.upstream_output is several
    assert build_input_context(asset_key="a", partition_key="x").asset_partition_keys == ["x"]
    with build_output_context(name="numbers", step_key="step") as context:
        assert (context.has_asset_key, context.name, context.step_key) == (False, "numbers", "step")


def test_what_a_test_says_is_what_the_context_tells():
    made = build_output_context(
        asset_key="plays",
        definition_metadata={"table": "t"},
        output_metadata={"rows": 3},
        resources={"client": 1},
        resource_config={"folder": "f"},
        dagster_type=int,
        run_id="r",
    )
    assert (made.metadata, made.definition_metadata, made.output_metadata) == (
        {"table": "t"},
        {"table": "t"},
        {"rows": 3},
    )
    assert (made.resources.client, made.resource_config, made.dagster_type.typing_type) == (1, {"folder": "f"}, int)
    assert made.get_run_scoped_output_identifier() == ["r", "plays", "result"]
    made.add_output_metadata({"path": "p"})
    assert made.get_logged_metadata() == {"path": "p"}
    read = build_input_context("rows", asset_key="plays", metadata={"columns": ["a"]}, dagster_type=made.dagster_type)
    assert (read.name, read.metadata, read.dagster_type.display_name) == ("rows", {"columns": ["a"]}, "int")
    assert (build_input_context(asset_key="raw/plays").name, read.has_input_name, read.config) == ("plays", True, None)


def test_a_key_of_dimensions_has_its_parts():
    context = build_output_context(asset_key="a", partition_key="2024-01-02|b", asset_partitions_def=BOTH)
    assert isinstance(context.partition_key, MultiPartitionKey)
    assert context.partition_key.keys_by_dimension == {"date": "2024-01-02", "letter": "b"}
    start, end = context.asset_partitions_time_window
    assert (start.isoformat(), end.isoformat()) == ("2024-01-02T00:00:00+00:00", "2024-01-03T00:00:00+00:00")


def test_a_wrong_context_is_refused():
    span = PartitionKeyRange("2024-01-02", "2024-01-04")
    with pytest.raises(InvocationError, match=r"for one partition_key or for one asset_partition_key_range"):
        build_output_context(partition_key="2024-01-02", asset_partition_key_range=span, asset_partitions_def=DAYS)
    with pytest.raises(InvocationError, match=r"a range of partitions needs their definition"):
        build_input_context(asset_key="a", asset_partition_key_range=span)
    with pytest.raises(UnknownPartitionError):
        build_input_context(
            asset_key="a", asset_partition_key_range=PartitionKeyRange("a", "z"), asset_partitions_def=LETTERS
        )


def test_a_range_never_names_partitions_that_nobody_asked_for():
    context = OutputContext(AssetKey("plays"), DAYS, ("2024-01-02", "2024-01-04"))
    for fact in ("asset_partition_key_range", "asset_partitions_time_window"):
        with pytest.raises(
            InvocationError, match=r"from '2024-01-02' to '2024-01-04' are no range: others lie between"
        ):
            getattr(context, fact)
    rectangle = [BOTH.key_at(n) for n in BOTH.between(BOTH.ordinal_of("2024-01-01|a"), BOTH.ordinal_of("2024-01-02|b"))]
    assert len(rectangle) == 4
    context = OutputContext(AssetKey("plays"), BOTH, rectangle)
    assert context.asset_partition_key_range == PartitionKeyRange("2024-01-01|a", "2024-01-02|b")
    assert OutputContext(AssetKey("p"), LETTERS, ("b", "c")).asset_partition_key_range == PartitionKeyRange("b", "c")


def test_one_place_is_named_only_for_one_partition():
    assert OutputContext(AssetKey(["a", "b"])).get_identifier() == ["a", "b"]
    assert OutputContext(AssetKey("a"), LETTERS, ("b",)).get_asset_identifier() == ["a", "b"]
    with pytest.raises(InvocationError, match=r"the one partition of asset 'a' is asked for, but there are 2\. Use"):
        OutputContext(AssetKey("a"), LETTERS, ("b", "c")).get_identifier()


@pytest.mark.parametrize(
    ("context", "fact", "instead"),
    [
        (OutputContext(AssetKey("a")), "step_context", "Use context.log, context.resources"),
        (OutputContext(AssetKey("a")), "op_def", "Use context.asset_key"),
        (OutputContext(AssetKey("a")), "log_event", "Use context.add_output_metadata"),
        (OutputContext(AssetKey("a")), "job_name", "Use context.run_id"),
        (InputContext(AssetKey("a")), "instance", "context.asset_partitions_def knows its keys"),
        (InputContext(AssetKey("a")), "step_key", "Use context.upstream_output.step_key"),
        (InputContext(AssetKey("a")), "get_observations", "Use context.add_input_metadata"),
    ],
)
def test_what_dagsters_contexts_have_and_ours_do_not_is_told_with_what_to_use(context, fact, instead):
    kind = type(context).__name__
    with pytest.raises(NoSuchFactError, match=f"an {kind} of Gapless has no '{fact}', which Dagster's has. {instead}"):
        getattr(context, fact)
    assert not hasattr(context, fact)
    error = pickle.loads(pickle.dumps(NoSuchFactError("no", "do this")))
    assert str(error) == "no. do this"


def test_a_fact_that_nobody_has_is_told_with_those_that_there_are():
    with pytest.raises(
        AttributeError, match=r"an OutputContext has no 'partitions'; it has add_output_metadata, asset_key"
    ):
        OutputContext(AssetKey("a")).partitions  # noqa: B018


def test_a_context_of_no_asset_says_so():
    with pytest.raises(InvocationError, match=r"this context belongs to no asset. Build it with asset_key="):
        build_output_context().asset_key  # noqa: B018


def test_facts_about_what_was_read_are_logged(caplog):
    with caplog.at_level(logging.INFO, "gapless"):
        build_input_context(asset_key="plays").add_input_metadata({"rows": 3}, "from the cache")
    assert caplog.messages == ["read asset 'plays' (from the cache): rows: 3"]


def test_an_async_manager_is_refused_before_it_loses_a_value():
    class Async(IOManager):
        async def handle_output(self, context, obj): ...
        async def load_input(self, context): ...

    with pytest.raises(InvocationError, match=r"Async.handle_output is async, so nothing was stored. Write a plain"):
        store_value(Async(), build_output_context(asset_key="a"), 1)
    with pytest.raises(InvocationError, match=r"Async.load_input is async"):
        load_value(Async(), build_input_context(asset_key="a"))


def test_facts_that_a_manager_yields_are_recorded():
    class Yields(IOManager):
        def handle_output(self, context, obj):
            yield {"rows": obj}

        def load_input(self, context): ...

    context = build_output_context(asset_key="a")
    store_value(Yields(), context, 3)
    assert context.recorded_metadata == {"rows": 3}
