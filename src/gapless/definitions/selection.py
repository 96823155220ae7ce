"""Which assets are meant: selections as values; `selection_text` reads them from text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TypeAlias

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.dependency import coerce_asset_key
from gapless.definitions.errors import SelectionError
from gapless.definitions.graph import AssetGraph
from gapless.errors import closest

__all__ = ["ATTRIBUTES", "AssetSelection", "CoercibleToAssetSelection", "Filtered", "Named"]


class AssetSelection(ABC):
    """A set of assets, not yet looked up. Combine with ``|`` (or ``+``), ``&`` and ``-``."""

    @abstractmethod
    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        """The assets of `graph` that are meant; may be empty.

        Raises:
            UnknownAssetError: If it names an asset that there is not.
            SelectionError: If it names a group, tag, owner or kind that no asset has.
        """

    @staticmethod
    def all() -> AssetSelection:
        """Every asset."""
        return _Everything()

    @staticmethod
    def assets(*assets: CoercibleToAssetKey | AssetsDefinition) -> AssetSelection:
        """These assets."""
        return Named(tuple(coerce_asset_key(asset) for asset in assets))

    keys = assets

    @staticmethod
    def groups(*groups: str) -> AssetSelection:
        """Every asset in one of `groups`."""
        return _any_of([Filtered("group", group) for group in groups])

    @staticmethod
    def tag(name: str, value: str) -> AssetSelection:
        """Every asset that has the tag with this value."""
        return Filtered("tag", name, value)

    @staticmethod
    def owner(owner: str) -> AssetSelection:
        """Every asset of this owner."""
        return Filtered("owner", owner)

    @staticmethod
    def kind(kind: str) -> AssetSelection:
        """Every asset of this kind."""
        return Filtered("kind", kind)

    def upstream(self, depth: int | None = None) -> AssetSelection:
        """With what they read, at most `depth` steps away."""
        return _Reached(self, "upstream", depth)

    def downstream(self, depth: int | None = None) -> AssetSelection:
        """With who reads them, at most `depth` steps away."""
        return _Reached(self, "downstream", depth)

    def __or__(self, other: AssetSelection) -> AssetSelection:
        return _Combined("or", self, other)

    __add__ = __or__

    def __and__(self, other: AssetSelection) -> AssetSelection:
        return _Combined("and", self, other)

    def __sub__(self, other: AssetSelection) -> AssetSelection:
        return _Combined("and not", self, other)


_Part: TypeAlias = str | AssetKey | AssetsDefinition | AssetSelection
CoercibleToAssetSelection: TypeAlias = _Part | Sequence[_Part]


def _any_of(selections: Iterable[AssetSelection]) -> AssetSelection:
    joined: AssetSelection = Named(())
    for selection in selections:
        joined = joined | selection
    return joined


class _Everything(AssetSelection):
    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        return frozenset(graph.keys)


@dataclass(frozen=True)
class Named(AssetSelection):
    """Assets by name.

    Attributes:
        names: Keys, or the texts that a person typed.
    """

    names: tuple[AssetKey | str, ...]

    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        return frozenset(graph[name].key for name in self.names)


@dataclass(frozen=True)
class Filtered(AssetSelection):
    """Every asset with an attribute.

    Attributes:
        attribute: ``group``, ``tag``, ``owner``, ``kind`` or ``key``.
        wanted: The attribute's value; a pattern with ``*`` and ``?`` for ``key``.
        tag_value: For ``tag``, the value it must have; None for any.
    """

    attribute: str
    wanted: str
    tag_value: str | None = None

    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        if self.attribute == "key":
            found = [key for key in graph.keys if fnmatchcase(key.to_user_string(), self.wanted)]
            known: set[str] = {key.to_user_string() for key in graph.keys}
        else:
            found = [asset.key for asset in graph.assets if self._matches(asset)]
            known = {value for asset in graph.assets for value in ATTRIBUTES[self.attribute](asset)}
        if not found:
            text = self.wanted if self.tag_value is None else f"{self.wanted}={self.tag_value}"
            near = closest(text, known) or tuple(sorted(known)[:8])
            offer = f"There {'is' if len(near) == 1 else 'are'}: {', '.join(near)}." if near else ""
            raise SelectionError(f"{self.attribute}:{text}", f"no asset has this {self.attribute}", offer)
        return frozenset(found)

    def _matches(self, asset: AssetsDefinition) -> bool:
        if self.attribute == "tag":
            value = asset.tags.get(self.wanted)
            return value is not None and self.tag_value in (None, value)
        return self.wanted in ATTRIBUTES[self.attribute](asset)


ATTRIBUTES: dict[str, Callable[[AssetsDefinition], Iterable[str]]] = {
    "key": lambda asset: (asset.name,),
    "group": lambda asset: (asset.group_name,),
    "tag": lambda asset: (f"{name}={value}" if value else name for name, value in asset.tags.items()),
    "owner": lambda asset: asset.owners,
    "kind": lambda asset: asset.kinds,
}


@dataclass(frozen=True)
class _Reached(AssetSelection):
    start: AssetSelection
    direction: str
    depth: int | None

    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        reach = graph.ancestors if self.direction == "upstream" else graph.descendants
        return reach(self.start.resolve(graph), self.depth)


@dataclass(frozen=True)
class _Combined(AssetSelection):
    operator: str
    left: AssetSelection
    right: AssetSelection

    def resolve(self, graph: AssetGraph) -> frozenset[AssetKey]:
        left, right = self.left.resolve(graph), self.right.resolve(graph)
        if self.operator == "or":
            return left | right
        return left & right if self.operator == "and" else left - right
