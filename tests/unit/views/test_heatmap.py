from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import Cell, PartitionStates
from gapless.views.heatmap import heat_map

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def picture(definition, materialized=(), failed=()):
    status = AssetStatus(materialized=OrdinalSet.of(materialized), failed=OrdinalSet.of(failed))
    return heat_map(definition, PartitionStates.of(status, definition.existing(NOW)))


def test_days_are_laid_out_as_months_by_days():
    days = DailyPartitionsDefinition(start_date="2024-01-30", end_date="2024-03-02")

    drawn = picture(days, materialized=[0], failed=[1])

    assert drawn.kind == "days"
    assert [row.label for row in drawn.rows] == ["2024-01", "2024-02", "2024-03"]
    assert drawn.rows[0].cells[28:] == (Cell.NONE, Cell.MATERIALIZED, Cell.FAILED)
    assert drawn.rows[1].cells[28:] == (Cell.MISSING, Cell.NONE, Cell.NONE)
    assert [(row.materialized, row.total) for row in drawn.rows] == [(1, 2), (0, 29), (0, 1)]
    assert (drawn.first_key, drawn.last_key, drawn.hidden) == ("2024-01-30", "2024-03-01", 0)


def test_hours_are_laid_out_as_days_by_hours_and_a_repeated_hour_shares_its_cell():
    hours = HourlyPartitionsDefinition(
        start_date="2024-11-03-00:00", end_date="2024-11-04-00:00", timezone="America/New_York"
    )

    drawn = picture(hours, materialized=[0, 1, 3])  # 00:00, the first 01:00, 02:00; not the second 01:00

    assert drawn.kind == "hours"
    assert [row.label for row in drawn.rows] == ["2024-11-03"]
    assert drawn.rows[0].cells[:4] == (Cell.MATERIALIZED, Cell.PARTIAL, Cell.MATERIALIZED, Cell.MISSING)
    assert drawn.rows[0].total == 25


def test_a_skipped_hour_is_no_cell():
    hours = HourlyPartitionsDefinition(
        start_date="2024-03-10-00:00", end_date="2024-03-11-00:00", timezone="America/New_York"
    )

    assert picture(hours).rows[0].cells[1:4] == (Cell.MISSING, Cell.NONE, Cell.MISSING)


def test_weeks_are_laid_out_as_years_and_never_share_a_cell():
    weeks = WeeklyPartitionsDefinition(start_date="2020-01-01", end_date="2026-01-01")

    drawn = picture(weeks, materialized=range(5))

    assert drawn.kind == "weeks"
    assert [row.label for row in drawn.rows] == ["2020", "2021", "2022", "2023", "2024", "2025"]
    for row in drawn.rows:
        assert sum(cell is not Cell.NONE for cell in row.cells) == row.total


def test_months_are_laid_out_as_years():
    months = MonthlyPartitionsDefinition(start_date="2023-11-01", end_date="2024-03-01")

    drawn = picture(months, materialized=[1])

    assert drawn.kind == "months"
    assert drawn.columns[0] == "Jan"
    assert drawn.rows[0].cells[10:] == (Cell.MISSING, Cell.MATERIALIZED)
    assert drawn.rows[1].cells[:3] == (Cell.MISSING, Cell.MISSING, Cell.NONE)


def test_years_are_laid_out_as_decades():
    years = TimeWindowPartitionsDefinition(cron_schedule="0 0 1 1 *", start="1998", fmt="%Y", end="2002")

    drawn = picture(years)

    assert [row.label for row in drawn.rows] == ["1990s", "2000s"]
    assert drawn.rows[0].cells[7:] == (Cell.NONE, Cell.MISSING, Cell.MISSING)


def test_working_days_leave_the_weekend_blank():
    days = TimeWindowPartitionsDefinition(
        cron_schedule="0 0 * * 1-5", start="2024-01-01", fmt="%Y-%m-%d", end="2024-01-13"
    )

    assert picture(days).rows[0].cells[:8] == (*[Cell.MISSING] * 5, Cell.NONE, Cell.NONE, Cell.MISSING)


def test_several_partitions_in_one_hour_are_one_cell():
    quarters = TimeWindowPartitionsDefinition(
        cron_schedule="*/15 * * * *", start="2024-01-01-00:00", fmt="%Y-%m-%d-%H:%M", end="2024-01-01-02:00"
    )

    drawn = picture(quarters, materialized=range(4), failed=[5])

    assert drawn.rows[0].cells[:2] == (Cell.MATERIALIZED, Cell.FAILED)
    assert drawn.rows[0].total == 8


def test_a_long_history_folds_stretches_of_one_state_and_keeps_every_failure_in_sight():
    days = DailyPartitionsDefinition(start_date="2010-01-01", end_date="2024-01-11")
    extent = days.extent(NOW)
    broken = days.ordinal_of("2013-05-05")

    drawn = picture(days, materialized=set(range(extent - 400)) - {broken}, failed=[broken])

    assert [(row.label, row.folded) for row in drawn.rows] == [
        ("2010-01 … 2013-04", Cell.MATERIALIZED),
        ("2013-05", None),
        ("2013-06 … 2022-11", Cell.MATERIALIZED),
        ("2022-12", None),
        ("2023-01 … 2023-12", Cell.MISSING),
        ("2024-01", None),
    ]
    assert drawn.rows[1].cells[4] is Cell.FAILED
    assert sum(row.total for row in drawn.rows) == extent
    assert drawn.hidden == 0


