import pickle
from datetime import UTC, datetime

import pytest

from gapless.errors import InvocationError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    PartitionSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
    describe_change,
)
from gapless.partitions.changes.change import UNPARTITIONED

NOW = datetime(2024, 1, 10, tzinfo=UTC)
FATES = ("carried", "split", "merged", "straddling", "orphaned")
NONEXISTENT = "their new partition does not exist yet"


def daily(start, end=None, **more):
    return DailyPartitionsDefinition(start, end, **more)


def hourly(start, end=None, **more):
    return HourlyPartitionsDefinition(start, end, **more)


def static(keys):
    return StaticPartitionsDefinition(keys.split())


def multi(**dimensions):
    return MultiPartitionsDefinition(dimensions)


def dynamic(keys):
    class Store:
        def get_dynamic_partitions(self, partitions_def_name):
            return keys.split()

    return DynamicPartitionsDefinition(name="regions").resolved(Store())


def ranges(partitions):
    return " ".join(a if a == b else f"{a}..{b}" for a, b in partitions.ranges())


def told(change):
    """What is not empty, by name, as ranges of keys."""
    facts = {name: ranges(getattr(change, name)) for name in (*FATES, "cut", "added", "partial")}
    return {name: keys for name, keys in facts.items() if keys}


TIME = {
    "a later start": (
        daily("2024-01-01"),
        daily("2024-01-04"),
        {"carried": "2024-01-04..2024-01-09", "orphaned": "2024-01-01..2024-01-03"},
    ),
    "an earlier start": (
        daily("2024-01-04"),
        daily("2024-01-01"),
        {"carried": "2024-01-04..2024-01-09", "added": "2024-01-01..2024-01-03"},
    ),
    "an end": (
        daily("2024-01-01"),
        daily("2024-01-01", "2024-01-06"),
        {"carried": "2024-01-01..2024-01-05", "orphaned": "2024-01-06..2024-01-09"},
    ),
    "no overlap": (
        daily("2024-01-01", "2024-01-03"),
        daily("2024-01-05", "2024-01-06"),
        {"orphaned": "2024-01-01..2024-01-02", "added": "2024-01-05"},
    ),
    "nothing left": (
        daily("2024-01-08"),
        daily("2024-01-01", "2024-01-01"),
        {"orphaned": "2024-01-08..2024-01-09"},
    ),
    "a larger end_offset": (
        daily("2024-01-08"),
        daily("2024-01-08", end_offset=1),
        {"carried": "2024-01-08..2024-01-09", "added": "2024-01-10"},
    ),
    "a smaller end_offset": (
        daily("2024-01-08"),
        daily("2024-01-08", end_offset=-1),
        {"carried": "2024-01-08", "orphaned": "2024-01-09"},
    ),
    "another format": (daily("2024-01-08"), daily("20240108", fmt="%Y%m%d"), {"carried": "2024-01-08..2024-01-09"}),
    "a cron of the same windows": (
        daily("2024-01-08"),
        TimeWindowPartitionsDefinition("2024-01-08", "%Y-%m-%d", cron_schedule="@daily"),
        {"carried": "2024-01-08..2024-01-09"},
    ),
    "daily to hourly": (
        daily("2024-01-08"),
        hourly("2024-01-08-00:00", "2024-01-10-00:00"),
        {"split": "2024-01-08..2024-01-09"},
    ),
    "daily to hourly, from noon on": (
        daily("2024-01-08"),
        hourly("2024-01-08-12:00", "2024-01-10-00:00"),
        {"split": "2024-01-08..2024-01-09", "cut": "2024-01-08"},
    ),
    "hourly to daily, from noon on": (
        hourly("2024-01-08-12:00"),
        daily("2024-01-08"),
        {"merged": "2024-01-08-12:00..2024-01-09-23:00", "partial": "2024-01-08"},
    ),
    "daily to weekly": (
        daily("2024-01-05"),
        WeeklyPartitionsDefinition("2023-12-31"),
        {
            "merged": "2024-01-05..2024-01-06",
            "orphaned": "2024-01-07..2024-01-09",
            "partial": "2023-12-31",
        },
    ),
    "weekly to daily": (
        WeeklyPartitionsDefinition("2023-12-31"),
        daily("2024-01-05"),
        {"split": "2023-12-31", "cut": "2023-12-31", "added": "2024-01-07..2024-01-09"},
    ),
    "weekly to monthly, a week across the end of a month": (
        WeeklyPartitionsDefinition("2023-11-19"),
        MonthlyPartitionsDefinition("2023-11-01"),
        {
            "merged": "2023-11-19 2023-12-03..2023-12-24",
            "straddling": "2023-11-26 2023-12-31",
            "cut": "2023-12-31",
            "partial": "2023-11-01",
        },
    ),
    "monthly to weekly": (
        MonthlyPartitionsDefinition("2023-11-01"),
        WeeklyPartitionsDefinition("2023-10-29"),
        {"straddling": "2023-11-01..2023-12-01", "partial": "2023-10-29 2023-12-31"},
    ),
    "weeks that begin on another day": (
        WeeklyPartitionsDefinition("2023-12-24"),
        WeeklyPartitionsDefinition("2023-12-25", day_offset=1),
        {"straddling": "2023-12-24..2023-12-31", "cut": "2023-12-24", "partial": "2024-01-01"},
    ),
    "days of another timezone": (
        daily("2024-01-07"),
        daily("2024-01-07", timezone="America/New_York"),
        {"straddling": "2024-01-07..2024-01-09", "cut": "2024-01-07 2024-01-09"},
    ),
    "hours of another timezone": (
        hourly("2024-01-09-00:00", "2024-01-09-08:00"),
        hourly("2024-01-09-00:00", "2024-01-09-08:00", timezone="America/New_York"),
        {
            "carried": "2024-01-09-05:00..2024-01-09-07:00",
            "orphaned": "2024-01-09-00:00..2024-01-09-04:00",
            "added": "2024-01-09-03:00..2024-01-09-07:00",
        },
    ),
    "hours of a timezone that is off by half an hour": (
        hourly("2024-01-09-06:00", "2024-01-09-08:00"),
        hourly("2024-01-09-12:00", "2024-01-09-13:00", timezone="Asia/Kolkata"),
        {"straddling": "2024-01-09-06:00..2024-01-09-07:00", "cut": "2024-01-09-06:00..2024-01-09-07:00"},
    ),
    "weekends excluded": (
        daily("2024-01-04"),
        daily("2024-01-04", exclusions=["0 0 * * 6,0"]),
        {
            "carried": "2024-01-04..2024-01-05 2024-01-08..2024-01-09",
            "orphaned": "2024-01-06..2024-01-07",
        },
    ),
    "weekends no longer excluded": (
        daily("2024-01-04", exclusions=["0 0 * * 6,0"]),
        daily("2024-01-04"),
        {"carried": "2024-01-04..2024-01-09", "added": "2024-01-06..2024-01-07"},
    ),
    "a moved start, with exclusions": (
        daily("2024-01-04", exclusions=["0 0 * * 6,0"]),
        daily("2024-01-06", exclusions=["0 0 * * 6,0"]),
        {"carried": "2024-01-08..2024-01-09", "orphaned": "2024-01-04..2024-01-05"},
    ),
    "other weekends excluded, as hours of another timezone": (
        hourly("2024-01-05-21:00", "2024-01-06-03:00", exclusions=["0 1 * * *"]),
        hourly("2024-01-05-17:00", "2024-01-05-22:00", timezone="America/New_York", exclusions=["0 18 * * *"]),
        {
            "carried": "2024-01-05-22:00 2024-01-06-00:00..2024-01-06-02:00",
            "orphaned": "2024-01-05-21:00 2024-01-05-23:00",
            "added": "2024-01-05-20:00",
        },
    ),
    "weeks to business days": (
        WeeklyPartitionsDefinition("2023-12-31"),
        daily("2023-12-31", "2024-01-08", exclusions=["0 0 * * 3"]),
        {"split": "2023-12-31", "cut": "2023-12-31", "added": "2024-01-07"},
    ),
    "days without Wednesday to weeks": (
        daily("2023-12-31", "2024-01-07", exclusions=["0 0 * * 3"]),
        WeeklyPartitionsDefinition("2023-12-31"),
        {"merged": "2023-12-31..2024-01-06", "partial": "2023-12-31"},
    ),
    "shifts, the long one over the weekend, to days": (
        TimeWindowPartitionsDefinition("2024-01-04-09:00", "%Y-%m-%d-%H:%M", cron_schedule="0 9,17 * * 1-5"),
        daily("2024-01-04", "2024-01-10"),
        {
            "merged": "2024-01-04-09:00 2024-01-05-09:00 2024-01-08-09:00 2024-01-09-09:00",
            "straddling": "2024-01-04-17:00 2024-01-05-17:00 2024-01-08-17:00",
            "partial": "2024-01-04 2024-01-09",
        },
    ),
    "business days to weeks": (
        daily("2024-01-01", exclusions=["0 0 * * 6,0"]),
        WeeklyPartitionsDefinition("2023-12-31"),
        {"merged": "2024-01-01..2024-01-05", "orphaned": "2024-01-08..2024-01-09", "partial": "2023-12-31"},
    ),
}


