"""What a slice store remembers of its commits, and what it can give back: a part of its tests."""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from gapless.asset_key import AssetKey
from gapless.storage.slices import (
    Committed,
    InputVersion,
    Provenance,
    Refused,
    SliceStore,
    keeps_versions,
)
from gapless.testing.slice_store_desk import SliceStoreDesk, day_slice

__all__ = ["SliceStoreHistory"]

_LATER = datetime(2100, 1, 1, tzinfo=UTC)


class SliceStoreHistory(SliceStoreDesk):
    """Tests of commit records, content hashes, compaction, restoring and wiping."""

    def test_the_newest_commit_knows_what_it_holds(self, store: SliceStore) -> None:
        provenance = Provenance(code_version="7", inputs={"raw/plays": InputVersion(2, "abc")})
        (outcome,) = self.put(store, (self.output(0, run_id="one", provenance=provenance), self.frame(0)))
        assert isinstance(outcome, Committed)
        record = store.committed(self.asset, {})["2024-01-01"]
        assert (record.run_id, record.rows, record.code_version) == ("one", 3, "7")
        assert dict(record.inputs) == {"raw/plays": InputVersion(2, "abc")}
        assert record.nbytes > 0
        assert dict(record.columns) == dict(outcome.columns)
        assert list(record.columns) == ["n", "mark", "at"]
        assert record.version == outcome.versions["2024-01-01"]

    def test_commits_of_a_partition_are_listed_newest_first(self, store: SliceStore) -> None:
        for number, run in enumerate(("one", "two", "three")):
            self.put(
                store,
                (self.output(0, run_id=run), self.frame(0, rows=number + 1)),
                (self.output(1, run_id=run), self.frame(1)),
            )
        (refused,) = self.put(store, (self.output(0, run_id="four"), self.frame(5)))
        assert isinstance(refused, Refused)
        found = store.commits(self.asset, {}, "2024-01-01")
        assert [(each.run_id, each.rows) for each in found] == [("three", 3), ("two", 2), ("one", 1)]
        assert [each.run_id for each in store.commits(self.asset, {}, "2024-01-01", limit=2)] == ["three", "two"]
        assert {each.partition for each in found} == {"2024-01-01"}
        assert store.commits(self.asset, {}, "2024-01-09") == []
        assert store.commits(AssetKey("other"), {}, "2024-01-01") == []

    def test_commits_of_an_unpartitioned_asset_are_listed_too(self, store: SliceStore) -> None:
        for run in ("one", "two"):
            self.put(store, (self.whole(run_id=run), self.frame(0)))
        assert [each.run_id for each in store.commits(self.asset, {}, None)] == ["two", "one"]

    def test_equal_rows_have_equal_versions_and_others_have_others(self, store: SliceStore) -> None:
        def version(mark: int, *days: int) -> str | None:
            (outcome,) = self.put(store, (self.output(*days), self.frame(*days, mark=mark)))
            assert isinstance(outcome, Committed), outcome
            assert list(outcome.versions) == [day_slice(day).key for day in days]
            return outcome.versions["2024-01-01"]

        first = version(0, 0)
        assert first
        assert version(1, 0) != first
        assert version(0, 0) == first
        assert version(0, 0, 1) == first, "the same rows, committed together with another partition"

    @pytest.mark.parametrize("change", ["a value", "a null", "a name", "a row twice", "no rows"])
    def test_a_small_change_is_another_version(self, store: SliceStore, change: str) -> None:
        import polars as pl

        frame = self.frame(0)
        changed = {
            "a value": frame.with_columns(n=pl.when(pl.col("n") == 1).then(7).otherwise(pl.col("n"))),
            "a null": frame.with_columns(n=pl.when(pl.col("n") == 1).then(None).otherwise(pl.col("n"))),
            "a name": frame.with_columns(extra=pl.col("n")).drop("n"),
            "a row twice": pl.concat([frame, frame.head(1)]),
            "no rows": frame.clear(),
        }[change]
        versions: list[str] = []
        for value in (frame, changed):
            asset = AssetKey(["warehouse", f"plays_{len(versions)}"])
            (outcome,) = self.put(store, (self.output(0, asset=asset), value))
            assert isinstance(outcome, Committed), outcome
            versions.append(outcome.versions["2024-01-01"])
        assert versions[0] != versions[1]

    def test_a_version_may_be_called_by_the_user(self, store: SliceStore) -> None:
        output = self.output(0, provenance=Provenance(data_version="tuesday"))
        (outcome,) = self.put(store, (output, self.frame(0)))
        assert isinstance(outcome, Committed)
        assert outcome.versions == {"2024-01-01": "tuesday"}
        assert store.committed(self.asset, {})["2024-01-01"].version == "tuesday"

    def test_compacting_changes_nothing_that_can_be_read(self, store: SliceStore) -> None:
        for mark in range(4):
            self.put(store, *((self.output(day), self.frame(day, mark=mark)) for day in range(8)))
        store.wipe(self.output(7))
        before = store.committed(self.asset, {})
        for one in store.compact(_LATER):
            assert one.place, "compact tells which file or folder it speaks of"
            assert min(one.bytes_before, one.bytes_after) > 0
        assert [self.marks(store, day) for day in range(8)] == [[3] * 3] * 7 + [[]]
        assert {key: each.version for key, each in store.committed(self.asset, {}).items()} == {
            key: each.version for key, each in before.items()
        }
        (outcome,) = self.put(store, (self.output(0), self.frame(0, mark=9)))
        assert isinstance(outcome, Committed), outcome
        assert (self.marks(store, 0), self.marks(store, 1)) == ([9] * 3, [3] * 3)

    def test_compacting_an_empty_store_does_nothing(self, store: SliceStore) -> None:
        store.compact(_LATER)
        assert store.is_empty()

    def test_a_version_can_be_restored(self, store: Any) -> None:
        if not keeps_versions(store):
            pytest.skip("the store keeps no versions")
        for mark, run in enumerate(("one", "two")):
            for day in (0, 1):
                self.put(store, (self.output(day, run_id=run), self.frame(day, mark=mark, rows=mark + 1)))
        newest, oldest = store.commits(self.asset, {}, "2024-01-01")
        assert (newest.restorable, oldest.restorable) == (True, True)
        outcome = store.restore(self.output(0, run_id="three"), oldest)
        assert isinstance(outcome, Committed), outcome
        assert dict(outcome.rows) == {"2024-01-01": 1}
        assert outcome.versions["2024-01-01"] == oldest.version
        assert (self.marks(store, 0), self.marks(store, 1)) == ([0], [1, 1])
        assert [each.run_id for each in store.commits(self.asset, {}, "2024-01-01")] == ["three", "two", "one"]
        assert store.committed(self.asset, {})["2024-01-01"].run_id == "three"
        again = store.restore(self.output(0, run_id="four"), newest)
        assert isinstance(again, Committed), again
        assert self.marks(store, 0) == [1, 1]

    def test_the_number_of_a_commit_is_never_given_again(self, store: SliceStore) -> None:
        numbers: list[int] = []
        for _ in range(3):
            self.put(store, (self.output(0), self.frame(0)))
            (record,) = store.commits(self.asset, {}, "2024-01-01", limit=1)
            numbers.append(record.number)
            store.wipe(self.output(0))
            store.compact(_LATER)
        assert numbers == sorted(set(numbers)), "numbers grow, although the newest record was wiped"

    def test_wiping_without_partitions_empties_the_table(self, store: SliceStore) -> None:
        other = AssetKey(["warehouse", "other"])
        self.put(store, *((self.output(day), self.frame(day)) for day in range(3)))
        self.put(store, (self.output(0, asset=other), self.frame(0)))
        assert store.wipe(self.whole()) == 9
        assert store.committed(self.asset, {}) == {}
        assert store.committed(other, {}).keys() == {"2024-01-01"}
        assert store.load(self.source(), Any).height == 0
        (outcome,) = self.put(store, (self.output(1), self.frame(1, mark=4)))
        assert isinstance(outcome, Committed), outcome
        assert self.all_marks(store) == [4] * 3
