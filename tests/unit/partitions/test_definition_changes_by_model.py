"""Every partition is a box, a set of atoms in each dimension; what becomes of it follows from how boxes lie."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, reject, settings
from hypothesis import strategies as st

from gapless.errors import PartitionsDefinitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    describe_change,
)

NOW = datetime(2024, 1, 10, tzinfo=UTC)
FATES = ("carried", "split", "merged", "straddling", "orphaned")


def lies(a, b):
    """How one side lies to another: half-open spans of seconds, or plain sets of keys."""
    if isinstance(a, tuple):
        if a[1] <= b[0] or b[1] <= a[0]:
            return "apart"
        inside, holds = b[0] <= a[0] and a[1] <= b[1], a[0] <= b[0] and b[1] <= a[1]
    else:
        if not a & b:
            return "apart"
        inside, holds = a <= b, a >= b
    return "same" if inside and holds else "inside" if inside else "holds" if holds else "crosses"


def fate_of(box, others):
    """What becomes of a box, and the indices of the others that it feeds."""
    met = {i: {lies(a, b) for a, b in zip(box, other, strict=True)} for i, other in enumerate(others)}
    met = {i: how for i, how in met.items() if "apart" not in how}
    ways = set().union(*met.values())
    if not met:
        return "orphaned", []
    if ways <= {"same"}:
        return "carried", list(met)
    if ways <= {"same", "holds"}:
        return "split", list(met)
    if ways <= {"same", "inside"}:
        return "merged", list(met)
    return "straddling", list(met)


def is_covered(span, others):
    at = span[0]
    for start, end in sorted(others):
        if start <= at < end:
            at = end
    return at >= span[1]


def windows_of(definition, now):
    windows = [definition.window_at(n) for n in definition.existing(now)]
    return [(int(window.start.timestamp()), int(window.end.timestamp())) for window in windows]


def agree(change, before, after, old_boxes, new_boxes):
    """Asserts that the change says of each box what the model says; boxes in the order of ordinals."""
    fates = {name: set() for name in FATES}
    fed = set()
    for box, key in zip(old_boxes, before, strict=True):
        fate, met = fate_of(box, new_boxes)
        fates[fate].add(key)
        fed.update(met)
        assert change.new_keys(key) == [after[i] for i in met]
    for name in FATES:
        assert set(getattr(change, name)) == fates[name], name
    assert set(change.added) == {key for i, key in enumerate(after) if i not in fed}
    return fates, fed


CADENCES = [
    ("0 * * * *", 1),
    ("30 * * * *", 1),
    ("*/20 * * * *", 1),
    ("0 */6 * * *", 6),
    ("0 9,17 * * 1-5", 12),
    ("0 * * * 1-5", 1),
    ("0 0 * * *", 24),
    ("0 6 * * *", 24),
    ("0 0 * * 1", 168),
    ("0 0 1 * *", 700),
    ("0 0 10 * *", 700),
]
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe"]
EXCLUSIONS = [None, None, None, ["0 0 * * 6,0"], ["0 6 * * 1-5"], ["* * * * 3"]]
AROUND = datetime(2024, 3, 31)  # the clocks change in Berlin; a week later in Lord Howe


@st.composite
def windowed(draw):
    cron, hours = draw(st.sampled_from(CADENCES))
    start = AROUND + timedelta(hours=draw(st.integers(-24 * 6, 0)) * max(1, hours // 24))
    until = start + timedelta(hours=hours * draw(st.integers(1, 40)))
    try:
        return TimeWindowPartitionsDefinition(
            start,
            "%Y-%m-%d-%H:%M",
            draw(st.sampled_from([None, until])),
            cron_schedule=cron,
            timezone=draw(st.sampled_from(ZONES)),
            end_offset=draw(st.sampled_from([0, 0, 0, 1, -1])),
            exclusions=draw(st.sampled_from(EXCLUSIONS)),
        )
    except PartitionsDefinitionError:  # everything is excluded
        reject()


@given(old=windowed(), new=windowed(), hours=st.integers(-24, 24 * 10))
@settings(max_examples=40, deadline=None)
def test_windows_agree_with_a_model_that_compares_each_with_each(old, new, hours):
    now = (AROUND + timedelta(hours=hours)).replace(tzinfo=UTC)
    before, after = windows_of(old, now), windows_of(new, now)
    change = describe_change(old, new, now)
    keys, new_keys = old.get_partition_keys(now), new.get_partition_keys(now)
    fates, fed = agree(change, keys, new_keys, [(each,) for each in before], [(each,) for each in after])
    open_ = {key for span, key in zip(before, keys, strict=True) if not is_covered(span, after)}
    assert set(change.cut) == open_ - fates["orphaned"]
    assert set(change.partial) == {new_keys[i] for i in fed if not is_covered(after[i], before)}


NAMES = ["a", "b", "c"]
OLD_TIMES = [DailyPartitionsDefinition("2024-01-07"), HourlyPartitionsDefinition("2024-01-09-18:00")]
NEW_TIMES = [DailyPartitionsDefinition("2024-01-08"), HourlyPartitionsDefinition("2024-01-09-20:00")]


@st.composite
def dimension_changes(draw):
    """The old and the new definition of one dimension, either None, and the sides of their partitions."""
    keys = st.lists(st.sampled_from(NAMES), min_size=1, unique=True)
    kind = draw(st.sampled_from(["keys", "keys", "time", "time", "removed", "added"]))
    if kind == "time":
        now = NOW
        old = draw(
            st.sampled_from([DailyPartitionsDefinition("2024-01-07"), HourlyPartitionsDefinition("2024-01-09-18:00")])
        )
        new = draw(
            st.sampled_from([DailyPartitionsDefinition("2024-01-08"), HourlyPartitionsDefinition("2024-01-09-20:00")])
        )
        return old, new, windows_of(old, now), windows_of(new, now)
    old, new = draw(keys), draw(keys)
    old_def, new_def = StaticPartitionsDefinition(old), StaticPartitionsDefinition(new)
    if kind == "removed":
        return old_def, None, [{key} for key in old], [set(old)]
    if kind == "added":
        return None, new_def, [set(new)], [{key} for key in new]
    return old_def, new_def, [{key} for key in old], [{key} for key in new]


def product_of(sides):
    boxes = [()]
    for side in sides:
        boxes = [(*box, each) for box in boxes for each in side]
    return boxes


def defined(dimensions):
    present = {name: each for name, each in dimensions.items() if each is not None}
    return MultiPartitionsDefinition(present) if len(present) > 1 else next(iter(present.values()), None)


@given(changes=st.lists(dimension_changes(), min_size=3, max_size=3))
@settings(max_examples=40, deadline=None)
def test_several_dimensions_agree_with_a_model_that_compares_each_with_each(changes):
    named = dict(zip("xyz", changes, strict=True))
    old, new = (defined({name: each[i] for name, each in named.items()}) for i in (0, 1))
    olds, news = ([name for name, each in named.items() if each[i] is not None] for i in (0, 1))
    renames = {}
    if len(olds) == 1 and olds[0] in news and len(news) > 1:
        renames = {"": olds[0]}
    elif len(news) == 1 and news[0] in olds and len(olds) > 1:
        renames = {news[0]: ""}
    elif (len(olds) == 1 or len(news) == 1) and olds and news and not set(olds) & set(news):
        return  # a single definition always continues: nothing is to be compared
    change = describe_change(old, new, NOW, dimension_renames=renames)
    before, after = (product_of([each[i] for each in changes]) for i in (2, 3))
    keys = list(PartitionSet.existing(change.old, NOW))
    new_keys = list(PartitionSet.existing(change.new, NOW))
    agree(change, keys, new_keys, before, after)


@given(old=st.lists(st.sampled_from("abcdef"), unique=True), new=st.lists(st.sampled_from("abcdef"), unique=True))
def test_static_keys_agree_with_plain_sets(old, new):
    change = describe_change(StaticPartitionsDefinition(old), StaticPartitionsDefinition(new), NOW)
    assert list(change.carried) == [key for key in old if key in new]
    assert list(change.orphaned) == [key for key in old if key not in new]
    assert list(change.added) == [key for key in new if key not in old]
    assert change.carried.flat() == OrdinalSet.of(n for n, key in enumerate(old) if key in new)
