"""Giving back the room of what nobody reads any more, and packing small files into larger ones.

A packed file holds the rows of several partitions one after the other; the manifest says which rows are whose, so one
of them is read without the others. A partition that is made again leaves the file; when less than half of it is still
current, what is left is packed anew.

Files that no entry names are being written, or were left behind by a writer that was killed, and nobody can tell which.
So an entry says that they are deleted before they are: a writer that was only asleep comes upon it before its own entry
is made, and writes its files anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from gapless.errors import StorageError
from gapless.storage.errors import DiskFullError
from gapless.storage.parquet.damage import damaged, rows_as_stored
from gapless.storage.parquet.errors import CommitLogError, CommitRaceError, CommitUnknownError, DataFileError
from gapless.storage.parquet.files import ABANDONED, Found, older
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.names import RESERVED, file_name
from gapless.storage.parquet.reading import collected
from gapless.storage.parquet.table_commit import Patience, TableFiles, next_entry
from gapless.storage.slices import Compaction

__all__ = ["compacted"]

_PACK_MEMBERS = 256  # partitions in one file at most …
_PACK_OF = 16  # … and this many times what counts as small, bytes


def compacted(table: TableFiles, now: datetime, pack_below: int, patience: Patience) -> Compaction:
    """Pack what is small, and delete what nobody needs.

    Args:
        now: Decides what has been kept for long enough, and is believed: a clock that is ahead lets old versions go
            early. Current versions, and what is being written, are safe from it.
        pack_below: Bytes; files smaller than this are packed. 0 packs nothing.

    What is wrong with this table alone is among the report's failures: files that cannot be read, a damaged log.

    Raises:
        StorageError: The storage is out of reach.
    """
    try:
        return _compacted(table, now, pack_below, patience)
    except (CommitLogError, CommitRaceError, CommitUnknownError) as error:
        return Compaction(str(table.place), 0, 0, "not compacted", (error,))


def _compacted(table: TableFiles, now: datetime, pack_below: int, patience: Patience) -> Compaction:
    before = _own_files(table)
    collected = _collect(table, now, patience)  # first: on a full disk it makes room for the rest
    manifest = table.log.current()
    failures: list[StorageError] = []
    try:
        table.log.checkpoint(manifest)  # so the youngest file is of now, by the storage's clock
    except DiskFullError as error:
        failures.append(error)
    found = _own_files(table)
    files = {version.file for version in manifest.versions.values() if version.rows}
    packed: set[str] = set()
    unreadable: list[DataFileError] = []
    for pack in _packs(manifest, pack_below) if pack_below and not failures else ():
        try:
            packed |= _pack(table, manifest, pack, patience)
        except DataFileError:
            unreadable += damaged(table, manifest, pack)
        except DiskFullError as error:
            failures.append(error)
            break
    collected += _collect(table, now, patience) if packed else 0  # of what is kept for no time at all
    orphans = _delete_orphans(table, found, manifest.files(), now, patience)
    with suppress(StorageError):
        table.log.checkpoint(table.log.current())
    after = _own_files(table)
    done = [
        f"{len(packed):,} of {len(files):,} files packed" if packed else "",
        f"{collected:,} old versions collected" if collected else "",
        f"{orphans:,} files of interrupted writers deleted" if orphans else "",
        f"{len(unreadable):,} partitions cannot be read" if unreadable else "",
    ]
    detail = ", ".join(filter(None, done)) or "nothing to do"
    size, size_after = (sum(file.size for file in own) for own in (before, after))
    return Compaction(str(table.place), size, size_after, detail, (*unreadable, *failures))


def _own_files(table: TableFiles) -> list[Found]:
    """The table's data files, and its log; not those of assets whose keys begin with its own."""
    start = len(table.folder) + 1
    found = []
    for file in table.files.find(table.folder):
        first, _, rest = file.name[start:].partition("/")
        if not rest or "=" in first or first == RESERVED:
            found.append(file)
    return found


