import pickle
from datetime import UTC, datetime

import pytest

from gapless.errors import InvocationError
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
    WeeklyPartitionsDefinition,
    describe_change,
)

NOW = datetime(2024, 1, 10, tzinfo=UTC)
daily, hourly = DailyPartitionsDefinition, HourlyPartitionsDefinition


def static(keys):
    return StaticPartitionsDefinition(keys.split())


def multi(**dimensions):
    return MultiPartitionsDefinition(dimensions)


REGIONS, MORE = static("eu us"), static("eu us asia")
DAYS = daily("2024-01-08")


@pytest.mark.parametrize(
    ("old", "new", "more", "words"),
    [
        (
            daily("2023-12-20"),
            daily("2024-01-01", "2024-01-08"),
            {},
            "7 partitions carry over. 12 partitions orphaned: 2023-12-20..2023-12-31 (before the new start)."
            " 2 partitions orphaned: 2024-01-08..2024-01-09 (after the new end).",
        ),
        (
            daily("2024-01-09"),
            daily("20240101", fmt="%Y%m%d"),
            {},
            "1 partition carries over under other keys (2024-01-09 becomes 20240109)."
            " 8 new partitions fed by none: 20240101..20240108.",
        ),
        (
            WeeklyPartitionsDefinition("2023-11-19"),
            MonthlyPartitionsDefinition("2023-11-01"),
            {},
            "5 partitions merge into 2 new. 2 partitions straddle new ones: 2023-11-26, 2023-12-31."
            " 1 partition lies only partly in new ones: 2023-12-31. 1 new partition fed only in part: 2023-11-01.",
        ),
        (daily("2024-01-09"), hourly("2024-01-09-00:00"), {}, "1 partition splits into 24 new."),
        (
            REGIONS,
            static("eu usa"),
            {},
            "1 partition carries over. 1 partition orphaned: us (no such key in the new definition)."
            " 1 new partition fed by none: usa. If a key was renamed, declare it, for example renames={'us': 'usa'}.",
        ),
        (
            static("a b c d e f g h"),
            static("b d f h"),
            {},
            "4 partitions carry over."
            " 4 partitions orphaned: a, c, e and 1 more range (no such key in the new definition).",
        ),
        (
            static("2024-01-08"),
            daily("2024-01-09"),
            {},
            "1 partition orphaned: 2024-01-08 (time windows and chosen keys have nothing in common)."
            " 1 new partition fed by none: 2024-01-09."
            " Where an old and a new key mean the same, declare it: renames={'old key': 'new key'}.",
        ),
        (
            daily("2024-01-09", "2024-01-10"),
            daily("2024-01-09", "2024-01-10", timezone="Asia/Tokyo"),
            {},
            "1 partition straddles new ones: 2024-01-09. 1 partition lies only partly in new ones: 2024-01-09."
            " 1 new partition fed only in part: 2024-01-09."
            " The windows move from UTC to Asia/Tokyo: a key that looks the same may mean another time.",
        ),
        (
            multi(a=REGIONS, b=REGIONS),
            multi(a=REGIONS, c=REGIONS),
            {},
            "4 partitions straddle new ones: eu|eu..us|us."
            " If a dimension was renamed, declare it, for example dimension_renames={'b': 'c'}.",
        ),
        (daily("2025-01-01"), daily("2025-01-02"), {}, "No old partition exists."),
    ],
)
def test_the_words_tell_the_change(old, new, more, words):
    assert describe_change(old, new, NOW, **more).words == words


