"""What a user's function is told, and how a test builds it."""

from __future__ import annotations

import pytest

import gapless as dg
from gapless.errors import InvocationError, UnknownPartitionError
from gapless.partitions import MultiPartitionsDefinition

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", timezone="America/New_York")
REGIONS = dg.StaticPartitionsDefinition(["eu", "us", "as"])


@dg.asset(partitions_def=DAILY)
def plays(context: dg.AssetExecutionContext):
    return context


@dg.asset(partitions_def=REGIONS)
def regions(context: dg.AssetExecutionContext):
    return context


@dg.asset
def whole(context: dg.AssetExecutionContext):
    return context


def test_a_context_takes_the_partitions_of_the_asset_that_is_called_with_it():
    context = plays(dg.build_asset_context(partition_key="2024-03-10"))
    assert context.asset_key == plays.key
    assert context.partition_key == "2024-03-10"
    assert context.partition_keys == ["2024-03-10"]
    assert context.has_partition_key
    assert not context.has_partition_key_range
    assert context.partition_key_range == dg.PartitionKeyRange("2024-03-10", "2024-03-10")
    window = context.partition_time_window
    assert (window.start.isoformat(), window.end.isoformat()) == (
        "2024-03-10T00:00:00-05:00",
        "2024-03-11T00:00:00-04:00",
    )


def test_a_range_has_keys_and_a_window_but_no_single_key():
    context = plays(dg.build_asset_context(partition_key_range=dg.PartitionKeyRange("2024-01-01", "2024-01-03")))
    assert context.has_partition_key_range
    assert not context.has_partition_key
    assert list(context.partition_keys) == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert str(context.partition_time_window.end.date()) == "2024-01-04"
    with pytest.raises(InvocationError) as refused:
        context.partition_key  # noqa: B018  # the property raises
    assert str(refused.value) == (
        "asset 'plays' makes 3 partitions in one call, '2024-01-01' to '2024-01-03', so it has no single partition_key."
        " Use context.partition_keys, context.partition_key_range or context.partition_time_window"
    )


def test_resources_come_first_as_in_dagster():
    context = whole(dg.build_asset_context({"client": 7}))
    assert context.resources.client == 7
    assert not context.has_partition_key


def test_static_partitions_have_keys_but_no_window():
    context = regions(dg.build_asset_context(partition_key="us"))
    with pytest.raises(InvocationError, match="asset 'regions' is not partitioned by time but by static: eu, us, as"):
        context.partition_time_window  # noqa: B018  # the property raises


def test_a_key_that_does_not_exist_is_refused_when_the_asset_is_called():
    with pytest.raises(UnknownPartitionError, match="asset 'plays' has no partition '2024-13-01'"):
        plays(dg.build_asset_context(partition_key="2024-13-01"))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: plays(dg.build_asset_context()),
            "asset 'plays' is partitioned. Write build_asset",
        ),
        (
            lambda: whole(dg.build_asset_context(partition_key="x")),
            "asset 'whole' is unpartitioned, but the",
        ),
        (
            lambda: dg.build_asset_context(partition_key="a", partition_key_range=dg.PartitionKeyRange("a", "b")),
            "for one partition_key or for one partition_key_range, not for both",
        ),
        (lambda: whole(dg.build_asset_context()).partition_key, "asset 'whole' is unpartitioned, so it has no partit"),
        (lambda: dg.build_asset_context().asset_key, "this context belongs to no asset"),
        (
            lambda: whole(dg.build_asset_context()).asset_partition_key_for_input("x"),
            "asset 'whole' has no input 'x'; its inputs are: none",
        ),
        (
            lambda: plays(dg.build_asset_context(partition_key="2024-01-01")).add_asset_metadata({}, None, "x"),
            "asset 'plays' does not make the partition 'x' in this call",
        ),
    ],
)
def test_what_a_context_cannot_answer_is_said(call, message):
    with pytest.raises(InvocationError) as refused:
        call()
    assert message in str(refused.value)


BY_REGION = MultiPartitionsDefinition({"region": REGIONS, "date": DAILY})


@dg.asset(partitions_def=BY_REGION)
def by_region(context: dg.AssetExecutionContext):
    return context


def test_a_partition_of_several_dimensions_is_told_by_each():
    context = by_region(dg.build_asset_context(partition_key="2024-03-10|us"))
    assert context.partition_key == "2024-03-10|us"
    assert context.multi_partition_key.keys_by_dimension == {"date": "2024-03-10", "region": "us"}
    assert context.partition_time_window.start.isoformat() == "2024-03-10T00:00:00-05:00"


def test_a_range_of_several_dimensions_is_a_rectangle():
    span = dg.PartitionKeyRange("2024-01-01|eu", "2024-01-03|us")
    context = by_region(dg.build_asset_context(partition_key_range=span))
    assert list(context.partition_keys) == [f"2024-01-0{day}|{region}" for day in (1, 2, 3) for region in ("eu", "us")]
    assert context.partition_key_range == span
    assert str(context.partition_time_window.end.date()) == "2024-01-04"


def test_only_several_dimensions_have_a_multi_partition_key():
    context = plays(dg.build_asset_context(partition_key="2024-03-10"))
    with pytest.raises(InvocationError) as refused:
        context.multi_partition_key  # noqa: B018  # the property raises
    assert str(refused.value) == (
        "asset 'plays' is not partitioned by several dimensions but daily from 2024-01-01 (America/New_York)."
        " Use context.partition_key"
    )


def test_two_dimensions_of_time_have_no_one_window():
    both = MultiPartitionsDefinition({"seen": DAILY, "sold": DAILY})
    context = dg.build_asset_context(partition_key="2024-01-01|2024-01-02", partitions_def=both)
    with pytest.raises(InvocationError, match="has 2 dimensions of time, so there is no one time window"):
        context.partition_time_window  # noqa: B018  # the property raises
