"""Each partition is recorded with the versions of what it was made from."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.engine import materialize
from gapless.execution.input_versions import InputVersions
from gapless.ledger.contract import EventKind, Status, StatusRecord
from gapless.ledger.home import open_ledger
from gapless.partitions import OrdinalSet
from gapless.storage.slices import InputVersion

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-08")
WEEKS = dg.WeeklyPartitionsDefinition(start_date="2023-12-31", end_date="2024-01-08")
KEYS = [f"2024-01-0{day}" for day in range(1, 8)]
BY_DATE = {"partition_expr": "date"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


def materialized(home, asset):
    with open_ledger(home) as ledger:
        return {event.partition: event.payload for event in ledger.events(asset=asset, kinds=[EventKind.MATERIALIZED])}


def assets(mark=0):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, code_version="3")
    def plays(context):
        return pl.DataFrame({"n": [mark], "date": [context.partition_key]})

    @dg.asset(partitions_def=DAYS, metadata=BY_DATE)
    def doubled(plays):
        return plays

    @dg.asset(deps=["plays"])
    def total(doubled):
        return pl.DataFrame({"n": [doubled.height]})

    return [plays, doubled, total]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_versions_that_were_read_are_recorded_with_what_was_made(home, resources, workers):
    assert materialize(assets(), resources=resources, home=home, workers=workers).success
    plays, doubled = materialized(home, "plays"), materialized(home, "doubled")
    assert all(payload["code_version"] == "3" and "inputs" not in payload for payload in plays.values())
    assert all(payload["version"] for payload in plays.values())
    for key, payload in doubled.items():
        assert payload["inputs"] == {"plays": {"partitions": 1, "version": plays[key]["version"]}}
    read = materialized(home, "total")[None]["inputs"]
    for name, made in (("plays", plays), ("doubled", doubled)):
        lines = "".join(sorted(f"{key}\t{payload['version']}\n" for key, payload in made.items()))
        assert read[name] == {"partitions": 7, "version": hashlib.sha256(lines.encode()).hexdigest()[:16]}


def test_a_later_run_knows_the_versions_of_an_earlier_one(home, resources):
    plays, doubled, _ = assets()
    assert materialize([plays], resources=resources, home=home).success
    assert materialize([plays, doubled], resources=resources, home=home).success
    first = {key: payload["version"] for key, payload in materialized(home, "plays").items()}
    assert {
        key: payload["inputs"]["plays"]["version"] for key, payload in materialized(home, "doubled").items()
    } == first


def test_the_store_s_commit_record_has_them_too(home, resources):
    assert materialize(assets(), resources=resources, home=home).success
    store = resources["io_manager"]
    plays = store.committed(AssetKey("plays"), {})
    doubled = store.committed(AssetKey("doubled"), {})
    assert {record.code_version for record in plays.values()} == {"3"}
    for key, record in doubled.items():
        assert record.inputs == {"plays": InputVersion(1, plays[key].version)}


def test_what_the_user_calls_the_data_is_its_version(home, resources):
    @dg.asset(deps=["raw"])
    def copied():
        return pl.DataFrame({"n": [1]})

    @dg.asset
    def raw() -> dg.MaterializeResult:
        return dg.MaterializeResult(data_version="2024-release")

    @dg.asset
    def named():
        return dg.Output(pl.DataFrame({"n": [1]}), data_version="mine")

    assert materialize([raw, copied, named], resources=resources, home=home).success
    assert materialized(home, "raw")[None]["version"] == "2024-release"
    assert materialized(home, "named")[None]["version"] == "mine"
    assert materialized(home, "copied")[None]["inputs"] == {"raw": {"partitions": 1, "version": "2024-release"}}
    with open_ledger(home) as ledger:
        assert ledger.statuses("raw")[None].data_version == "2024-release"


def test_dropped_rows_are_counted_where_they_are_seen(home, resources):
    @dg.asset(partitions_def=DAYS, metadata=BY_DATE, boundary_policy="drop")
    def plays(context):
        return pl.DataFrame({"date": [context.partition_key, "2020-01-01", "2020-01-02"]})

    assert materialize([plays], resources=resources, home=home, partition_key=KEYS[0]).rows == 1
    payload = materialized(home, "plays")[KEYS[0]]
    assert (payload["dropped"], payload["metadata"]) == (2, {"dropped_rows": 2})


class Statuses:
    """A ledger, as far as it is read here; counts how often it is."""

    def __init__(self, records):
        self.records = records
        self.asked = 0

    def statuses(self, asset, partitions=None):
        self.asked += 1
        return self.records


def record(key, rows=1, version=None):
    at = datetime(2024, 1, 10, tzinfo=UTC)
    return StatusRecord("plays", key, Status.MATERIALIZED, "run", at, at, rows, data_version=version)


def test_the_version_of_several_partitions_is_computed_again_only_after_a_change():
    plays, doubled, total = assets()
    graph = AssetGraph.build([plays, doubled, total])
    ledger = Statuses({key: record(key, version=f"v{key}") for key in KEYS})
    versions = InputVersions(graph, ledger)
    everything = OrdinalSet.span(0, 7)
    first = versions.of({plays.key: everything})
    assert versions.of({plays.key: everything}) == first
    assert versions.of({plays.key: OrdinalSet.empty()}) == {}
    versions.committed(plays, [(KEYS[3], "other")])
    second = versions.of({plays.key: everything})
    assert second != first
    versions.committed(plays, [(KEYS[3], f"v{KEYS[3]}")])
    assert versions.of({plays.key: everything}) == first
    assert ledger.asked == 1


def test_an_unknown_version_is_a_question_mark():
    plays, doubled, _ = assets()
    versions = InputVersions(AssetGraph.build([plays, doubled]), Statuses({}))
    assert versions.of({plays.key: OrdinalSet.span(2, 3)}) == {"plays": InputVersion(1, "?")}
