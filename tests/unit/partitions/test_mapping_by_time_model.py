"""Mappings between time windows against a model that lists windows and compares them."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.partitions import (
    CumulativePartitionMapping,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    RollingWindowPartitionMapping,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.mappings.alignment import Alignment

ZONE = "America/New_York"
NOW = datetime(2024, 3, 20, 12)  # the clocks have changed on the 10th
WEEKEND = ["0 0 * * 0,6"]


def made(kind, start, **more):
    return kind(start, timezone=ZONE, **more)


DEFINITIONS = [
    made(DailyPartitionsDefinition, "2024-02-26"),
    made(DailyPartitionsDefinition, "2024-02-26", hour_offset=6),
    made(DailyPartitionsDefinition, "2024-03-04"),
    made(DailyPartitionsDefinition, "2024-02-26", end_date="2024-03-12"),
    made(DailyPartitionsDefinition, "2024-02-26", end_offset=-1),
    made(DailyPartitionsDefinition, "2024-02-26", end_offset=2),
    made(DailyPartitionsDefinition, "2024-02-26", exclusions=WEEKEND),
    made(HourlyPartitionsDefinition, "2024-03-01-00:00"),
    made(HourlyPartitionsDefinition, "2024-03-01-00:00", exclusions=["* 1-6 * * *", "* * * * 0,6"]),
    made(WeeklyPartitionsDefinition, "2024-02-12"),
    made(MonthlyPartitionsDefinition, "2024-01-01"),
]


class Listed:
    """A definition as a list of windows, those before and after it included."""

    def __init__(self, definition):
        wide = TimeWindowPartitionsDefinition(
            start=datetime(2023, 5, 1),
            end=datetime(2024, 8, 1),
            fmt="%Y-%m-%d-%H:%M",
            timezone=ZONE,
            cron_schedule=definition.cron_schedule,
            exclusions=definition.exclusions or None,
        )
        count = len(wide.get_partition_keys(datetime(2025, 1, 1)))
        self.windows = [
            (window.start.timestamp(), window.end.timestamp()) for window in map(wide.window_at, range(count))
        ]
        start = definition.window_at(0).start.timestamp()
        self.zero = [window[0] for window in self.windows].index(start)
        self.extent = definition.extent(NOW)

    def window(self, ordinal):
        return self.windows[self.zero + ordinal]

    def where(self, holds):
        return {n - self.zero for n, window in enumerate(self.windows) if holds(*window)}

    def existing(self, ordinals):
        return {n for n in ordinals if 0 <= n < self.extent}


LISTED = [Listed(definition) for definition in DEFINITIONS]


def overlapping(up, start, end):
    return up.where(lambda a, b: a < end and start < b)


def of_window(down, up, ordinal, start_offset, end_offset):
    """What a window reads, and what of it does not exist."""
    start, end = down.window(ordinal + start_offset)[0], down.window(ordinal + end_offset)[1]
    required = overlapping(up, start, end) if start < end else set()
    own_start, own_end = down.window(ordinal)
    before_first, after_last = up.window(-1), up.window(up.extent)
    if before_first[1] <= own_start:
        required = {n for n in required if n >= 0}
    if own_end <= after_last[0]:
        required = {n for n in required if n < up.extent}
    return required


def of_rolling(down, up, ordinal, last):
    start, end = down.window(ordinal)
    begun = sorted(up.where(lambda a, _: a < end))[-last:]
    own = overlapping(up, start, end)
    return {n for n in begun if n >= 0 or n in own}


def of_cumulative(down, up, ordinal):
    start, end = down.window(ordinal)
    return {n for n in up.where(lambda a, _: a < end) if n >= 0} | overlapping(up, start, end)


MAPPINGS = [
    *(
        (TimeWindowPartitionMapping(a, b), lambda down, up, n, a=a, b=b: of_window(down, up, n, a, b))
        for a, b in [(0, 0), (-1, 0), (0, 1), (-1, -1), (-3, -2), (-2, 1), (1, 1), (-7, 0)]
    ),
    *(
        (RollingWindowPartitionMapping(last), lambda down, up, n, last=last: of_rolling(down, up, n, last))
        for last in (1, 3, 7, 40)
    ),
    (CumulativePartitionMapping(), of_cumulative),
]

places = st.integers(0, len(DEFINITIONS) - 1)


@settings(max_examples=60, deadline=None)
@given(
    down=places,
    up=places,
    mapping=st.sampled_from(MAPPINGS),
    picks=st.sets(st.integers(0, 500), min_size=1, max_size=8),
    spread=st.integers(0, 40),
)
def test_what_is_read_agrees_with_comparing_windows_one_by_one(down, up, mapping, picks, spread):
    rule, model = mapping
    extent = LISTED[down].extent
    asked = OrdinalSet.of(n % extent for pick in picks for n in range(pick, pick + spread + 1))
    required = set().union(*(model(LISTED[down], LISTED[up], n) for n in asked))
    mapped = rule.upstream(asked, DEFINITIONS[down], DEFINITIONS[up], NOW)
    there = LISTED[up].existing(required)
    assert set(mapped.partitions) == there
    lacking = sorted(required - there)
    assert mapped.nonexistent == tuple(map(DEFINITIONS[up].unbounded_key, lacking[:10]))
    assert mapped.nonexistent_count == len(lacking)
    assert mapped.later == (bool(lacking) and lacking[0] >= 0 and lacking[-1] < DEFINITIONS[up].room)


@settings(max_examples=40, deadline=None)
@given(
    down=places,
    up=places,
    mapping=st.sampled_from(MAPPINGS),
    picks=st.sets(st.integers(0, 500), min_size=1, max_size=6),
    spread=st.integers(0, 30),
)
def test_who_reads_it_agrees_with_asking_every_downstream_partition(down, up, mapping, picks, spread):
    rule, model = mapping
    changed = {n % LISTED[up].extent for pick in picks for n in range(pick, pick + spread + 1)}
    step = 1 if LISTED[down].extent < 100 else 7  # hours are many; some of them will do
    expected = {n for n in range(0, LISTED[down].extent, step) if model(LISTED[down], LISTED[up], n) & changed}
    readers = rule.downstream(OrdinalSet.of(changed), DEFINITIONS[down], DEFINITIONS[up], NOW)
    assert {n for n in readers if n % step == 0} == expected


@pytest.mark.parametrize(("down", "up"), [(0, 7), (7, 0), (6, 8), (8, 6), (1, 0), (9, 10)])
def test_many_scattered_runs_agree_with_one_by_one(down, up):
    # Enough of them for a table of what lies over what.
    one, other = DEFINITIONS[down], DEFINITIONS[up]
    runs = [(n, n + 1 + n % 2) for n in range(-60, 240, 3)]
    assert Alignment(one, other).over_runs(runs) == [Alignment(one, other).over(a, b) for a, b in runs]
