from __future__ import annotations

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless import (
    AllPartitionMapping,
    AssetDep,
    AssetIn,
    AssetKey,
    DailyPartitionsDefinition,
    IdentityPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    asset,
)
from gapless.definitions.errors import DefinitionErrors
from gapless.definitions.graph import AssetGraph
from gapless.errors import DefinitionError, UnknownAssetError

DAILY = DailyPartitionsDefinition("2024-01-01")
WEEKLY = WeeklyPartitionsDefinition("2024-01-01")
STATIC = StaticPartitionsDefinition(["eu", "us"])


def made(key: str, deps=(), **how):
    @asset(key=key, deps=deps, **how)
    def function(): ...

    return function


def names(keys) -> list[str]:
    return [key.to_user_string() for key in keys]


def test_assets_come_after_what_they_read_and_otherwise_as_declared():
    graph = AssetGraph.build([made("d", ["b", "c"]), made("c", ["a"]), made("b", ["a"]), made("a"), made("alone")])
    assert names(graph.keys) == ["a", "c", "b", "d", "alone"]
    assert names(graph) == names(graph.keys)
    assert len(graph) == 5


def test_edges_are_known_from_both_sides():
    @asset(partitions_def=DAILY, io_manager_key="warehouse")
    def plays(): ...

    @asset(partitions_def=WEEKLY, deps=["other"], ins={"daily": AssetIn(key="plays", metadata={"columns": ["id"]})})
    def weekly(daily): ...

    graph = AssetGraph.build([weekly, plays, made("other")])
    loaded, ordered = graph.parents(weekly.key)
    assert (loaded.upstream, loaded.downstream, loaded.parameter) == (plays.key, weekly.key, "daily")
    assert loaded.mapping == TimeWindowPartitionMapping()
    assert loaded.metadata == {"columns": ["id"]}
    assert loaded.input_manager_key == "warehouse"
    assert (ordered.upstream, ordered.parameter, ordered.input_manager_key) == (AssetKey("other"), None, None)
    assert graph.children(plays.key) == (loaded,)
    assert graph.children(weekly.key) == ()


def test_a_declared_mapping_and_loader_win_over_the_usual_ones():
    lag = TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @asset(partitions_def=DAILY, ins={"plays": AssetIn(partition_mapping=lag, input_manager_key="files")})
    def later(plays): ...

    everything = made("everything", [AssetDep("plays", partition_mapping=AllPartitionMapping())])
    graph = AssetGraph.build([made("plays", partitions_def=DAILY), later, everything])
    assert graph.parents(later.key)[0].mapping == lag
    assert graph.parents(later.key)[0].input_manager_key == "files"
    assert graph.parents(everything.key)[0].mapping == AllPartitionMapping()


def test_a_parameter_finds_an_asset_of_its_own_prefix_before_none_at_all():
    @asset(key_prefix="raw")
    def total(plays): ...

    graph = AssetGraph.build([made("raw/plays"), total])
    assert graph.parents(total.key)[0].upstream == AssetKey(["raw", "plays"])
    graph = AssetGraph.build([made("raw/plays"), made("plays"), total])
    assert graph.parents(total.key)[0].upstream == AssetKey("plays")


def test_what_is_both_parameter_and_dep_is_one_edge():
    @asset(deps=["plays"])
    def total(plays): ...

    graph = AssetGraph.build([made("plays"), total])
    assert [edge.parameter for edge in graph.parents(total.key)] == ["plays"]


def test_an_asset_listed_twice_is_one():
    plays = made("plays")
    assert len(AssetGraph.build([plays, plays])) == 1


def test_an_unknown_asset_is_reported_with_the_closest_names():
    graph = AssetGraph.build([made("raw/plays"), made("players")])
    with pytest.raises(UnknownAssetError) as caught:
        graph["plays"]
    assert caught.value.nearest[0] == "raw/plays"
    assert "players" in caught.value.nearest
    assert graph.get("a//b") is None
    assert "raw/plays" in graph


def refusal(*assets) -> str:
    with pytest.raises(DefinitionError) as caught:
        AssetGraph.build(assets)
    return str(caught.value)


