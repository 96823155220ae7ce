"""What was replaced is kept for a while, can be restored, and goes when its time is up."""

from __future__ import annotations

import pickle
import random
import resource
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.partitions import DailyPartitionsDefinition, StaticPartitionsDefinition
from gapless.storage.errors import DiskFullError
from gapless.storage.parquet.errors import StoredWholeError, VersionGoneError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.parquet.table_commit import next_entry
from gapless.storage.policies import SchemaPolicy
from gapless.storage.slices import Committed, InputVersion, PartitionSlice, Provenance, Refused, keeps_versions

NOW = datetime.now(UTC)
HISTORY = "gapless history plays --partition 2024-01-01"
AGAIN = "gapless materialize plays --partition 2024-01-01"


def data_files(store: PolarsParquetIOManager) -> set[Path]:
    return set(Path(store.base_dir).rglob("*.parquet"))


def history(desk, key="2024-01-01"):
    return desk.store.commits(desk.asset, {}, key)


def restore(desk, record, run_id="restoring"):
    key = record.partition
    output = replace(desk.output(*([key] if key else [])), run_id=run_id)
    return desk.store.restore(output, record)


def test_it_keeps_versions(store):
    assert keeps_versions(store)


def test_every_commit_of_a_partition_is_known_newest_first(plays, day):
    for value in (1, 2, 3):
        plays.write("2024-01-01", day(1, value))
        plays.write("2024-01-02", day(2, value))
    records = history(plays)
    assert [record.number for record in records] == [5, 3, 1]
    assert [record.restorable for record in records] == [True] * 3
    assert len({record.version for record in records}) == 3
    assert all(record.columns == {"at": "VARCHAR", "n": "BIGINT"} for record in records)
    assert [record.number for record in plays.store.commits(plays.asset, {}, "2024-01-01", limit=2)] == [5, 3]
    assert plays.store.commits(plays.asset, {}, "2024-02-02") == []


def test_a_commit_keeps_what_it_was_made_from(plays, day):
    provenance = Provenance("v7", {"raw": InputVersion(2, "d2-00")})
    plays.store.commit([plays.store.stage(plays.output("2024-01-01", provenance=provenance), day(1, 4))])
    (record,) = history(plays)
    assert (record.code_version, record.inputs, record.rows) == ("v7", {"raw": InputVersion(2, "d2-00")}, 1)
    assert plays.store.committed(plays.asset, {})["2024-01-01"] == record


def test_what_the_user_calls_the_data_is_its_version(plays, day):
    provenance = Provenance(data_version="delivery 12")
    (outcome,) = plays.store.commit([plays.store.stage(plays.output("2024-01-01", provenance=provenance), day(1, 4))])
    assert outcome.versions == {"2024-01-01": "delivery 12"}


def test_equal_rows_have_an_equal_version_whatever_store_holds_them(plays, day, desk, tmp_path):
    from gapless.storage.duckdb.store import DuckDBPolarsIOManager

    ours = plays.write("2024-01-01", day(1, 3, 1, 2))
    again = plays.write("2024-01-01", day(1, 1, 2, 3))
    database = DuckDBPolarsIOManager(tmp_path / "db.duckdb")
    theirs = desk(of=database).write("2024-01-01", day(1, 1, 2, 3))
    database.close()
    assert ours.versions == again.versions == theirs.versions


def test_a_version_is_restored_without_copying_it(plays, day):
    plays.write("2024-01-01", day(1, 1, 1))
    plays.write("2024-01-01", day(1, 2))
    files = data_files(plays.store)
    outcome = restore(plays, history(plays)[1])
    assert isinstance(outcome, Committed)
    assert outcome.rows == {"2024-01-01": 2}
    assert plays.read("2024-01-01")["n"].to_list() == [1, 1]
    assert data_files(plays.store) == files
    newest = history(plays)[0]
    assert (newest.number, newest.run_id, newest.version) == (3, "restoring", history(plays)[2].version)
    assert [(r.partition, r.rows) for r in plays.store.commit_records(["restoring"])] == [("2024-01-01", 2)]


def test_a_wipe_can_be_taken_back(plays, day):
    plays.write("2024-01-01", day(1, 5))
    assert plays.store.wipe(plays.output("2024-01-01")) == 1
    assert plays.read("2024-01-01").height == 0
    assert isinstance(restore(plays, history(plays)[0]), Committed)
    assert plays.read("2024-01-01")["n"].to_list() == [5]


