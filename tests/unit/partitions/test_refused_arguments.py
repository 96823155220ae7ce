"""Arguments of the wrong type are refused in words, and what is long is not echoed whole."""

from datetime import UTC, date, datetime

import pytest

from gapless import materialize
from gapless.errors import GaplessError, InvocationError, shown
from gapless.partitions import (
    DailyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindow,
)
from gapless.planning.request import PartitionRequest

NOW = datetime(2024, 3, 1, tzinfo=UTC)
DAILY = DailyPartitionsDefinition("2024-01-01")
REGIONS = StaticPartitionsDefinition(["eu", "us"])
BOTH = MultiPartitionsDefinition({"region": REGIONS, "date": DAILY})
DAYS = DAILY.select("2024-01", NOW)
LONG = "x" * 1_000_000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: DAILY.subset_with_partition_keys(None), "got None (NoneType) as a list of keys. Write ['…']."),
        (
            lambda: DAILY.filter_valid_partition_keys("2024-01-01"),
            "got the bare string '2024-01-01' as a list of keys.",
        ),
        (
            lambda: BOTH.get_multipartition_keys_with_dimension_values("region", "eu"),
            "got the bare string 'eu' as a list of keys. Write ['eu'].",
        ),
        (
            lambda: BOTH.subset_with_partition_keys([{"region": "eu"}]),
            "the partition key {'region': 'eu'} is of type dict, not str. Write MultiPartitionKey({'region': 'eu'}).",
        ),
        (lambda: BOTH.where(NOW, region=None), "got None (NoneType) as a list of keys."),
        (lambda: DAILY.validate_partition_key(None), "the partition key None is of type NoneType, not str."),
        (lambda: REGIONS.validate_partition_key(5), "the partition key 5 is of type int, not str. Write '5'."),
        (lambda: DAILY.time_window_for_partition_key(None), "the partition key None is of type NoneType, not str."),
        (lambda: DAILY.get_next_partition_key(5), "the partition key 5 is of type int, not str."),
        (lambda: REGIONS.get_tags_for_partition_key(5), "the partition key 5 is of type int, not str."),
        (lambda: PartitionRequest(keys=(5,)), "the partition key 5 is of type int, not str."),
        (lambda: DAILY.get_partition_keys_in_range("x"), "got 'x' (str) as a range of partitions. Write PartitionKeyR"),
        (lambda: REGIONS.get_partition_keys_in_range(None), "got None (NoneType) as a range of partitions."),
        (lambda: PartitionSet.of_range(REGIONS, "eu"), "got 'eu' (str) as a range of partitions."),
        (lambda: PartitionSet.of_range(REGIONS, PartitionKeyRange("eu", None)), "the partition key None is of type"),
        (
            lambda: DAILY.get_partition_keys(current_time=date(2024, 1, 1)),
            "current_time is datetime.date(2024, 1, 1) (date), not a datetime. Write for example current_time=",
        ),
        (lambda: DAILY.select("all", None), "now is None (NoneType), not a datetime. Write for example now=datetime("),
        (
            lambda: DAILY.select("missing", NOW, {"missing": ["2024-01-01"]}),
            "statuses['missing'] is ['2024-01-01'] (list), not an OrdinalSet. Pass those of its keys: definition",
        ),
        (lambda: DAYS.head("3"), "count is '3' (str). Write a number, 0 or more."),
        (lambda: DAYS.tail(-1), "count is -1 (int). Write a number, 0 or more."),
        (lambda: DAYS.text(limit=0), "limit is 0 (int). Write a number, 1 or more."),
    ],
)
def test_what_is_of_the_wrong_type_is_refused_with_the_fix(call, message):
    with pytest.raises(InvocationError) as caught:
        call()
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("other", [None, "2024-01-01", ["2024-01-01"]])
def test_a_set_is_combined_with_sets_only(other):
    for combine in (lambda: DAYS | other, lambda: DAYS & other, lambda: DAYS - other):
        with pytest.raises(TypeError, match="unsupported operand"):
            combine()


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        (
            datetime(2024, 1, 1),
            NOW,
            "the start of a time window is datetime.datetime(2024, 1, 1, 0, 0); expected a time",
        ),
        (
            NOW,
            datetime(2024, 3, 2),
            "the end of a time window is datetime.datetime(2024, 3, 2, 0, 0); expected a timez",
        ),
        (
            "2024-01-01",
            NOW,
            "the start of a time window is '2024-01-01'; expected a timezone-aware datetime. Write for",
        ),
        (NOW, NOW, "a time window must end after it starts"),
    ],
)
def test_a_window_without_two_instants_is_refused(start, end, message):
    with pytest.raises(ValueError) as caught:
        TimeWindow(start, end)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda: REGIONS.validate_partition_key(LONG),
        lambda: DAILY.time_window_for_partition_key(LONG),
        lambda: BOTH.validate_partition_key(f"{LONG}|eu"),
        lambda: BOTH.get_partition_key_from_str(LONG),
        lambda: BOTH.select(LONG, NOW),
        lambda: REGIONS.select(LONG, NOW),
        lambda: REGIONS.select(f"eu {LONG}", NOW),
        lambda: REGIONS.select(f"{LONG}=eu", NOW),
        lambda: StaticPartitionsDefinition(LONG),
        lambda: StaticPartitionsDefinition([LONG, LONG]),
        lambda: PartitionRequest(ranges=(LONG,)).resolve(REGIONS, "sales", NOW, None),
        lambda: PartitionRequest(keys=(f"{LONG}..b",)).resolve(REGIONS, "sales", NOW, None),
    ],
)
def test_a_message_quotes_only_the_beginning_of_what_is_long(call):
    with pytest.raises(GaplessError) as caught:
        call()
    assert len(str(caught.value)) < 700


def test_what_is_cut_says_how_long_it_was():
    assert shown("eu") == "'eu'"
    assert shown("x" * 78) == repr("x" * 78)
    assert shown("x" * 1000) == f"'{'x' * 79}… (1,002 characters)"


def test_a_bare_string_is_no_list_of_partitions_to_make(tmp_path):
    with pytest.raises(InvocationError) as refused:
        materialize([], partition_keys="2024-01-01", home=tmp_path / "home")
    assert "got the bare string '2024-01-01' as a list of keys" in str(refused.value)
    assert "['2024-01-01']" in str(refused.value)
    assert not (tmp_path / "home").exists()
