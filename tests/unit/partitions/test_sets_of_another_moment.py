"""Sets that were made with other dynamic keys, or of an older version of a definition: keys say what is meant."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.errors import InvocationError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
)
from gapless.partitions.loading_context import partition_loading_context

NOW = datetime(2024, 2, 1, tzinfo=UTC)
CUSTOMERS = DynamicPartitionsDefinition(name="customers")
SHOPS = DynamicPartitionsDefinition(name="shops")
BOTH = MultiPartitionsDefinition({"a": StaticPartitionsDefinition(["x", "y"]), "customer": CUSTOMERS})
XY, YX = StaticPartitionsDefinition(["x", "y"]), StaticPartitionsDefinition(["y", "x"])
JANUARY = DailyPartitionsDefinition("2024-01-01")
LATER = DailyPartitionsDefinition("2024-01-05")
SAME = IdentityPartitionMapping()


class Store:
    def __init__(self, *keys):
        self.keys = keys

    def get_dynamic_partitions(self, partitions_def_name):
        return self.keys


def held(*keys):
    """A definition of customers that holds these keys."""
    return CUSTOMERS.resolved(Store(*keys))


def some(definition, *keys):
    return PartitionSet.of_keys(definition, keys)


def read_by(mapping, partitions, definition, upstream, store=None):
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(partitions, definition, upstream, NOW, store)
    return list(result.partitions_subset)


def readers_of(mapping, partitions, definition, downstream, store=None):
    return list(mapping.get_downstream_partitions_for_partitions(partitions, definition, downstream, NOW, store))


# A set is carried over by keys.


def test_a_set_is_carried_over_by_its_keys_and_what_is_not_there_is_returned_beside_it():
    carried = some(XY, "x", "y").carried_to(StaticPartitionsDefinition(["z", "x"]))
    assert (list(carried.partitions), str(carried.nonexistent)) == (["x"], "y")
    days = some(JANUARY, "2024-01-03", "2024-01-04", "2024-01-06").carried_to(LATER)
    assert (list(days.partitions), str(days.nonexistent)) == (["2024-01-06"], "2024-01-03..2024-01-04")
    grid = some(BOTH.resolved(Store("p", "q")), "x|p", "y|q").carried_to(BOTH.resolved(Store("q", "r")))
    assert (list(grid.partitions), str(grid.nonexistent)) == (["y|q"], "x|p")


@given(old=st.permutations("abcdef"), new=st.permutations("abcdef"), chosen=st.sets(st.sampled_from("abcdef")))
def test_whatever_the_order_of_the_keys_the_same_are_in_the_set(old, new, chosen):
    there = new[:4]
    carried = some(StaticPartitionsDefinition(old), *chosen).carried_to(StaticPartitionsDefinition(there))
    assert set(carried.partitions) == chosen & set(there)
    assert carried.nonexistent.count == len(chosen - set(there))


def test_a_set_is_not_carried_to_a_definition_whose_keys_mean_something_else():
    with pytest.raises(InvocationError) as caught:
        some(JANUARY, "2024-01-03").carried_to(HourlyPartitionsDefinition("2024-01-01-00:00"))
    assert str(caught.value) == (
        "the set is of another definition, daily from 2024-01-01, whose keys do not mean what those of"
        " hourly from 2024-01-01-00:00 mean. Give the definition that the set was made of, or an older or newer"
        " version of it."
    )


# Mappings.


@pytest.mark.parametrize(
    ("partitions", "definition", "mapping", "other", "expected"),
    [
        (some(XY, "x"), YX, SAME, YX, ["x"]),
        (some(XY, "x"), YX, StaticPartitionMapping({"x": "x"}), XY, ["x"]),
        (some(JANUARY, "2024-01-06"), LATER, TimeWindowPartitionMapping(), JANUARY, ["2024-01-06"]),
        (some(LATER, "2024-01-06"), JANUARY, TimeWindowPartitionMapping(), LATER, ["2024-01-06"]),
    ],
)
def test_mappings_read_a_set_of_another_version_of_the_definition_by_keys(
    partitions, definition, mapping, other, expected
):
    assert read_by(mapping, partitions, definition, other) == expected
    assert readers_of(mapping, partitions, definition, other) == expected


def test_mappings_read_a_set_of_other_dynamic_keys_by_keys():
    store = Store("r", "p")
    assert read_by(SAME, some(held("p", "q"), "p"), CUSTOMERS, CUSTOMERS, store) == ["p"]
    assert readers_of(SAME, some(held("p", "q"), "p"), CUSTOMERS, CUSTOMERS, store) == ["p"]
    grid = some(BOTH.resolved(Store("p", "q")), "y|p")
    assert read_by(SAME, grid, BOTH, BOTH, store) == readers_of(SAME, grid, BOTH, BOTH, store) == ["y|p"]


def test_what_a_key_that_was_removed_reads_is_not_answered():
    with pytest.raises(UnknownPartitionError) as caught:
        read_by(SAME, some(held("p", "q"), "p", "q"), CUSTOMERS, CUSTOMERS, Store("r"))
    assert str(caught.value) == (
        "there is no partition 'p': the set is of another version of the definition, and 2 of its partitions are not"
        " in the one that was passed. Its partitions are r (1 key). Add it with: gapless partitions add customers p"
    )
    with pytest.raises(UnknownPartitionError, match=r"no partition '2024-01-03': .* 1 of its partitions is not in"):
        read_by(SAME, some(JANUARY, "2024-01-03", "2024-01-06"), LATER, JANUARY)
    with pytest.raises(UnknownPartitionError, match="the dimension 'customer' has no key 'p'; the set is of another"):
        read_by(SAME, some(BOTH.resolved(Store("p")), "x|p"), BOTH, BOTH, Store("r"))


def test_nothing_reads_a_key_that_was_removed():
    letters = StaticPartitionMapping({"p": "x", "r": "y"})
    assert readers_of(letters, some(held("p", "q"), "p"), CUSTOMERS, XY, Store("r")) == []
    assert readers_of(letters, some(held("p", "r"), "p", "r"), CUSTOMERS, XY, Store("r")) == ["y"]
    assert readers_of(SAME, some(JANUARY, "2024-01-03", "2024-01-06"), LATER, JANUARY) == ["2024-01-06"]


def test_mappings_refuse_a_set_whose_keys_mean_something_else():
    for ask in (read_by, readers_of):
        with pytest.raises(InvocationError, match="the set is of another definition, static: x, y"):
            ask(SAME, some(XY, "x"), JANUARY, JANUARY)


def test_where_nobody_says_where_the_keys_are_mappings_take_those_of_the_set():
    made = some(held("p", "q"), "q")
    assert read_by(SAME, made, CUSTOMERS, CUSTOMERS) == readers_of(SAME, made, CUSTOMERS, CUSTOMERS) == ["q"]
    with pytest.raises(InvocationError, match="the keys of the dynamic partitions 'shops' lie in the ledger"):
        read_by(SAME, made, CUSTOMERS, SHOPS)


# Methods that take a definition.


@pytest.mark.parametrize(("definition", "head"), [(CUSTOMERS, ""), (BOTH, "x|")])
def test_a_dynamic_definition_without_its_keys_is_that_of_the_set(definition, head):
    with partition_loading_context(NOW, Store("p", "q")):
        subset = definition.subset_with_partition_keys([f"{head}p"])
        whole = PartitionKeyRange(f"{head}p", f"{head}q")
        inside = [key for key in subset.get_partition_keys_not_in_subset(definition) if key.startswith(head)]
        assert inside == [f"{head}q"]
    # And where nobody says where the keys are: those of the set.
    assert subset.get_partition_key_ranges(definition) == [PartitionKeyRange(f"{head}p", f"{head}p")]
    assert list(subset.with_partition_key_range(definition, whole)) == [f"{head}p", f"{head}q"]
    assert f"{head}q" in subset.get_partition_keys_not_in_subset(definition, NOW)


def test_a_dynamic_definition_is_asked_for_the_keys_that_it_has_by_now():
    subset = some(held("p", "q"), "p")
    with partition_loading_context(NOW, Store("p", "q", "r")):
        assert subset.get_partition_keys_not_in_subset(CUSTOMERS) == ["q", "r"]
        assert list(subset.with_partition_key_range(CUSTOMERS, PartitionKeyRange("q", "r"))) == ["p", "q", "r"]
    with partition_loading_context(NOW, Store("q", "p")):
        assert subset.get_partition_key_ranges(CUSTOMERS) == [PartitionKeyRange("p", "p")]
    assert subset.get_partition_keys_not_in_subset(held("p", "s"), NOW) == ["s"]


def test_a_set_whose_keys_were_removed_since_has_to_be_made_again():
    subset = some(held("p", "q"), "p")
    with partition_loading_context(NOW, Store("q")), pytest.raises(InvocationError) as caught:
        subset.get_partition_key_ranges(CUSTOMERS)
    assert str(caught.value) == (
        "the keys of the dynamic partitions 'customers' have changed since the set was made, and p is not among them"
        " any more. Make the set again."
    )


def test_dynamic_partitions_of_another_name_are_another_definition():
    with pytest.raises(InvocationError, match="sets of two definitions cannot be combined"):
        some(held("p"), "p").get_partition_key_ranges(SHOPS)
    with pytest.raises(InvocationError, match="sets of two definitions cannot be combined"):
        some(held("p"), "p") | some(SHOPS.resolved(Store("p")), "p")


# Two sets.


def test_sets_from_before_and_after_a_key_was_added_can_be_combined():
    before, after = some(held("p", "q"), "p", "q"), some(held("p", "q", "r"), "q", "r")
    for together in (before | after, after | before):
        assert together == some(held("p", "q", "r"), "p", "q", "r")
    assert list(before & after) == list(after & before) == ["q"]
    assert (list(before - after), list(after - before)) == (["p"], ["r"])
    grid = some(BOTH.resolved(Store("p")), "y|p") | some(BOTH.resolved(Store("p", "q")), "x|q")
    assert list(grid) == ["x|q", "y|p"]


def test_sets_from_before_and_after_a_key_was_removed_can_be_combined_if_they_do_not_hold_it():
    before, after = some(held("p", "q", "r"), "p"), some(held("p", "r", "s"), "s")
    assert before | after == after | before == some(held("p", "r", "s"), "p", "s")


def test_a_set_without_keys_and_partitions_can_be_combined_with_any_of_the_same_name():
    made = some(held("p"), "p")
    assert CUSTOMERS.empty_subset() | made == made | CUSTOMERS.empty_subset() == made


def test_sets_are_not_combined_if_the_later_definition_lacks_a_key_of_the_earlier_set():
    before, after = some(held("p", "q"), "p"), some(held("q"), "q")
    for combine in (PartitionSet.__or__, PartitionSet.__and__, PartitionSet.__sub__):
        for one, other in ((before, after), (after, before)):
            with pytest.raises(InvocationError) as caught:
                combine(one, other)
            assert str(caught.value) == (
                "the keys of the dynamic partitions 'customers' have changed between the making of the two sets, and"
                " only one of them can have p. Make the sets again."
            )
