import copy
import itertools
import pickle
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import DefinitionError, PartitionKeyError, PartitionsDefinitionError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionDimensionDefinition,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from gapless.partitions.loading_context import partition_loading_context

NOW = datetime(2024, 1, 4)  # three days have ended
DAILY = DailyPartitionsDefinition("2024-01-01")
COLORS = StaticPartitionsDefinition(["red", "blue"])
BOTH = MultiPartitionsDefinition({"date": DAILY, "color": COLORS})


class Keys:
    """Dynamic keys in memory."""

    def __init__(self, **keys):
        self.keys = keys

    def get_dynamic_partitions(self, partitions_def_name):
        return self.keys.get(partitions_def_name, [])


def static(*keys):
    return StaticPartitionsDefinition(keys)


# §2.4, §6.12: the order of the names, not that of the dictionary; the last name fastest


def test_keys_are_in_the_order_of_the_dimensions_names_the_last_one_fastest():
    assert BOTH.get_partition_keys(NOW) == [
        "red|2024-01-01",
        "red|2024-01-02",
        "red|2024-01-03",
        "blue|2024-01-01",
        "blue|2024-01-02",
        "blue|2024-01-03",
    ]
    assert BOTH.get_first_partition_key(NOW) == "red|2024-01-01"
    assert BOTH.get_last_partition_key(NOW) == "blue|2024-01-03"
    assert BOTH.get_num_partitions(NOW) == 6
    assert not BOTH.is_time


@pytest.mark.parametrize(
    ("key", "there"),
    [
        ("red|2024-01-01", True),
        ("2024-01-01|red", False),  # §2.4
        ("red", False),
        ("red|2024-01-01|red", False),
        ("red|2024-01-04", False),  # not yet
        ("red|2024-1-1", False),
        ("green|2024-01-01", False),
        ("", False),
        ("|", False),
    ],
)
def test_a_key_exists_if_each_of_its_parts_does_in_its_place(key, there):
    assert BOTH.has_partition_key(key, NOW) is there
    assert BOTH.filter_valid_partition_keys({key}, NOW) == ({key} if there else set())


@pytest.mark.parametrize(
    ("start", "end", "keys"),
    [
        # §2.4, §6.13: a range is a rectangle
        (
            "red|2024-01-01",
            "blue|2024-01-02",
            ["red|2024-01-01", "red|2024-01-02", "blue|2024-01-01", "blue|2024-01-02"],
        ),
        ("red|2024-01-02", "red|2024-01-03", ["red|2024-01-02", "red|2024-01-03"]),
        ("blue|2024-01-03", "blue|2024-01-03", ["blue|2024-01-03"]),
        # if any dimension is reversed, nothing
        ("blue|2024-01-01", "red|2024-01-02", []),
        ("red|2024-01-02", "blue|2024-01-01", []),
    ],
)
def test_a_range_is_a_rectangle(start, end, keys):
    found = BOTH.get_partition_keys_in_range(PartitionKeyRange(start, end))
    assert found == keys
    assert all(isinstance(key, MultiPartitionKey) for key in found)


def test_all_that_hands_out_keys_hands_out_keys_with_their_parts():
    handed = [
        BOTH.get_partition_keys(NOW)[3],
        BOTH.get_first_partition_key(NOW),
        BOTH.get_last_partition_key(NOW),
        BOTH.key_at(0),
        BOTH.get_partition_key_from_str("blue|2024-01-01"),
        BOTH.get_multipartition_keys_with_dimension_value("color", "blue", NOW)[0],
        next(iter(PartitionSet.existing(BOTH, NOW))),
    ]
    assert [list(key.keys_by_dimension) for key in handed] == [["color", "date"]] * len(handed)


def test_any_number_of_dimensions_with_any_number_of_time_dimensions():
    dimensions = {"a": static("x", "y"), "b": DAILY, "c": static("1", "2", "3"), "d": DAILY, "e": static("z")}
    many = MultiPartitionsDefinition(dimensions)
    expected = [
        "|".join(parts) for parts in itertools.product(*(d.get_partition_keys(NOW) for d in dimensions.values()))
    ]
    assert many.get_partition_keys(NOW) == expected
    assert many.count(NOW) == len(expected) == 2 * 3 * 3 * 3
    assert [many.key_at(n) for n in many.existing(NOW)] == expected
    assert all(many.exists(n, NOW) for n in many.existing(NOW))
    assert many.ordinals_of(expected) == many.existing(NOW)