@pytest.mark.parametrize(("old", "new", "expected"), TIME.values(), ids=TIME)
def test_what_time_windows_become(old, new, expected):
    assert told(describe_change(old, new, NOW)) == expected


REGIONS, MORE = static("eu us"), static("eu us asia")
DAYS = daily("2024-01-08")

OTHERS = {
    "the same static keys": (REGIONS, static("eu us"), {}, {"carried": "eu..us"}),
    "static keys in another order": (REGIONS, static("us eu"), {}, {"carried": "eu..us"}),
    "static keys inserted": (REGIONS, static("eu asia us"), {}, {"carried": "eu..us", "added": "asia"}),
    "static keys removed": (MORE, REGIONS, {}, {"carried": "eu..us", "orphaned": "asia"}),
    "a rename that is not declared": (
        REGIONS,
        static("eu usa"),
        {},
        {"carried": "eu", "orphaned": "us", "added": "usa"},
    ),
    "a rename": (REGIONS, static("usa eu"), {"renames": {"us": "usa"}}, {"carried": "eu..us"}),
    "two keys exchanged": (REGIONS, static("eu us"), {"renames": {"us": "eu", "eu": "us"}}, {"carried": "eu..us"}),
    "static to dynamic": (REGIONS, dynamic("us eu"), {}, {"carried": "eu..us"}),
    "dynamic to static": (dynamic("us eu"), MORE, {}, {"carried": "us..eu", "added": "asia"}),
    "dynamic keys at two times": (
        dynamic("eu us"),
        dynamic("us asia"),
        {},
        {"carried": "us", "orphaned": "eu", "added": "asia"},
    ),
    "time to static": (DAYS, REGIONS, {}, {"orphaned": "2024-01-08..2024-01-09", "added": "eu..us"}),
    "time to static keys that look alike": (
        DAYS,
        static("2024-01-08 x"),
        {},
        {"orphaned": "2024-01-08..2024-01-09", "added": "2024-01-08..x"},
    ),
    "time to static, declared": (
        DAYS,
        static("2024-01-08 x"),
        {"renames": {"2024-01-08": "2024-01-08"}},
        {"carried": "2024-01-08", "orphaned": "2024-01-09", "added": "x"},
    ),
    "unpartitioned to static": (None, REGIONS, {}, {"split": "(unpartitioned)"}),
    "unpartitioned to one key": (None, static("eu"), {}, {"carried": "(unpartitioned)"}),
    "unpartitioned to a default": (
        None,
        REGIONS,
        {"default": {"": "us"}},
        {"carried": "(unpartitioned)", "added": "eu"},
    ),
    "unpartitioned to no partitions": (None, daily("2025-01-01"), {}, {"orphaned": "(unpartitioned)"}),
    "static to unpartitioned": (REGIONS, None, {}, {"merged": "eu..us"}),
    "unpartitioned as before": (None, None, {}, {"carried": "(unpartitioned)"}),
    "a dimension more": (DAYS, multi(date=DAYS, region=REGIONS), {}, {"split": "2024-01-08..2024-01-09"}),
    "a dimension more, with a default": (
        DAYS,
        multi(date=DAYS, region=REGIONS),
        {"default": {"region": "eu"}},
        {"carried": "2024-01-08..2024-01-09", "added": "2024-01-08|us..2024-01-09|us"},
    ),
    "a dimension less": (
        multi(date=DAYS, region=REGIONS),
        DAYS,
        {},
        {"merged": "2024-01-08|eu..2024-01-09|us"},
    ),
    "a dimension less, of one key": (
        multi(date=DAYS, region=static("eu")),
        DAYS,
        {},
        {"carried": "2024-01-08|eu..2024-01-09|eu"},
    ),
    "all dimensions less": (multi(date=DAYS, region=REGIONS), None, {}, {"merged": "2024-01-08|eu..2024-01-09|us"}),
    "a dimension with another cadence": (
        multi(date=DAYS, region=REGIONS),
        multi(date=hourly("2024-01-08-00:00"), region=REGIONS),
        {},
        {"split": "2024-01-08|eu..2024-01-09|us"},
    ),
    "a dimension less, which is the other one of the same kind": (
        multi(from_=REGIONS, to=MORE),
        MORE,
        {},
        {"merged": "eu|eu..us|asia"},
    ),
    "a dimension less, said which stays": (
        multi(from_=REGIONS, to=REGIONS),
        REGIONS,
        {"dimension_renames": {"to": ""}},
        {"merged": "eu|eu..us|us"},
    ),
    "a dimension renamed": (
        multi(date=DAYS, region=REGIONS),
        multi(country=REGIONS, date=DAYS),
        {"dimension_renames": {"region": "country"}},
        {"carried": "2024-01-08|eu..2024-01-09|us"},
    ),
    "a dimension renamed without a word": (
        multi(date=DAYS, region=REGIONS),
        multi(country=REGIONS, date=DAYS),
        {},
        {"straddling": "2024-01-08|eu..2024-01-09|us"},
    ),
    "a key of a dimension renamed, and the start moved": (
        multi(date=DAYS, region=REGIONS),
        multi(date=daily("2024-01-09"), region=static("usa eu")),
        {"renames": {"region": {"us": "usa"}}},
        {"carried": "2024-01-09|eu..2024-01-09|us", "orphaned": "2024-01-08|eu..2024-01-08|us"},
    ),
    "hours to days in one dimension, another one added": (
        multi(date=hourly("2024-01-09-00:00"), region=REGIONS),
        multi(date=daily("2024-01-09"), region=REGIONS, shop=static("a b")),
        {},
        {"straddling": "2024-01-09-00:00|eu..2024-01-09-23:00|us"},
    ),
}


