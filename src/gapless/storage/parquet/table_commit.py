"""The commit of values to one table: judge them, write their files, and add one entry to its log.

The entry is what counts: until it is there, the files that it names are nothing to anybody. If another writer's entry
comes first, everything is judged again on what that one left; the files stay, unless the table's columns changed.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gapless.storage.duckdb.database.connection import Session, scratch_session
from gapless.storage.duckdb.membership.partition_order import place_in_time
from gapless.storage.duckdb.staging.frames import StagedFrame
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.duckdb.table_name import quoted
from gapless.storage.errors import DiskFullError
from gapless.storage.named_columns import named_column
from gapless.storage.parquet.admission import Admission, FolderName
from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.errors import BaseDirectoryError, CommitRaceError, CommitUnknownError, StoredWholeError
from gapless.storage.parquet.files import Files
from gapless.storage.parquet.manifest import Entry, Manifest, Version
from gapless.storage.parquet.names import file_name, folder_columns, slice_folder
from gapless.storage.parquet.reading import scanned
from gapless.storage.parquet.table_types import polars_types
from gapless.storage.slices import Committed, PartitionSlice, Refused, Uncertain

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Outcomes", "Patience", "TableFiles", "next_entry"]

Outcomes = dict[int, Committed | Refused | Uncertain]

_WRITERS = 8  # files that are written at once
_LONGEST_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class TableFiles:
    """Where one table lies.

    Attributes:
        asset: Its asset's name.
        folder: Below the base of `files`.
        keep_us: How long superseded versions are kept, microseconds.
    """

    asset: str
    files: Files
    folder: str
    log: CommitLog
    keep_us: int

    @property
    def place(self) -> FolderName:
        return FolderName(self.files.place, self.folder)

    def delete_collected(self, before: Manifest, after: Manifest) -> None:
        """Delete the files that were kept before an entry and are not after it."""
        names = [f"{self.folder}/{file}" for file in before.files() - after.files()]
        with suppress(Exception):  # compacting finds what is left over; what is committed is committed
            self.files.delete(names)


class Patience:
    """How long to go on trying to be the next to commit.

    Args:
        seconds: Since now.
        given_up: Asked after each try: whether somebody wants to stop.
    """

    def __init__(self, seconds: float, given_up: Callable[[], bool]) -> None:
        self._start = time.monotonic()
        self._seconds = seconds
        self._given_up = given_up
        self._tries = 0

    def lost(self, asset: str, partitions: tuple[str | None, ...], place: str) -> None:
        """Wait a moment after a lost race.

        Raises:
            CommitRaceError: There were too many.
        """
        self._tries += 1
        waited = time.monotonic() - self._start
        if waited > self._seconds or self._given_up():
            raise CommitRaceError(asset, partitions, place, self._tries, waited)
        # Of writers that wait different times one gets through.
        time.sleep(random.uniform(0, min(_LONGEST_PAUSE_S, 0.002 * 2 ** min(self._tries, 10))))  # noqa: S311


class TableCommit:
    """Commits `members`, each for one partition of `table`; see `run`.

    Args:
        owner: Members with the same are committed together, or not at all.
    """

    def __init__(
        self, table: TableFiles, members: Mapping[int, StagedValue], owner: Mapping[int, int], patience: Patience
    ) -> None:
        self._table = table
        self._members = members
        self._owner = owner
        self._patience = patience
        # What was written so far, by the member's number: the columns and the version that holds them.
        self._written: dict[int, tuple[dict[str, str], Version]] = {}
        self._swept = 0  # the last entry that swept when they were written
        self._made: set[str] = set()  # every file

    def run(self) -> Outcomes:
        """Commit them, or refuse them; all that are committed in one entry.

        Raises:
            StorageError: The storage is out of reach, or others commit all the time.
        """
        kept: set[str] = set()
        try:
            with scratch_session() as session:
                while True:
                    with ExitStack() as held:
                        outcomes = self._try(session, held, kept)
                    if outcomes is not None:
                        return outcomes
                    keys = tuple(key for member in self._members.values() for key in member.keys)
                    self._patience.lost(self._table.asset, keys, str(self._table.place))
        finally:
            with suppress(Exception):  # it must not hide what happened
                self._table.files.delete([f"{self._table.folder}/{file}" for file in self._made - kept])

    def _try(self, session: Session, held: ExitStack, kept: set[str]) -> Outcomes | None:
        manifest = self._table.log.current()
        outcomes: Outcomes = {}
        members: dict[int, StagedValue] = {}
        for number, member in self._members.items():
            if member.keys != (None,) and None in manifest.versions:
                outcomes[number] = Refused(StoredWholeError(self._table.asset, member.keys, str(self._table.place)))
            else:
                members[number] = member

        admission, refused = self._admitted(session, held, manifest, members)
        outcomes |= refused
        if not admission.accepted:
            return outcomes
        entry = self._entry(session, manifest, admission)
        kept.update(version.file for version in entry.versions)  # from here on they may be committed
        try:
            if not self._table.log.append(entry):
                kept.clear()
                return None
        except (BaseDirectoryError, DiskFullError):
            kept.clear()  # it was surely not made; what an object store did not answer, it may make yet
            raise
        except CommitUnknownError as error:
            return outcomes | dict.fromkeys(admission.accepted, Uncertain(error))
        self._table.delete_collected(manifest, manifest.followed_by([entry]))
        made = {version.partition: version for version in entry.versions}
        for number, member in admission.accepted.items():
            (key,) = member.keys
            outcomes[number] = replace(admission.outcome(number), versions={key: made[key].content})
        return outcomes

    def _admitted(
        self, session: Session, held: ExitStack, manifest: Manifest, members: Mapping[int, StagedValue]
    ) -> tuple[Admission, dict[int, Refused]]:
        table = self._table

        def read(columns: Sequence[str]) -> pl.LazyFrame:
            return scanned(table.files, table.folder, manifest, list(manifest.versions.values()), columns)

        refused: dict[int, Refused] = {}
        while True:
            admission, lost = Admission.of(session, table.place, members, held, manifest, read)
            refused |= lost
            reasons = {self._owner[number]: outcome for number, outcome in lost.items()}
            others = {number for number in admission.accepted if self._owner[number] in reasons}
            if not others:
                return admission, refused
            refused |= {number: reasons[self._owner[number]] for number in others}
            members = {number: member for number, member in admission.accepted.items() if number not in others}

    def _entry(self, session: Session, manifest: Manifest, admission: Admission) -> Entry:
        """Write the files that are not written yet; the entry that makes them the table's."""
        columns = admission.columns
        contents = admission.versions()
        if manifest.swept != self._swept:  # we slept so long that they were taken for those of a killed writer
            self._written.clear()
            self._swept = manifest.swept
        first = next(iter(admission.accepted.values())).output.slices[0]
        folders = manifest.folders if manifest.versions and not admission.anew else folder_columns(first, columns)
        entry = next_entry(manifest, self._table.keep_us)
        to_write: dict[int, tuple[dict[str, str], pl.DataFrame | pl.LazyFrame, str]] = {}
        schemas: dict[str, dict[str, str]] = {}
        versions: dict[int, Version] = {}
        for number, member in admission.accepted.items():
            own = {name.casefold() for name in admission.batch_of(number).columns}
            types = {name: kind for name, kind in columns.items() if name.casefold() in own}
            schemas[_schema_id(types)] = types
            (part,) = member.output.slices
            rows = admission.outcome(number).rows[part.key]
            if number not in self._written or self._written[number][0] != types:
                name = slice_folder(part, folders) + file_name() if rows else ""
                version = _version(member, part, rows, name, types, contents[number][part.key])
                if rows:
                    value, empty = _rows(session, admission, number, types)
                    version = replace(version, without_values=empty)
                    to_write[number] = (types, value, name)
                self._written[number] = (types, version)
            _, version = self._written[number]
            versions[number] = version
        self._write(to_write)
        return replace(
            entry,
            columns=None if columns == manifest.columns and list(columns) == list(manifest.columns) else columns,
            schemas={key: types for key, types in schemas.items() if key not in manifest.schemas},
            folders=folders,
            versions=tuple(
                replace(
                    self._written[number][1],
                    committed_us=entry.committed_us,
                    number=entry.number,
                    previous=manifest.before(version.partition),
                    nbytes=admission.outcome(number).nbytes,
                )
                for number, version in versions.items()
            ),
            anew=admission.anew or any(version.partition is None for version in versions.values()),
        )

    def _write(self, values: Mapping[int, tuple[dict[str, str], pl.DataFrame | pl.LazyFrame, str]]) -> None:
        if not values:
            return
        table = self._table
        self._made |= {name for _, _, name in values.values()}

        def write(number: int) -> int:
            _, rows, name = values[number]
            return table.files.write_frame(f"{table.folder}/{name}", rows)

        with ThreadPoolExecutor(min(len(values), _WRITERS)) as threads:
            sizes = list(threads.map(write, values))
        table.files.settle([f"{table.folder}/{name}" for _, _, name in values.values()])
        for number, size in zip(values, sizes, strict=True):
            types, version = self._written[number]
            self._written[number] = (types, replace(version, size=size))


