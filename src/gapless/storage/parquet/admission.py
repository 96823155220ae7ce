"""Which of the values that wait for their commit a table of files takes, judged as the DuckDB store judges.

What that store asks its table, the manifest knows: which columns of which version have values. The files themselves are
looked at only where a column becomes of a type that may not hold all of what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gapless.errors import StorageError
from gapless.storage.duckdb.commits.column_plan import ColumnPlan
from gapless.storage.duckdb.commits.schema_merge import Limits, limits_of
from gapless.storage.duckdb.commits.table_replacement import TableReplacement, partition_order
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.membership.membership import Membership
from gapless.storage.duckdb.membership.partition_order import place_in_time
from gapless.storage.duckdb.staging.batch import Batch
from gapless.storage.duckdb.staging.frames import ArrowStream
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.slices import PartitionSlice, Refused

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Admission", "FolderName"]

Reader = Callable[[Sequence[str]], "pl.LazyFrame"]  # some columns of all that a table holds


class FolderName(TableName):
    """A table of files, as messages name it."""

    def __str__(self) -> str:
        return f"{self.schema}/{self.table}"


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is there before the values come in."""

    manifest: Manifest
    read: Reader


class Admission(TableReplacement):
    """Judges `members`, each for one partition of one table.

    Args:
        read: Reads columns of everything that the table holds, as the manifest has it.

    Attributes:
        accepted: The members that passed every check, in partition order.
    """

    def __init__(
        self,
        session: Session,
        table: FolderName,
        members: Mapping[int, StagedValue],
        held: ExitStack,
        manifest: Manifest,
        read: Reader,
    ) -> None:
        super().__init__(session, table, members, held)
        self._stored = dict(manifest.columns)
        self._there = _Stored(manifest, read)

    def _refuse_mutual(self, number: int, rows: str, membership: Membership) -> None:
        """What lies outside stays in its maker's file: nobody else replaces it, and the members may come together."""

    @classmethod
    def of(
        cls,
        session: Session,
        table: FolderName,
        members: Mapping[int, StagedValue],
        held: ExitStack,
        manifest: Manifest,
        read: Reader,
    ) -> tuple[Admission, dict[int, Refused]]:
        """The judgement of a group: one that does not fit is refused alone, the rest as a group.

        Raises:
            StorageError: Something is wrong that is no member's own.
        """
        admission = cls(session, table, members, held, manifest, read)
        try:
            return admission, admission.prepare()
        except StorageError as error:
            failure = error
        if len(members) == 1:
            return cls(session, table, {}, held, manifest, read), dict.fromkeys(members, Refused(failure))
        # In partition order, each beside those that were taken before it; as many at a time as fit together.
        taken = cls(session, table, {}, held, manifest, read)
        refused: dict[int, Refused] = {}
        ordered = sorted(members, key=lambda number: partition_order(members[number]))
        middle = len(ordered) // 2
        waiting = [ordered[middle:], ordered[:middle]]
        while waiting:
            numbers = waiting.pop()
            some = {number: members[number] for number in numbers}
            trial = cls(session, table, {**taken.accepted, **some}, held, manifest, read)
            try:
                refused |= trial.prepare()
                taken = trial
            except StorageError as error:
                if len(numbers) == 1:
                    refused[numbers[0]] = Refused(error)
                else:
                    middle = len(numbers) // 2
                    waiting += [numbers[middle:], numbers[:middle]]
        return taken, refused

    @property
    def columns(self) -> dict[str, str]:
        """The table's columns afterwards, name to type, in order."""
        return dict(self._plan.target) or dict(self._stored)

    @property
    def anew(self) -> bool:
        """Whether no old partition stays."""
        return self._plan.anew

    def batch_of(self, number: int) -> Batch:
        """Where an accepted member's rows are."""
        return self._batch_of(number)

    def _new_plan(self) -> ColumnPlan:
        return _ManifestPlan(self._session, self.table, self._stored, self._batches, self._there)

    def _has_rows(self) -> bool:
        return False  # nothing is deleted by a condition here, so there is nothing to find for a value without rows


class _ManifestPlan(ColumnPlan):
    def __init__(
        self,
        session: Session,
        table: TableName,
        stored: Mapping[str, str],
        batches: Sequence[Batch],
        there: _Stored,
    ) -> None:
        super().__init__(session, table, stored, batches)
        self._there = there

    def _has_rows(self) -> bool:
        return any(version.rows for version in self._there.manifest.versions.values())

    def _with_values(self, columns: Sequence[str], until: Batch | None) -> Iterator[str]:
        manifest = self._there.manifest
        slices = None if until is None else [part for member in until.members.values() for part in member.output.slices]
        known: dict[tuple[str, tuple[str, ...]], set[str]] = {}  # most versions have the same columns
        for version in manifest.versions.values():
            if not version.rows or (slices is not None and not _is_until(version, slices)):
                continue
            kind = (version.schema, version.without_values)
            if kind not in known:
                empty = {name.casefold() for name in version.without_values}
                known[kind] = {name.casefold() for name in manifest.schemas[version.schema]} - empty
        yield from (name for name in columns if any(name.casefold() in values for values in known.values()))

    def _exceeded(
        self, kinds: Mapping[str, str], source: str, types: Mapping[str, str]
    ) -> Iterator[tuple[str, Limits]]:
        if source != self._sql:
            yield from super()._exceeded(kinds, source, types)
            return
        named = {name.casefold(): name for name in types}
        asked = {
            column: kind
            for column, kind in kinds.items()
            if column.casefold() in named and limits_of(kind, types[named[column.casefold()]]) is not None
        }
        if not asked:
            return
        import polars as pl

        # Of all that is stored only the extremes matter.
        rows = self._there.read([named[column.casefold()] for column in asked])
        ends = ArrowStream(pl.concat([rows.min(), rows.max()]).collect())
        with self._session.registered(f"gapless_{id(ends)}", ends) as extremes:
            yield from super()._exceeded(asked, extremes, types)

    def _holds_others(self, slices: Sequence[PartitionSlice]) -> bool:
        made = {part.key for part in slices}
        return any(version.rows and key not in made for key, version in self._there.manifest.versions.items())

    def _others(self) -> int:
        made = {key for batch in self._batches for member in batch.members.values() for key in member.keys}
        return sum(version.rows > 0 and key not in made for key, version in self._there.manifest.versions.items())


def _is_until(version: Version, slices: Sequence[PartitionSlice]) -> bool:
    """Whether `version` is of one of these partitions, or of one before them that differs only in its times."""
    if version.partition is None:
        return True
    for part in slices:
        if part.key in (None, version.partition):
            return True
        timeless, starts = place_in_time(part)
        is_on_its_line = list(version.timeless) == list(timeless) and len(starts) == len(version.starts) > 0
        if is_on_its_line and all(start <= last for start, last in zip(version.starts, starts, strict=True)):
            return True
    return False
