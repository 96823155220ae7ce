"""The DuckDB store keeps the slice store contract."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.testing.slice_store import SliceStoreContract


class TestDuckDBStore(SliceStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[DuckDBPolarsIOManager]:
        store = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
        yield store
        store.close()
