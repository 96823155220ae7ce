"""WHICH PARTITIONS EXIST. Pure values: keys, windows, time grids, dimensions, sets, selections, mappings."""

from gapless.partitions.changes.change import DefinitionChange, describe_change
from gapless.partitions.civil.cron import Cron, ScheduleType
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.dimension import PartitionDimensionDefinition
from gapless.partitions.dimensions.multi import MultiPartitionsDefinition
from gapless.partitions.dynamic import (
    AddDynamicPartitionsRequest,
    DeleteDynamicPartitionsRequest,
    DynamicPartitionsDefinition,
)
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.mappings.by_dimension import (
    DimensionPartitionMapping,
    MultiPartitionMapping,
    MultiToSingleDimensionPartitionMapping,
)
from gapless.partitions.mappings.by_function import FunctionPartitionMapping
from gapless.partitions.mappings.by_key import (
    IdentityPartitionMapping,
    PairsPartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
)
from gapless.partitions.mappings.by_time import (
    CumulativePartitionMapping,
    RollingWindowPartitionMapping,
    TimeWindowPartitionMapping,
)
from gapless.partitions.mappings.inference import infer_mapping
from gapless.partitions.mappings.mapped import MappedUpstream, UpstreamPartitionsResult
from gapless.partitions.mappings.mapping import PartitionMapping
from gapless.partitions.mappings.waiting import Verdict, WaitPolicy
from gapless.partitions.mappings.whole import AllPartitionMapping, LastPartitionMapping
from gapless.partitions.multi_key import MultiPartitionKey
from gapless.partitions.ordered_keys import DynamicPartitionsStore, OrderedKeys, existing
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.partition_set import PartitionSet, RestoredSet
from gapless.partitions.static import StaticPartitionsDefinition
from gapless.partitions.window import TimeWindow
from gapless.partitions.windows.cadences import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.windows.time_window import TimeWindowPartitionsDefinition

__all__ = [
    "AddDynamicPartitionsRequest",
    "AllPartitionMapping",
    "Cron",
    "CumulativePartitionMapping",
    "DailyPartitionsDefinition",
    "DefinitionChange",
    "DeleteDynamicPartitionsRequest",
    "DimensionPartitionMapping",
    "DynamicPartitionsDefinition",
    "DynamicPartitionsStore",
    "FunctionPartitionMapping",
    "HourlyPartitionsDefinition",
    "IdentityPartitionMapping",
    "LastPartitionMapping",
    "MappedUpstream",
    "MonthlyPartitionsDefinition",
    "MultiPartitionKey",
    "MultiPartitionMapping",
    "MultiPartitionsDefinition",
    "MultiToSingleDimensionPartitionMapping",
    "OrderedKeys",
    "OrdinalSet",
    "PairsPartitionMapping",
    "PartitionDimensionDefinition",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionSet",
    "PartitionsDefinition",
    "ProductSet",
    "RestoredSet",
    "RollingWindowPartitionMapping",
    "ScheduleType",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
    "StaticPartitionsDefinition",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "UpstreamPartitionsResult",
    "Verdict",
    "WaitPolicy",
    "WeeklyPartitionsDefinition",
    "describe_change",
    "existing",
    "infer_mapping",
]
