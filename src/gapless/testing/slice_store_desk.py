"""What the tests of slice stores are made of: days, frames, and how to put them into a store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from gapless.asset_key import AssetKey
from gapless.partitions.window import TimeWindow
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, Refused, SliceStore, Uncertain

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DAILY_VALUES", "EPOCH", "SliceStoreDesk", "day_slice"]

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)

# How a column may say which day a row belongs to, from the day and the row's number in it.
DAILY_VALUES: dict[str, Callable[[datetime, int], Any]] = {
    "text, a date": lambda day, row: day.strftime("%Y-%m-%d"),
    "text, a date and a time": lambda day, row: (day + timedelta(minutes=row)).strftime("%Y-%m-%dT%H:%M:%S"),
    "text, an instant": lambda day, row: (day + timedelta(hours=row)).isoformat(sep=" "),
    "DATE": lambda day, row: day.date(),
    "TIMESTAMP": lambda day, row: (day + timedelta(hours=23, seconds=row)).replace(tzinfo=None),
    "TIMESTAMPTZ": lambda day, row: day + timedelta(hours=row),
    "INTEGER": lambda day, row: int(day.strftime("%Y%m%d")),
}


def day_slice(day: int) -> PartitionSlice:
    """The `day`-th daily partition from 2024-01-01 on, UTC."""
    start = EPOCH + timedelta(days=day)
    return PartitionSlice(start.strftime("%Y-%m-%d"), TimeWindow(start, start + timedelta(days=1)))


class SliceStoreDesk:
    """Short ways to use a store: `mark` tells one version of a day from another."""

    asset = AssetKey(["warehouse", "plays"])

    def output(self, *days: int, run_id: str = "run", asset: AssetKey | None = None, **said: Any) -> OutputSlices:
        return OutputSlices(asset or self.asset, tuple(map(day_slice, days)), "at", run_id, **said)

    def source(self, *days: int, columns: tuple[str, ...] | None = None, asset: AssetKey | None = None) -> InputSlices:
        return InputSlices(asset or self.asset, tuple(map(day_slice, days)), "at", columns=columns)

    def frame(self, *days: int, kind: str = "text, a date", rows: int = 3, mark: int = 0) -> pl.DataFrame:
        import polars as pl

        value = DAILY_VALUES[kind]
        table = [
            {"n": row, "mark": mark, "at": value(EPOCH + timedelta(days=day), row)}
            for day in days
            for row in range(max(rows, 1))
        ]
        return pl.DataFrame(table) if rows else pl.DataFrame(table).clear()

    def put(self, store: SliceStore, *values: tuple[OutputSlices, Any]) -> Sequence[Committed | Refused | Uncertain]:
        return store.commit([store.stage(output, value) for output, value in values])

    def whole(self, **said: Any) -> OutputSlices:
        """The whole table, as if the asset were unpartitioned."""
        return replace(self.output(**said), slices=(PartitionSlice(None),), partition_expr=None)

    def all_marks(self, store: SliceStore) -> list[int]:
        """Of every row of the table, wherever it lies."""
        return sorted(store.load(InputSlices(self.asset, (PartitionSlice(None),), None), Any)["mark"])

    def marks(self, store: SliceStore, *days: int) -> list[int]:
        return list(store.load(self.source(*days), Any)["mark"])
