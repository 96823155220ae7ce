"""What a table's commit log says of the past."""

from __future__ import annotations

from gapless.asset_key import AssetKey
from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.manifest import Version
from gapless.storage.slices import CommitRecord

__all__ = ["records_of_partition", "records_of_run"]


def records_of_run(log: CommitLog, asset: AssetKey, run_id: str, after: int) -> list[CommitRecord]:
    """The latest commit of each partition that a run made and that was not wiped since, oldest first.

    Args:
        after: The number of an entry before the run's first.
    """
    found: dict[str | None, Version] = {}
    for entry in log.entries(after + 1):
        for key in list(found) if entry.anew else entry.wiped:
            found.pop(key, None)
        for version in entry.versions:
            if version.run_id == run_id:
                found.pop(version.partition, None)
                found[version.partition] = version
    if not found:
        return []
    manifest = log.current()
    kept = {(old.version.partition, old.version.number) for old in manifest.superseded if not old.is_moved}
    kept |= {(version.partition, version.number) for version in manifest.versions.values()}
    return [
        version.record(asset, manifest.schemas, (version.partition, version.number) in kept)
        for version in found.values()
    ]


def records_of_partition(log: CommitLog, asset: AssetKey, partition: str | None, limit: int) -> list[CommitRecord]:
    """At most `limit` commits of one partition, newest first. Each entry knows the one before, so no other is read."""
    manifest = log.current()
    kept = {old.version.number for old in manifest.superseded if old.version.partition == partition}
    if partition in manifest.versions:
        kept.add(manifest.versions[partition].number)
    records: list[CommitRecord] = []
    number = manifest.before(partition)
    while number and len(records) < limit:
        version = next(found for found in log.entry(number).versions if found.partition == partition)
        records.append(version.record(asset, manifest.schemas, version.number in kept))
        number = version.previous
    return records
