"""Partitions that are a fixed list of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from gapless.errors import PartitionsDefinitionError, closest
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["StaticPartitionsDefinition"]

_SHOWN = 3  # keys in a description
_COMPARED = 10_000  # keys that a mistyped one is compared with; more would take seconds


class StaticPartitionsDefinition(PartitionsDefinition):
    """A fixed list of keys, in the order given.

    Args:
        partition_keys: The keys: any text without control characters and ``...``.

    Raises:
        PartitionsDefinitionError: A bare string, something that is not a string, a key given twice, or a key with a
            control character or ``...``.
    """

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, (str, bytes)):
            raise PartitionsDefinitionError(
                f"StaticPartitionsDefinition got the bare string {partition_keys!r} as its keys",
                f"Write a list: StaticPartitionsDefinition([{partition_keys!r}]).",
            )
        keys = tuple(partition_keys)
        ordinals: dict[str, int] = {}
        for n, key in enumerate(keys):
            _check(key)
            if ordinals.setdefault(key, n) != n:
                raise PartitionsDefinitionError(
                    f"the static partition key {key!r} is given twice, at positions {ordinals[key] + 1} and {n + 1}",
                    "Each key names one partition; remove one of them.",
                )
        self._keys = keys
        self._ordinals = ordinals

    @property
    def is_time(self) -> bool:
        return False

    @property
    def room(self) -> int:
        return max(1, len(self._keys))

    def existing(self, now: datetime) -> OrdinalSet:
        return OrdinalSet.span(0, len(self._keys))

    def key_at(self, ordinal: int) -> str:
        if ordinal < 0:
            raise IndexError(f"there is no partition number {ordinal}")
        return self._keys[ordinal]

    def keys_of(self, ordinals: OrdinalSet) -> list[str]:
        if ordinals and ordinals.last() >= len(self._keys):
            raise IndexError(f"there is no partition number {ordinals.last()}")
        return [key for a, b in ordinals.runs for key in self._keys[a:b]]

    def ordinal_of(self, key: str) -> int | None:
        return self._ordinals.get(key) if isinstance(key, str) else None

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        return OrdinalSet.of(self._ordinals[key] for key in keys if key in self._ordinals)

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        by_case = {known.casefold(): known for known in reversed(self._keys)}
        exact = by_case.get(key.strip().casefold())
        near: tuple[str, ...] = () if exact is None else (exact,)
        if len(self._keys) <= _COMPARED:
            near += tuple(other for other in closest(key, self._keys, limit) if other != exact)
        return near[:limit]

    def describe(self) -> str:
        return f"static: {self._listed()}" if self._keys else "static: no keys"

    def describe_extent(self, now: datetime) -> str:
        return self._listed() if self._keys else "none"

    def _listed(self) -> str:
        shown = ", ".join(self._keys[:_SHOWN])
        count = f"{len(self._keys)} key{'s' * (len(self._keys) != 1)}"
        return f"{shown}, … ({count})" if len(self._keys) > _SHOWN else f"{shown} ({count})"

    def __eq__(self, other: object) -> bool:
        return self._keys == other._keys if isinstance(other, StaticPartitionsDefinition) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._keys)

    def __repr__(self) -> str:
        return f"StaticPartitionsDefinition({list(self._keys)!r})"


def _check(key: object) -> None:
    if not isinstance(key, str):
        raise PartitionsDefinitionError(
            f"the static partition key {key!r} is of type {type(key).__name__}, not str", f"Write {str(key)!r}."
        )
    if any(ord(c) < 32 or 127 <= ord(c) < 160 for c in key):
        raise PartitionsDefinitionError(f"the static partition key {key!r} has a control character", "Remove it.")
    if "..." in key:
        raise PartitionsDefinitionError(
            f"the static partition key {key!r} has '...', which writes a range of keys", "Use another separator."
        )
