"""A project of one daily asset, made, read and compared with its ledger: what the stores of Gapless share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

import gapless as dg

# Imported before the fork, so that no child has to.
import gapless.engine
from gapless.asset_key import AssetKey
from gapless.definitions.definitions import project_of
from gapless.engine import Engine
from gapless.execution.table_slices import output_slices
from gapless.ledger.home import open_ledger
from gapless.partitions import OrdinalSet
from gapless.planning.request import PartitionRequest
from gapless.storage.slices import Refused

START = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2027-01-01")
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def key_of(day: int) -> str:
    return f"{START + timedelta(days=day):%Y-%m-%d}"


class Project:
    """One asset ``plays``, a mark in every row; each store gives its IO manager."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        os.chdir(folder)

    def manager(self) -> Any:
        raise NotImplementedError

    def asset(self, mark: int, rows: int = 7, value: Any = None, **arguments: Any) -> Any:
        """The asset as it is made now.

        Args:
            value: Key to what the function returns; None for `rows` rows with the mark.
        """

        @dg.asset(partitions_def=DAYS, metadata={"partition_expr": "date"}, **arguments)
        def plays(context: dg.AssetExecutionContext):
            if value is not None:
                return value(context.partition_key)
            return frame_of(context.partition_key, mark, rows)

        return plays

    def make(self, asset: Any, days: list[int], **how: Any) -> dict[str, Any]:
        result = dg.materialize(
            [asset],
            partition_keys=[key_of(day) for day in days],
            resources={"io_manager": self.manager()},
            raise_on_error=False,
            now=NOW,
            home=self.folder / ".gapless",
            **how,
        )
        failed = {report.partition: report.reason for report in result.failed}
        return {"made": result.materialized, "failed": failed}

    # --- orders

    def write(self, mark: int, days: list[int], rows: int = 7) -> dict[str, Any]:
        return self.make(self.asset(mark, rows), days)

    def write_one_by_one(self, mark: int, days: list[int], rows: int = 7) -> dict[str, Any]:
        """A process of its own for all of them, a run for each."""
        made, failed = 0, {}
        for day in days:
            told = self.write(mark, [day], rows)
            made, failed = made + told["made"], failed | told["failed"]
        return {"made": made, "failed": failed}

    def write_garbage(self, kind: str, day: int) -> dict[str, Any]:
        return self.make(self.asset(0, value=lambda key: garbage(kind, key)), [day])

    def write_wide(self, mark: int, day: int, columns: int) -> dict[str, Any]:
        wide = {f"c{number}": [mark] * 3 for number in range(columns)}
        return self.make(
            self.asset(mark, value=lambda key: pl.DataFrame({"date": [key] * 3, "mark": [mark] * 3, **wide})), [day]
        )

    def write_streamed(self, mark: int, day: int, rows: int) -> dict[str, Any]:
        return self.make(self.asset(mark, value=lambda key: batches(key, mark, rows)), [day], workers=1)

    def write_torn(self, mark: int, day: int) -> dict[str, Any]:
        """Rows that wait in a file, which is cut in half before they are committed."""
        key, store = key_of(day), self.manager()
        ordinals = OrdinalSet.span(day, day + 1)
        output = output_slices(self.asset(mark), ordinals, "a run that meets a torn file")
        staged = store.stage(output, batches_of_rows(key, mark))
        for file in staged.spilled.files:
            os.truncate(file, file.stat().st_size // 2)
        (outcome,) = store.commit([staged])
        refused = isinstance(outcome, Refused)
        return {"made": int(not refused), "failed": {key: str(outcome.error)} if refused else {}}

    def write_with_clock(self, mark: int, days: list[int], shift_days: int) -> dict[str, Any]:
        """As `write`, by a machine whose clock is wrong."""
        clock = lambda: NOW + timedelta(days=shift_days)  # noqa: E731
        asset = self.asset(mark)
        with Engine(project_of([asset], {"io_manager": self.manager()}), self.ledger(), clock) as engine:
            engine.recover()
            request = PartitionRequest(tuple(key_of(day) for day in days), (), None, None, None)
            result = engine.run(engine.plan(engine.select(None), request, NOW))
        return {"made": result.materialized, "failed": {r.partition: r.reason for r in result.failed}}

    def read(self) -> dict[str, Any]:
        """What is there, rows by mark by partition, and where the ledger, after recovery, says otherwise."""
        with Engine(project_of([self.asset(0)], {"io_manager": self.manager()}), self.ledger()) as engine:
            engine.recover()
            statuses = engine.ledger.statuses("plays")
        store = self.manager()
        committed = store.committed(AssetKey("plays"), {})
        rows = self.rows()
        disagree = []
        for key in {*statuses, *committed, *rows}:
            status, record = statuses.get(key), committed.get(key)
            said = status.rows if status is not None and status.committed_at is not None else None
            there = sum(rows.get(key, {}).values())
            run = None if status is None or status.status.value != "materialized" else status.run_id
            if (said or 0) != there or (record.rows if record else 0) != there:
                disagree.append(
                    f"{key}: the ledger says {said} rows, the record {record and record.rows}, it has {there}"
                )
            elif run is not None and (record is None or record.run_id != run):
                disagree.append(f"{key}: the ledger says run {run}, the record {record and record.run_id}")
        store.close()
        return {"rows": rows, "disagree": disagree}

    def rows(self) -> dict[str, dict[str, int]]:
        raise NotImplementedError

    def ledger(self) -> Any:
        return open_ledger(self.folder / ".gapless")

    def reader(self, days: list[int], rows: int, stop_file: str) -> dict[str, Any]:
        """Look again and again until `stop_file` is there: is each partition whole?"""
        looks, torn, failed, longest = 0, [], [], 0.0
        import time

        while not (self.folder / stop_file).exists():
            start = time.monotonic()
            try:
                seen = self.rows()
            except Exception as error:
                failed.append(f"{type(error).__name__}: {error}")
                continue
            longest = max(longest, time.monotonic() - start)
            looks += 1
            torn += [key for key, marks in seen.items() if len(marks) != 1 or sum(marks.values()) != rows]
            time.sleep(0.02)
        return {"looks": looks, "torn": torn, "failed": failed, "longest_s": longest}


def frame_of(key: str, mark: int, rows: int) -> pl.DataFrame:
    return pl.DataFrame({"date": [key] * rows, "mark": [mark] * rows, "n": range(rows)})


def batches_of_rows(key: str, mark: int) -> Iterator[pl.DataFrame]:
    """More than is held in memory."""
    for _ in range(3):
        yield frame_of(key, mark, 1).select(pl.all().repeat_by(2_000_000).explode())


def batches(key: str, mark: int, rows: int, size: int = 1_000_000) -> Iterator[pl.DataFrame]:
    for start in range(0, rows, size):
        height = min(size, rows - start)
        numbers = pl.int_range(start, start + height, eager=True)
        yield pl.DataFrame(
            {"n": numbers, "a": numbers * 3, "b": numbers % 97, "c": numbers / 7, "d": numbers * 0.5}
        ).with_columns(date=pl.lit(key), mark=pl.lit(mark, dtype=pl.Int64))


GARBAGE = (
    "None", "text", "a number", "a dict", "no columns", "names that differ in case", "Python objects",
    "another partition's rows", "no partition column", "null partition column", "a column less", "another type",
    "an exception",
)  # fmt: skip


def garbage(kind: str, key: str) -> Any:
    good = frame_of(key, 99, 7)
    match kind:
        case "None":
            return None
        case "text":
            return "no frame"
        case "a number":
            return 42
        case "a dict":
            return {"date": [key]}
        case "no columns":
            return pl.DataFrame()
        case "names that differ in case":
            return good.with_columns(DATE=pl.col("date"))
        case "Python objects":
            return good.with_columns(n=pl.Series([object()] * 7, dtype=pl.Object))
        case "another partition's rows":
            return good.with_columns(date=pl.lit("2025-06-01"))
        case "no partition column":
            return good.drop("date")
        case "null partition column":
            return good.with_columns(date=pl.lit(None, dtype=pl.String))
        case "a column less":
            return good.drop("n")
        case "another type":
            return good.with_columns(n=pl.lit("seven"))
    raise ValueError("the function raises")
