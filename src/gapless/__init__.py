"""Partitioned data assets in Python, without gaps.

The public names. Each is imported when it is first used, so that ``import gapless`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

# Type checkers know the name; importing typing would be half of the cost of importing this.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gapless import checks as checks
    from gapless.asset_key import AssetKey as AssetKey
    from gapless.definitions.asset import AssetsDefinition as AssetsDefinition
    from gapless.definitions.asset import asset as asset
    from gapless.definitions.asset_checks import AssetCheckResult as AssetCheckResult
    from gapless.definitions.asset_checks import AssetChecksDefinition as AssetChecksDefinition
    from gapless.definitions.asset_checks import AssetCheckSeverity as AssetCheckSeverity
    from gapless.definitions.asset_checks import AssetCheckSpec as AssetCheckSpec
    from gapless.definitions.asset_checks import asset_check as asset_check
    from gapless.definitions.config_schema import Field as Field
    from gapless.definitions.config_schema import IntSource as IntSource
    from gapless.definitions.config_schema import StringSource as StringSource
    from gapless.definitions.configurable import Config as Config
    from gapless.definitions.configurable import ConfigurableResource as ConfigurableResource
    from gapless.definitions.configurable import ResourceDependency as ResourceDependency
    from gapless.definitions.configurable_io_manager import ConfigurableIOManager as ConfigurableIOManager
    from gapless.definitions.configurable_io_manager import ConfigurableIOManagerFactory as ConfigurableIOManagerFactory
    from gapless.definitions.definitions import Definitions as Definitions
    from gapless.definitions.dependency import AssetDep as AssetDep
    from gapless.definitions.dependency import AssetIn as AssetIn
    from gapless.definitions.duckdb_resource import DuckDBResource as DuckDBResource
    from gapless.definitions.environment import EnvVar as EnvVar
    from gapless.definitions.init_resource_context import InitResourceContext as InitResourceContext
    from gapless.definitions.init_resource_context import build_init_resource_context as build_init_resource_context
    from gapless.definitions.io_manager_definition import IOManagerDefinition as IOManagerDefinition
    from gapless.definitions.io_manager_definition import fs_io_manager as fs_io_manager
    from gapless.definitions.io_manager_definition import io_manager as io_manager
    from gapless.definitions.io_manager_definition import mem_io_manager as mem_io_manager
    from gapless.definitions.jobs import define_asset_job as define_asset_job
    from gapless.definitions.metadata import MetadataValue as MetadataValue
    from gapless.definitions.parameters import ResourceParam as ResourceParam
    from gapless.definitions.policies import BackfillPolicy as BackfillPolicy
    from gapless.definitions.policies import Backoff as Backoff
    from gapless.definitions.policies import Jitter as Jitter
    from gapless.definitions.policies import RetryPolicy as RetryPolicy
    from gapless.definitions.results import MaterializeResult as MaterializeResult
    from gapless.definitions.results import Output as Output
    from gapless.definitions.schedules import DefaultScheduleStatus as DefaultScheduleStatus
    from gapless.definitions.schedules import (
        build_schedule_from_partitioned_job as build_schedule_from_partitioned_job,
    )
    from gapless.definitions.selection import AssetSelection as AssetSelection
    from gapless.engine import materialize as materialize
    from gapless.errors import GaplessError as GaplessError
    from gapless.execution.check_context import AssetCheckExecutionContext as AssetCheckExecutionContext
    from gapless.execution.context import AssetExecutionContext as AssetExecutionContext
    from gapless.execution.context import build_asset_context as build_asset_context
    from gapless.ledger.home import open_ledger as open_ledger
    from gapless.partitions import AddDynamicPartitionsRequest as AddDynamicPartitionsRequest
    from gapless.partitions import AllPartitionMapping as AllPartitionMapping
    from gapless.partitions import CumulativePartitionMapping as CumulativePartitionMapping
    from gapless.partitions import DailyPartitionsDefinition as DailyPartitionsDefinition
    from gapless.partitions import DefinitionChange as DefinitionChange
    from gapless.partitions import DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest
    from gapless.partitions import DimensionPartitionMapping as DimensionPartitionMapping
    from gapless.partitions import DynamicPartitionsDefinition as DynamicPartitionsDefinition
    from gapless.partitions import FunctionPartitionMapping as FunctionPartitionMapping
    from gapless.partitions import HourlyPartitionsDefinition as HourlyPartitionsDefinition
    from gapless.partitions import IdentityPartitionMapping as IdentityPartitionMapping
    from gapless.partitions import LastPartitionMapping as LastPartitionMapping
    from gapless.partitions import MonthlyPartitionsDefinition as MonthlyPartitionsDefinition
    from gapless.partitions import MultiPartitionKey as MultiPartitionKey
    from gapless.partitions import MultiPartitionMapping as MultiPartitionMapping
    from gapless.partitions import MultiPartitionsDefinition as MultiPartitionsDefinition
    from gapless.partitions import MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping
    from gapless.partitions import PairsPartitionMapping as PairsPartitionMapping
    from gapless.partitions import PartitionDimensionDefinition as PartitionDimensionDefinition
    from gapless.partitions import PartitionKeyRange as PartitionKeyRange
    from gapless.partitions import PartitionMapping as PartitionMapping
    from gapless.partitions import PartitionsDefinition as PartitionsDefinition
    from gapless.partitions import PartitionSet as PartitionSet
    from gapless.partitions import RollingWindowPartitionMapping as RollingWindowPartitionMapping
    from gapless.partitions import SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping
    from gapless.partitions import StaticPartitionMapping as StaticPartitionMapping
    from gapless.partitions import StaticPartitionsDefinition as StaticPartitionsDefinition
    from gapless.partitions import TimeWindow as TimeWindow
    from gapless.partitions import TimeWindowPartitionMapping as TimeWindowPartitionMapping
    from gapless.partitions import TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition
    from gapless.partitions import WaitPolicy as WaitPolicy
    from gapless.partitions import WeeklyPartitionsDefinition as WeeklyPartitionsDefinition
    from gapless.partitions import describe_change as describe_change
    from gapless.partitions.loading_context import partition_loading_context as partition_loading_context
    from gapless.planning.request import Scope as Scope
    from gapless.storage.duckdb.store import DuckDBIOManager as DuckDBIOManager
    from gapless.storage.duckdb.store import DuckDBPandasIOManager as DuckDBPandasIOManager
    from gapless.storage.duckdb.store import DuckDBPolarsIOManager as DuckDBPolarsIOManager
    from gapless.storage.filesystem.manager import FilesystemIOManager as FilesystemIOManager
    from gapless.storage.in_memory import InMemoryIOManager as InMemoryIOManager
    from gapless.storage.input_context import InputContext as InputContext
    from gapless.storage.input_context import build_input_context as build_input_context
    from gapless.storage.io_manager import IOManager as IOManager
    from gapless.storage.output_context import OutputContext as OutputContext
    from gapless.storage.output_context import build_output_context as build_output_context
    from gapless.storage.parquet.store import PolarsParquetIOManager as PolarsParquetIOManager
    from gapless.storage.sql_query import sql as sql
    from gapless.storage.upath_io_manager import UPathIOManager as UPathIOManager

_HOME = {
    "AddDynamicPartitionsRequest": "partitions",
    "AllPartitionMapping": "partitions",
    "AssetCheckExecutionContext": "execution.check_context",
    "AssetCheckResult": "definitions.asset_checks",
    "AssetCheckSeverity": "definitions.asset_checks",
    "AssetCheckSpec": "definitions.asset_checks",
    "AssetChecksDefinition": "definitions.asset_checks",
    "AssetDep": "definitions.dependency",
    "AssetExecutionContext": "execution.context",
    "AssetIn": "definitions.dependency",
    "AssetKey": "asset_key",
    "AssetSelection": "definitions.selection",
    "AssetsDefinition": "definitions.asset",
    "BackfillPolicy": "definitions.policies",
    "Backoff": "definitions.policies",
    "Config": "definitions.configurable",
    "ConfigurableIOManager": "definitions.configurable_io_manager",
    "ConfigurableIOManagerFactory": "definitions.configurable_io_manager",
    "ConfigurableResource": "definitions.configurable",
    "CumulativePartitionMapping": "partitions",
    "DailyPartitionsDefinition": "partitions",
    "DefaultScheduleStatus": "definitions.schedules",
    "DefinitionChange": "partitions",
    "Definitions": "definitions.definitions",
    "DeleteDynamicPartitionsRequest": "partitions",
    "DimensionPartitionMapping": "partitions",
    "DuckDBIOManager": "storage.duckdb.store",
    "DuckDBPandasIOManager": "storage.duckdb.store",
    "DuckDBPolarsIOManager": "storage.duckdb.store",
    "DuckDBResource": "definitions.duckdb_resource",
    "DynamicPartitionsDefinition": "partitions",
    "EnvVar": "definitions.environment",
    "Field": "definitions.config_schema",
    "FilesystemIOManager": "storage.filesystem.manager",
    "FunctionPartitionMapping": "partitions",
    "GaplessError": "errors",
    "HourlyPartitionsDefinition": "partitions",
    "IOManager": "storage.io_manager",
    "IOManagerDefinition": "definitions.io_manager_definition",
    "IdentityPartitionMapping": "partitions",
    "InMemoryIOManager": "storage.in_memory",
    "InitResourceContext": "definitions.init_resource_context",
    "InputContext": "storage.input_context",
    "IntSource": "definitions.config_schema",
    "Jitter": "definitions.policies",
    "LastPartitionMapping": "partitions",
    "MaterializeResult": "definitions.results",
    "MetadataValue": "definitions.metadata",
    "MonthlyPartitionsDefinition": "partitions",
    "MultiPartitionKey": "partitions",
    "MultiPartitionMapping": "partitions",
    "MultiPartitionsDefinition": "partitions",
    "MultiToSingleDimensionPartitionMapping": "partitions",
    "Output": "definitions.results",
    "OutputContext": "storage.output_context",
    "PairsPartitionMapping": "partitions",
    "PartitionDimensionDefinition": "partitions",
    "PartitionKeyRange": "partitions",
    "PartitionMapping": "partitions",
    "PartitionSet": "partitions",
    "PartitionsDefinition": "partitions",
    "PolarsParquetIOManager": "storage.parquet.store",
    "ResourceDependency": "definitions.configurable",
    "ResourceParam": "definitions.parameters",
    "RetryPolicy": "definitions.policies",
    "RollingWindowPartitionMapping": "partitions",
    "Scope": "planning.request",
    "SpecificPartitionsPartitionMapping": "partitions",
    "StaticPartitionMapping": "partitions",
    "StaticPartitionsDefinition": "partitions",
    "StringSource": "definitions.config_schema",
    "TimeWindow": "partitions",
    "TimeWindowPartitionMapping": "partitions",
    "TimeWindowPartitionsDefinition": "partitions",
    "UPathIOManager": "storage.upath_io_manager",
    "WaitPolicy": "partitions",
    "WeeklyPartitionsDefinition": "partitions",
    "asset": "definitions.asset",
    "asset_check": "definitions.asset_checks",
    "build_asset_context": "execution.context",
    "build_init_resource_context": "definitions.init_resource_context",
    "build_input_context": "storage.input_context",
    "build_output_context": "storage.output_context",
    "build_schedule_from_partitioned_job": "definitions.schedules",
    "define_asset_job": "definitions.jobs",
    "describe_change": "partitions",
    "fs_io_manager": "definitions.io_manager_definition",
    "io_manager": "definitions.io_manager_definition",
    "materialize": "engine",
    "mem_io_manager": "definitions.io_manager_definition",
    "open_ledger": "ledger.home",
    "partition_loading_context": "partitions.loading_context",
    "sql": "storage.sql_query",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        if name == "__version__":
            from importlib.metadata import version

            return version("gapless")
        if name == "checks":
            return import_module("gapless.checks")
        raise AttributeError(_unknown(name))
    value = getattr(import_module(f"gapless.{home}"), name)
    globals()[name] = value
    return value


def _unknown(name: str) -> str:
    from gapless.definitions.dagster_equivalents import EQUIVALENTS

    unknown = f"module 'gapless' has no attribute {name!r}"
    if name not in EQUIVALENTS:
        return unknown
    return f"{unknown}. It is a name of Dagster's that Gapless does not have. {EQUIVALENTS[name]}"


def __dir__() -> list[str]:
    return sorted({*__all__, *globals()})
