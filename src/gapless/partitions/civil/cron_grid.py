"""The grid that a cron describes."""

from __future__ import annotations

from collections.abc import Iterator

from gapless.partitions.civil.clock_grid import ClockGrid
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.dates import dates_of
from gapless.partitions.civil.dates_grid import DatesGrid
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.sieve import Sieve
from gapless.partitions.civil.sieved_grid import SievedGrid
from gapless.partitions.civil.zone import CYCLE, DAY, Zone
from gapless.partitions.ordinals.runs import Run

__all__ = ["grid_of"]


def grid_of(cron: Cron, zone: Zone, start: int) -> Grid:
    """The grid of a cron schedule in a zone, numbered from its first boundary at or after the instant `start`."""
    if not cron.every_hour:
        return DatesGrid(zone, dates_of(cron, start // DAY), cron.times, start)
    clock = ClockGrid(zone, cron.minutes, start)
    if cron.every_day:
        return clock

    def other_days(low: int, high: int) -> Iterator[Run]:
        for day, seconds, _ in clock.labels(low, high):
            if not cron.matches(day):
                yield low, low + len(seconds)
            low += len(seconds)

    return SievedGrid(clock, Sieve(other_days, ahead=400 * len(cron.times), limit=CYCLE * len(cron.times)))
