"""Mappings that go by key: the same key, some keys, or a table of keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from datetime import UTC, datetime
from typing import Any

from gapless.errors import DefinitionError, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordered_keys import existing
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.windows.windowed import Windowed

__all__ = [
    "IdentityPartitionMapping",
    "PairsPartitionMapping",
    "SpecificPartitionsPartitionMapping",
    "StaticPartitionMapping",
]

_WHENEVER = datetime(2000, 1, 1, tzinfo=UTC)  # for definitions whose keys do not depend on the time


@dataclass(frozen=True, slots=True, repr=False)
class IdentityPartitionMapping(PartitionMapping):
    """Each downstream partition reads the upstream partition with the same key.

    Attributes:
        wait_for: How much of what a partition reads must be there before it is made; by default all.
    """

    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        if down_def is None or up_def is None:
            return MappedUpstream(downstream & existing(up_def, now))
        if down_def == up_def:
            return MappedUpstream.of_ordinals(downstream, up_def, up_def.existing(now))
        return MappedUpstream.of_keys(down_def.keys_of(downstream), up_def, now)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        there = existing(down_def, now)
        if down_def is None or up_def is None or down_def == up_def:
            return upstream & there
        return down_def.ordinals_of(up_def.keys_of(upstream)) & there

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if up_def is None or down_def is None:
            alone = up_def is down_def
            return None if alone else "only one of them is partitioned, so their keys cannot be the same"
        if up_def == down_def:
            return None
        if up_def.dimensions.keys() != down_def.dimensions.keys():
            return "their dimensions differ, so their keys are not the same"
        if up_def.is_time != down_def.is_time:
            return "one has time windows and the other has not, so their keys are not the same"
        if not up_def.dimensions and (up_def.dynamic_names or down_def.dynamic_names):
            return None  # nobody knows yet
        if isinstance(up_def, Windowed) and isinstance(down_def, Windowed):
            # Keys that happen to look alike must not tie windows that differ.
            if up_def.unexcluded.cadence != down_def.unexcluded.cadence:
                return "their time windows differ, so the same key means different times"
            if up_def.fmt != down_def.fmt:
                return f"their keys are written differently ({up_def.fmt!r} upstream, {down_def.fmt!r} downstream)"
            return None
        if up_def.dimensions:
            pairs = zip(up_def.dimensions.values(), down_def.dimensions.items(), strict=True)
            reasons = ((name, self.validate(above, below)) for above, (name, below) in pairs)  # type: ignore[arg-type]
            return next((f"dimension {name!r}: {reason}" for name, reason in reasons if reason), None)
        shared = up_def.ordinals_of(down_def.keys_of(down_def.existing(_WHENEVER)))
        return None if shared else "they have no key in common"


@dataclass(frozen=True, slots=True, repr=False)
class SpecificPartitionsPartitionMapping(PartitionMapping):
    """Each downstream partition reads the same few upstream partitions.

    Attributes:
        partition_keys: Their keys.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: A bare string, or no keys at all.
    """

    partition_keys: Collection[str]
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        keys = _keys(self.partition_keys, "SpecificPartitionsPartitionMapping")
        if isinstance(self.partition_keys, str):
            raise DefinitionError(
                f"SpecificPartitionsPartitionMapping got the bare string {shown(self.partition_keys)}",
                f"Write a list: SpecificPartitionsPartitionMapping([{shown(self.partition_keys)}]).",
            )
        if not keys:
            raise DefinitionError(
                "SpecificPartitionsPartitionMapping got no partition keys", "Name those that are read."
            )
        object.__setattr__(self, "partition_keys", keys)

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        if not downstream or up_def is None:
            return MappedUpstream(OrdinalSet.empty())
        return MappedUpstream.of_keys(self.partition_keys, up_def, now)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        read = up_def is not None and upstream & up_def.ordinals_of(self.partition_keys)
        return existing(down_def, now) if read else OrdinalSet.empty()

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if up_def is None:
            return "upstream is not partitioned"
        return next((reason for key in self.partition_keys if (reason := _why_unknown(key, up_def, "upstream"))), None)


class _ByTable(PartitionMapping):
    """What mappings by a table of keys share."""

    __slots__ = ()

    _table: _KeyTable

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        if down_def is None or up_def is None:
            return MappedUpstream(OrdinalSet.empty())
        table = self._table.upstream
        keys = dict.fromkeys(key for below in down_def.keys_of(downstream) for key in table.get(below, ()))
        return MappedUpstream.of_keys(keys, up_def, now)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        if down_def is None or up_def is None:
            return OrdinalSet.empty()
        table = self._table.downstream
        keys = {key for above in up_def.keys_of(upstream) for key in table.get(above, ())}
        return down_def.ordinals_of(keys) & down_def.existing(now)

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        for definition, side, keys in (
            (up_def, "upstream", self._table.downstream),
            (down_def, "downstream", self._table.upstream),
        ):
            if definition is None:
                return f"{side} is not partitioned"
            reason = next((reason for key in keys if (reason := _why_unknown(key, definition, side))), None)
            if reason is not None:
                return reason
        return None


@dataclass(frozen=True, slots=True, repr=False)
class StaticPartitionMapping(_ByTable):
    """Which downstream partitions read an upstream partition, key by key.

    What is not named reads nothing, or is not read.

    Attributes:
        downstream_partition_keys_by_upstream_partition_key: For an upstream key one downstream key, or several.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: Something that is not a mapping of such keys.
    """

    downstream_partition_keys_by_upstream_partition_key: Mapping[str, str | Collection[str]] = field(hash=False)
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value
    _table: _KeyTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        given: Any = self.downstream_partition_keys_by_upstream_partition_key
        if not isinstance(given, Mapping):
            raise DefinitionError(
                f"StaticPartitionMapping got {shown(given)}, not a mapping",
                "Write {upstream_key: downstream_key} or {upstream_key: [downstream_key, …]};"
                " pairs of keys are for PairsPartitionMapping.",
            )
        keys = {above: _keys(below, "StaticPartitionMapping") for above, below in given.items()}
        _keys(tuple(keys), "StaticPartitionMapping")
        object.__setattr__(self, "downstream_partition_keys_by_upstream_partition_key", keys)
        object.__setattr__(self, "_table", _KeyTable((above, key) for above, below in keys.items() for key in below))
        if not self._table.upstream:
            raise DefinitionError(
                "StaticPartitionMapping got no pair of keys, so nothing would be read",
                "Write {upstream_key: downstream_key}.",
            )


@dataclass(frozen=True, slots=True, repr=False)
class PairsPartitionMapping(_ByTable):
    """Which upstream partition is read by which downstream partition, pair by pair.

    What is in no pair reads nothing, or is not read. For rules that lie in a table: campaigns and the days that they
    touched, shops and their regions.

    Attributes:
        pairs: (upstream key, downstream key), once each; given as such, or as a Polars or pandas frame with the columns
            ``upstream`` and ``downstream``.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: Something else.
    """

    pairs: Any
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value
    _table: _KeyTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        pairs = tuple(dict.fromkeys(_pairs(self.pairs)))
        if not pairs:
            raise DefinitionError(
                "PairsPartitionMapping got no pairs, so nothing would be read",
                "Write [(upstream_key, downstream_key), …].",
            )
        object.__setattr__(self, "pairs", pairs)
        object.__setattr__(self, "_table", _KeyTable(pairs))

    def _shown(self, name: str) -> str:
        return f"<{len(self.pairs):,} pairs>" if name == "pairs" and len(self.pairs) > 3 else repr(getattr(self, name))


class _KeyTable:
    """Pairs of keys, looked up from both sides.

    Attributes:
        upstream: For a downstream key, the upstream keys that it reads.
        downstream: For an upstream key, the downstream keys that read it.
    """

    __slots__ = ("downstream", "upstream")

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self.upstream: dict[str, list[str]] = {}
        self.downstream: dict[str, list[str]] = {}
        for above, below in pairs:
            self.upstream.setdefault(below, []).append(above)
            self.downstream.setdefault(above, []).append(below)


def _why_unknown(key: str, definition: PartitionsDefinition, side: str) -> str | None:
    """Why `key` is none of a definition's, a clause; None if it is, or if that cannot be told before a run."""
    if definition.dynamic_names or definition.ordinal_of(key) is not None:
        return None
    near = () if definition.is_time or definition.dimensions else definition.nearest_keys(key, _WHENEVER)
    meant = f"; did you mean {' or '.join(map(repr, near))}?" if near else f": {definition.describe()}"
    return f"{side} has no partition {shown(key)}{meant}"


