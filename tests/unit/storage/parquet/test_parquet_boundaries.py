"""Rows outside their partition, where the asset allows them."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

import gapless as dg


def test_neighbours_may_be_made_together_and_nothing_is_doubled_by_a_rerun(tmp_path):
    days = dg.DailyPartitionsDefinition("2024-03-09", end_date="2024-03-12")

    @dg.asset(partitions_def=days, metadata={"partition_expr": "date"}, boundary_policy="allow")
    def late(context):
        day = date.fromisoformat(context.partition_key)
        return pl.DataFrame({"date": [day, day, day + timedelta(days=1), None]})

    store = dg.PolarsParquetIOManager(tmp_path / "files")
    for _ in range(2):
        result = dg.materialize([late], resources={"io_manager": store}, home=tmp_path, scope=dg.Scope.ALL)
        assert result.materialized == 3
        assert store.scan("late").collect().height == 12