@settings(deadline=None)
@given(
    sizes=st.lists(st.integers(1, 4), min_size=2, max_size=4),
    days=st.integers(0, 4),
    time_at=st.integers(0, 4),
    data=st.data(),
)
def test_a_product_agrees_with_plain_tuples(sizes, days, time_at, data):
    keys = [[f"k{n}" for n in range(size)] for size in sizes]
    definitions = [StaticPartitionsDefinition(each) for each in keys]
    keys.insert(time_at, [f"2024-01-0{n + 1}" for n in range(days)])
    definitions.insert(time_at, DAILY)
    many = MultiPartitionsDefinition({f"d{n}": each for n, each in enumerate(definitions)})
    now = datetime(2024, 1, 1) + timedelta(days=days)
    expected = ["|".join(parts) for parts in itertools.product(*keys)]
    assert many.get_partition_keys(now) == expected
    assert many.count(now) == len(expected)
    some = data.draw(st.sets(st.sampled_from(expected))) if expected else set()
    numbers = many.ordinals_of([*some, "no key", "no|key"])
    assert many.keys_of(numbers) == [key for key in expected if key in some]
    assert [many.ordinal_of(key) for key in many.keys_of(numbers)] == list(numbers)
    if expected:
        a, b = (data.draw(st.sampled_from(expected)) for _ in "ab")
        rectangle = [
            key
            for key in expected
            if all(
                each.index(lo) <= each.index(part) <= each.index(hi)
                for each, lo, part, hi in zip(keys, a.split("|"), key.split("|"), b.split("|"), strict=True)
            )
        ]
        assert many.keys_of(many.between(many.ordinal_of(a), many.ordinal_of(b))) == rectangle


def test_what_exists_follows_the_clock():
    counts = [BOTH.count(datetime(2024, 1, day)) for day in (1, 2, 3, 2)]
    assert counts == [0, 2, 4, 2]
    assert [len(BOTH.existing(datetime(2024, 1, day))) for day in (3, 1, 3)] == [4, 0, 4]
    future = BOTH.ordinal_of("red|2024-01-04")
    assert not BOTH.exists(future, NOW)
    assert BOTH.exists(future, datetime(2024, 1, 5))


def test_ten_million_partitions_are_a_value_of_a_few_runs():
    keys = {
        name: static(*(f"{name}{n}" for n in range(size))) for name, size in zip("abcd", (10, 10, 10, 100), strict=True)
    }
    many = MultiPartitionsDefinition({**keys, "e": HourlyPartitionsDefinition("2024-01-01-00:00")})
    now = datetime(2024, 1, 1) + timedelta(hours=100)
    assert many.count(now) == 10_000_000
    assert many.has_partition_key("a3|b0|c9|d77|2024-01-03-05:00", now)
    assert not many.has_partition_key("a3|b0|c9|d77|2024-01-09-05:00", now)
    slice_ = many.where(now, d="d50")
    assert (len(slice_), slice_.first, slice_.last) == (
        100_000,
        "a0|b0|c0|d50|2024-01-01-00:00",
        "a9|b9|c9|d50|2024-01-05-03:00",
    )
    assert len(list(slice_.ordinals.boxes())) == 1


# Slices


def test_a_slice_is_the_partitions_with_these_keys():
    assert list(BOTH.where(NOW, color="blue")) == ["blue|2024-01-01", "blue|2024-01-02", "blue|2024-01-03"]
    assert list(BOTH.where(NOW, date=["2024-01-03", "2024-01-01"], color="red")) == ["red|2024-01-01", "red|2024-01-03"]
    assert list(BOTH.where(NOW, color=[])) == []
    assert BOTH.where(NOW) == PartitionSet.existing(BOTH, NOW)
    strange = MultiPartitionsDefinition({"now": COLORS, "self": DAILY})
    assert list(strange.where(NOW, now="red", self="2024-01-02")) == ["red|2024-01-02"]


def test_a_slice_by_what_does_not_exist_is_refused():
    with pytest.raises(UnknownPartitionError) as caught:
        BOTH.where(NOW, color="bleu")
    assert str(caught.value) == (
        "there is no partition 'bleu': the dimension 'color' has no such key. Nearest: 'blue'."
        " Its partitions are red, blue (2 keys)."
    )
    with pytest.raises(PartitionsDefinitionError, match=r"'colour', which is not a dimension\. Did you mean 'color'\?"):
        BOTH.where(NOW, colour="blue")


