"""Tables whose partitions are told by several columns."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gapless.asset_key import AssetKey
from gapless.definitions.asset import asset
from gapless.execution.table_slices import input_slices, output_slices
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionsDefinition,
    StaticPartitionsDefinition,
)
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.errors import MissingPartitionColumnError, RowsOutsidePartitionError
from gapless.storage.slices import Committed, PartitionSlice, Refused

REGIONS = StaticPartitionsDefinition(["eu", "it's; drop table plays --", "us"])
BY_DAY = MultiPartitionsDefinition({"day": DailyPartitionsDefinition("2024-01-01"), "region": REGIONS})


@pytest.fixture
def store(tmp_path):
    manager = DuckDBPolarsIOManager(database=str(tmp_path / "db.duckdb"))
    yield manager
    manager.close()


def table_of(definition, expression):
    @asset(name="plays", partitions_def=definition, metadata={"partition_expr": expression})
    def plays(): ...

    return plays


PLAYS = table_of(BY_DAY, {"day": "day", "region": "region"})


def staged(store, keys, frame, made=PLAYS):
    return store.stage(output_slices(made, made.partitions_def.ordinals_of(keys), "run"), frame)


def commit(store, keys, frame, made=PLAYS):
    (outcome,) = store.commit([staged(store, keys, frame, made)])
    return outcome


def read(store, keys, made=PLAYS):
    return store.load(input_slices(made, made.partitions_def.ordinals_of(keys), None), pl.DataFrame)


def rows(*pairs, n=1):
    return pl.DataFrame(
        {"day": [date.fromisoformat(day) for day, _ in pairs], "region": [r for _, r in pairs], "n": [n] * len(pairs)},
        schema={"day": pl.Date, "region": pl.String, "n": pl.Int64},
    )


def test_a_slice_is_replaced_and_its_neighbours_in_each_dimension_stay(store):
    for day, region in itertools.product(("2024-01-01", "2024-01-02"), REGIONS.get_partition_keys()):
        assert isinstance(commit(store, [f"{day}|{region}"], rows((day, region))), Committed)

    commit(store, ["2024-01-01|eu"], rows(("2024-01-01", "eu"), ("2024-01-01", "eu"), n=7))

    assert read(store, ["2024-01-01|eu"])["n"].to_list() == [7, 7]
    assert read(store, ["2024-01-01|us", "2024-01-02|eu"])["n"].to_list() == [1, 1]
    assert read(store, [f"2024-01-0{d}|it's; drop table plays --" for d in (1, 2)])["n"].to_list() == [1, 1]


@pytest.mark.parametrize("stray", [("2024-01-02", "eu"), ("2024-01-01", "us"), ("2024-01-01", None)])
def test_a_row_outside_in_any_dimension_is_refused_and_nothing_is_lost(store, stray):
    commit(store, ["2024-01-01|eu"], rows(("2024-01-01", "eu")))
    outcome = commit(store, ["2024-01-01|eu"], rows(("2024-01-01", "eu"), stray, n=2))

    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, RowsOutsidePartitionError)
    message = str(outcome.error)
    assert "asset 'plays', partition '2024-01-01|eu'" in message
    assert "1 of 2 rows" in message
    assert f"{stray[0]}|{stray[1] or 'NULL'}" in message
    assert "day 2024-01-01 up to, but not including, 2024-01-02; region 'eu'" in message
    assert read(store, ["2024-01-01|eu"])["n"].to_list() == [1]


def test_one_bad_slice_of_a_group_fails_alone(store):
    good, bad = rows(("2024-01-01", "eu")), rows(("2024-01-01", "us"))
    outcomes = store.commit(
        [staged(store, [key], frame) for key, frame in (("2024-01-01|eu", good), ("2024-01-02|us", bad))]
    )
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused]
    assert read(store, ["2024-01-01|eu", "2024-01-01|us", "2024-01-02|us"]).height == 1


def test_one_frame_may_hold_several_slices_and_each_is_counted(store):
    keys = ["2024-01-01|eu", "2024-01-01|us", "2024-01-02|eu"]
    outcome = commit(store, keys, rows(("2024-01-01", "eu"), ("2024-01-02", "eu"), ("2024-01-02", "eu")))
    assert outcome.rows == {"2024-01-01|eu": 1, "2024-01-01|us": 0, "2024-01-02|eu": 2}

    outside = commit(store, keys, rows(("2024-01-01", "eu"), ("2024-01-02", "us")))
    assert "1 of 2 rows" in str(outside.error)


def test_the_repeated_hour_is_told_by_its_instant_in_each_region(store):
    hours = MultiPartitionsDefinition(
        {"hour": HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York"), "region": REGIONS}
    )
    made = table_of(hours, {"hour": "at", "region": "region"})
    first, second = (datetime(2024, 11, 3, 1, tzinfo=ZoneInfo("America/New_York"), fold=fold) for fold in (0, 1))
    for key, at in (("2024-11-03-01:00", first), ("2024-11-03-01:00-0500", second)):
        for region in ("eu", "us"):
            frame = pl.DataFrame({"at": [at.astimezone(UTC)], "region": [region]})
            assert isinstance(commit(store, [f"{key}|{region}"], frame, made), Committed)

    (found,) = read(store, ["2024-11-03-01:00|eu"], made)["at"].to_list()
    assert found.timestamp() == first.timestamp()
    assert read(store, [f"2024-11-03-01:00-0500|{region}" for region in ("eu", "us")], made).height == 2


def test_any_expressions_may_tell_the_dimensions(store):
    made = table_of(BY_DAY, {"day": "to_timestamp(seconds)", "region": "lower(code)"})
    noon = int(datetime(2024, 1, 2, 12, tzinfo=UTC).timestamp())
    assert isinstance(
        commit(store, ["2024-01-02|eu"], pl.DataFrame({"seconds": [noon], "code": ["EU"]}), made), Committed
    )
    assert read(store, ["2024-01-02|eu"], made).height == 1


def test_a_missing_column_of_a_dimension_is_named(store):
    with pytest.raises(MissingPartitionColumnError) as caught:
        staged(store, ["2024-01-01|eu"], rows(("2024-01-01", "eu")).drop("region"))
    assert "has no column 'region', which is expected to tell the dimension of that name; its columns are" in str(
        caught.value
    )
    assert str(caught.value).endswith(
        ' Add it with .with_columns(region=pl.lit(context.multi_partition_key.keys_by_dimension["region"])), or change'
        ' metadata {"partition_expr": {"region": "…"}}.'
    )


def test_wiping_a_slice_leaves_the_others(store):
    commit(store, ["2024-01-01|eu", "2024-01-01|us"], rows(("2024-01-01", "eu"), ("2024-01-01", "us")))
    assert store.wipe(output_slices(PLAYS, BY_DAY.ordinals_of(["2024-01-01|us"]), "")) == 1
    assert read(store, ["2024-01-01|eu", "2024-01-01|us"])["region"].to_list() == ["eu"]
    assert set(store.committed(AssetKey.of("plays"), {})) == {"2024-01-01|eu"}


def test_a_text_that_yields_the_whole_key_will_do_as_well():
    made = table_of(BY_DAY, "strftime(day, '%Y-%m-%d') || '|' || region")
    slices = output_slices(made, BY_DAY.ordinals_of(["2024-01-01|eu"]), "run")
    assert slices.slices == (PartitionSlice("2024-01-01|eu"),)
    assert slices.expressions == ("strftime(day, '%Y-%m-%d') || '|' || region",)


POINTS = st.sets(st.tuples(st.integers(1, 4), st.sampled_from(REGIONS.get_partition_keys())), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.lists(POINTS, min_size=1, max_size=4), asked=POINTS)
def test_what_is_read_is_what_a_dict_of_slices_holds(tmp_path_factory, writes, asked):
    store = DuckDBPolarsIOManager(database=str(tmp_path_factory.mktemp("model") / "db.duckdb"))
    model: dict[str, int] = {}
    try:
        for n, points in enumerate(writes):
            named = {f"2024-01-0{day}|{region}": (f"2024-01-0{day}", region) for day, region in points}
            outcomes = store.commit([staged(store, [key], rows(pair, n=n)) for key, pair in named.items()])
            assert all(isinstance(outcome, Committed) for outcome in outcomes)
            model |= dict.fromkeys(named, n)
        keys = [f"2024-01-0{day}|{region}" for day, region in asked]
        found = {f"{day}|{region}": n for day, region, n in read(store, keys).rows()}
        assert found == {key: model[key] for key in keys if key in model}
    finally:
        store.close()


def test_a_missing_column_that_is_no_python_name_is_shown_how_to_add():
    error = MissingPartitionColumnError("plays", ("2024-01-01|eu",), "my region", ("date",), (), True)
    added = '.with_columns(pl.lit(context.multi_partition_key.keys_by_dimension["my region"]).alias("my region"))'
    assert added in str(error)
