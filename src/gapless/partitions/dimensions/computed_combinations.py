"""Combinations of dimensions that a function of one of them tells."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from gapless.errors import CombinationsError, PartitionsDefinitionError, PartitionSelectionError, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.dimension import key_of, unknown_dimension, unknown_key
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.selection_grammar import AnyOf, Range, Selection, Value, parse
from gapless.partitions.user_function import Answers, called, location_of, trace_of

__all__ = ["ComputedCombinations"]

Dimensions = Mapping[str, PartitionsDefinition]


class ComputedCombinations:
    """For each key of one dimension, a function tells which keys of the others go with it.

    It is asked when something is to be known of a key, and once for each key.

    Args:
        dimensions: By name, in key order.
        function: Its one parameter is named after a dimension, and gets a key of it. It returns what the other
            dimensions are restricted to: a mapping of their names to keys, to selections such as ``2024-01`` or
            ``START..`` (keys, civil time, ranges of both; with commas, several), or to lists of those; dimensions that
            are not in it are free. Or True for everything, and False or None for nothing.

    Raises:
        CombinationsError: The function has another signature.
    """

    def __init__(self, dimensions: Dimensions, function: Callable[..., object]) -> None:
        self._dimensions, self.function = dimensions, function
        self._name = self._parameter()
        self._place = list(dimensions).index(self._name)
        self._rooms = tuple(dimension.room for dimension in dimensions.values())
        self._restrictions = Answers(function, self._restriction, CombinationsError)

    def among(self, sides: Sequence[OrdinalSet]) -> ProductSet:
        """The combinations whose ordinal lies in the side of each dimension."""
        alike: dict[tuple[OrdinalSet, ...], list[int]] = {}
        for ordinal in sides[self._place]:
            alike.setdefault(self._restrictions.of(ordinal), []).append(ordinal)
        return ProductSet.union(self._rooms, (self._box(of, ordinals, sides) for of, ordinals in alike.items()))

    def _box(self, restriction: Sequence[OrdinalSet], own: Sequence[int], sides: Sequence[OrdinalSet]) -> ProductSet:
        narrowed = [ours & theirs for ours, theirs in zip(restriction, sides, strict=True)]
        narrowed[self._place] = OrdinalSet.of(own)
        return ProductSet.box(self._rooms, narrowed)

    def has_point(self, point: Sequence[int]) -> bool:
        """Whether the combination of these ordinals, one for each dimension, can exist."""
        restriction = self._restrictions.of(point[self._place])
        return all(ordinal in side for ordinal, side in zip(point, restriction, strict=True))

    def of(self, dimensions: Dimensions) -> ComputedCombinations:
        """The same of other definitions of the dimensions."""
        return ComputedCombinations(dimensions, self.function)

    def describe(self) -> str:
        """In words: ``restricted by launched(region)``."""
        return f"restricted by {self._called}({self._name})"

    @property
    def _called(self) -> str:
        name = called(self.function)
        return "a function" if name == "<lambda>" else name

    @property
    def _location(self) -> str | None:
        return location_of(self.function)

    def _parameter(self) -> str:
        try:
            parameters = list(inspect.signature(self.function).parameters.values())
        except (TypeError, ValueError):  # some of those that are written in C have none
            parameters = []
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        if len(parameters) != 1 or parameters[0].name not in self._dimensions or parameters[0].kind not in named:
            has = f"has the parameters ({', '.join(map(str, parameters))})" if parameters else "has no parameter"
            raise CombinationsError(
                f"the function that tells combinations {has}",
                f"Give it one, named after the dimension whose keys it gets: {', '.join(self._dimensions)}.",
                self._location,
            )
        return parameters[0].name

    def _restriction(self, ordinal: int) -> tuple[OrdinalSet, ...]:
        """What goes with a key of the function's dimension: a side for each dimension, its own whole."""
        key = self._dimensions[self._name].key_at(ordinal)
        return self._read(self._asked(key), f"{self._called}({self._name}={key!r})")

    def _asked(self, key: str) -> object:
        try:
            return self.function(**{self._name: key})
        except Exception as raised:
            raise CombinationsError(
                f"{self._called}({self._name}={key!r}), which tells which combinations exist, raised"
                f" {type(raised).__name__}: {raised}",
                location=self._location,
                trace=trace_of(raised),
            ) from raised

    def _read(self, answer: object, where: str) -> tuple[OrdinalSet, ...]:
        everything = tuple(OrdinalSet.span(0, room) for room in self._rooms)
        if answer is True:
            return everything
        if answer is None or answer is False:
            return tuple(OrdinalSet.empty() for _ in self._rooms)
        if not isinstance(answer, Mapping):
            raise CombinationsError(
                f"{where} returned {answer!r:.60} ({type(answer).__name__})",
                "Return a dictionary of what the other dimensions are restricted to, True for everything, or None for"
                " nothing.",
                self._location,
            )
        try:
            others = {name: each for name, each in self._dimensions.items() if name != self._name}
            for name in answer:
                if name not in others:
                    raise unknown_dimension(name, others, where)
            return tuple(
                _side(answer[name], name, dimension, where) if name in answer else whole
                for (name, dimension), whole in zip(self._dimensions.items(), everything, strict=True)
            )
        except PartitionsDefinitionError as wrong:
            raise CombinationsError(wrong.reason, wrong.fix, self._location) from None

    def __eq__(self, other: object) -> bool:
        return self.function == other.function if isinstance(other, ComputedCombinations) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.function)

    def __repr__(self) -> str:
        return repr(self.function)

    def __reduce__(self) -> tuple[Any, ...]:
        return ComputedCombinations, (self._dimensions, self.function)


