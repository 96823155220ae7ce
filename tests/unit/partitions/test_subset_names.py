"""What definitions and sets have under Dagster's names: subsets, pages, identifiers, tags."""

import subprocess
import sys
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import InvocationError, PartitionSetFormatError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)
from gapless.partitions.loading_context import LoadingContext, partition_loading_context

DAILY = DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11")
STATIC = StaticPartitionsDefinition(["c", "a", "b"])
MULTI = MultiPartitionsDefinition({"date": DAILY, "color": StaticPartitionsDefinition(["red", "green", "blue"])})
untimed = settings(deadline=None)
LATER = LoadingContext(datetime(2024, 3, 1))


class Keys(dict):
    """A store of dynamic keys."""

    def get_dynamic_partitions(self, partitions_def_name):
        return self[partitions_def_name]


def some(*numbers):
    return DAILY.subset_with_partition_keys([f"2024-01-{n:02d}" for n in numbers])


# §1.2


def test_a_subset_says_which_keys_it_has_and_which_not():
    subset = some(1, 2, 5)
    assert subset.get_partition_keys() == ["2024-01-01", "2024-01-02", "2024-01-05"]
    assert subset.get_partition_keys_not_in_subset(DAILY) == [f"2024-01-{n:02d}" for n in (3, 4, 6, 7, 8, 9, 10)]
    assert subset.get_partition_keys_not_in_subset(DAILY, datetime(2024, 1, 5)) == ["2024-01-03", "2024-01-04"]
    with partition_loading_context(datetime(2024, 1, 4)):
        assert subset.get_partition_keys_not_in_subset(DAILY) == ["2024-01-03"]
    assert subset.get_partition_key_ranges(DAILY) == [
        PartitionKeyRange("2024-01-01", "2024-01-02"),
        PartitionKeyRange("2024-01-05", "2024-01-05"),
    ]
    assert ("2024-01-02" in subset, "zzz" in subset, len(subset), subset.is_empty) == (True, False, 3, False)


def test_a_subset_of_dimensions_has_rectangles_as_ranges():  # §2.4
    subset = MULTI.subset_with_partition_keys(["red|2024-01-01", "red|2024-01-02", "green|2024-01-02"])
    assert subset.get_partition_key_ranges(MULTI) == [
        PartitionKeyRange("red|2024-01-01", "red|2024-01-02"),
        PartitionKeyRange("green|2024-01-02", "green|2024-01-02"),
    ]
    corners = PartitionKeyRange("red|2024-01-01", "blue|2024-01-02")
    assert len(MULTI.empty_subset().with_partition_key_range(MULTI, corners)) == 6


def test_a_subset_grows_by_keys_and_ranges():
    assert some(1).with_partition_keys(["2024-01-07"]) == some(1, 7)
    assert some(1).with_partition_key_range(DAILY, PartitionKeyRange("2024-01-07", "2024-01-09")) == some(1, 7, 8, 9)
    with pytest.raises(UnknownPartitionError, match="there is no partition '2024-01-11'"):
        some(1).with_partition_keys(["2024-01-11"])


def test_empty_subsets_are_empty():
    assert DAILY.empty_subset() == some(1).empty_subset() == PartitionSet.create_empty_subset(DAILY)
    assert DAILY.empty_subset().is_empty


def test_a_subset_of_all_partitions_holds_those_that_exist():
    assert DAILY.subset_with_all_partitions(datetime(2024, 1, 4)) == some(1, 2, 3)
    assert len(MULTI.subset_with_all_partitions(datetime(2024, 1, 4))) == 9


def test_a_definition_that_is_passed_along_has_to_be_that_of_the_subset():
    for call in (some(1).get_partition_key_ranges, some(1).get_partition_keys_not_in_subset):
        with pytest.raises(InvocationError, match="sets of two definitions"):
            call(STATIC)
    with pytest.raises(InvocationError, match="sets of two definitions"):
        some(1).with_partition_key_range(STATIC, PartitionKeyRange("a", "b"))


def test_a_subset_is_written_and_read():
    subset = some(1, 2, 5)
    assert subset.to_serializable_subset() == subset
    assert PartitionSet.from_serialized(DAILY, subset.serialize()) == subset
    assert DAILY.deserialize_subset(subset.serialize()) == subset
    assert DAILY.can_deserialize_subset(subset.serialize(), "any id", "AnyClass")
    assert not STATIC.can_deserialize_subset(subset.serialize())