def _version(
    member: StagedValue, part: PartitionSlice, rows: int, name: str, types: Mapping[str, str], content: str
) -> Version:
    """What is known before the commit."""
    timeless, starts = place_in_time(part)
    provenance = member.output.provenance
    return Version(
        partition=part.key,
        file=name,
        rows=rows,
        size=0,
        nbytes=0,
        schema=_schema_id(types),
        content=provenance.data_version or content,
        run_id=member.output.run_id,
        committed_us=0,
        number=0,
        timeless=tuple(timeless),
        starts=tuple(starts),
        code_version=provenance.code_version,
        inputs=dict(provenance.inputs),
    )


def _rows(
    session: Session, admission: Admission, number: int, types: Mapping[str, str]
) -> tuple[pl.DataFrame | pl.LazyFrame, tuple[str, ...]]:
    """A member's rows in the table's types, and which columns have no value in them."""
    import polars as pl

    member, batch = admission.accepted[number], admission.batch_of(number)
    given = {name.casefold(): name for name in batch.columns}
    dtypes = polars_types(types)
    nulls = {name.casefold() for name in batch.null_columns}
    if admission.outcome(number).dropped and not member.dropped:
        # Rows were left out: those that stay are only there, in DuckDB.
        position = list(batch.members).index(number)
        wanted = ", ".join(map(quoted, (given[name.casefold()] for name in types)))
        session.set_timezone("UTC")
        frame = session.frame(f"SELECT {wanted} FROM ({batch.select(types)}) WHERE {batch.number} = {position}")
        found = frame.select(
            named_column(given[name.casefold()]).cast(kind).alias(name) for name, kind in dtypes.items()
        )
        return found, tuple(name for name in types if found[name].null_count() == found.height)
    exprs = [
        pl.lit(None, dtype=kind).alias(name)
        if name.casefold() in nulls
        else named_column(given[name.casefold()]).cast(kind).alias(name)
        for name, kind in dtypes.items()
    ]
    if isinstance(member, StagedFrame):
        frame = member.frame.select(exprs)
        return frame, tuple(name for name in types if frame[name].null_count() == frame.height)
    empty = tuple(name for name in types if batch.all_null(given[name.casefold()]))
    return member.rows().select(exprs), empty


def _schema_id(columns: Mapping[str, str]) -> str:
    """Equal for equal columns."""
    return hashlib.sha256(json.dumps(list(columns.items())).encode()).hexdigest()[:16]


def next_entry(manifest: Manifest, keep_us: int | None = None, **facts: Any) -> Entry:
    """An entry after those of `manifest` that leaves the table's columns as they are, but for `facts`.

    Args:
        keep_us: How long superseded versions are kept, microseconds; with it, those whose time is up are let go.
    """
    clock = time.time_ns() // 1000
    at = max(clock, manifest.committed_us + 1)  # grows, whatever the clock does
    # A clock that is ahead, now or at the commit before, lets nothing go early.
    limit = 0 if keep_us is None else (min(clock, manifest.committed_us) if keep_us else at) - keep_us
    if keep_us and not any(old.at_us <= limit for old in manifest.superseded):
        limit = 0
    entry = Entry(manifest.number + 1, at, folders=manifest.folders, collected_us=limit)
    return replace(entry, id=uuid.uuid4().hex, after=manifest.id, **facts)
