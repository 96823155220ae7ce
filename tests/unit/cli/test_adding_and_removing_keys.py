"""`gapless partitions add` and `remove`, and what the other commands say of dynamic partitions."""

import io
import sys

import pytest

from gapless.ledger.home import open_ledger

DEFINITIONS = """
import polars as pl

import gapless as dg

customers = dg.DynamicPartitionsDefinition(name="customers")
shops = dg.DynamicPartitionsDefinition(name="shops")
days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03")
by_day = dg.MultiPartitionsDefinition({"date": days, "customer": customers})
by_shop = dg.MultiPartitionsDefinition({"shop": shops, "customer": customers})


@dg.asset(partitions_def=customers, metadata={"partition_expr": "customer"})
def orders(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame({"customer": [context.partition_key] * 3})


@dg.asset(partitions_def=by_day, metadata={"partition_expr": {"date": "date", "customer": "customer"}})
def visits(context: dg.AssetExecutionContext) -> pl.DataFrame:
    return pl.DataFrame([dict(context.multi_partition_key.keys_by_dimension)])


@dg.asset(partitions_def=by_shop)
def sales(context: dg.AssetExecutionContext) -> None: ...


@dg.asset(partitions_def=shops)
def rents(context: dg.AssetExecutionContext) -> None: ...


@dg.asset(partitions_def=days)
def plays(context: dg.AssetExecutionContext) -> None: ...


@dg.asset
def report() -> None: ...


job = dg.define_asset_job("orders_job", selection=["orders"])
defs = dg.Definitions(
    assets=[orders, visits, sales, rents, plays, report],
    resources={"io_manager": dg.DuckDBPolarsIOManager(database="db.duckdb")},
    schedules=[dg.build_schedule_from_partitioned_job(job, cron_schedule="0 6 * * *")],
)
"""


@pytest.fixture
def shop(folder):
    (folder / "definitions.py").write_text(DEFINITIONS, encoding="utf-8")
    return folder


@pytest.fixture
def typed(monkeypatch):
    """What is on standard input."""

    def on_input(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return on_input


def keys_of(name):
    with open_ledger() as ledger:
        return ledger.get_dynamic_partitions(name)


def test_add_says_what_is_new_and_what_to_do_then(cli, shop):
    ended = cli("partitions", "add", "customers", "bolt", "acme", "bolt")
    assert (ended.code, ended.out) == (
        0,
        "customers: 2 keys added: bolt, acme\n\nmake what is missing  gapless materialize orders visits sales\n",
    )
    assert cli("partitions", "add", "customers", "acme", "cash").out.startswith(
        "customers: 1 key added: cash; 1 there already\n"
    )
    assert cli("partitions", "add", "customers", "acme").out == "customers: 0 keys added; 1 there already\n"
    assert keys_of("customers") == ["bolt", "acme", "cash"]
    assert cli("partitions", "add", "customers", "acme", "dart", "--json").json == {
        "name": "customers",
        "added": ["dart"],
        "there_already": ["acme"],
    }


def test_an_asset_stands_for_its_dynamic_partitions(cli, shop):
    assert cli("partitions", "add", "orders", "acme").out.startswith("customers: 1 key added: acme")
    assert cli("partitions", "add", "visits", "bolt").out.startswith("customers: 1 key added: bolt")
    assert cli("partitions", "remove", "orders", "acme").out == "customers: 1 key removed: acme\n"
    assert keys_of("customers") == ["bolt"]


def test_a_long_list_is_cut(cli, shop):
    out = cli("partitions", "add", "customers", *(f"c{n}" for n in range(1200))).out
    assert out.startswith("customers: 1,200 keys added: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 1,190 more\n")


@pytest.mark.parametrize(
    ("data", "added"),
    [
        (b"acme\nbolt\n", ["acme", "bolt"]),
        (b"\xef\xbb\xbfacme\r\n\r\n bolt \r\nacme", ["acme", " bolt "]),
        ("été\u2028x\n".encode(), ["été\u2028x"]),
        (b"acme\n  \n\t\n\n", ["acme"]),
        (b"", []),
    ],
)
def test_keys_are_read_from_standard_input_one_a_line(cli, shop, typed, data, added):
    typed(data)
    assert cli("partitions", "add", "customers", "-", "--json").json["added"] == added
    typed(data)
    assert cli("partitions", "remove", "customers", "-", "--json").json["removed"] == added


def test_what_is_no_text_on_standard_input_is_refused(cli, shop, typed):
    typed(b"acme\ncaf\xe9\n")
    ended = cli("partitions", "add", "customers", "-")
    assert ended.code == 2
    assert "it is not valid Unicode, so nothing could store it. Decode it from bytes" in ended.err
    assert keys_of("customers") == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("order", "a"), "there are no dynamic partitions 'order', and no asset of that name. Did you mean 'orders'?"),
        (
            ("zzzzz", "a"),
            "there are no dynamic partitions 'zzzzz', and no asset of that name. There are: customers, sh",
        ),
        (
            ("report", "a"),
            "asset 'report' is unpartitioned, so its keys are neither added nor removed. Those of dynamic",
        ),
        (
            ("plays", "a"),
            "asset 'plays' is partitioned daily from 2024-01-01 to before 2024-01-03, so its keys are nei",
        ),
        (
            ("sales", "a"),
            "asset 'sales' has several dynamic partitions: customers, shops. Name one of them, as in: gap",
        ),
        (
            ("customers", "a...b"),
            "'a...b' cannot be a key of the dynamic partitions 'customers': it has '...', which w",
        ),
        (
            ("customers", "a", "b|c"),
            "'b|c' has '|', which joins the dimensions of a key, and 'customers' is the dimension 'customer' of asset"
            " 'visits'. Nothing was added; choose another character.",
        ),
        (("customers", "a", ""), "'' cannot be a key of the dynamic partitions 'customers': it is blank. Nothing"),
        (("customers", "  "), "'  ' cannot be a key of the dynamic partitions 'customers': it is blank."),
        (("customers",), "missing argument 'KEY...'. Help: gapless partitions add --help"),
    ],
)
def test_what_cannot_be_added_is_refused_with_the_reason(cli, shop, words, message):
    ended = cli("partitions", "add", *words)
    assert (ended.code, ended.out) == (2, "")
    assert f"error: {message}" in ended.err
    assert keys_of("customers") == []