def test_a_version_with_fewer_columns_is_restored_as_the_table_is_now(plays, day):
    plays.write("2024-01-01", day(1, 1))
    plays.write("2024-01-01", day(1, 2, extra=1.5))
    plays.write("2024-01-02", day(2, 3, extra=2.5))
    restore(plays, history(plays)[1])
    assert plays.read("2024-01-01", "2024-01-02").rows() == [("2024-01-01", 1, None), ("2024-01-02", 3, 2.5)]


def test_a_version_whose_columns_do_not_fit_any_more_is_refused(plays, day):
    plays.write("2024-01-01", day(1, 1))
    plays.store.wipe(plays.output("2024-01-01"))
    plays.write("2024-01-02", day(2, "text"))
    outcome = restore(plays, history(plays)[0])
    assert isinstance(outcome, Refused)
    assert str(pickle.loads(pickle.dumps(outcome.error))) == (
        "asset 'plays', partition '2024-01-01': commit 1 cannot be restored, because its columns do not fit the table"
        f" {plays.store.base_dir}/plays: column 'n' is VARCHAR in the table and BIGINT in that version. Nothing was"
        " replaced.\n    at  VARCHAR\n  ~ n   VARCHAR → BIGINT\nRows are restored as they were. Choose a version"
        f" with the table's columns: {HISTORY}; or make the partition again: {AGAIN}"
    )


def test_a_strict_table_takes_back_only_its_own_columns(plays, day):
    plays.write("2024-01-01", day(1, 5, extra="x"))
    plays.store.wipe(plays.output("2024-01-01"))
    plays.write("2024-01-01", day(1, 6))
    plays.write("2024-01-02", day(2, 6))
    manifest = plays.store._table(plays.asset).log.current()
    columns = {name: kind for name, kind in manifest.columns.items() if name != "extra"}
    plays.store._table(plays.asset).log.append(next_entry(manifest, columns=columns))
    before = plays.store.files("plays")

    target = plays.output("2024-01-01", schema_policy=SchemaPolicy.STRICT)
    outcome = plays.store.restore(target, history(plays)[-1])

    assert isinstance(outcome, Refused)
    assert "column 'extra' is not in the table" in str(outcome.error)
    assert str(outcome.error).endswith('; to take its columns, too, declare schema_policy="evolve" on the asset')
    assert plays.store.files("plays") == before


def test_a_version_that_is_gone_is_told(tmp_path, desk, day):
    plays = desk(of=PolarsParquetIOManager(tmp_path / "forgetful", keep_versions=0))
    plays.write("2024-01-01", day(1, 1))
    plays.write("2024-01-01", day(1, 2))
    assert [record.restorable for record in history(plays)] == [True, False]
    outcome = restore(plays, history(plays)[1])
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, VersionGoneError)
    assert "the rows of commit 1 are not kept any more" in str(outcome.error)


def test_what_is_kept_for_no_time_is_deleted_with_the_commit(tmp_path, desk, day):
    store = PolarsParquetIOManager(tmp_path / "forgetful", keep_versions=0)
    plays = desk(of=store)
    plays.write("2024-01-01", day(1, 1))
    plays.write("2024-01-01", day(1, 2))
    assert len(data_files(store)) == 1
    store.wipe(plays.output("2024-01-01"))
    assert data_files(store) == set()


def test_what_was_kept_for_long_enough_is_collected(plays, day):
    for value in (1, 2, 3):
        plays.write("2024-01-01", day(1, value))
    (soon,) = plays.store.compact(NOW + timedelta(days=6))
    assert (len(data_files(plays.store)), soon.detail) == (3, "nothing to do")
    (later,) = plays.store.compact(NOW + timedelta(days=8))
    assert len(data_files(plays.store)) == 1
    assert later.detail == "2 old versions collected"
    assert later.bytes_after < later.bytes_before
    assert [record.restorable for record in history(plays)] == [True, False, False]
    assert plays.read("2024-01-01")["n"].to_list() == [3]


@pytest.mark.parametrize("days", [-30, 30])
def test_a_clock_that_is_wrong_for_a_commit_lets_nothing_go(days, plays, day, monkeypatch):
    """It is wrong for the third of four commits; each looks for what has been kept for long enough."""
    plays.write("2024-01-01", day(1, 1))
    plays.write("2024-01-01", day(1, 2))
    with monkeypatch.context() as wrong:
        wrong.setattr("time.time_ns", lambda: int((NOW + timedelta(days=days)).timestamp() * 1e9))
        plays.write("2024-01-01", day(1, 3))
    plays.write("2024-01-01", day(1, 4))
    assert [record.restorable for record in history(plays)] == [True] * 4
    assert len(data_files(plays.store)) == 4


