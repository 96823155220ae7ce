"""What time windows become when their cadence, timezone, exclusions or bounds change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from gapless.errors import InvocationError
from gapless.partitions.changes.correspondence import Correspondence, Fate, Link
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.zone import HOUR, Zone
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.ordinals.runs import Run
from gapless.partitions.windows.windowed import Windowed

__all__ = ["by_window"]

_CHUNK = 4096  # windows looked at in one go


def by_window(old: Windowed, new: Windowed, now: datetime) -> Correspondence:
    """Windows that overlap correspond, whatever their keys look like.

    Costs nothing to speak of while the two have the same windows; otherwise it looks at each window of the one that
    has fewer of them.

    Raises:
        InvocationError: They reach out of the calendar.
    """
    try:
        return _by_window(_Overlap(old, new, old.extent(now), new.extent(now)))
    except OverflowError as error:
        raise InvocationError(
            f"the windows of {old.describe()} and {new.describe()} cannot be compared: {error}",
            "Move the start or end that lies so far out",
        ) from None


def _by_window(link: _Overlap) -> Correspondence:
    if link.is_exact:
        fates, cut, partial = {Fate.CARRIED: link.backward(link.new_there)}, OrdinalSet.empty(), OrdinalSet.empty()
    else:
        fates, cut, partial = _compared(link)
    kept = OrdinalSet.of_runs(run for fate in fates.values() for run in fate.runs)
    return Correspondence(link, fates, _reasons(link, link.old_there - kept), cut, partial, _notes(link.old, link.new))


@dataclass(frozen=True, slots=True)
class _Overlap(Link):
    """Windows that overlap.

    Attributes:
        old_extent: How many old windows exist: the ordinals below it.
        new_extent: How many new ones.
    """

    old: Windowed
    new: Windowed
    old_extent: int
    new_extent: int

    @property
    def old_there(self) -> OrdinalSet:
        return OrdinalSet.span(0, self.old_extent)

    @property
    def new_there(self) -> OrdinalSet:
        return OrdinalSet.span(0, self.new_extent)

    @property
    def is_exact(self) -> bool:
        """True if it is sure without looking at them that windows that overlap are the same.

        They may be numbered differently, and exclusions may leave out some on either side.
        """
        old, new = self.old, self.new
        if old.unexcluded.cadence == new.unexcluded.cadence:
            return True
        low = min(old.boundary(0).timestamp(), new.boundary(0).timestamp())
        high = max(old.boundary(self.old_extent).timestamp(), new.boundary(self.new_extent).timestamp())
        beat = _beat(old, low, high)
        return beat is not None and beat == _beat(new, low, high)

    def forward(self, old: OrdinalSet) -> OrdinalSet:
        return _overlapping(self.old, old & self.old_there, self.new, self.new_extent)

    def backward(self, new: OrdinalSet) -> OrdinalSet:
        return _overlapping(self.new, new & self.new_there, self.old, self.old_extent)


def _beat(windows: Windowed, low: float, high: float) -> tuple[int, int] | None:
    """The length of the windows and the remainder of instants at which they begin, seconds; None if either varies.

    In whole-hour zones, the hours of one are those of the other, and no change of the clocks disturbs them.
    """
    cron = Cron.parse(windows.cron_schedule)
    length, uneven = divmod(HOUR, len(cron.minutes))
    even = not uneven and cron.minutes == tuple(range(cron.minutes[0], 60, length // 60))
    if not (cron.every_hour and cron.every_day and even):
        return None
    known = Zone.named(windows.timezone).offsets(int(low), int(high))
    ends = (*known.starts[1:], known.high)
    stretches = zip(known.starts, ends, known.offsets, strict=True)
    phases = {-offset % length for start, end, offset in stretches if end > low and start < high}
    return (length, (cron.minutes[0] * 60 + phases.pop()) % length) if len(phases) == 1 else None


def _overlapping(windows: Windowed, ordinals: OrdinalSet, others: Windowed, extent: int) -> OrdinalSet:
    stretches = (windows.window_bounds(a, b) for run in ordinals.runs for a, b in windows.stretches(*run))
    runs = map(others.overlapping_unbounded, stretches)
    return OrdinalSet.of_runs((max(0, a), min(b, extent)) for a, b in runs)


class _View(NamedTuple):
    """How one window lies among the existing windows of the other definition.

    Attributes:
        ordinal: The window.
        first, end: The others that overlap it, half-open.
        enters: True if the first of them begins before it.
        leaves: True if the last of them ends after it.
        covered: True if they leave no instant of it uncovered.
    """

    ordinal: int
    first: int
    end: int
    enters: bool
    leaves: bool
    covered: bool


def _views(windows: Windowed, ordinals: OrdinalSet, others: Windowed, extent: int) -> Iterator[_View]:
    """How each of these windows lies; those that no existing window overlaps are left out."""
    for piece in ordinals.chunks(_CHUNK):
        first = piece.first()
        spans = windows.spans(first, piece.last() + 1)
        inside = others.overlapping_spans(spans)
        # Windows are longer than a second, so who holds the second before and after a bound tells who crosses it.
        before = others.overlapping_spans([(start - 1, start) for start, _ in spans])
        start = others.overlapping_spans([(start, start + 1) for start, _ in spans])
        last = others.overlapping_spans([(end - 1, end) for _, end in spans])
        after = others.overlapping_spans([(end, end + 1) for _, end in spans])
        rows = zip(inside, before, start, last, after, strict=True)
        for n, ((a, b), outside_left, at_start, at_end, outside_right) in enumerate(rows, first):
            a, b = max(0, a), min(b, extent)
            if a >= b:
                continue
            whole = _only(at_start) == a and _only(at_end) == b - 1 and len(others.stretches(a, b)) == 1
            yield _View(n, a, b, _only(outside_left) == a, _only(outside_right) == b - 1, whole)


def _only(found: Run) -> int | None:
    """The one window of a range that holds one or none."""
    return found[0] if found[0] < found[1] else None


@dataclass(slots=True)
class _Sides:
    """The windows of one definition, by how they lie among the others."""

    same: list[Run] = field(default_factory=list)
    holding: list[Run] = field(default_factory=list)  # others lie inside, none crosses the bounds
    inside: list[Run] = field(default_factory=list)  # of one other
    crossing: list[Run] = field(default_factory=list)  # a bound of others

    def fates(self) -> dict[Fate, OrdinalSet]:
        crossing, inside = OrdinalSet.of_runs(self.crossing), OrdinalSet.of_runs(self.inside)
        return {
            Fate.CARRIED: OrdinalSet.of_runs(self.same),
            Fate.SPLIT: OrdinalSet.of_runs(self.holding) - crossing,
            Fate.MERGED: inside,
            Fate.STRADDLING: crossing - inside,
        }


def _compared(link: _Overlap) -> tuple[dict[Fate, OrdinalSet], OrdinalSet, OrdinalSet]:
    """The fates of the old windows, those that are cut, and the new ones that are partial."""
    swapped = link.new_extent < link.old_extent
    few, many = (link.new, link.old) if swapped else (link.old, link.new)
    few_extent, many_extent = sorted((link.old_extent, link.new_extent))
    touched = link.forward(link.old_there) if swapped else link.backward(link.new_there)
    ours, theirs = _Sides(), _Sides()
    uncovered: list[Run] = []
    for view in _views(few, touched, many, many_extent):
        n, a, b = (view.ordinal, view.ordinal + 1), view.first, view.end
        if not view.covered:
            uncovered.append(n)
        if not view.enters and not view.leaves:
            same = b - a == 1 and view.covered
            (ours.same if same else ours.holding).append(n)
            (theirs.same if same else theirs.inside).append((a, b))
        elif b - a == 1 and view.covered:
            ours.inside.append(n)
            theirs.holding.append((a, b))
        else:
            ours.crossing.append(n)
            theirs.inside.append((a + view.enters, b - view.leaves))
            theirs.crossing += [(a, a + view.enters), (b - view.leaves, b)]
    across = OrdinalSet.of_runs(theirs.crossing + theirs.holding)
    covered = OrdinalSet.of_runs(
        (view.ordinal, view.ordinal + 1) for view in _views(many, across, few, few_extent) if view.covered
    )
    few_open, many_open = OrdinalSet.of_runs(uncovered), across - covered
    return (theirs.fates(), many_open, few_open) if swapped else (ours.fates(), few_open, many_open)


def _reasons(link: _Overlap, orphaned: OrdinalSet) -> tuple[tuple[OrdinalSet, str], ...]:
    """The orphaned windows by why no new one holds them."""
    if not orphaned:
        return ()
    old, new = link.old, link.new
    everything = orphaned.last() + 1
    total = everything if new.end is None else new.closed_by(new.end)
    if total == 0:
        return ((orphaned, "the new definition has no partitions"),)
    first = old.overlapping_unbounded(new.window_bounds(0, 1))[0]
    existing_until = _end_of(link, link.new_extent) if link.new_extent else first
    until = everything if new.end is None else _end_of(link, total)
    reasons = []
    for start, end, why in (
        (0, first, "before the new start"),
        (until, everything, "after the new end"),
        (existing_until, until, "their new partition does not exist yet"),
        (first, existing_until, "excluded by the new definition"),
    ):
        found = orphaned & OrdinalSet.span(max(0, start), min(end, everything))
        if found:
            reasons.append((found, why))
    return tuple(reasons)


def _end_of(link: _Overlap, count: int) -> int:
    """The first old ordinal that begins after the first `count` new windows, unbounded."""
    return link.old.overlapping_unbounded(link.new.window_bounds(count - 1, count))[1]


def _notes(old: Windowed, new: Windowed) -> tuple[str, ...]:
    if old.timezone == new.timezone:
        return ()
    return (
        f"The windows move from {old.timezone} to {new.timezone}: a key that looks the same may mean another time.",
    )
