"""Cadences that mean the same are the same, however they are written."""

import json
import pickle
from datetime import datetime

import pytest

from gapless.partitions import (
    DailyPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionsDefinition,
    PartitionSet,
    ScheduleType,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.civil.cron import Cron

NOW = datetime(2024, 2, 1)
DAILY = DailyPartitionsDefinition("2024-01-01")


def by_cron(cron, **more):
    return TimeWindowPartitionsDefinition("2024-01-01", "%Y-%m-%d", cron_schedule=cron, **more)


def both(one, other):
    to = StaticPartitionsDefinition(["a", "b"])
    return [MultiPartitionsDefinition({"date": of, "to": to}) for of in (one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (DAILY, by_cron("@daily")),
        (DAILY, by_cron("0  0 * * *")),
        (DAILY, by_cron("0 0 * * 0-6")),
        (DAILY, by_cron("0 0 ? 1-12 sun-sat")),
        (
            WeeklyPartitionsDefinition("2024-01-01", day_offset=7),
            WeeklyPartitionsDefinition("2024-01-01", day_offset=0),
        ),
        (by_cron("0 0 * * mon-fri"), by_cron("00 0 * * 5,1-4")),
        (by_cron("@daily", exclusions=["0 0 * * 6,0"]), by_cron("0 0 * * *", exclusions=["0 0 * * sun,sat"])),
        both(DAILY, by_cron("@daily")),
    ],
)
def test_definitions_of_the_same_cadence_are_equal_in_every_way(one, other):
    assert one == other
    assert hash(one) == hash(other) == hash(pickle.loads(pickle.dumps(other)))
    assert one.get_serializable_unique_identifier() == other.get_serializable_unique_identifier()
    text = PartitionSet.existing(one, NOW).to_json()
    assert json.loads(text)["definition"] == json.loads(PartitionSet.existing(other, NOW).to_json())["definition"]
    assert PartitionSet.from_json(other, text).partitions == PartitionSet.existing(other, NOW)
    assert IdentityPartitionMapping().validate(one, other) is None


def test_the_cron_schedule_stays_as_it_was_given():
    assert by_cron("@daily").cron_schedule == "@daily"
    assert by_cron("0 0 * * 0-6").cron_schedule == "0 0 * * 0-6"
    assert by_cron("0 0 * * 0-6").schedule_type is ScheduleType.DAILY
    assert WeeklyPartitionsDefinition("2024-01-01", day_offset=7).cron_schedule == "0 0 * * 0"


def test_other_cadences_and_other_exclusions_differ():
    assert by_cron("1 0 * * *") != DAILY
    assert by_cron("0 0 * * 1-5") != DAILY
    assert by_cron("@daily", exclusions=["0 0 * * 6"]) != by_cron("@daily", exclusions=["0 0 * * 0"])
    assert IdentityPartitionMapping().validate(DAILY, by_cron("1 0 * * *")) is not None


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("@hourly", "0 * * * *"),
        ("*/15 0-23 * * *", "*/15 * * * *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * fri-mon", "0 0 * * 0,1,5,6"),
        ("5/20 0 1-7,15 jan,2,3 *", "5,25,45 0 1-7,15 1-3 *"),
        ("0 0 L * fri#2,l5,1", "0 0 l * 1,l5,5#2"),
        ("0 0 1,L * *", "0 0 1,l * *"),
    ],
)
def test_a_schedule_has_one_canonical_text_which_means_the_same(text, canonical):
    cron = Cron.parse(text)
    assert cron.canonical == canonical
    again = Cron.parse(canonical)
    assert again == cron
    assert hash(again) == hash(cron)
    assert again.canonical == canonical
