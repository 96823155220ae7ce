"""Jobs: a selection of assets with a name, so that a schedule or a person can ask for it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.errors import SelectionError
from gapless.definitions.graph import AssetGraph
from gapless.definitions.metadata import checked_metadata
from gapless.definitions.names import checked_name
from gapless.definitions.selection import CoercibleToAssetSelection
from gapless.definitions.selection_text import select, selection_of
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_arguments
from gapless.errors import DefinitionError, UnknownAssetError
from gapless.partitions import PartitionsDefinition

__all__ = ["Job", "UnresolvedAssetJob", "define_asset_job"]


@dataclass(frozen=True, slots=True)
class Job:
    """A named selection, looked up.

    Attributes:
        selection: At least one asset, in the order of the graph.
        partitions_def: The one of all its partitioned assets; None if it has none.
        config: Config of its runs, as the user gave it.
        location: ``file:line`` of its declaration.
    """

    name: str
    selection: tuple[AssetKey, ...]
    partitions_def: PartitionsDefinition | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str | None = None
    config: Any = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    location: str | None = None


@dataclass(frozen=True, eq=False)
class UnresolvedAssetJob:
    """A job as declared; `resolve` looks its assets up."""

    name: str
    selection: CoercibleToAssetSelection | None
    config: Any = None
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    partitions_def: PartitionsDefinition | None = None
    location: str | None = None

    def resolve(self, graph: AssetGraph) -> Job:
        """The job over the assets of `graph`.

        Raises:
            DefinitionError: If it selects an unknown asset or none, or assets of different partitions.
        """
        try:
            keys = select(graph, self.selection)
        except UnknownAssetError as unknown:
            near = f"Did you mean {' or '.join(map(repr, unknown.nearest))}?" if unknown.nearest else ""
            reason = f"job {self.name!r} selects asset {unknown.asset!r}, but there is no such asset"
            raise DefinitionError(reason, near, self.location) from None
        except SelectionError as wrong:
            reason = f"job {self.name!r}: selection {wrong.selection!r}: {wrong.reason}"
            raise DefinitionError(reason, wrong.fix, self.location) from None
        if not keys:
            raise DefinitionError(f"job {self.name!r} selects no asset", "There are no assets.", self.location)
        return Job(
            name=self.name,
            selection=keys,
            partitions_def=self._common_partitions(graph, keys),
            tags=self.tags,
            description=self.description,
            config=self.config,
            metadata=self.metadata,
            location=self.location,
        )

    def _typed(self, keys: tuple[AssetKey, ...]) -> tuple[str, ...]:
        """The selection, which means `keys`, as it is typed after a command."""
        if isinstance(self.selection, str):
            return (self.selection,)
        return () if self.selection is None else tuple(key.to_user_string() for key in keys)

    def _common_partitions(self, graph: AssetGraph, keys: tuple[AssetKey, ...]) -> PartitionsDefinition | None:
        groups: list[tuple[PartitionsDefinition, list[str]]] = []
        for key in keys:
            definition = graph[key].partitions_def
            if definition is None:
                continue
            for known, names in groups:
                if known == definition:
                    names.append(str(key))
                    break
            else:
                groups.append((definition, [str(key)]))
        if len(groups) > 1:
            listed = "; ".join(f"{', '.join(names)}: {definition.describe()}" for definition, names in groups)
            raise DefinitionError(
                f"job {self.name!r} selects assets of different partitions ({listed})",
                f"All partitions of a job are of one kind: make {len(groups)} jobs, one for each. By hand you may mix"
                f" them: {shlex.join(('gapless', 'materialize', *self._typed(keys)))}",
                self.location,
            )
        common = groups[0][0] if groups else None
        if self.partitions_def is not None and common is not None and self.partitions_def != common:
            raise DefinitionError(
                f"job {self.name!r} has partitions_def {self.partitions_def.describe()}, but its assets have"
                f" {common.describe()}",
                "Leave partitions_def out; the job takes it from its assets.",
                self.location,
            )
        return common


@checked_arguments
def define_asset_job(
    name: str,
    selection: CoercibleToAssetSelection | None = None,
    config: Any = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
) -> UnresolvedAssetJob:
    """Name a selection of assets.

    Args:
        selection: Text such as ``"plays*"``, keys, assets, an `AssetSelection`, or a list of these; None for all.
        config: Config of its runs.
        partitions_def: Only a check: the job takes it from its assets.

    Raises:
        DefinitionError: If the name is none, or the selection cannot be read.
    """
    where = here()
    checked_name(name, "job", where)
    try:
        selection_of(selection)
    except SelectionError as wrong:
        reason = f"job {name!r}: selection {wrong.selection!r}: {wrong.reason}"
        raise DefinitionError(reason, wrong.fix, where) from None
    return UnresolvedAssetJob(
        name=name,
        selection=selection,
        config=config,
        description=description,
        tags={str(key): str(value) for key, value in (tags or {}).items()},
        metadata=checked_metadata(metadata, f"job {name!r}", where),
        partitions_def=partitions_def,
        location=where,
    )
