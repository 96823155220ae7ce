"""What has expired is no gap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gapless as dg
from gapless.definitions.definitions import project_of
from gapless.ledger.contract import EventKind, Outcome, RunRecord, RunState, Status
from gapless.ledger.sqlite import SQLiteLedger
from gapless.partitions import OrdinalSet
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import Cell, PartitionStates, merged
from gapless.views.status import detail

NOW = datetime(2024, 12, 31, tzinfo=UTC)


@dg.asset(partitions_def=dg.DailyPartitionsDefinition(start_date="2022-01-01"), keep="30d")
def plays() -> None: ...


ordinals = st.sets(st.integers(0, 19)).map(OrdinalSet.of)


@given(materialized=ordinals, failed=ordinals, skipped=ordinals, running=ordinals, expired=ordinals)
def test_each_partition_is_in_one_state_and_expired_only_if_it_is_not_there(
    materialized, failed, skipped, running, expired
):
    failed, skipped = failed - materialized, skipped - materialized - failed
    running = running - materialized - failed - skipped
    status = AssetStatus(materialized=materialized, failed=failed, skipped=skipped, running=running)
    everything = OrdinalSet.span(0, 20)

    states = PartitionStates.of(status, everything, expired)

    for ordinal in everything:
        gone = ordinal in expired and ordinal not in materialized and ordinal not in running
        assert (states.at(ordinal) is Cell.EXPIRED) == gone
    parts = [states.materialized, states.failed, states.skipped, states.running, states.missing, states.expired]
    assert sum(map(len, parts)) == 20


@pytest.mark.parametrize(
    ("tally", "size", "expected"),
    [
        ({Cell.EXPIRED: 3}, 3, Cell.EXPIRED),
        ({Cell.EXPIRED: 2, Cell.MATERIALIZED: 1}, 3, Cell.MATERIALIZED),
        ({Cell.EXPIRED: 1, Cell.MATERIALIZED: 1}, 3, Cell.PARTIAL),
        ({Cell.EXPIRED: 2}, 3, Cell.MISSING),
        ({Cell.EXPIRED: 2, Cell.FAILED: 1}, 3, Cell.FAILED),
    ],
)
def test_a_cell_of_several_does_not_take_what_has_expired_for_a_gap(tally, size, expected):
    assert merged(tally, size) is expected


def test_years_that_have_expired_fold_into_one_row(tmp_path):
    ledger = SQLiteLedger(tmp_path / "ledger.sqlite")
    ledger.start_run(RunRecord("r", RunState.RUNNING, NOW, 2, {}))
    ledger.record(
        "r",
        [
            Outcome("plays", "2022-03-01", EventKind.FAILED, NOW, Status.FAILED, "torn"),
            Outcome("plays", "2024-12-30", EventKind.MATERIALIZED, NOW, Status.MATERIALIZED, rows=1),
        ],
    )

    found = detail(project_of([plays], {}), ledger, plays.key, NOW)
    ledger.close()

    one = found.overview
    assert (one.extent, one.materialized, one.failed, one.missing, one.expired) == (1095, 1, 0, 29, 1065)
    assert one.outside == 0
    assert one.to_json()["expired"] == 1065
    assert [(gap.first, gap.last) for gap in found.gaps] == [("2024-12-01", "2024-12-29")]
    assert [row.folded for row in found.heat_map.rows] == [Cell.EXPIRED, None]
    assert found.failures == ()
