"""Which partitions a plan blocks, by what their dependencies wait for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gapless as dg
from gapless.definitions.definitions import project_of
from gapless.partitions import OrdinalSet
from gapless.planning.planner import make_plan
from gapless.planning.request import PartitionRequest
from gapless.planning.snapshot import AssetStatus

NOW = datetime(2024, 1, 29, 12, tzinfo=UTC)  # 28 days have ended
DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01")
DAYS = 28
POLICIES = [dg.WaitPolicy.all(), dg.WaitPolicy.at_least(2), dg.WaitPolicy.at_least(3), dg.WaitPolicy.existing()]


def graph_of(mapping, partitions_def=DAILY):
    @dg.asset(partitions_def=DAILY)
    def plays() -> None: ...

    @dg.asset(partitions_def=partitions_def, deps=[dg.AssetDep(plays, partition_mapping=mapping)])
    def charts() -> None: ...

    return project_of([plays, charts], {}).graph


def step_of(graph, selected, made, failed=OrdinalSet.empty()):
    status = AssetStatus(materialized=made, failed=failed, committed=made)
    keys = [dg.AssetKey(name) for name in selected]
    step = make_plan(graph, keys, PartitionRequest(), {dg.AssetKey("plays"): status}, NOW).step(dg.AssetKey("charts"))
    assert step is not None
    return step


def test_a_rolling_week_is_made_as_soon_as_enough_of_it_is_there():
    graph = graph_of(dg.RollingWindowPartitionMapping(7, wait_for=dg.WaitPolicy.at_least(5)))
    step = step_of(graph, ["charts"], OrdinalSet.span(0, 8), failed=OrdinalSet.of([9]))
    assert list(step.partitions) == list(range(10))  # the first read fewer than five, and all of those are there
    assert step.blocked[10] == (
        "needs at least 5, and 4 of the 7 partitions of plays that it reads are there;"
        " plays 2024-01-09..2024-01-11 (3 partitions) failed"
    )


def test_whatever_exists_is_enough_but_nothing_is_not():
    graph = graph_of(dg.RollingWindowPartitionMapping(3, wait_for=dg.WaitPolicy.existing()))
    step = step_of(graph, ["charts"], OrdinalSet.of([5]))
    assert list(step.partitions) == [5, 6, 7]
    assert step.blocked[8] == "needs any of plays 2024-01-07..2024-01-09 (3 partitions), which are missing"
    assert set(step_of(graph, ["charts"], OrdinalSet.empty()).blocked.values()) == {
        "nothing of plays has been made yet"
    }


def test_all_of_an_upstream_can_be_made_to_wait_for_all_of_it():
    graph = graph_of(dg.AllPartitionMapping(wait_for=dg.WaitPolicy.all()), None)
    step = step_of(graph, ["charts"], OrdinalSet.span(0, DAYS - 1))
    assert step.blocked == {0: "needs plays 2024-01-28, which is missing"}


def test_what_is_made_in_the_same_plan_counts_as_there():
    graph = graph_of(dg.RollingWindowPartitionMapping(3, wait_for=dg.WaitPolicy.at_least(3)))
    step = step_of(graph, ["plays", "charts"], OrdinalSet.empty())
    assert list(step.partitions) == list(range(DAYS))


def test_an_asset_may_read_its_own_earlier_partitions_dimension_by_dimension():
    by_region = dg.MultiPartitionsDefinition({"day": DAILY, "region": dg.StaticPartitionsDefinition(["eu", "us"])})
    lag = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    ties = {
        "day": dg.DimensionPartitionMapping("day", lag),
        "region": dg.DimensionPartitionMapping("region", dg.IdentityPartitionMapping()),
    }

    @dg.asset(
        partitions_def=by_region,
        deps=[dg.AssetDep("totals", partition_mapping=dg.MultiPartitionMapping(ties))],
    )
    def totals() -> None: ...

    graph = project_of([totals], {}).graph
    step = make_plan(graph, [totals.key], PartitionRequest(), {}, NOW).step(totals.key)
    assert step is not None
    assert (len(step.partitions), len(step.blocked)) == (2 * DAYS, 0)


@settings(max_examples=60, deadline=None)
@given(
    made=st.frozensets(st.integers(0, DAYS - 1)),
    policy=st.sampled_from(POLICIES),
    mapping=st.sampled_from(
        [
            lambda wait_for: dg.RollingWindowPartitionMapping(4, wait_for=wait_for),
            lambda wait_for: dg.TimeWindowPartitionMapping(start_offset=-2, wait_for=wait_for),
            lambda wait_for: dg.AllPartitionMapping(wait_for=wait_for),
            lambda wait_for: dg.LastPartitionMapping(wait_for=wait_for),
            lambda wait_for: dg.FunctionPartitionMapping(lambda key: [key, "2024-01-05", "soon"], wait_for=wait_for),
        ]
    ),
)
def test_the_plan_agrees_with_the_verdict_on_each_partition(made, policy, mapping):
    rule = mapping(policy)
    there = OrdinalSet.of(made)
    step = step_of(graph_of(rule), ["charts"], there)
    for ordinal in range(DAYS):
        mapped = rule.upstream(OrdinalSet.of([ordinal]), DAILY, DAILY, NOW)
        verdict = policy.verdict(mapped, there, DAILY, "plays")
        assert step.blocked.get(ordinal) == (None if verdict.ready else verdict.reason)
        assert (ordinal in step.partitions) == verdict.ready


def test_a_dependency_that_cannot_be_inferred_is_an_error_at_load_with_what_would_fit():
    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["eu", "us"]))
    def shops() -> None: ...

    @dg.asset(partitions_def=DAILY, deps=[shops])
    def sales() -> None: ...

    with pytest.raises(dg.GaplessError) as caught:
        project_of([shops, sales], {})
    message = str(caught.value)
    assert "asset 'sales' cannot read 'shops': no partition mapping ties upstream (static: eu, us (2 keys))" in message
    assert "Declare one, partition_mapping=…: AllPartitionMapping() reads every upstream partition" in message


def test_a_mapping_with_an_unknown_key_is_an_error_at_load():
    mapping = dg.StaticPartitionMapping({"eu": "uss"})
    regions = dg.StaticPartitionsDefinition(["eu", "us"])

    @dg.asset(partitions_def=regions)
    def shops() -> None: ...

    @dg.asset(partitions_def=regions, deps=[dg.AssetDep(shops, partition_mapping=mapping)])
    def sales() -> None: ...

    with pytest.raises(dg.GaplessError, match="downstream has no partition 'uss'; did you mean 'us'"):
        project_of([shops, sales], {})
