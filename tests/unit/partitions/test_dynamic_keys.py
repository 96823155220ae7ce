"""Definitions whose keys lie in a store; the store itself has its tests in `gapless.testing.ledger`."""

import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.errors import InvocationError, PartitionsDefinitionError, UnknownPartitionError
from gapless.partitions import (
    AddDynamicPartitionsRequest,
    DailyPartitionsDefinition,
    DeleteDynamicPartitionsRequest,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    StaticPartitionsDefinition,
)
from gapless.partitions.dynamic import DynamicKeysOfNow
from gapless.partitions.loading_context import partition_loading_context

NOW = datetime(2024, 3, 20, tzinfo=UTC)
CUSTOMERS = DynamicPartitionsDefinition(name="customers")


class Store:
    """Keys in memory; counts how often it is asked."""

    def __init__(self, **keys):
        self.keys, self.asked = keys, 0

    def get_dynamic_partitions(self, partitions_def_name):
        self.asked += 1
        return self.keys.get(partitions_def_name, [])


STORE = Store(customers=["bolt", "acme", "cash"])
RESOLVED = CUSTOMERS.resolved(STORE)


def test_the_order_is_that_in_which_keys_were_added():  # §2.5
    assert RESOLVED.get_partition_keys() == ["bolt", "acme", "cash"]
    assert (RESOLVED.get_first_partition_key(), RESOLVED.get_last_partition_key()) == ("bolt", "cash")
    assert RESOLVED.existing(NOW) == OrdinalSet.span(0, 3)
    assert [RESOLVED.ordinal_of(key) for key in ("bolt", "acme", "cash", "zork", None)] == [0, 1, 2, None, None]
    assert RESOLVED.get_partition_keys_in_range(PartitionKeyRange("acme", "cash")) == ["acme", "cash"]
    assert (RESOLVED.room, RESOLVED.is_time, RESOLVED.dynamic_names) == (2**40, False, {"customers"})


def test_the_definition_that_was_resolved_stays_as_it_is():
    store = Store(customers=["a"])
    before = CUSTOMERS.resolved(store)
    store.keys["customers"].append("b")
    assert before.get_partition_keys() == ["a"]
    assert before.resolved(store).get_partition_keys() == ["a", "b"]


def test_a_key_that_a_store_gives_twice_is_one_partition():
    assert CUSTOMERS.resolved(Store(customers=["a", "b", "a"])).get_partition_keys() == ["a", "b"]


UNRESOLVED = "the keys of the dynamic partitions 'customers' lie in the ledger, and nobody said in which"


@pytest.mark.parametrize(
    "ask",
    [
        lambda d: d.existing(NOW),
        lambda d: d.count(NOW),
        lambda d: d.key_at(0),
        lambda d: d.keys_of(OrdinalSet.span(0, 1)),
        lambda d: d.ordinal_of("acme"),
        lambda d: d.ordinals_of(["acme"]),
        lambda d: d.validate_key("acme", NOW),
        lambda d: d.nearest_keys("acme", NOW),
        lambda d: d.describe_extent(NOW),
        lambda d: d.get_partition_keys(),
        lambda d: d.has_partition_key("acme"),
        lambda d: d.subset_with_all_partitions(),
    ],
)
def test_nothing_is_known_of_the_keys_before_somebody_says_where_they_are(ask):
    with pytest.raises(InvocationError) as caught:
        ask(CUSTOMERS)
    assert str(caught.value) == (
        f"{UNRESOLVED}. Pass dynamic_partitions_store=gapless.open_ledger(), or ask inside of"
        " partition_loading_context(dynamic_partitions_store=…)."
    )


def test_several_dimensions_ask_for_the_keys_of_a_dynamic_one_too():
    both = MultiPartitionsDefinition({"customer": CUSTOMERS, "region": StaticPartitionsDefinition(["eu", "us"])})
    with pytest.raises(InvocationError, match=UNRESOLVED):
        both.existing(NOW)
    assert both.dynamic_names == {"customers"}
    assert both.resolved(STORE).get_partition_keys()[:3] == ["bolt|eu", "bolt|us", "acme|eu"]


def test_dagsters_methods_take_the_store_as_an_argument_or_from_the_context():  # §1.1, §2.5
    assert CUSTOMERS.get_partition_keys(dynamic_partitions_store=STORE) == ["bolt", "acme", "cash"]
    assert CUSTOMERS.get_num_partitions(dynamic_partitions_store=STORE) == 3
    assert CUSTOMERS.has_partition_key("acme", dynamic_partitions_store=STORE)
    assert CUSTOMERS.filter_valid_partition_keys({"acme", "x"}, dynamic_partitions_store=STORE) == {"acme"}
    with partition_loading_context(dynamic_partitions_store=STORE):
        assert CUSTOMERS.get_last_partition_key() == "cash"
        assert not CUSTOMERS.has_partition_key("zork")
        assert list(CUSTOMERS.subset_with_all_partitions()) == ["bolt", "acme", "cash"]
    with pytest.raises(InvocationError):
        CUSTOMERS.get_last_partition_key()


