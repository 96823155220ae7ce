from __future__ import annotations

import logging

import pytest

from gapless import (
    AssetIn,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    EnvVar,
    ResourceParam,
    asset,
)
from gapless.definitions.definitions import project_of
from gapless.definitions.errors import DefinitionErrors
from gapless.definitions.resources import ready_resources
from gapless.errors import DefinitionError
from gapless.partitions import MultiPartitionsDefinition, StaticPartitionsDefinition

DAILY = DailyPartitionsDefinition("2024-01-01")


class Client(ConfigurableResource):
    url: str
    retries: int = 3


def made(key: str, **how):
    @asset(key=key, **how)
    def function(): ...

    return function


def refusal(assets, resources=None) -> str:
    with pytest.raises(DefinitionError) as caught:
        project_of(assets, resources)
    assert "test_resource_requirements.py:" in str(caught.value)
    return str(caught.value)


def test_an_asset_that_stores_needs_its_io_manager(memory):
    plays = made("plays")
    assert refusal([plays]) == (
        f"{plays.where}: asset 'plays' stores its value with the resource 'io_manager', but none of that name is"
        ' declared. Add it to Definitions(resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")}).'
        " Or annotate the function `-> None` if it stores its data itself."
    )
    assert project_of([plays], memory).resources == memory


def test_an_asset_that_stores_nothing_needs_none_until_somebody_loads_it():
    @asset
    def own() -> None: ...

    @asset
    def reader(own) -> None: ...

    assert len(project_of([own]).graph) == 1
    assert "asset 'own' stores its value with the resource 'io_manager'" in refusal([own, reader])


def test_a_misspelt_manager_offers_the_closest(memory):
    resources = {"warehouse": memory["io_manager"]}
    message = refusal([made("plays", io_manager_key="warehose")], resources)
    assert "the resource 'warehose', but none of that name is declared. Did you mean 'warehouse'?" in message


def test_an_input_manager_must_be_there_too(memory):
    @asset(ins={"plays": AssetIn(input_manager_key="files")})
    def total(plays): ...

    message = refusal([made("plays"), total], memory)
    assert "asset 'total' loads its parameter 'plays' with the resource 'files', but none" in message


@pytest.mark.parametrize("wrong", ["text", object()])
def test_what_cannot_store_is_no_io_manager(wrong):
    message = refusal([made("plays")], {"io_manager": wrong})
    assert f"the resource 'io_manager', which is a {type(wrong).__name__}, not an IO manager" in message


def test_a_class_instead_of_an_object_is_pointed_out(memory):
    message = refusal([made("plays")], {"io_manager": type(memory["io_manager"])})
    assert "which is the class MemoryManager, not an IO manager. Write MemoryManager(…)." in message


def test_a_partitioned_table_needs_a_partition_expr(table, memory):
    plays = made("plays", partitions_def=DAILY)
    assert refusal([plays], table) == (
        f"{plays.where}: asset 'plays' is partitioned and stored in a table by TableManager, but does not say which"
        ' column tells the partition of a row. Add metadata={"partition_expr": "date"} to @asset, with the name of'
        " that column or an SQL expression. Or annotate the function `-> MaterializeResult`, or `-> None`, if it stores"
        " its data itself."
    )
    assert project_of([plays], memory)
    assert project_of([made("whole")], table)
    assert project_of([made("plays", partitions_def=DAILY, metadata={"partition_expr": "date"})], table)


def test_a_function_that_says_that_it_returns_a_value_is_not_told_to_store_it_itself(table):
    @asset(partitions_def=DAILY)
    def plays() -> list[int]: ...

    assert refusal([plays], table).endswith("with the name of that column or an SQL expression.")


@pytest.mark.parametrize("wrong", [3, "", "  "])
def test_a_partition_expr_is_text(table, wrong):
    message = refusal([made("plays", partitions_def=DAILY, metadata={"partition_expr": wrong})], table)
    assert f"asset 'plays' has partition_expr={wrong!r}; expected a column or an SQL expression" in message


def test_a_missing_resource_is_named_with_what_to_add(memory):
    @asset(required_resource_keys={"hidden"})
    def plays(client: Client, other: ResourceParam[object]): ...

    with pytest.raises(DefinitionErrors) as caught:
        project_of([plays], memory)
    texts = [str(error) for error in caught.value.errors]
    assert [error.location for error in caught.value.errors] == [plays.where] * 3
    assert "asset 'plays' needs the resource 'client', but none of that name is declared" in texts[0]
    assert 'Add it to Definitions(resources={"client": Client(…)}).' in texts[0]
    assert 'Add it to Definitions(resources={"hidden": …}).' in texts[1]
    assert "'other'" in texts[2]


def test_a_misspelt_resource_offers_the_closest(memory):
    @asset
    def plays(client: Client): ...

    assert "Did you mean 'cliend'?" in refusal([plays], {**memory, "cliend": Client(url="u")})


def test_a_resource_of_another_class_is_refused(memory):
    @asset
    def plays(client: Client): ...

    message = refusal([plays], {**memory, "client": "http://x"})
    assert "asset 'plays' takes the resource 'client' as a Client, but it is a str." in message
    assert 'Write resources={"client": Client(…)}.' in message
    assert "but it is the class Client" in refusal([plays], {**memory, "client": Client})


def plain(): ...


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: Definitions([plain]), "assets of Definitions hold the function plain(), which does not belong there."),
        (lambda: Definitions(made("a")), "Definitions got assets=<asset 'a'>; expected a list. Write assets=[…]."),
        (lambda: Definitions(jobs=["x"]), "jobs of Definitions hold 'x', which does not belong there. Make a job with"),
        (lambda: Definitions(schedules=[made("a")]), "schedules of Definitions hold"),
        (lambda: Definitions(resources=[1]), "resources are [1]; expected a dict of names"),
    ],
)
def test_what_does_not_belong_into_definitions_is_refused(declare, message):
    with pytest.raises(DefinitionError) as caught:
        declare()
    assert message in str(caught.value)
    assert "test_resource_requirements.py:" in str(caught.value)


