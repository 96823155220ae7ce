import base64
import json
import pickle
import random
from datetime import date, datetime, timedelta
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gapless.errors import PartitionSetFormatError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

DAILY = DailyPartitionsDefinition("2024-01-01")
REGIONS = StaticPartitionsDefinition(["eu", "us", "apac"])
MULTI = MultiPartitionsDefinition({"date": DAILY, "region": REGIONS})
HOURLY = HourlyPartitionsDefinition("2024-01-01-00:00")
NEW_YORK = HourlyPartitionsDefinition("2024-10-01-00:00", timezone="America/New_York")
untimed = settings(deadline=None)
FACTS = '{"kind": "time", "cron": "0 0 * * *", "timezone": "UTC", "fmt": "%Y-%m-%d"}'


def dynamic(*keys):
    class Keys:
        def get_dynamic_partitions(self, partitions_def_name):
            return keys

    return DynamicPartitionsDefinition(name="people").resolved(Keys())


def keys_of(ranges, *definitions):
    """What ranges name, in which each key is one of the definition, or stands for itself alone, or is a day."""
    everything = [DailyPartitionsDefinition("2000-01-01") if each.is_time else each for each in definitions]
    for start, end in ranges:
        sides = []
        for definition, a, b in zip(everything, start.split("|"), end.split("|"), strict=True):
            if definition.ordinal_of(a) is None:
                assert a == b
                sides.append([a])
            else:
                sides.append(list(PartitionSet.of_range(definition, PartitionKeyRange(a, b))))
        yield from map("|".join, product(*sides))


def restored(definition, partitions):
    return PartitionSet.from_json(definition, partitions.to_json())


# What is written.


@pytest.mark.parametrize(
    ("definition", "keys", "facts", "written"),
    [
        (DAILY, [], FACTS, "[]"),
        (
            DAILY,
            ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-09"],
            FACTS,
            '[["2024-01-01", "2024-01-03"], "2024-01-09"]',
        ),
        (REGIONS, ["apac", "eu"], '{"kind": "static"}', '["eu", "apac"]'),
        (StaticPartitionsDefinition(["a..b", "é"]), ["é", "a..b"], '{"kind": "static"}', '["a..b", "é"]'),
        (dynamic("ann", "bob"), ["bob"], '{"kind": "dynamic", "name": "people"}', '["bob"]'),
        (
            MULTI,
            ["2024-01-01|eu", "2024-01-02|eu", "2024-01-01|apac", "2024-01-02|apac", "2024-02-01|us"],
            f'{{"kind": "multi", "dimensions": {{"date": {FACTS}, "region": {{"kind": "static"}}}}}}',
            '[{"date": [["2024-01-01", "2024-01-02"]], "region": ["eu", "apac"]},'
            ' {"date": ["2024-02-01"], "region": ["us"]}]',
        ),
        (
            DailyPartitionsDefinition("2024-01-01", exclusions=["0  0 * * 6", date(2024, 5, 1)]),
            ["2024-01-05", "2024-01-07"],
            FACTS,
            '["2024-01-05", "2024-01-07"]',
        ),
    ],
)
def test_people_can_read_a_set(definition, keys, facts, written):
    text = PartitionSet.of_keys(definition, keys).to_json()
    assert text == f'{{"version": 1, "definition": {facts}, "partitions": {written}}}'
    assert PartitionSet.from_json(definition, text).partitions == PartitionSet.of_keys(definition, keys)


def test_a_scattered_set_is_a_bitmap_after_a_named_key():
    scattered = PartitionSet(HOURLY, OrdinalSet.of(range(5, 1000, 2)))
    written = json.loads(scattered.to_json())["partitions"]
    assert written["from"] == "2024-01-01-00:00"
    assert OrdinalSet.from_bytes(base64.b64decode(written["bits"]), 1000) == scattered.ordinals
    assert restored(HOURLY, scattered).partitions == scattered


