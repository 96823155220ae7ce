"""What a selection, as text, means in a definition; `selection_grammar` says how it is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property, reduce
from operator import and_
from typing import NoReturn

from gapless.errors import InvocationError, PartitionSelectionError, closest, shown
from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.partition_set import PartitionSet
from gapless.partitions.sets.selection_grammar import (
    STATUS_WORDS,
    AllOf,
    AnyOf,
    Edge,
    InDimension,
    Not,
    Range,
    Selection,
    Value,
    Word,
    as_value,
    parse,
)

__all__ = ["select"]


def select(
    definition: OrderedKeys,
    text: str,
    now: datetime,
    statuses: Mapping[str, OrdinalSet] | None = None,
) -> PartitionSet:
    """The partitions that `text` names, of those that exist at `now`.

    Args:
        definition: What they are partitions of.
        text: A selection such as ``2024-01 & not failed``; see `selection_grammar`.
        now: A naive one is in the definition's own timezone.
        statuses: What ``missing``, ``failed``, … mean, by word; None where nothing is known of what is recorded.

    Raises:
        PartitionSelectionError: It cannot be read, or names what is not there; points at the character.
    """
    return _Meaning(definition, text, now, statuses).of(parse(text))


class _Meaning:
    """What the pieces of one text mean in one definition: the asset's, or that of one of its dimensions.

    Attributes:
        dimension: The name of the dimension whose definition it is; None for the whole.
    """

    def __init__(
        self,
        definition: OrderedKeys,
        text: str,
        now: datetime,
        statuses: Mapping[str, OrdinalSet] | None,
        dimension: str | None = None,
    ) -> None:
        self._definition = definition
        self._text = text
        self._now = now
        self._statuses = statuses
        self._dimension = dimension

    @cached_property
    def _everything(self) -> PartitionSet:
        return PartitionSet.existing(self._definition, self._now)

    def _refuse(self, position: int, reason: str, fix: str = "") -> NoReturn:
        raise PartitionSelectionError(self._text, position, reason, fix)

    def _existing(self, ordinals: OrdinalSet) -> PartitionSet:
        return PartitionSet.of_ordinals(self._definition, ordinals) & self._everything

    def of(self, node: Selection) -> PartitionSet:
        """The existing partitions that a piece of the selection means."""
        match node:
            case AnyOf(parts):
                return self._of_any(parts)
            case AllOf(parts):
                return reduce(and_, map(self.of, parts))
            case Not(part):
                return self._everything - self.of(part)
            case Value():
                return self._of_value(node)
            case Range():
                return self._of_range(node)
            case Edge():
                return self._of_edge(node)
            case Word():
                return self._of_word(node)
            case InDimension():
                return self._of_dimension(node)

    # Keys, civil time and ranges of them.

    def _of_any(self, parts: Sequence[Selection]) -> PartitionSet:
        """The union. A hundred thousand keys in a row are joined as numbers, not as sets."""
        keys: list[int] = []
        others: list[Selection] = []
        for part in parts:
            ordinal = self._ordinal(part) if isinstance(part, Value) else None
            if ordinal is None:
                others.append(part)
            else:
                keys.append(ordinal)
        sets = [self._existing(OrdinalSet.of(keys))] if keys else []
        return _union([*sets, *map(self.of, others)])

    def _of_value(self, value: Value) -> PartitionSet:
        ordinal = self._ordinal(value)
        if ordinal is not None:
            return self._existing(OrdinalSet.span(ordinal, ordinal + 1))
        found = self._existing(self._from(value) & self._until(value))
        if not found:
            why = self._definition.unknown(value.text, self._now).reason
            self._refuse_nothing_in(value.position, f"in {_cut(value.text)}", why)
        return found

    def _ordinal(self, value: Value) -> int | None:
        """The ordinal of a value that is exactly a key; None if it is to be read as civil time."""
        ordinal = self._definition.ordinal_of(value.text)
        if ordinal is None:
            return None
        if ordinal not in self._everything.ordinals:
            unknown = self._definition.unknown(value.text, self._now)
            self._refuse(
                value.position, f"the partition {shown(value.text)} does not exist yet", " ".join(unknown.advice)
            )
        return ordinal

    def _from(self, value: Value) -> OrdinalSet:
        """All that are not before a stretch of civil time."""
        found = None if value.quoted else self._definition.labelled_from(value.text, self._now)
        return self._refuse_unknown(value) if found is None else found

    def _until(self, value: Value) -> OrdinalSet:
        """All that are not after a stretch of civil time."""
        found = None if value.quoted else self._definition.labelled_until(value.text, self._now)
        return self._refuse_unknown(value) if found is None else found

    def _of_range(self, span: Range) -> PartitionSet:
        found = self._between(span.start, span.end)
        if not found:
            self._refuse_empty(span)
        return found

    def _refuse_empty(self, span: Range) -> NoReturn:
        start, end = (self._text_of(value) for value in (span.start, span.end))
        if span.start and span.end and self._between(span.end, span.start):
            self._refuse(span.position, "the range runs backwards", f"Write {end}..{start}, the earlier one first.")
        self._refuse_nothing_in(span.position, f"in {start}..{end}")

    @staticmethod
    def _text_of(value: Value | None) -> str:
        if value is None:
            return ""
        return as_value(value.text) if value.quoted else value.text

    def _between(self, start: Value | None, end: Value | None) -> PartitionSet:
        first, last = (None if value is None else self._ordinal(value) for value in (start, end))
        found = self._corners(first, last)
        # What is no key is civil time, which bounds what the keys leave.
        if start is not None and first is None:
            found &= self._existing(self._from(start))
        if end is not None and last is None:
            found &= self._existing(self._until(end))
        return found

    def _corners(self, first: int | None, last: int | None) -> PartitionSet:
        """From one partition to another in the definition's own order; a rectangle where there are dimensions."""
        definition, everything = self._definition, self._everything.ordinals
        if isinstance(everything, OrdinalSet):
            return self._existing(definition.between(first or 0, definition.room - 1 if last is None else last))
        sides = list(definition.dimensions.values())
        low = [0] * len(sides) if first is None else everything.point(first)
        high = [side.room - 1 for side in sides] if last is None else everything.point(last)
        for place, side in enumerate(sides):
            everything = everything.where(place, side.between(low[place], high[place]))
        return PartitionSet(definition, everything)

    def _refuse_nothing_in(self, position: int, where: str, why: str | None = None) -> NoReturn:
        extent = self._definition.describe_extent(self._now)
        self._refuse(
            position, f"no partition {where} exists{f': {why}' if why else ''}", f"Its partitions are {extent}."
        )

    def _refuse_unknown(self, value: Value) -> NoReturn:
        if self._definition.dimensions and not value.quoted:
            self._refuse_bare(value)
        unknown = self._definition.unknown(value.text, self._now)
        where = "" if self._dimension is None else f" in the dimension {self._dimension!r}"
        why = f": {unknown.reason}" if unknown.reason else ""
        self._refuse(value.position, f"there is no partition {shown(value.text)}{where}{why}", " ".join(unknown.advice))

    def _refuse_bare(self, value: Value) -> NoReturn:
        """Where there are dimensions, a bare value does not say which one it is a value of."""
        definition, dimensions = self._definition, self._definition.dimensions
        joined = self._text[value.position :].split()[0]
        if DELIMITER in joined:
            known = [joined] if joined in self._everything else definition.nearest_keys(joined, self._now, 1)
            self._refuse_unquoted(value, joined, known)
        fits = [name for name, dimension in dimensions.items() if self._fits(dimension, value)]
        written = " or ".join(f"{as_value(name)}={_cut(value.text)}" for name in fits or dimensions)
        self._refuse(
            value.position,
            f"{shown(value.text)} does not say which dimension it is a value of",
            f"Write {written}; a whole key is written in quotes.",
        )

    def _refuse_unquoted(self, value: Value, joined: str, known: Sequence[str]) -> None:
        """Refuse what is the whole key of a partition, or nearly, but for the quotes."""
        for key in known:
            parts = zip(self._definition.dimensions, key.split(DELIMITER), strict=True)
            named = " & ".join(f"{as_value(name)}={as_value(part)}" for name, part in parts)
            self._refuse(
                value.position,
                f"{shown(joined)} is read as several values, since | joins selections",
                f'Write the key in quotes, "{key}", or {named}.',
            )

    def _fits(self, dimension: OrderedKeys, value: Value) -> bool:
        known = dimension.ordinal_of(value.text) is not None
        return known or dimension.labelled_from(value.text, self._now) is not None

    # Words.

    def _of_edge(self, edge: Edge) -> PartitionSet:
        dimensions = self._definition.dimensions
        if not dimensions:
            ordinals = self._everything.flat()
            found = ordinals.tail(edge.count) if edge.newest else ordinals.head(edge.count)
            return PartitionSet.of_ordinals(self._definition, found)
        by_time = [name for name, dimension in dimensions.items() if dimension.is_time]
        if len(by_time) != 1:
            word = "last" if edge.newest else "first"
            offered = " or ".join(f"{as_value(name)}={word} {edge.count}" for name in by_time or dimensions)
            how_many = "several dimensions are" if by_time else "no dimension is"
            self._refuse(edge.position, f"{how_many} time, so {word!r} does not say of which", f"Write {offered}.")
        return self._of_dimension(InDimension(by_time[0], edge, edge.position))

    def _of_word(self, word: Word) -> PartitionSet:
        if word.name == "all":
            return self._everything
        if word.name == "none":
            return PartitionSet.empty(self._definition)
        if self._dimension is not None:
            self._refuse(
                word.position,
                f"{word.name!r} is about whole partitions, not about the dimension {self._dimension!r}",
                f"Write it beside the dimension: {self._dimension}=… & {word.name}.",
            )
        if self._statuses is None:
            self._refuse(
                word.position,
                f"{word.name!r} asks for what is recorded, and here nothing recorded is known",
                f'Ask where an asset is named, or pass statuses={{"{word.name}": …}}.',
            )
        if word.name not in self._statuses:
            known = [name for name in STATUS_WORDS if name in self._statuses]
            self._refuse(
                word.position,
                f"which partitions are {word.name} is not recorded yet",
                f"What is recorded: {', '.join(known) or 'nothing'}.",
            )
        recorded = self._statuses[word.name]
        if not isinstance(recorded, OrdinalSet):
            raise InvocationError(
                f"statuses[{word.name!r}] is {shown(recorded)} ({type(recorded).__name__}), not an OrdinalSet",
                "Pass those of its keys: definition.ordinals_of(keys).",
            )
        return self._existing(recorded)

    # Dimensions.

    def _of_dimension(self, node: InDimension) -> PartitionSet:
        dimensions = self._definition.dimensions
        if node.name not in dimensions:
            self._refuse_dimension(node)
        dimension = dimensions[node.name]
        inside = _Meaning(dimension, self._text, self._now, self._statuses, node.name)
        place = list(dimensions).index(node.name)
        everything = self._everything.ordinals
        assert isinstance(everything, ProductSet)  # noqa: S101  the form of sets where there are dimensions
        return PartitionSet(self._definition, everything.where(place, inside.of(node.selection).flat()))

    def _refuse_dimension(self, node: InDimension) -> NoReturn:
        dimensions = self._definition.dimensions
        if not dimensions:
            self._refuse(
                node.position,
                f"{shown(node.name)} is taken for a dimension, because of '=', and there are no dimensions",
                "Write the value alone; a key with '=' is written in quotes.",
            )
        near = closest(node.name, dimensions)
        meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"There are {', '.join(dimensions)}."
        self._refuse(node.position, f"there is no dimension {shown(node.name)}", meant)


def _cut(text: str) -> str:
    """As `shown`, without quotes around what is short."""
    return text if shown(text) == repr(text) else shown(text)


def _union(sets: Iterable[PartitionSet]) -> PartitionSet:
    """All partitions of all `sets`. Halves are joined first, so that many small sets do not rebuild a large one."""
    pending = list(sets)
    while len(pending) > 1:
        pending = [
            pending[i] | pending[i + 1] if i + 1 < len(pending) else pending[i] for i in range(0, len(pending), 2)
        ]
    return pending[0]
