"""How many rows the partitions around one have."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import gapless as dg
from gapless.asset_key import AssetKey
from gapless.execution.neighbours import RecordedRows
from gapless.ledger.contract import Status, StatusRecord
from gapless.partitions import OrdinalSet

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
KEYS = [f"2024-01-0{day}" for day in range(1, 8)]


class Statuses:
    """A ledger, as far as it is read here."""

    def __init__(self, counts):
        at = datetime(2024, 1, 10, tzinfo=UTC)
        self.records = {
            key: StatusRecord("plays", key, Status.MATERIALIZED, "run", at, at, rows) for key, rows in counts.items()
        }

    def statuses(self, asset, partitions=None):
        return self.records


def test_neighbours_are_the_nearest_that_have_rows():
    counts = {KEYS[0]: 10, KEYS[2]: 30, KEYS[3]: 40, KEYS[6]: 70}
    rows = RecordedRows(Statuses({**counts, "1999-01-01": 1}))
    key = AssetKey("plays")
    assert rows.around(key, DAYS, 3, 1) == {KEYS[2]: 30, KEYS[6]: 70}
    assert rows.around(key, DAYS, 4, 2) == {KEYS[2]: 30, KEYS[3]: 40, KEYS[6]: 70}
    rows.committed(key, [(KEYS[4], 50), (KEYS[3], 41)])
    assert list(rows.around(key, DAYS, 5, 9).items()) == [
        (KEYS[0], 10),
        (KEYS[2], 30),
        (KEYS[3], 41),
        (KEYS[4], 50),
        (KEYS[6], 70),
    ]


@pytest.mark.parametrize("other", ["a_team", "team"])
def test_of_several_dimensions_neighbours_differ_in_time_only(other):
    grid = dg.MultiPartitionsDefinition({"date": DAYS, other: dg.StaticPartitionsDefinition(["x", "y", "z"])})
    counts = {key: number for number, key in enumerate(grid.keys_of(OrdinalSet.span(0, 21)))}
    rows = RecordedRows(Statuses(counts))
    key = str(dg.MultiPartitionKey({"date": KEYS[3], other: "y"}))
    near = [str(dg.MultiPartitionKey({"date": KEYS[day], other: "y"})) for day in (1, 2, 4, 5)]
    assert rows.around(AssetKey("plays"), grid, grid.ordinal_of(key), 2) == {each: counts[each] for each in near}