def test_a_key_that_locks_a_project_is_removed_as_the_message_says(cli, shop):
    with open_ledger() as ledger:  # which knows of no dimension
        ledger.add_dynamic_partitions("customers", ["acme", "a|b", "bolt"])
    for words in (("status",), ("plan", "visits"), ("partitions", "add", "customers", "zeta")):
        ended = cli(*words)
        assert ended.code == 2
        assert "Remove it with: gapless partitions remove customers 'a|b'" in ended.err
    assert cli("partitions", "remove", "customers", "bolt").out == "customers: 1 key removed: bolt\n"
    assert cli("partitions", "remove", "customers", "a|b", "--wipe", "--yes").out == "customers: 1 key removed: a|b\n"
    assert cli("status").code == 0
    assert keys_of("customers") == ["acme"]


def test_a_project_without_dynamic_partitions_says_how_to_declare_them(cli, project):
    ended = cli("partitions", "add", "customers", "acme")
    assert ended.code == 2
    assert "No asset has any; declare them with DynamicPartitionsDefinition(name=…)." in ended.err
    assert cli("partitions", "add", "report", "acme").err.endswith("so its keys are neither added nor removed.\n")


def test_removing_says_what_was_there_and_what_stays(cli, shop):
    cli("partitions", "add", "customers", "acme", "bolt")
    cli("materialize", "orders", "visits")

    out = cli("partitions", "remove", "customers", "acme", "zork").out

    assert out == (
        "customers: 1 key removed: acme; 1 not there\n"
        "rows and status stay, of orders (1 partition), visits (2 partitions)\n\n"
        "delete them as well  gapless partitions remove customers acme zork --wipe\n"
    )
    status = cli("status", "orders").out
    assert "1 of 1 partition materialized, 3 rows" in status
    assert "orders: 1 partition on record is not in its partitions definition; not counted." in status
    left = cli("partitions", "remove", "customers", "bolt", "--json").json
    assert left == {
        "name": "customers",
        "removed": ["bolt"],
        "not_there": [],
        "wiped": [],
        "left_on_record": {"orders": 1, "visits": 2},
    }