def test_definitions_are_equal_if_their_ordinals_mean_the_same():
    assert DynamicPartitionsDefinition(name="customers") == CUSTOMERS
    assert DynamicPartitionsDefinition(name="regions") != CUSTOMERS
    assert CUSTOMERS.resolved(STORE) == RESOLVED
    assert hash(CUSTOMERS.resolved(STORE)) == hash(RESOLVED)
    assert CUSTOMERS.resolved(Store(customers=["acme", "bolt", "cash"])) != RESOLVED
    assert CUSTOMERS != RESOLVED
    assert CUSTOMERS != "customers"


def test_sets_of_two_moments_cannot_be_mixed_by_accident():
    then, now = RESOLVED, CUSTOMERS.resolved(Store(customers=["acme", "cash"]))
    with pytest.raises(InvocationError, match="have changed between the making of the two sets"):
        then.subset_with_all_partitions() | now.subset_with_all_partitions()


@pytest.mark.parametrize("definition", [CUSTOMERS, RESOLVED, CUSTOMERS.resolved(Store())])
def test_a_definition_is_pickled_with_the_keys_that_it_has(definition):
    again = pickle.loads(pickle.dumps(definition))
    assert again == definition
    assert repr(again) == "DynamicPartitionsDefinition(name='customers')"


def test_the_words():
    assert CUSTOMERS.describe() == RESOLVED.describe() == "dynamic 'customers'"
    assert RESOLVED.describe_extent(NOW) == "bolt, acme, cash (3 keys)"
    assert CUSTOMERS.resolved(Store()).describe_extent(NOW) == "none yet"
    many = CUSTOMERS.resolved(Store(customers=[f"c{n}" for n in range(12)]))
    assert many.describe_extent(NOW) == "c0, c1, c2, … (12 keys)"


def test_a_key_that_is_not_there_comes_with_the_nearest_and_with_how_to_add_it():
    assert RESOLVED.nearest_keys("ACME ", NOW) == ("acme",)
    with pytest.raises(UnknownPartitionError) as caught:
        RESOLVED.validate_key("acme co", NOW, "orders")
    assert str(caught.value) == (
        "asset 'orders' has no partition 'acme co'. Nearest: 'acme'. Its partitions are bolt, acme, cash (3 keys)."
        " Add it with: gapless partitions add customers 'acme co'"
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, 'has no name, so no key could be added to it. Write DynamicPartitionsDefinition(name="customers").'),
        ({"partition_fn": "customers"}, "got 'customers' as its partition_fn. Write DynamicPartitionsDefinition(name="),
        ({"partition_fn": list}, "got a partition_fn, but the keys of dynamic partitions lie in the ledger. Give them"),
        ({"partition_fn": list, "name": "a"}, "list what the function returns in a StaticPartitionsDefinition."),
        ({"name": ""}, "'' is not a name for dynamic partitions. Write a word, for example name=\"customers\"."),
        ({"name": "a\nb"}, "'a\\nb' is not a name for dynamic partitions"),
        ({"name": 7}, "7 is not a name for dynamic partitions"),
    ],
)
def test_arguments_that_make_no_definition_are_refused(arguments, message):  # §1.1
    with pytest.raises(PartitionsDefinitionError) as caught:
        DynamicPartitionsDefinition(**arguments)
    assert message in str(caught.value)


def test_requests_say_what_is_to_be_added_or_removed():  # §1.1 dynamic extras
    added, removed = CUSTOMERS.build_add_request(["a", "b", "a"]), CUSTOMERS.build_delete_request(["a", "b"])
    assert added == AddDynamicPartitionsRequest("customers", ["a", "b"])
    assert removed == DeleteDynamicPartitionsRequest(partitions_def_name="customers", partition_keys=["a", "b"])
    assert added != removed
    assert (added.partitions_def_name, added.partition_keys) == ("customers", ("a", "b"))
    assert pickle.loads(pickle.dumps(added)) == added
    with pytest.raises(InvocationError, match=r"'a\.\.\.b' cannot be a key of the dynamic partitions 'customers'"):
        CUSTOMERS.build_add_request(["a...b"])
    with pytest.raises(InvocationError, match=r"bare string 'a'\. Write a list: \['a'\]\."):
        CUSTOMERS.build_delete_request("a")


def test_what_is_resolved_together_is_of_one_moment():
    store = Store(customers=["a"])
    moment = DynamicKeysOfNow(store)
    first = CUSTOMERS.resolved(moment)
    store.keys["customers"].append("b")
    assert CUSTOMERS.resolved(moment) == first
    assert store.asked == 1


def test_what_is_not_dynamic_asks_no_store():
    store = Store()
    for definition in (StaticPartitionsDefinition(["a"]), DailyPartitionsDefinition("2024-01-01")):
        assert definition.resolved(store) is definition
    assert store.asked == 0


@given(st.lists(st.sampled_from("abcdef"), unique=True), st.sets(st.sampled_from("abcdefgh")))
def test_it_agrees_with_a_plain_list(keys, wanted):
    definition = CUSTOMERS.resolved(Store(customers=keys))
    assert definition.get_partition_keys() == keys
    found = definition.ordinals_of(wanted)
    assert definition.keys_of(found) == [key for key in keys if key in wanted]
    assert list(found) == [n for n, key in enumerate(keys) if key in wanted]
    assert [definition.key_at(n) for n in definition.existing(NOW)] == keys
    for ordinal in (-1, len(keys)):
        with pytest.raises(IndexError, match=f"no partition number {ordinal}; the definition is dynamic 'customers'"):
            definition.key_at(ordinal)
