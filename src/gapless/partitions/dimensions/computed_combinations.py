"""Combinations of dimensions that a function of one of them tells."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from gapless.errors import CombinationsError, PartitionsDefinitionError, shown
from gapless.partitions.civil.key_format import read_stretch
from gapless.partitions.civil.zone import civil_datetime
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.dimension import key_of, unknown_dimension, unknown_key
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.window import TimeWindow
from gapless.partitions.windows.windowed import Windowed

__all__ = ["ComputedCombinations"]

Dimensions = Mapping[str, PartitionsDefinition]


class ComputedCombinations:
    """For each key of one dimension, a function tells which keys of the others go with it.

    It is asked when something is to be known of a key, and once for each key.

    Args:
        dimensions: By name, in key order.
        function: Its one parameter is named after a dimension, and gets a key of it. It returns what the other
            dimensions are restricted to: a mapping of their names to keys, to ranges ``START..END`` of which an end may
            be left out, or to lists of both; dimensions that are not in it are free. Or True for everything, and
            False or None for nothing.

    Raises:
        CombinationsError: The function has another signature.
    """

    def __init__(self, dimensions: Dimensions, function: Callable[..., object]) -> None:
        self._dimensions, self.function = dimensions, function
        self._name = self._parameter()
        self._place = list(dimensions).index(self._name)
        self._rooms = [dimension.room for dimension in dimensions.values()]
        self._known: dict[int, tuple[OrdinalSet, ...]] = {}

    def among(self, sides: Sequence[OrdinalSet]) -> ProductSet:
        """The combinations whose ordinal lies in the side of each dimension."""
        alike: dict[tuple[OrdinalSet, ...], list[int]] = {}
        for ordinal in sides[self._place]:
            alike.setdefault(self._restriction(ordinal), []).append(ordinal)
        return ProductSet.union(self._rooms, (self._box(of, ordinals, sides) for of, ordinals in alike.items()))

    def _box(self, restriction: Sequence[OrdinalSet], own: Sequence[int], sides: Sequence[OrdinalSet]) -> ProductSet:
        narrowed = [ours & theirs for ours, theirs in zip(restriction, sides, strict=True)]
        narrowed[self._place] = OrdinalSet.of(own)
        return ProductSet.box(self._rooms, narrowed)

    def has_point(self, point: Sequence[int]) -> bool:
        """Whether the combination of these ordinals, one for each dimension, can exist."""
        restriction = self._restriction(point[self._place])
        return all(ordinal in side for ordinal, side in zip(point, restriction, strict=True))

    def of(self, dimensions: Dimensions) -> ComputedCombinations:
        """The same of other definitions of the dimensions."""
        return ComputedCombinations(dimensions, self.function)

    def describe(self) -> str:
        """In words: ``restricted by launched(region)``."""
        return f"restricted by {self._called}({self._name})"

    @property
    def _called(self) -> str:
        name = getattr(self.function, "__name__", type(self.function).__name__)
        return "a function" if name == "<lambda>" else str(name)

    @property
    def _location(self) -> str | None:
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else None

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
        if ordinal not in self._known:
            key = self._dimensions[self._name].key_at(ordinal)
            self._known[ordinal] = self._read(self._asked(key), f"{self._called}({self._name}={key!r})")
        return self._known[ordinal]

    def _asked(self, key: str) -> object:
        try:
            return self.function(**{self._name: key})
        except Exception as raised:
            trace = raised.__traceback__ and raised.__traceback__.tb_next  # without this frame
            raise CombinationsError(
                f"{self._called}({self._name}={key!r}), which tells which combinations exist, raised"
                f" {type(raised).__name__}: {raised}",
                location=self._location,
                trace="".join(traceback.format_exception(type(raised), raised, trace)).rstrip("\n"),
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
    if isinstance(value, str):
        return _read_text(value, name, dimension, where)
    if isinstance(value, Iterable) and not isinstance(value, (bytes, Mapping)):
        side = OrdinalSet.empty()
        texts = [key_of(each, name, dimension, where) for each in value]
        ordinals = [dimension.ordinal_of(text) for text in texts]
        for text, ordinal in zip(texts, ordinals, strict=True):
            if ordinal is None:
                side |= _read_text(text, name, dimension, where)
        return side | OrdinalSet.of(n for n in ordinals if n is not None)
    return _read_text(key_of(value, name, dimension, where), name, dimension, where)


def _read_text(text: str, name: str, dimension: PartitionsDefinition, where: str) -> OrdinalSet:
    """A key, a stretch of civil time, a range of them, or several with commas. What exists by now does not matter."""
    found = _read_one(text, dimension)
    if found:
        return found
    side = OrdinalSet.empty()
    for piece in map(str.strip, text.split(",")):
        found = _read_one(piece, dimension)
        if found is None and (ends := _ends(piece, dimension)):
            found = dimension.between(*ends)
            if not found:
                raise PartitionsDefinitionError(
                    f"{where} names the range {shown(piece)} of the dimension {name!r}, which runs backwards",
                    "Write the earlier end first.",
                )
        if found:
            side |= found
        elif not dimension.dynamic_names:  # keys may still be added to those
            raise unknown_key(piece, name, dimension, where)
    return side


def _read_one(text: str, dimension: PartitionsDefinition) -> OrdinalSet | None:
    ordinal = dimension.ordinal_of(text)
    if ordinal is not None:
        return OrdinalSet.span(ordinal, ordinal + 1)
    if isinstance(dimension, Windowed) and (stretch := read_stretch(text)):
        return _started_in(*stretch, dimension)
    return None


def _started_in(start: int, end: int, dimension: Windowed) -> OrdinalSet:
    """The windows that start in a stretch of civil time, future ones too."""
    zone = ZoneInfo(dimension.timezone)
    try:
        begins, ends = (civil_datetime(civil).replace(tzinfo=zone) for civil in (start, end))
        first, after = dimension.overlapping_unbounded(TimeWindow(begins, ends))
    except OverflowError:  # of the year 9999
        return OrdinalSet.empty()
    first += dimension.boundary(first).timestamp() < begins.timestamp()
    return OrdinalSet.span(max(first, 0), min(after, dimension.room))


def _ends(text: str, dimension: PartitionsDefinition) -> tuple[int, int] | None:
    """The first and the last partition of ``START..END``, either of which may be left out; None if it is no range."""
    for i in range(len(text) - 1):
        if text[i : i + 2] != "..":
            continue
        # A key may itself hold dots: the ends tell which of them write the range. Dagster writes three.
        start, end = text[:i].strip(), text[i + 2 :].removeprefix(".").strip()
        first = _read_one(start, dimension) if start else OrdinalSet.span(0, 1)
        last = _read_one(end, dimension) if end else OrdinalSet.span(0, dimension.room)
        if first and last:
            return first.first(), last.last()
    return None
