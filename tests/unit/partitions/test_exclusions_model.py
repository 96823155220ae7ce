"""Windows that a definition leaves out, against a slow obvious filter over all of them."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import PartitionsDefinitionError
from gapless.partitions import OrdinalSet, TimeWindow, TimeWindowPartitionsDefinition

BASES = st.sampled_from(
    ["0 0 * * *", "0 * * * *", "*/30 * * * *", "30 1 * * *", "0 0 * * 0", "0 0 1 * *", "0 9-17 * * 1-5", "0 * * * 1-5"]
)
CRONS = st.sampled_from(
    ["0 0 * * 6,0", "* * * * 6,0", "0 1 * * *", "*/30 * * * 1", "30 1,2 * * *", "0 0 1 * *", "0 0 * * 0", "* * 25 12 *"]
)
ZONES = st.sampled_from(["UTC", "America/New_York", "Europe/London", "America/Havana", "Australia/Lord_Howe"])
SPANS = st.sampled_from([(date(2024, 10, 20), 60), (date(2024, 2, 25), 50), (date(2024, 12, 20), 20)])


def is_weekend(start):
    return start.isoweekday() > 5


def is_at_one(start):
    return start.hour == 1


def starts_of(definition, first, end):
    return {definition.boundary(n).timestamp() for n in range(first, end)}


@settings(max_examples=15, deadline=None)
@given(
    base=BASES,
    zone=ZONES,
    span=SPANS,
    crons=st.lists(CRONS, max_size=2),
    days=st.sets(st.integers(0, 30), max_size=4),
    hours=st.sets(st.integers(0, 400), max_size=4),
    function=st.sampled_from([None, is_weekend, is_at_one]),
    data=st.data(),
)
def test_exclusions_agree_with_a_filter_over_all_windows(base, zone, span, crons, days, hours, function, data):
    begin, length = span
    start = datetime(begin.year, begin.month, begin.day)
    dates = [begin + timedelta(days=n) for n in days]
    moments = [start + timedelta(hours=n) for n in hours]
    exclusions = [*crons, *dates, *moments, *([function] if function else [])]

    def define(cron, **more):
        return TimeWindowPartitionsDefinition(start, "%Y-%m-%d-%H:%M", cron_schedule=cron, timezone=zone, **more)

    plain = define(base)
    until = datetime(begin.year, begin.month, begin.day, tzinfo=UTC) + timedelta(days=length)
    windows = [plain.window_at(n) for n in range(plain.closed_by(until))]
    ticks = set()
    for cron in crons:
        other = define(cron)
        ticks |= starts_of(other, -1, other.closed_by(until) + 2)
    # A moment is the first window that has this label.
    labelled = {window.start.replace(tzinfo=None, fold=0): window for window in reversed(windows)}
    at_moments = [labelled[moment] for moment in moments if moment in labelled]
    kept = [
        window
        for window in windows
        if window.start.timestamp() not in ticks
        and window.start.date() not in dates
        and window not in at_moments
        and not (function and function(window.start))
    ]
    try:
        definition = define(base, exclusions=exclusions)
    except PartitionsDefinitionError:
        assert kept == []
        return
    count = definition.closed_by(until)
    numbers = OrdinalSet.span(0, count)
    assert [definition.window_at(n) for n in range(count)] == kept
    assert definition.windows_of(numbers) == kept
    names = [plain.key_at(plain.ordinal_containing(window.start)) for window in kept]
    assert definition.keys_of(numbers) == names == [definition.key_at(n) for n in range(count)]
    for window in windows:
        name = plain.key_at(plain.ordinal_containing(window.start))
        assert definition.ordinal_of(name) == (names.index(name) if name in names else None)
        assert definition.is_window_start_excluded(window.start) == (name not in names)
        assert definition.ordinal_containing(window.start) == (names.index(name) if name in names else None)
    spans = definition.spans(0, count)
    assert spans == [(window.start.timestamp(), window.end.timestamp()) for window in kept]
    assert definition.stretches(0, count) == runs_of_touching(spans)
    for _ in range(5):
        low, high = sorted(data.draw(st.tuples(st.integers(0, length * 24), st.integers(0, length * 24))))
        a, b = (int((until - timedelta(hours=length * 24 - n)).timestamp()) for n in (low, high + 1))
        asked = TimeWindow(datetime.fromtimestamp(a, UTC), datetime.fromtimestamp(b, UTC))
        inside = [n for n, (first, end) in enumerate(spans) if first < b and end > a and end <= until.timestamp()]
        first, end = definition.overlapping_unbounded(asked)
        assert [n for n in range(first, end) if 0 <= n < count] == inside
        assert definition.overlapping_spans([(a, b)]) == [definition.overlapping_unbounded(asked)]
        assert definition.closed_by(asked.start) == sum(end <= a for _, end in spans)


def runs_of_touching(spans):
    runs = []
    for n, (first, _) in enumerate(spans):
        if n and spans[n - 1][1] == first:
            runs[-1] = (runs[-1][0], n + 1)
        else:
            runs.append((n, n + 1))
    return runs


@settings(max_examples=20, deadline=None)
@given(base=BASES, crons=st.lists(CRONS, min_size=1, max_size=2), ahead=st.lists(st.integers(-300, 900), max_size=6))
def test_however_it_was_asked_before_a_definition_answers_the_same(base, crons, ahead):
    # What is left out is looked up as far as needed, in both directions; the order must not show.
    def define():
        return TimeWindowPartitionsDefinition(
            "2024-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule=base, exclusions=crons, timezone="America/New_York"
        )

    try:
        asked = define()
    except PartitionsDefinitionError:
        return
    for n in ahead:
        moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=n)
        fresh = define()
        found = asked._first_open_at(moment)
        assert found == fresh._first_open_at(moment)
        assert asked.unbounded_key(found) == fresh.unbounded_key(found)
        assert asked._grid.number(asked._grid.tick(found).instant) == found
