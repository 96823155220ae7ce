"""What lets a row in is what finds it again: one definition of the rows of a slice, alone or among others."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_desk import Desk

from gapless import DailyPartitionsDefinition, HourlyPartitionsDefinition, StaticPartitionsDefinition
from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.membership.column_membership import ColumnMembership
from gapless.storage.duckdb.membership.slot_finder import rows_by_slot
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import StorageError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.slices import Committed, PartitionColumn, PartitionSlice

_NEW_YORK = "America/New_York"
_DAYS = DailyPartitionsDefinition("2023-12-28", end_date="2024-02-02")
_HOURS = HourlyPartitionsDefinition("2024-11-02-22:00", end_date="2024-11-03-06:00", timezone=_NEW_YORK)


@pytest.fixture
def store(tmp_path):
    store = DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))
    yield store
    store.close()


def _slices(definition, keys=None):
    keys = keys or definition.get_partition_keys()
    if isinstance(definition, StaticPartitionsDefinition):
        return [PartitionSlice(key) for key in keys]
    return [PartitionSlice(key, definition.time_window_for_partition_key(key)) for key in keys]


_moments = st.datetimes(datetime(2023, 12, 27), datetime(2024, 2, 3)) | st.datetimes(
    datetime(2024, 11, 2, 20), datetime(2024, 11, 3, 12)
)
_texts = st.builds(
    "".join,
    st.tuples(
        _moments.flatmap(
            lambda m: st.sampled_from(
                [f"{m:%Y-%m-%d}", f"{m:%Y/%m/%d}", f"0{m:%Y}-{m.month}-{m:%d}", f"{m:%Y-%m}-{m.day:2}", f"{m:%Y %m %d}"]
            )
        ),
        st.sampled_from(["", "T", " ", "  ", "\n", "-"]),
        st.sampled_from(["", "00:00", "01:30:00", "05:59:59.999999", "24:00:00", " 1:00:00", "01:00:0", "::::"]),
        st.sampled_from(["", "Z", "z", "+00", "-0500", "+15:59", "-23:59", "+99:00", " ", "-0400"]),
    ),
)
_instants = _moments.map(lambda m: m.replace(tzinfo=UTC))
_numbers = st.one_of(
    _moments.map(lambda m: int(f"{m:%Y%m%d}")),
    _moments.map(lambda m: int(f"{m:%Y%m%d%H}")),
    st.sampled_from([2024, 202401, 0]),
)
_KINDS = {
    "VARCHAR": (pl.String, _texts | st.sampled_from(["2024-11-03-01:00", "2024-01-05", "a", ""])),
    "DATE": (pl.Date, _moments.map(datetime.date)),
    "TIMESTAMP": (pl.Datetime("us"), _moments),
    "TIMESTAMP WITH TIME ZONE": (pl.Datetime("us", "UTC"), _instants),
    "BIGINT": (pl.Int64, _numbers),
}


@pytest.mark.parametrize("type_name", _KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_the_slice_that_is_found_is_the_one_whose_condition_is_true(type_name, data):
    definitions = [_DAYS] if type_name == "DATE" else [_DAYS, _HOURS]
    definition = data.draw(st.sampled_from(definitions))
    kind, values = _KINDS[type_name]
    keys = definition.get_partition_keys()
    first = data.draw(st.integers(0, len(keys) - 1))
    keys = keys[first : first + data.draw(st.integers(1, len(keys)))]
    if type_name in ("TIMESTAMP", "BIGINT"):
        keys = [key for key in keys if not key.startswith("2024-11-03-01:00")] or [definition.get_partition_keys()[0]]
    drawn = data.draw(st.lists(values | st.sampled_from(keys) if kind == pl.String else values, max_size=40))
    _compare(definition, _slices(definition, keys), type_name, pl.Series("v", [*drawn, None], dtype=kind))


@pytest.mark.parametrize(
    ("kind", "type_name", "keys", "values"),
    [
        (pl.String, "VARCHAR", ["eu", "us", "é"], ["eu", "EU", "us ", None, "é", "e\u0301"]),
        (pl.Int64, "BIGINT", ["7", "-1", "x"], [7, -1, 0, None]),
        (pl.Float64, "DOUBLE", ["0.5", "nan", "inf"], [0.5, float("nan"), float("inf"), -0.0, None]),
        (pl.Boolean, "BOOLEAN", ["true", "false"], [True, False, None]),
        (pl.Date, "DATE", ["2024-01-05"], [date(2024, 1, 5), date(2024, 1, 6), None]),
    ],
)
def test_so_it_is_for_static_keys(kind, type_name, keys, values):
    definition = StaticPartitionsDefinition(keys)
    _compare(definition, _slices(definition), type_name, pl.Series("v", values, dtype=kind))


def _compare(definition, slices, type_name, values):
    civil = (
        {}
        if isinstance(definition, StaticPartitionsDefinition)
        else {"timezone": definition.timezone, "finer_than_day": definition.finer_than_day}
    )
    frame = pl.DataFrame({"at": values, "place": range(len(values))})
    with ExitStack() as held:
        session = held.enter_context(scratch_session())
        session.set_timezone(civil.get("timezone", "UTC"))
        table = held.enter_context(session.registered("rows", frame))
        membership = ColumnMembership.of(PartitionColumn("at", **civil), "at", type_name, "plays")
        places = [(0, slot, part) for slot, part in enumerate(slices)]
        sql = rows_by_slot(session, membership, f"SELECT 0 AS n, * FROM {table}", "n", places, held, {"place": "place"})
        found = dict(session.execute(f"SELECT place, slot FROM ({sql})"))
        expected = dict.fromkeys(range(len(values)))
        for slot, part in enumerate(slices):
            condition = membership.where([part])
            for (place,) in session.execute(f"SELECT place FROM {table} WHERE {condition.sql}", condition.parameters):
                assert expected[place] is None, f"{values[place]!r} lies in two slices"
                expected[place] = slot
        together = membership.where(slices)
        inside = session.execute(f"SELECT place FROM {table} WHERE {together.sql}", together.parameters)
    shown = {values[place]: (found[place], expected[place]) for place in found if found[place] != expected[place]}
    assert not shown
    assert {place for (place,) in inside} == {place for place, slot in expected.items() if slot is not None}


@pytest.mark.parametrize(
    "text", ["2024/01/05 08:00:00+00", "02024-1-05T00:00:00Z", "2024-01- 5", "2024-01-05T00:00:00+99:00"]
)
@pytest.mark.parametrize("split", [False, True])
def test_odd_spellings_are_refused_beside_other_days_too(store, text, split):
    desk = Desk(store, _DAYS, "at")
    keys = ("2024-01-01", "2024-01-04", "2024-01-05")
    for _ in range(3):
        value = store.stage(desk.output(*keys), pl.DataFrame({"at": ["2024-01-04", text]}))
        if split:
            with pytest.raises(Exception, match="outside"):
                store.split(value)
        else:
            (outcome,) = store.commit([value])
            assert "outside" in str(outcome.error)


def test_reruns_of_several_days_leave_the_same_rows(store):
    desk = Desk(store, _DAYS, "at")
    keys = ("2024-01-04", "2024-01-05", "2024-01-06")
    frame = pl.DataFrame({"at": ["2024-01-04", "2024-01-05T24:00:00", "2024-01-05 23:30", "2024-01-05T23:30:00-05:00"]})
    for rerun in range(3):
        values = [store.stage(desk.output(*keys), frame)]
        for outcome in store.commit(values if rerun < 2 else store.split(values[0])):
            assert isinstance(outcome, Committed), outcome
        assert [desk.read(key).height for key in keys] == [1, 1, 2]
        assert store.query("FROM plays").height == 4


@pytest.mark.parametrize(
    ("keys", "value", "kept"),
    [
        (["7", "07", "007"], 7, "7"),
        (["true", "True"], True, "true"),
        (["1.10", "1.1"], Decimal("1.10"), "1.10"),
        (["2024-01-01", "2024-1-1"], date(2024, 1, 1), "2024-01-01"),
        (["nan", "NaN"], float("nan"), "nan"),
        (["0.0", "-0.0"], 0.0, "0.0"),
    ],
)
@pytest.mark.parametrize("kind", [DuckDBPolarsIOManager, PolarsParquetIOManager])
def test_of_keys_that_are_one_value_in_the_columns_type_only_its_own_text_is_taken(tmp_path, kind, keys, value, kept):
    store = kind(str(tmp_path / "there"))
    desk = Desk(store, StaticPartitionsDefinition(keys), "code")
    for key in (*keys, *reversed(keys)):
        if key == kept:
            desk.write(key, pl.DataFrame({"code": [value]}))
        else:
            refusal = str(desk.refusal(key, pl.DataFrame({"code": [value]})))
            assert f"cannot tell the key {key!r} from {kept!r}. Store the key as text (a VARCHAR column)" in refusal
    assert list(store.committed(desk.asset, {})) == [kept]
    assert desk.read(kept).height == 1
    store.close()


def test_as_text_they_are_different(store):
    desk = Desk(store, StaticPartitionsDefinition(["7", "07"]), "code")
    for key in ("7", "07", "7"):
        desk.write(key, pl.DataFrame({"code": [key]}))
    assert [desk.read(key).height for key in ("7", "07")] == [1, 1]


def test_a_key_that_the_column_spells_otherwise_neither_reads_nor_wipes_its_twins_rows(store):
    desk = Desk(store, StaticPartitionsDefinition(["7", "07"]), "code")
    desk.write("7", pl.DataFrame({"code": [7]}))
    for attempt in (lambda: desk.read("07"), lambda: store.wipe(desk.output("07"))):
        with pytest.raises(StorageError, match="cannot tell the key '07' from '7'"):
            attempt()
    assert desk.read("7").height == 1