def test_a_million_scattered_partitions_take_less_than_a_byte_each():
    chance = random.Random(1)
    scattered = PartitionSet(HOURLY, OrdinalSet.of([n for n in range(1_000_000) if chance.random() < 0.7]))
    assert len(scattered.ranges()) > 200_000
    text = scattered.to_json()
    assert len(text) <= 200_000
    assert PartitionSet.from_json(HOURLY, text).partitions == scattered


@pytest.mark.parametrize(
    ("definition", "numbers"),
    [(DAILY, 40), (HOURLY, 3000), (NEW_YORK, 3000), (REGIONS, 3), (dynamic("x", "y", "z"), 3), (MULTI, 90)],
    ids=["daily", "hourly", "zone", "static", "dynamic", "dimensions"],
)
@untimed
@given(data=st.data())
def test_what_is_written_is_read(definition, numbers, data):
    ordinals = data.draw(st.sets(st.integers(0, numbers - 1)))
    partitions = PartitionSet.of_ordinals(definition, OrdinalSet.of(ordinals))
    read = restored(definition, partitions)
    assert read.partitions == partitions
    assert (read.nonexistent.count, bool(read.nonexistent), list(read.nonexistent.ranges)) == (0, False, [])


# A definition that has changed.


@pytest.mark.parametrize("scattered", [False, True], ids=["ranges", "bitmap"])
@settings(max_examples=50, deadline=None)
@given(
    days=st.sets(st.integers(0, 500), max_size=40),
    start=st.integers(0, 500),
    length=st.one_of(st.none(), st.integers(0, 600)),
    end_offset=st.integers(-3, 3),
)
def test_time_windows_survive_another_start_and_end(scattered, days, start, length, end_offset):
    days = days | set(range(0, 450, 2)) if scattered else days
    all_days = DailyPartitionsDefinition("2023-06-01")
    old = DailyPartitionsDefinition("2023-10-01")
    partitions = PartitionSet.of_ordinals(old, OrdinalSet.of(days))
    assert ("bits" in partitions.to_json()) == scattered
    end = None if length is None else all_days.key_at(start + length)
    new = DailyPartitionsDefinition(all_days.key_at(start), end_date=end, end_offset=end_offset)
    read = restored(new, partitions)
    known = {key for key in partitions if new.ordinal_of(key) is not None}
    assert set(read.partitions) == known
    lost = list(keys_of(read.nonexistent.ranges, new))
    assert (sorted(lost), read.nonexistent.count) == (sorted(set(partitions) - known), len(lost))


@untimed
@given(
    wanted=st.sets(st.sampled_from("abcdef")),
    keys=st.lists(st.sampled_from("abcdefxyz"), unique=True),
    kind=st.sampled_from([StaticPartitionsDefinition, lambda keys: dynamic(*keys)]),
)
def test_lists_of_keys_may_be_reordered_extended_and_shortened(wanted, keys, kind):
    changed = kind(keys)
    read = restored(changed, PartitionSet.of_keys(kind(list("abcdef")), wanted))
    assert list(read.partitions) == [key for key in keys if key in wanted]
    assert list(keys_of(read.nonexistent.ranges, changed)) == [key for key in "abcdef" if key in wanted - set(keys)]
    assert read.nonexistent.count == len(wanted - set(keys))


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.sets(st.tuples(st.integers(0, 9), st.sampled_from("abc"), st.sampled_from("uvw"))),
    start=st.integers(0, 10),
    length=st.one_of(st.none(), st.integers(0, 10)),
    first=st.lists(st.sampled_from("abcd"), unique=True, min_size=1),
    second=st.lists(st.sampled_from("uvw"), unique=True, min_size=1),
    combined=st.none() | st.sets(st.tuples(st.sampled_from("abcd"), st.sampled_from("uvw")), min_size=1),
)
def test_dimensions_may_change_each_for_itself(wanted, start, length, first, second, combined):
    def day(number):
        return DAILY.key_at(number)

    old = {"a": DAILY, "b": StaticPartitionsDefinition(list("abc")), "c": StaticPartitionsDefinition(list("uvw"))}
    end = None if length is None else day(start + length)
    new = {
        "a": DailyPartitionsDefinition(day(start), end_date=end),
        "b": StaticPartitionsDefinition(first),
        "c": StaticPartitionsDefinition(second),
    }
    pairs = {(b, c) for b, c in combined or () if b in first and c in second}
    combinations = [{"b": b, "c": c} for b, c in pairs] or None
    old_keys = {f"{day(n)}|{b}|{c}" for n, b, c in wanted}
    changed = MultiPartitionsDefinition(new, combinations=combinations)
    read = restored(changed, PartitionSet.of_keys(MultiPartitionsDefinition(old), old_keys))
    known = {key for key in old_keys if changed.ordinal_of(key) is not None}
    assert set(read.partitions) == known
    lost = list(keys_of(read.nonexistent.ranges, *new.values()))
    assert (sorted(lost), read.nonexistent.count) == (sorted(old_keys - known), len(lost))


