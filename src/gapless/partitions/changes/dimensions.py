"""What the partitions of several dimensions become: each dimension by itself, then all together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import cast

from gapless.errors import InvocationError
from gapless.partitions.changes.correspondence import Correspondence, Fate, added, by_key, removed
from gapless.partitions.changes.windows import by_window
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.partition_set import PartitionSet
from gapless.partitions.static import StaticPartitionsDefinition
from gapless.partitions.windows.windowed import Windowed

__all__ = ["UNPARTITIONED", "Feeds", "Line", "Renames", "Space", "lines_between", "rename_hint"]

UNPARTITIONED = StaticPartitionsDefinition(["(unpartitioned)"])
"""Stands for an asset without partitions: the whole of it is its only one."""

Renames = Mapping[str, str | Mapping[str, str]]
_UNNAMED = ""
_ONLY = OrdinalSet.span(0, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """What becomes of one dimension.

    Attributes:
        old: Its old name; None if it was not there.
        new: Its new name; None if it is there no more.
        rule: What becomes of its partitions. Where it is not there, ordinal 0 stands for it.
    """

    old: str | None
    new: str | None
    rule: Correspondence


@dataclass(frozen=True, slots=True)
class Space:
    """A definition by its dimensions: none without partitions, and the one without a name of a definition with one.

    Attributes:
        definition: `UNPARTITIONED` where there is none.
        dimensions: In the order of the keys.
    """

    definition: OrderedKeys
    dimensions: Mapping[str, OrderedKeys]

    @classmethod
    def of(cls, definition: OrderedKeys | None) -> Space:
        """Of an asset's definition, or of None."""
        if definition is None:
            return cls(UNPARTITIONED, {})
        return cls(definition, dict(definition.dimensions) or {_UNNAMED: definition})

    def box(self, sides: Mapping[str, OrdinalSet]) -> PartitionSet:
        """The partitions whose ordinal lies in the side of each dimension; those that are left out are free."""
        spans = [sides.get(name, OrdinalSet.span(0, each.room)) for name, each in self.dimensions.items()]
        if self.definition.dimensions:
            return PartitionSet(self.definition, ProductSet.box(self.definition.rooms, spans))
        return PartitionSet(self.definition, spans[0] if spans else _ONLY)

    def boxes(self, partitions: PartitionSet) -> Iterator[dict[str, OrdinalSet]]:
        """Boxes that together are the set, by dimension."""
        ordinals = partitions.ordinals
        if isinstance(ordinals, ProductSet):
            yield from (dict(zip(self.dimensions, box, strict=True)) for box in ordinals.boxes())
        elif ordinals:
            yield dict.fromkeys(self.dimensions, ordinals)

    def union(self, sets: Iterable[PartitionSet]) -> PartitionSet:
        """All partitions of these sets, which may be many."""
        ordinals = [each.ordinals for each in sets]
        if self.definition.dimensions:
            points = ProductSet.union(self.definition.rooms, cast("list[ProductSet]", ordinals))
            return PartitionSet(self.definition, points)
        return PartitionSet(self.definition, OrdinalSet.of_runs(run for each in ordinals for run in each.runs))


@dataclass(frozen=True, slots=True)
class Feeds:
    """Which old partitions feed which new ones.

    Attributes:
        old, new: The two definitions.
        lines: One for each dimension of either.
    """

    old: Space
    new: Space
    lines: tuple[Line, ...]

    def forward(self, partitions: PartitionSet) -> PartitionSet:
        """The new partitions that any of these old ones feeds, whether or not the combinations exist."""
        sides = [(line.old, line.new, line.rule.link.forward) for line in self.lines]
        return _image(partitions, self.old, self.new, sides)

    def backward(self, partitions: PartitionSet) -> PartitionSet:
        """The old partitions that feed any of these new ones, whether or not the combinations exist."""
        sides = [(line.new, line.old, line.rule.link.backward) for line in self.lines]
        return _image(partitions, self.new, self.old, sides)

    def by_fate(self) -> dict[Fate, PartitionSet]:
        """All old partitions that have a place in each dimension, by what becomes of them."""
        sets = {fate: PartitionSet.empty(self.old.definition) for fate in Fate}
        for fates in product(*(line.rule.fates.items() for line in self.lines)):
            if all(side for _, side in fates):
                fate = Fate.together(tuple(fate for fate, _ in fates))
                sides = zip(self.lines, fates, strict=True)
                sets[fate] |= self.old.box({line.old: side for line, (_, side) in sides if line.old is not None})
        return sets

    def cut(self) -> PartitionSet:
        """Old partitions of which a dimension has no place for a part."""
        return self.old.union(self.old.box({line.old: line.rule.cut}) for line in self.lines if line.old is not None)

    def partial(self) -> PartitionSet:
        """New partitions that are fed only in part in some dimension."""
        rules = ((line.new, line.rule.partial) for line in self.lines)
        return self.new.union(self.new.box({name: partial}) for name, partial in rules if name is not None)

    def orphans(self, orphaned: PartitionSet) -> Iterator[tuple[PartitionSet, str]]:
        """These old partitions by the reason why they have no place."""
        for line in self.lines:
            for side, why in line.rule.orphaned:
                found = orphaned & self.old.box({} if line.old is None else {line.old: side})
                orphaned -= found
                if found:
                    yield found, f"{line.old}: {why}" if line.old else why
        if orphaned:
            yield orphaned, "no such combination in the new definition"