def test_a_subset_is_read_for_a_moved_start_unless_some_of_it_is_lost():
    later = DailyPartitionsDefinition("2024-01-02")
    assert list(later.deserialize_subset(some(2, 5).serialize())) == ["2024-01-02", "2024-01-05"]
    assert not later.can_deserialize_subset(some(1, 5).serialize())
    with pytest.raises(PartitionSetFormatError) as caught:
        later.deserialize_subset(some(1, 5).serialize())
    assert str(caught.value) == (
        "cannot read the text as a set of partitions: partitions: the definition (daily from 2024-01-02) no longer has"
        " 2024-01-01. PartitionSet.from_json() returns the others, and these beside them."
    )


# §2.3


def test_a_subset_never_drops_a_key_silently():
    for definition, key, nearest in (
        (DAILY, "2023-12-31", "2024-01-01"),
        (DAILY, "garbage", "2024-01-10"),
        (STATIC, "B", "b"),
    ):
        with partition_loading_context(datetime(2024, 3, 1)), pytest.raises(UnknownPartitionError) as caught:
            definition.subset_with_partition_keys([key])
        assert caught.value.key == key
        assert nearest in caught.value.nearest


def test_a_bare_string_is_not_a_list_of_keys():
    with pytest.raises(InvocationError, match=r"got the bare string 'ab' as a list of keys\. Write \['ab'\]\."):
        STATIC.subset_with_partition_keys("ab")


def test_a_key_is_validated_at_a_time():
    DAILY.validate_partition_key("2024-01-03", LATER)
    with pytest.raises(UnknownPartitionError):
        DAILY.validate_partition_key("2024-01-03", LoadingContext(datetime(2024, 1, 3)))
    with pytest.raises(UnknownPartitionError, match="Nearest: '2024-01-10'"):
        DAILY.validate_partition_key("2025-01-01")
    DAILY.validate_partition_definition()


# §1.1: pages


def walk(definition, limit, ascending, context=LATER):
    cursor, pages = None, []
    while True:
        results, cursor, has_more = definition.get_paginated_partition_keys(context, limit, ascending, cursor)
        pages.append(results)
        assert len(results) == limit or not has_more
        if not has_more:
            return pages


@pytest.mark.parametrize("definition", [DAILY, STATIC, MULTI], ids=["time", "static", "dimensions"])
@untimed
@given(limit=st.integers(1, 40), ascending=st.booleans())
def test_pages_together_are_all_keys(definition, limit, ascending):
    keys = list(definition.get_partition_keys(datetime(2024, 3, 1)))
    pages = walk(definition, limit, ascending)
    assert [key for page in pages for key in page] == (keys if ascending else keys[::-1])
    assert all(len(page) == limit for page in pages[:-1])


def test_a_cursor_outlives_keys_that_are_added():
    store = Keys(people=["ann", "bob", "cid"])
    definition = DynamicPartitionsDefinition(name="people")
    context = LoadingContext(None, store)
    first = definition.get_paginated_partition_keys(context, 2, True)
    last = definition.get_paginated_partition_keys(context, 2, False)
    store["people"].append("dan")
    assert definition.get_paginated_partition_keys(context, 5, True, first.cursor)[::2] == (["cid", "dan"], False)
    assert definition.get_paginated_partition_keys(context, 5, False, last.cursor)[::2] == (["ann"], False)
    store["people"].remove("bob")
    with pytest.raises(InvocationError) as caught:
        definition.get_paginated_partition_keys(context, 5, True, first.cursor)
    assert str(caught.value) == (
        "the cursor stands at the partition 'bob', which is gone. Begin again without a cursor."
    )


def test_a_cursor_at_the_end_waits_for_what_is_to_come():
    daily = DailyPartitionsDefinition("2024-01-01")
    page = daily.get_paginated_partition_keys(LoadingContext(datetime(2024, 1, 3)), 5, True)
    assert page[::2] == (["2024-01-01", "2024-01-02"], False)
    for _ in range(2):
        page = daily.get_paginated_partition_keys(LoadingContext(datetime(2024, 1, 3)), 5, True, page.cursor)
        assert page[::2] == ([], False)
    assert daily.get_paginated_partition_keys(LATER, 1, True, page.cursor)[::2] == (["2024-01-03"], True)


