from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from storage_desk import Desk

from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.parquet.store import PolarsParquetIOManager

DAYS = DailyPartitionsDefinition("2024-01-01")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[PolarsParquetIOManager]:
    store = PolarsParquetIOManager(tmp_path / "data", lock_timeout=5)
    yield store
    store.close()


@pytest.fixture
def plays(store: PolarsParquetIOManager) -> Desk:
    """The asset ``plays``, daily by its column ``at``."""
    return Desk(store, DAYS, "at")  # type: ignore[arg-type]


@pytest.fixture
def desk(store: PolarsParquetIOManager) -> Callable[..., Desk]:
    return lambda definition=DAYS, expr="at", asset="plays", of=store: Desk(of, definition, expr, asset)


@pytest.fixture
def day() -> Callable[..., Any]:
    """The rows of a day."""
    import polars as pl

    def rows(number: int, *values: Any, **columns: Any) -> pl.DataFrame:
        at = [f"2024-01-{number:02}"] * max(len(values), 1)
        return pl.DataFrame(
            {"at": at, "n": list(values or (0,)), **{name: [v] * len(at) for name, v in columns.items()}}
        )

    return rows
