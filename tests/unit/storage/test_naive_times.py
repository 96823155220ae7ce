"""Timestamps without a zone: civil time of the partitions' zone, or of another that the asset names."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
)
from gapless.storage.partition_slices import slices_of
from gapless.storage.slices import Committed, InputSlices, OutputSlices, Refused

NEW_YORK = "America/New_York"
DAYS = DailyPartitionsDefinition("2024-11-01", timezone=NEW_YORK)
HOURS = HourlyPartitionsDefinition("2024-11-02-22:00", timezone=NEW_YORK)
NIGHT = [HOURS.key_at(i) for i in range(8)]  # clocks go back: 01:00 comes twice
NUMBERS = itertools.count()
TEXT = {"iso text": lambda moment: moment.replace(tzinfo=None).isoformat(), "DATE": lambda moment: moment.date()}


class UtcDesk(Desk):
    """One asset whose naive timestamps are UTC."""

    @property
    def civil(self):
        return {**super().civil, "naive_zone": "UTC"}


def moments_of(desk, key, rows=3):
    """Instants inside the partition, its first and its last second among them."""
    window = desk.part(key).window
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC) - timedelta(seconds=1)
    return [(start + (end - start) * i / max(1, rows - 1)).replace(microsecond=0) for i in range(rows)]


def naive_frame(desk, key, mark=0, unit="us", zone="UTC"):
    at = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments_of(desk, key)]
    return pl.DataFrame({"mark": [mark] * len(at), "at": pl.Series(at, dtype=pl.Datetime(unit))})


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
@pytest.mark.parametrize("definition", [DAYS, HOURS], ids=["days", "hours"])
def test_naive_utc_tells_every_partition_of_the_night_on_which_clocks_go_back(store, definition, unit):
    desk = UtcDesk(store, definition, "at")
    keys = NIGHT if definition is HOURS else [DAYS.key_at(i) for i in range(4)]
    for mark, order in enumerate((keys, keys[::-1])):
        for key in order:
            desk.write(key, naive_frame(desk, key, mark, unit))
    assert [desk.read(key)["mark"].to_list() for key in keys] == [[1] * 3] * len(keys)
    assert desk.read(*keys).height == 3 * len(keys)


def test_without_it_naive_times_are_civil_and_the_repeated_hour_is_refused(store):
    desk = Desk(store, HOURS, "at")
    for key in NIGHT:
        (outcome,) = desk.commit((key, naive_frame(desk, key, zone=NEW_YORK)))
        assert isinstance(outcome, Refused if "03-01:00" in key else Committed), (key, outcome)


def test_a_civil_time_is_refused_where_naive_means_utc_and_the_message_names_the_zone(store):
    desk = UtcDesk(store, DAYS, "at")
    error = desk.refusal("2024-11-02", naive_frame(desk, "2024-11-02", zone=NEW_YORK))
    assert "the partition covers 2024-11-02 04:00 up to, but not including, 2024-11-03 04:00 (UTC)" in str(error)


@pytest.mark.parametrize("way", TEXT)
def test_text_and_dates_stay_labels_of_the_partitions_zone(store, way):
    desk = UtcDesk(store, DAYS, "at")
    keys = [DAYS.key_at(i) for i in range(4)]
    for key in (*keys, *keys):
        local = [moment.astimezone(ZoneInfo(NEW_YORK)) for moment in moments_of(desk, key)]
        desk.write(key, pl.DataFrame({"at": [TEXT[way](moment) for moment in local]}))
    assert [desk.read(key).height for key in keys] == [3] * 4


def test_instants_are_what_they_are(store):
    desk = UtcDesk(store, HOURS, "at")
    for key in (*NIGHT, *NIGHT):
        desk.write(key, pl.DataFrame({"at": moments_of(desk, key)}))
    assert [desk.read(key).height for key in NIGHT] == [3] * len(NIGHT)


def test_wiping_finds_the_rows_that_writing_stored(store):
    desk = UtcDesk(store, HOURS, "at")
    desk.commit(*((key, naive_frame(desk, key)) for key in NIGHT))
    assert store.wipe(desk.output(NIGHT[3])) == 3
    assert desk.read(*NIGHT).height == 3 * (len(NIGHT) - 1)


def test_several_hours_of_one_value_are_told_apart(store):
    desk = UtcDesk(store, HOURS, "at")
    value = pl.concat([naive_frame(desk, key) for key in NIGHT])
    (outcome,) = store.commit([store.stage(desk.output(*NIGHT), value)])
    assert outcome.rows == dict.fromkeys(NIGHT, 3)
    assert [part.rows().collect().height for part in store.split(store.stage(desk.output(*NIGHT), value))] == [3] * 8


def test_a_dimension_has_its_zone_too(store):
    definition = MultiPartitionsDefinition({"hour": HOURS, "region": StaticPartitionsDefinition(["eu", "us"])})
    ordinals = definition.ordinals_of([f"{key}|us" for key in NIGHT])
    facts = slices_of(definition, ordinals, {"hour": "at", "region": "region"}, "UTC")
    desk = Desk(store, HOURS, None)
    value = pl.concat([naive_frame(desk, key) for key in NIGHT]).with_columns(region=pl.lit("us"))
    for _ in range(2):
        (outcome,) = store.commit([store.stage(OutputSlices(desk.asset, run_id="run", **facts), value)])
        assert set(outcome.rows.values()) == {3}
    assert store.load(InputSlices(desk.asset, **facts), pl.DataFrame).height == value.height


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_days_of_any_zone_hold_their_instants_whatever_zone_naive_times_are_in(store, data):
    zones = [NEW_YORK, "Asia/Kolkata", "Pacific/Auckland", "America/Sao_Paulo", "UTC"]
    definition = DailyPartitionsDefinition("2024-03-25", timezone=data.draw(st.sampled_from(zones)))
    desk = UtcDesk(store, definition, "at", f"table{next(NUMBERS)}")
    keys = [definition.key_at(i) for i in range(8)]
    instants = data.draw(st.lists(st.integers(0, 8 * 24 - 1), max_size=20))
    start = definition.time_window_for_partition_key(keys[0]).start.astimezone(UTC)
    moments = [start + timedelta(hours=hours, minutes=30) for hours in instants]
    by_key = {key: [] for key in keys}
    for moment in moments:
        for key in keys:
            window = desk.part(key).window
            if window.start <= moment < window.end:
                by_key[key].append(moment.replace(tzinfo=None))
    for key in keys:
        desk.write(key, pl.DataFrame({"at": pl.Series(by_key[key], dtype=pl.Datetime("us"))}))
    assert {key: desk.read(key)["at"].to_list() for key in keys} == by_key


# --- the defects of others that a store must not have, one test each


def test_a_text_column_of_dates_is_not_shifted_by_a_day(desk):
    days = desk(DailyPartitionsDefinition("2024-01-01"))
    keys = ["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-02"]
    for key in keys:
        days.write(key, pl.DataFrame({"at": [key]}))
    assert sorted(days.read(*sorted(set(keys)))["at"]) == sorted(set(keys))
    assert [days.read(key).height for key in sorted(set(keys))] == [1, 1, 1]


def test_an_aware_column_is_not_read_in_the_sessions_zone(desk):
    days = desk(DAYS)
    late = datetime(2024, 11, 5, 23, tzinfo=ZoneInfo(NEW_YORK))
    days.write("2024-11-05", pl.DataFrame({"at": [late]}))
    days.write("2024-11-06", pl.DataFrame({"at": [late + timedelta(hours=2)]}))
    assert days.read("2024-11-05")["at"].to_list() == [late]


def test_a_failed_insert_does_not_lose_the_partition(desk):
    days = desk(DAYS, 'CAST("at" AS DATE)')
    days.write("2024-11-05", pl.DataFrame({"at": ["2024-11-05"]}))
    days.refusal("2024-11-05", pl.DataFrame({"at": ["no date"]}))
    assert days.read("2024-11-05").height == 1


@pytest.mark.parametrize(
    ("made", "stored"),
    [
        (pl.DataFrame({"n": [2], "m": [1], "at": ["2024-11-06"]}), (1, 2)),
        (pl.DataFrame({"m": [1.0], "n": [2.7], "at": ["2024-11-06"]}), (1.0, 2.7)),
    ],
    ids=["reordered columns do not swap", "a float is not rounded"],
)
def test_columns_are_never_matched_by_position(desk, made, stored):
    days = desk(DAYS)
    days.write("2024-11-05", pl.DataFrame({"at": ["2024-11-05"], "m": [0], "n": [0]}))
    days.write("2024-11-06", made)
    assert days.read("2024-11-06").select("m", "n").rows() == [stored]


@pytest.mark.parametrize("at", [date(2024, 11, 4), datetime(2024, 11, 4, 23, 59, 59), datetime(2024, 11, 6)])
def test_rows_of_other_days_are_never_stored_twice(desk, at):
    days = desk(DAYS)
    for _ in range(2):
        days.refusal("2024-11-05", pl.DataFrame({"at": [at]}))
    assert days.store.is_empty() or days.store.tables() == []
