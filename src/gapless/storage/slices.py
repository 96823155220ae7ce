"""What a store replaces and reads: slices of a table, staged and committed whole.

The contract, kept by every store:

- A commit replaces each slice entirely or leaves it entirely; a crash at any moment leaves old rows or new rows.
- One bad slice in a group fails alone; the others are committed.
- The commit record of a slice lies in the same transaction as its rows.
- Rows outside the slice are refused before anything is replaced.
- Columns are matched by name.
- Commits to one table may conflict where there are many writers: a group is committed, or refused, as one commit of
  its table, and a store that loses such a race tries again on what it then finds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.partitions.window import TimeWindow
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "CommitRecord",
    "Committed",
    "Compaction",
    "InputSlices",
    "InputVersion",
    "OutputSlices",
    "PartitionColumn",
    "PartitionSlice",
    "Provenance",
    "Refused",
    "SliceStore",
    "StagedSlices",
    "Uncertain",
    "VersionedSliceStore",
    "is_slice_store",
    "keeps_versions",
    "version_of",
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
        naive_zone: The IANA zone of its naive timestamps where that is another; text and dates stay civil labels.
    """

    expression: str
    timezone: str = "UTC"
    finer_than_day: bool = False
    naive_zone: str | None = None


@dataclass(frozen=True, slots=True)
class InputVersion:
    """What was read of one upstream asset.

    Attributes:
        partitions: How many of its partitions; 1 for the whole of an unpartitioned one.
        version: That of the one partition; of several, one over all their keys and versions.
    """

    partitions: int
    version: str


def version_of(versions: Mapping[str | None, str]) -> str:
    """The version of the one partition; of several, one over all their keys and versions, whatever their order."""
    if len(versions) == 1:
        return next(iter(versions.values()))
    lines = sorted(f"{key}\t{version}\n" for key, version in versions.items())
    return hashlib.sha256("".join(lines).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a value was made from; goes into the commit record.

    Attributes:
        code_version: The asset's.
        inputs: By upstream asset's name.
        data_version: What the user says tells this data from other; None for the store's own hash of the rows.
    """

    code_version: str | None = None
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    data_version: str | None = None


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
        naive_zone: As on `PartitionColumn`.
        schema_policy: What to do about columns that are not the table's.
        boundary_policy: What to do about rows outside the slices.
        provenance: What the value was made from.
    """

    asset: AssetKey
    slices: tuple[PartitionSlice, ...]
    partition_expr: str | None
    run_id: str
    timezone: str = "UTC"
    finer_than_day: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)
    by_dimension: Mapping[str, PartitionColumn] = field(default_factory=dict)
    naive_zone: str | None = None
    schema_policy: SchemaPolicy = SchemaPolicy.EVOLVE
    boundary_policy: BoundaryPolicy = BoundaryPolicy.REFUSE
    provenance: Provenance = field(default_factory=Provenance)

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
    naive_zone: str | None = None

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

    def rows(self) -> pl.LazyFrame:
        """The rows as they are to be stored, for checks to look at. Of a part that `SliceStore.split` gave."""
        ...

    def discard(self) -> None:
        """Let go of what it holds (a staged file); it will not be committed. Harmless twice.

        Committing does so too, unless a value of several slices is refused, which `SliceStore.split` may then be given.
        """
        ...


@dataclass(frozen=True, slots=True)
class Committed:
    """The staged value is durably in the table.

    Attributes:
        rows: Rows by partition key, in the order of ``output.slices``.
        nbytes: Approximate size of the value, bytes.
        columns: Column name to the store's type name, in table order.
        table: The full name of the table, for people.
        versions: Content hash by partition key.
        dropped: Rows that were left out because they lay outside, by partition key; only of those that lost any. Of a
            value of several partitions nobody can tell whose they were: under None, and so they are told again with
            each of the parts that `SliceStore.split` gave.
    """

    rows: Mapping[str | None, int]
    nbytes: int
    columns: Mapping[str, str]
    table: str
    versions: Mapping[str | None, str] = field(default_factory=dict)
    dropped: Mapping[str | None, int] = field(default_factory=dict)

    def nbytes_of(self, key: str | None) -> int:
        """Approximate size of one partition of the value, bytes: by its share of the rows."""
        total = sum(self.rows.values())
        return self.nbytes * self.rows.get(key, 0) // total if total else self.nbytes // max(1, len(self.rows))


