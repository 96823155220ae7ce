"""How time windows are named, and found by their names: §2.3 of the semantics, §6.9 and §6.10."""

import pickle
from datetime import UTC, datetime

import pytest
from time_definitions import DAILY, NOW, NY, cron, first_keys, hourly, iso

from gapless.errors import (
    PartitionKeyError,
    PartitionRangeError,
    UnknownPartitionError,
)
from gapless.partitions import (
    DailyPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)


def test_a_format_may_be_coarser_than_the_start_of_the_windows():
    late = DailyPartitionsDefinition("2024-01-01", hour_offset=7)
    assert iso(late.time_window_for_partition_key("2024-01-01")) == [
        "2024-01-01T07:00:00+00:00",
        "2024-01-02T07:00:00+00:00",
    ]
    assert late.ordinal_of("2024-01-02") == 1


@pytest.mark.parametrize(
    "key", ["2024-1-5", "", "zzz", "2024-01-05 ", "２０２４-01-05", "2024-02-30", "2024-01-05+0000", None]
)
def test_what_is_not_exactly_a_key_has_no_ordinal(key):
    assert DAILY.ordinal_of(key) is None
    assert not DAILY.has_partition_key(key, NOW)


def test_future_keys_have_ordinals_and_do_not_exist_yet():
    assert DAILY.ordinal_of("2024-03-20") == 79 == DAILY.extent(NOW)
    assert not DAILY.has_partition_key("2024-03-20", NOW)
    assert DAILY.has_partition_key("2024-03-19", NOW)
    assert not DAILY.has_partition_key("2023-12-31", NOW)


def test_no_ordinal_lies_beyond_the_end_date():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-05")
    assert ended.ordinal_of("2024-01-04") == 3
    assert ended.ordinal_of("2024-01-05") is None
    assert ended.ordinal_containing(datetime(2024, 1, 5)) is None
    for beyond in (4, -1):
        with pytest.raises(IndexError, match="daily from 2024-01-01 to before 2024-01-05"):
            ended.key_at(beyond)
        with pytest.raises(IndexError):
            ended.window_at(beyond)


@pytest.mark.parametrize("key", ["2024-1-5", "2024-01-05"])
def test_a_window_is_found_without_checking_the_key(key):
    assert DAILY.time_window_for_partition_key(key).start == datetime(2024, 1, 5, tzinfo=UTC)
    assert DAILY.start_time_for_partition_key("2031-01-01").year == 2031
    assert DAILY.end_time_for_partition_key("2019-12-31").year == 2020


@pytest.mark.parametrize("key", ["9999-12-31", "0001-01-01"])
def test_a_key_at_the_edge_of_the_calendar_is_refused(key):
    with pytest.raises(PartitionKeyError, match="expected a key like '2024-01-01', of the years 1 to 9999"):
        DAILY.time_window_for_partition_key(key)
    assert not DAILY.has_partition_key(key, NOW)


