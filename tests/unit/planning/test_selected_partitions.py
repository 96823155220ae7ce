"""A request may select partitions with text, by what is recorded too; the planner and Python take it alike."""

from datetime import UTC, datetime

import pytest

import gapless as dg
from gapless.definitions.definitions import project_of
from gapless.engine import materialize
from gapless.errors import InvocationError, PartitionRangeError, PartitionSelectionError, UnknownPartitionError
from gapless.partitions import OrdinalSet
from gapless.planning.planner import make_plan
from gapless.planning.request import PartitionRequest, Scope
from gapless.planning.snapshot import AssetStatus

NOW = datetime(2024, 1, 29, 12, tzinfo=UTC)  # 28 days have ended


@dg.asset(partitions_def=dg.DailyPartitionsDefinition(start_date="2024-01-01"))
def plays(context) -> dg.MaterializeResult:
    return dg.MaterializeResult()


@dg.asset(partitions_def=dg.WeeklyPartitionsDefinition(start_date="2024-01-01"), deps=[plays])
def weekly(context) -> dg.MaterializeResult:
    return dg.MaterializeResult()


GRAPH = project_of([plays, weekly], {}).graph
FIRST_TEN, TENTH = OrdinalSet.span(0, 10), OrdinalSet.span(9, 10)
STATUS = AssetStatus(
    materialized=FIRST_TEN - TENTH,
    failed=TENTH,
    skipped=OrdinalSet.of([12]),
    running=OrdinalSet.of([11, 13]),
    committed=FIRST_TEN | OrdinalSet.of([13]),
)


def planned(selected, request):
    plan = make_plan(GRAPH, selected, request, {plays.key: STATUS}, NOW)
    return {str(step.asset): list(step.partitions) for step in plan.steps if step.partitions}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failed", [9]),
        ("skipped, running", [11, 12, 13]),
        ("materialized & last 20", [8]),
        ("missing & 2024-01-10..2024-01-15", [10, 11, 12, 14]),
        ("not missing", [*range(10), 13]),
        ("first 2 | 2024-01-28..", [0, 1, 27]),
    ],
)
def test_words_mean_what_is_recorded_of_the_asset(text, expected):
    assert planned([plays.key], PartitionRequest(text=text)) == {"plays": expected}


def test_a_scope_narrows_what_is_selected():
    assert planned([plays.key], PartitionRequest(text="..2024-01-12", scope=Scope.MISSING)) == {"plays": [10, 11]}


def test_what_reads_the_selected_partitions_is_in_view():
    days = list(range(6, 13))

    assert planned([plays.key, weekly.key], PartitionRequest(text="2024-01-07..2024-01-13")) == {
        "plays": days,
        "weekly": [0],
    }


def test_a_selection_that_names_what_is_not_there_plans_nothing():
    with pytest.raises(PartitionSelectionError, match="no partition in 2023 exists"):
        planned([plays.key], PartitionRequest(text="2023"))


REGIONS = dg.StaticPartitionsDefinition(["eu", "us"])
SPARSE = dg.MultiPartitionsDefinition(
    {"date": dg.DailyPartitionsDefinition("2024-01-01"), "region": REGIONS},
    combinations=lambda region: {"date": "2024-01-05.."} if region == "eu" else True,
)


def test_a_range_between_combinations_that_do_not_exist_is_pointed_to_a_selection():
    request = PartitionRequest(ranges=("2024-01-01|eu..2024-01-09|us",))
    with pytest.raises(PartitionRangeError) as caught:
        request.resolve(SPARSE, "sales", NOW, STATUS)
    assert "there is no partition '2024-01-01|eu', though its parts exist" in str(caught.value)
    selection = "date=2024-01-01..2024-01-09 & region=eu..us"
    assert f"selected with: --partitions '{selection}'" in str(caught.value)
    assert len(PartitionRequest(text=selection).resolve(SPARSE, "sales", NOW, STATUS)) == 9 + 5


def test_a_range_between_parts_that_do_not_exist_names_the_part():
    with pytest.raises(UnknownPartitionError, match="the dimension 'region' has no key 'mars'"):
        PartitionRequest(ranges=("2024-01-06|eu..2024-01-09|mars",)).resolve(SPARSE, "sales", NOW, STATUS)


def test_a_range_in_the_place_of_a_key_is_pointed_to_ranges():
    request = PartitionRequest(keys=("2024-01-01..2024-01-09",))
    with pytest.raises(UnknownPartitionError) as caught:
        request.resolve(dg.DailyPartitionsDefinition("2024-01-01"), "plays", NOW, STATUS)
    assert "it is written as a range, which --range '2024-01-01..2024-01-09' takes" in str(caught.value)
    assert "Nearest" not in str(caught.value)


def test_a_request_is_named_by_its_selection():
    assert PartitionRequest(text="last 7 & failed").named == "selection of partitions 'last 7 & failed'"
    assert PartitionRequest(text="").names_partitions
    with pytest.raises(InvocationError, match="cannot take the last 0 partitions"):
        PartitionRequest(text="all", last=0)


def test_python_takes_the_same_selections(tmp_path):
    result = materialize([plays], partitions="2024-01-05.. & not 2024-01-07..", home=tmp_path, now=NOW)
    again = materialize([plays], partitions="materialized, 2024-01-10", home=tmp_path, now=NOW)

    assert result.made_here == 2
    assert again.made_here == 3