@untimed
@given(wanted=st.sets(st.integers(0, 60)), before=st.sets(st.integers(0, 60)), after=st.sets(st.integers(0, 60)))
def test_time_windows_survive_other_exclusions(wanted, before, after):
    days = [date(2024, 1, 1) + timedelta(n) for n in range(61)]

    def excluding(numbers, how):
        gone = [days[n] for n in sorted(numbers)]
        return DailyPartitionsDefinition("2024-01-01", exclusions=[lambda start: start.date() in gone] if how else gone)

    keys = {str(days[n]) for n in wanted - before}
    for written_by, read_by in ((False, False), (True, True), (False, True)):
        partitions = PartitionSet.of_keys(excluding(before, written_by), keys)
        found = restored(excluding(after, read_by), partitions)
        gone = {str(days[n]) for n in after}
        assert set(found.partitions) == keys - gone
        assert sorted(keys_of(found.nonexistent.ranges, DAILY)) == sorted(keys & gone)
        assert found.nonexistent.count == len(keys & gone)


def test_what_was_excluded_when_a_set_was_written_does_not_come_in():
    weekdays = DailyPartitionsDefinition("2024-01-01", exclusions=[lambda start: start.weekday() > 4])
    no_13th = DailyPartitionsDefinition("2024-01-01", exclusions=[lambda start: start.day == 13])
    written = weekdays.select("2024-01", datetime(2024, 3, 1)).to_json()
    assert list(no_13th.deserialize_subset(written)) == weekdays.get_partition_keys(datetime(2024, 2, 1))


def test_excluded_dimensions_survive_a_new_holiday():
    def of(*exclusions):
        dates = DailyPartitionsDefinition("2024-01-01", exclusions=["0 0 * * 0", *exclusions])
        return MultiPartitionsDefinition({"date": dates, "region": REGIONS})

    keys = ["2024-01-05|eu", "2024-01-06|eu", "2024-01-08|eu", "2024-01-08|us"]
    found = restored(of(date(2024, 1, 8)), PartitionSet.of_keys(of(), keys))
    assert (list(found.partitions), found.nonexistent.count) == (keys[:2], 2)
    assert set(keys_of(found.nonexistent.ranges, DAILY, REGIONS)) == set(keys[2:])


def test_a_set_too_far_from_the_start_to_know_its_exclusions_is_refused():
    minutes = TimeWindowPartitionsDefinition("2024-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *")
    written = PartitionSet.of_keys(minutes, ["2024-01-01-00:00", "2124-01-01-00:00"]).to_json()
    picky = TimeWindowPartitionsDefinition(
        "2024-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *", exclusions=[lambda start: False]
    )
    with pytest.raises(PartitionSetFormatError, match="'2124-01-01-00:00' is too far from the start to know what is"):
        PartitionSet.from_json(picky, written)