def test_a_circle_is_shown_as_a_path_with_places():
    a, b, c = made("a", ["c"]), made("b", ["a"]), made("c", ["b"])
    message = refusal(a, b, c)
    assert "assets read each other in a circle: a → b → c → a (where b at " in message
    assert message.startswith(f"{a.where}: ")
    assert str(c.where) in message
    assert "Remove one of these dependencies." in message


def test_an_asset_that_reads_itself_is_refused():
    assert "asset 'a' reads itself. An asset can read its own earlier partitions, through" in refusal(made("a", ["a"]))


def test_an_unknown_upstream_is_reported_with_the_closest_name():
    @asset
    def total(playes): ...

    message = refusal(made("plays"), total)
    assert (
        f"{total.where}: asset 'total' reads 'playes' (its parameter 'playes'), but there is no such asset" in message
    )
    assert "Did you mean 'plays'?" in message
    assert "If 'playes' is a resource, annotate it: playes: ResourceParam[…]." in message
    assert "reads 'zzz' (its deps), but there is no such asset. Add it to Definitions" in refusal(made("x", ["zzz"]))


def test_a_duplicate_key_names_both_places():
    @asset(key="a")
    def second(): ...

    first = made("a")
    message = refusal(first, second)
    assert message.startswith(f"{second.where}: asset 'a' is already declared at {first.where}.")


def test_partitions_that_do_not_fit_are_refused_where_they_are_read():
    reader = made("reader", ["plays"], partitions_def=STATIC)
    message = refusal(made("plays", partitions_def=DAILY), reader)
    assert message.startswith(f"{reader.where}: asset 'reader' cannot read 'plays': ")


def test_a_declared_mapping_that_does_not_fit_is_refused_where_it_is_read():
    lag = TimeWindowPartitionMapping(start_offset=-1)
    reader = made("reader", [AssetDep("plays", partition_mapping=lag)], partitions_def=STATIC)
    message = refusal(made("plays", partitions_def=DAILY), reader)
    assert message.startswith(f"{reader.where}: asset 'reader' cannot read 'plays' by TimeWindowPartitionMapping(")


def test_two_mappings_for_one_upstream_are_refused():
    @asset(deps=[AssetDep("plays", partition_mapping=IdentityPartitionMapping())], partitions_def=DAILY)
    def total(plays): ...

    message = refusal(made("plays", partitions_def=DAILY), total)
    assert "asset 'total' depends on 'plays' twice, with two partition mappings" in message


def test_all_independent_errors_are_reported_together():
    with pytest.raises(DefinitionErrors) as caught:
        AssetGraph.build([made("a", ["nowhere"]), made("b", ["c"]), made("c", ["b"])])
    assert len(caught.value.errors) == 2
    text = str(caught.value)
    assert text.startswith("2 errors in the definitions:\n- ")
    assert "'nowhere'" in text
    assert "circle" in text


@st.composite
def acyclic(draw):
    size = draw(st.integers(1, 8))
    return [
        (f"n{number}", [f"n{other}" for other in range(number) if draw(st.booleans())]) for number in range(size)
    ], draw(st.permutations(range(size)))


@given(acyclic())
def test_reach_and_order_agree_with_a_plain_search(drawn):
    nodes, order = drawn
    graph = AssetGraph.build([made(nodes[i][0], nodes[i][1]) for i in order])
    upstream = dict(nodes)
    position = {name: i for i, name in enumerate(names(graph.keys))}
    assert all(position[up] < position[name] for name, ups in nodes for up in ups)
    for name in upstream:
        for depth in (0, 1, 2, None):
            queue, seen = deque([(name, 0)]), {name}
            while queue:
                at, steps = queue.popleft()
                if depth is None or steps < depth:
                    for up in upstream[at]:
                        if up not in seen:
                            seen.add(up)
                            queue.append((up, steps + 1))
            key = AssetKey(name)
            assert set(names(graph.ancestors([key], depth))) == seen
            below = {other for other in upstream if key in graph.ancestors([AssetKey(other)], depth)}
            assert set(names(graph.descendants([key], depth))) == below
