"""What a store replaces and reads: slices of a table, staged and committed whole.

The contract, kept by every store:

- A commit replaces each slice entirely or leaves it entirely; a crash at any moment leaves old rows or new rows.
- One bad slice in a group fails alone; the others are committed.
- The commit record of a slice lies in the same transaction as its rows.
- Rows outside the slice are refused before anything is replaced.
- Columns are matched by name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.partitions.window import TimeWindow

__all__ = [
    "CommitRecord",
    "Committed",
    "InputSlices",
    "OutputSlices",
    "PartitionColumn",
    "PartitionSlice",
    "Refused",
    "SliceStore",
    "StagedSlices",
    "is_slice_store",
]


@dataclass(frozen=True, slots=True)
class PartitionSlice:
    """One partition as a store sees it.

    Attributes:
        key: The partition's key; None for the whole of an unpartitioned table.
        window: What it covers, if it is a time partition; its label in the column is then ``key``.
        sides: If several dimensions tell it, its slice of each, by name, in key order.
    """

    key: str | None
    window: TimeWindow | None = None
    sides: Mapping[str, PartitionSlice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PartitionColumn:
    """How the rows of a table tell one dimension of their partition.

    Attributes:
        expression: The SQL expression or column.
        timezone: The IANA zone in which its naive values and labels are civil time.
        finer_than_day: True if its windows are shorter than a civil day.
    """

    expression: str
    timezone: str = "UTC"
    finer_than_day: bool = False


@dataclass(frozen=True, slots=True)
class OutputSlices:
    """Where the value that a function returned belongs.

    Attributes:
        asset: The asset that is made.
        slices: The partitions that the value holds, in partition order; usually one, several for a batched function.
        partition_expr: The SQL expression or column that says which partition a row belongs to; None if unpartitioned,
            or if `by_dimension` says it.
        timezone: The IANA zone in which naive values and labels of time partitions are civil time.
        finer_than_day: True if time partitions are shorter than a civil day.
        metadata: The asset's metadata (``schema``, ``table`` … choose where it lies).
        run_id: The run that makes it; goes into the commit record.
        by_dimension: Where several dimensions tell the partition of a row, each by a column of its own.
    """

    asset: AssetKey
    slices: tuple[PartitionSlice, ...]
    partition_expr: str | None
    run_id: str
    timezone: str = "UTC"
    finer_than_day: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    by_dimension: Mapping[str, PartitionColumn] = field(default_factory=dict)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Everything that says which partition a row belongs to; empty if nothing does."""
        return _expressions(self)


@dataclass(frozen=True, slots=True)
class InputSlices:
    """What a downstream function reads from one upstream asset.

    Attributes:
        asset: The upstream asset.
        slices: Which of its partitions, in partition order; may be empty.
        partition_expr: As on the upstream's output.
        metadata: The upstream asset's metadata.
        columns: Only these columns, from the input's metadata; None for all.
        by_dimension: As on the upstream's output.
    """

    asset: AssetKey
    slices: tuple[PartitionSlice, ...]
    partition_expr: str | None
    timezone: str = "UTC"
    finer_than_day: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] | None = None
    by_dimension: Mapping[str, PartitionColumn] = field(default_factory=dict)

    @property
    def expressions(self) -> tuple[str, ...]:
        """Everything that says which partition a row belongs to; empty if nothing does."""
        return _expressions(self)


def _expressions(slices: OutputSlices | InputSlices) -> tuple[str, ...]:
    if slices.by_dimension:
        return tuple(column.expression for column in slices.by_dimension.values())
    return (slices.partition_expr,) if slices.partition_expr else ()


class StagedSlices(Protocol):
    """A checked value that waits for its commit."""

    @property
    def output(self) -> OutputSlices: ...

    @property
    def nbytes(self) -> int:
        """Approximate size in memory, bytes; groups are cut by it."""
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """The staged value is durably in the table.

    Attributes:
        rows: Rows by partition key, in the order of ``output.slices``.
        nbytes: Approximate size of the value, bytes.
        columns: Column name to the store's type name, in table order.
        table: The full name of the table, for people.
    """

    rows: Mapping[str | None, int]
    nbytes: int
    columns: Mapping[str, str]
    table: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The staged value was not committed; the old rows are still there."""

    error: StorageError


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """Proof, from the data's own transaction, that a slice was replaced."""

    asset: AssetKey
    partition: str | None
    run_id: str
    rows: int
    committed_at: datetime


class SliceStore(Protocol):
    """The rich contract beneath an IO manager. Its methods are safe on several threads; `commit` on one at a time."""

    def stage(self, output: OutputSlices, value: Any) -> StagedSlices:
        """Check what can be checked without the table: the type, the partition column.

        Raises:
            StorageError: The value can not be stored.
        """
        ...

    def commit(self, staged: Sequence[StagedSlices]) -> list[Committed | Refused]:
        """Replace all slices of `staged`, grouped into as few transactions as possible; one outcome for each.

        No two of them hold the same partition of one asset.
        """
        ...

    def load(self, source: InputSlices, expected: Any) -> Any:
        """The rows of `source` as the type `expected` (an annotation; ``Any`` for the store's default).

        Without slices there are no rows, whether the asset was ever made or not; it may then lack columns, too.

        Raises:
            StorageError: Slices of an asset that was never made are asked for, or columns that it does not have.
        """
        ...

    def commit_records(self, run_ids: Sequence[str]) -> list[CommitRecord]:
        """Every commit that these runs made, the latest of each (run, asset, partition)."""
        ...

    def committed(self, asset: AssetKey, metadata: Mapping[str, Any]) -> dict[str | None, CommitRecord]:
        """The newest commit of each partition of `asset` that was not wiped since.

        Empty if the asset's table is not there, whatever the records say. Creates nothing.
        """
        ...

    def is_empty(self) -> bool:
        """True if nothing was ever stored here. Cheap: asked before every plan, without opening the store."""
        ...

    def wipe(self, target: OutputSlices) -> int:
        """Delete the rows of these slices, all-or-nothing; returns how many. Without partitions, empties the table."""
        ...

    def yield_turn(self) -> None:
        """Let other processes in, if any waits; called between groups and when idle. Cheap."""
        ...

    def stop_waiting(self) -> None:
        """End every wait for another process that is under way, as if its time were up: somebody wants to stop."""
        ...

    def close(self) -> None:
        """Release whatever is held. The store can be used again afterwards."""
        ...


def is_slice_store(manager: Any) -> bool:
    """Whether an IO manager keeps the rich contract of `SliceStore`."""
    return all(hasattr(manager, name) for name in ("stage", "commit", "load"))