@pytest.mark.parametrize(("old", "new", "more", "expected"), OTHERS.values(), ids=OTHERS)
def test_what_other_partitions_become(old, new, more, expected):
    assert told(describe_change(old, new, NOW, **more)) == expected


def test_hours_stop_agreeing_where_a_clock_moves_by_half_an_hour():
    lord_howe = hourly("2024-04-07-00:00", "2024-04-07-06:00", timezone="Australia/Lord_Howe")  # back at 02:00
    change = describe_change(
        hourly("2024-04-06-13:00", "2024-04-06-20:00"), lord_howe, datetime(2024, 5, 1, tzinfo=UTC)
    )
    assert change.new_keys("2024-04-06-13:00") == ["2024-04-07-00:00"]
    assert (ranges(change.carried), bool(change.straddling)) == ("2024-04-06-13:00", True)


def test_a_key_is_followed_to_the_new_keys_that_it_feeds():
    change = describe_change(
        daily("2024-03-30"), hourly("2024-03-30-00:00", timezone="Europe/Berlin"), datetime(2024, 4, 5)
    )
    assert change.new_keys("2024-03-30")[:2] == ["2024-03-30-01:00", "2024-03-30-02:00"]
    assert len(change.new_keys("2024-03-31")) == 24
    renamed = describe_change(REGIONS, static("usa eu"), NOW, renames={"us": "usa"})
    assert (renamed.new_keys("us"), renamed.new_keys("eu")) == (["usa"], ["eu"])
    moved = describe_change(daily("2024-01-01"), daily("2024-01-08"), NOW)
    assert moved.new_keys("2024-01-02") == []
    whole = describe_change(None, REGIONS, NOW)
    assert whole.new_keys("(unpartitioned)") == ["eu", "us"]
    crossed = describe_change(DAYS, multi(date=DAYS, region=REGIONS), NOW)
    assert crossed.new_keys("2024-01-09") == ["2024-01-09|eu", "2024-01-09|us"]