def _side(value: object, name: str, dimension: PartitionsDefinition, where: str) -> OrdinalSet:
    """What a dimension is restricted to."""
    if value is True:
        return OrdinalSet.span(0, dimension.room)
    is_one = not isinstance(value, Iterable) or isinstance(value, (str, bytes, Mapping))
    texts = [key_of(each, name, dimension, where) for each in ([value] if is_one else cast("Iterable[object]", value))]
    ordinals = [dimension.ordinal_of(text) for text in texts]
    side = OrdinalSet.of(n for n in ordinals if n is not None)
    for text, ordinal in zip(texts, ordinals, strict=True):
        if ordinal is None:
            side |= _Meant(text, name, dimension, where).whole()
    return side


class _Meant:
    """What a text selects of one dimension, as `gapless.partitions.sets.selection` has it, future keys too."""

    def __init__(self, text: str, name: str, dimension: PartitionsDefinition, where: str) -> None:
        self._text, self._name, self._dimension, self._where = text, name, dimension, where

    def whole(self) -> OrdinalSet:
        try:
            return self._of(parse(self._text))
        except PartitionSelectionError as wrong:
            return self._unknown(self._text, f"As a selection, {wrong.reason}. {wrong.fix}")

    def _unknown(self, text: str, fix: str = "") -> OrdinalSet:
        if self._dimension.dynamic_names:  # the key may still be added
            return OrdinalSet.empty()
        unknown = unknown_key(text, self._name, self._dimension, self._where)
        unknown.fix = unknown.fix or fix
        raise unknown

    def _of(self, node: Selection) -> OrdinalSet:
        match node:
            case AnyOf(parts):
                return OrdinalSet.of_runs(run for part in parts for run in self._of(part).runs)
            case Value(text):
                return self._between(node, node) or self._unknown(text)
            case Range(start, end):
                return self._between(start, end) or self._nothing_between(start, end)
        return self._unknown(self._text)

    def _between(self, start: Value | None, end: Value | None) -> OrdinalSet:
        dimension = self._dimension
        first, last = (None if value is None else dimension.ordinal_of(value.text) for value in (start, end))
        found = dimension.between(first or 0, dimension.room - 1 if last is None else last)
        # What is no key is civil time, which bounds what the keys leave.
        if start is not None and first is None:
            found &= self._civil(start, dimension.labelled_from)
        if end is not None and last is None:
            found &= self._civil(end, dimension.labelled_until)
        return found

    def _civil(self, value: Value, bounded: Callable[[str, datetime | None], OrdinalSet | None]) -> OrdinalSet:
        found = None if value.quoted else bounded(value.text, None)
        return self._unknown(value.text) if found is None else found

    def _nothing_between(self, start: Value | None, end: Value | None) -> OrdinalSet:
        text = "..".join("" if value is None else value.text for value in (start, end))
        if start is not None and end is not None and self._between(end, start):
            raise PartitionsDefinitionError(
                f"{self._where} names the range {shown(text)} of the dimension {self._name!r}, which runs backwards",
                "Write the earlier end first.",
            )
        return self._unknown(text)
