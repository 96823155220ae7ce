from __future__ import annotations

import logging
from typing import Any

import pytest

import gapless as dg
from gapless.definitions.config_schema import Field, IntSource, StringSource, checked_config
from gapless.definitions.resources import ready_resources
from gapless.errors import DefinitionError


class Kept(dg.IOManager):
    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        self.values: dict[tuple[str, ...], Any] = {}

    def handle_output(self, context, obj):
        self.values[tuple(context.get_identifier())] = (obj, context.resource_config)

    def load_input(self, context):
        return self.values[tuple(context.get_identifier())][0]


def made(resource: Any, **others: Any) -> Any:
    with ready_resources({"io_manager": resource, **others}, ["io_manager"], None) as ready:
        return ready["io_manager"]


# --- @io_manager


def test_a_function_makes_an_io_manager_with_and_without_arguments():
    @dg.io_manager
    def plain():
        return Kept(by="plain")

    @dg.io_manager(description="of the team")
    def told(context):
        """Words."""
        return Kept(config=context.resource_config, run=context.run_id)

    assert made(plain).facts == {"by": "plain"}
    assert made(told).facts == {"config": {}, "run": ""}
    assert (plain.description, told.description, repr(told)) == (None, "of the team", "<io_manager 'told'>")
    assert told(dg.build_init_resource_context({"a": 1})).facts["config"] == {"a": 1}


def test_it_finds_its_settings_and_the_resources_that_it_requires(caplog):
    @dg.io_manager(
        config_schema={"folder": str, "depth": Field(int, default_value=3)}, required_resource_keys={"client"}
    )
    def files(init_context: dg.InitResourceContext):
        with caplog.at_level(logging.INFO, "gapless"):
            init_context.log.info("made")
        return Kept(config=init_context.resource_config, client=init_context.resources.client)

    manager = made(files.configured({"folder": "f"}), client=dg.InMemoryIOManager)
    assert manager.facts == {"config": {"folder": "f", "depth": 3}, "client": dg.InMemoryIOManager}
    assert caplog.messages == ["made"]
    with pytest.raises(
        DefinitionError, match=r"resource 'io_manager' requires the resource 'client', but none of that"
    ):
        made(files.configured({"folder": "f"}))
    with pytest.raises(DefinitionError, match=r"'files' needs the setting 'folder', .* Write \.configured"):
        made(files, client=1)


def test_resources_that_require_each_other_are_refused():
    @dg.io_manager(required_resource_keys={"other"})
    def one(): ...

    @dg.io_manager(required_resource_keys={"io_manager"})
    def two(): ...

    with pytest.raises(
        DefinitionError, match=r"resources need each other: 'io_manager' needs 'other' needs 'io_manager'"
    ):
        made(one, other=two)


def test_what_makes_no_io_manager_is_refused():
    @dg.io_manager
    def nothing():
        return 7

    with pytest.raises(DefinitionError, match=r"resource 'io_manager' makes 7, which is not an IO manager. Return a"):
        made(nothing)
    with pytest.raises(DefinitionError, match=r"@io_manager was put on 7, which is not a function"):
        dg.io_manager()(7)


def test_a_store_with_commit_records_is_not_hidden_behind_a_function(tmp_path):
    @dg.io_manager
    def database():
        return dg.DuckDBPolarsIOManager(tmp_path / "db.duckdb")

    with pytest.raises(
        DefinitionError, match=r"makes a DuckDBPolarsIOManager, which keeps commit records. Put it into"
    ):
        made(database)


def test_the_functions_of_dagster_are_there(tmp_path):
    assert isinstance(made(dg.mem_io_manager), dg.InMemoryIOManager)
    manager = made(dg.fs_io_manager.configured({"base_dir": str(tmp_path)}))
    assert repr(manager) == f"FilesystemIOManager(base_dir={str(tmp_path)!r})"
    assert made(dg.fs_io_manager)._given is None


# --- config_schema


def test_settings_are_checked_and_filled_in(monkeypatch):
    monkeypatch.setenv("NUMBER_OF_A_TEST", "7")
    schema = {
        "name": StringSource,
        "count": IntSource,
        "share": float,
        "tags": [str],
        "inner": {"deep": Field(bool, is_required=False)},
        "any": Field(None, default_value=1),
    }
    given = {"name": "n", "count": {"env": "NUMBER_OF_A_TEST"}, "share": 1, "tags": ["a"], "any": object}
    assert checked_config(schema, given, "it") == {
        "name": "n",
        "count": 7,
        "share": 1.0,
        "tags": ["a"],
        "inner": {},
        "any": object,
    }
    assert checked_config(None, None, "it") == {}
    assert checked_config({"n": int}, {"n": dg.EnvVar.int("NUMBER_OF_A_TEST")}, "it") == {"n": 7}


