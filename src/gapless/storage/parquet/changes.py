"""Commits that bring no new rows: taking partitions out of a table, and going back to versions that are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gapless.storage.duckdb.commits.schema_merge import merge, strict_conflicts
from gapless.storage.parquet.errors import VersionColumnsError, VersionGoneError
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.table_commit import Patience, TableFiles, next_entry
from gapless.storage.policies import SchemaPolicy
from gapless.storage.slices import CommitRecord, Committed, OutputSlices, Refused

__all__ = ["restored", "wiped"]


def wiped(table: TableFiles, keys: Sequence[str | None] | None, patience: Patience) -> int:
    """Take these partitions out of `table`, or all of them with None; returns how many rows they had.

    Raises:
        StorageError: The storage is out of reach, or others commit all the time.
    """
    while True:
        manifest = table.log.current()
        gone = [key for key in (manifest.versions if keys is None else keys) if key in manifest.versions]
        if not gone:
            return 0
        entry = next_entry(manifest, table.keep_us, wiped=tuple(dict.fromkeys(gone)))
        if table.log.append(entry):
            table.delete_collected(manifest, manifest.followed_by([entry]))
            return sum(manifest.versions[key].rows for key in entry.wiped)
        patience.lost(table.asset, tuple(gone), str(table.place))


def restored(
    table: TableFiles, target: OutputSlices, record: CommitRecord, patience: Patience, kept_for: str
) -> Committed | Refused:
    """Make a version that is kept the current one of its partition again, as a new commit.

    Raises:
        StorageError: The storage is out of reach, or others commit all the time.
    """
    while True:
        manifest = table.log.current()
        version = _kept(manifest, record)
        if version is None:
            return Refused(VersionGoneError(table.asset, record.partition, record.number, kept_for))
        stored = manifest.schemas[version.schema]
        others = any(key != version.partition for key in manifest.versions) and version.partition is not None
        columns = manifest.columns if others else {}
        merged = merge(columns, stored)
        strict = bool(columns) and target.schema_policy is SchemaPolicy.STRICT
        conflicts = strict_conflicts(columns, stored) if strict else merged.conflicts
        if conflicts:
            return Refused(
                VersionColumnsError(
                    table.asset,
                    version.partition,
                    version.number,
                    str(table.place),
                    tuple(manifest.columns.items()),
                    tuple(stored.items()),
                    tuple(clause.replace("the frame", "that version") for clause in conflicts.values()),
                    strict and not merged.conflicts,
                )
            )
        number = manifest.number + 1
        entry = next_entry(manifest, table.keep_us)
        again = replace(
            version,
            run_id=target.run_id,
            number=number,
            previous=manifest.before(version.partition),
            committed_us=entry.committed_us,
        )
        whole = version.partition is None
        entry = replace(entry, columns=merged.columns, versions=(again,), anew=whole)
        if table.log.append(entry):
            table.delete_collected(manifest, manifest.followed_by([entry]))
            key = version.partition
            rows, contents = {key: version.rows}, {key: version.content}
            return Committed(rows, version.nbytes, merged.columns, str(table.place), contents)
        patience.lost(table.asset, (version.partition,), str(table.place))


def _kept(manifest: Manifest, record: CommitRecord) -> Version | None:
    former = [old.version for old in manifest.superseded if not old.is_moved]
    for version in (*manifest.versions.values(), *former):
        if version.partition == record.partition and version.number == record.number:
            return version
    return None