def test_a_history_that_fits_is_not_folded():
    days = DailyPartitionsDefinition(start_date="2023-01-01", end_date="2024-01-01")

    assert [row.folded for row in picture(days, materialized=range(365)).rows] == [None] * 12


def test_what_does_not_fit_is_counted():
    days = DailyPartitionsDefinition(start_date="2020-01-01", end_date="2024-01-01")
    scattered = range(0, days.extent(NOW), 2)

    drawn = picture(days, materialized=scattered)

    assert len(drawn.rows) == 14
    assert drawn.first_key == "2022-11-01"
    assert drawn.shown + drawn.hidden == days.extent(NOW)


def test_a_hundred_years_of_hours_are_drawn_without_looking_each_up():
    hours = HourlyPartitionsDefinition(start_date="1930-01-01-00:00", end_date="2030-01-01-00:00")
    looked_up = 0
    window_at = type(hours).window_at

    class Counting(HourlyPartitionsDefinition):
        def window_at(self, ordinal):
            nonlocal looked_up
            looked_up += 1
            return window_at(self, ordinal)

    drawn = picture(Counting(start_date="1930-01-01-00:00", end_date="2030-01-01-00:00"), materialized=[5])

    assert sum(row.total for row in drawn.rows) == hours.extent(NOW) == 876_600
    assert looked_up < 1_000


def test_a_few_static_keys_are_drawn_by_name():
    regions = StaticPartitionsDefinition(["eu", "us", "it's | \"; drop"])

    drawn = picture(regions, materialized=[0], failed=[2])

    assert drawn.kind == "names"
    assert [(row.label, row.cells) for row in drawn.rows] == [
        ("eu", (Cell.MATERIALIZED,)),
        ("us", (Cell.MISSING,)),
        ("it's | \"; drop", (Cell.FAILED,)),
    ]


def test_many_static_keys_are_a_matrix_that_is_filled_up_with_blanks():
    keys = StaticPartitionsDefinition([f"k{n:03d}" for n in range(120)])

    drawn = picture(keys, failed=[50])

    assert drawn.kind == "matrix"
    assert [row.label for row in drawn.rows] == ["k000", "k050", "k100"]
    assert drawn.rows[1].cells[0] is Cell.FAILED
    assert drawn.rows[2].cells.count(Cell.NONE) == 30
    assert drawn.hidden == 0


def test_a_matrix_of_very_many_keys_shows_the_first_thousand():
    keys = StaticPartitionsDefinition([f"k{n}" for n in range(1_500)])

    drawn = picture(keys)

    assert (drawn.shown, drawn.hidden, drawn.last_key) == (1_000, 500, "k999")


@pytest.mark.parametrize(
    "definition",
    [DailyPartitionsDefinition(start_date="2029-12-31", end_date="2029-12-31"), StaticPartitionsDefinition([])],
)
def test_without_partitions_there_is_nothing_to_draw(definition):
    drawn = picture(definition)

    assert (drawn.rows, drawn.shown, drawn.first_key) == ((), 0, None)


def test_a_picture_is_plain_json():
    drawn = picture(DailyPartitionsDefinition(start_date="2010-01-01", end_date="2024-01-11"), materialized=[0])

    folded = [row for row in drawn.to_json()["rows"] if row["folded"]]
    assert folded[0]["label"] == "2010-02 … 2023-12"
    assert folded[0]["folded"] == "missing"


@settings(max_examples=60)
@given(
    extent=st.integers(1, 1_200),
    edges=st.lists(st.integers(0, 1_200), max_size=8),
    broken=st.sets(st.integers(0, 1_199), max_size=4),
)
def test_what_is_shown_and_what_is_hidden_are_all_partitions(extent, edges, broken):
    days = TimeWindowPartitionsDefinition(cron_schedule="0 0 * * *", start="2024-01-01", fmt="%Y-%m-%d")
    cuts = sorted(set(edges))
    made = OrdinalSet.of_runs(zip(cuts[::2], cuts[1::2], strict=False)) - OrdinalSet.of(broken)
    status = AssetStatus(materialized=made, failed=OrdinalSet.of(broken))
    states = PartitionStates.of(status, OrdinalSet.span(0, extent))

    drawn = heat_map(days, states)

    assert sum(row.total for row in drawn.rows) == drawn.shown
    assert drawn.shown + drawn.hidden == extent
    assert drawn.first_key == days.key_at(extent - drawn.shown)
    in_sight = states.materialized & OrdinalSet.span(extent - drawn.shown, extent)
    assert sum(row.materialized for row in drawn.rows) == len(in_sight)
