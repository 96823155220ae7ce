from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.partitions import OrdinalSet
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import Cell, PartitionStates, bar

EXTENT = 40


def states_of(**sets: set[int]) -> PartitionStates:
    return PartitionStates.of(
        AssetStatus(**{name: OrdinalSet.of(part) for name, part in sets.items()}), OrdinalSet.span(0, EXTENT)
    )


def test_what_is_in_no_set_is_missing():
    states = states_of(materialized={0, 1}, failed={2}, skipped={3}, running={4})

    assert [states.at(n) for n in range(6)] == [
        Cell.MATERIALIZED,
        Cell.MATERIALIZED,
        Cell.FAILED,
        Cell.SKIPPED,
        Cell.RUNNING,
        Cell.MISSING,
    ]
    assert len(states.missing) == EXTENT - 5


def test_records_of_partitions_that_do_not_exist_are_left_out():
    states = states_of(materialized={EXTENT - 1, EXTENT, EXTENT + 7})

    assert list(states.materialized) == [EXTENT - 1]


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        ({"materialized": {0, 1, 2, 3}}, Cell.MATERIALIZED),
        ({"materialized": {0, 1, 2}}, Cell.PARTIAL),
        ({}, Cell.MISSING),
        ({"materialized": {0, 1, 2}, "failed": {3}}, Cell.FAILED),
        ({"running": {0}, "failed": {3}}, Cell.FAILED),
        ({"running": {0}, "skipped": {3}}, Cell.RUNNING),
        ({"materialized": {0}, "skipped": {3}}, Cell.SKIPPED),
    ],
)
def test_a_cell_of_several_partitions_says_what_needs_a_look_first(sets, expected):
    assert states_of(**sets).spread([0, 4]) == [expected]


def test_a_bar_is_no_longer_than_the_partitions():
    states = PartitionStates.of(AssetStatus(materialized=OrdinalSet.span(0, 2)), OrdinalSet.span(0, 3))

    assert bar(states, 24) == (Cell.MATERIALIZED, Cell.MATERIALIZED, Cell.MISSING)
    assert bar(PartitionStates.of(AssetStatus(), OrdinalSet.empty()), 24) == ()


def test_a_bar_shows_where_the_gap_is():
    states = PartitionStates.of(
        AssetStatus(materialized=OrdinalSet.of_runs([(0, 500), (600, 1000)])), OrdinalSet.span(0, 1000)
    )

    assert bar(states, 10) == (*[Cell.MATERIALIZED] * 5, Cell.MISSING, *[Cell.MATERIALIZED] * 4)


partition_states = st.lists(
    st.sampled_from([None, "materialized", "failed", "skipped", "running"]), min_size=1, max_size=60
)


def built(names: list[str | None]) -> PartitionStates:
    sets = {
        state: OrdinalSet.of(n for n, name in enumerate(names) if name == state)
        for state in ("materialized", "failed", "skipped", "running")
    }
    return PartitionStates.of(AssetStatus(**sets), OrdinalSet.span(0, len(names)))


@given(names=partition_states, cells=st.integers(1, 30))
def test_a_bar_agrees_with_looking_at_each_partition(names, cells):
    states = built(names)
    length = min(cells, len(names))
    edges = [len(names) * place // length for place in range(length + 1)]

    for cell, (a, b) in zip(bar(states, cells), pairwise(edges), strict=True):
        inside = [name or "missing" for name in names[a:b]]
        urgent = [state for state in ("failed", "running", "skipped") if state in inside]
        if urgent:
            assert cell.value == urgent[0]
        elif len(set(inside)) == 1:
            assert cell.value == inside[0]
        else:
            assert cell is Cell.PARTIAL


@given(names=partition_states, data=st.data())
def test_a_stretch_is_all_in_one_state_and_begins_where_the_state_changes(names, data):
    states = built(names)
    ordinal = data.draw(st.integers(0, len(names) - 1))

    state, first = states.stretch_before(ordinal)

    assert {names[n] or "missing" for n in range(first, ordinal + 1)} == {state.value}
    assert first == 0 or names[first - 1] != names[ordinal]


def test_a_stretch_needs_a_partition_that_exists():
    with pytest.raises(IndexError):
        built([None, "failed"]).stretch_before(2)
