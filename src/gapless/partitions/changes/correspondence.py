"""What the partitions of one dimension become when its definition changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gapless.errors import InvocationError
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["Correspondence", "Fate", "Link", "added", "by_key", "removed"]

_EMPTY = OrdinalSet.empty()
_ONLY = OrdinalSet.span(0, 1)


class Fate(Enum):
    """What becomes of an old partition that has a place in the new definition."""

    CARRIED = "carried"  # one new partition, and that has no other source
    SPLIT = "split"  # new partitions that have no other source; usually several
    MERGED = "merged"  # one new partition, which has other sources too, or room for them
    STRADDLING = "straddling"  # new partitions, some of which are fed by others too

    @staticmethod
    def together(fates: tuple[Fate, ...]) -> Fate:
        """The fate of a partition, of which these are the fates by dimension."""
        several = set(fates) - {Fate.CARRIED}
        if not several:
            return Fate.CARRIED
        return several.pop() if len(several) == 1 else Fate.STRADDLING


class Link(ABC):
    """Which old partitions share something with which new ones; ordinals, of partitions that exist only."""

    @abstractmethod
    def forward(self, old: OrdinalSet) -> OrdinalSet:
        """The new partitions that any of these feeds."""

    @abstractmethod
    def backward(self, new: OrdinalSet) -> OrdinalSet:
        """The old partitions that feed any of these."""


@dataclass(frozen=True, slots=True)
class Correspondence:
    """What becomes of the old partitions of one dimension. All sets are of partitions that exist.

    Attributes:
        link: Which feeds which.
        fates: The old partitions by what becomes of them; those that are in no set are orphaned.
        orphaned: The others, disjoint, each with the reason, a clause.
        cut: Old partitions of which a part has no place, while another has.
        partial: New partitions that are fed, but not all of what they cover.
        notes: What a person should know, as sentences.
    """

    link: Link
    fates: Mapping[Fate, OrdinalSet]
    orphaned: tuple[tuple[OrdinalSet, str], ...] = ()
    cut: OrdinalSet = _EMPTY
    partial: OrdinalSet = _EMPTY
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Pairs(Link):
    """One to one."""

    new_of: Mapping[int, int]
    old_of: Mapping[int, int]

    def forward(self, old: OrdinalSet) -> OrdinalSet:
        return _image(old, self.new_of)

    def backward(self, new: OrdinalSet) -> OrdinalSet:
        return _image(new, self.old_of)


def _image(ordinals: OrdinalSet, pairs: Mapping[int, int]) -> OrdinalSet:
    if len(ordinals) < len(pairs):
        return OrdinalSet.of(pairs[n] for n in ordinals if n in pairs)
    return OrdinalSet.of(m for n, m in pairs.items() if n in ordinals)


@dataclass(frozen=True, slots=True)
class _Same(Link):
    """A dimension that does not change."""

    there: OrdinalSet

    def forward(self, old: OrdinalSet) -> OrdinalSet:
        return old & self.there

    def backward(self, new: OrdinalSet) -> OrdinalSet:
        return new & self.there


@dataclass(frozen=True, slots=True)
class _Fan(Link):
    """The one nameless key of a dimension that was not there, with all keys that it feeds."""

    out: OrdinalSet

    def forward(self, old: OrdinalSet) -> OrdinalSet:
        return self.out if old else _EMPTY

    def backward(self, new: OrdinalSet) -> OrdinalSet:
        return _ONLY if self.out & new else _EMPTY


@dataclass(frozen=True, slots=True)
class _Reverse(Link):
    """A link the other way round."""

    link: Link

    def forward(self, old: OrdinalSet) -> OrdinalSet:
        return self.link.backward(old)

    def backward(self, new: OrdinalSet) -> OrdinalSet:
        return self.link.forward(new)


def added(new: OrderedKeys, default: str | None, now: datetime) -> Correspondence:
    """A dimension that was not there: all its keys are fed, or only the default one."""
    out = new.existing(now)
    if default is not None:
        ordinal = new.ordinal_of(default)
        if ordinal is None or ordinal not in out:
            raise _unknown("default", default, new, "new", now)
        out = OrdinalSet.span(ordinal, ordinal + 1)
    if not out:
        return Correspondence(_Fan(out), {}, ((_ONLY, "the new definition has no partitions"),))
    return Correspondence(_Fan(out), {Fate.CARRIED if len(out) == 1 else Fate.SPLIT: _ONLY})


def removed(old: OrderedKeys, now: datetime) -> Correspondence:
    """A dimension that is there no more: all its keys feed the same partition."""
    there = old.existing(now)
    fate = Fate.CARRIED if len(there) == 1 else Fate.MERGED
    return Correspondence(_Reverse(_Fan(there)), {fate: there} if there else {})


def by_key(old: OrderedKeys, new: OrderedKeys, renames: Mapping[str, str], now: datetime) -> Correspondence:
    """Keys that people chose: the same key is the same partition, unless `renames` says otherwise.

    Where only one of the two has time windows, keys that look alike mean different things, and only `renames` counts.

    Raises:
        InvocationError: `renames` names a key that does not exist, or gives two partitions one key.
    """
    there, then = old.existing(now), new.existing(now)
    if old is new and not renames:
        return Correspondence(_Same(there), {Fate.CARRIED: there})
    wanted = _wanted(old, new, renames, there, now)
    pairs: dict[int, int] = {}
    sources: dict[int, str] = {}
    for n, key, target in wanted:
        ordinal = new.ordinal_of(target)
        if ordinal is None or ordinal not in then:
            if key in renames:
                raise _unknown("renames", target, new, "new", now)
            continue
        if ordinal in sources:
            raise InvocationError(
                f"both {sources[ordinal]!r} and {key!r} would become {target!r}",
                "Leave one of them out of renames, or rename it to another key",
            )
        pairs[n], sources[ordinal] = ordinal, key
    back = {m: n for n, m in pairs.items()}
    carried = OrdinalSet.of(pairs)
    lost, fresh = there - carried, then - OrdinalSet.of(back)
    notes: tuple[str, ...] = ()
    why = "no such key in the new definition"
    if old.is_time != new.is_time:
        why = "time windows and chosen keys have nothing in common"
        notes = ("Where an old and a new key mean the same, declare it: renames={'old key': 'new key'}.",)
    elif lost and fresh:
        example = f"{old.key_at(lost.first())!r}: {new.key_at(fresh.first())!r}"
        notes = (f"If a key was renamed, declare it, for example renames={{{example}}}.",)
    return Correspondence(
        _Pairs(pairs, back), {Fate.CARRIED: carried}, ((lost, why),) if lost else (), notes=notes if lost else ()
    )


def _wanted(
    old: OrderedKeys, new: OrderedKeys, renames: Mapping[str, str], there: OrdinalSet, now: datetime
) -> list[tuple[int, str, str]]:
    """The old partitions that may live on: ordinal, key, and the key that they would have."""
    renamed: dict[int, tuple[str, str]] = {}
    for key, target in renames.items():
        ordinal = old.ordinal_of(key)
        if ordinal is None or ordinal not in there:
            raise _unknown("renames", key, old, "old", now)
        renamed[ordinal] = (key, target)
    if old.is_time != new.is_time:
        return [(n, key, target) for n, (key, target) in renamed.items()]
    keys = zip(there, old.keys_of(there), strict=True)
    return [(n, key, renames.get(key, key)) for n, key in keys]


def _unknown(argument: str, key: str, definition: OrderedKeys, which: str, now: datetime) -> InvocationError:
    near = definition.nearest_keys(key, now) if isinstance(key, str) else ()
    meant = f"Nearest: {', '.join(map(repr, near))}" if near else f"Its keys are {definition.describe_extent(now)}"
    return InvocationError(f"{argument} names {key!r}, which is no partition of the {which} definition", meant)
