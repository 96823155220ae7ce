"""What to use instead of Dagster's names and arguments that Gapless does not have."""

from __future__ import annotations

__all__ = ["ARGUMENTS", "EQUIVALENTS"]

_ONE_EACH = "Write one @asset for each table; what they share can be an asset of its own, or a plain function."
_PLAIN = "Write an @asset; steps inside it are plain functions."
_SCHEDULE = "Use build_schedule_from_partitioned_job, which follows the partitions of a job."
_NO_SENSOR = f"Nothing watches for outside events yet. {_SCHEDULE}"
_NO_AUTOMATION = f"Nothing is requested by condition yet. {_SCHEDULE}"
_LISTED = "List the assets: Definitions(assets=[…]); or declare nothing but assets in the file."
_OWN_MANAGER = "DuckDBPolarsIOManager stores Polars frames; for others write a subclass of IOManager."
_RESOURCE = "Use a ConfigurableResource, or put any object into Definitions(resources={…})."
_CONFIG = "Use a Config class as the function's config parameter."
_CHECKS = "There are no asset checks yet; raise in the asset's function, and the partition's old rows stay."
_EXECUTOR = "Gapless chooses how to run; leave the executor out."
_INSTANCE = (
    "Runs, status and dynamic partitions lie in .gapless/ or GAPLESS_HOME; see `gapless status`, `gapless runs list`"
    " and `gapless partitions`, or open them with gapless.open_ledger()."
)
_RUN_REQUEST = f"It is what a sensor returns. {_NO_SENSOR}"
_SPEC = "Declare with @asset; an asset that something else makes cannot be declared yet."

EQUIVALENTS: dict[str, str] = {
    "AllPartitionsSubset": "Select partitions with --range A..B, --last N or --missing.",
    "AssetCheckExecutionContext": _CHECKS,
    "AssetCheckResult": _CHECKS,
    "AssetCheckSpec": _CHECKS,
    "AssetOut": _ONE_EACH,
    "AssetSpec": _SPEC,
    "AutomationCondition": _NO_AUTOMATION,
    "AutomationConditionSensorDefinition": _NO_AUTOMATION,
    "ConfigurableIOManager": "Write a subclass of IOManager with __init__ arguments.",
    "ConfigurableIOManagerFactory": "Write a subclass of IOManager with __init__ arguments.",
    "DagsterInstance": _INSTANCE,
    "DagsterInvalidDefinitionError": "Use gapless.errors.DefinitionError.",
    "DuckDBIOManager": _OWN_MANAGER,
    "DuckDBPandasIOManager": _OWN_MANAGER,
    "DuckDBResource": "Use a ConfigurableResource of your own that opens duckdb.connect(…).",
    "Failure": "Raise any exception; its traceback is recorded.",
    "Field": _CONFIG,
    "FilesystemIOManager": _OWN_MANAGER,
    "FreshnessPolicy": "There are no freshness policies yet; `gapless status` shows the gaps.",
    "In": _PLAIN,
    "InMemoryIOManager": _OWN_MANAGER,
    "Nothing": "Use deps=[…] for an upstream asset whose value is not passed.",
    "OpExecutionContext": "Use AssetExecutionContext.",
    "Out": _PLAIN,
    "PartitionedConfig": _CONFIG,
    "RetryRequested": "Give the asset a RetryPolicy, and raise any exception.",
    "RunConfig": _CONFIG,
    "RunRequest": _RUN_REQUEST,
    "ScheduleDefinition": _SCHEDULE,
    "ScheduleEvaluationContext": _SCHEDULE,
    "SensorDefinition": _NO_SENSOR,
    "SensorEvaluationContext": _NO_SENSOR,
    "SensorResult": _RUN_REQUEST,
    "SkipReason": _RUN_REQUEST,
    "SourceAsset": _SPEC,
    "asset_check": _CHECKS,
    "asset_sensor": _NO_SENSOR,
    "build_init_resource_context": "Make the resource itself in the test: MyResource(…).",
    "build_op_context": "Use build_asset_context.",
    "build_schedule_context": "Preview ticks with: gapless schedules preview",
    "build_sensor_context": _NO_SENSOR,
    "configured": _CONFIG,
    "daily_partitioned_config": "Use DailyPartitionsDefinition on the asset.",
    "define_dagstermill_asset": _PLAIN,
    "definitions": "Name a plain function `definitions`, without a decorator, and return Definitions(…).",
    "fs_io_manager": _OWN_MANAGER,
    "get_dagster_logger": "Use context.log, or logging.getLogger.",
    "graph": _PLAIN,
    "graph_asset": _PLAIN,
    "graph_multi_asset": _PLAIN,
    "hourly_partitioned_config": "Use HourlyPartitionsDefinition on the asset.",
    "in_process_executor": _EXECUTOR,
    "io_manager": "Write a subclass of IOManager, and put an instance into Definitions(resources={…}).",
    "job": "Use define_asset_job, over assets.",
    "load_asset_checks_from_modules": _CHECKS,
    "load_assets_from_current_module": _LISTED,
    "load_assets_from_modules": _LISTED,
    "load_assets_from_package_module": _LISTED,
    "load_assets_from_package_name": _LISTED,
    "load_from_defs_folder": _LISTED,
    "materialize_to_memory": "Use materialize with a DuckDBPolarsIOManager in a temporary folder.",
    "mem_io_manager": _OWN_MANAGER,
    "monthly_partitioned_config": "Use MonthlyPartitionsDefinition on the asset.",
    "multi_asset": _ONE_EACH,
    "multi_asset_sensor": _NO_SENSOR,
    "multiprocess_executor": _EXECUTOR,
    "observable_source_asset": _SPEC,
    "op": _PLAIN,
    "partitioned_config": _CONFIG,
    "repository": "Use Definitions.",
    "resource": _RESOURCE,
    "run_failure_sensor": _NO_SENSOR,
    "run_status_sensor": _NO_SENSOR,
    "schedule": _SCHEDULE,
    "sensor": _NO_SENSOR,
    "static_partitioned_config": "Use StaticPartitionsDefinition on the asset.",
    "weekly_partitioned_config": "Use WeeklyPartitionsDefinition on the asset.",
    "with_resources": "Put the resources into Definitions(resources={…}).",
}