def test_what_is_lost_is_said_in_words():
    partitions = PartitionSet.of_keys(DAILY, [f"2024-01-{n:02d}" for n in (1, 2, 5, 7, 9, 11, 13, 20)])
    gone = restored(DailyPartitionsDefinition("2024-01-19"), partitions).nonexistent
    assert str(gone) == ("2024-01-01..2024-01-02, 2024-01-05, 2024-01-07, 2024-01-09, 2024-01-11, … and 1 more range")
    assert str(restored(DailyPartitionsDefinition("2024-01-03"), partitions).nonexistent) == "2024-01-01..2024-01-02"
    assert str(restored(DAILY, partitions).nonexistent) == "none"
    one = PartitionSet.of_keys(MULTI, ["2024-01-01|eu"])
    smaller = MultiPartitionsDefinition({"date": DAILY, "region": StaticPartitionsDefinition(["us"])})
    assert str(restored(smaller, one).nonexistent) == "2024-01-01|eu"


def test_what_is_lost_can_be_pickled():
    gone = restored(DailyPartitionsDefinition("2024-01-19"), PartitionSet.of_keys(DAILY, ["2024-01-05"])).nonexistent
    assert list(pickle.loads(pickle.dumps(gone)).ranges) == list(gone.ranges)


@pytest.mark.parametrize(
    ("written_for", "definition", "where", "was", "now"),
    [
        (HOURLY, DAILY, "cron", '"0 * * * *"', '"0 0 * * *"'),
        (WeeklyPartitionsDefinition("2024-01-01"), DAILY, "cron", '"0 0 * * 0"', '"0 0 * * *"'),
        (DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo"), DAILY, "timezone", '"Asia/Tokyo"', '"UTC"'),
        (DailyPartitionsDefinition("20240101", fmt="%Y%m%d"), DAILY, "fmt", '"%Y%m%d"', '"%Y-%m-%d"'),
        (REGIONS, DAILY, "kind", '"static"', '"time"'),
        (DynamicPartitionsDefinition(name="towns"), dynamic("a"), "name", '"towns"', '"people"'),
        (
            MultiPartitionsDefinition({"date": DAILY, "land": REGIONS}),
            MULTI,
            "dimensions",
            '["date", "land"]',
            '["date", "region"]',
        ),
        (
            MultiPartitionsDefinition(
                {"date": DailyPartitionsDefinition("2024-01-01", hour_offset=6), "region": REGIONS}
            ),
            MULTI,
            "dimensions.date.cron",
            '"0 6 * * *"',
            '"0 0 * * *"',
        ),
    ],
)
def test_keys_of_another_meaning_are_refused_naming_both(written_for, definition, where, was, now):
    text = json.dumps({"version": 1, "definition": written_for.key_facts(), "partitions": []})
    with pytest.raises(PartitionSetFormatError) as caught:
        PartitionSet.from_json(definition, text)
    assert str(caught.value) == (
        f"cannot read the text as a set of partitions: definition.{where}: the set was written for {was}, and the"
        f" definition ({definition.describe()}) has {now}. Read it with the definition that it was written for."
    )


# Text that is not a set.


def document(partitions, facts=FACTS, version="1"):
    return f'{{"version": {version}, "definition": {facts}, "partitions": {partitions}}}'


def bits(ordinals):
    return json.dumps(base64.b64encode(OrdinalSet.of(ordinals).to_bytes()).decode())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1, column 1: not JSON: Expecting value."),
        (document("[]")[:-10], "line 1, column 107: not JSON: Unterminated string starting at."),
        ("[" * 100_000, "not JSON that can be read: "),
        ("9" * 10_000, "not JSON that can be read: "),
        ("[1]", "it is [1], not an object."),
        ("null", "it is nothing, not an object."),
        (None, "it is of type NoneType, not str."),
        (b"{}", "it is of type bytes, not str."),
        ("{}", "version: it is nothing, not a number."),
        (document("[]", version="true"), "version: it is true, not a number."),
        (
            document("[]", version="2"),
            "version: it is 2, and this Gapless reads 1. Read it with the Gapless that wrote it.",
        ),
        (
            '{"version": 1}',
            "definition: the set was written for nothing, and the definition (daily from 2024-01-01) has",
        ),
        (document("[]", facts="3"), "definition: the set was written for 3, and"),
        (document("[]", facts='{"kind": "time"}'), "definition.cron: the set was written for nothing, and"),
        (
            '{"version": 1, "definition": ' + FACTS + "}",
            "partitions: it is nothing, not a list of keys and ranges, nor",
        ),
        (document("7"), "partitions: it is 7, not a list of keys and ranges, nor a bitmap."),
        (document("[7]"), "partitions[0]: 7 is not a key of daily from 2024-01-01."),
        (
            document('["2024-01-01", ["2024-01-02"]]'),
            'partitions[1]: it is ["2024-01-02"], not a key or a pair of keys.',
        ),
        (document('["2024-1-1"]'), 'partitions[0]: "2024-1-1" is not a key of daily from 2024-01-01.'),
        (document('[["2024-01-02", "2024-01-01"]]'), 'the range ["2024-01-02", "2024-01-01"] runs backwards.'),
        (document("{}"), 'partitions: it is {}, not {"from": KEY, "bits": BASE64}.'),
        (document('{"from": "2024-01-01", "bits": 7}'), "not {"),
        (document('{"from": "x", "bits": ""}'), 'partitions.from: "x" is not a key of daily'),
        (document('{"from": "2024-01-01", "bits": "?"}'), "partitions.bits: not a bitmap in base64: "),
        (document('{"from": "2024-01-01", "bits": "é"}'), "partitions.bits: not a bitmap in base64: "),
        (document('{"from": "2024-01-01", "bits": ""}'), "partitions.bits: not a bitmap in base64: "),
        (document('{"from": "2024-01-01", "bits": "AAAA"}'), "partitions.bits: not a bitmap in base64: "),
        (document(f'{{"from": "2024-01-01", "bits": {bits([1 << 30])}}}'), "partitions.bits: it has windows after the"),
        (
            document(f'{{"from": "2024-01-01", "bits": {bits([1 << 50])}}}'),
            "partitions.bits: not a bitmap in base64: an",
        ),
        (document('["' + "x" * 500 + '"]'), 'partitions[0]: "' + "x" * 79 + "… is not a key"),
        (document('["\\ud800"]'), r'partitions[0]: "\ud800" is not a key of daily'),
    ],
)
def test_text_that_is_not_a_set_is_refused_with_the_place(text, message):
    with pytest.raises(PartitionSetFormatError) as caught:
        PartitionSet.from_json(DAILY, text)
    assert str(caught.value).startswith("cannot read the text as a set of partitions: ")
    assert message in str(caught.value)
    if "Read it" not in str(caught.value):
        assert str(caught.value).endswith(" Sets are written by PartitionSet.to_json().")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


