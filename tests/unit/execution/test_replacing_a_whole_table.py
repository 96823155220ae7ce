"""Values of an asset that may begin its table anew are committed together."""

from __future__ import annotations

import threading

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import StorageError
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import EventKind
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest, Scope
from gapless.storage.slices import Refused

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
KEYS = [f"2024-01-0{day}" for day in range(1, 8)]
BY_DATE = {"partition_expr": "date"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


def materialized(home, asset):
    with open_ledger(home) as ledger:
        return {event.partition: event.payload for event in ledger.events(asset=asset, kinds=[EventKind.MATERIALIZED])}


def rewritten(kind, **arguments):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, schema_policy="replace", **arguments)
    def plays(context):
        return pl.DataFrame({"n": [kind], "date": [context.partition_key]})

    return plays


@pytest.mark.parametrize("workers", [1, 2])
def test_a_table_begins_anew_if_a_run_makes_all_of_it(home, resources, workers):
    assert materialize([rewritten("text")], resources=resources, home=home, workers=workers).success
    result = materialize([rewritten(1)], resources=resources, home=home, workers=workers, scope=Scope.ALL)
    assert result.success, result.failed
    assert set(materialized(home, "plays")[KEYS[0]]["columns"]) == {"n", "date"}
    assert materialized(home, "plays")[KEYS[0]]["columns"]["n"] == "BIGINT"


def test_a_part_of_a_table_does_not_begin_it_anew(home, resources):
    assert materialize([rewritten("text")], resources=resources, home=home).success
    result = materialize(
        [rewritten(1.5)], resources=resources, home=home, partition_keys=KEYS[:6], raise_on_error=False
    )
    assert result.materialized == 0


def test_an_asset_that_reads_its_own_yesterday_is_not_held_up(home, resources):
    yesterday = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)

    @dg.asset(
        partitions_def=DAYS,
        metadata=BY_DATE,
        schema_policy="replace",
        ins={"plays": dg.AssetIn(partition_mapping=yesterday)},
    )
    def plays(context, plays):
        return pl.DataFrame({"n": [plays.height], "date": [context.partition_key]})

    result = materialize([plays], resources=resources, home=home)
    assert result.success
    assert result.materialized == 7


def test_values_that_wait_for_each_other_do_not_keep_more_from_being_made(home, resources):
    many = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-06-01")
    most, lock = [0, 0], threading.Lock()

    @dg.asset(partitions_def=many, metadata=BY_DATE, schema_policy="replace")
    def plays(context):
        with lock:
            most[0] += 1
        return pl.DataFrame({"date": [context.partition_key]})

    result = materialize([plays], resources=resources, home=home)
    assert result.materialized == most[0] == 152
    assert len({r.committed_at for r in resources["io_manager"].commit_records([result.run_id])}) == 1


def test_values_that_wait_in_two_databases_do_not_wait_for_each_other_for_ever(home, tmp_path, monkeypatch):
    # Neither of the two has too much; together they have, so nothing more is made.
    monkeypatch.setattr("gapless.execution.handover.STAGED_BUDGET", 3 * 2**20)

    def made_in(store):
        @dg.asset(
            name=store,
            partitions_def=DAYS,
            metadata=BY_DATE,
            schema_policy="replace",
            io_manager_key=store,
            backfill_policy=dg.BackfillPolicy.single_run(),
        )
        def plays(context):
            for key in context.partition_keys:
                yield key, pl.DataFrame({"n": pl.int_range(50_000, eager=True), "date": key})

        return plays

    cancel = CancelToken()
    hanging = threading.Timer(10, cancel.cancel)
    hanging.start()
    resources = {name: DuckDBPolarsIOManager(tmp_path / f"{name}.duckdb") for name in ("one", "two")}
    with Engine(project_of([made_in("one"), made_in("two")], resources), open_ledger(home)) as engine:
        made = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        result = engine.run(made, workers=2, cancel=cancel)
    hanging.cancel()
    assert (result.materialized, result.failed, result.interrupted) == (14, (), ())


class FullAtFirst(DuckDBPolarsIOManager):
    """Refuses its first commits."""

    def __init__(self, database, refused):
        super().__init__(database)
        self.refused, self.commits = refused, 0

    def commit(self, staged):
        self.commits += 1
        if self.commits <= self.refused:
            return [Refused(StorageError("not now"))] * len(staged)
        return super().commit(staged)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("in_batches", [False, True])
def test_what_was_refused_and_is_made_again_is_committed_together_again(home, resources, tmp_path, workers, in_batches):
    assert materialize([rewritten("text")], resources=resources, home=home).success

    def plays(context):
        return pl.DataFrame({"n": 1, "date": context.partition_keys})

    again = dg.asset(
        partitions_def=DAYS,
        metadata=BY_DATE,
        schema_policy="replace",
        retry_policy=dg.RetryPolicy(max_retries=1),
        backfill_policy=dg.BackfillPolicy.multi_run(3) if in_batches else None,
    )(plays)
    store = FullAtFirst(str(tmp_path / "db.duckdb"), 2 if in_batches else 1)  # whole, then taken apart
    result = materialize(
        [again], resources={"io_manager": store}, home=home, workers=workers, scope=Scope.ALL, raise_on_error=False
    )
    assert (result.materialized, result.failed) == (7, ())
    assert store.commits == store.refused + 1
