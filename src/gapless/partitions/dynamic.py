"""Partitions whose keys are added and removed as time goes on; the ledger keeps them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from gapless.errors import InvocationError, PartitionsDefinitionError, UnknownPartitionError
from gapless.partitions.key_text import fault_in_key
from gapless.partitions.listed import Listed
from gapless.partitions.ordered_keys import DynamicPartitionsStore

__all__ = [
    "AddDynamicPartitionsRequest",
    "DeleteDynamicPartitionsRequest",
    "DynamicKeysOfNow",
    "DynamicPartitionsDefinition",
    "checked_dynamic_keys",
    "listed_dynamic_keys",
    "refuse_blank_keys",
]

_ROOM = 1 << 40  # as many keys as anybody will ever add


class DynamicPartitionsDefinition(Listed):
    """Keys that are added and removed while the definition stays; in the order in which they were added.

    The definition holds only their name; the keys lie in the ledger. `resolved` gives one that holds the keys of a
    moment. Until then whatever depends on the keys raises `InvocationError`. Ordinals are positions at that moment:
    they go with the resolved definition that they came from, and with its equals. So two definitions are equal if they
    have the same name *and* hold the same keys, or neither holds any; compare names to ask whether both mean the same
    partitions.

    Args:
        partition_fn: Dagster's deprecated first argument; has to be left out.
        name: What the keys are added to: any text without control characters.

    Raises:
        PartitionsDefinitionError: There is no name, or a `partition_fn`.
    """

    def __init__(self, partition_fn: Any = None, name: str | None = None) -> None:
        if isinstance(partition_fn, str):
            raise PartitionsDefinitionError(
                f"DynamicPartitionsDefinition got {partition_fn!r} as its partition_fn",
                f"Write DynamicPartitionsDefinition(name={partition_fn!r}).",
            )
        if partition_fn is not None:
            raise PartitionsDefinitionError(
                "DynamicPartitionsDefinition got a partition_fn, but the keys of dynamic partitions lie in the ledger",
                'Give them a name, DynamicPartitionsDefinition(name="customers"), and add keys: gapless partitions add'
                " customers KEY; or list what the function returns in a StaticPartitionsDefinition.",
            )
        if name is None:
            raise PartitionsDefinitionError(
                "DynamicPartitionsDefinition has no name, so no key could be added to it",
                'Write DynamicPartitionsDefinition(name="customers").',
            )
        _check_name(name)
        self.name = name
        self._keys: tuple[str, ...] | None = None

    @classmethod
    def _holding(cls, name: str, keys: tuple[str, ...] | None) -> Self:
        made = cls(name=name)
        made._keys = keys
        return made

    @property
    def keys(self) -> tuple[str, ...]:
        if self._keys is None:
            raise InvocationError(
                f"the keys of the dynamic partitions {self.name!r} lie in the ledger, and nobody said in which",
                "Pass dynamic_partitions_store=gapless.open_ledger(), or ask inside of"
                " partition_loading_context(dynamic_partitions_store=…).",
            )
        return self._keys

    @property
    def room(self) -> int:
        return _ROOM

    @property
    def dynamic_names(self) -> frozenset[str]:
        return frozenset([self.name])

    @property
    def dynamic_keys(self) -> Mapping[str, tuple[str, ...]]:
        return {} if self._keys is None else {self.name: self._keys}

    def resolved(self, store: DynamicPartitionsStore) -> Self:
        # Each once, whatever the store says: a key that came twice would have two ordinals.
        return self._holding(self.name, tuple(dict.fromkeys(store.get_dynamic_partitions(self.name))))

    def unknown(self, key: str, now: datetime, asset: str | None = None) -> UnknownPartitionError:
        error = super().unknown(key, now, asset)
        error.to_add = (self.name, key)
        return error

    def build_add_request(self, partition_keys: Sequence[str]) -> AddDynamicPartitionsRequest:
        """What a sensor returns to have keys added."""
        return AddDynamicPartitionsRequest(self.name, partition_keys)

    def build_delete_request(self, partition_keys: Sequence[str]) -> DeleteDynamicPartitionsRequest:
        """What a sensor returns to have keys removed."""
        return DeleteDynamicPartitionsRequest(self.name, partition_keys)

    def describe(self) -> str:
        return f"dynamic {self.name!r}"

    def describe_extent(self, now: datetime) -> str:
        return super().describe_extent(now) if self.keys else "none yet"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, DynamicPartitionsDefinition):
            return NotImplemented
        return self is other or (self.name == other.name and self._keys == other._keys)

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> tuple[object, ...]:
        return type(self)._holding, (self.name, self._keys)

    def __repr__(self) -> str:
        return f"DynamicPartitionsDefinition(name={self.name!r})"


class DynamicKeysOfNow:
    """A store that reads each name once: whatever is resolved with it has the keys of one moment."""

    def __init__(self, store: DynamicPartitionsStore) -> None:
        self._store = store
        self._read: dict[str, tuple[str, ...]] = {}

    def get_dynamic_partitions(self, partitions_def_name: str) -> tuple[str, ...]:
        """The keys of that name, as they were when it was first asked for."""
        if partitions_def_name not in self._read:
            self._read[partitions_def_name] = tuple(self._store.get_dynamic_partitions(partitions_def_name))
        return self._read[partitions_def_name]


@dataclass(frozen=True, slots=True)
class _DynamicPartitionsRequest:
    partitions_def_name: str
    partition_keys: Sequence[str]

    def __post_init__(self) -> None:
        keys = checked_dynamic_keys(self.partitions_def_name, self.partition_keys)
        object.__setattr__(self, "partition_keys", keys)


class AddDynamicPartitionsRequest(_DynamicPartitionsRequest):
    """Keys to be added to the dynamic partitions of a name.

    Attributes:
        partitions_def_name: The name.
        partition_keys: In the order in which they are added, each once; not blank.

    Raises:
        InvocationError: What cannot be a key.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_blank_keys(self.partitions_def_name, self.partition_keys)


