from __future__ import annotations

import subprocess
import sys

import pytest

import gapless

PUBLIC = [
    "AddDynamicPartitionsRequest",
    "AllPartitionMapping",
    "AssetCheckExecutionContext",
    "AssetCheckResult",
    "AssetCheckSeverity",
    "AssetCheckSpec",
    "AssetChecksDefinition",
    "AssetDep",
    "AssetExecutionContext",
    "AssetIn",
    "AssetKey",
    "AssetSelection",
    "AssetsDefinition",
    "BackfillPolicy",
    "Backoff",
    "Config",
    "ConfigurableIOManager",
    "ConfigurableIOManagerFactory",
    "ConfigurableResource",
    "CumulativePartitionMapping",
    "DailyPartitionsDefinition",
    "DefaultScheduleStatus",
    "DefinitionChange",
    "Definitions",
    "DeleteDynamicPartitionsRequest",
    "DimensionPartitionMapping",
    "DuckDBIOManager",
    "DuckDBPandasIOManager",
    "DuckDBPolarsIOManager",
    "DuckDBResource",
    "DynamicPartitionsDefinition",
    "EnvVar",
    "Field",
    "FilesystemIOManager",
    "FunctionPartitionMapping",
    "GaplessError",
    "HourlyPartitionsDefinition",
    "IOManager",
    "IOManagerDefinition",
    "IdentityPartitionMapping",
    "InMemoryIOManager",
    "InitResourceContext",
    "InputContext",
    "IntSource",
    "Jitter",
    "LastPartitionMapping",
    "MaterializeResult",
    "MetadataValue",
    "MonthlyPartitionsDefinition",
    "MultiPartitionKey",
    "MultiPartitionMapping",
    "MultiPartitionsDefinition",
    "MultiToSingleDimensionPartitionMapping",
    "Output",
    "OutputContext",
    "PairsPartitionMapping",
    "PartitionDimensionDefinition",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionSet",
    "PartitionsDefinition",
    "PolarsParquetIOManager",
    "ResourceDependency",
    "ResourceParam",
    "RetryPolicy",
    "RollingWindowPartitionMapping",
    "Scope",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
    "StaticPartitionsDefinition",
    "StringSource",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "UPathIOManager",
    "WaitPolicy",
    "WeeklyPartitionsDefinition",
    "asset",
    "asset_check",
    "build_asset_context",
    "build_init_resource_context",
    "build_input_context",
    "build_output_context",
    "build_schedule_from_partitioned_job",
    "define_asset_job",
    "describe_change",
    "fs_io_manager",
    "io_manager",
    "materialize",
    "mem_io_manager",
    "open_ledger",
    "partition_loading_context",
    "sql",
]


def output_of(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()


def test_the_public_names_are_exactly_these():
    assert sorted(gapless.__all__) == PUBLIC


@pytest.mark.parametrize("name", PUBLIC)
def test_each_public_name_is_there(name):
    assert getattr(gapless, name) is not None
    assert name in dir(gapless)


def test_another_name_is_not():
    with pytest.raises(AttributeError, match="module 'gapless' has no attribute 'multi_asset'"):
        gapless.multi_asset  # noqa: B018


def test_the_version_is_there():
    assert gapless.__version__.count(".") == 2


def test_type_checkers_see_the_same_names():
    import ast
    from pathlib import Path

    tree = ast.parse(Path(gapless.__file__).read_text())
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        (alias.asname, node.module.removeprefix("gapless."))
        for node in guarded.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("gapless.")
        for alias in node.names
    }
    assert seen == set(gapless._HOME.items())


def test_importing_gapless_imports_next_to_nothing():
    program = "import sys; before = set(sys.modules); import gapless; print(sorted(set(sys.modules) - before))"
    new = eval(output_of(program))
    ours = [name for name in new if name.startswith("gapless")]
    assert ours == ["gapless"]
    assert {"polars", "duckdb", "pyarrow", "pydantic", "rich", "sqlite3", "asyncio"}.isdisjoint(new)


def test_naming_the_io_manager_does_not_import_what_it_stores_with():
    program = (
        "import sys, gapless; gapless.DuckDBPolarsIOManager(database='db.duckdb');"
        "print(sorted({'polars', 'duckdb', 'pyarrow', 'pydantic', 'rich'} & set(sys.modules)))"
    )
    assert output_of(program) == "[]"


def test_a_dagster_name_that_is_not_here_comes_with_what_to_use_instead():
    with pytest.raises(AttributeError, match="a name of Dagster's that Gapless does not have"):
        gapless.multi_asset  # noqa: B018  # the access raises
    assert not hasattr(gapless, "no_such_name")
