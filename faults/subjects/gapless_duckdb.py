"""Gapless with tables of one DuckDB file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb  # noqa: F401  # before the fork

import gapless as dg
from faults.subjects.gapless_project import Project

STEPS_IN = ("/gapless/storage/",)
COMMIT = "commit"


class Subject(Project):
    """``db.duckdb`` in the folder."""

    def manager(self) -> Any:
        return dg.DuckDBPolarsIOManager("db.duckdb", lock_timeout=120.0)

    def rows(self) -> dict[str, dict[str, int]]:
        if not Path("db.duckdb").exists() or not Path("db.duckdb").stat().st_size:
            return {}
        store = self.manager()
        if "public.plays" not in store.tables():
            return {}
        found: dict[str, dict[str, int]] = {}
        for key, mark, count in store.query("SELECT date, mark, count(*) FROM plays GROUP BY ALL").rows():
            found.setdefault(key, {})[str(mark)] = count
        store.close()
        return found
