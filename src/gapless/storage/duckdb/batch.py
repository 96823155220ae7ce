"""Staged frames of one schema, stacked into one source that DuckDB scans."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from gapless.storage.duckdb.connection import Session
from gapless.storage.duckdb.frames import ArrowStream, StagedFrame, numbered
from gapless.storage.duckdb.table_name import quoted

__all__ = ["Batch", "stacked"]

_NUMBER = "gapless_frame"  # the column that says which staged frame a row comes from


@dataclass(slots=True)
class Batch:
    """Frames of one schema, stacked and registered as one table of the session."""

    members: dict[int, StagedFrame]
    source: str
    number: str  # the quoted name of the column with the frame's position in `members`
    types: dict[str, str]
    refused: set[int] = field(default_factory=set)

    @property
    def first(self) -> StagedFrame:
        return next(iter(self.members.values()))

    @property
    def height(self) -> int:
        return sum(frame.frame.height for frame in self.members.values())

    def all_null(self, column: str) -> bool:
        return all(
            column in frame.null_columns or frame.frame[column].null_count() == frame.frame.height
            for frame in self.members.values()
        )

    def has_values(self, table_column: str) -> bool:
        folded = table_column.casefold()
        return any(name.casefold() == folded and not self.all_null(name) for name in self.types)

    def select(self, target: Mapping[str, str], rows: str = "") -> str:
        """The stacked rows in the table's types."""
        kinds = {name.casefold(): kind for name, kind in target.items()}
        pieces = [
            quoted(name)
            if kinds[name.casefold()] == kind
            else f"CAST({quoted(name)} AS {kinds[name.casefold()]}) AS {quoted(name)}"
            for name, kind in self.types.items()
        ]
        pieces += [f"CAST(NULL AS {kinds[name.casefold()]}) AS {quoted(name)}" for name in self.first.null_columns]
        return f"SELECT {', '.join([self.number, *pieces])} FROM {self.source}{rows}"


def stacked(session: Session, members: dict[int, StagedFrame], held: ExitStack) -> Batch:
    """`members`, which have equal schemas, as one registered source; `held` lets go of it."""
    frames = [frame.frame for frame in members.values()]
    number = _NUMBER
    while any(number == name.casefold() for name in frames[0].columns):
        number += "_"
    stream = ArrowStream(numbered(frames, number))
    source = held.enter_context(session.registered(f"gapless_{id(stream)}", stream))
    described = session.execute(f"DESCRIBE SELECT * FROM {source}")
    types = {row[0]: row[1] for row in described if row[0] != number}
    return Batch(members, source, quoted(number), types)
