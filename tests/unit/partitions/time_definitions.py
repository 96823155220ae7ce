"""Time definitions that several tests need, and how they are looked at."""

from datetime import datetime

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    OrdinalSet,
    TimeWindowPartitionsDefinition,
)

NY = "America/New_York"
DAILY = DailyPartitionsDefinition("2024-01-01")
NOW = datetime(2024, 3, 20, 12)


def first_keys(definition, count):
    return definition.keys_of(OrdinalSet.span(0, count))


def hourly(start, zone, **more):
    return HourlyPartitionsDefinition(start, timezone=zone, **more)


def cron(start, schedule, zone=None, fmt="%Y-%m-%d", **more):
    return TimeWindowPartitionsDefinition(start, fmt, cron_schedule=schedule, timezone=zone, **more)


def iso(window):
    return [moment.isoformat() for moment in window]