BOX = '{"date": ["2024-01-01"], "region": ["eu"]}'


@pytest.mark.parametrize(
    ("definition", "partitions", "message"),
    [
        (REGIONS, '"eu"', 'partitions: it is "eu", not a list of keys.'),
        (REGIONS, '["eu", null]', "partitions[1]: it is nothing, not a key."),
        (MULTI, BOX, "partitions: it is {"),
        (MULTI, '["2024-01-01|eu"]', 'partitions[0]: it is "2024-01-01|eu", not a set for each of date, region.'),
        (MULTI, f'[{BOX}, {{"date": []}}]', 'partitions[1]: it is {"date": []}, not a set for each of date, region.'),
        (MULTI, '[{"date": ["x"], "region": []}]', 'partitions[0].date[0]: "x" is not a key of daily'),
        (MULTI, '[{"date": [], "region": [1]}]', "partitions[0].region[0]: it is 1, not a key."),
        (
            MULTI,
            '[{"date": [], "region": ["a|b"]}]',
            "partitions[0].region: \"a|b\" has '|', which no key of a dimension has.",
        ),
    ],
)
def test_text_that_does_not_fit_the_kind_is_refused(definition, partitions, message):
    with pytest.raises(PartitionSetFormatError) as caught:
        PartitionSet.from_json(definition, document(partitions, json.dumps(definition.key_facts())))
    assert message in str(caught.value)


