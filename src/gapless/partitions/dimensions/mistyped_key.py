"""What somebody meant who wrote a key of several dimensions that does not exist."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet

__all__ = ["points_meant"]

_SEPARATORS = (DELIMITER, "/", ",", ";", " ", ":", "_")
_ORDERED = 5  # with so many dimensions, parts are tried in every order; more would take seconds
_TRIED = 1000


def points_meant(
    key: str, dimensions: Mapping[str, OrderedKeys], existing: ProductSet, now: datetime, limit: int
) -> Iterator[tuple[int, ...]]:
    """Points of `existing` that `key` may mean, best first: near in each dimension.

    The parts may be in another order, or joined by another separator.
    """
    near = _near_in_each(key, tuple(dimensions.values()), now, limit)
    if near is None:
        return
    points = itertools.islice(itertools.product(*near), _TRIED)
    in_order = sorted(points, key=lambda point: sum(map(_place_of, near, point)))
    found = [point for point in in_order if existing.has_point(point)]
    # Where the dimensions know the parts and the combination does not exist, one of them has to change.
    yield from found or _neighbours(in_order[0], existing)


def _place_of(ordinals: Sequence[int], ordinal: int) -> int:
    return ordinals.index(ordinal)


def _near_in_each(key: str, dimensions: Sequence[OrderedKeys], now: datetime, limit: int) -> list[list[int]] | None:
    """For each dimension the ordinals that its part may mean, best first; None if `key` makes no sense."""
    best: tuple[int, list[list[int]]] | None = None
    orders = itertools.permutations if len(dimensions) <= _ORDERED else lambda parts: iter([parts])
    known: dict[tuple[str, int], list[int]] = {}
    for separator in _SEPARATORS:
        parts = [part.strip() for part in key.split(separator)]
        if len(parts) != len(dimensions):
            continue
        for order in orders(range(len(parts))):
            near: list[list[int]] = []
            exact = 0
            for dimension, place in enumerate(order):
                asked = parts[place], dimension
                if asked not in known:
                    known[asked] = _near(*asked, dimensions, now, limit)
                near.append(known[asked])
                exact += dimensions[dimension].ordinal_of(parts[place]) in near[-1][:1]
            if all(near) and (best is None or exact > best[0]):
                best = exact, near
    return best and best[1]


def _near(part: str, place: int, dimensions: Sequence[OrderedKeys], now: datetime, limit: int) -> list[int]:
    dimension = dimensions[place]
    exact = dimension.ordinal_of(part)
    if exact is not None and dimension.exists(exact, now):
        return [exact]
    found = map(dimension.ordinal_of, dimension.nearest_keys(part, now, limit))
    return [ordinal for ordinal in found if ordinal is not None]


def _neighbours(point: Sequence[int], existing: ProductSet) -> Iterator[tuple[int, ...]]:
    """The nearest points that differ in one dimension, the last dimension first."""
    for place in reversed(range(len(point))):
        line = existing
        for other, ordinal in enumerate(point):
            if other != place:
                line = line.where(other, OrdinalSet.span(ordinal, ordinal + 1))
        side = line.side(place)
        below, above = side & OrdinalSet.span(0, point[place]), side - OrdinalSet.span(0, point[place])
        for ordinal in sorted([*below.tail(1), *above.head(1)], key=lambda n: abs(n - point[place])):
            yield (*point[:place], ordinal, *point[place + 1 :])
