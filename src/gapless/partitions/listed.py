"""Partitions whose keys are a list: what static and dynamic ones have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property

from gapless.errors import closest
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["Listed"]

_SHOWN = 3  # keys in a description
_COMPARED = 10_000  # keys that a mistyped one is compared with; more would take seconds


class Listed(PartitionsDefinition):
    """The algebra of a list of keys: a key's ordinal is its position."""

    @property
    @abstractmethod
    def keys(self) -> tuple[str, ...]:
        """All keys, each once, in order."""

    @cached_property
    def _ordinals(self) -> dict[str, int]:
        return {key: n for n, key in enumerate(self.keys)}

    @property
    def is_time(self) -> bool:
        return False

    def existing(self, now: datetime) -> OrdinalSet:
        return OrdinalSet.span(0, len(self.keys))

    def key_at(self, ordinal: int) -> str:
        if not 0 <= ordinal < len(self.keys):
            raise IndexError(f"there is no partition number {ordinal}; the definition is {self.describe()}")
        return self.keys[ordinal]

    def keys_of(self, ordinals: OrdinalSet) -> list[str]:
        if ordinals:
            self.key_at(ordinals.last())
        return [key for a, b in ordinals.runs for key in self.keys[a:b]]

    def ordinal_of(self, key: str) -> int | None:
        return self._ordinals.get(key) if isinstance(key, str) else None

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        return OrdinalSet.of(self._ordinals[key] for key in keys if key in self._ordinals)

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        by_case = {known.casefold(): known for known in reversed(self.keys)}
        exact = by_case.get(key.strip().casefold())
        near: tuple[str, ...] = () if exact is None else (exact,)
        if len(self.keys) <= _COMPARED:
            near += tuple(other for other in closest(key, self.keys, limit) if other != exact)
        return near[:limit]

    def describe_extent(self, now: datetime) -> str:
        return self._shown() if self.keys else "none"

    def _shown(self) -> str:
        """The first few, and how many there are: ``a, b, c, … (12 keys)``."""
        shown = ", ".join(self.keys[:_SHOWN])
        count = f"{len(self.keys)} key{'s' * (len(self.keys) != 1)}"
        return f"{shown}, … ({count})" if len(self.keys) > _SHOWN else f"{shown} ({count})"
