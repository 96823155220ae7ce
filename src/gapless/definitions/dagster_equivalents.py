"""What to use instead of Dagster's names and arguments that Gapless does not have."""

from __future__ import annotations

__all__ = ["ARGUMENTS", "EQUIVALENTS"]

_ONE_EACH = "Write one @asset for each table; what they share can be an asset of its own, or a plain function."
_PLAIN = "Write an @asset; steps inside it are plain functions."
_SCHEDULE = "Use build_schedule_from_partitioned_job, which follows the partitions of a job."
_NO_SENSOR = f"Nothing watches for outside events yet. {_SCHEDULE}"
_NO_AUTOMATION = f"Nothing is requested by condition yet. {_SCHEDULE}"
_LISTED = "List the assets: Definitions(assets=[…]); or declare nothing but assets in the file."
_RESOURCE = "Use a ConfigurableResource, or put any object into Definitions(resources={…})."
_CONFIG = "Use a Config class as the function's config parameter."
_ONE_CHECK = "Write one @asset_check for each, or @asset(check_specs=[…]) where the asset's function finds out itself."
_LISTED_CHECKS = "List the checks: Definitions(asset_checks=[…]); or declare nothing but assets and checks in the file."
_FRESHNESS = 'Use gapless.checks.freshness(asset, column, within="2h"), or `gapless status` for what is missing.'
_EXECUTOR = "Gapless chooses how to run; leave the executor out."
_INSTANCE = (
    "Runs, status and dynamic partitions lie in .gapless/ or GAPLESS_HOME; see `gapless status`, `gapless runs list`"
    " and `gapless partitions`, or open them with gapless.open_ledger()."
)
_RUN_REQUEST = f"It is what a sensor returns. {_NO_SENSOR}"
_SPEC = "Declare with @asset; an asset that something else makes cannot be declared yet."

EQUIVALENTS: dict[str, str] = {
    "AllPartitionsSubset": "Select partitions with --range A..B, --last N or --missing.",
    "AssetCheckKey": "A check is known by its asset and its name: AssetCheckSpec(name, asset=…).",
    "AssetOut": _ONE_EACH,
    "AssetSpec": _SPEC,
    "AutomationCondition": _NO_AUTOMATION,
    "AutomationConditionSensorDefinition": _NO_AUTOMATION,
    "DagsterInstance": _INSTANCE,
    "DagsterInvalidDefinitionError": "Use gapless.errors.DefinitionError.",
    "Failure": "Raise any exception; its traceback is recorded.",
    "FreshnessPolicy": "There are no freshness policies yet; `gapless status` shows the gaps.",
    "In": _PLAIN,
    "Nothing": "Use deps=[…] for an upstream asset whose value is not passed.",
    "OpExecutionContext": "Use AssetExecutionContext.",
    "Out": _PLAIN,
    "PartitionedConfig": _CONFIG,
    "ResourceDefinition": _RESOURCE,
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
    "asset_sensor": _NO_SENSOR,
    "build_asset_check_context": "Use AssetCheckExecutionContext(build_asset_context(asset=…, partition_key=…)).",
    "build_column_schema_change_checks": 'Use @asset(schema_policy="strict"), which refuses other columns and types.',
    "build_last_update_freshness_checks": _FRESHNESS,
    "build_metadata_bounds_checks": "Use gapless.checks.row_count(asset, at_least=…), or write an @asset_check.",
    "build_op_context": "Use build_asset_context.",
    "build_sensor_for_freshness_checks": _NO_SENSOR,
    "build_time_partition_freshness_checks": _FRESHNESS,
    "build_schedule_context": "Preview ticks with: gapless schedules preview",
    "build_sensor_context": _NO_SENSOR,
    "configured": _CONFIG,
    "daily_partitioned_config": "Use DailyPartitionsDefinition on the asset.",
    "define_dagstermill_asset": _PLAIN,
    "definitions": "Name a plain function `definitions`, without a decorator, and return Definitions(…).",
    "get_dagster_logger": "Use context.log, or logging.getLogger.",
    "graph": _PLAIN,
    "graph_asset": _PLAIN,
    "graph_multi_asset": _PLAIN,
    "hourly_partitioned_config": "Use HourlyPartitionsDefinition on the asset.",
    "in_process_executor": _EXECUTOR,
    "job": "Use define_asset_job, over assets.",
    "load_asset_checks_from_current_module": _LISTED_CHECKS,
    "load_asset_checks_from_modules": _LISTED_CHECKS,
    "load_asset_checks_from_package_module": _LISTED_CHECKS,
    "load_asset_checks_from_package_name": _LISTED_CHECKS,
    "load_assets_from_current_module": _LISTED,
    "load_assets_from_modules": _LISTED,
    "load_assets_from_package_module": _LISTED,
    "load_assets_from_package_name": _LISTED,
    "load_from_defs_folder": _LISTED,
    "materialize_to_memory": "Use materialize with a DuckDBPolarsIOManager in a temporary folder.",
    "monthly_partitioned_config": "Use MonthlyPartitionsDefinition on the asset.",
    "multi_asset": _ONE_EACH,
    "multi_asset_check": _ONE_CHECK,
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
_ONE_ASSET = "A check sees the rows of one asset before they are stored; look others up with a resource."
_NO_LOGGERS = "Use logging of Python's standard library; context.log is recorded with the run."

ARGUMENTS: dict[str, str] = {
    "asset.auto_materialize_policy": _NO_AUTOMATION,
    "asset.auto_observe_interval_minutes": _NO_AUTOMATION,
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
    "asset_check.additional_deps": _ONE_ASSET,
    "asset_check.additional_ins": _ONE_ASSET,
    "asset_check.compute_kind": "Leave it out; the kinds of its asset say it.",
    "asset_check.config_schema": _CONFIG,
    "asset_check.op_tags": "Leave it out; nothing is launched by tags.",
    "asset_check.pool": _POOL,
    "asset_check.resource_defs": _RESOURCES_HERE,
    "asset_check.retry_policy": "Put the retry_policy on the asset; its checks run with it.",
    "AssetCheckSpec.additional_deps": _ONE_ASSET,
    "automation_condition": _NO_AUTOMATION,
    "build_asset_context.asset_config": _CONFIG,
    "build_asset_context.instance": _INSTANCE,
    "connection_config": "Leave it out; DuckDB's settings are its defaults.",
    "dagster_type": _NO_TYPES,
    "Definitions.component_tree": _LISTED,
    "Definitions.executor": _EXECUTOR,
    "Definitions.loggers": _NO_LOGGERS,
    "Definitions.metadata": "Put metadata={…} on the assets.",
    "Definitions.sensors": _NO_SENSOR,
    "define_asset_job.executor_def": _EXECUTOR,
    "define_asset_job.op_retry_policy": "Put retry_policy=RetryPolicy(…) on the assets.",
    "define_asset_job.owners": "Put owners=[…] on the assets.",
    "define_asset_job.run_tags": _JOB_TAGS,
    "hooks": _NO_HOOKS,
    "materialize.instance": _INSTANCE,
    "Output.output_name": "Leave it out; an asset has one output.",
}
