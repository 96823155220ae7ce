"""The key of a partition that is told by several dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["DELIMITER", "MultiPartitionKey"]

DELIMITER = "|"


class MultiPartitionKey(str):
    """A key as text, the parts joined by ``|`` in the order of the dimensions' names: ``eu|2024-01-05``.

    Attributes:
        keys_by_dimension: The parts, by name of their dimension, in key order.
    """

    __slots__ = ("keys_by_dimension",)

    keys_by_dimension: Mapping[str, str]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        ordered = dict(sorted(keys_by_dimension.items()))
        key = super().__new__(cls, DELIMITER.join(ordered.values()))
        key.keys_by_dimension = ordered
        return key

    def __reduce__(self) -> tuple[Any, ...]:
        return MultiPartitionKey, (self.keys_by_dimension,)
