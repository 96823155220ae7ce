"""One or several partitions as one cell of a bar or of a heat map."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from gapless.partitions import OrdinalSet
from gapless.planning.snapshot import AssetStatus

__all__ = ["Cell", "PartitionStates", "bar"]


class Cell(Enum):
    """What a cell says. Where it stands for several partitions, it says what needs a look first."""

    NONE = "none"  # no partition lies here
    FAILED = "failed"
    RUNNING = "running"
    SKIPPED = "skipped"
    PARTIAL = "partial"  # some materialized, the others missing
    MATERIALIZED = "materialized"
    MISSING = "missing"
    EXPIRED = "expired"  # older than what the asset keeps, and gone


@dataclass(frozen=True, slots=True)
class PartitionStates:
    """The partitions that exist now, by state; the sets of states are disjoint and together are all.

    A partition's *place* is its 0-based position among those that exist.

    Attributes:
        everything: All that exist.
        skipped: Not made last time, because something upstream failed; they are gaps as much as the missing.
        missing: Without any record, or wiped.
        expired: Older than what the asset keeps, and not there: nobody is to make them.
    """

    everything: OrdinalSet
    materialized: OrdinalSet
    failed: OrdinalSet
    skipped: OrdinalSet
    running: OrdinalSet
    missing: OrdinalSet
    expired: OrdinalSet = OrdinalSet.empty()

    @classmethod
    def of(
        cls, status: AssetStatus, everything: OrdinalSet, expired: OrdinalSet = OrdinalSet.empty()
    ) -> PartitionStates:
        """What `status` says of the partitions that exist; what is recorded of others is left out.

        Args:
            expired: Those older than what the asset keeps. They count as such unless they are there, or being made.
        """
        materialized, failed = status.materialized & everything, status.failed & everything
        skipped, running = status.skipped & everything, status.running & everything
        gone = (expired & everything) - materialized - running
        failed, skipped = failed - gone, skipped - gone
        missing = everything - materialized - failed - skipped - running - gone
        return cls(everything, materialized, failed, skipped, running, missing, gone)

    @property
    def extent(self) -> int:
        """How many exist."""
        return len(self.everything)

    def at(self, ordinal: int) -> Cell:
        """The state of one partition that exists."""
        for state, ordinals in self._by_state:
            if ordinal in ordinals:
                return state
        return Cell.MISSING

    def stretch_before(self, ordinal: int) -> tuple[Cell, int]:
        """The state of `ordinal`, and the first ordinal from which on all up to it are in that state."""
        for state, ordinals in (*self._by_state, (Cell.MISSING, self.missing)):
            place = bisect_right(ordinals.runs, ordinal, key=lambda run: run[0]) - 1
            if place >= 0 and ordinal < ordinals.runs[place][1]:
                return state, ordinals.runs[place][0]
        raise IndexError(f"there is no partition number {ordinal}")

    def spread(self, edges: Sequence[int]) -> list[Cell]:
        """One cell for each of the half-open stretches between the places `edges`, which are ascending."""
        places, tallies = edges, [dict[Cell, int]() for _ in edges[1:]]
        edges = [self.everything.at(place) if place < self.extent else self.everything.last() + 1 for place in places]
        for state, ordinals in self._by_state:
            for a, b in ordinals.runs:
                place = max(bisect_right(edges, a) - 1, 0)
                while place < len(tallies) and edges[place] < b:
                    inside = min(b, edges[place + 1]) - max(a, edges[place])
                    if inside > 0:
                        tallies[place][state] = tallies[place].get(state, 0) + inside
                    place += 1
        return [merged(tally, places[place + 1] - places[place]) for place, tally in enumerate(tallies)]

    @property
    def _by_state(self) -> tuple[tuple[Cell, OrdinalSet], ...]:
        return (
            (Cell.MATERIALIZED, self.materialized),
            (Cell.FAILED, self.failed),
            (Cell.SKIPPED, self.skipped),
            (Cell.RUNNING, self.running),
            (Cell.EXPIRED, self.expired),
        )


def merged(tally: dict[Cell, int], size: int) -> Cell:
    """One cell for `size` partitions, of which `tally` says the states; those not in it are missing."""
    if not size:
        return Cell.NONE
    for state in (Cell.FAILED, Cell.RUNNING, Cell.SKIPPED):
        if tally.get(state):
            return state
    materialized, expired = tally.get(Cell.MATERIALIZED, 0), tally.get(Cell.EXPIRED, 0)
    if expired == size:
        return Cell.EXPIRED
    if materialized + expired == size:  # nobody is to make the others
        return Cell.MATERIALIZED
    return Cell.PARTIAL if materialized else Cell.MISSING


def bar(states: PartitionStates, length: int) -> tuple[Cell, ...]:
    """All partitions in order, in at most `length` cells of equal size; where the gaps are, not only how many."""
    cells = min(length, states.extent)
    return tuple(states.spread([states.extent * place // cells for place in range(cells + 1)])) if cells else ()
