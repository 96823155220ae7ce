"""Gapless with Parquet files in a folder."""

from __future__ import annotations

from typing import Any

import polars as pl

import gapless as dg
from faults.subjects.gapless_project import Project

STEPS_IN = ("/gapless/storage/",)
COMMIT = "commit"


class Subject(Project):
    """``files/`` in the folder."""

    def manager(self) -> Any:
        return dg.PolarsParquetIOManager("files")

    def rows(self) -> dict[str, dict[str, int]]:
        files = self.manager().files("plays")
        if not files:
            return {}
        counted = pl.scan_parquet(files, hive_partitioning=False).group_by("date", "mark").len().collect()
        found: dict[str, dict[str, int]] = {}
        for key, mark, count in counted.rows():
            found.setdefault(key, {})[str(mark)] = count
        return found