def test_on_a_full_disk_what_was_kept_for_long_enough_is_collected_all_the_same(plays, day):
    """The size of files is bounded instead: to the system that is the same kind of refusal."""
    for number in (1, 2, 3, 1):
        plays.write(f"2024-01-{number:02}", day(number, *random.Random(number).sample(range(2**60), 1000)))
    sizes = [path.stat().st_size for path in data_files(plays.store)]
    limits, signalled = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes) + 1000, limits[1]))
        (report,) = plays.store.compact(NOW + timedelta(days=8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, signalled)
    assert report.detail == "1 old versions collected"
    assert [type(error) for error in report.failures] == [DiskFullError]
    assert len(data_files(plays.store)) == 3
    assert plays.read("2024-01-01", "2024-01-02", "2024-01-03").height == 3000
    assert plays.store.compact(NOW + timedelta(days=8))[0].detail == "3 of 3 files packed"


def test_a_restored_file_outlives_the_time_of_its_first_commit(plays, day):
    plays.write("2024-01-01", day(1, 1))
    plays.write("2024-01-01", day(1, 2))
    restore(plays, history(plays)[1])
    plays.store.compact(NOW + timedelta(days=30))
    assert plays.read("2024-01-01")["n"].to_list() == [1]


def test_commits_are_in_order_though_the_clock_goes_backwards(plays, day, tmp_path):
    plays.write("2024-01-01", day(1, 1))
    log = Path(plays.store.base_dir, "plays", "_gapless", f"{1:020}.json")
    ahead = int((NOW + timedelta(days=1)).timestamp() * 1e6)
    text = log.read_text()
    known = history(plays)[0]
    log.write_text(text.replace(str(int(known.committed_at.timestamp() * 1e6)), str(ahead)))
    other = PolarsParquetIOManager(plays.store.base_dir)
    output = plays.output("2024-01-01")
    (outcome,) = other.commit([other.stage(output, day(1, 2))])
    assert isinstance(outcome, Committed)
    newest, oldest = other.commits(plays.asset, {}, "2024-01-01")
    assert newest.committed_at > oldest.committed_at
    assert newest.number > oldest.number
    assert plays.read("2024-01-01")["n"].to_list() == [2]


def test_a_table_that_was_stored_whole_has_no_partitions(plays, desk, day):
    whole = desk(StaticPartitionsDefinition(["a"]), None)
    (outcome,) = plays.store.commit(
        [plays.store.stage(replace(whole.output(), slices=(PartitionSlice(None),)), day(1))]
    )
    assert isinstance(outcome, Committed)
    error = plays.refusal("2024-01-01", day(1, 1))
    assert isinstance(error, StoredWholeError)
    assert "gapless wipe plays" in str(error)
    with pytest.raises(StoredWholeError):
        plays.read("2024-01-01")
    plays.store.wipe(replace(plays.output(), slices=()))
    plays.write("2024-01-01", day(1, 1))


@settings(max_examples=20)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["put", "wipe", "restore", "compact"]), st.integers(1, 3), st.integers(0, 9)),
        max_size=12,
    )
)
def test_a_store_is_a_mapping_with_a_memory(tmp_path_factory, steps):
    from storage_desk import Desk

    store = PolarsParquetIOManager(tmp_path_factory.mktemp("store"))
    plays = Desk(store, DailyPartitionsDefinition("2024-01-01"), "at")
    now: dict[str, int] = {}
    past: dict[str, list[int]] = {}
    for what, number, value in steps:
        key = f"2024-01-{number:02}"
        if what == "put":
            plays.write(key, pl.DataFrame({"at": [key], "n": [value]}))
            now[key] = value
            past.setdefault(key, []).insert(0, value)
        elif what == "wipe":
            assert store.wipe(plays.output(key)) == (key in now)
            now.pop(key, None)
        elif what == "restore" and past.get(key):
            at = value % len(past[key])
            assert isinstance(restore(plays, history(plays, key)[at]), Committed)
            now[key] = past[key][at]
            past[key].insert(0, now[key])
        elif what == "compact":
            store.compact(NOW)
    for number in (1, 2, 3):
        key = f"2024-01-{number:02}"
        assert len(history(plays, key)) == len(past.get(key, []))
        if past:
            assert plays.read(key)["n"].to_list() == ([now[key]] if key in now else [])
    assert {key: record.rows for key, record in store.committed(plays.asset, {}).items()} == dict.fromkeys(now, 1)