@pytest.mark.parametrize(
    ("schema", "given", "said"),
    [
        ({"n": int}, {"n": "1"}, "it has n='1'; expected int. Correct it in .configured"),
        ({"n": int}, {"n": True}, "it has n=True; expected int"),
        ({"n": [int]}, {"n": [1, "2"]}, r"it has n\[1\]='2'; expected int"),
        ({"n": [int]}, {"n": 1}, "it has n=1; expected list"),
        ({"a": {"b": str}}, {"a": {"c": 1}}, "it has no setting 'a.c'; its settings are 'b'"),
        ({"a": {"b": str}}, {"a": 1}, "the settings a of it are 1; expected a dict"),
        ({"a": {"b": str}}, {}, "it needs the setting 'a.b', which is not given"),
        (
            {"n": StringSource},
            {"n": {"env": "NOT_SET_X"}},
            "setting 'n' of it needs the environment variable NOT_SET_X",
        ),
        ({"n": IntSource}, {"n": {"env": "WORD_OF_A_TEST"}}, "WORD_OF_A_TEST is 'word', which is no int"),
        ({"n": str}, {"n": dg.EnvVar("NOT_SET_X")}, "setting 'n' of it needs the environment variable NOT_SET_X"),
        (str, 5, "it got 5"),
    ],
)
def test_a_wrong_setting_is_named(monkeypatch, schema, given, said):
    monkeypatch.setenv("WORD_OF_A_TEST", "word")
    with pytest.raises(DefinitionError, match=said):
        checked_config(schema, given, "it")


# --- classes with fields


class Fields(dg.ConfigurableIOManager):
    folder: str
    depth: int = 1

    def handle_output(self, context, obj):
        SEEN.append((self.folder, context.resource_config))

    def load_input(self, context):
        return None


class Client(dg.ConfigurableResource):
    url: str


class Factory(dg.ConfigurableIOManagerFactory):
    client: dg.ResourceDependency[Client]

    def create_io_manager(self, context: dg.InitResourceContext) -> Kept:
        return Kept(url=self.client.url, config=context.resource_config)


SEEN: list[Any] = []


def test_an_io_manager_with_fields_reads_the_environment_when_a_run_begins(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    SEEN.clear()

    @dg.asset
    def plays():
        return 1

    manager = Fields(folder=dg.EnvVar("FOLDER_OF_A_TEST"))
    monkeypatch.setenv("FOLDER_OF_A_TEST", "there")
    dg.materialize([plays], resources={"io_manager": manager})
    assert SEEN == [("there", {"folder": "there", "depth": 1})]
    with pytest.raises(TypeError, match=r"handle_output"):
        type("Half", (dg.ConfigurableIOManager,), {"load_input": lambda self, context: None})()


def test_a_factory_makes_one_from_its_fields():
    manager = made(Factory(client=Client(url="u")))
    assert manager.facts == {"url": "u", "config": {"client": {"url": "u"}}}
    with pytest.raises(TypeError, match=r"create_io_manager"):
        dg.ConfigurableIOManagerFactory()


def test_set_up_and_tear_down_know_the_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    seen: list[Any] = []

    class WithSetUp(Fields):
        def setup_for_execution(self, context: dg.InitResourceContext) -> None:
            context.log.debug("set up")
            seen.append(context.run_id)

        def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
            seen.append("down")

    @dg.asset
    def plays():
        return 1

    result = dg.materialize([plays], resources={"io_manager": WithSetUp(folder="f")})
    assert seen == [result.run_id, "down"]


# --- a store of ours, wrapped


def test_a_store_that_a_user_wraps_is_called_as_the_user_wrote_it_and_keeps_its_promises(tmp_path, monkeypatch):
    import polars as pl

    monkeypatch.chdir(tmp_path)
    calls: list[Any] = []

    class Logged(dg.DuckDBPolarsIOManager):
        def handle_output(self, context, obj):
            super().handle_output(context, obj)
            calls.append(("stored", context.partition_key, context.recorded_metadata["rows"]))

        def load_input(self, context):
            calls.append(("loaded", context.asset_partition_keys))
            return super().load_input(context)

    days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-03")

    @dg.asset(partitions_def=days, metadata={"partition_expr": "day"}, boundary_policy="drop")
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"day": [context.partition_key, "2023-01-01"], "n": [1, 2]})

    @dg.asset(partitions_def=days, metadata={"partition_expr": "day"})
    def copied(plays: pl.DataFrame) -> pl.DataFrame:
        return plays

    manager = Logged(tmp_path / "db.duckdb")
    result = dg.materialize([plays, copied], resources={"io_manager": manager}, workers=1)
    assert result.materialized == 4
    assert sorted(call for call in calls if call[0] == "stored") == [
        ("stored", "2024-01-01", 1),
        ("stored", "2024-01-01", 1),
        ("stored", "2024-01-02", 1),
        ("stored", "2024-01-02", 1),
    ]
    assert [call for call in calls if call[0] == "loaded"] == [("loaded", ["2024-01-01"]), ("loaded", ["2024-01-02"])]
    assert manager.query("SELECT count(*) AS n FROM copied").item() == 2
    assert manager.committed(dg.AssetKey("copied"), {}).keys() == {"2024-01-01", "2024-01-02"}
    manager.close()