# Arguments of Dagster's that Gapless's functions lack; with the function's name in front where it matters.
_NO_HOOKS = "There are no hooks; raise in the function, or follow `gapless runs list --json`."
_NO_TYPES = "Annotate the function with the type instead: -> pl.DataFrame."
_POOL = "There are no pools; `gapless materialize --workers N` limits what runs at once."
_OP_TAGS = "Use tags={…} for what describes the asset; nothing is launched by tags."
_JOB_TAGS = "Use tags={…}."
_RESOURCES_HERE = "Put the resources into Definitions(resources={…})."
_NO_LOGGERS = "Use logging of Python's standard library; context.log is recorded with the run."

ARGUMENTS: dict[str, str] = {
    "asset.auto_materialize_policy": _NO_AUTOMATION,
    "asset.auto_observe_interval_minutes": _NO_AUTOMATION,
    "asset.check_specs": _CHECKS,
    "asset.compute_kind": "Write kinds={VALUE} instead.",
    "asset.config_schema": _CONFIG,
    "asset.dagster_type": _NO_TYPES,
    "asset.freshness_policy": EQUIVALENTS["FreshnessPolicy"],
    "asset.internal_freshness_policy": EQUIVALENTS["FreshnessPolicy"],
    "asset.io_manager_def": "Put it into Definitions(resources={…}), and name it with io_manager_key=….",
    "asset.is_virtual": _SPEC,
    "asset.legacy_freshness_policy": EQUIVALENTS["FreshnessPolicy"],
    "asset.non_argument_deps": "Use deps=[…].",
    "asset.op_tags": _OP_TAGS,
    "asset.output_required": "Return an empty frame where there is nothing; the partition then counts as made.",
    "asset.pool": _POOL,
    "asset.resource_defs": _RESOURCES_HERE,
    "automation_condition": _NO_AUTOMATION,
    "build_asset_context.asset_config": _CONFIG,
    "build_asset_context.instance": _INSTANCE,
    "dagster_type": _NO_TYPES,
    "Definitions.asset_checks": _CHECKS,
    "Definitions.component_tree": _LISTED,
    "Definitions.executor": _EXECUTOR,
    "Definitions.loggers": _NO_LOGGERS,
    "Definitions.metadata": "Put metadata={…} on the assets.",
    "Definitions.sensors": _NO_SENSOR,
    "define_asset_job.executor_def": _EXECUTOR,
    "define_asset_job.op_retry_policy": "Put retry_policy=RetryPolicy(…) on the assets.",
    "define_asset_job.owners": "Put owners=[…] on the assets.",
    "define_asset_job.run_tags": _JOB_TAGS,
    "DuckDBPolarsIOManager.connection_config": "Leave it out; DuckDB's settings are its defaults.",
    "hooks": _NO_HOOKS,
    "materialize.instance": _INSTANCE,
    "MaterializeResult.check_results": _CHECKS,
    "Output.output_name": "Leave it out; an asset has one output.",
}
