"""Giving back the room of what nobody reads any more, and packing small files into larger ones.

A packed file holds the rows of several partitions one after the other; the manifest says which rows are whose, so one
of them is read without the others. A partition that is made again leaves the file; when less than half of it is still
current, what is left is packed anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from gapless.errors import StorageError
from gapless.storage.parquet.files import Found
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.names import RESERVED, file_name
from gapless.storage.parquet.reading import scanned
from gapless.storage.parquet.table_commit import Patience, TableFiles, next_entry
from gapless.storage.slices import Compaction

__all__ = ["compacted"]

_ABANDONED_S = 24 * 60 * 60  # a file that no commit names is being written, or left behind by a writer that was killed
_PACK_MEMBERS = 256  # partitions in one file at most …
_PACK_OF = 16  # … and this many times what counts as small, bytes


def compacted(table: TableFiles, now: datetime, pack_below: int, patience: Patience) -> Compaction:
    """Pack what is small, and delete what nobody needs.

    Args:
        now: Decides what has been kept for long enough.
        pack_below: Bytes; files smaller than this are packed. 0 packs nothing.

    Raises:
        StorageError: The storage is out of reach.
    """
    before = _own_files(table)
    manifest = table.log.current()
    files = {version.file for version in manifest.versions.values() if version.rows}
    packed: set[str] = set()
    for pack in _packs(manifest, pack_below) if pack_below else ():
        packed |= _pack(table, manifest, pack, patience)
    collected = _collect(table, now, patience)
    orphans = _delete_orphans(table, before, manifest.files(), now)
    with suppress(StorageError):
        table.log.checkpoint(table.log.current())
    after = _own_files(table)
    done = [
        f"{len(packed):,} of {len(files):,} files packed" if packed else "",
        f"{collected:,} old versions collected" if collected else "",
        f"{orphans:,} files of interrupted writers deleted" if orphans else "",
    ]
    detail = ", ".join(filter(None, done)) or "nothing to do"
    return Compaction(str(table.place), sum(f.size for f in before), sum(f.size for f in after), detail)


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
    """Neighbours, by key, that are to share a file."""
    live: dict[str, int] = {}  # bytes of current versions, by file
    for version in manifest.versions.values():
        live[version.file] = live.get(version.file, 0) + version.size
    small = [
        version
        for version in sorted(manifest.versions.values(), key=lambda version: version.partition or "")
        if version.rows
        and version.partition is not None
        and (2 * live[version.file] < version.pack_size if version.packed else version.size < pack_below)
    ]
    pack: list[Version] = []
    for version in small:
        full = len(pack) >= _PACK_MEMBERS or sum(member.size for member in pack) >= _PACK_OF * pack_below
        if pack and (full or pack[-1].schema != version.schema):
            yield pack
            pack = []
        pack.append(version)
    if pack:
        yield pack


def _pack(table: TableFiles, manifest: Manifest, pack: Sequence[Version], patience: Patience) -> set[str]:
    """Put the rows of `pack` into one file; which files they were in. A single one stays as it is."""
    if len(pack) < 2:
        return set()
    # Their own columns, not the table's: a column that they lack must not look as if they had it.
    own = replace(manifest, columns=manifest.schemas[pack[0].schema])
    frame = scanned(table.files, table.folder, own, pack, list(own.columns)).collect()
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
        if not still:
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


def _delete_orphans(table: TableFiles, found: Sequence[Found], known: set[str], now: datetime) -> int:
    """Delete data files that no commit names; how many.

    Args:
        found: The files that were there some time ago.
        known: Those that were named then.
    """
    start = len(table.folder) + 1
    limit = now.timestamp() - _ABANDONED_S
    named = known | table.log.current().files()
    abandoned = [
        file.name
        for file in found
        if file.modified < limit
        and file.name.endswith(".parquet")
        and file.name[start:] not in named
        and not file.name[start:].startswith(f"{RESERVED}/")
    ]
    table.files.delete(abandoned)
    return len(abandoned)
