from gapless.partitions import DailyPartitionsDefinition, OrdinalSet, StaticPartitionsDefinition
from gapless.views.key_ranges import KeyRange, key_ranges

DAYS = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-03-01")


def test_contiguous_partitions_are_one_range_with_inclusive_ends():
    assert key_ranges(DAYS, OrdinalSet.span(0, 31)) == (KeyRange("2024-01-01", "2024-01-31", 31),)


def test_gaps_separate_ranges():
    ranges = key_ranges(DAYS, OrdinalSet.of([0, 2, 3]))

    assert [str(key_range) for key_range in ranges] == ["2024-01-01", "2024-01-03..2024-01-04"]
    assert [key_range.count for key_range in ranges] == [1, 2]


def test_an_unpartitioned_asset_has_one_nameless_range_or_none():
    assert [str(key_range) for key_range in key_ranges(None, OrdinalSet.span(0, 1))] == ["(unpartitioned)"]
    assert key_ranges(None, OrdinalSet.empty()) == ()


def test_static_ranges_follow_the_order_of_the_definition():
    letters = StaticPartitionsDefinition(["z", "a", "m"])

    assert key_ranges(letters, OrdinalSet.span(0, 2))[0].to_json() == {"first": "z", "last": "a", "count": 2}