def test_a_text_that_cannot_be_read_is_refused_with_an_example():
    with pytest.raises(PartitionKeyError) as caught:
        DAILY.time_window_for_partition_key("5 Jan")
    assert str(caught.value) == (
        "cannot read '5 Jan' as a partition key; expected a key like '2024-01-01' (format '%Y-%m-%d')."
    )
    assert isinstance(caught.value, ValueError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_ranges_are_inclusive_may_lie_in_the_future_and_are_empty_when_reversed():
    def keys(start, end):
        return DAILY.get_partition_keys_in_range(PartitionKeyRange(start, end))

    assert keys("2024-01-30", "2024-02-01") == ["2024-01-30", "2024-01-31", "2024-02-01"]
    assert keys("2100-02-28", "2100-03-01") == ["2100-02-28", "2100-03-01"]
    assert keys("2024-02-01", "2024-01-30") == []


def test_a_range_outside_of_the_definition_is_refused():
    ended = DailyPartitionsDefinition("2024-01-01", "2024-01-05")
    with pytest.raises(PartitionRangeError, match="begins before the definition"):
        ended.get_partition_keys_in_range(PartitionKeyRange("2023-12-31", "2024-01-02"))
    with pytest.raises(PartitionRangeError, match="ends after the definition"):
        ended.get_partition_keys_in_range(PartitionKeyRange("2024-01-03", "2024-01-05"))


def test_equal_definitions_are_equal_however_they_were_written():
    by_cron = cron("2024-01-01", "0 0 * * *")
    assert by_cron == DAILY
    assert hash(by_cron) == hash(DAILY)
    assert by_cron != DailyPartitionsDefinition("2024-01-02")
    assert by_cron != DailyPartitionsDefinition("2024-01-01", timezone=NY)
    assert by_cron != DailyPartitionsDefinition("2024-01-01", end_offset=1)
    assert by_cron != "0 0 * * *"


@pytest.mark.parametrize(
    "definition",
    [DAILY, hourly("2024-11-03-00:00", NY, end_offset=-1), cron("2024-01-01 00", "0 * * * 1", NY, "%Y-%m-%d %H")],
)
def test_definitions_pickle_and_show_themselves(definition):
    copy = pickle.loads(pickle.dumps(definition))
    assert copy == definition
    assert type(copy) is type(definition)
    assert first_keys(copy, 30) == first_keys(definition, 30)
    shown = repr(definition)
    assert (
        eval(
            shown,
            {"TimeWindowPartitionsDefinition": TimeWindowPartitionsDefinition, "datetime": __import__("datetime")},
        )
        == definition
    )


@pytest.mark.parametrize(
    "fmt", ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%d.%m.%Y", "day {%Y}-%m-%d 100%%", "%Y-%j", "%d %b %Y", "%y-%m-%d"]
)
@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
def test_keys_of_every_format_read_back(fmt, zone):
    definition = DailyPartitionsDefinition(datetime(2024, 1, 1), timezone=zone, fmt=fmt)
    keys = first_keys(definition, 400)
    assert keys[59] == datetime(2024, 2, 29).strftime(fmt)
    assert [definition.ordinal_of(key) for key in keys] == list(range(400))
    assert definition.ordinals_of([*keys[::7], "nonsense"]) == OrdinalSet.of(range(0, 400, 7))


def test_many_keys_resolve_as_one_by_one():
    keys = first_keys(DAILY, 2000)
    wanted = [*keys[5:900], *keys[1500::3], "2024-1-5", "2019-01-01", "zzz", "", "0000"]
    assert DAILY.ordinals_of(wanted) == OrdinalSet.of(
        n for n in (DAILY.ordinal_of(key) for key in wanted) if n is not None
    )


# Words


@pytest.mark.parametrize(
    ("definition", "words", "extent"),
    [
        (DAILY, "daily from 2024-01-01", "2024-01-01 to 2024-03-19"),
        (DailyPartitionsDefinition("2024-03-19"), "daily from 2024-03-19", "2024-03-19"),
        (DailyPartitionsDefinition("2025-01-01"), "daily from 2025-01-01", "none yet"),
        (DailyPartitionsDefinition("2025-01-01", "2025-01-01"), "daily from 2025-01-01 to before 2025-01-01", "none"),
        (
            hourly("2024-03-20-00:00", NY),
            f"hourly from 2024-03-20-00:00 ({NY})",
            "2024-03-20-00:00 to 2024-03-20-11:00",
        ),
        (cron("2024-01-02", "0 0 * * 1-5"), "cron '0 0 * * 1-5' from 2024-01-02", "2024-01-02 to 2024-03-19"),
    ],
)
def test_a_definition_in_words(definition, words, extent):
    assert definition.describe() == words
    assert definition.describe_extent(NOW) == extent


@pytest.mark.parametrize(
    ("definition", "key", "nearest"),
    [
        (DAILY, "2024-1-5", ("2024-01-05",)),
        (DAILY, "2024/01/05", ("2024-01-05",)),
        (DAILY, "05.01.2024", ("2024-01-05",)),
        (DAILY, "2030-01-01", ("2024-03-19",)),
        (DAILY, "2000-01-01", ("2024-01-01",)),
        (DAILY, "9999-12-31", ("2024-03-19",)),
        (DAILY, "yesterday", ("2024-03-19",)),
        (DailyPartitionsDefinition("2024-01-01", hour_offset=7), "2024-1-5", ("2024-01-05",)),
        (WeeklyPartitionsDefinition("2024-01-01"), "2024-01-09", ("2024-01-07", "2024-01-14")),
        (hourly("2024-03-09-00:00", NY), "2024-03-10-02:00", ("2024-03-10-01:00", "2024-03-10-03:00")),
        (DailyPartitionsDefinition("2025-01-01"), "2025-01-01", ()),
    ],
)
def test_the_nearest_keys_are_what_was_meant(definition, key, nearest):
    assert definition.nearest_keys(key, NOW) == nearest


def test_an_unknown_key_is_refused_with_its_neighbours_and_what_exists():
    assert DAILY.validate_key("2024-03-19", NOW) == 78
    with pytest.raises(UnknownPartitionError) as caught:
        DAILY.validate_key("2024-03-20", NOW, "plays")
    assert str(caught.value) == (
        "asset 'plays' has no partition '2024-03-20'. Nearest: '2024-03-19'. Its partitions are 2024-01-01 to"
        " 2024-03-19. List them with: gapless partitions list plays"
    )
