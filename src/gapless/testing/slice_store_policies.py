"""What a slice store keeps about columns, rows outside, and values of several slices: a part of its tests."""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from gapless.errors import StorageError
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy
from gapless.storage.slices import Committed, Refused, SliceStore
from gapless.testing.slice_store_desk import SliceStoreDesk, day_slice

__all__ = ["SliceStorePolicies"]


class SliceStorePolicies(SliceStoreDesk):
    """Tests of splitting, of boundary and schema policies, and of staging on many threads."""

    # --- one value of several slices

    def test_a_value_is_split_into_one_for_each_slice_in_their_order(self, store: SliceStore) -> None:
        staged = store.stage(self.output(2, 0, 1), self.frame(0, 1, mark=7).sample(fraction=1.0, shuffle=True, seed=1))
        parts = store.split(staged)
        assert [part.output.slices for part in parts] == [(day_slice(day),) for day in (2, 0, 1)]
        rows = [part.rows().collect() for part in parts]
        assert [frame.height for frame in rows] == [0, 3, 3]
        assert [sorted(set(frame["at"])) for frame in rows] == [[], ["2024-01-01"], ["2024-01-02"]]
        outcomes = store.commit(parts)
        assert [dict(each.rows) for each in outcomes if isinstance(each, Committed)] == [
            {"2024-01-03": 0},
            {"2024-01-01": 3},
            {"2024-01-02": 3},
        ]
        assert [self.marks(store, day) for day in range(3)] == [[7] * 3, [7] * 3, []]

    def test_a_part_that_is_not_committed_leaves_its_partition_as_it_was(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)), (self.output(1), self.frame(1)))
        first, second = store.split(store.stage(self.output(0, 1), self.frame(0, 1, mark=1)))
        first.discard()
        first.discard()
        (outcome,) = store.commit([second])
        assert isinstance(outcome, Committed), outcome
        assert (self.marks(store, 0), self.marks(store, 1)) == ([0] * 3, [1] * 3)

    def test_rows_outside_all_slices_are_not_split(self, store: SliceStore) -> None:
        staged = store.stage(self.output(0, 1), self.frame(0, 1, 5))
        with pytest.raises(StorageError, match="3 of 9 rows"):
            store.split(staged)

    def test_what_is_staged_can_be_looked_at_before_it_is_committed(self, store: SliceStore) -> None:
        self.put(store, (self.output(0), self.frame(0)))
        (part,) = store.split(store.stage(self.output(0), self.frame(0, mark=1)))
        assert part.rows().collect().rows() == self.frame(0, mark=1).rows()
        assert self.marks(store, 0) == [0] * 3
        part.discard()

    def test_values_may_be_staged_on_many_threads(self, store: SliceStore) -> None:
        days = range(32)
        with ThreadPoolExecutor(8) as threads:
            staged = list(threads.map(lambda day: store.stage(self.output(day), self.frame(day, mark=day)), days))
        outcomes = store.commit(staged)
        assert all(isinstance(outcome, Committed) for outcome in outcomes)
        assert [self.marks(store, day) for day in days] == [[day] * 3 for day in days]

    # --- rows outside

    def test_rows_outside_are_dropped_and_counted_if_the_asset_says_so(self, store: SliceStore) -> None:
        self.put(store, (self.output(1), self.frame(1)))
        output = self.output(0, boundary_policy=BoundaryPolicy.DROP)
        (outcome,) = self.put(store, (output, self.frame(0, 1, 5, mark=1)))
        assert isinstance(outcome, Committed), outcome
        assert (dict(outcome.rows), dict(outcome.dropped)) == ({"2024-01-01": 3}, {"2024-01-01": 6})
        assert self.all_marks(store) == [0] * 3 + [1] * 3
        (clean,) = self.put(store, (output, self.frame(0)))
        assert isinstance(clean, Committed)
        assert not clean.dropped

    def test_rows_outside_are_stored_if_the_asset_says_so(self, store: SliceStore) -> None:
        output = self.output(0, boundary_policy=BoundaryPolicy.ALLOW)
        (outcome,) = self.put(store, (output, self.frame(0, 5, mark=1)))
        assert isinstance(outcome, Committed), outcome
        assert self.all_marks(store) == [1] * 6

    # --- columns

    @pytest.mark.parametrize("change", ["another column", "a wider type", "a column less"])
    def test_a_strict_asset_keeps_its_columns_and_types(self, store: SliceStore, change: str) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0)), (self.output(1), self.frame(1)))
        changed = {
            "another column": self.frame(0, mark=1).with_columns(extra=pl.lit(1)),
            "a wider type": self.frame(0, mark=1).with_columns(pl.col("n") + 0.5),
            "a column less": self.frame(0, mark=1).drop("n"),
        }[change]
        strict: dict[str, Any] = {"schema_policy": SchemaPolicy.STRICT}
        refused, kept = self.put(
            store, (self.output(0, **strict), changed), (self.output(1, **strict), self.frame(1, mark=1))
        )
        assert isinstance(refused, Refused)
        assert isinstance(kept, Committed), kept
        assert (self.marks(store, 0), self.marks(store, 1)) == ([0] * 3, [1] * 3)

    def test_a_type_is_widened_without_loss(self, store: SliceStore) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0).cast({"n": pl.Int32})))
        (outcome,) = self.put(store, (self.output(1), self.frame(1).with_columns(n=pl.lit(2**40))))
        assert isinstance(outcome, Committed), outcome
        assert store.load(self.source(0, 1), Any)["n"].to_list() == [0, 1, 2] + [2**40] * 3

    def test_a_table_begins_anew_only_if_all_of_it_is_rewritten(self, store: SliceStore) -> None:
        import polars as pl

        self.put(store, (self.output(0), self.frame(0)), (self.output(1), self.frame(1)))
        anew = self.frame(0, mark=1).select(pl.col("at"), pl.col("mark"), n=pl.lit("text"))
        replacing: dict[str, Any] = {"schema_policy": SchemaPolicy.REPLACE}
        (refused,) = self.put(store, (self.output(0, **replacing), anew))
        assert isinstance(refused, Refused)
        assert self.all_marks(store) == [0] * 6
        both = pl.concat([anew, anew.with_columns(at=pl.lit("2024-01-02"))])
        (outcome,) = self.put(store, (self.output(0, 1, **replacing), both))
        assert isinstance(outcome, Committed), outcome
        assert self.all_marks(store) == [1] * 6
        assert set(store.load(self.source(0, 1), Any)["n"]) == {"text"}