def test_a_cursor_outlives_a_moved_start():
    early, late = DailyPartitionsDefinition("2024-01-01"), DailyPartitionsDefinition("2024-01-05")
    cursor = early.get_paginated_partition_keys(LATER, 2, True).cursor
    assert late.get_paginated_partition_keys(LATER, 2, True, cursor).results == ["2024-01-05", "2024-01-06"]
    assert late.get_paginated_partition_keys(LATER, 2, False, cursor)[::2] == ([], False)


def test_the_page_of_nothing_is_empty():
    assert StaticPartitionsDefinition([]).get_paginated_partition_keys(LATER, 3, True) == ([], "", False)
    assert StaticPartitionsDefinition([]).get_paginated_partition_keys(LATER, 3, True, "") == ([], "", False)


def test_a_page_of_very_many_partitions_lists_only_its_own():
    minutes = TimeWindowPartitionsDefinition("1000-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *")
    grid = MultiPartitionsDefinition({"a": minutes, "b": minutes, "c": StaticPartitionsDefinition(["x", "y"])})
    page = grid.get_paginated_partition_keys(LATER, 3, False)
    assert page.results[0] == "2024-02-29-23:59|2024-02-29-23:59|y"
    assert grid.get_paginated_partition_keys(LATER, 1, True, page.cursor).results == [page.results[1]]


@pytest.mark.parametrize(
    ("limit", "cursor", "message"),
    [
        (0, None, "the limit of a page is 0. A page holds at least one key."),
        (-3, None, "the limit of a page is -3."),
        (None, None, "the limit of a page is None."),
        (1, "?", "'?' is not a cursor. Pass the cursor of the page before, or None."),
        (1, "/w==", "'/w==' is not a cursor."),
        (1, "été", "'été' is not a cursor."),
        (1, 7, "7 is not a cursor."),
        (1, "bm9uZQ==", "the cursor stands at the partition 'none', which is gone."),
    ],
)
def test_a_page_that_makes_no_sense_is_refused(limit, cursor, message):
    with pytest.raises(InvocationError) as caught:
        DAILY.get_paginated_partition_keys(None, limit, True, cursor)
    assert str(caught.value).startswith(message)


# §1.1: identifiers; §2.4: tags


def test_equal_definitions_have_one_identifier_and_others_another():
    definitions = [
        DAILY,
        DailyPartitionsDefinition("2024-01-02", end_date="2024-01-11"),
        DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11", exclusions=["0 0 * * 6"]),
        STATIC,
        StaticPartitionsDefinition(["a", "b", "c"]),
        DynamicPartitionsDefinition(name="people"),
        MULTI,
        MultiPartitionsDefinition({"date": DAILY, "color": STATIC}),
        MultiPartitionsDefinition({"date": DAILY, "color": STATIC}, combinations=[{"color": "a"}]),
    ]
    assert len({each.get_serializable_unique_identifier() for each in definitions}) == len(definitions)
    same = TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", end="2024-01-11", cron_schedule="0 0 * * *")
    assert same.get_serializable_unique_identifier() == DAILY.get_serializable_unique_identifier()


def test_an_identifier_is_the_same_in_every_process():
    program = (
        "from gapless.partitions import DailyPartitionsDefinition\n"
        "def closed(start): return start.weekday() > 4\n"
        "definition = DailyPartitionsDefinition('2024-01-01', exclusions=closed)\n"
        "print(definition.get_serializable_unique_identifier())"
    )
    runs = [subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)]
    assert len(runs[0].strip()) == 64
    assert runs[0] == runs[1]


def test_the_tags_of_a_partition_are_its_keys():
    assert DAILY.get_tags_for_partition_key("2024-01-01") == {"dagster/partition": "2024-01-01"}
    assert MULTI.get_tags_for_partition_key("red|2024-01-01") == {
        "dagster/partition": "red|2024-01-01",
        "dagster/partition/color": "red",
        "dagster/partition/date": "2024-01-01",
    }
    with pytest.raises(UnknownPartitionError):
        MULTI.get_tags_for_partition_key("2024-01-01|red")