@pytest.mark.parametrize(
    ("old", "new", "more", "message"),
    [
        ("2024", DAYS, {}, "old is '2024', not a partitions definition. Pass one, or None"),
        (DAYS, 5, {}, "new is 5, not a partitions definition. Pass one, or None"),
        (
            REGIONS,
            MORE,
            {"renames": {"uss": "asia"}},
            "renames names 'uss', which is no partition of the old definition. Nearest: 'us'",
        ),
        (
            REGIONS,
            MORE,
            {"renames": {"us": "asi"}},
            "renames names 'asi', which is no partition of the new definition. Nearest: 'asia'",
        ),
        (
            REGIONS,
            MORE,
            {"renames": {"us": "eu"}},
            "both 'eu' and 'us' would become 'eu'. Leave one of them out of renames, or rename it to another key",
        ),
        (REGIONS, MORE, {"renames": {"us": 5}}, "renames is {'us': 5}. Write renames={'old key': 'new key'}"),
        (
            multi(date=DAYS, region=REGIONS),
            multi(date=DAYS, region=MORE),
            {"renames": {"us": "asia"}},
            "renames is {'us': 'asia'}. Write renames={'dimension': {'old key': 'new key'}}",
        ),
        (
            multi(date=DAYS, region=REGIONS),
            multi(date=DAYS, region=MORE),
            {"renames": {"shop": {"us": "asia"}}},
            "renames names 'shop', which is no dimension that stays. Write 'date' or 'region'",
        ),
        (
            DAYS,
            daily("2024-01-01"),
            {"renames": {"2024-01-08": "2024-01-09"}},
            "renames has keys of time windows (daily from 2024-01-08)."
            " Leave them out: windows correspond by time, whatever their keys are",
        ),
        (
            DAYS,
            multi(date=DAYS, region=REGIONS),
            {"default": {"region": "mars"}},
            "default names 'mars', which is no partition of the new definition. Its keys are eu, us (2 keys)",
        ),
        (
            DAYS,
            multi(date=DAYS, region=REGIONS),
            {"default": {"date": "2024-01-08"}},
            "default names 'date', which is no dimension that is added. Write 'region'",
        ),
        (
            DAYS,
            daily("2024-01-01"),
            {"default": {"region": "eu"}},
            "default names 'region', which is no dimension that is added. There is none; leave it out",
        ),
        (
            multi(date=DAYS, region=REGIONS),
            multi(country=REGIONS, date=DAYS),
            {"dimension_renames": {"regio": "country"}},
            "dimension_renames names 'regio', which is no dimension of the old definition. Write 'date' or 'region'",
        ),
        (
            multi(date=DAYS, region=REGIONS),
            multi(country=REGIONS, date=DAYS),
            {"dimension_renames": {"region": "land"}},
            "dimension_renames names 'land', which is no dimension of the new definition. Write 'country' or 'date'",
        ),
        (
            multi(a=REGIONS, b=REGIONS),
            multi(b=REGIONS, c=REGIONS),
            {"dimension_renames": {"a": "c", "b": "c"}},
            "two dimensions would become 'c'. Leave one of them out",
        ),
        (
            REGIONS,
            multi(a=REGIONS, b=REGIONS),
            {},
            "it is open which of the dimensions a, b is the one of static: eu, us (2 keys)."
            " Declare it, for example dimension_renames={'': 'a'}",
        ),
        (
            multi(a=REGIONS, b=REGIONS),
            DAYS,
            {},
            "it is open which of the dimensions a, b is the one of daily from 2024-01-08."
            " Declare it, for example dimension_renames={'a': ''}",
        ),
    ],
)
def test_bad_input_is_refused(old, new, more, message):
    with pytest.raises(InvocationError) as refused:
        describe_change(old, new, NOW, **more)
    assert str(refused.value) == message
    assert str(pickle.loads(pickle.dumps(refused.value))) == message


def test_windows_that_cannot_be_compared_are_refused(monkeypatch):
    def out_of_the_calendar(self, spans):
        raise OverflowError("date out of the years 1 to 9999")

    monkeypatch.setattr(DailyPartitionsDefinition, "overlapping_spans", out_of_the_calendar)
    with pytest.raises(InvocationError) as refused:
        describe_change(WeeklyPartitionsDefinition("2023-12-31"), daily("2023-12-31"), NOW)
    assert str(refused.value) == (
        "the windows of weekly from 2023-12-31 and daily from 2023-12-31 cannot be compared:"
        " date out of the years 1 to 9999. Move the start or end that lies so far out"
    )
