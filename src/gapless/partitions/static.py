"""Partitions that are a fixed list of keys."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gapless.errors import PartitionsDefinitionError, shown
from gapless.partitions.key_text import fault_in_key
from gapless.partitions.listed import Listed

__all__ = ["StaticPartitionsDefinition"]


class StaticPartitionsDefinition(Listed):
    """A fixed list of keys, in the order given.

    Args:
        partition_keys: The keys: any text without control characters and ``...``.

    Raises:
        PartitionsDefinitionError: A bare string, a set (which has no order), a frame, or what is no list at all; or a
            key that is not a string, is given twice, or has a control character or ``...``.
    """

    def __init__(self, partition_keys: Sequence[str]) -> None:
        if isinstance(partition_keys, (str, bytes)):
            raise PartitionsDefinitionError(
                f"StaticPartitionsDefinition got the bare string {shown(partition_keys)} as its keys",
                f"Write a list: StaticPartitionsDefinition([{shown(partition_keys)}]).",
            )
        if isinstance(partition_keys, (set, frozenset)):
            raise PartitionsDefinitionError(
                f"StaticPartitionsDefinition got a {type(partition_keys).__name__} as its keys, whose order differs"
                " from process to process",
                "Write a list, or sort it: StaticPartitionsDefinition(sorted(…)).",
            )
        if hasattr(type(partition_keys), "columns"):  # to iterate over a frame is to iterate over their names
            raise PartitionsDefinitionError(
                f"StaticPartitionsDefinition got a {type(partition_keys).__name__} as its keys, which has columns",
                "Pass one of them, as a list: StaticPartitionsDefinition(list(frame['…'])).",
            )
        if not isinstance(partition_keys, Iterable):
            raise PartitionsDefinitionError(
                f"StaticPartitionsDefinition got {shown(partition_keys)} ({type(partition_keys).__name__}) as its keys",
                "Write a list: StaticPartitionsDefinition(['a', 'b']).",
            )
        self._keys = tuple(partition_keys)
        first: dict[str, int] = {}
        for n, key in enumerate(self._keys):
            if fault := fault_in_key(key):
                raise PartitionsDefinitionError(f"the static partition key {shown(key)} {fault[0]}", fault[1])
            if first.setdefault(key, n) != n:
                raise PartitionsDefinitionError(
                    f"the static partition key {shown(key)} is given twice, at positions {first[key] + 1} and {n + 1}",
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