def test_sets_are_followed_in_both_directions():
    change = describe_change(hourly("2024-01-08-00:00"), daily("2024-01-08"), NOW)
    morning = PartitionSet.of_keys(change.old, ["2024-01-08-03:00", "2024-01-09-04:00"])
    assert list(change.new_of(morning)) == ["2024-01-08", "2024-01-09"]
    assert (
        ranges(change.old_of(PartitionSet.of_keys(change.new, ["2024-01-09"]))) == "2024-01-09-00:00..2024-01-09-23:00"
    )


def test_combinations_that_the_new_definition_lacks_are_orphaned():
    full = multi(region=REGIONS, shop=static("a b"))
    sparse = MultiPartitionsDefinition(
        {"region": REGIONS, "shop": static("a b c")},
        combinations=[{"region": "eu", "shop": "a"}, {"region": "us", "shop": "c"}],
    )
    change = describe_change(full, sparse, NOW)
    assert (list(change.carried), list(change.added)) == (["eu|a"], ["us|c"])
    assert [(list(each.partitions), each.why) for each in change.orphans] == [
        (["eu|b", "us|a", "us|b"], "no such combination in the new definition")
    ]


@pytest.mark.parametrize(
    ("old", "new", "reasons"),
    [
        (
            daily("2024-01-01"),
            daily("2024-01-03", "2024-01-09", exclusions=["0 0 * * 6"]),
            ["before the new start", "after the new end", "excluded by the new definition"],
        ),
        (hourly("2024-01-09-00:00", end_offset=0), daily("2024-01-10", end_offset=0), ["before the new start"]),
        (hourly("2024-01-09-00:00"), WeeklyPartitionsDefinition("2024-01-07"), [NONEXISTENT]),
        (DAYS, daily("2024-02-01", "2024-02-01"), ["the new definition has no partitions"]),
        (REGIONS, static("x"), ["no such key in the new definition"]),
        (DAYS, REGIONS, ["time windows and chosen keys have nothing in common"]),
        (
            multi(date=DAYS, region=REGIONS),
            multi(date=DAYS, region=static("eu")),
            ["region: no such key in the new definition"],
        ),
        (None, daily("2025-01-01"), ["the new definition has no partitions"]),
    ],
)
def test_orphans_say_why(old, new, reasons):
    change = describe_change(old, new, NOW)
    assert [each.why for each in change.orphans] == reasons
    assert sum(len(each.partitions) for each in change.orphans) == len(change.orphaned)


