"""Tables of Parquet files, in a folder or in object storage, written and read as polars frames."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.storage.asked_columns import asked_columns
from gapless.storage.errors import (
    DiskFullError,
    NeverMaterializedError,
    NoPartitionExpressionError,
    TableNameError,
)
from gapless.storage.parquet.errors import DataFileError, PackedFilesError, StoredWholeError
from gapless.storage.parquet.known_assets import KnownAssets
from gapless.storage.parquet.manifest import Manifest, Version
from gapless.storage.parquet.names import asset_folder
from gapless.storage.parquet.settings import files_at, kept_us, options_of, small_bytes, text
from gapless.storage.settings import Setting, seconds
from gapless.storage.slice_io_manager import SliceIOManager
from gapless.storage.slices import (
    CommitRecord,
    Committed,
    Compaction,
    InputSlices,
    OutputSlices,
    Refused,
    StagedSlices,
    Uncertain,
)

if TYPE_CHECKING:
    import polars as pl

    from gapless.storage.duckdb.staging.staged_value import StagedValue
    from gapless.storage.parquet.files import Files
    from gapless.storage.parquet.table_commit import Patience, TableFiles

__all__ = ["PolarsParquetIOManager"]


class PolarsParquetIOManager(SliceIOManager):
    """Keeps each partition of each asset as a Parquet file; takes and gives polars frames.

    A partition that is made again gets a new file; which file holds which partition says the asset's commit log, so
    that readers always see whole partitions, and many processes on many machines may write and read at a time::

        <base>/<asset>/partition=2024-01-05/3f0c….parquet     one file for each version of a partition
        <base>/<asset>/_gapless/00000000000000000042.json     one for each commit: which files became current

    What was replaced is kept for a while, and can be restored. Small partitions share a file once `compact` was called;
    `pack_below` says what is small.

    Args:
        base_dir: A folder, relative to the working directory in which the manager is made, or a URL such as
            ``s3://bucket/folder``.
        storage_options: What fsspec's file system takes: ``{"key": …, "secret": …, "endpoint_url": …}``. By default the
            environment says it.
        keep_versions: How long what was replaced is kept: ``"7d"``, or 0 to delete it at once. A reader that takes
            longer finds its files gone.
        lock_timeout: How long to try to commit while other processes commit to the same asset all the time, seconds.
        pack_below: Files smaller than this are packed together by `compact`, bytes; 0 keeps a file for each partition.
    """

    requires_partition_expr = True  # checked when definitions are loaded

    def __init__(
        self,
        base_dir: str | os.PathLike[str] | Setting = "data/parquet",
        storage_options: Mapping[str, Any] | None = None,
        keep_versions: str | timedelta | int | Setting = "7d",
        lock_timeout: float | Setting = 60.0,
        pack_below: int = 2**20,
    ) -> None:
        self._given_base = base_dir
        self._given_options = storage_options
        self._keep_versions = keep_versions
        self._lock_timeout = lock_timeout
        self._pack_below = pack_below
        self._opened: tuple[Files, KnownAssets] | None = None
        self._tables: dict[AssetKey, TableFiles] = {}
        self._lock = threading.Lock()
        self._given_up = 0  # how often `stop_waiting` was called; a wait ends when it changes
        # Kept now: a function may change the working directory before the path is first needed.
        self._folder = Path()
        with suppress(FileNotFoundError):  # the working directory is gone; an absolute path needs none
            self._folder = Path.cwd()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_dir={self._given_base!r})"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None, "_tables": {}, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    @property
    def base_dir(self) -> str:
        """The folder, as an absolute path, or the URL.

        Raises:
            StorageError: The setting says no such thing.
        """
        return self._files.place

    @property
    def _files(self) -> Files:
        return self._open()[0]

    @property
    def _known(self) -> KnownAssets:
        return self._open()[1]

    def _open(self) -> tuple[Files, KnownAssets]:
        with self._lock:
            if self._opened is None:
                place = text(self._given_base, "base_dir")
                files = files_at(place, options_of(self._given_base, self._given_options), self._folder)
                self._opened = files, KnownAssets(files)
            return self._opened

    def location_of(self, asset: AssetKey, metadata: Mapping[str, Any]) -> str:
        """Where an asset would lie, in words: equal for two assets that would overwrite each other.

        Settings that have no value yet go by their names.
        """
        base = repr(self._given_base)
        with suppress(TableNameError):
            base = self.base_dir
        return f"the folder {asset_folder(asset)} of {base}"

    def _table(self, asset: AssetKey) -> TableFiles:
        from gapless.storage.parquet.commit_log import CommitLog
        from gapless.storage.parquet.table_commit import TableFiles

        files = self._files
        with self._lock:
            if asset not in self._tables:
                folder = asset_folder(asset)
                log = CommitLog(files, folder)
                self._tables[asset] = TableFiles(str(asset), files, folder, log, kept_us(self._keep_versions))
            return self._tables[asset]

    def _refuse_unbounded(self, slices: OutputSlices | InputSlices) -> None:
        """A partition without an expression cannot be checked.

        Raises:
            NoPartitionExpressionError: There is none, and there are partitions.
        """
        if not slices.expressions and any(part.key is not None for part in slices.slices):
            keys = tuple(part.key for part in slices.slices)
            place = str(self._table(slices.asset).place)
            raise NoPartitionExpressionError(str(slices.asset), keys, place)

    # --- writing

    def stage(self, output: OutputSlices, value: Any) -> StagedValue:
        """Check what can be checked without the table: the type, the names, the partition column.

        Raises:
            StorageError: The value cannot be stored.
        """
        from gapless.storage.parquet.staging import staged

        self._table(output.asset)  # settings without a value are told before anything is written
        seconds(self._lock_timeout)
        small_bytes(self._pack_below)
        self._refuse_unbounded(output)
        return staged(output, value, self._files.new_folder)

    def split(self, staged: StagedSlices) -> list[StagedSlices]:
        """One value for each slice of `staged`, in their order, its rows checked to lie inside.

        Raises:
            StorageError: Rows lie outside all slices, and the boundary policy refuses them.
        """
        from gapless.storage.duckdb.splitting import parts_of

        table = self._table(staged.output.asset)
        return list(parts_of(staged, table.place, self._files.new_folder))

    def commit(self, staged: Sequence[StagedSlices]) -> list[Committed | Refused | Uncertain]:
        """Replace all slices of `staged`, those of one asset in one commit; who cannot be stored is refused alone.

        Whatever goes wrong with one asset, what is certain of the others is told.
        """
        from gapless.storage.parquet.group import GroupOfAssets

        group = GroupOfAssets(staged, self.split)
        try:
            for asset, members in group.by_asset().items():
                try:
                    table = self._table(asset)
                    runs = list(dict.fromkeys(member.output.run_id for member in members.values()))
                    self._known.note(asset, runs, table.log)
                    group.settle(table, members, self._patience())
                except (KeyboardInterrupt, SystemExit):
                    raise
                except BaseException as error:  # polars panics with what is no Exception
                    group.refuse(members, error)
        finally:
            group.discard()
        return group.outcomes()

    def _patience(self) -> Patience:
        from gapless.storage.parquet.table_commit import Patience

        before = self._given_up
        return Patience(seconds(self._lock_timeout), lambda: self._given_up != before)

    def wipe(self, target: OutputSlices) -> int:
        """Take these slices out of the table in one commit; returns how many rows. They are kept as replaced ones are.

        Without partitions, or with the whole table as one of them, nothing stays.
        """
        from gapless.storage.parquet.changes import wiped

        self._refuse_unbounded(target)
        if self._known.is_empty():
            return 0
        keys = [part.key for part in target.slices]
        return wiped(self._table(target.asset), None if None in keys or not keys else keys, self._patience())

    def restore(self, target: OutputSlices, version: CommitRecord) -> Committed | Refused:
        """Make the rows of `version` those of its partition again, as a commit of `target.run_id`. Copies nothing."""
        from gapless.storage.parquet.changes import restored

        table = self._table(target.asset)
        self._known.note(target.asset, [target.run_id], table.log)
        return restored(table, target, version, self._patience(), self._kept_for())

    def compact(self, now: datetime) -> list[Compaction]:
        """Pack small files, and delete those that nobody needs any more. Writers and readers are not disturbed.

        Replaced versions go when they have been kept for long enough; files that no commit names, which a killed writer
        left, after a day: by `now`, and by the clock of the storage. What is wrong with one asset is among the
        failures of its report.

        Raises:
            StorageError: The storage is out of reach.
        """
        from gapless.storage.parquet import compaction

        below = small_bytes(self._pack_below)
        done = [
            compaction.compacted(self._table(asset), now, below, self._patience()) for asset in self._known.assets()
        ]
        if done:
            with suppress(DiskFullError):  # the assets' own reports say so
                self._known.tidy(now)
        return done

    # --- reading

    def load(self, source: InputSlices, expected: Any) -> Any:
        """The rows of `source`, in the order of its slices, from their files alone; of the whole table, by key.

        Without slices it is an empty frame; one without columns as long as the asset was never made.

        Raises:
            StorageError: The asset was never made, lacks a column, or `expected` is nothing that can be given.
        """
        import polars as pl

        from gapless.storage.parquet.loading import loaded

        self._refuse_unbounded(source)
        table = self._table(source.asset)
        manifest = table.log.current()
        if not manifest.number or not manifest.columns:
            if source.slices:
                raise NeverMaterializedError(table.asset, table.folder, table.files.place)
            return loaded(table, manifest, (), pl.LazyFrame(), expected)
        columns = asked_columns(source, manifest.columns, str(table.place))
        keys = [part.key for part in source.slices]
        if None in manifest.versions and keys and None not in keys:
            raise StoredWholeError(table.asset, tuple(keys), str(table.place))
        versions = _versions(manifest, None if None in keys else keys)
        rows = self._scanned(table, manifest, versions, columns, source.timezone)
        return loaded(table, manifest, versions, rows, expected)

    def scan(self, asset: CoercibleToAssetKey, partitions: Sequence[str] | None = None) -> pl.LazyFrame:
        """The rows of some partitions, or of all, by key; read when it is collected.

        Raises:
            NeverMaterializedError: The asset was never made.
        """
        table = self._table(AssetKey.of(asset))
        manifest = table.log.current()
        if not manifest.number or not manifest.columns:
            raise NeverMaterializedError(table.asset, table.folder, table.files.place)
        return self._scanned(table, manifest, _versions(manifest, partitions), list(manifest.columns), "UTC")

    def files(self, asset: CoercibleToAssetKey, partitions: Sequence[str] | None = None) -> list[str]:
        """The files that hold some partitions, or all: for ``pl.scan_parquet(…, hive_partitioning=True)``, DuckDB …

        They stay as they are for as long as `keep_versions` says. Partitions without rows have none.

        Raises:
            PackedFilesError: Some share their files with other partitions.
        """
        table = self._table(AssetKey.of(asset))
        manifest = table.log.current()
        versions = [version for version in _versions(manifest, partitions) if version.rows]
        shared = {version.file for version in versions if version.packed}
        if shared:
            raise PackedFilesError(table.asset, len(shared))
        return [table.files.path(f"{table.folder}/{version.file}") for version in versions]

    def unreadable(self, asset: CoercibleToAssetKey) -> DataFileError | None:
        """Which file, once reading `asset` has failed; None if all of them can be read."""
        from gapless.storage.parquet.damage import first_damaged

        table = self._table(AssetKey.of(asset))
        manifest = table.log.current()
        return first_damaged(table, manifest, _versions(manifest, None))

    @staticmethod
    def _scanned(
        table: TableFiles, manifest: Manifest, versions: Sequence[Version], columns: Sequence[str], timezone: str
    ) -> pl.LazyFrame:
        from gapless.storage.parquet.reading import scanned

        return scanned(table.files, table.folder, manifest, versions, columns, timezone)

    def commit_records(self, run_ids: Sequence[str]) -> list[CommitRecord]:
        """Every commit that these runs made, the latest of each (run, asset, partition), oldest first by asset."""
        from gapless.storage.parquet.history import records_of_run

        records: list[CommitRecord] = []
        for run_id in dict.fromkeys(run_ids):
            for asset, after in self._known.of_run(run_id):
                records += records_of_run(self._table(asset).log, asset, run_id, after)
        return records

    def committed(self, asset: AssetKey, metadata: Mapping[str, Any]) -> dict[str | None, CommitRecord]:
        """The newest commit of each partition of `asset` that was not wiped since. Creates nothing."""
        manifest = self._table(asset).log.current()
        return {key: version.record(asset, manifest.schemas, True) for key, version in manifest.versions.items()}

    def commits(
        self, asset: AssetKey, metadata: Mapping[str, Any], partition: str | None, limit: int = 100
    ) -> list[CommitRecord]:
        """Every commit of one partition of `asset` (None: of the whole table), newest first."""
        from gapless.storage.parquet.history import records_of_partition

        return records_of_partition(self._table(asset).log, asset, partition, limit)

    def is_empty(self) -> bool:
        """Whether nothing was ever committed here.

        Raises:
            StorageError: The place cannot be looked at.
        """
        return self._known.is_empty()

    # --- other processes

    def yield_turn(self) -> None:
        """Nothing is held that others could wait for."""

    def stop_waiting(self) -> None:
        """Let every commit that has lost its races so far be refused now."""
        self._given_up += 1

    def close(self) -> None:
        """Forget what is known of the tables; it is read again on demand."""
        with self._lock:
            self._tables.clear()
            if self._opened is not None:
                self._opened[0].tidy()
                self._opened[1].forget()

    def _kept_for(self) -> str:
        return str(timedelta(microseconds=kept_us(self._keep_versions)))


def _versions(manifest: Manifest, partitions: Sequence[str | None] | None) -> list[Version]:
    """Those of `partitions` that are there, in their order; with None all, by key."""
    if partitions is None:
        return [manifest.versions[key] for key in sorted(manifest.versions, key=lambda key: key or "")]
    return [manifest.versions[key] for key in partitions if key in manifest.versions]
