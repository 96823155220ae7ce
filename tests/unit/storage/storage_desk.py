"""One asset in one store, addressed by partition key."""

from __future__ import annotations

from typing import Any

from gapless.asset_key import AssetKey
from gapless.partitions import TimeWindowPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, Refused


class Desk:
    """One asset in one store, addressed by partition key."""

    def __init__(self, store: DuckDBPolarsIOManager, definition: Any, expr: str | None, asset: str = "plays") -> None:
        self.store, self.definition, self.expr, self.asset = store, definition, expr, AssetKey.of(asset)

    def part(self, key: str) -> PartitionSlice:
        if isinstance(self.definition, TimeWindowPartitionsDefinition):
            return PartitionSlice(key, self.definition.time_window_for_partition_key(key))
        return PartitionSlice(key)

    @property
    def civil(self) -> dict[str, Any]:
        if isinstance(self.definition, TimeWindowPartitionsDefinition):
            return {"timezone": self.definition.timezone, "finer_than_day": self.definition.finer_than_day}
        return {}

    def output(self, *keys: str, **changes: Any) -> OutputSlices:
        return OutputSlices(self.asset, tuple(map(self.part, keys)), self.expr, "run", **{**self.civil, **changes})

    def commit(self, *values: tuple[str, Any]) -> list[Committed | Refused]:
        return self.store.commit([self.store.stage(self.output(key), value) for key, value in values])

    def write(self, key: str, value: Any) -> Committed:
        (outcome,) = self.commit((key, value))
        assert isinstance(outcome, Committed), outcome
        return outcome

    def refusal(self, key: str, value: Any) -> Exception:
        (outcome,) = self.commit((key, value))
        assert isinstance(outcome, Refused), outcome
        return outcome.error

    def read(self, *keys: str, expected: Any = Any, columns: tuple[str, ...] | None = None) -> Any:
        source = InputSlices(self.asset, tuple(map(self.part, keys)), self.expr, columns=columns, **self.civil)
        return self.store.load(source, expected)