# Dagster's names, §1.1


def test_the_dimensions_are_handed_out_in_the_order_of_their_names():
    assert BOTH.partitions_defs == [("color", COLORS), ("date", DAILY)]
    assert BOTH.partitions_defs[0] == PartitionDimensionDefinition(name="color", partitions_def=COLORS)
    assert BOTH.partition_dimension_names == ["color", "date"]
    assert list(BOTH.dimensions) == ["color", "date"]
    assert BOTH.get_partitions_def_for_dimension("date") is DAILY
    with pytest.raises(
        PartitionsDefinitionError, match=r"names 'size', which is not a dimension\. The dimensions are color"
    ):
        BOTH.get_partitions_def_for_dimension("size")


def test_a_single_time_dimension_is_the_primary_one():
    assert (BOTH.primary_dimension.name, BOTH.secondary_dimension.name) == ("date", "color")
    assert BOTH.has_time_window_dimension
    assert BOTH.time_window_dimension == ("date", DAILY)
    assert BOTH.time_window_partitions_def is DAILY
    window = BOTH.time_window_for_partition_key("red|2024-01-02")
    assert (window.start, window.end) == (datetime(2024, 1, 2, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC))


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ({"a": static("x"), "b": static("y")}, "but of the dimensions a, b none is time"),
        ({"a": DAILY, "b": DAILY, "c": static("x")}, "but of the dimensions a, b, c a, b are time"),
    ],
)
def test_without_a_single_time_dimension_the_first_is_primary_and_there_is_no_window(dimensions, message):
    many = MultiPartitionsDefinition(dimensions)
    assert (many.primary_dimension.name, many.secondary_dimension.name) == ("a", "b")
    key = "|".join("2024-01-01" if each is DAILY else each.key_at(0) for each in dimensions.values())
    for ask in (
        lambda: many.time_window_dimension,
        lambda: many.time_window_partitions_def,
        lambda: many.time_window_for_partition_key(key),
    ):
        with pytest.raises(DefinitionError) as caught:
            ask()
        assert message in str(caught.value)


def test_the_form_of_a_key_is_its_number_of_parts():
    assert BOTH.is_valid_key_format("no|key")
    assert not BOTH.is_valid_key_format("red")
    assert BOTH.get_partition_key_from_str("no|key").keys_by_dimension == {"color": "no", "date": "key"}
    with pytest.raises(
        PartitionKeyError, match=r"cannot read 'red' as a partition key; expected 2 parts, color\|date\."
    ):
        BOTH.get_partition_key_from_str("red")


def test_keys_with_a_value_of_a_dimension_come_value_by_value():
    assert BOTH.get_multipartition_keys_with_dimension_value("color", "blue", NOW) == [
        "blue|2024-01-01",
        "blue|2024-01-02",
        "blue|2024-01-03",
    ]
    assert BOTH.get_multipartition_keys_with_dimension_values("date", ["2024-01-03", "2024-01-01"], NOW) == [
        "red|2024-01-03",
        "blue|2024-01-03",
        "red|2024-01-01",
        "blue|2024-01-01",
    ]


# Values


def test_equal_definitions_are_equal_values():
    same = MultiPartitionsDefinition({"color": static("red", "blue"), "date": DailyPartitionsDefinition("2024-01-01")})
    assert same == BOTH
    assert hash(same) == hash(BOTH)
    assert pickle.loads(pickle.dumps(BOTH)) == BOTH
    assert MultiPartitionsDefinition({"colour": COLORS, "date": DAILY}) != BOTH
    assert MultiPartitionsDefinition({"color": static("blue", "red"), "date": DAILY}) != BOTH
    assert BOTH != COLORS
    assert repr(BOTH).startswith("MultiPartitionsDefinition({'color': StaticPartitionsDefinition(['red', 'blue'])")


def test_the_words_name_each_dimension():
    assert BOTH.describe() == "color (static: red, blue (2 keys)) × date (daily from 2024-01-01)"
    assert BOTH.describe_extent(NOW) == "color: red, blue (2 keys); date: 2024-01-01 to 2024-01-03"


