"""Which asset, and which of its partitions, an IO manager is asked to store or load."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError
from gapless.partitions import (
    MultiPartitionsDefinition,
    PartitionKeyRange,
    PartitionsDefinition,
    TimeWindow,
    TimeWindowPartitionsDefinition,
)

__all__ = ["NoSuchFactError", "PartitionsOfAsset", "ValueType", "keys_asked_for"]


@dataclass(eq=False)
class NoSuchFactError(InvocationError, AttributeError):
    """A context does not have what it is asked for; an AttributeError, so that ``hasattr`` works."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """The type that a function declares for a value.

    Attributes:
        typing_type: The annotation; ``Any`` if there is none.
    """

    typing_type: Any = Any

    @classmethod
    def of(cls, declared: Any) -> ValueType:
        """From an annotation, or from anything that has a ``typing_type``, as Dagster's types do."""
        return cls(getattr(declared, "typing_type", declared))

    @property
    def display_name(self) -> str:
        """The type in words."""
        return getattr(self.typing_type, "__name__", None) or str(self.typing_type)


class PartitionsOfAsset:
    """An asset and some of its partitions, with what an IO manager may need besides.

    Attributes:
        partitions_def: The asset's partitions definition; None if it is unpartitioned, or in a test that gives none.
        partition_keys: The partitions, in order.
        name: What the value is called: ``result``, or the parameter that receives it.
        dagster_type: The type that the function declares for it.
        resources: Those of the asset that is made, and those that the IO manager requires, as attributes.
        resource_config: The IO manager's own settings; None if it has none.
        log: A logger whose lines are kept with the run.
        run_id: The run that is under way.
        config: Always None: Gapless gives config to functions and IO managers, not to single values.
    """

    # What Dagster's contexts have and these do not, with what to use instead.
    _instead: ClassVar[Mapping[str, str]] = {
        "asset_spec": "Use context.asset_key and context.definition_metadata",
        "instance": "context.asset_partitions_def knows its keys, dynamic ones too, without it; for runs and status use"
        " gapless.open_ledger()",
        "job_name": "Use context.run_id or context.asset_key",
        "op_def": "Use context.asset_key and context.definition_metadata",
        "step_context": "Use context.log, context.resources, context.run_id and context.asset_partition_keys",
    }

    config = None
    mapping_key = None
    version = None

    def __init__(
        self,
        asset_key: AssetKey | None,
        partitions_def: PartitionsDefinition | None,
        partition_keys: Sequence[str],
        *,
        name: str,
        value_type: Any,
        metadata: Mapping[str, Any] | None,
        resources: Any,
        resource_config: Mapping[str, Any] | None,
        log: logging.Logger | logging.LoggerAdapter[Any],
        run_id: str,
    ) -> None:
        self._asset_key = asset_key
        self.partitions_def = partitions_def
        self.partition_keys = tuple(partition_keys)
        self.name = name
        self.dagster_type = ValueType.of(value_type)
        self.metadata: Mapping[str, Any] = metadata or {}
        self.resources = SimpleNamespace(**resources) if isinstance(resources, Mapping) else resources
        self.resource_config = resource_config
        self.log = log
        self.run_id = run_id

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        kind = type(self).__name__
        instead = self._instead.get(name)
        if instead is None:
            has = sorted(each for each in {*dir(self), *vars(self)} if not each.startswith("_"))
            raise NoSuchFactError(f"an {kind} has no {name!r}; it has {', '.join(has)}")
        raise NoSuchFactError(f"an {kind} of Gapless has no {name!r}, which Dagster's has", instead)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    # --- the asset

    @property
    def has_asset_key(self) -> bool:
        """Whether it is an asset; only a test's context may not say which."""
        return self._asset_key is not None

    @property
    def asset_key(self) -> AssetKey:
        """The asset that is stored or loaded.

        Raises:
            InvocationError: A test's context does not say.
        """
        if self._asset_key is None:
            raise InvocationError("this context belongs to no asset", "Build it with asset_key=…")
        return self._asset_key

    @property
    def definition_metadata(self) -> Mapping[str, Any]:
        """Another name of ``metadata``: what the definition says."""
        return self.metadata

    def get_asset_identifier(self) -> list[str]:
        """The parts of the asset's key, and of a partitioned asset the one partition: a path to store it under.

        Raises:
            InvocationError: It is partitioned, and there are several partitions or none.
        """
        return [*self.asset_key.parts, *([self.asset_partition_key] if self.has_asset_partitions else [])]

    get_identifier = get_asset_identifier  # the same whatever run asks, so that what one run stored another finds

    # --- its partitions

    @property
    def has_asset_partitions(self) -> bool:
        """Whether the asset is partitioned."""
        return self.partitions_def is not None or bool(self.partition_keys)

    @property
    def asset_partitions_def(self) -> PartitionsDefinition:
        """Its partitions definition.

        Raises:
            InvocationError: The asset is unpartitioned.
        """
        if self.partitions_def is None:
            raise InvocationError(f"{self._called} is not partitioned", "Ask has_asset_partitions first")
        return self.partitions_def

    @property
    def asset_partition_keys(self) -> list[str]:
        """The partitions, in order.

        Raises:
            InvocationError: The asset is unpartitioned.
        """
        if not self.has_asset_partitions:
            raise InvocationError(f"{self._called} is not partitioned", "Ask has_asset_partitions first")
        return list(self.partition_keys)

    @property
    def asset_partition_key(self) -> str:
        """The one partition.

        Raises:
            InvocationError: There are several, or none.
        """
        keys = self.asset_partition_keys
        if len(keys) != 1:
            raise InvocationError(
                f"the one partition of {self._called} is asked for, but there are {len(keys)}",
                "Use asset_partition_keys",
            )
        return keys[0]

    @property
    def asset_partition_key_range(self) -> PartitionKeyRange:
        """From the first of the partitions to the last, both inclusive.

        Raises:
            InvocationError: There is none, or others lie between them.
        """
        keys = self.asset_partition_keys
        if not keys:
            raise InvocationError(f"no partition of {self._called} is asked for", "Use asset_partition_keys")
        definition = self.partitions_def
        if definition is not None and len(keys) > 1:
            first, last = definition.ordinal_of(keys[0]), definition.ordinal_of(keys[-1])
            # A manager that deletes or reads "the range" must not touch partitions that nobody named.
            if first is None or last is None or len(definition.between(first, last)) != len(keys):
                raise InvocationError(
                    f"the {len(keys)} partitions of {self._called} from {keys[0]!r} to {keys[-1]!r} are no range:"
                    " others lie between them",
                    "Use asset_partition_keys",
                )
        return PartitionKeyRange(keys[0], keys[-1])

    @property
    def asset_partitions_time_window(self) -> TimeWindow:
        """From the start of the first partition to the end of the last.

        Raises:
            InvocationError: The asset's partitions are not times, there is none, or others lie between them.
        """
        definition = self.asset_partitions_def
        is_time = isinstance(definition, TimeWindowPartitionsDefinition)
        if not is_time and not (
            isinstance(definition, MultiPartitionsDefinition) and definition.has_time_window_dimension
        ):
            raise InvocationError(
                f"{self._called} has no time window: its partitions are {definition.describe()}",
                "Use asset_partition_keys",
            )
        span = self.asset_partition_key_range
        window_of = definition.time_window_for_partition_key  # type: ignore[attr-defined]  # both kinds have it
        first, last = window_of(span.start), window_of(span.end)
        return TimeWindow(first.start, last.end)

    @property
    def _called(self) -> str:
        return f"asset {str(self._asset_key)!r}" if self._asset_key is not None else "this context's asset"


def keys_asked_for(
    partitions_def: PartitionsDefinition | None,
    partition_key: str | None,
    partition_key_range: PartitionKeyRange | None,
) -> tuple[str, ...]:
    """The partitions that a test names by one key or by a range, both ends inclusive.

    Raises:
        UnknownPartitionError: An end of the range is not a key.
        InvocationError: It names both, or a range without a definition.
    """
    if partition_key_range is None:
        if partition_key is None:
            return ()
        ordinal = None if partitions_def is None else partitions_def.ordinal_of(partition_key)
        return (partition_key,) if ordinal is None or partitions_def is None else (partitions_def.key_at(ordinal),)
    if partition_key is not None:
        raise InvocationError("a context is for one partition_key or for one asset_partition_key_range, not for both")
    if partitions_def is None:
        raise InvocationError("a range of partitions needs their definition", "Give asset_partitions_def too")
    return tuple(partitions_def.get_partition_keys_in_range(partition_key_range))
