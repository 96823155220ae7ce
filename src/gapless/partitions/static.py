"""Partitions that are a fixed list of keys."""

from __future__ import annotations

from collections.abc import Sequence

from gapless.errors import PartitionsDefinitionError
from gapless.partitions.key_text import fault_in_key
from gapless.partitions.listed import Listed

__all__ = ["StaticPartitionsDefinition"]


class StaticPartitionsDefinition(Listed):
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
        self._keys = tuple(partition_keys)
        first: dict[str, int] = {}
        for n, key in enumerate(self._keys):
            if fault := fault_in_key(key):
                raise PartitionsDefinitionError(f"the static partition key {key!r} {fault[0]}", fault[1])
            if first.setdefault(key, n) != n:
                raise PartitionsDefinitionError(
                    f"the static partition key {key!r} is given twice, at positions {first[key] + 1} and {n + 1}",
                    "Each key names one partition; remove one of them.",
                )

    @property
    def keys(self) -> tuple[str, ...]:
        return self._keys

    @property
    def room(self) -> int:
        return max(1, len(self._keys))

    def describe(self) -> str:
        return f"static: {self._shown()}" if self._keys else "static: no keys"

    def __eq__(self, other: object) -> bool:
        return self._keys == other._keys if isinstance(other, StaticPartitionsDefinition) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._keys)

    def __reduce__(self) -> tuple[object, ...]:
        return StaticPartitionsDefinition, (self._keys,)

    def __repr__(self) -> str:
        return f"StaticPartitionsDefinition({list(self._keys)!r})"
