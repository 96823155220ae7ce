"""Ten years of hours, days, weeks and months in every timezone there is.

Nothing is lost, nothing comes twice, and keys, ordinals and windows lead to each other. Zones whose clocks did the same
in these years share a result.
"""

import itertools
import operator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import settings

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.civil.zone import DAY, HOUR, Zone

# Apia skipped a day, Pyongyang changed its standard time twice, Lord Howe moves by half an hour.
FIRST, LAST = datetime(2011, 1, 1), datetime(2021, 1, 1)
LOW, HIGH = (int(moment.replace(tzinfo=UTC).timestamp()) for moment in (FIRST, LAST))
THOROUGH = settings.default.max_examples >= 1000
QUARTER = 15 * 60  # all offsets of these years are multiples of it


def civil(instant, info):
    return datetime.fromtimestamp(instant, info)


@cache
def changes(name):
    """The changes of a zone's clock in these years: instant, and the offset from then on; the first is the start."""
    known = Zone.named(name).offsets(LOW - 2 * DAY, HIGH + 2 * DAY)
    begin = LOW - 2 * DAY
    inside = [(start, offset) for start, offset in zip(known.starts, known.offsets, strict=True) if start < HIGH + DAY]
    return (begin, known.offset_at(begin)), *(change for change in inside if change[0] > begin)


@cache
def clocks():
    """One zone of each that kept the same time."""
    return list({changes(name): name for name in sorted(available_timezones())}.values())


def around_changes(name, hours):
    return [(start - hours * HOUR, start + hours * HOUR) for start, _ in changes(name)[1:]]


def numbers_around_changes(definition, hours, step):
    """Some windows: those around each change, and each `step`-th."""
    number, count = definition._grid.number, definition.closed_by(LAST)
    near = (range(number(low) - 1, number(high) + 1) for low, high in around_changes(definition.timezone, hours))
    return sorted({n for n in itertools.chain(range(0, count, step), *near) if 0 <= n < count})


def hours_around_changes(definition, hours):
    number, count = definition._grid.number, definition.closed_by(LAST)
    spans = [
        (max(number(low), 0), min(number(high), count)) for low, high in around_changes(definition.timezone, hours)
    ]
    return [range(low, high) for low, high in spans if low < high]


def test_every_change_of_every_clock_is_known():
    for name in available_timezones():
        info, known = ZoneInfo(name), Zone.named(name).offsets(LOW, HIGH)
        sampled = [*range(LOW, HIGH, 5 * DAY + 7 * HOUR)]
        exact = [instant for start, _ in changes(name)[1:] for instant in (start - 1, start) if LOW <= instant < HIGH]
        for instant in (*sampled, *exact):
            assert known.offset_at(instant) == civil(instant, info).utcoffset().total_seconds(), name
        for (_, before), (_, after) in itertools.pairwise(changes(name)):
            assert before != after, name


def check(definition, some, spans=None):
    """Windows tile ten years, and keys, ordinals and windows lead to each other.

    In bulk all, or those of `spans` (ranges of ordinals, which may overlap); one by one `some` of them.

    Returns:
        Key and start by ordinal.
    """
    grid, info = definition._grid, definition._zone.info
    keys, starts, ends = {}, {}, {}
    for numbers in spans or [range(definition.closed_by(LAST))]:
        begun, ended = grid.instants(numbers), grid.ends(numbers)
        assert begun[1:] == ended[:-1]
        assert all(map(operator.lt, begun, ended))
        assert grid.numbers(begun) == list(numbers)
        starts.update(zip(numbers, begun, strict=True))
        ends.update(zip(numbers, ended, strict=True))
        keys.update(zip(numbers, definition.keys_of(OrdinalSet.span(numbers.start, numbers.stop)), strict=True))
    assert max(ends.values()) <= definition._instant(LAST)
    assert len(set(keys.values())) == len(keys) == len(set(starts.values()))
    for n in some:
        assert definition.key_at(n) == keys[n]
        assert definition.ordinal_of(keys[n]) == n
        window = definition.window_at(n)
        assert (window.start.timestamp(), window.end.timestamp()) == (starts[n], ends[n])
        assert definition.time_window_for_partition_key(keys[n]) == window
        assert definition.ordinal_containing(window.start) == n
        shown = civil(starts[n], info)
        assert shown.strftime(definition.fmt) + (shown.strftime("%z") if len(keys[n]) > 16 else "") == keys[n]
    return keys, starts


@pytest.mark.parametrize("part", range(4))
def test_hours(part):
    # Of most clocks the nine days around each change, which are all that sets their hours apart; a tenth of them whole.
    for number, name in enumerate(clocks()[part::4]):
        definition = HourlyPartitionsDefinition("2011-01-01-00:00", timezone=name)
        some = numbers_around_changes(definition, 3, 9973)
        spans = [range(n, n + 1) for n in some] + hours_around_changes(definition, 108)
        whole = THOROUGH or number % 10 == 0
        _, starts = check(definition, some, None if whole else spans)
        boundaries, info = set(starts.values()), ZoneInfo(name)
        for low, high in around_changes(name, 24):
            quarters = range(max(low, min(boundaries)), min(high, max(boundaries)), QUARTER)
            assert {at for at in quarters if civil(at, info).minute == 0} == boundaries & {*quarters}, name


def dates_of(name):
    """All dates that the wall clock showed."""
    info = ZoneInfo(name)
    shown = {civil(instant, info).date() for instant in range(LOW - DAY, HIGH + DAY, 12 * HOUR)}
    return sorted(day for day in shown if FIRST.date() <= day < LAST.date())


@pytest.mark.parametrize("part", range(2))
def test_days(part):
    for name in clocks()[part::2]:
        definition = DailyPartitionsDefinition("2011-01-01", timezone=name)
        keys, starts = check(definition, numbers_around_changes(definition, 26, 97))
        assert list(keys.values()) == [day.isoformat() for day in dates_of(name)], name
        # A day begins with its first moment: a quarter of an hour earlier it was another.
        info = ZoneInfo(name)
        assert all(civil(start - QUARTER, info).date() != civil(start, info).date() for start in starts.values()), name


def test_weeks():
    for name in clocks():
        definition = WeeklyPartitionsDefinition("2011-01-01", timezone=name)
        keys, _ = check(definition, numbers_around_changes(definition, 1, 7))
        weeks = [date(2011, 1, 2) + timedelta(weeks=n) for n in range(len(keys))]
        assert list(keys.values()) == [week.isoformat() for week in weeks], name
        assert weeks[-1] == date(2020, 12, 20), name


def test_months():
    for name in clocks():
        keys, _ = check(MonthlyPartitionsDefinition("2011-01-01", timezone=name), range(120))
        assert list(keys.values()) == [
            f"{year}-{month:02d}-01" for year in range(2011, 2021) for month in range(1, 13)
        ], name