def test_ordinals_beyond_the_product_are_index_errors():
    for ordinal in (-1, BOTH.room):
        with pytest.raises(IndexError):
            BOTH.key_at(ordinal)
        with pytest.raises(IndexError):
            BOTH.keys_of(OrdinalSet.span(BOTH.room, BOTH.room + 1))


# Keys


def test_a_key_of_several_dimensions_is_its_text():
    key = MultiPartitionKey({"date": "2024-01-01", "color": "red"})
    assert key == "red|2024-01-01"
    assert {key: 1}["red|2024-01-01"] == 1
    assert repr(key) == "'red|2024-01-01'"
    assert key.keys_by_dimension == {"color": "red", "date": "2024-01-01"}
    for same in (pickle.loads(pickle.dumps(key)), copy.copy(key), copy.deepcopy(key)):
        assert same == key
        assert same.keys_by_dimension == key.keys_by_dimension


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("red", "cannot read 'red' as a partition key; expected a key for each dimension: {'date': '2024-01-05'"),
        ({}, "expected a key for each dimension"),
        ({"a": 1}, "cannot read '1' as a partition key; expected the name of a dimension and its key as strings"),
        ({1: "a"}, "as strings, not 1: 'a'"),
        (
            {"a": "x|y"},
            "cannot read 'x|y' as a partition key; expected a key of 'a' without '|', which joins the parts",
        ),
    ],
)
def test_what_is_no_key_of_several_dimensions_is_refused(parts, message):
    with pytest.raises(PartitionKeyError) as caught:
        MultiPartitionKey(parts)
    assert message in str(caught.value)


# Mistyped keys


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("2024-01-02|red", ["red|2024-01-02"]),
        ("red/2024-01-02", ["red|2024-01-02"]),
        ("2024-01-02, red", ["red|2024-01-02"]),
        ("red 2024-01-02", ["red|2024-01-02"]),
        ("RED|2024-1-2", ["red|2024-01-02"]),
        ("2024-1-2/Blue", ["blue|2024-01-02"]),
        ("red|2024-02-30", ["red|2024-01-03"]),
        ("red|2031-01-01", ["red|2024-01-03"]),
        ("bleu|2024-01-02", ["blue|2024-01-02"]),
        ("red", []),
        ("red|2024-01-01|x", []),
        ("xyzzy|2024-01-01", []),
        ("", []),
    ],
)
def test_the_nearest_keys_are_near_in_each_dimension(written, nearest):
    assert list(BOTH.nearest_keys(written, NOW)) == nearest
    assert list(BOTH.nearest_keys(written, NOW, limit=0)) == []


def test_nearest_keys_of_many_dimensions_are_found_in_the_order_written():
    many = MultiPartitionsDefinition({f"d{n}": static(f"k{n}", "other") for n in range(7)})
    assert many.nearest_keys("K0/k1/k2/k3/k4/k5/k6", NOW) == ("k0|k1|k2|k3|k4|k5|k6",)


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("red", "there is no partition 'red': it has 1 part, and a key has 2, color|date."),
        ("green|2024-01-01", "the dimension 'color' has no key 'green'"),
        ("red|2024-01-04", "the dimension 'date' has no key '2024-01-04'. Nearest: 'red|2024-01-03'."),
    ],
)
def test_an_unknown_key_says_which_part_is_wrong(key, reason):
    with pytest.raises(UnknownPartitionError) as caught:
        BOTH.validate_key(key, NOW)
    assert reason in str(caught.value)
    assert "Its partitions are color: red, blue (2 keys); date: 2024-01-01 to 2024-01-03." in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_a_range_with_an_unknown_end_says_which_part_is_wrong():
    with pytest.raises(UnknownPartitionError, match="the dimension 'color' has no key 'green'"):
        BOTH.get_partition_keys_in_range(PartitionKeyRange("red|2024-01-01", "green|2024-01-02"))


# Dynamic dimensions


def test_more_partitions_than_python_can_index_are_counted():
    digits = StaticPartitionsDefinition([str(n) for n in range(10)])
    huge = MultiPartitionsDefinition({f"d{n:02}": digits for n in range(20)})
    everything = huge.select("all", NOW)
    assert huge.get_num_partitions() == everything.size == 10**20
    assert everything
    assert everything.first == "|".join("0" * 20)
    assert everything.text().startswith("d00=0..9 & d01=0..9")


