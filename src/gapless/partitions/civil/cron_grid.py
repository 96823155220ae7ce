"""The grid that a cron describes."""

from __future__ import annotations

from gapless.partitions.civil.clock_grid import ClockGrid, ListedGrid
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.dates import dates_of
from gapless.partitions.civil.dates_grid import DatesGrid
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.zone import DAY, Zone

__all__ = ["grid_of"]


def grid_of(cron: Cron, zone: Zone, start: int) -> Grid:
    """The grid of a cron schedule in a zone, numbered from its first boundary at or after the instant `start`."""
    if not cron.every_hour:
        return DatesGrid(zone, dates_of(cron, start // DAY), cron.times, start)
    clock = ClockGrid(zone, cron.minutes, start)
    return clock if cron.every_day else ListedGrid(clock, cron)
