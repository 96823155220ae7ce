"""Combinations of dimensions that are listed one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

from gapless.errors import PartitionsDefinitionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.dimension import key_of, unknown_dimension, unknown_key
from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.ordinals import OrdinalSet, ProductSet

__all__ = ["ListedCombinations"]

Dimensions = Mapping[str, PartitionsDefinition]
Names = tuple[str, ...]
Columns = Sequence[Sequence[str]]
_LISTED = "the list of combinations"


class ListedCombinations:
    """Only the combinations exist that are listed.

    Args:
        dimensions: By name, in key order.
        columns: For the names of some dimensions, in key order: for each of them a list of keys, equally long; what is
            at the same place in each is a combination. The other dimensions are free: each of their keys goes with each
            of the combinations.

    Raises:
        PartitionsDefinitionError: Nothing is listed, or a key that its dimension never has.
    """

    def __init__(self, dimensions: Dimensions, columns: Mapping[Names, Columns]) -> None:
        self._dimensions, self._columns = dimensions, columns
        if not any(any(lists) for lists in columns.values()):
            raise PartitionsDefinitionError(
                f"{_LISTED} is empty, so that no partition would ever exist",
                "List at least one, or leave combinations out to have all of them.",
            )
        # Which keys a dynamic dimension has is not known here, and one that it lacks may still be added.
        self._ordinals = {name: self._ordinals_in(name) for name, each in dimensions.items() if not each.dynamic_names}

    @classmethod
    def of_list(cls, dimensions: Dimensions, given: Iterable[object]) -> ListedCombinations:
        """Keys of partitions, tuples of the keys of all dimensions in key order, or mappings of names to keys."""
        rows: dict[Names, list[Sequence[object]]] = {}
        everything = tuple(dimensions)
        known: dict[tuple[object, ...], Names] = {}
        for place, row in enumerate(given, 1):
            if isinstance(row, Mapping):
                names = known.get(tuple(row), ())
                if not names:
                    names = known[tuple(row)] = _names(row, dimensions, f"combination {place}, {dict(row)!r},")
                rows.setdefault(names, []).append([row[name] for name in names])
                continue
            if not isinstance(row, (str, tuple, list)):
                raise PartitionsDefinitionError(
                    f"combination {place} is {row!r:.60} ({type(row).__name__})",
                    "Write a key, a tuple of keys, or a dictionary of a key for each dimension it is about.",
                )
            parts = row.split(DELIMITER) if isinstance(row, str) else row
            if len(parts) != len(everything):
                raise PartitionsDefinitionError(
                    f"combination {place}, {row!r}, has {len(parts)} part{'s' * (len(parts) != 1)}, but the dimensions"
                    f" are {len(everything)}, in this order: {', '.join(everything)}",
                    f"To leave some of them free, name the others: {{{everything[0]!r}: …}}.",
                )
            rows.setdefault(everything, []).append(parts)
        places = {names: {name: place for place, name in enumerate(names)} for names in rows}
        return cls(dimensions, {names: _keys(rows[names], places[names], dimensions) for names in rows})

    @classmethod
    def of_frame(cls, dimensions: Dimensions, frame: Any) -> ListedCombinations:
        """The rows of a Polars or Pandas frame, whose columns are named after dimensions."""
        columns = list(frame.columns)
        names = _names(dict.fromkeys(columns), dimensions, "the frame of combinations")
        if len(names) < len(columns):
            raise PartitionsDefinitionError("the frame of combinations has two columns of one name", "Drop one.")
        rows = list(frame.iter_rows() if hasattr(frame, "iter_rows") else frame.itertuples(index=False, name=None))
        places = {name: columns.index(name) for name in names}
        return cls(dimensions, {names: _keys(rows, places, dimensions)})

    def among(self, sides: Sequence[OrdinalSet]) -> ProductSet:
        """The combinations whose ordinal lies in the side of each dimension."""
        return self._points & ProductSet.box(self._points.rooms, sides)

    def has_point(self, point: Sequence[int]) -> bool:
        """Whether the combination of these ordinals, one for each dimension, is listed."""
        return self._points.has_point(point)

    def of(self, dimensions: Dimensions) -> ListedCombinations:
        """The same of other definitions of the dimensions."""
        return ListedCombinations(dimensions, self._columns)

    def describe(self) -> str:
        """In words: ``restricted to 12 combinations of product, region``."""
        parts = (
            f"{len(listed)} combination{'s' * (len(listed) != 1)} of {', '.join(names)}"
            for names, listed in self.rows.items()
        )
        return f"restricted to {' and '.join(parts)}"

    @cached_property
    def rows(self) -> Mapping[Names, frozenset[Names]]:
        """The combinations, by the dimensions that they are of."""
        return {names: frozenset(zip(*lists, strict=True)) for names, lists in self._columns.items()}

    @cached_property
    def _points(self) -> ProductSet:
        """All that is listed, whether or not it exists by now."""
        rooms = [dimension.room for dimension in self._dimensions.values()]
        ordinals = {name: self._ordinals.get(name) or self._ordinals_in(name) for name in self._dimensions}
        return ProductSet.union(rooms, (self._along(rooms, ordinals, *each) for each in self._columns.items()))

    def _along(
        self, rooms: Sequence[int], ordinals: Mapping[str, Mapping[str, int]], names: Names, lists: Columns
    ) -> ProductSet:
        known = [ordinals[name] for name in names]
        if any(self._dimensions[name].dynamic_names for name in names):
            rows = zip(*lists, strict=True)
            lists = list(
                zip(
                    *(
                        row
                        for row in rows
                        if all(key in of_dimension for key, of_dimension in zip(row, known, strict=True))
                    ),
                    strict=True,
                )
            )
            if not lists:
                return ProductSet.empty(rooms)
        places = [place for place, name in enumerate(self._dimensions) if name in names]
        numbers = [known[0][key] for key in lists[0]]
        for place, of_dimension, column in zip(places[1:], known[1:], lists[1:], strict=True):
            room = rooms[place]
            numbers = [number * room + of_dimension[key] for number, key in zip(numbers, column, strict=True)]
        return ProductSet.along(rooms, places, numbers)

    def _ordinals_in(self, name: str) -> dict[str, int]:
        """The ordinals of what is listed in one dimension, without keys that a dynamic one does not have."""
        dimension = self._dimensions[name]
        keys: set[str] = set()
        for names, lists in self._columns.items():
            if name in names:
                keys.update(lists[names.index(name)])
        ordinals: dict[str, int] = {}
        for key in keys:
            ordinal = dimension.ordinal_of(key)
            if ordinal is not None:
                ordinals[key] = ordinal
            elif not dimension.dynamic_names:
                raise unknown_key(key, name, dimension, _LISTED)
        return ordinals

    def __eq__(self, other: object) -> bool:
        return self.rows == other.rows if isinstance(other, ListedCombinations) else NotImplemented

    def __hash__(self) -> int:
        return hash(frozenset(self.rows.items()))

    def __repr__(self) -> str:
        """As it may be given: equal ones read alike, in every process."""
        rows = ((names, row) for names, listed in sorted(self.rows.items()) for row in sorted(listed))
        return repr([dict(zip(names, row, strict=True)) for names, row in rows])

    def __reduce__(self) -> tuple[Any, ...]:
        return ListedCombinations, (dict(self._dimensions), self._columns)


def _names(given: Mapping[object, object], dimensions: Dimensions, where: str) -> Names:
    for name in given:
        if name not in dimensions:
            raise unknown_dimension(name, dimensions, where)
    if not given:
        raise PartitionsDefinitionError(
            f"{where} names no dimension", f"Name at least one of them: {', '.join(dimensions)}."
        )
    return tuple(name for name in dimensions if name in given)


def _keys(rows: Sequence[Sequence[Any]], places: Mapping[str, int], dimensions: Dimensions) -> Columns:
    """The keys in each dimension; `places` tells where in a row they are."""
    columns: list[Sequence[str]] = []
    for name, place in places.items():
        column = [row[place] for row in rows]
        if {type(value) for value in column} != {str}:
            column = [key_of(value, name, dimensions[name], _LISTED) for value in column]
        columns.append(column)
    return columns
