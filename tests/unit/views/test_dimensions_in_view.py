"""Partitions of several dimensions as a person sees them."""

from __future__ import annotations

from datetime import UTC, datetime

import gapless as dg
from gapless.partitions import MultiPartitionsDefinition, OrdinalSet
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import Cell, PartitionStates, bar
from gapless.views.heatmap import heat_map
from gapless.views.key_ranges import key_ranges

NOW = datetime(2024, 1, 6, tzinfo=UTC)  # five days have ended
DAILY = dg.DailyPartitionsDefinition("2024-01-01")
REGIONS = dg.StaticPartitionsDefinition(["eu", "us"])
BY_REGION = MultiPartitionsDefinition({"date": DAILY, "region": REGIONS})
REGION_FIRST = MultiPartitionsDefinition({"area": REGIONS, "date": DAILY})  # its ordinals are far apart


def states(definition, *made):
    status = AssetStatus(materialized=definition.ordinals_of(made))
    return PartitionStates.of(status, definition.existing(NOW))


def test_ranges_are_rectangles_with_their_counts():
    ordinals = BY_REGION.ordinals_of(["2024-01-01|us", "2024-01-02|us", "2024-01-04|eu", "2024-01-04|us"])
    assert [(str(each), each.count) for each in key_ranges(BY_REGION, ordinals)] == [
        ("2024-01-01|us..2024-01-02|us", 2),
        ("2024-01-04|eu..2024-01-04|us", 2),
    ]


def test_the_counts_of_a_view_of_scattered_ordinals_are_those_of_what_exists():
    found = states(REGION_FIRST, "eu|2024-01-01", "us|2024-01-05")
    assert found.extent == 10
    assert (len(found.materialized), len(found.missing)) == (2, 8)
    assert bar(found, 10) == (Cell.MATERIALIZED, *[Cell.MISSING] * 8, Cell.MATERIALIZED)
    assert bar(found, 2) == (Cell.PARTIAL, Cell.PARTIAL)


def test_a_product_is_a_table_of_time_against_the_other_dimensions():
    for definition, separated in ((BY_REGION, "2024-01-02|us"), (REGION_FIRST, "us|2024-01-02")):
        picture = heat_map(definition, states(definition, separated))
        assert picture.kind == "product"
        assert picture.columns == ("2024-01-01", "", "", "", "")
        assert [row.label for row in picture.rows] == ["eu", "us"]
        assert picture.rows[0].cells == (Cell.MISSING,) * 5
        assert picture.rows[1].cells == (Cell.MISSING, Cell.MATERIALIZED, *[Cell.MISSING] * 3)
        assert (picture.first_key, picture.last_key, picture.hidden) == ("2024-01-01", "2024-01-05", 0)


def test_a_table_shows_the_newest_times_and_says_how_many_are_hidden():
    hours = dg.HourlyPartitionsDefinition("2024-01-01-00:00")
    product = MultiPartitionsDefinition({"hour": hours, "region": REGIONS})
    picture = heat_map(product, states(product))
    assert (picture.last_key, len(picture.rows[0].cells)) == ("2024-01-05-23:00", 60)
    assert picture.shown + picture.hidden == 240


def test_what_is_no_combination_is_blank():
    some = ["eu|2024-01-01", "us|2024-01-01", "us|2024-01-03"]
    everything = REGION_FIRST.ordinals_of(some)
    picture = heat_map(REGION_FIRST, PartitionStates.of(AssetStatus(), everything))
    assert picture.rows[0].cells == (Cell.MISSING, Cell.NONE)
    assert [row.total for row in picture.rows] == [1, 2]


def test_too_many_rows_are_a_matrix_of_keys():
    many = dg.StaticPartitionsDefinition([f"c{n}" for n in range(100)])
    product = MultiPartitionsDefinition({"customer": many, "date": DAILY})
    picture = heat_map(product, states(product, "c10|2024-01-01"))
    assert picture.kind == "matrix"
    assert (picture.shown, picture.rows[0].label, picture.rows[1].label) == (500, "c0|2024-01-01", "c10|2024-01-01")
    assert picture.rows[1].cells[0] is Cell.MATERIALIZED


def test_an_empty_product_shows_nothing():
    nothing = PartitionStates.of(AssetStatus(), OrdinalSet.empty())
    assert heat_map(BY_REGION, nothing).shown == 0
