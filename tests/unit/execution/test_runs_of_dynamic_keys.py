"""Dynamic partitions from Python: planned, made, wiped; and keys that come and go meanwhile."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import InvocationError, UnknownPartitionError
from gapless.ledger.contract import Status
from gapless.planning.request import PartitionRequest

CUSTOMERS = dg.DynamicPartitionsDefinition(name="customers")
by_customer = {"partition_expr": "customer"}


@dg.asset(partitions_def=CUSTOMERS, metadata=by_customer)
def orders(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"customer": [context.partition_key] * 2, "n": [1, 2]})


@dg.asset(partitions_def=CUSTOMERS, metadata=by_customer)
def totals(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.group_by("customer").agg(pl.col("n").sum())


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAPLESS_HOME", raising=False)
    return tmp_path


@pytest.fixture
def ledger(folder):
    with dg.open_ledger() as ledger:
        yield ledger


def store():
    return {"io_manager": DuckDBPolarsIOManager("db.duckdb")}


def make(*assets, **request):
    return materialize(list(assets) or [orders, totals], resources=store(), **request)


def rows(table="orders"):
    with duckdb.connect("db.duckdb") as connection:
        return connection.execute(f"SELECT * FROM public.{table} ORDER BY ALL").fetchall()


def planned(engine, *keys):
    return engine.plan(engine.select(None), PartitionRequest(keys), system_clock())


def test_what_was_added_is_made_and_what_is_there_is_not_made_again(ledger):
    assert make().materialized == 0
    ledger.add_dynamic_partitions("customers", ["bolt", "acme"])
    assert make().materialized == 4
    ledger.add_dynamic_partitions("customers", ["cash"])
    assert make().materialized == 2
    assert rows("totals") == [("acme", 3), ("bolt", 3), ("cash", 3)]
    assert {key: record.status for key, record in ledger.statuses("orders").items()} == dict.fromkeys(
        ["acme", "bolt", "cash"], Status.MATERIALIZED
    )


def test_one_key_is_made_by_its_name_and_an_unknown_one_is_not(ledger):
    ledger.add_dynamic_partitions("customers", ["acme", "'; drop table orders; --"])
    assert make(orders, partition_key="'; drop table orders; --").success
    assert rows() == [("'; drop table orders; --", 1), ("'; drop table orders; --", 2)]
    with pytest.raises(UnknownPartitionError, match="Add it with: gapless partitions add customers bolt"):
        make(orders, partition_key="bolt")


def test_the_ledger_of_another_home_has_keys_of_its_own(ledger, folder):
    with dg.open_ledger(folder / "other") as other:
        other.add_dynamic_partitions("customers", ["zork"])
    ledger.add_dynamic_partitions("customers", ["acme", "bolt"])
    assert make(orders, home=folder / "other").materialized == 1
    assert rows() == [("zork", 1), ("zork", 2)]


def test_a_run_makes_what_its_plan_says_whatever_is_removed_and_added_meanwhile(ledger):
    ledger.add_dynamic_partitions("customers", ["acme", "bolt", "cash"])
    with Engine(project_of([orders, totals], store()), ledger) as engine:
        plan = planned(engine, "bolt", "cash")
        ledger.delete_dynamic_partitions("customers", ["acme", "bolt"])
        ledger.add_dynamic_partitions("customers", ["dart", "acme"])
        assert engine.run(plan, workers=1).success
        assert [row[0] for row in rows("totals")] == ["bolt", "cash"]
        assert planned(engine).total == 2  # of the engine's own moment: acme
        assert planned(engine.refreshed()).total == 4  # dart and acme, of both assets


def test_a_function_may_add_keys_which_the_next_plan_sees(ledger):
    @dg.asset
    def customers() -> None:
        with dg.open_ledger() as ledger:
            ledger.add_dynamic_partitions("customers", ["acme"])

    assert make(customers, orders).materialized == 1
    assert make(customers, orders).materialized == 1
    assert rows() == [("acme", 1), ("acme", 2)]


def test_batches_follow_the_order_in_which_keys_were_added(ledger):
    calls = []

    @dg.asset(
        partitions_def=CUSTOMERS, metadata=by_customer, backfill_policy=dg.BackfillPolicy.multi_run(2), name="orders"
    )
    def batched(context: dg.AssetExecutionContext) -> pl.DataFrame:
        calls.append(list(context.partition_keys))
        return pl.DataFrame({"customer": list(context.partition_keys)})

    ledger.add_dynamic_partitions("customers", ["cash", "acme", "bolt"])
    make(batched, workers=1)
    assert calls == [["cash", "acme"], ["bolt"]]


def test_wiping_deletes_the_rows_of_a_key(ledger):
    ledger.add_dynamic_partitions("customers", ["acme", "bolt"])
    make()
    with Engine(project_of([orders, totals], store()), ledger) as engine:
        definition = engine.project.graph["orders"].partitions_def
        (wiped,) = engine.wipe({orders.key: definition.ordinals_of(["acme"])})
    assert (wiped.states, wiped.rows) == (1, 2)
    assert rows() == [("bolt", 1), ("bolt", 2)]


def test_several_dimensions_take_their_keys_from_the_ledger(ledger):
    shops = dg.DynamicPartitionsDefinition(name="shops")
    both = dg.MultiPartitionsDefinition({"customer": CUSTOMERS, "shop": shops})

    @dg.asset(partitions_def=both, metadata={"partition_expr": {"customer": "customer", "shop": "shop"}})
    def visits(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame([dict(context.multi_partition_key.keys_by_dimension)])

    ledger.add_dynamic_partitions("customers", ["bolt", "acme"])
    ledger.add_dynamic_partitions("shops", ["s1", "s2"])
    assert make(visits).materialized == 4
    ledger.add_dynamic_partitions("shops", ["s3"])
    assert make(visits).materialized == 2
    assert len(rows("visits")) == 6


def test_a_test_of_a_function_needs_no_ledger(folder):
    context = dg.build_asset_context(partition_key="acme")
    assert orders(context)["customer"].to_list() == ["acme", "acme"]
    both = dg.MultiPartitionsDefinition({"customer": CUSTOMERS, "region": dg.StaticPartitionsDefinition(["eu"])})
    context = dg.build_asset_context(partition_key="acme|eu", partitions_def=both)
    assert context.multi_partition_key.keys_by_dimension == {"customer": "acme", "region": "eu"}
    with pytest.raises(UnknownPartitionError, match="the dimension 'region' has no key 'us'"):
        dg.build_asset_context(partition_key="acme|us", partitions_def=both)
    assert not (folder / ".gapless").exists()


def test_a_test_that_says_where_the_keys_are_is_held_to_them(ledger):
    ledger.add_dynamic_partitions("customers", ["acme"])
    with dg.partition_loading_context(dynamic_partitions_store=ledger):
        assert orders(dg.build_asset_context(partition_key="acme")).height == 2
        with pytest.raises(UnknownPartitionError, match="no partition 'zork'"):
            orders(dg.build_asset_context(partition_key="zork"))


def test_a_project_that_nobody_resolved_says_so():
    project = project_of([orders, totals], store())
    with pytest.raises(InvocationError, match="the keys of the dynamic partitions 'customers' lie in the ledger"):
        project.graph["orders"].partitions_def.existing(system_clock())
