"""What is published, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from gapless.asset_key import AssetKey
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.slices import InputSlices

__all__ = ["Form", "Publication", "PublishedTable", "Source"]


class Form(StrEnum):
    """What a published copy is."""

    DUCKDB = "duckdb"  # one DuckDB file
    PARQUET = "parquet"  # a folder with one Parquet file for each asset


@dataclass(frozen=True, slots=True)
class Source:
    """An asset that is to be published.

    Attributes:
        store: The slice store that holds it, set up.
    """

    asset: AssetKey
    metadata: Mapping[str, Any]
    store: Any

    @property
    def table(self) -> TableName:
        """What it is called in a DuckDB file: as in its store, if that has tables."""
        if not self.in_duckdb:
            return TableName.of(self.asset, self.metadata, None)
        table: TableName = self.store.table_of(InputSlices(self.asset, (), None, metadata=self.metadata))
        return table

    @property
    def in_duckdb(self) -> bool:
        """Whether its rows are a table of a DuckDB file."""
        return hasattr(self.store, "table_of") and hasattr(self.store, "database")


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One asset of a publication.

    Attributes:
        partitions: How many partitions it held; None if it is unpartitioned.
        run_id: The run that made the newest of them; None if unknown.
        version: Of its data: that of the one slice, or one over all; None if unknown.
    """

    asset: str
    table: TableName
    partitions: int | None
    rows: int
    run_id: str | None
    version: str | None

    def to_json(self) -> dict[str, Any]:
        return {
            "asset": self.asset,
            "table": str(self.table),
            "partitions": self.partitions,
            "rows": self.rows,
            "run_id": self.run_id,
            "version": self.version,
        }


@dataclass(frozen=True, slots=True)
class Publication:
    """A copy that is there now.

    Attributes:
        nbytes: What it takes on disk.
        absent: Assets that were asked for and were never made.
    """

    target: Path
    form: Form
    published_at: datetime
    tables: tuple[PublishedTable, ...]
    nbytes: int
    absent: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)

    def to_json(self) -> dict[str, Any]:
        return {
            "target": str(self.target),
            "as": self.form.value,
            "published_at": self.published_at.isoformat(),
            "assets": [table.to_json() for table in self.tables],
            "absent": list(self.absent),
            "rows": self.rows,
            "bytes": self.nbytes,
        }