def _image(
    partitions: PartitionSet,
    source: Space,
    target: Space,
    sides: Sequence[tuple[str | None, str | None, Callable[[OrdinalSet], OrdinalSet]]],
) -> PartitionSet:
    """What each box becomes when each of its sides is mapped: from the name, to the name, how."""

    def images() -> Iterator[PartitionSet]:
        for box in source.boxes(partitions):
            mapped = [(name, image(_ONLY if origin is None else box[origin])) for origin, name, image in sides]
            if all(side for _, side in mapped):
                yield target.box({name: side for name, side in mapped if name is not None})

    return target.union(images())


def lines_between(
    old: Space,
    new: Space,
    now: datetime,
    renames: Renames,
    dimension_renames: Mapping[str, str],
    default: Mapping[str, str],
) -> tuple[Line, ...]:
    """What becomes of each dimension; see `describe_change` for the arguments and errors."""
    pairs = _paired(old, new, dimension_renames)
    fresh = [name for name in new.dimensions if name not in pairs.values()]
    by_dimension = _by_dimension(old, renames)
    _known("default", default, fresh, "that is added")
    _known("renames", by_dimension, pairs, "that stays")
    lines = []
    for name, before in old.dimensions.items():
        if name not in pairs:
            lines.append(Line(name, None, removed(before, now)))
            continue
        after, renamed = new.dimensions[pairs[name]], by_dimension.get(name, {})
        if not (isinstance(before, Windowed) and isinstance(after, Windowed)):
            lines.append(Line(name, pairs[name], by_key(before, after, renamed, now)))
        elif renamed:
            raise InvocationError(
                f"renames has keys of time windows ({before.describe()})",
                "Leave them out: windows correspond by time, whatever their keys are",
            )
        else:
            lines.append(Line(name, pairs[name], by_window(before, after, now)))
    lines += [Line(None, name, added(new.dimensions[name], default.get(name), now)) for name in fresh]
    return tuple(lines)


def rename_hint(lines: Sequence[Line]) -> Iterator[str]:
    """What to write if a dimension that seems to be exchanged was only renamed, a sentence."""
    gone = [line.old for line in lines if line.new is None and line.old]
    fresh = [line.new for line in lines if line.old is None and line.new]
    if gone and fresh:
        yield f"If a dimension was renamed, declare it, for example dimension_renames={{{gone[0]!r}: {fresh[0]!r}}}."


def _by_dimension(old: Space, renames: Renames) -> dict[str, Mapping[str, str]]:
    if not renames:
        return {}
    named = bool(old.definition.dimensions)
    kind, shape = (Mapping, "{'dimension': {'old key': 'new key'}}") if named else (str, "{'old key': 'new key'}")
    if not isinstance(renames, Mapping) or not all(isinstance(value, kind) for value in renames.values()):
        raise InvocationError(f"renames is {renames!r}", f"Write renames={shape}")
    return dict(renames) if named else {_UNNAMED: renames}  # type: ignore[dict-item,arg-type]  # just checked


def _known(argument: str, given: Iterable[str], names: Collection[str], which: str) -> None:
    for name in given:
        if name not in names:
            there = f"Write {' or '.join(map(repr, names))}" if names else "There is none; leave it out"
            raise InvocationError(f"{argument} names {name!r}, which is no dimension {which}", there)


def _paired(old: Space, new: Space, renames: Mapping[str, str]) -> dict[str, str]:
    """The new names of the dimensions that stay, by their old ones."""
    pairs: dict[str, str] = {}
    _known("dimension_renames", renames, old.dimensions, "of the old definition")
    _known("dimension_renames", renames.values(), new.dimensions, "of the new definition")
    for before, after in renames.items():
        if after in pairs.values():
            raise InvocationError(f"two dimensions would become {after!r}", "Leave one of them out")
        pairs[before] = after
    for name in old.dimensions:
        if name not in pairs and name in new.dimensions and name not in pairs.values():
            pairs[name] = name
    if _UNNAMED in old.dimensions and _UNNAMED not in pairs:
        candidates = {name: each for name, each in new.dimensions.items() if name not in pairs.values()}
        if candidates:
            pairs[_UNNAMED] = _counterpart(old.dimensions[_UNNAMED], candidates, f"'': {next(iter(candidates))!r}")
    elif _UNNAMED in new.dimensions and _UNNAMED not in pairs.values():
        candidates = {name: each for name, each in old.dimensions.items() if name not in pairs}
        if candidates:
            found = _counterpart(new.dimensions[_UNNAMED], candidates, f"{next(iter(candidates))!r}: ''")
            pairs[found] = _UNNAMED
    return pairs


def _counterpart(definition: OrderedKeys, candidates: Mapping[str, OrderedKeys], example: str) -> str:
    """The dimension that is the same as `definition`, or else the only one of its kind."""
    equal = [name for name, each in candidates.items() if each == definition]
    alike = [name for name, each in candidates.items() if each.is_time == definition.is_time]
    for found in (equal, alike):
        if len(found) == 1:
            return found[0]
    raise InvocationError(
        f"it is open which of the dimensions {', '.join(candidates)} is the one of {definition.describe()}",
        f"Declare it, for example dimension_renames={{{example}}}",
    )