def test_assets_may_come_as_lists_of_lists(memory):
    a, b, c = made("a"), made("b"), made("c")
    assert Definitions([a, [b, (c,)], a], memory).assets == (a, b, c)


def test_definitions_merge_unless_they_disagree(memory):
    shared = memory["io_manager"]
    merged = Definitions.merge(Definitions([made("a")], memory), Definitions([made("b")], {"io_manager": shared}))
    assert len(merged.resolve().graph) == 2
    with pytest.raises(DefinitionError, match="the resource 'io_manager' is declared twice, by two objects"):
        Definitions.merge(Definitions(resources=memory), Definitions(resources={"io_manager": object()}))


# --- environment


def test_the_environment_is_read_when_a_run_begins(monkeypatch):
    declared = Client(url=EnvVar("CLIENT_URL"), retries=EnvVar.int("CLIENT_RETRIES"))
    monkeypatch.setenv("CLIENT_URL", "http://x")
    monkeypatch.setenv("CLIENT_RETRIES", "7")
    with ready_resources({"client": declared}, ["client"], None) as ready:
        assert (ready["client"].url, ready["client"].retries) == ("http://x", 7)
    assert repr(declared.url) == "EnvVar('CLIENT_URL')"
    assert repr(declared.retries) == "EnvVar.int('CLIENT_RETRIES')"


def test_a_variable_that_is_not_set_is_named_with_what_needs_it(monkeypatch):
    monkeypatch.delenv("CLIENT_URL", raising=False)
    client = Client(url=EnvVar("CLIENT_URL"))
    with pytest.raises(DefinitionError) as caught, ready_resources({"client": client}, ["client"], None):
        pass
    assert str(caught.value) == (
        "field 'url' of resource 'client' needs the environment variable CLIENT_URL, which is not set."
        " Set it: export CLIENT_URL=…"
    )
    assert EnvVar("CLIENT_URL").get_value() is None
    assert EnvVar("CLIENT_URL").get_value("default") == "default"


def test_a_variable_that_is_no_number_is_refused(monkeypatch):
    monkeypatch.setenv("CLIENT_RETRIES", "many")
    with pytest.raises(DefinitionError, match="CLIENT_RETRIES is 'many', which is not a whole number"):
        EnvVar.int("CLIENT_RETRIES").get_value()
    client = Client(url="u", retries=EnvVar("CLIENT_RETRIES"))
    with (
        pytest.raises(DefinitionError, match="resource 'client' cannot be set up: 1 validation error for Client"),
        ready_resources({"client": client}, ["client"], None),
    ):
        pass


# --- life


class Pool(ConfigurableResource):
    name: str = "pool"

    def setup_for_execution(self, context):
        context.info("up %s", self.name)

    def teardown_after_execution(self, context):
        context.info("down %s", self.name)


class Store(Pool):
    pool: Pool


def test_nested_resources_are_set_up_first_and_put_away_last_even_after_an_error(caplog):
    caplog.set_level(logging.INFO)
    resources = {"store": Store(name="store", pool=Pool()), "plain": 3, "unused": Pool(name="unused")}

    def run():
        with ready_resources(resources, ["store", "plain"], logging.getLogger("test")) as ready:
            assert ready["plain"] == 3
            raise KeyError

    with pytest.raises(KeyError):
        run()
    assert caplog.messages == ["up pool", "up store", "down store", "down pool"]


def test_a_config_refuses_what_it_does_not_know():
    class Settings(Config):
        limit: int = 3

    assert Settings().limit == 3
    with pytest.raises(ValueError, match="Extra inputs are not permitted"):
        Settings(limits=4)


TWO = MultiPartitionsDefinition({"date": DAILY, "region": StaticPartitionsDefinition(["eu", "us"])})


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        (
            {"date": "day", "region": "region", "colour": "c"},
            "speaks of 'colour', which is none of its dimensions ('date', 'region')",
        ),
        ({"date": "day", "region": 3}, "has ('region', 3); expected a column or an SQL expression"),
    ],
)
def test_a_column_is_named_for_a_dimension_that_there_is(table, expression, reason):
    message = refusal([made("plays", partitions_def=TWO, metadata={"partition_expr": expression})], table)
    assert (
        "asset 'plays' is partitioned by 2 dimensions and stored in a table by TableManager, but its partition_expr"
        f" {reason}. Name the columns that are not called like their dimension:"
        ' metadata={"partition_expr": {"date": "date", "region": "region"}}.' in message
    )


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        (None, {"date": "date", "region": "region"}),
        ({}, {"date": "date", "region": "region"}),
        ({"date": "day"}, {"date": "day", "region": "region"}),
        ({"date": "day", "region": "upper(region)"}, {"date": "day", "region": "upper(region)"}),
        ("day || '|' || region", "day || '|' || region"),
    ],
)
def test_a_dimension_that_is_not_named_is_the_column_of_its_name(table, expression, meant):
    plays = made("plays", partitions_def=TWO, metadata={} if expression is None else {"partition_expr": expression})
    assert project_of([plays], table)
    assert plays.partition_expr == meant


def test_a_dimension_whose_name_is_no_plain_name_is_quoted():
    odd = MultiPartitionsDefinition({"my region": DAILY, "day": DAILY})
    expected = {"my region": '"my region"', "day": "day"}
    assert made("plays", partitions_def=odd).partition_expr == expected
