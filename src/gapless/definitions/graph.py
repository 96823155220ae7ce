"""Which asset reads which: the graph, checked when the file is loaded."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from gapless import partitions
from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.definitions.dependency import Dependency
from gapless.definitions.errors import raise_definition_errors
from gapless.errors import DefinitionError, UnknownAssetError, closest
from gapless.partitions import DynamicPartitionsStore, PartitionMapping, PartitionsDefinition
from gapless.partitions.dynamic import DynamicKeysOfNow

__all__ = ["AssetGraph", "build_graph", "nearest_keys"]


class AssetGraph:
    """The assets and what they read.

    Attributes:
        keys: All assets, each after everything that it reads; otherwise in the order of declaration.
    """

    def __init__(
        self,
        assets: Mapping[AssetKey, AssetsDefinition],
        dependencies: Iterable[Dependency],
        checks: Iterable[AssetChecksDefinition] = (),
    ) -> None:
        """Takes checked parts; `build_graph` checks and calls it."""
        parents: dict[AssetKey, list[Dependency]] = {key: [] for key in assets}
        children: dict[AssetKey, list[Dependency]] = {key: [] for key in assets}
        for edge in dependencies:
            parents[edge.downstream].append(edge)
            children[edge.upstream].append(edge)
        self._assets = dict(assets)
        self._parents = {key: tuple(edges) for key, edges in parents.items()}
        self._children = {key: tuple(edges) for key, edges in children.items()}
        self.keys: tuple[AssetKey, ...] = tuple(_topological(list(assets), self._parents, self._children))
        self._position = {key: position for position, key in enumerate(self.keys)}
        self._checks: dict[AssetKey, tuple[AssetChecksDefinition, ...]] = {}
        for check in checks:
            self._checks[check.asset_key] = (*self.checks_of(check.asset_key), check)

    @classmethod
    def build(cls, assets: Sequence[AssetsDefinition], checks: Sequence[AssetChecksDefinition] = ()) -> AssetGraph:
        """The graph of `assets`.

        Raises:
            DefinitionError: For a duplicate key, an unknown upstream, a mapping that does not fit, a cycle, or a check
                that does not fit.
        """
        graph, errors = build_graph(assets, checks)
        raise_definition_errors(errors)
        assert graph is not None  # noqa: S101  without errors there is a graph
        return graph

    def __getitem__(self, key: CoercibleToAssetKey) -> AssetsDefinition:
        """The asset of that key.

        Raises:
            UnknownAssetError: With the closest names.
        """
        found = self.get(key)
        if found is None:
            text = key if isinstance(key, str) else str(AssetKey.of(key))
            raise UnknownAssetError(text, nearest_keys(text, self._assets))
        return found

    def get(self, key: CoercibleToAssetKey) -> AssetsDefinition | None:
        """The asset of that key, or None."""
        try:
            return self._assets.get(AssetKey.of(key))
        except ValueError:
            return None

    def __contains__(self, key: CoercibleToAssetKey) -> bool:
        return self.get(key) is not None

    def __iter__(self) -> Iterator[AssetKey]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def assets(self) -> tuple[AssetsDefinition, ...]:
        """In the order of `keys`."""
        return tuple(self._assets[key] for key in self.keys)

    @property
    def dynamic_names(self) -> frozenset[str]:
        """The names of the dynamic partitions that the assets have."""
        definitions = (asset.partitions_def for asset in self._assets.values())
        return frozenset().union(*(each.dynamic_names for each in definitions if each is not None))

    def resolved(self, store: DynamicPartitionsStore) -> AssetGraph:
        """The same assets with the keys of their dynamic partitions as they are in `store` now; itself without any."""
        if not self.dynamic_names:
            return self
        moment = DynamicKeysOfNow(store)
        # Equal definitions stay one object, so that comparing them costs nothing however many keys there are.
        definitions: dict[PartitionsDefinition, PartitionsDefinition] = {}
        assets = dict(self._assets)
        for key, asset in assets.items():
            definition = asset.partitions_def
            if definition is not None and definition.dynamic_names:
                if definition not in definitions:
                    definitions[definition] = definition.resolved(moment)
                assets[key] = replace(asset, partitions_def=definitions[definition])
        edges = (edge for edges in self._parents.values() for edge in edges)
        return AssetGraph(assets, edges, (check for checks in self._checks.values() for check in checks))

    def parents(self, key: AssetKey) -> tuple[Dependency, ...]:
        """What `key` reads: parameters first, in their order."""
        return self._parents[key]

    def children(self, key: AssetKey) -> tuple[Dependency, ...]:
        """Who reads `key`."""
        return self._children[key]

    def checks_of(self, key: AssetKey) -> tuple[AssetChecksDefinition, ...]:
        """The functions that check `key`, in the order of declaration; without those that it says of itself."""
        return self._checks.get(key, ())

    def ancestors(self, keys: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """What `keys` read, at most `depth` steps away; they themselves included."""
        return self._reach(keys, {k: [e.upstream for e in edges] for k, edges in self._parents.items()}, depth)

    def descendants(self, keys: Iterable[AssetKey], depth: int | None = None) -> frozenset[AssetKey]:
        """Who reads `keys`, at most `depth` steps away; they themselves included."""
        return self._reach(keys, {k: [e.downstream for e in edges] for k, edges in self._children.items()}, depth)

    def ordered(self, keys: Iterable[AssetKey]) -> tuple[AssetKey, ...]:
        """`keys`, each once, in the order of the graph."""
        return tuple(sorted(set(keys), key=self._position.__getitem__))

    @staticmethod
    def _reach(
        keys: Iterable[AssetKey], steps: Mapping[AssetKey, Sequence[AssetKey]], depth: int | None
    ) -> frozenset[AssetKey]:
        reached = set(keys)
        edge = reached
        while edge and (depth is None or depth > 0):
            edge = {step for key in edge for step in steps[key]} - reached
            reached = reached | edge
            depth = None if depth is None else depth - 1
        return frozenset(reached)

    def __repr__(self) -> str:
        return f"<AssetGraph of {len(self)} assets>"


def nearest_keys(name: str, keys: Iterable[AssetKey]) -> tuple[str, ...]:
    """The names that `name` may be a slip of: first those that only lack its prefix, then similar ones."""
    names = [key.to_user_string() for key in keys]
    same_end = [full for full in names if full.rpartition("/")[2] == name]
    return tuple(dict.fromkeys((*same_end, *closest(name, names))))[:3]


def build_graph(
    assets: Sequence[AssetsDefinition], checks: Sequence[AssetChecksDefinition] = ()
) -> tuple[AssetGraph | None, list[DefinitionError]]:
    """The graph of `assets`, or None and every error that keeps them from being one."""
    errors: list[DefinitionError] = []
    by_key: dict[AssetKey, AssetsDefinition] = {}
    for asset in assets:
        first = by_key.setdefault(asset.key, asset)
        if first is not asset:
            errors.append(
                DefinitionError(
                    f"asset {asset.name!r} is already declared at {first.where}",
                    "Give one of them another name or key_prefix.",
                    asset.where,
                )
            )
    edges: list[Dependency] = []
    for asset in by_key.values():
        edges += _edges_of(asset, by_key, errors)
    upstream: dict[AssetKey, list[AssetKey]] = {key: [] for key in by_key}
    for edge in edges:
        if not _own_past(edge):
            upstream[edge.downstream].append(edge.upstream)
    circle = _circle(upstream)
    if circle:
        errors.append(_circle_error(circle, by_key))
    errors += _check_errors(checks, by_key)
    return (None if errors else AssetGraph(by_key, edges, checks)), errors


def _check_errors(
    checks: Sequence[AssetChecksDefinition], by_key: Mapping[AssetKey, AssetsDefinition]
) -> list[DefinitionError]:
    """What keeps checks from being those of these assets."""
    errors: list[DefinitionError] = []
    first_of: dict[tuple[AssetKey, str], str | None] = {
        (asset.key, spec.name): asset.where for asset in by_key.values() for spec in asset.check_specs
    }
    for check in checks:
        asset, name = by_key.get(check.asset_key), check.asset_key.to_user_string()
        place = check.asset_key, check.name
        reason = fix = ""
        if asset is None:
            near = nearest_keys(name, by_key)
            reason = f"check {check.name!r} is of asset {name!r}, but there is no such asset"
            fix = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Add it to Definitions(assets=[…])."
        elif place in first_of:
            reason = f"asset {name!r} already has a check {check.name!r}, declared at {first_of[place]}"
            fix = 'Give one of them another name with name="…".'
        elif asset.makes_no_value and check.asset_parameter is not None:
            reason = (
                f"check {check.name!r} wants the rows of asset {name!r} in its parameter {check.asset_parameter!r}, but"
                " the asset's function is annotated `-> None`: it stores its data itself"
            )
            fix = "Look them up with a resource, or return the rows from the asset's function."
        elif check.spec.partitions_def is not None and check.spec.partitions_def != asset.partitions_def:
            reason = f"check {check.name!r} of asset {name!r} has other partitions than the asset"
            fix = "Leave partitions_def out; a check is always of the partitions of its asset."
        first_of.setdefault(place, check.where)
        if reason:
            errors.append(DefinitionError(reason, fix, check.where))
    return errors


def _edges_of(
    asset: AssetsDefinition, by_key: Mapping[AssetKey, AssetsDefinition], errors: list[DefinitionError]
) -> list[Dependency]:
    edges: list[Dependency] = []
    for parameter in asset.parameters.inputs:
        source = asset.ins.get(parameter)
        upstream = _find(asset, asset.upstream_of(parameter), by_key, source is None)
        if upstream is None:
            hint = f" If {parameter!r} is a resource, annotate it: {parameter}: ResourceParam[…]."
            errors.append(_unknown(asset, asset.upstream_of(parameter), by_key, f"its parameter {parameter!r}", hint))
            continue
        mapping = _mapping(asset, upstream, source.partition_mapping if source else None, errors)
        if mapping is not None:
            manager = (source.input_manager_key if source else None) or upstream.io_manager_key
            metadata = source.metadata if source else {}
            edges.append(Dependency(asset.key, upstream.key, mapping, parameter, metadata, manager))
    for dep in asset.deps:
        upstream = _find(asset, dep.key, by_key, False)
        if upstream is None:
            errors.append(_unknown(asset, dep.key, by_key, "its deps"))
            continue
        if any(edge.upstream == upstream.key for edge in edges):
            if dep.partition_mapping is not None:
                errors.append(
                    DefinitionError(
                        f"asset {asset.name!r} depends on {upstream.name!r} twice, with two partition mappings",
                        "Remove it from deps, and give the mapping in ins={…: AssetIn(partition_mapping=…)}.",
                        asset.where,
                    )
                )
            continue
        mapping = _mapping(asset, upstream, dep.partition_mapping, errors)
        if mapping is not None:
            edges.append(Dependency(asset.key, upstream.key, mapping, None, dep.metadata))
    return edges


def _find(
    asset: AssetsDefinition, key: AssetKey, by_key: Mapping[AssetKey, AssetsDefinition], by_name: bool
) -> AssetsDefinition | None:
    found = by_key.get(key)
    if found is None and by_name and len(asset.key.parts) > 1:
        # A parameter has no prefix of its own; an asset of the same prefix is meant before none at all.
        found = by_key.get(AssetKey((*asset.key.parts[:-1], key.name)))
    return found


def _unknown(
    asset: AssetsDefinition, key: AssetKey, by_key: Mapping[AssetKey, AssetsDefinition], source: str, hint: str = ""
) -> DefinitionError:
    near = nearest_keys(key.to_user_string(), (other for other in by_key if other != asset.key))
    meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Add it to Definitions(assets=[…])."
    return DefinitionError(
        f"asset {asset.name!r} reads {key.to_user_string()!r} ({source}), but there is no such asset",
        f"{meant}{hint}",
        asset.where,
    )


def _mapping(
    asset: AssetsDefinition,
    upstream: AssetsDefinition,
    declared: PartitionMapping | None,
    errors: list[DefinitionError],
) -> PartitionMapping | None:
    try:
        # Asked for by name: a project without dependencies does not pay for all kinds of mappings.
        mapping = declared or partitions.infer_mapping(upstream.partitions_def, asset.partitions_def)
    except DefinitionError as unfit:
        reason = f"asset {asset.name!r} cannot read {upstream.name!r}: {unfit.reason}"
        errors.append(DefinitionError(reason, unfit.fix, asset.where))
        return None
    unfit_reason = mapping.validate(upstream.partitions_def, asset.partitions_def)
    if unfit_reason is not None:
        reason = f"asset {asset.name!r} cannot read {upstream.name!r} by {mapping!r}: {unfit_reason}"
        errors.append(DefinitionError(reason, "", asset.where))
        return None
    return mapping


def _topological(
    declared: Sequence[AssetKey],
    parents: Mapping[AssetKey, tuple[Dependency, ...]],
    children: Mapping[AssetKey, tuple[Dependency, ...]],
) -> Iterator[AssetKey]:
    order = {key: position for position, key in enumerate(declared)}
    waiting = {key: sum(edge.upstream != key for edge in parents[key]) for key in declared}
    ready = [order[key] for key in declared if not waiting[key]]
    heapq.heapify(ready)
    while ready:
        key = declared[heapq.heappop(ready)]
        yield key
        for edge in children[key]:
            waiting[edge.downstream] -= edge.downstream != key
            if edge.downstream != key and not waiting[edge.downstream]:
                heapq.heappush(ready, order[edge.downstream])


def _own_past(edge: Dependency) -> bool:
    """Whether an asset reads only its own earlier partitions, which is no circle."""
    return edge.upstream == edge.downstream and edge.mapping.reads_only_earlier


def _circle(upstream: Mapping[AssetKey, Sequence[AssetKey]]) -> list[AssetKey]:
    """A path from an asset back to itself, upstream before downstream; empty if there is none."""
    done: set[AssetKey] = set()
    for start in upstream:
        path: list[AssetKey] = []
        on_path: set[AssetKey] = set()
        stack: list[tuple[AssetKey, Iterator[AssetKey]]] = []
        if start not in done:
            stack.append((start, iter(upstream[start])))
            path.append(start)
            on_path.add(start)
        while stack:
            key, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                path.pop()
                on_path.discard(key)
                done.add(key)
            elif following in on_path:
                circle = [*path[path.index(following) :], following]
                return circle[::-1]
            elif following not in done:
                stack.append((following, iter(upstream[following])))
                path.append(following)
                on_path.add(following)
    return []


def _circle_error(circle: Sequence[AssetKey], by_key: Mapping[AssetKey, AssetsDefinition]) -> DefinitionError:
    first = by_key[circle[0]]
    if len(circle) == 2:
        return DefinitionError(
            f"asset {first.name!r} reads itself",
            "An asset can read its own earlier partitions, through"
            " TimeWindowPartitionMapping(start_offset=-1, end_offset=-1).",
            first.where,
        )
    path = " → ".join(key.to_user_string() for key in circle)
    places = ", ".join(f"{by_key[key].name} at {by_key[key].where}" for key in circle[1:-1])
    return DefinitionError(
        f"assets read each other in a circle: {path} (where {places})",
        "Remove one of these dependencies.",
        first.where,
    )
