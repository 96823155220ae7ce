"""What every slice store must keep, as tests to run it through.

class TestMyStore(SliceStoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        store = MyStore(tmp_path)
        yield store
        store.close()
"""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.storage.slices import Committed, InputSlices, OutputSlices, PartitionSlice, Refused, SliceStore
from gapless.testing.slice_store_desk import DAILY_VALUES, day_slice
from gapless.testing.slice_store_history import SliceStoreHistory
from gapless.testing.slice_store_policies import SliceStorePolicies

__all__ = ["DAILY_VALUES", "SliceStoreContract", "day_slice"]


class SliceStoreContract(SliceStorePolicies, SliceStoreHistory):
    """Subclass it and give it a fixture ``store``: an empty store."""

    @pytest.mark.parametrize("kind", DAILY_VALUES)
    def test_a_slice_made_again_replaces_its_own_rows_and_no_others(self, store: SliceStore, kind: str) -> None:
        for mark, day in enumerate((0, 1, 2, 1)):
            (outcome,) = self.put(store, (self.output(day), self.frame(day, kind=kind, mark=mark)))
            assert isinstance(outcome, Committed), outcome
        assert [self.marks(store, day) for day in range(3)] == [[0] * 3, [3] * 3, [2] * 3]

    @pytest.mark.parametrize("kind", DAILY_VALUES)
    def test_a_group_is_as_good_as_its_members_one_by_one(self, store: SliceStore, kind: str) -> None:
        days = (4, 0, 2, 1)
        for mark in (1, 2):
            outcomes = self.put(store, *((self.output(d), self.frame(d, kind=kind, mark=mark, rows=d)) for d in days))
            assert [dict(o.rows) for o in outcomes if isinstance(o, Committed)] == [{day_slice(d).key: d} for d in days]
        assert [len(self.marks(store, d)) for d in range(5)] == [0, 1, 2, 0, 4]
        assert set(self.marks(store, 0, 1, 2, 3, 4)) == {2}

    @pytest.mark.parametrize("kind", DAILY_VALUES)
    def test_rows_of_another_partition_are_refused_and_nothing_is_replaced(self, store: SliceStore, kind: str) -> None:
        self.put(store, (self.output(0), self.frame(0, kind=kind)), (self.output(1), self.frame(1, kind=kind)))
        bad = self.frame(0, 1, kind=kind, mark=9)
        (outcome,) = self.put(store, (self.output(0), bad))
        assert isinstance(outcome, Refused)
        assert "3 of 6 rows" in str(outcome.error)
        assert self.marks(store, 0, 1) == [0] * 6

    def test_a_bad_slice_in_a_group_fails_alone(self, store: SliceStore) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0)))
        outcomes = self.put(
            store,
            (self.output(1), self.frame(1, mark=1)),
            (self.output(2), self.frame(3)),
            (self.output(3), self.frame(3).with_columns(n=pl.lit("three"))),
            (self.output(0), self.frame(0, mark=1)),
        )
        assert [type(outcome) for outcome in outcomes] == [Committed, Refused, Refused, Committed]
        assert [self.marks(store, day) for day in range(4)] == [[1] * 3, [1] * 3, [], []]

    def test_one_value_may_hold_several_partitions(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        (outcome,) = self.put(store, (self.output(0, 1, 2), self.frame(2, 0, rows=2, mark=5)))
        assert isinstance(outcome, Committed)
        assert list(outcome.rows.items()) == [("2024-01-01", 2), ("2024-01-02", 0), ("2024-01-03", 2)]
        assert [len(self.marks(store, day)) for day in range(3)] == [2, 0, 2]

    def test_rows_outside_all_partitions_of_a_value_are_refused(self, store: SliceStore) -> None:
        (outcome,) = self.put(store, (self.output(0, 1), self.frame(0, 1, 5)))
        assert isinstance(outcome, Refused)
        assert "3 of 9 rows" in str(outcome.error)

    def test_an_empty_frame_is_a_partition_without_rows(self, store: SliceStore) -> None:
        (first,) = self.put(store, (self.output(0), self.frame(0).clear()))
        assert isinstance(first, Committed)
        assert first.rows == {"2024-01-01": 0}
        assert store.load(self.source(0), Any).columns == ["n", "mark", "at"]
        self.put(store, (self.output(1), self.frame(1)))
        (again,) = self.put(store, (self.output(1), self.frame(1).clear()))
        assert isinstance(again, Committed)
        assert store.load(self.source(0, 1), Any).height == 0

    def test_columns_are_matched_by_name(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        (outcome,) = self.put(store, (self.output(1), self.frame(1, mark=7).select("at", "mark", "n")))
        assert isinstance(outcome, Committed)
        assert store.load(self.source(1), Any).rows() == [(n, 7, "2024-01-02") for n in range(3)]

    @pytest.mark.parametrize("how", ["a frame", "lazy", "batches", "several partitions", "a wider type", "nulls"])
    def test_names_of_columns_that_look_like_patterns_are_names(self, store: SliceStore, how: str) -> None:
        import polars as pl

        plain = self.frame(0, 1) if how == "several partitions" else self.frame(0)
        looks = ("^v$", "^.*$", "*", ".*", "(a)")
        values = [pl.Series(name, [number] * plain.height) for number, name in enumerate(looks, start=10)]
        whole = plain.with_columns(*values, pl.Series("v", [1] * plain.height))
        given: Any = whole
        if how == "lazy":
            given = whole.lazy()
        elif how == "batches":
            given = iter([whole, whole.clear().select(pl.nth(range(whole.width - 1, -1, -1)))])
        elif how == "a wider type":
            self.put(store, (self.output(0), whole.with_columns(s.cast(pl.Int8) for s in whole if s.dtype == pl.Int64)))
        elif how == "nulls":
            whole = given = whole.with_columns(pl.Series(name, [None] * plain.height) for name in looks[:3])
        days = (0, 1) if how == "several partitions" else (0,)
        (outcome,) = self.put(store, (self.output(*days), given))
        assert isinstance(outcome, Committed), outcome
        found = store.load(self.source(*days), Any)
        assert {name: found[name].to_list() for name in whole.columns} == whole.to_dict(as_series=False)
        assert store.load(self.source(*days, columns=("*", "^v$")), Any).columns == ["*", "^v$"]

    def test_an_added_column_is_null_in_older_partitions(self, store: SliceStore) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0)))
        self.put(store, (self.output(1), self.frame(1).with_columns(extra=pl.lit(1.5))))
        assert store.load(self.source(0, 1), Any)["extra"].to_list() == [None] * 3 + [1.5] * 3

    def test_a_missing_column_is_refused(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        (outcome,) = self.put(store, (self.output(0), self.frame(0, mark=1).drop("n")))
        assert isinstance(outcome, Refused)
        assert "'n'" in str(outcome.error)
        assert self.marks(store, 0) == [0] * 3

    def test_only_the_asked_for_columns_are_read(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        assert store.load(self.source(0, columns=("mark", "n")), Any).columns == ["mark", "n"]

    def test_no_slices_are_an_empty_frame_with_columns(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        frame = store.load(self.source(), Any)
        assert (frame.height, frame.columns) == (0, ["n", "mark", "at"])

    def test_no_slices_of_an_asset_that_was_never_made_are_no_rows_too(self, store: SliceStore) -> None:
        assert store.load(self.source(), Any).height == 0  # the first day of what reads its own yesterday
        self.put(store, (self.output(0), self.frame(0)))
        assert store.load(self.source(columns=("n",), asset=AssetKey("other")), Any).height == 0

    def test_an_asset_that_was_never_made_cannot_be_read(self, store: SliceStore) -> None:
        with pytest.raises(StorageError, match="never been materialized"):
            store.load(self.source(0), Any)

    def test_an_unpartitioned_asset_is_replaced_whole(self, store: SliceStore) -> None:
        import polars as pl

        output = OutputSlices(AssetKey("totals"), (PartitionSlice(None),), None, "run")
        for rows in (5, 2):
            (outcome,) = self.put(store, (output, pl.DataFrame({"n": range(rows)})))
            assert isinstance(outcome, Committed)
            assert outcome.rows == {None: rows}
        whole = InputSlices(AssetKey("totals"), (PartitionSlice(None),), None)
        assert store.load(whole, Any)["n"].to_list() == [0, 1]

    @pytest.mark.parametrize("key", ["it's", 'a "b"', "eu|2024", "ü–日本", "'; drop table plays; --", "%", "a\\b"])
    def test_keys_and_columns_are_only_data(self, store: SliceStore, key: str) -> None:
        import polars as pl

        output = OutputSlices(AssetKey("odd"), (PartitionSlice(key),), key, "run")
        for _ in range(2):
            (outcome,) = self.put(store, (output, pl.DataFrame({key: [key, key], "n": [1, 2]})))
            assert isinstance(outcome, Committed), outcome
        read = store.load(InputSlices(AssetKey("odd"), (PartitionSlice(key),), key), Any)
        assert read.to_dict(as_series=False) == {key: [key, key], "n": [1, 2]}
        assert [record.partition for record in store.commit_records(["run"])] == [key]

    def test_commit_records_tell_the_latest_commit_of_each_partition(self, store: SliceStore) -> None:
        assert store.commit_records(["one", "two"]) == []
        self.put(store, (self.output(0, run_id="one"), self.frame(0)), (self.output(1, run_id="one"), self.frame(1)))
        self.put(store, (self.output(1, run_id="one"), self.frame(1, rows=5)))
        self.put(store, (self.output(0, run_id="two"), self.frame(9)))
        assert [(r.asset, r.partition, r.run_id, r.rows) for r in store.commit_records(["one", "two"])] == [
            (self.asset, "2024-01-01", "one", 3),
            (self.asset, "2024-01-02", "one", 5),
        ]
        assert store.commit_records(["three"]) == []
        assert all(record.committed_at.tzinfo is not None for record in store.commit_records(["one"]))

    def test_what_is_committed_is_the_newest_commit_of_each_partition(self, store: SliceStore) -> None:
        assert store.committed(self.asset, {}) == {}
        self.put(store, (self.output(0, run_id="one"), self.frame(0)), (self.output(1, run_id="one"), self.frame(1)))
        self.put(store, (self.output(1, run_id="two"), self.frame(1, rows=5)))
        self.put(store, (self.output(2, run_id="two"), self.frame(9)))  # refused
        found = store.committed(self.asset, {})
        assert {key: (r.asset, r.partition, r.run_id, r.rows) for key, r in found.items()} == {
            "2024-01-01": (self.asset, "2024-01-01", "one", 3),
            "2024-01-02": (self.asset, "2024-01-02", "two", 5),
        }
        assert all(record.committed_at.tzinfo is not None for record in found.values())
        assert store.committed(AssetKey("other"), {}) == {}
        store.wipe(self.output(0))
        assert store.committed(self.asset, {}).keys() == {"2024-01-02"}

    def test_an_asset_made_whole_holds_none_of_its_earlier_partitions(self, store: SliceStore) -> None:
        whole = OutputSlices(self.asset, (PartitionSlice(None),), None, "run")
        self.put(store, (self.output(0), self.frame(0)))
        self.put(store, (whole, self.frame(0, 1)))
        assert store.committed(self.asset, {}).keys() == {None}

    def test_a_store_is_empty_until_something_is_committed_and_asking_creates_nothing(self, store: SliceStore) -> None:
        assert store.is_empty()
        assert (store.committed(self.asset, {}), store.commit_records(["run"])) == ({}, [])
        assert store.is_empty()
        self.put(store, (self.output(0), self.frame(0)))
        store.close()
        assert not store.is_empty()

    def test_a_partition_is_never_the_whole_table(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)), (self.output(1), self.frame(1)))
        output = replace(self.output(0), partition_expr=None)
        with pytest.raises(StorageError, match="partition_expr"):
            store.stage(output, self.frame(0, mark=9))
        with pytest.raises(StorageError, match="partition_expr"):
            store.load(replace(self.source(0), partition_expr=None), Any)
        with pytest.raises(StorageError, match="partition_expr"):
            store.wipe(output)
        assert self.marks(store, 0, 1) == [0] * 6

    def test_a_frame_without_columns_replaces_nothing(self, store: SliceStore) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0)))
        with pytest.raises(StorageError, match="columns and no rows"):
            store.stage(self.output(0), pl.DataFrame())
        assert self.marks(store, 0) == [0] * 3

    def test_wiping_slices_leaves_the_others(self, store: SliceStore) -> None:
        assert store.wipe(self.output(0)) == 0
        self.put(store, *((self.output(day), self.frame(day)) for day in range(3)))
        assert store.wipe(self.output(0, 2)) == 6
        assert [len(self.marks(store, day)) for day in range(3)] == [0, 3, 0]
        assert [record.partition for record in store.commit_records(["run"])] == ["2024-01-02"]

    def test_a_closed_store_opens_again_on_demand(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        store.yield_turn()
        store.close()
        store.close()
        self.put(store, (self.output(1), self.frame(1)))
        assert len(self.marks(store, 0, 1)) == 6
