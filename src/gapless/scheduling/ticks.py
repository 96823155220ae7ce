"""When a schedule ticks: the boundaries that its cron sets in its timezone, exact across daylight saving.

These are the grids that time partitions are cut by, so a tick falls exactly on the end of a window. A fixed time of day
that the clocks skip ticks at the end of the gap, one that comes twice ticks once; a cron of every hour ticks in both
passes of a repeated hour.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from gapless.definitions.schedules import Schedule
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.cron_grid import grid_of
from gapless.partitions.civil.zone import Zone

__all__ = ["Ticks"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORIGIN = 1_704_067_200  # 2024-01-01: ticks are counted from somewhere near the present


class Ticks:
    """The instants at which a cron schedule ticks. All that it takes and returns are instants; it returns UTC.

    Raises:
        PartitionsDefinitionError: `cron_schedule` is not one.
        ZoneInfoNotFoundError: There is no such timezone (a KeyError).
    """

    def __init__(self, cron_schedule: str, timezone: str) -> None:
        self._grid = grid_of(Cron.parse(cron_schedule), Zone.named(timezone), _ORIGIN)

    @classmethod
    def of(cls, schedule: Schedule) -> Ticks:
        return cls(schedule.cron_schedule, schedule.timezone)

    def after(self, instant: datetime) -> datetime:
        """The first tick after `instant`, exclusive."""
        return self._at(self._first_after(instant))

    def latest(self, instant: datetime) -> datetime:
        """The last tick at or before `instant`."""
        return self._at(self._first_after(instant) - 1)

    def upcoming(self, instant: datetime) -> Iterator[datetime]:
        """The ticks after `instant`, without end."""
        number = self._first_after(instant)
        while True:
            yield self._at(number)
            number += 1

    def _first_after(self, instant: datetime) -> int:
        # Boundaries are whole seconds: the first after an instant is the first from the next whole second on.
        return self._grid.number(math.floor((instant - _EPOCH) / timedelta(seconds=1)) + 1)

    def _at(self, number: int) -> datetime:
        return _EPOCH + timedelta(seconds=self._grid.tick(number).instant)