DYNAMIC = MultiPartitionsDefinition({"date": DAILY, "customer": DynamicPartitionsDefinition(name="customers")})


def test_a_dynamic_dimension_gets_its_keys_from_the_store():
    store = Keys(customers=["acme", "a,b"])
    assert DYNAMIC.dynamic_names == {"customers"}
    now = datetime(2024, 1, 2)
    assert DYNAMIC.get_partition_keys(now, store) == ["acme|2024-01-01", "a,b|2024-01-01"]
    assert DYNAMIC.get_num_partitions(now, store) == 2
    with partition_loading_context(now, store):
        assert DYNAMIC.has_partition_key("acme|2024-01-01")
        assert DYNAMIC.get_multipartition_keys_with_dimension_value("customer", "acme") == ["acme|2024-01-01"]
    assert BOTH.resolved(store) is BOTH


def test_a_key_that_a_dynamic_dimension_lacks_comes_with_what_adds_it():
    definition = DYNAMIC.resolved(Keys(customers=["acme"]))
    with pytest.raises(UnknownPartitionError, match="Add it with: gapless partitions add customers zeta"):
        definition.validate_key("zeta|2024-01-01", NOW)


def test_an_ordinal_stays_when_keys_are_added():
    few, more = DYNAMIC.resolved(Keys(customers=["acme"])), DYNAMIC.resolved(Keys(customers=["acme", "zeta"]))
    assert few.ordinal_of("acme|2024-01-02") == more.ordinal_of("acme|2024-01-02")


def test_a_dynamic_key_with_the_delimiter_is_refused_with_what_removes_it():
    # §2.4: the incumbent leaves such keys out of the list, and counts them
    with pytest.raises(PartitionsDefinitionError) as caught:
        DYNAMIC.resolved(Keys(customers=["acme", "x|y"]))
    assert str(caught.value) == (
        "the dynamic partitions 'customers' have the key 'x|y'; as a key of the dimension 'customer' it cannot have"
        " '|', which joins the parts of a key. Remove it with: gapless partitions remove customers 'x|y'"
    )


# What is refused


@pytest.mark.parametrize(
    ("dimensions", "message"),
    [
        ([DAILY, COLORS], "(list) as its dimensions. Write a dictionary of a definition for each name"),
        ({}, "got no dimensions. Name at least two"),
        ({"date": DAILY}, "got one dimension, 'date'. Use its definition directly."),
        ({1: DAILY, "a": COLORS}, "the dimension name 1 is of type int, not str"),
        ({"": DAILY, "a": COLORS}, "the dimension name '' is empty, or begins or ends with a space"),
        ({" a": DAILY, "a": COLORS}, "the dimension name ' a' is empty, or begins or ends with a space"),
        ({"a\tb": DAILY, "a": COLORS}, "the dimension name 'a\\tb' has a control character"),
        *(
            ({f"a{c}b": DAILY, "a": COLORS}, f"has {c!r}, which has a meaning in keys and selections")
            for c in '|,[]=&"'
        ),
        ({"date": DAILY, "a": ["x"]}, "the dimension 'a' is ['x'] (list), not a partitions definition"),
        ({"date": DAILY, "a": BOTH}, "the dimension 'a' has dimensions itself: color, date. Name them all in one"),
        # §2.3: rejected once used as a dimension
        *(
            ({"date": DAILY, "a": static("ok", f"x{c}y")}, f"the key 'x{c}y' of the dimension 'a' has {c!r}")
            for c in "|,[]"
        ),
        *(
            (
                {
                    "a": COLORS,
                    "date": TimeWindowPartitionsDefinition(
                        f"2024{c}01{c}01", f"%Y{c}%m{c}%d", cron_schedule="0 0 * * *"
                    ),
                },
                f"the keys of the dimension 'date' have the format '%Y{c}%m{c}%d', with {c!r}, which has a meaning in"
                " keys and selections. Use another separator in fmt.",
            )
            for c in "|,["
        ),
    ],
)
def test_dimensions_that_make_no_sense_are_refused(dimensions, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        MultiPartitionsDefinition(dimensions)
    assert message in str(caught.value)


def test_a_date_is_no_dimension_name_either():
    with pytest.raises(PartitionsDefinitionError, match="is of type date, not str"):
        MultiPartitionsDefinition({date(2024, 1, 1): DAILY, "a": COLORS})