def _packs(manifest: Manifest, pack_below: int) -> Iterator[list[Version]]:
    """Neighbours, by key, that are to share a file: what is small, packed or not, until it is not small any more.

    What already has one file together keeps it, unless most of that is dead.
    """
    live: dict[str, int] = {}  # bytes of current versions, by file
    for version in manifest.versions.values():
        live[version.file] = live.get(version.file, 0) + version.size
    members = Counter(version.file for version in manifest.versions.values())
    dead = {version.file for version in manifest.versions.values() if 2 * live[version.file] < version.pack_size}
    small = [
        version
        for version in sorted(manifest.versions.values(), key=lambda version: (version.schema, version.partition or ""))
        if version.rows
        and version.partition is not None
        and (version.file in dead or (live[version.file] < pack_below and members[version.file] < _PACK_MEMBERS))
    ]
    packs: list[list[Version]] = []
    pack: list[Version] = []
    for version in small:
        full = len(pack) >= _PACK_MEMBERS or sum(member.size for member in pack) >= _PACK_OF * pack_below
        if pack and (full or pack[-1].schema != version.schema):
            packs.append(pack)
            pack = []
        pack.append(version)
    packs.append(pack)
    for pack in packs:
        if len({version.file for version in pack}) > 1 or any(version.file in dead for version in pack):
            yield pack


def _pack(table: TableFiles, manifest: Manifest, pack: Sequence[Version], patience: Patience) -> set[str]:
    """Put the rows of `pack` into one file; which files they were in.

    Raises:
        DataFileError: One of them cannot be read.
    """
    frame = collected(table.asset, str(table.place), rows_as_stored(table, manifest, pack))
    name = file_name()
    mean = max(1, frame.height // len(pack))
    size = table.files.write_frame(f"{table.folder}/{name}", frame, row_group_size=max(mean, 1024))
    table.files.settle([f"{table.folder}/{name}"])
    moved, first = [], 0
    for version in pack:
        share = size * version.rows // frame.height
        moved.append(replace(version, file=name, first_row=first, pack_size=size, size=share))
        first += version.rows
    was = {version.partition: version for version in pack}
    while True:
        now = table.log.current()
        still = tuple(version for version in moved if now.versions.get(version.partition) == was[version.partition])
        if not still or now.swept != manifest.swept:  # or we slept so long that our file was taken for a left one
            table.files.delete([f"{table.folder}/{name}"])
            return set()
        entry = next_entry(now, moved=still)
        if table.log.append(entry):
            return {was[version.partition].file for version in still}
        patience.lost(table.asset, tuple(was), str(table.place))


def _collect(table: TableFiles, now: datetime, patience: Patience) -> int:
    """Let go of the versions that were kept for long enough; how many."""
    limit = int(now.timestamp() * 1_000_000) - table.keep_us
    while True:
        manifest = table.log.current()
        gone = [old for old in manifest.superseded if old.at_us <= limit]
        if not gone:
            return 0
        entry = next_entry(manifest, collected_us=limit)
        if table.log.append(entry):
            table.delete_collected(manifest, manifest.followed_by([entry]))
            return sum(not old.is_moved for old in gone)
        patience.lost(table.asset, (), str(table.place))


def _delete_orphans(
    table: TableFiles, found: Sequence[Found], known: set[str], now: datetime, patience: Patience
) -> int:
    """Delete data files that no commit names; how many.

    Args:
        found: The files that were there some time ago.
        known: Those that were named then.
    """
    start = len(table.folder) + 1
    old = [
        file.name
        for file in older(found, now, ABANDONED)
        if file.name.endswith(".parquet") and not file.name[start:].startswith(f"{RESERVED}/")
    ]
    while True:
        manifest = table.log.current()
        named = known | manifest.files()
        abandoned = [name for name in old if name[start:] not in named]
        if not abandoned:
            return 0
        if table.log.append(next_entry(manifest, swept=True)):
            table.files.delete(abandoned)
            return len(abandoned)
        patience.lost(table.asset, (), str(table.place))
