"""What becomes of the partitions of an asset when its definition changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gapless.errors import InvocationError
from gapless.partitions.changes.correspondence import Fate
from gapless.partitions.changes.dimensions import UNPARTITIONED, Feeds, Renames, Space, lines_between, rename_hint
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["UNPARTITIONED", "DefinitionChange", "Orphans", "describe_change"]

_LISTED = 3  # ranges that a sentence names


@dataclass(frozen=True, slots=True)
class Orphans:
    """Old partitions that have no place in the new definition.

    Attributes:
        partitions: Of the old definition.
        why: The reason, a clause: ``before the new start``.
    """

    partitions: PartitionSet
    why: str


@dataclass(frozen=True, slots=True)
class DefinitionChange:
    """What becomes of each partition that exists, when one definition takes the place of another.

    Each old partition is in exactly one of `carried`, `split`, `merged`, `straddling` and `orphaned`. Of several
    dimensions, it is what its dimensions make of it together, whether or not each combination exists.

    Attributes:
        old, new: The definitions; `UNPARTITIONED` where there is none.
        carried: Becomes one new partition that is the same in all but, perhaps, its key.
        split: Becomes new partitions that nothing else feeds: a day becomes its hours.
        merged: Becomes a part of one new partition: an hour of a day.
        straddling: Feeds new partitions, at least one of which it shares with others, while it is not a part of one
            alone: a week across the end of a month.
        cut: Those of `split` and `straddling` of which a part has no place.
        orphans: The old partitions without a place, by reason.
        added: New partitions that no old one feeds.
        partial: New partitions that old ones feed, but not whole: the first day, of which only the evening existed.
        notes: What a person should know besides, as sentences.
    """

    old: OrderedKeys
    new: OrderedKeys
    carried: PartitionSet
    split: PartitionSet
    merged: PartitionSet
    straddling: PartitionSet
    cut: PartitionSet
    orphans: tuple[Orphans, ...]
    added: PartitionSet
    partial: PartitionSet
    notes: tuple[str, ...]
    _feeds: Feeds = field(repr=False, compare=False)
    _old_existing: PartitionSet = field(repr=False, compare=False)
    _new_existing: PartitionSet = field(repr=False, compare=False)

    @property
    def orphaned(self) -> PartitionSet:
        """All old partitions without a place."""
        together = PartitionSet.empty(self.old)
        for orphans in self.orphans:
            together |= orphans.partitions
        return together

    def new_of(self, old: PartitionSet) -> PartitionSet:
        """The new partitions that any of these old ones feeds."""
        return self._feeds.forward(old & self._old_existing) & self._new_existing

    def old_of(self, new: PartitionSet) -> PartitionSet:
        """The old partitions that feed any of these new ones."""
        return self._feeds.backward(new & self._new_existing) & self._old_existing

    def new_keys(self, old_key: str) -> list[str]:
        """The keys of the new partitions that an old one feeds, in order; none if it is orphaned.

        Raises:
            InvocationError: The old definition has no such key.
        """
        if self.old.ordinal_of(old_key) is None:
            raise InvocationError(
                f"{old_key!r} is no key of the old definition ({self.old.describe()})", "Ask for one of its keys"
            )
        return list(self.new_of(PartitionSet.of_keys(self.old, [old_key])))

    @property
    def words(self) -> str:
        """The change for people, in a few sentences."""
        return " ".join((*self._sentences(), *self.notes))

    def _sentences(self) -> Iterator[str]:
        if self.carried:
            yield f"{_counted(self.carried)} {_s(self.carried, 'carry')} over{self._under_other_keys()}."
        if self.split:
            yield f"{_counted(self.split)} {_s(self.split, 'split')} into {len(self.new_of(self.split)):,} new."
        if self.merged:
            into = len(self.new_of(self.merged))
            yield f"{_counted(self.merged)} {_s(self.merged, 'merge')} into {into:,} new."
        if self.straddling:
            yield (
                f"{_counted(self.straddling)} {_s(self.straddling, 'straddle')} new ones: {_listed(self.straddling)}."
            )
        if self.cut:
            yield f"{_counted(self.cut)} {_s(self.cut, 'lie')} only partly in new ones: {_listed(self.cut)}."
        for orphans in self.orphans:
            yield f"{_counted(orphans.partitions)} orphaned: {_listed(orphans.partitions)} ({orphans.why})."
        if self.partial:
            yield f"{_counted(self.partial, 'new ')} fed only in part: {_listed(self.partial)}."
        if self.added:
            yield f"{_counted(self.added, 'new ')} fed by none: {_listed(self.added)}."
        if not self._old_existing:
            yield "No old partition exists."

    def _under_other_keys(self) -> str:
        for key in (self.carried.first, self.carried.last):
            if key is not None and self.new_keys(key) != [key]:
                return f" under other keys ({key} becomes {', '.join(self.new_keys(key))})"
        return ""


def _counted(partitions: PartitionSet, which: str = "") -> str:
    return f"{len(partitions):,} {which}partition{'s' * (len(partitions) != 1)}"


def _s(partitions: PartitionSet, verb: str) -> str:
    if len(partitions) != 1:
        return verb
    return "carries" if verb == "carry" else f"{verb}s"


def _listed(partitions: PartitionSet) -> str:
    ranges = partitions.ranges()
    shown = ", ".join(a if a == b else f"{a}..{b}" for a, b in ranges[:_LISTED])
    more = len(ranges) - _LISTED
    return shown if more <= 0 else f"{shown} and {more:,} more range{'s' * (more != 1)}"


def describe_change(
    old: OrderedKeys | None,
    new: OrderedKeys | None,
    now: datetime,
    *,
    renames: Renames | None = None,
    dimension_renames: Mapping[str, str] | None = None,
    default: Mapping[str, str] | None = None,
) -> DefinitionChange:
    """What becomes of the old partitions under a new definition. Nothing is guessed: a rename has to be declared.

    Time windows correspond where they overlap, other partitions by their keys, and several dimensions one by one.

    Args:
        old, new: The definitions, dynamic ones with their keys; None for an asset without partitions.
        now: The time at which partitions exist.
        renames: New keys by old ones, of partitions that are not time windows; with several old dimensions by the
            old name of the dimension: ``{"region": {"uk": "gb"}}``.
        dimension_renames: New names of dimensions by old ones. A definition without named dimensions has the one
            name ``""``; it is left out where only one dimension can be meant.
        default: For an added dimension the key that the old partitions get; without it they split over all keys.

    Raises:
        InvocationError: An argument names what does not exist, or leaves open what is meant.
    """
    for name, definition in (("old", old), ("new", new)):
        if definition is not None and not isinstance(definition, OrderedKeys):
            raise InvocationError(f"{name} is {definition!r}, not a partitions definition", "Pass one, or None")
    before, after = Space.of(old), Space.of(new)
    lines = lines_between(before, after, now, renames or {}, dimension_renames or {}, default or {})
    feeds = Feeds(before, after, lines)
    old_existing = PartitionSet.existing(before.definition, now)
    new_existing = PartitionSet.existing(after.definition, now)
    kept, fed = feeds.backward(new_existing) & old_existing, feeds.forward(old_existing) & new_existing
    fates = feeds.by_fate()
    return DefinitionChange(
        before.definition,
        after.definition,
        carried=fates[Fate.CARRIED] & kept,
        split=fates[Fate.SPLIT] & kept,
        merged=fates[Fate.MERGED] & kept,
        straddling=fates[Fate.STRADDLING] & kept,
        cut=feeds.cut() & kept,
        orphans=tuple(Orphans(*found) for found in feeds.orphans(old_existing - kept)),
        added=new_existing - fed,
        partial=feeds.partial() & fed,
        notes=(*(note for line in lines for note in line.rule.notes), *rename_hint(lines)),
        _feeds=feeds,
        _old_existing=old_existing,
        _new_existing=new_existing,
    )
