"""Every column type, every zone: a slow obvious model against the table."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.storage.errors import PartitionColumnTypeError, RowsOutsidePartitionError
from gapless.storage.slices import Committed, Refused

NEW_YORK = "America/New_York"
AROUND_FALL = datetime(2024, 11, 2, tzinfo=ZoneInfo(NEW_YORK))

# How a row says when it happened; `moment` is an instant inside its partition, in the partitions' zone.
WAYS = {
    "key": ("at", lambda key, moment: key),
    "iso text": ("at", lambda key, moment: moment.replace(tzinfo=None).isoformat()),
    "iso text, space, fraction": ("at", lambda key, moment: moment.replace(tzinfo=None).isoformat(" ", "milliseconds")),
    "offset text": ("at", lambda key, moment: moment.isoformat()),
    "utc text": ("at", lambda key, moment: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")),
    "DATE": ("at", lambda key, moment: moment.date()),
    "TIMESTAMP": ("at", lambda key, moment: moment.replace(tzinfo=None)),
    "TIMESTAMPTZ": ("at", lambda key, moment: moment.astimezone(UTC)),
    "YYYYMMDD": ("at", lambda key, moment: int(moment.strftime("%Y%m%d"))),
    "YYYYMMDDHH": ("at", lambda key, moment: int(moment.strftime("%Y%m%d%H"))),
    "epoch expression": ('to_timestamp("at")', lambda key, moment: int(moment.timestamp())),
    "civil expression": ('CAST("at" AS DATE) -- in the zone', lambda key, moment: moment.astimezone(UTC)),
    "parsed text": ("strptime(\"at\", '%d/%m/%Y')", lambda key, moment: moment.strftime("%d/%m/%Y")),
}
NUMBERS = itertools.count()
DAILY = DailyPartitionsDefinition("2024-11-01", timezone=NEW_YORK)


def frame_of(desk, way, key, rows, mark):
    """`rows` rows spread over the partition, its first and its last second among them."""
    window = desk.part(key).window
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC) - timedelta(seconds=1)
    moments = [start + (end - start) * i / max(1, rows - 1) for i in range(rows)]
    zone = window.start.tzinfo
    values = [WAYS[way][1](key, moment.replace(microsecond=0).astimezone(zone)) for moment in moments]
    return pl.DataFrame({"mark": [mark] * rows, "at": values})


@pytest.mark.parametrize("way", WAYS)
@settings(
    max_examples=settings.default.max_examples // 12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_any_sequence_of_writes_leaves_what_a_dictionary_would_hold(store, way, data):
    desk = Desk(store, DAILY, WAYS[way][0], f"table{next(NUMBERS)}")
    keys = [DAILY.key_at(i) for i in range(6)]
    model = {}
    for mark in range(1, data.draw(st.integers(2, 6)) + 1):
        group = data.draw(st.permutations(keys))[: data.draw(st.integers(1, 5))]
        values, expected = [], []
        filled = any(rows for key, rows in model.items() if key not in group)
        for key in group:
            rows = data.draw(st.integers(0, 4))
            frame = frame_of(desk, way, key, rows, mark)
            bad = data.draw(st.sampled_from(["", "", "", "stranger", "reordered", "added", "missing"]))
            if bad == "stranger":
                other = keys[(keys.index(key) + 1) % len(keys)]
                frame = pl.concat([frame, frame_of(desk, way, other, 1, mark)], how="vertical_relaxed")
            elif bad == "reordered":
                frame = frame.select("at", "mark")
            elif bad == "added":
                frame = frame.with_columns(more=pl.lit(mark))
            elif bad == "missing":
                bad = "missing" if filled and rows else ""
                frame = frame.drop("mark") if bad else frame
            values.append((key, frame))
            expected.append((key, bad, rows))
        outcomes = desk.commit(*values)
        for (key, bad, rows), outcome in zip(expected, outcomes, strict=True):
            if bad == "stranger":
                assert isinstance(outcome, Refused), outcome
            elif isinstance(outcome, Committed):
                model[key] = [None if bad == "missing" else mark] * rows  # the column began later
                model["any"] = []
                assert outcome.rows == {key: rows}
            else:
                # Columns that a day before has may not be left out, which depends on what the group brings.
                assert type(outcome.error).__name__ == "SchemaChangeError", outcome
        if model:
            held = {key: desk.read(key) for key in group}
            for key, frame in held.items():
                assert frame.get_column("mark", default=pl.Series([])).to_list() == model.get(key, [])
            assert desk.read(*keys).height == sum(map(len, model.values()))


HOURLY = HourlyPartitionsDefinition("2024-11-02-22:00", timezone=NEW_YORK)
NIGHT = [HOURLY.key_at(i) for i in range(8)]  # 22:00 … 03:00, with 01:00 twice


@pytest.mark.parametrize("way", ["key", "offset text", "utc text", "TIMESTAMPTZ", "epoch expression"])
def test_instants_and_keys_tell_the_repeated_hour(desk, way):
    hours = desk(HOURLY, WAYS[way][0])
    assert "2024-11-03-01:00-0500" in NIGHT
    for mark in (1, 2):
        for key in reversed(NIGHT) if mark == 2 else NIGHT:
            hours.write(key, frame_of(hours, way, key, 3, mark))
    assert [hours.read(key)["mark"].to_list() for key in NIGHT] == [[2] * 3] * len(NIGHT)
    assert hours.read(*NIGHT).height == 3 * len(NIGHT)


@pytest.mark.parametrize("way", ["iso text", "TIMESTAMP", "YYYYMMDDHH"])
def test_civil_values_are_refused_in_the_repeated_hour_only(desk, way):
    hours = desk(HOURLY, WAYS[way][0])
    for key in NIGHT:
        (outcome,) = hours.commit((key, frame_of(hours, way, key, 3, 1)))
        assert isinstance(outcome, Refused if "03-01:00" in key else Committed), (key, outcome)
        if isinstance(outcome, Refused) and way != "iso text":
            assert "Store the instant (TIMESTAMPTZ)" in str(outcome.error)


@pytest.mark.parametrize(
    ("key", "covers"),
    [
        ("2024-11-03-00:00", "2024-11-03 00:00-04:00 up to, but not including, 2024-11-03 01:00-04:00"),
        ("2024-11-03-01:00", "2024-11-03 01:00-04:00 up to, but not including, 2024-11-03 01:00-05:00"),
        ("2024-11-03-01:00-0500", "2024-11-03 01:00-05:00 up to, but not including, 2024-11-03 02:00-05:00"),
        ("2024-11-03-02:00", "2024-11-03 02:00 up to, but not including, 2024-11-03 03:00"),
    ],
)
def test_what_the_clocks_show_twice_is_told_by_its_offset(desk, key, covers):
    hours = desk(HOURLY)
    error = hours.refusal(key, pl.DataFrame({"at": [datetime(2024, 11, 1, tzinfo=UTC)]}))
    assert f"the partition covers {covers} (America/New_York)" in str(error)


@pytest.mark.parametrize("way", ["DATE", "YYYYMMDD"])
def test_dates_are_refused_for_hours(desk, way):
    hours = desk(HOURLY)
    error = hours.refusal(NIGHT[0], frame_of(hours, way, NIGHT[0], 2, 1))
    assert isinstance(error, (PartitionColumnTypeError, RowsOutsidePartitionError))


def test_a_date_alone_as_text_is_no_hour_not_even_midnight(desk):
    hours = desk(HourlyPartitionsDefinition("2024-01-01-00:00"))
    error = hours.refusal("2024-01-01-00:00", pl.DataFrame({"at": ["2024-01-01"]}))
    assert "a date alone cannot tell partitions shorter than a day" in str(error)


@pytest.mark.parametrize(
    ("definition", "ways"),
    [
        (WeeklyPartitionsDefinition("2024-01-01", timezone=NEW_YORK), ["key", "iso text", "DATE", "TIMESTAMPTZ"]),
        (MonthlyPartitionsDefinition("2024-01", fmt="%Y-%m"), ["key", "iso text", "YYYYMMDD", "DATE", "TIMESTAMP"]),
        (MonthlyPartitionsDefinition("202401", fmt="%Y%m"), ["key", "utc text", "YYYYMMDDHH"]),
        (DailyPartitionsDefinition("01/01/2024", fmt="%d/%m/%Y"), ["key", "offset text"]),
        (DailyPartitionsDefinition("2024-01-01", fmt="%Y-%d-%m"), ["key"]),
        (DailyPartitionsDefinition("2024-01-01", hour_offset=5), ["key", "TIMESTAMP", "iso text", "TIMESTAMPTZ"]),
        (
            TimeWindowPartitionsDefinition(
                start="2024-01-01 00:00", fmt="%Y-%m-%d %H:%M", cron_schedule="*/30 * * * *", timezone="Asia/Kolkata"
            ),
            ["key", "iso text", "TIMESTAMP", "TIMESTAMPTZ", "utc text"],
        ),
    ],
    ids=lambda value: getattr(value, "fmt", ""),
)
def test_other_cadences_and_formats_rerun_in_any_order(desk, definition, ways):
    for number, way in enumerate(ways):
        table = desk(definition, WAYS[way][0], f"t{number}")
        keys = [definition.key_at(i) for i in range(40)]
        for mark, some in ((1, keys), (2, keys[5:9]), (3, keys[::7])):
            outcomes = table.commit(*((key, frame_of(table, way, key, 2, mark)) for key in some))
            assert all(isinstance(outcome, Committed) for outcome in outcomes), outcomes
        expected = {key: 3 if i % 7 == 0 else 2 if 5 <= i < 9 else 1 for i, key in enumerate(keys)}
        assert {key: table.read(key)["mark"].to_list() for key in keys} == {k: [m] * 2 for k, m in expected.items()}
        assert table.read(*keys).height == 80


def test_monthly_numbers_of_six_digits(desk):
    months = desk(MonthlyPartitionsDefinition("2023-11-01"))
    for _ in range(2):
        for key in ("2023-12-01", "2023-11-01", "2024-01-01"):
            months.write(key, pl.DataFrame({"at": [int(key[:7].replace("-", ""))]}))
    assert months.read("2023-11-01", "2023-12-01", "2024-01-01")["at"].sort().to_list() == [202311, 202312, 202401]


@pytest.mark.parametrize(
    "values",
    [["a", "b", "it's"], [1, 2, 30], [True, False], [1.5, 2.0, -3.25]],
    ids=["text", "integers", "booleans", "floats"],
)
def test_static_keys_meet_the_column_in_its_type(desk, values):
    keys = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
    shelf = desk(StaticPartitionsDefinition(keys))
    for mark in (1, 2):
        shelf.commit(*((k, pl.DataFrame({"at": [v] * 2, "mark": mark})) for k, v in zip(keys, values, strict=True)))
    assert [shelf.read(key)["mark"].to_list() for key in keys] == [[2, 2]] * len(keys)
    assert shelf.read(*keys).height == 2 * len(keys)


def test_static_keys_meet_categories(desk):
    shelf = desk(StaticPartitionsDefinition(["eu", "us"]))
    for dtype in (pl.Categorical, pl.Enum(["eu", "us"]), pl.String):
        shelf.write("eu", pl.DataFrame({"at": pl.Series(["eu"], dtype=dtype)}))
    assert shelf.read("eu").height == 1


@pytest.mark.parametrize("value", [None, "2024-01-02 ", "2024-1-2", "2024/01/02", "20240102", "x", ""])
def test_null_and_other_spellings_belong_to_no_day(desk, value):
    days = desk(DailyPartitionsDefinition("2024-01-01"))
    error = days.refusal("2024-01-02", pl.DataFrame({"at": ["2024-01-02", value]}))
    assert isinstance(error, RowsOutsidePartitionError)
    assert (error.outside, error.total, error.example) == (1, 2, value)


def test_the_machines_zone_changes_nothing(desk, monkeypatch):
    days = desk(DAILY)
    for zone in ("Asia/Tokyo", "America/Los_Angeles", "UTC"):
        monkeypatch.setenv("TZ", zone)
        days.store.close()
        for i in range(5):
            days.write(DAILY.key_at(i), frame_of(days, "TIMESTAMPTZ", DAILY.key_at(i), 25, i))
    assert [days.read(DAILY.key_at(i)).height for i in range(5)] == [25] * 5
    assert days.read(DAILY.key_at(0))["at"].dtype.time_zone == NEW_YORK


def test_nanoseconds_and_milliseconds_keep_their_unit(desk):
    for unit in ("ms", "us", "ns"):
        days = desk(DAILY, asset=unit)
        frame = frame_of(days, "TIMESTAMP", "2024-11-03", 5, 1).with_columns(pl.col("at").cast(pl.Datetime(unit)))
        days.write("2024-11-03", frame)
        days.write("2024-11-03", frame)
        assert days.read("2024-11-03").equals(frame)


def test_a_type_that_says_no_time_is_refused_with_the_fix(desk):
    days = desk(DAILY)
    error = days.refusal("2024-11-03", pl.DataFrame({"at": [1.5]}))
    assert str(error) == (
        "asset 'plays', partition '2024-11-03': partition_expr 'at' is DOUBLE, which says no time."
        " Use a column of DATE, TIMESTAMP, TIMESTAMPTZ, text or YYYYMMDD numbers."
    )