def _keys(given: object, owner: str) -> tuple[str, ...]:
    """One key or several, each once."""
    keys = (given,) if isinstance(given, str) else tuple(given) if isinstance(given, Iterable) else (given,)
    for key in keys:
        if not isinstance(key, str):
            raise DefinitionError(
                f"{owner} got {shown(key)} as a partition key, which is not a string", "Write its key."
            )
    return tuple(dict.fromkeys(keys))


def _pairs(given: Any) -> Iterable[tuple[str, str]]:
    """The pairs of an iterable, or of a frame, which is told by its columns; no frame library is imported for it."""
    if hasattr(given, "collect") and not hasattr(given, "iter_rows"):
        raise DefinitionError(
            f"PairsPartitionMapping got a {type(given).__name__}, whose rows are not known",
            "Collect it first: frame.collect().",
        )
    columns = getattr(given, "columns", None)
    if columns is not None:
        columns = list(columns)
        if not {"upstream", "downstream"} <= set(columns):
            raise DefinitionError(
                f"a frame of pairs has the columns {', '.join(map(repr, columns))}, not 'upstream' and 'downstream'",
                "Rename them, or pass (upstream key, downstream key) pairs.",
            )
        twice = next((name for name in ("upstream", "downstream") if columns.count(name) > 1), None)
        if twice is not None:
            raise DefinitionError(f"a frame of pairs has two columns {twice!r}", "Drop one.")
        given = zip(given["upstream"], given["downstream"], strict=True)
    elif isinstance(given, (str, Mapping)) or not isinstance(given, Iterable):
        raise DefinitionError(
            f"PairsPartitionMapping got {shown(given)}, not pairs",
            "Write [(upstream_key, downstream_key), …]; a mapping of keys is for StaticPartitionMapping.",
        )
    for pair in given:
        if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not all(isinstance(key, str) for key in pair):
            raise DefinitionError(
                f"PairsPartitionMapping got {shown(pair)}, not a pair of keys", "Write (upstream_key, downstream_key)."
            )
        yield pair[0], pair[1]
