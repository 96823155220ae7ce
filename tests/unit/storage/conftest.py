from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from storage_desk import Desk

from gapless.storage.duckdb.store import DuckDBPolarsIOManager


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckDBPolarsIOManager]:
    store = DuckDBPolarsIOManager(tmp_path / "db.duckdb", lock_timeout=5)
    yield store
    store.close()


@pytest.fixture
def desk(store: DuckDBPolarsIOManager):
    return lambda definition, expr="at", asset="plays": Desk(store, definition, expr, asset)