class DeleteDynamicPartitionsRequest(_DynamicPartitionsRequest):
    """Keys to be removed from the dynamic partitions of a name.

    Attributes:
        partitions_def_name: The name.
        partition_keys: In any order, each once.

    Raises:
        InvocationError: What cannot be a key.
    """


def _check_name(name: object) -> None:
    if not isinstance(name, str) or not name.strip() or fault_in_key(name):
        raise PartitionsDefinitionError(
            f"{name!r} is not a name for dynamic partitions", 'Write a word, for example name="customers".'
        )


def checked_dynamic_keys(partitions_def_name: str, partition_keys: Iterable[str]) -> tuple[str, ...]:
    """`partition_keys` in their order, each once, if all can be keys of dynamic partitions of that name.

    Raises:
        InvocationError: One cannot, or they are a bare string.
        PartitionsDefinitionError: The name is none.
    """
    _check_name(partitions_def_name)
    keys = listed_dynamic_keys(partitions_def_name, partition_keys)
    for key in keys:
        if fault := fault_in_key(key):
            raise InvocationError(
                f"{key!r} cannot be a key of the dynamic partitions {partitions_def_name!r}: it {fault[0]}",
                fault[1],
            )
    return tuple(dict.fromkeys(keys))


def refuse_blank_keys(partitions_def_name: str, partition_keys: Iterable[str]) -> None:
    """Keys that are to be added can be seen; one that is there already can always be removed.

    Raises:
        InvocationError: One is empty, or nothing but spaces.
    """
    for key in partition_keys:
        if not key.strip():
            raise InvocationError(
                f"{key!r} cannot be a key of the dynamic partitions {partitions_def_name!r}: it is blank",
                "Nothing was added. Is a variable not set?",
            )


def listed_dynamic_keys(partitions_def_name: str, partition_keys: Iterable[str]) -> tuple[str, ...]:
    """`partition_keys` as they are.

    Raises:
        InvocationError: They are a bare string, whose letters nobody means.
    """
    if isinstance(partition_keys, (str, bytes)):
        raise InvocationError(
            f"the keys for the dynamic partitions {partitions_def_name!r} are the bare string {partition_keys!r}",
            f"Write a list: [{partition_keys!r}].",
        )
    return tuple(partition_keys)