@dataclass(frozen=True, slots=True)
class Refused:
    """The staged value was not committed; the old rows are still there."""

    error: StorageError


@dataclass(frozen=True, slots=True)
class Uncertain:
    """Whether the staged value was committed is not known yet; the commit records will tell, once they can be read."""

    error: StorageError


@dataclass(frozen=True, slots=True)
class CommitRecord:
    """Proof, from the data's own transaction, that a slice was replaced.

    Attributes:
        nbytes: Approximate size, bytes.
        version: Its content hash, or what the user called it; None of a commit from before these were kept.
        columns: Column name to the store's type name, of this version; empty if unknown.
        restorable: Whether the store still holds this version's rows, though another may have replaced them.
        number: The store's count of its commits: it grows with each, even where the clock went backwards. Slices that
            were committed together share it; 0 if unknown.
    """

    asset: AssetKey
    partition: str | None
    run_id: str
    rows: int
    committed_at: datetime
    nbytes: int = 0
    version: str | None = None
    code_version: str | None = None
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    restorable: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True)
class Compaction:
    """What `SliceStore.compact` did.

    Attributes:
        place: The file or folder, for people.
        bytes_before, bytes_after: What it took on disk.
        detail: What was done, a clause: "3 of 12 files packed, 5 old versions collected".
        failures: What was left as it is, and why; it did not keep the rest from being compacted.
    """

    place: str
    bytes_before: int
    bytes_after: int
    detail: str = ""
    failures: tuple[StorageError, ...] = ()


class SliceStore(Protocol):
    """The rich contract beneath an IO manager. Its methods are safe on several threads; `commit` on one at a time."""

    def stage(self, output: OutputSlices, value: Any) -> StagedSlices:
        """Check what can be checked without the table: the type, the partition column.

        Raises:
            StorageError: The value can not be stored.
        """
        ...

    def split(self, staged: StagedSlices) -> list[StagedSlices]:
        """One value for each slice of `staged`, in their order, its rows checked to lie inside.

        Raises:
            StorageError: Rows lie outside all slices, and the boundary policy refuses them.
        """
        ...

    def commit(self, staged: Sequence[StagedSlices]) -> Sequence[Committed | Refused | Uncertain]:
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
        """The newest commit of each partition of `asset` that was not wiped since, with rows, bytes, schema, version.

        Empty if the asset's table is not there, whatever the records say. Creates nothing.
        """
        ...

    def commits(
        self, asset: AssetKey, metadata: Mapping[str, Any], partition: str | None, limit: int = 100
    ) -> list[CommitRecord]:
        """Every commit of one partition of `asset` (None: of the whole table) that is known, newest first."""
        ...

    def is_empty(self) -> bool:
        """True if nothing was ever stored here. Cheap: asked before every plan, without opening the store."""
        ...

    def wipe(self, target: OutputSlices) -> int:
        """Delete the rows of these slices, all-or-nothing; returns how many. Without partitions, empties the table."""
        ...

    def compact(self, now: datetime) -> list[Compaction]:
        """Give back the room of what nobody can read any more; readers and committed slices are not disturbed."""
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


class VersionedSliceStore(SliceStore, Protocol):
    """A store that keeps replaced slices for a while."""

    def restore(self, target: OutputSlices, version: CommitRecord) -> Committed | Refused:
        """Make the rows of `version`, one of `commits`, its partition's again, as a commit of `target.run_id`."""
        ...


def is_slice_store(manager: Any) -> bool:
    """Whether an IO manager keeps the rich contract of `SliceStore`."""
    return all(hasattr(manager, name) for name in ("stage", "commit", "load"))


def keeps_versions(manager: Any) -> bool:
    """Whether a store keeps the contract of `VersionedSliceStore`."""
    return is_slice_store(manager) and hasattr(manager, "restore")