@pytest.mark.parametrize("removed_before", [False, True])
def test_wipe_deletes_rows_and_status_also_of_keys_that_were_removed_before(cli, shop, removed_before):
    cli("partitions", "add", "customers", "acme", "bolt")
    cli("materialize", "orders", "visits")
    if removed_before:
        cli("partitions", "remove", "customers", "acme")

    ended = cli("partitions", "remove", "customers", "acme", "--wipe", "--yes", "--json")

    assert ended.json["wiped"] == [
        {"asset": "orders", "partitions": 1, "rows": 3},
        {"asset": "visits", "partitions": 2, "rows": 2},
    ]
    assert ended.json["removed"] == ([] if removed_before else ["acme"])
    assert keys_of("customers") == ["bolt"]
    rows = cli("query", "SELECT customer FROM public.orders UNION ALL SELECT customer FROM public.visits", "--json")
    assert "acme" not in rows.out
    assert "bolt" in rows.out


def test_wipe_asks_first(cli, shop, typed):
    cli("partitions", "add", "customers", "acme")
    cli("materialize", "orders")
    typed(b"n\n")

    ended = cli("partitions", "remove", "customers", "acme", "--wipe")

    assert ended.out.startswith("  orders  acme\n")
    assert "nothing was removed." in ended.out
    assert keys_of("customers") == ["acme"]
    typed(b"y\n")
    out = cli("partitions", "remove", "customers", "acme", "--wipe").out
    assert "customers: 1 key removed: acme\norders: 1 partition forgotten, 3 rows deleted.\n" in out


def test_removing_from_a_fresh_project_leaves_no_trace(cli, shop):
    assert cli("partitions", "remove", "customers", "acme").out == "customers: 0 keys removed; 1 not there\n"
    assert not (shop / ".gapless").exists()


def test_list_shows_the_keys_with_the_states_of_an_asset_or_alone(cli, shop):
    cli("partitions", "add", "customers", "bolt", "acme")
    cli("materialize", "orders", "--partition", "bolt")
    assert cli("partitions", "list", "orders").out == "■ bolt  materialized  3 rows\n· acme  missing\n"
    assert cli("partitions", "list", "orders", "missing").out == "· acme  missing\n"
    assert cli("partitions", "list", "customers").out == "bolt\nacme\n"
    assert cli("partitions", "list", "customers", "--limit", "1").out == "acme\n… the newest 1 of 2 keys\n"
    assert cli("partitions", "list", "customers", "--limit", "1", "--json").json == {
        "name": "customers",
        "extent": 2,
        "partitions": ["acme"],
    }


def test_where_there_is_no_key_yet_the_command_to_add_one_is_given(cli, shop):
    add = "gapless partitions add customers KEY"
    assert cli("partitions", "list", "customers").out == f"customers has no keys yet. Add one: {add}\n"
    assert cli("partitions", "list", "orders").out == (
        f"orders has no partitions yet: dynamic 'customers'.\nadd a key  {add}\n"
    )
    assert f"add a key  {add}" in cli("status", "orders").out
    assert "gapless partitions add shops KEY" in cli("status").out
    cli("partitions", "add", "customers", "acme")
    assert "add a key" not in cli("status", "orders").out
    sales = cli("status", "sales").out
    assert "gapless partitions add shops KEY" in sales
    assert add not in sales


@pytest.mark.parametrize(("asset", "key"), [("orders", "zork"), ("visits", "zork|2024-01-02")])
def test_an_unknown_partition_comes_with_the_command_that_adds_it(cli, shop, asset, key):
    for command in ("plan", "materialize"):
        ended = cli(command, asset, "--partition", key)
        assert ended.code == 2
        assert "Add it with: gapless partitions add customers zork" in ended.err


def test_plan_materialize_wipe_and_schedules_know_the_keys(cli, shop):
    cli("partitions", "add", "customers", "bolt", "it's; drop", "acme")
    assert cli("plan", "orders", "--range", "it's; drop..acme", "--json").json["total"] == 2
    assert cli("materialize", "orders").code == 0
    assert cli("plan", "visits", "--partitions", "customer=bolt", "--json").json["total"] == 2
    assert "bolt..acme (3 partitions)" in cli("schedules", "preview", "orders_job_schedule").out
    assert "bolt..acme (3 partitions)" in cli("schedules", "start", "orders_job_schedule").out
    assert cli("schedules", "list", "--json").json[0]["running"] is True
    assert cli("schedules", "stop", "orders_job_schedule").code == 0
    assert "3 rows deleted" in cli("wipe", "orders", "--partition", "it's; drop", "--yes").out
    assert cli("status", "orders", "--json").json["missing"] == 1
