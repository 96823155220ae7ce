import pickle
from datetime import datetime

import polars as pl
import pytest

from gapless.errors import PartitionsDefinitionError, UnknownPartitionError
from gapless.partitions import (
    OrdinalSet,
    PartitionKeyRange,
    StaticPartitionsDefinition,
)

NOW = datetime(2024, 3, 20)
REGIONS = StaticPartitionsDefinition(["us", "eu", "asia"])


def test_the_order_is_that_of_the_definition():
    assert REGIONS.get_partition_keys() == ["us", "eu", "asia"]
    assert (REGIONS.get_first_partition_key(), REGIONS.get_last_partition_key()) == ("us", "asia")
    assert [REGIONS.ordinal_of(key) for key in ("us", "eu", "asia", "mars", None)] == [0, 1, 2, None, None]
    assert REGIONS.get_partition_keys_in_range(PartitionKeyRange("us", "eu")) == ["us", "eu"]
    assert REGIONS.get_partition_keys_in_range(PartitionKeyRange("asia", "us")) == []
    assert REGIONS.get_num_partitions() == 3
    assert not REGIONS.is_time


def test_a_range_with_an_unknown_end_is_refused():
    with pytest.raises(UnknownPartitionError, match="there is no partition 'mars'"):
        REGIONS.get_partition_keys_in_range(PartitionKeyRange("us", "mars"))


def test_equality_depends_on_the_order():
    assert StaticPartitionsDefinition(("us", "eu", "asia")) == REGIONS
    assert hash(StaticPartitionsDefinition(("us", "eu", "asia"))) == hash(REGIONS)
    assert StaticPartitionsDefinition(["eu", "us", "asia"]) != REGIONS
    assert pickle.loads(pickle.dumps(REGIONS)) == REGIONS
    assert repr(REGIONS) == "StaticPartitionsDefinition(['us', 'eu', 'asia'])"


def test_any_text_may_be_a_key():
    keys = ["", " ", "a|b", "a,b", "[x]", "'; drop table plays; --", 'q"q', "été", "日本", "a/b", ".."]
    definition = StaticPartitionsDefinition(keys)
    assert definition.keys_of(OrdinalSet.span(0, len(keys))) == keys
    assert definition.ordinals_of([*keys, "other"]) == OrdinalSet.span(0, len(keys))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("eu", "got the bare string 'eu' as its keys. Write a list: StaticPartitionsDefinition(['eu'])."),
        (None, "got None (NoneType) as its keys. Write a list"),
        (5, "got 5 (int) as its keys. Write a list"),
        ({"eu", "us"}, "got a set as its keys, whose order differs from process to process. Write a list, or sort it"),
        (frozenset(["eu"]), "got a frozenset as its keys"),
        (pl.DataFrame({"k": ["eu"]}), "got a DataFrame as its keys, which has columns. Pass one of them, as a list"),
        (pl.LazyFrame({"k": ["eu"]}), "got a LazyFrame as its keys, which has columns"),
        (["eu", "us", "eu"], "'eu' is given twice, at positions 1 and 3"),
        (["a\nb"], "has a control character"),
        (["a\x7f"], "has a control character"),
        (["a...b"], "has '...', which writes a range of keys"),
        (["a", 3], "3 is of type int, not str. Write '3'."),
    ],
)
def test_bad_keys_are_refused(keys, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        StaticPartitionsDefinition(keys)
    assert message in str(caught.value)


@pytest.mark.parametrize("keys", [(k for k in ["us", "eu"]), {"us": 1, "eu": 2}, pl.Series(["us", "eu"])])
def test_whatever_has_an_order_can_be_the_list_of_keys(keys):
    assert StaticPartitionsDefinition(keys) == StaticPartitionsDefinition(["us", "eu"])


def test_ordinals_that_do_not_exist_are_index_errors():
    for ordinal in (-1, 3):
        with pytest.raises(IndexError):
            REGIONS.key_at(ordinal)
    with pytest.raises(IndexError):
        REGIONS.keys_of(OrdinalSet.span(0, 4))


def test_the_nearest_keys_are_those_that_look_alike():
    assert REGIONS.nearest_keys("Asia ", NOW) == ("asia",)
    assert REGIONS.nearest_keys("aisa", NOW) == ("asia",)
    assert REGIONS.nearest_keys("xyzzy", NOW) == ()
    with pytest.raises(UnknownPartitionError) as caught:
        REGIONS.validate_key("EU", NOW, "sales")
    assert str(caught.value) == (
        "asset 'sales' has no partition 'EU'. Nearest: 'eu'. Its partitions are us, eu, asia (3 keys)."
        " List them with: gapless partitions list sales"
    )


def test_the_words_stay_short():
    assert StaticPartitionsDefinition([f"k{n}" for n in range(12)]).describe() == "static: k0, k1, k2, … (12 keys)"
    assert StaticPartitionsDefinition(["a"]).describe() == "static: a (1 key)"
    assert StaticPartitionsDefinition([]).describe() == "static: no keys"
    assert StaticPartitionsDefinition([]).describe_extent(NOW) == "none"