def test_a_key_that_the_old_definition_lacks_is_refused():
    change = describe_change(REGIONS, MORE, NOW)
    with pytest.raises(InvocationError, match=r"'mars' is no key of the old definition \(static: eu, us"):
        change.new_keys("mars")


def test_a_change_is_a_value_that_pickles():
    change = describe_change(DAYS, multi(date=DAYS, region=REGIONS), NOW)
    assert pickle.loads(pickle.dumps(change)) == change
    assert pickle.loads(pickle.dumps(change)).new_keys("2024-01-08") == change.new_keys("2024-01-08")
    assert describe_change(None, None, NOW).old is UNPARTITIONED


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (hourly("1900-01-01-00:00"), hourly("1950-01-01-00:00")),
        (hourly("1950-01-01-00:00"), hourly("1960-01-01-00:00", timezone="America/New_York")),
        (multi(date=hourly("1900-01-01-00:00"), region=REGIONS), multi(date=hourly("1950-01-01-00:00"), region=MORE)),
    ],
    ids=["the start", "the timezone", "a dimension"],
)
def test_hours_are_not_looked_at_one_by_one(old, new, monkeypatch):
    """A million of them that only move cost no more than ten."""
    looked_at = []
    monkeypatch.setattr(
        HourlyPartitionsDefinition, "spans", lambda self, first, end: looked_at.append((first, end)) or []
    )
    change = describe_change(old, new, NOW)
    assert len(change.carried) > 400_000
    assert not looked_at
