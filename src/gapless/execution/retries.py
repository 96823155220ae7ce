"""Calls that failed and are made again after a while."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator

from gapless.execution.ready import Unit

__all__ = ["Retries"]


class Retries:
    """Those of one run, in the order in which they are due."""

    def __init__(self) -> None:
        self._waiting: list[tuple[float, int, Unit]] = []
        self._sequence = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def __iter__(self) -> Iterator[Unit]:
        return (unit for _, _, unit in self._waiting)

    def add(self, unit: Unit, at: float) -> None:
        """`at` is an instant of the monotonic clock, seconds."""
        heapq.heappush(self._waiting, (at, next(self._sequence), unit))

    @property
    def next_at(self) -> float:
        """When the next one is due. There is one."""
        return self._waiting[0][0]

    def due(self, now: float) -> Iterator[Unit]:
        """Those whose time has come; they do not wait any longer."""
        while self._waiting and self._waiting[0][0] <= now:
            yield heapq.heappop(self._waiting)[2]
