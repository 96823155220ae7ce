"""WHICH PARTITIONS EXIST. Pure values: keys, windows, time grids, dimensions, sets, selections, mappings."""

from gapless.partitions.cadences import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.civil.cron import Cron, ScheduleType
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.mappings.mapping import (
    AllPartitionMapping,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MappedUpstream,
    PartitionMapping,
    TimeWindowPartitionMapping,
    infer_mapping,
)
from gapless.partitions.multi import MultiPartitionsDefinition
from gapless.partitions.multi_key import MultiPartitionKey
from gapless.partitions.ordered_keys import DynamicPartitionsStore, OrderedKeys, existing
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.partition_set import PartitionSet
from gapless.partitions.product import ProductSet
from gapless.partitions.static import StaticPartitionsDefinition
from gapless.partitions.time_window import TimeWindowPartitionsDefinition
from gapless.partitions.window import TimeWindow

__all__ = [
    "AllPartitionMapping",
    "Cron",
    "DailyPartitionsDefinition",
    "DynamicPartitionsStore",
    "HourlyPartitionsDefinition",
    "IdentityPartitionMapping",
    "LastPartitionMapping",
    "MappedUpstream",
    "MonthlyPartitionsDefinition",
    "MultiPartitionKey",
    "MultiPartitionsDefinition",
    "OrderedKeys",
    "OrdinalSet",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionSet",
    "PartitionsDefinition",
    "ProductSet",
    "ScheduleType",
    "StaticPartitionsDefinition",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "WeeklyPartitionsDefinition",
    "existing",
    "infer_mapping",
]
