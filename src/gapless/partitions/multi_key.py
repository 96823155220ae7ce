"""The key of a partition that is told by several dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gapless.errors import PartitionKeyError

__all__ = ["DELIMITER", "MultiPartitionKey"]

DELIMITER = "|"


class MultiPartitionKey(str):
    """A key as text, the parts joined by ``|`` in the order of the dimensions' names: ``eu|2024-01-05``.

    It is that text wherever text is meant: it compares, hashes and sorts as it.

    Args:
        keys_by_dimension: The key in each dimension, by the dimension's name, in any order.

    Raises:
        PartitionKeyError: It is not a mapping of names to keys, is empty, or a key is not text or holds ``|``.
    """

    # The names are shared by all keys of a definition; the parts are in the text already.
    __slots__ = ("_names",)

    _names: tuple[str, ...]

    def __new__(cls, keys_by_dimension: Mapping[str, str]) -> MultiPartitionKey:
        if not isinstance(keys_by_dimension, Mapping) or not keys_by_dimension:
            raise PartitionKeyError(
                str(keys_by_dimension), "a key for each dimension: {'date': '2024-01-05', 'region': 'eu'}"
            )
        for name, part in keys_by_dimension.items():
            if not isinstance(name, str) or not isinstance(part, str):
                raise PartitionKeyError(
                    str(part), f"the name of a dimension and its key as strings, not {name!r}: {part!r}"
                )
            if DELIMITER in part:
                raise PartitionKeyError(part, f"a key of {name!r} without {DELIMITER!r}, which joins the parts")
        names = tuple(sorted(keys_by_dimension))
        return cls.of_text(names, DELIMITER.join(keys_by_dimension[name] for name in names))

    @classmethod
    def of_text(cls, names: tuple[str, ...], text: str) -> MultiPartitionKey:
        """The key that reads `text`, of the dimensions `names`, in key order; neither is checked."""
        key = str.__new__(cls, text)
        key._names = names
        return key

    @property
    def keys_by_dimension(self) -> Mapping[str, str]:
        """The parts, by the name of their dimension, in key order."""
        return dict(zip(self._names, self.split(DELIMITER), strict=True))

    def __reduce__(self) -> tuple[Any, ...]:
        return MultiPartitionKey, (self.keys_by_dimension,)
