"""The name of an asset: a path of one or more parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Union

__all__ = ["AssetKey", "CoercibleToAssetKey"]

CoercibleToAssetKey = Union["AssetKey", str, Sequence[str]]


@dataclass(frozen=True, slots=True, order=True, init=False)
class AssetKey:
    """The name of an asset.

    Attributes:
        parts: Outermost first; written ``a/b/c``.

    Raises:
        ValueError: If it has no part, an empty part, or a part with ``/`` or a control character.
    """

    parts: tuple[str, ...]

    def __init__(self, path: str | Sequence[str]) -> None:
        parts = (path,) if isinstance(path, str) else tuple(path)
        if not parts:
            raise ValueError("an asset key needs at least one part")
        for part in parts:
            if not isinstance(part, str) or not part or "/" in part or any(ord(c) < 32 for c in part):
                raise ValueError(
                    f"asset key {'/'.join(map(str, parts))!r} has the part {part!r}; a part is a non-empty string"
                    " without '/' and control characters"
                )
        object.__setattr__(self, "parts", parts)

    @classmethod
    def of(cls, key: CoercibleToAssetKey) -> AssetKey:
        """`key` as an asset key; a string is split at ``/``."""
        if isinstance(key, AssetKey):
            return key
        return cls(key.split("/") if isinstance(key, str) else key)

    from_user_string = of

    def to_user_string(self) -> str:
        """``a/b/c``, as the command line takes it."""
        return "/".join(self.parts)

    def with_prefix(self, prefix: str | Sequence[str]) -> AssetKey:
        """This key below `prefix`."""
        parts = (prefix,) if isinstance(prefix, str) else tuple(prefix)
        return AssetKey((*parts, *self.parts))

    def has_prefix(self, prefix: Sequence[str]) -> bool:
        """Whether it begins with these parts."""
        return self.parts[: len(prefix)] == tuple(prefix)

    def to_python_identifier(self, suffix: str | None = None) -> str:
        """``a__b__c``."""
        parts = self.parts if suffix is None else (*self.parts, suffix)
        return "__".join(parts).replace("-", "_").replace(".", "_")

    @property
    def path(self) -> list[str]:
        """The parts as a new list, to which others can be added as one adds to Dagster's."""
        return list(self.parts)

    @property
    def name(self) -> str:
        """The last part: by default the table's name and the parameter's name downstream."""
        return self.parts[-1]

    def __str__(self) -> str:
        return self.to_user_string()
