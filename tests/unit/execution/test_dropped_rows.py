"""Rows that lie outside and are left out are counted: by partition, in the history and in the run's summary."""

from __future__ import annotations

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager, PolarsParquetIOManager
from gapless.engine import materialize
from gapless.ledger.contract import EventKind
from gapless.ledger.home import open_ledger

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-04")
KEYS = [f"2024-01-0{day}" for day in range(1, 4)]
WHOLE = dg.BackfillPolicy.single_run()


def plays_of(fn, **arguments):
    return dg.asset(
        name="plays", partitions_def=DAYS, metadata={"partition_expr": "date"}, boundary_policy="drop", **arguments
    )(fn)


def frame(*keys, n=0):
    return pl.DataFrame({"n": [n] * len(keys), "date": keys}, schema={"n": pl.Int64, "date": pl.String})


def run(asset, tmp_path, *checks, store=None, **arguments):
    resources = {"io_manager": store or DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}
    return materialize([asset, *checks], resources=resources, home=tmp_path / "home", raise_on_error=False, **arguments)


def metadata(tmp_path):
    with open_ledger(tmp_path / "home") as ledger:
        made = ledger.events(asset="plays", kinds=[EventKind.MATERIALIZED])
        return {event.partition: event.payload.get("metadata", {}) for event in made}


def test_each_partition_knows_its_own_if_it_was_made_by_itself(tmp_path):
    result = run(plays_of(lambda context: frame(context.partition_key, "2020-01-01", "2020-01-02")), tmp_path)
    assert metadata(tmp_path) == {key: {"dropped_rows": 2} for key in KEYS}
    assert (result.rows, result.dropped) == (3, 6)


def test_each_pair_knows_its_own(tmp_path):
    def plays(context):
        for number, key in enumerate(context.partition_keys):
            yield key, frame(key, *["2020-01-01"] * number)

    result = run(plays_of(plays, backfill_policy=WHOLE), tmp_path)
    assert metadata(tmp_path) == {KEYS[0]: {}, KEYS[1]: {"dropped_rows": 1}, KEYS[2]: {"dropped_rows": 2}}
    assert result.dropped == 3


def test_of_one_frame_for_many_partitions_each_knows_those_of_all(tmp_path):
    result = run(plays_of(lambda context: frame(*KEYS, *["2020-01-01"] * 4), backfill_policy=WHOLE), tmp_path)
    assert metadata(tmp_path) == {key: {"dropped_rows_of_batch": 4} for key in KEYS}
    assert (result.rows, result.dropped) == (3, 4)


@pytest.mark.parametrize("store", [DuckDBPolarsIOManager, PolarsParquetIOManager])
@pytest.mark.parametrize("bad", [0, 1])
def test_of_a_frame_that_was_taken_apart_each_that_is_left_knows_those_of_all(tmp_path, bad, store):
    store = store(str(tmp_path / "data"))
    run(plays_of(lambda context: frame(*KEYS).with_columns(n=0.5), backfill_policy=WHOLE), tmp_path, store=store)
    values = [frame(key, n=2**53 + 1 if number == bad else 1) for number, key in enumerate(KEYS)]
    asset = plays_of(lambda context: pl.concat([*values, frame(*["2020-01-01"] * 4)]), backfill_policy=WHOLE)
    result = run(asset, tmp_path, store=store, partition_keys=KEYS)
    assert [report.partition for report in result.failed] == [KEYS[bad]]
    whole = {key: {"dropped_rows_of_batch": 4} for number, key in enumerate(KEYS) if number != bad}
    assert metadata(tmp_path) == {KEYS[bad]: {}, **whole}
    assert (result.rows, result.dropped) == (2, 4)


def test_of_a_frame_that_was_taken_apart_for_its_checks_each_knows_those_of_all(tmp_path):
    asset = plays_of(lambda context: frame(*KEYS, *["2020-01-01"] * 4), backfill_policy=WHOLE)
    result = run(asset, tmp_path, dg.checks.not_null(asset, "n"))
    assert metadata(tmp_path) == {key: {"dropped_rows_of_batch": 4} for key in KEYS}
    assert (result.rows, result.dropped) == (3, 4)