def test_overlapping_and_repeated_parts_are_one_set():
    text = document('[["2024-01-02", "2024-01-04"], "2024-01-03", ["2024-01-04", "2024-01-05"], "2024-01-01"]')
    assert list(PartitionSet.from_json(DAILY, text).partitions) == [f"2024-01-0{n}" for n in range(1, 6)]


# Whatever the text is, it is read or refused.

MINUTES = TimeWindowPartitionsDefinition("2024-01-01-00:00", "%Y-%m-%d-%H:%M", cron_schedule="* * * * *")
FUZZED = [DAILY, HOURLY, NEW_YORK, MINUTES, REGIONS, dynamic("ann"), MULTI]
SETS = [
    PartitionSet.of_ordinals(definition, OrdinalSet.of(ordinals)).to_json()
    for definition in FUZZED
    for ordinals in (range(0, min(400, definition.room), 2), range(min(3, definition.room)))
    if not definition.dynamic_names
]
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["2024-01-01", "eu", "0001-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["from", "bits", "date", "region", "x"]) | st.text(max_size=3), inner, max_size=4
        )
    ),
    max_leaves=12,
)


def is_read_or_refused(text):
    for definition in FUZZED:
        try:
            read = PartitionSet.from_json(definition, text)
        except PartitionSetFormatError:
            pass
        else:
            assert PartitionSet.from_json(definition, read.partitions.to_json()).partitions == read.partitions
            assert (str(read.nonexistent) == "none") == (len(read.nonexistent.ranges) == 0)


@untimed
@given(st.text() | st.binary() | anything)
def test_any_value_is_refused_or_read(value):
    is_read_or_refused(value)


@untimed
@given(st.sampled_from(FUZZED), anything)
@example(DAILY, {"from": "9999-12-30", "bits": "AQAAAAAAAAAAAAAAOjAAAAEAAAAAAAAAEAAAAAEA"})
@example(DAILY, [["0001-01-01", "9999-12-30"]])
def test_any_json_for_the_partitions_is_refused_or_read(definition, value):
    is_read_or_refused(json.dumps({"version": 1, "definition": definition.key_facts(), "partitions": value}))


@untimed
@given(anything, st.sampled_from(["version", "definition"]))
def test_any_json_for_the_head_is_refused_or_read(value, name):
    is_read_or_refused(json.dumps({**json.loads(SETS[0]), name: value}))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(SETS), st.data())
def test_any_damage_to_a_good_text_is_refused_or_read(text, data):
    place = data.draw(st.integers(0, len(text)))
    until = data.draw(st.integers(place, min(len(text), place + 5)))
    is_read_or_refused(text[:place] + data.draw(st.text(max_size=3)) + text[until:])
    is_read_or_refused(text[:place])


@untimed
@given(st.binary(max_size=60), st.sampled_from([0, 4, 8, 20, 40]), st.booleans())
def test_any_bits_are_refused_or_read(data, kept, whole):
    good = OrdinalSet.of(range(0, 900, 2)).to_bytes()
    coded = base64.b64encode((good if whole else good[:kept]) + data).decode()
    is_read_or_refused(document(json.dumps({"from": "2024-01-01", "bits": coded})))
