"""Calls that were handed to workers, until every piece of them has landed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from gapless.asset_key import AssetKey
from gapless.execution.call import Failed
from gapless.execution.ready import Unit
from gapless.partitions import OrdinalSet

__all__ = ["InFlight"]

_Place = tuple[AssetKey, OrdinalSet]


@dataclass(slots=True)
class _Calling:
    """A call under way.

    Attributes:
        open: What of it has not landed.
        again: What of it failed and is to be tried again, once everything has landed.
        after_all: What undoes pieces that have not landed yet.
    """

    unit: Unit
    open: OrdinalSet
    again: OrdinalSet = OrdinalSet.empty()
    after_all: list[Failed] = field(default_factory=list)


class InFlight:
    """The calls under way. The driver alone uses it, but for `begin`."""

    def __init__(self) -> None:
        self._calls: dict[_Place, _Calling] = {}
        self._begun: set[_Place] = set()  # what a worker has taken up

    def __len__(self) -> int:
        return len(self._calls)

    def submit(self, unit: Unit) -> None:
        self._calls[unit.asset, unit.partitions] = _Calling(unit, unit.partitions)

    def begin(self, unit: Unit) -> None:
        """A worker takes it up. Called on the worker's thread."""
        self._begun.add((unit.asset, unit.partitions))

    @property
    def any_begun(self) -> bool:
        return any(place in self._begun for place in self._calls)

    def begun(self) -> list[Unit]:
        """What has not landed of the calls that workers have taken up."""
        return [
            calling.unit.piece(calling.open | calling.again)
            for place, calling in self._calls.items()
            if place in self._begun
        ]

    def postpone(self, piece: Failed) -> bool:
        """Whether `piece`, which undoes another, has to wait until that has landed; `landed` then returns it."""
        calling = self._calls.get((piece.unit.asset, piece.unit.call))
        if calling is None or not (piece.unit.partitions & calling.open):
            return False
        calling.after_all.append(piece)
        return True

    def try_again(self, piece: Unit) -> None:
        """It failed, and is to be called again once its call has landed."""
        self._calls[piece.asset, piece.call].again |= piece.partitions

    def landed(self, piece: Unit) -> tuple[list[Failed], Iterator[Unit]]:
        """It has an outcome.

        Returns:
            What undoes it; and if that was the last of its call, what to call again: a call for each range.
        """
        place = piece.asset, piece.call
        calling = self._calls.get(place)
        if calling is None:
            return [], iter(())
        calling.open -= piece.partitions
        undoing = [each for each in calling.after_all if not (each.unit.partitions & calling.open)]
        calling.after_all = [each for each in calling.after_all if each not in undoing]
        if calling.open:
            return undoing, iter(())
        del self._calls[place]
        self._begun.discard(place)
        unit = calling.unit
        ranges = (OrdinalSet.span(start, end) for start, end in calling.again.runs)
        return undoing, (Unit(unit.step, each, unit.attempt + 1) for each in ranges)
