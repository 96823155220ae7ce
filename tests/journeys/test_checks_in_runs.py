"""The checks that come with Gapless, in runs: rows that do not pass stay out, and the old ones stay."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager, checks

ZONE = "America/New_York"
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-11", timezone=ZONE)
GOOD = pl.DataFrame({"id": [1, 2, 3], "hour": [1, 12, 23]})


class Source:
    """What the asset's function finds, by day."""

    def __init__(self) -> None:
        self.by_day: dict[str, pl.DataFrame] = {}


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def plays(source):
    @dg.asset(partitions_def=DAYS, metadata={"partition_expr": "at"})
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        day = datetime.fromisoformat(context.partition_key)
        found = source.by_day.get(context.partition_key, GOOD)
        return found.with_columns(at=pl.lit(day) + pl.duration(hours="hour"))

    return plays


@pytest.fixture
def make(tmp_path, plays):
    def make(*given, **how):
        return dg.materialize(
            [plays, *given],
            resources={"io_manager": DuckDBPolarsIOManager(tmp_path / "db.duckdb")},
            home=tmp_path / "home",
            raise_on_error=False,
            **how,
        )

    return make


@pytest.fixture
def stored(tmp_path):
    def stored(day: str) -> list[int]:
        with duckdb.connect(str(tmp_path / "db.duckdb")) as database:
            query = "SELECT id FROM public.plays AS p WHERE CAST(p.at AS DATE) = ? ORDER BY id"
            rows = database.execute(query, [day]).fetchall()
        return [row[0] for row in rows]

    return stored


BAD = {
    "not_null_id": pl.DataFrame({"id": [4, None], "hour": [1, 23]}),
    "unique_id": pl.DataFrame({"id": [4, 4], "hour": [1, 23]}),
    "row_count": pl.DataFrame({"id": [4], "hour": [23]}),
    "freshness_at": pl.DataFrame({"id": [4, 5], "hour": [1, 12]}),
}
REASONS = {
    "not_null_id": "1 row with null in 'id'",
    "unique_id": "1 value of 'id' more than once; 2 rows have it",
    "row_count": "1 row, expected at least 2 (9 neighbouring partitions have 3 each)",
    "freshness_at": "the newest 'at' is 2024-01-05 12:00:00, 12:00:00 before the end of the partition; at most 2:00:00",
}


def all_of(plays, **how):
    return [
        checks.not_null(plays, "id", **how),
        checks.unique(plays, "id", **how),
        checks.row_count(plays, min_ratio=0.5, neighbours=10, **how),
        checks.freshness(plays, "at", within="2h", **how),
    ]


@pytest.mark.parametrize("name", list(BAD))
def test_rows_that_do_not_pass_leave_the_old_rows_and_the_reason(make, stored, source, plays, name):
    assert make(*all_of(plays)).materialized == 10

    source.by_day["2024-01-05"] = BAD[name]
    again = make(*all_of(plays), partition_keys=["2024-01-04", "2024-01-05", "2024-01-06"], scope=dg.Scope.ALL)
    assert again.materialized == 2
    (failed,) = again.failed
    assert failed.partition == "2024-01-05"
    assert f"check {name!r} did not pass: {REASONS[name]}" in failed.reason
    assert stored("2024-01-05") == [1, 2, 3]

    source.by_day.clear()
    assert make(*all_of(plays), scope=dg.Scope.FAILED).materialized == 1


@pytest.mark.parametrize("how", [{"blocking": False}, {"severity": dg.AssetCheckSeverity.WARN}])
def test_what_does_not_block_is_stored(make, stored, source, plays, how):
    source.by_day["2024-01-05"] = BAD["unique_id"]
    result = make(*all_of(plays, **how))
    assert (result.materialized, result.failed) == (10, ())
    assert stored("2024-01-05") == [4, 4]


def test_the_evidence_is_in_the_ledger(make, source, plays, tmp_path):
    source.by_day["2024-01-05"] = BAD["not_null_id"]
    result = make(checks.not_null(plays, "id"))
    with dg.open_ledger(tmp_path / "home") as ledger:
        events = ledger.events(run_id=result.run_id)
    found = [e.payload for e in events if e.kind.value == "checked" and not e.payload["passed"]]
    assert [payload["check"] for payload in found] == ["not_null_id"]
    assert found[0]["metadata"]["nulls"] == {"id": 1}


def test_an_unpartitioned_asset_is_compared_with_now(tmp_path):
    @dg.asset
    def latest() -> pl.DataFrame:
        return pl.DataFrame({"at": [datetime(2024, 1, 5, 12, tzinfo=UTC)]})

    def made(now):
        return dg.materialize(
            [latest, checks.freshness(latest, "at", within="1d")],
            resources={"io_manager": DuckDBPolarsIOManager(tmp_path / "db.duckdb")},
            home=tmp_path / "home",
            raise_on_error=False,
            scope=dg.Scope.ALL,
            now=now,
        )

    assert made(datetime(2024, 1, 6, 12, tzinfo=UTC)).materialized == 1
    (failed,) = made(datetime(2024, 1, 6, 13, tzinfo=UTC)).failed
    assert "1 day, 1:00:00 before now; at most 1 day, 0:00:00 are allowed" in failed.reason
