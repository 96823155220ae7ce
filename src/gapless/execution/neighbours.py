"""How many rows the partitions around one have."""

from __future__ import annotations

import bisect
import math
import threading
from collections.abc import Iterable

from gapless.asset_key import AssetKey
from gapless.ledger.contract import Ledger
from gapless.partitions import MultiPartitionsDefinition, PartitionsDefinition

__all__ = ["RecordedRows"]


class RecordedRows:
    """Rows by materialized partition: those that the ledger knows, then those that the run commits.

    Nothing is read before it is asked for. Safe to use from several threads.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._lock = threading.Lock()
        self._lines: dict[AssetKey, _Lines] = {}

    def around(
        self, asset: AssetKey, definition: PartitionsDefinition, ordinal: int, neighbours: int
    ) -> dict[str, int]:
        """Those of up to `neighbours` nearest partitions before `ordinal`, and as many after, in partition order.

        Neighbours are those in partition order; of several dimensions with one time among them, those that differ in
        that alone.
        """
        with self._lock:
            lines = self._lines.get(asset)
            if lines is None:
                lines = self._lines[asset] = _Lines(definition)
                for key, record in self._ledger.statuses(asset.to_user_string()).items():
                    if key is not None and record.committed_at is not None and record.rows is not None:
                        lines.add(key, record.rows)
            return {definition.key_at(near): lines.rows[near] for near in lines.around(ordinal, neighbours)}

    def committed(self, asset: AssetKey, rows: Iterable[tuple[str | None, int | None]]) -> None:
        """These partitions have been made."""
        with self._lock:
            lines = self._lines.get(asset)
            if lines is None:
                return
            for key, count in rows:
                if key is not None and count is not None:
                    lines.add(key, count)


class _Lines:
    """Partitions in rows of neighbours, by ordinal."""

    def __init__(self, definition: PartitionsDefinition) -> None:
        self._definition = definition
        self._stride, self._room = _step(definition)
        self._members: dict[int, list[int]] = {}
        self.rows: dict[int, int] = {}

    def add(self, key: str, rows: int) -> None:
        ordinal = self._definition.ordinal_of(key)
        if ordinal is None:
            return  # a key that the definition had once
        if ordinal not in self.rows:
            bisect.insort(self._members.setdefault(self._line(ordinal), []), ordinal)
        self.rows[ordinal] = rows

    def around(self, ordinal: int, wanted: int) -> list[int]:
        members = self._members.get(self._line(ordinal), [])
        place = bisect.bisect_left(members, ordinal)
        after = place + (members[place : place + 1] == [ordinal])
        return [*members[max(place - wanted, 0) : place], *members[after : after + wanted]]

    def _line(self, ordinal: int) -> int:
        """The same for neighbours: the ordinal without its place along the line."""
        return ordinal - ordinal // self._stride % self._room * self._stride


def _step(definition: PartitionsDefinition) -> tuple[int, int]:
    """From one neighbour to the next, and a bound of the number of them."""
    if isinstance(definition, MultiPartitionsDefinition):
        times = [place for place, each in enumerate(definition.dimensions.values()) if each.is_time]
        if len(times) == 1:
            return math.prod(definition.rooms[times[0] + 1 :]), definition.rooms[times[0]]
    return 1, definition.room
