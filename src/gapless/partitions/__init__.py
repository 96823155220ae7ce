"""WHICH PARTITIONS EXIST. Pure values: keys, windows, time grids, static keys, sets of ordinals, mappings."""

from gapless.partitions.cadences import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.cron import Cron, ScheduleType
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.key_range import PartitionKeyRange
from gapless.partitions.mapping import (
    AllPartitionMapping,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MappedUpstream,
    PartitionMapping,
    TimeWindowPartitionMapping,
    infer_mapping,
)
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.static import StaticPartitionsDefinition
from gapless.partitions.time_window import TimeWindowPartitionsDefinition
from gapless.partitions.window import TimeWindow

__all__ = [
    "AllPartitionMapping",
    "Cron",
    "DailyPartitionsDefinition",
    "HourlyPartitionsDefinition",
    "IdentityPartitionMapping",
    "LastPartitionMapping",
    "MappedUpstream",
    "MonthlyPartitionsDefinition",
    "OrdinalSet",
    "PartitionKeyRange",
    "PartitionMapping",
    "PartitionsDefinition",
    "ScheduleType",
    "StaticPartitionsDefinition",
    "TimeWindow",
    "TimeWindowPartitionMapping",
    "TimeWindowPartitionsDefinition",
    "WeeklyPartitionsDefinition",
    "infer_mapping",
]
