"""Staged values as sources that DuckDB scans: frames of one schema stacked into one, everything else on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from gapless.errors import StorageError
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.staging.frames import StagedFrame, stacked
from gapless.storage.duckdb.staging.staged_value import Source, StagedValue
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.errors import DatabaseFailure, StoreUnreachableError
from gapless.storage.slices import Refused

__all__ = ["Batch", "batches_of"]

_NUMBER = "gapless_frame"  # the column that says which member a row comes from
_NOT_ITS_OWN = (DatabaseFailure, StoreUnreachableError)


@dataclass(slots=True)
class Batch:
    """Values of one schema as one table of the session.

    Attributes:
        members: By the number that the group knows them by, in partition order.
        source: SQL to select from: the rows of all members, in order.
        number: The quoted name of its column with the member's 0-based position in `members`.
        types: Name to type of its other columns: all that the members have but those of type NULL.
        columns: All names, in the order that the first member has them.
        null_columns: Those of type NULL, which have no values and fit any type.
        heights: Rows of each member, by its number.
        sizes: Bytes of each member, approximately, wherever they lie, by its number.
        hashes: The exclusive or and the sum of the row hashes of each member with one slice, where they are known.
    """

    session: Session
    members: Mapping[int, StagedValue]
    source: str
    number: str
    types: Mapping[str, str]
    columns: tuple[str, ...]
    null_columns: tuple[str, ...]
    heights: Mapping[int, int]
    sizes: Mapping[int, int]
    hashes: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def first(self) -> StagedValue:
        return next(iter(self.members.values()))

    @property
    def height(self) -> int:
        return sum(self.heights.values())

    def all_null(self, column: str) -> bool:
        """Whether `column` has no value in any member."""
        if column in self.null_columns:
            return True
        frames = [member.frame for member in self.members.values() if isinstance(member, StagedFrame)]
        if len(frames) == len(self.members):
            return all(frame[column].null_count() == frame.height for frame in frames)
        return not self.session.execute(f"SELECT 1 FROM {self.source} WHERE {quoted(column)} IS NOT NULL LIMIT 1")

    def has_values(self, table_column: str) -> bool:
        folded = table_column.casefold()
        return any(name.casefold() == folded and not self.all_null(name) for name in self.types)

    def select(self, target: Mapping[str, str], rows: str = "") -> str:
        """The rows in the table's types."""
        kinds = {name.casefold(): kind for name, kind in target.items()}
        pieces = [
            quoted(name)
            if kinds[name.casefold()] == kind
            else f"CAST({quoted(name)} AS {kinds[name.casefold()]}) AS {quoted(name)}"
            for name, kind in self.types.items()
        ]
        pieces += [f"CAST(NULL AS {kinds[name.casefold()]}) AS {quoted(name)}" for name in self.null_columns]
        return f"SELECT {', '.join([self.number, *pieces])} FROM {self.source}{rows}"


def batches_of(
    session: Session, members: Mapping[int, StagedValue], held: ExitStack
) -> tuple[list[Batch], dict[int, Refused]]:
    """`members` in as few batches as their schemas allow, and those that cannot be read.

    Raises:
        StorageError: Something is wrong with the database, or with an unknown one of the members.
    """
    batches: list[Batch] = []
    refused: dict[int, Refused] = {}
    by_shape: dict[object, dict[int, StagedFrame]] = {}
    for number, member in members.items():
        if isinstance(member, StagedFrame):
            by_shape.setdefault(member.shape_key, {})[number] = member
            continue
        try:
            batches.append(_alone(session, number, member, member.source(session, held)))
        except _NOT_ITS_OWN:
            raise
        except StorageError as error:
            refused[number] = Refused(error)
    for frames in by_shape.values():
        batches.append(_together(session, frames, held))
    return batches, refused


def _together(session: Session, members: Mapping[int, StagedFrame], held: ExitStack) -> Batch:
    frames = list(members.values())
    column = _free_name(frames[0].frame.columns)
    source = stacked(session, [member.frame for member in frames], column, held)
    described = session.execute(f"DESCRIBE SELECT * FROM {source}")
    return Batch(
        session,
        members,
        source,
        quoted(column),
        {row[0]: row[1] for row in described if row[0] != column},
        frames[0].columns,
        frames[0].null_columns,
        {number: member.frame.height for number, member in members.items()},
        {number: member.nbytes for number, member in members.items()},
    )


def _alone(session: Session, number: int, member: StagedValue, source: Source) -> Batch:
    column = quoted(_free_name(source.types))
    return Batch(
        session,
        {number: member},
        f"(SELECT 0 AS {column}, * FROM {source.sql})",
        column,
        source.types,
        source.columns,
        source.null_columns,
        {number: source.height},
        {number: source.nbytes},
    )


def _free_name(columns: Sequence[str] | Mapping[str, str]) -> str:
    name = _NUMBER
    while any(name == column.casefold() for column in columns):
        name += "_"
    return name
