"""Mappings, by the table of the semantics (2.6): now is 2024-03-20 12:00, all from 2024-01-01 unless said otherwise."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import DefinitionError
from gapless.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
)

NOW = datetime(2024, 3, 20, 12)
START = datetime(2024, 1, 1)
H = HourlyPartitionsDefinition(START)
D = DailyPartitionsDefinition(START)
W = WeeklyPartitionsDefinition(START)
M = MonthlyPartitionsDefinition(START)
D6 = DailyPartitionsDefinition(START, hour_offset=6)
COMPACT = DailyPartitionsDefinition(START, fmt="%Y%m%d")
LATE = DailyPartitionsDefinition(datetime(2024, 1, 10))
ENDED = DailyPartitionsDefinition(START, datetime(2024, 1, 20))
BEHIND = DailyPartitionsDefinition(START, end_offset=-1)
BUSINESS = DailyPartitionsDefinition(START, exclusions=["0 0 * * 0,6"])
REGIONS = StaticPartitionsDefinition(["us", "eu", "asia"])

Time = TimeWindowPartitionMapping


def days(first, last, month=1):
    return [f"2024-{month:02d}-{day:02d}" for day in range(first, last + 1)]


def hours(day, first=0, last=23):
    return [f"2024-01-{day:02d}-{hour:02d}:00" for hour in range(first, last + 1)]


def read(mapping, down, up, keys):
    ordinals = down.ordinals_of(keys)
    assert len(ordinals) == len(keys)
    mapped = mapping.upstream(ordinals, down, up, NOW)
    assert mapped.nonexistent_count == len(mapped.nonexistent)
    return up.keys_of(mapped.partitions), list(mapped.nonexistent)


@pytest.mark.parametrize(
    ("down", "up", "mapping", "keys", "upstream", "nonexistent"),
    [
        (D, H, Time(), ["2024-01-05"], hours(5), []),
        (H, D, Time(), ["2024-01-05-13:00"], days(5, 5), []),
        (W, D, Time(), ["2024-01-07"], days(7, 13), []),
        (D, W, Time(), ["2024-01-05"], [], ["2023-12-31"]),
        (D, W, Time(), ["2024-03-18"], [], ["2024-03-17"]),
        (D, M, Time(), ["2024-03-05"], [], ["2024-03-01"]),
        (M, W, Time(), ["2024-02-01"], ["2024-01-28", "2024-02-04", "2024-02-11", "2024-02-18", "2024-02-25"], []),
        (W, M, Time(), ["2024-01-28"], ["2024-01-01", "2024-02-01"], []),
        (D6, D, Time(), ["2024-01-05"], days(5, 6), []),
        (D, D, Time(-1), ["2024-01-05"], days(4, 5), []),
        (D, D, Time(-1, -1), ["2024-01-05"], days(4, 4), []),
        (D, D, Time(-1, -1), ["2024-01-01"], [], []),
        (D, D, Time(-1), ["2024-01-01"], days(1, 1), []),
        (D, D, Time(0, 1), ["2024-03-19"], ["2024-03-19"], []),
        (D, D, Time(1, 1), ["2024-03-19"], [], []),
        (H, D, Time(-1), ["2024-01-05-13:00"], days(5, 5), []),
        (H, D, Time(-1), ["2024-01-05-00:00"], days(4, 5), []),
        (D, H, Time(-1), ["2024-01-05"], hours(4) + hours(5), []),
        (D, LATE, Time(), ["2024-01-05", "2024-01-12"], ["2024-01-12"], ["2024-01-05"]),
        (D, LATE, Time(0, 0, True), ["2024-01-05", "2024-01-12"], ["2024-01-12"], []),
        (D, ENDED, Time(), ["2024-01-25"], [], ["2024-01-25"]),
        (D, BEHIND, Time(), ["2024-03-19"], [], ["2024-03-19"]),
        (COMPACT, D, Time(), ["20240105"], days(5, 5), []),
        (D, D, Time(), days(5, 9), days(5, 9), []),
        # §2.7: the windows of business days have gaps
        (W, BUSINESS, Time(), ["2024-01-07"], days(8, 12), []),
        (BUSINESS, D, Time(), ["2024-01-05", "2024-01-08"], ["2024-01-05", "2024-01-08"], []),
        (BUSINESS, BUSINESS, Time(-1, -1), ["2024-01-08"], ["2024-01-05"], []),
        (BUSINESS, D, Time(-1), ["2024-01-08"], days(5, 8), []),
        (D, BUSINESS, Time(), ["2024-01-06"], [], []),
        (D, BUSINESS, Time(), days(5, 8), ["2024-01-05", "2024-01-08"], []),
        # a window that lacks something by itself is not excused by an offset
        (D, LATE, Time(-1), ["2024-01-05"], [], ["2024-01-04", "2024-01-05"]),
        (D, LATE, Time(-1), ["2024-01-10"], ["2024-01-10"], []),
        (H, D, Time(0, 1), ["2024-03-20-11:00"], [], ["2024-03-20"]),
        (D, W, Time(), ["2024-01-02", "2024-01-05", "2024-01-08"], ["2024-01-07"], ["2023-12-31"]),
    ],
)
def test_what_downstream_partitions_read(down, up, mapping, keys, upstream, nonexistent):
    assert read(mapping, down, up, keys) == (upstream, nonexistent)


def test_a_day_of_25_hours_reads_25_hours():
    zone = "America/New_York"
    hourly = HourlyPartitionsDefinition(START, timezone=zone)
    daily = DailyPartitionsDefinition(START, timezone=zone)
    mapped = Time().upstream(daily.ordinals_of(["2024-11-03"]), daily, hourly, datetime(2025, 1, 1))
    assert len(mapped.partitions) == 25
    assert Time().downstream(mapped.partitions, daily, hourly, datetime(2025, 1, 1)) == daily.ordinals_of(
        ["2024-11-03"]
    )


def test_many_nonexistent_partitions_are_counted_and_the_first_named():
    mapped = Time().upstream(OrdinalSet.span(0, 30), D, DailyPartitionsDefinition(datetime(2024, 2, 1)), NOW)
    assert mapped.nonexistent == tuple(days(1, 10))
    assert mapped.nonexistent_count == 30


@pytest.mark.parametrize(
    ("down", "up", "mapping", "keys", "downstream"),
    [
        (H, D, Time(), ["2024-01-05"], hours(5)),
        (H, D, Time(-1), ["2024-01-05"], [*hours(5), "2024-01-06-00:00"]),
        (W, D, Time(), ["2024-01-13", "2024-01-14"], ["2024-01-07", "2024-01-14"]),
        (W, D, Time(), ["2024-03-18"], []),
        (W, D, Time(), ["2024-01-03"], []),
        (M, D, Time(), ["2024-03-05"], []),
        (D, D, Time(-1), ["2024-03-19"], ["2024-03-19"]),
        (D, D, Time(-1), ["2024-01-05"], days(5, 6)),
        (D, D, Time(-1, -1), ["2024-01-05"], days(6, 6)),
        (D, D, Time(0, 1), ["2024-01-01"], days(1, 1)),
        (BUSINESS, D, Time(), days(5, 8), ["2024-01-05", "2024-01-08"]),
        (BUSINESS, D, Time(), days(6, 7), []),
        (BUSINESS, D, Time(-1), days(6, 6), ["2024-01-08"]),
        (W, BUSINESS, Time(), ["2024-01-05"], []),
    ],
)
def test_which_downstream_partitions_read_an_upstream_one(down, up, mapping, keys, downstream):
    assert down.keys_of(mapping.downstream(up.ordinals_of(keys), down, up, NOW)) == downstream


definitions = st.sampled_from([H, D, W, M, D6, LATE, ENDED, BEHIND])


@settings(max_examples=60, deadline=None)
@given(
    down=definitions,
    up=definitions,
    offsets=st.sampled_from([(0, 0), (-1, 0), (0, 1), (-1, -1), (-2, 1), (1, 1)]),
    picks=st.sets(st.integers(0, 1900), min_size=1, max_size=12),
)
def test_both_directions_agree(down, up, offsets, picks):
    # A partition is downstream of exactly those that it reads.
    mapping = TimeWindowPartitionMapping(*offsets)
    extent = down.extent(NOW)
    asked = OrdinalSet.of(n % extent for n in picks)
    together = mapping.upstream(asked, down, up, NOW)
    one_by_one = [mapping.upstream(OrdinalSet.of([n]), down, up, NOW).partitions for n in asked]
    assert together.partitions == OrdinalSet.of(n for partitions in one_by_one for n in partitions)
    for n, partitions in zip(asked, one_by_one, strict=True):
        if partitions:
            assert n in mapping.downstream(partitions.head(1), down, up, NOW)
            assert n in mapping.downstream(partitions.tail(1), down, up, NOW)


@pytest.mark.parametrize(
    ("up", "down", "mapping", "reason"),
    [
        (
            DailyPartitionsDefinition(START, timezone="Asia/Tokyo"),
            D,
            Time(),
            "their timezones differ (Asia/Tokyo upstream",
        ),
        (REGIONS, D, Time(), "both must have time windows"),
        (None, D, Time(), "both must have time windows"),
        (D, D, Time(-(10**9)), "start_offset -1000000000 leads out of the calendar"),
        (D, None, IdentityPartitionMapping(), "only one of them is partitioned"),
        (REGIONS, D, IdentityPartitionMapping(), "one has time windows and the other has not"),
        (D, W, IdentityPartitionMapping(), "their time windows differ"),
        (D, COMPACT, IdentityPartitionMapping(), "their keys are written differently ('%Y-%m-%d' upstream"),
        (REGIONS, StaticPartitionsDefinition(["x"]), IdentityPartitionMapping(), "they have no key in common"),
    ],
)
def test_definitions_that_a_mapping_cannot_tie_are_told_why(up, down, mapping, reason):
    assert reason in mapping.validate(up, down)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((1, 0), "start_offset 1 is after end_offset 0, so nothing would be read. Write the earlier one as start_off"),
        (("1",), "start_offset is '1' (str). Write a whole number"),
        ((None,), "start_offset is None (NoneType). Write a whole number"),
        ((0, 1.5), "end_offset is 1.5 (float). Write a whole number"),
        ((0, True), "end_offset is True (bool). Write a whole number"),
        ((0, 0, "no"), "allow_nonexistent_upstream_partitions is 'no'. Write True or False"),
    ],
)
def test_offsets_that_make_no_sense_are_refused_where_they_are_written(arguments, reason):
    with pytest.raises(DefinitionError) as caught:
        Time(*arguments)
    assert f"TimeWindowPartitionMapping: {reason}" in str(caught.value)


@pytest.mark.parametrize(
    ("up", "down", "mapping"),
    [
        (D, W, Time(-1)),
        (D, D, IdentityPartitionMapping()),
        (D, LATE, IdentityPartitionMapping()),
        (REGIONS, StaticPartitionsDefinition(["us", "x"]), IdentityPartitionMapping()),
        (None, None, IdentityPartitionMapping()),
        (REGIONS, D, AllPartitionMapping()),
        (None, D, LastPartitionMapping()),
    ],
)
def test_definitions_that_a_mapping_ties_are_accepted(up, down, mapping):
    assert mapping.validate(up, down) is None


def test_a_time_mapping_of_what_has_no_windows_is_refused():
    with pytest.raises(DefinitionError, match="static: us, eu, asia"):
        Time().upstream(OrdinalSet.of([0]), D, REGIONS, NOW)


def test_identity_reads_the_same_key():
    other = StaticPartitionsDefinition(["asia", "mars", "us"])
    identity = IdentityPartitionMapping()
    assert read(identity, other, REGIONS, ["asia", "mars"]) == (["asia"], ["mars"])
    assert read(identity, D, D, ["2024-01-05"]) == (["2024-01-05"], [])
    assert read(identity, D, LATE, ["2024-01-05", "2024-01-12"]) == (["2024-01-12"], ["2024-01-05"])
    assert other.keys_of(identity.downstream(OrdinalSet.span(0, 3), other, REGIONS, NOW)) == ["asia", "us"]
    future = identity.upstream(OrdinalSet.span(78, 80), D, D, NOW)
    assert (future.partitions, future.nonexistent) == (OrdinalSet.of([78]), ("2024-03-20",))
    alone = OrdinalSet.of([0])
    assert identity.upstream(alone, None, None, NOW).partitions == alone
    assert identity.downstream(alone, None, None, NOW) == alone


def test_all_reads_everything_that_exists():
    alone, everything = AllPartitionMapping(), OrdinalSet.span(0, 79)
    assert alone.upstream(OrdinalSet.of([0]), None, D, NOW).partitions == everything
    assert alone.upstream(OrdinalSet.of([5]), D, None, NOW).partitions == OrdinalSet.of([0])
    assert alone.upstream(OrdinalSet.empty(), D, D, NOW).partitions == OrdinalSet.empty()
    assert alone.downstream(OrdinalSet.of([5]), D, REGIONS, NOW) == everything
    assert alone.downstream(OrdinalSet.empty(), D, REGIONS, NOW) == OrdinalSet.empty()


def test_last_reads_the_last_and_changes_everything_downstream_when_it_does():
    last = LastPartitionMapping()
    assert last.upstream(OrdinalSet.of([0]), REGIONS, D, NOW).partitions == OrdinalSet.of([78])
    assert last.upstream(OrdinalSet.of([0]), D, DailyPartitionsDefinition("2900-01-01"), NOW).partitions == OrdinalSet()
    assert last.downstream(OrdinalSet.of([78]), REGIONS, D, NOW) == OrdinalSet.span(0, 3)
    assert last.downstream(OrdinalSet.of([77]), REGIONS, D, NOW) == OrdinalSet.empty()
