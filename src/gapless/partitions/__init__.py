"""WHICH PARTITIONS EXIST. Pure values: keys, windows, time grids, dimensions, sets, selections, mappings.

Each name is imported when it is first used, so that a command pays for the kinds that its project has.
"""

from __future__ import annotations

from importlib import import_module

# Type checkers know the name; importing typing is not needed for it.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from typing import Any

    from gapless.partitions.changes.change import DefinitionChange as DefinitionChange
    from gapless.partitions.changes.change import describe_change as describe_change
    from gapless.partitions.civil.cron import Cron as Cron
    from gapless.partitions.civil.cron import ScheduleType as ScheduleType
    from gapless.partitions.definition import PartitionsDefinition as PartitionsDefinition
    from gapless.partitions.dimensions.dimension import PartitionDimensionDefinition as PartitionDimensionDefinition
    from gapless.partitions.dimensions.multi import MultiPartitionsDefinition as MultiPartitionsDefinition
    from gapless.partitions.dynamic import AddDynamicPartitionsRequest as AddDynamicPartitionsRequest
    from gapless.partitions.dynamic import DeleteDynamicPartitionsRequest as DeleteDynamicPartitionsRequest
    from gapless.partitions.dynamic import DynamicPartitionsDefinition as DynamicPartitionsDefinition
    from gapless.partitions.key_range import PartitionKeyRange as PartitionKeyRange
    from gapless.partitions.mappings.by_dimension import DimensionPartitionMapping as DimensionPartitionMapping
    from gapless.partitions.mappings.by_dimension import MultiPartitionMapping as MultiPartitionMapping
    from gapless.partitions.mappings.by_dimension import (
        MultiToSingleDimensionPartitionMapping as MultiToSingleDimensionPartitionMapping,
    )
    from gapless.partitions.mappings.by_function import FunctionPartitionMapping as FunctionPartitionMapping
    from gapless.partitions.mappings.by_key import IdentityPartitionMapping as IdentityPartitionMapping
    from gapless.partitions.mappings.by_key import PairsPartitionMapping as PairsPartitionMapping
    from gapless.partitions.mappings.by_key import (
        SpecificPartitionsPartitionMapping as SpecificPartitionsPartitionMapping,
    )
    from gapless.partitions.mappings.by_key import StaticPartitionMapping as StaticPartitionMapping
    from gapless.partitions.mappings.by_time import CumulativePartitionMapping as CumulativePartitionMapping
    from gapless.partitions.mappings.by_time import RollingWindowPartitionMapping as RollingWindowPartitionMapping
    from gapless.partitions.mappings.by_time import TimeWindowPartitionMapping as TimeWindowPartitionMapping
    from gapless.partitions.mappings.inference import infer_mapping as infer_mapping
    from gapless.partitions.mappings.mapped import MappedUpstream as MappedUpstream
    from gapless.partitions.mappings.mapped import UpstreamPartitionsResult as UpstreamPartitionsResult
    from gapless.partitions.mappings.mapping import PartitionMapping as PartitionMapping
    from gapless.partitions.mappings.waiting import Verdict as Verdict
    from gapless.partitions.mappings.waiting import WaitPolicy as WaitPolicy
    from gapless.partitions.mappings.whole import AllPartitionMapping as AllPartitionMapping
    from gapless.partitions.mappings.whole import LastPartitionMapping as LastPartitionMapping
    from gapless.partitions.multi_key import MultiPartitionKey as MultiPartitionKey
    from gapless.partitions.ordered_keys import DynamicPartitionsStore as DynamicPartitionsStore
    from gapless.partitions.ordered_keys import OrderedKeys as OrderedKeys
    from gapless.partitions.ordered_keys import existing as existing
    from gapless.partitions.ordinals import OrdinalSet as OrdinalSet
    from gapless.partitions.ordinals import ProductSet as ProductSet
    from gapless.partitions.sets.partition_set import PartitionSet as PartitionSet
    from gapless.partitions.sets.partition_set import RestoredSet as RestoredSet
    from gapless.partitions.static import StaticPartitionsDefinition as StaticPartitionsDefinition
    from gapless.partitions.window import TimeWindow as TimeWindow
    from gapless.partitions.windows.cadences import DailyPartitionsDefinition as DailyPartitionsDefinition
    from gapless.partitions.windows.cadences import HourlyPartitionsDefinition as HourlyPartitionsDefinition
    from gapless.partitions.windows.cadences import MonthlyPartitionsDefinition as MonthlyPartitionsDefinition
    from gapless.partitions.windows.cadences import WeeklyPartitionsDefinition as WeeklyPartitionsDefinition
    from gapless.partitions.windows.time_window import TimeWindowPartitionsDefinition as TimeWindowPartitionsDefinition

_HOME = {
    "AddDynamicPartitionsRequest": "dynamic",
    "AllPartitionMapping": "mappings.whole",
    "Cron": "civil.cron",
    "CumulativePartitionMapping": "mappings.by_time",
    "DailyPartitionsDefinition": "windows.cadences",
    "DefinitionChange": "changes.change",
    "DeleteDynamicPartitionsRequest": "dynamic",
    "DimensionPartitionMapping": "mappings.by_dimension",
    "DynamicPartitionsDefinition": "dynamic",
    "DynamicPartitionsStore": "ordered_keys",
    "FunctionPartitionMapping": "mappings.by_function",
    "HourlyPartitionsDefinition": "windows.cadences",
    "IdentityPartitionMapping": "mappings.by_key",
    "LastPartitionMapping": "mappings.whole",
    "MappedUpstream": "mappings.mapped",
    "MonthlyPartitionsDefinition": "windows.cadences",
    "MultiPartitionKey": "multi_key",
    "MultiPartitionMapping": "mappings.by_dimension",
    "MultiPartitionsDefinition": "dimensions.multi",
    "MultiToSingleDimensionPartitionMapping": "mappings.by_dimension",
    "OrderedKeys": "ordered_keys",
    "OrdinalSet": "ordinals",
    "PairsPartitionMapping": "mappings.by_key",
    "PartitionDimensionDefinition": "dimensions.dimension",
    "PartitionKeyRange": "key_range",
    "PartitionMapping": "mappings.mapping",
    "PartitionSet": "sets.partition_set",
    "PartitionsDefinition": "definition",
    "ProductSet": "ordinals",
    "RestoredSet": "sets.partition_set",
    "RollingWindowPartitionMapping": "mappings.by_time",
    "ScheduleType": "civil.cron",
    "SpecificPartitionsPartitionMapping": "mappings.by_key",
    "StaticPartitionMapping": "mappings.by_key",
    "StaticPartitionsDefinition": "static",
    "TimeWindow": "window",
    "TimeWindowPartitionMapping": "mappings.by_time",
    "TimeWindowPartitionsDefinition": "windows.time_window",
    "UpstreamPartitionsResult": "mappings.mapped",
    "Verdict": "mappings.waiting",
    "WaitPolicy": "mappings.waiting",
    "WeeklyPartitionsDefinition": "windows.cadences",
    "describe_change": "changes.change",
    "existing": "ordered_keys",
    "infer_mapping": "mappings.inference",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
