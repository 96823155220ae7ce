"""What an asset reads: how the user declares it, and what the graph makes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_constructor
from gapless.errors import DefinitionError
from gapless.partitions import PartitionMapping

__all__ = ["AssetDep", "AssetIn", "Dependency", "Keyed", "coerce_asset_key"]


class Keyed(Protocol):
    """Whatever has an asset's key: the asset itself, or an `AssetDep`."""

    @property
    def key(self) -> AssetKey: ...


def coerce_asset_key(asset: CoercibleToAssetKey | Keyed) -> AssetKey:
    """The key of whatever names an asset.

    Raises:
        DefinitionError: If it names none.
    """
    key = getattr(asset, "key", asset)
    if isinstance(key, AssetKey):
        return key
    if isinstance(key, str) or (isinstance(key, Sequence) and all(isinstance(part, str) for part in key)):
        try:
            return AssetKey.of(key)
        except ValueError as invalid:
            raise DefinitionError(str(invalid), location=here()) from None
    raise DefinitionError(
        f"{asset!r} does not name an asset",
        "Give an AssetKey, a string such as 'raw/plays', or the asset itself.",
        here(),
    )


@checked_constructor
@dataclass(frozen=True, slots=True, init=False)
class AssetIn:
    """How a parameter finds its upstream asset.

    Attributes:
        key: The upstream asset; None for the one named as the parameter, below `key_prefix`.
        metadata: For the IO manager that loads it, for example ``{"columns": ["id"]}``.
        input_manager_key: The resource that loads it; None for the one that stored it.
        partition_mapping: Which of its partitions are read; None for the usual one.
    """

    key: AssetKey | None
    metadata: Mapping[str, Any]
    key_prefix: tuple[str, ...]
    input_manager_key: str | None
    partition_mapping: PartitionMapping | None

    def __init__(
        self,
        key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        key_prefix: str | Sequence[str] | None = None,
        input_manager_key: str | None = None,
        partition_mapping: PartitionMapping | None = None,
    ) -> None:
        if key is not None and key_prefix is not None:
            raise DefinitionError(
                "AssetIn got key and key_prefix", "Give one of them: a key is already the whole path.", here()
            )
        _require_mapping(partition_mapping, "AssetIn")
        prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix or ())
        object.__setattr__(self, "key", None if key is None else coerce_asset_key(key))
        object.__setattr__(self, "metadata", dict(metadata or {}))
        object.__setattr__(self, "key_prefix", prefix)
        object.__setattr__(self, "input_manager_key", input_manager_key)
        object.__setattr__(self, "partition_mapping", partition_mapping)


@dataclass(frozen=True, slots=True, init=False)
class AssetDep:
    """An asset that must be made before, without being passed as a value.

    Attributes:
        key: The upstream asset.
        partition_mapping: Which of its partitions are needed; None for the usual one.
    """

    key: AssetKey
    partition_mapping: PartitionMapping | None
    metadata: Mapping[str, Any]

    def __init__(
        self,
        asset: CoercibleToAssetKey | Keyed,
        *,
        partition_mapping: PartitionMapping | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        _require_mapping(partition_mapping, "AssetDep")
        object.__setattr__(self, "key", coerce_asset_key(asset))
        object.__setattr__(self, "partition_mapping", partition_mapping)
        object.__setattr__(self, "metadata", dict(metadata or {}))

    @property
    def asset_key(self) -> AssetKey:
        """Dagster's name for `key`."""
        return self.key


def _require_mapping(mapping: Any, owner: str) -> None:
    if mapping is not None and not isinstance(mapping, PartitionMapping):
        raise DefinitionError(
            f"{owner} got partition_mapping={mapping!r}, which is not a partition mapping",
            "Write for example TimeWindowPartitionMapping(start_offset=-1, end_offset=-1).",
            here(),
        )


@dataclass(frozen=True, slots=True)
class Dependency:
    """An edge of the graph.

    Attributes:
        downstream: The asset that reads.
        upstream: The asset that is read.
        mapping: Which partitions of `upstream` each partition of `downstream` reads.
        parameter: The downstream function's parameter that receives the value; None if only the order counts.
        metadata: For the IO manager that loads it.
        input_manager_key: The resource that loads it; None if it is not loaded.
    """

    downstream: AssetKey
    upstream: AssetKey
    mapping: PartitionMapping
    parameter: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, hash=False)
    input_manager_key: str | None = None
