"""The Parquet store keeps the slice store contract, in a folder and in object storage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.testing.slice_store import SliceStoreContract
from s3_server import S3Server


class TestParquetStoreInAFolder(SliceStoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[PolarsParquetIOManager]:
        store = PolarsParquetIOManager(tmp_path / "parquet")
        yield store
        store.close()


def part_of(kit: type[SliceStoreContract]) -> type[SliceStoreContract]:
    """Those tests of a kit in which a request to another storage can go another way."""
    for name in dir(kit):
        if name.startswith("test_") and name not in _PART:
            setattr(kit, name, None)
    return kit


_PART = {
    "test_a_bad_slice_in_a_group_fails_alone",
    "test_a_closed_store_opens_again_on_demand",
    "test_a_store_is_empty_until_something_is_committed_and_asking_creates_nothing",
    "test_a_type_is_widened_without_loss",
    "test_a_version_can_be_restored",
    "test_an_added_column_is_null_in_older_partitions",
    "test_an_asset_that_was_never_made_cannot_be_read",
    "test_an_empty_frame_is_a_partition_without_rows",
    "test_an_unpartitioned_asset_is_replaced_whole",
    "test_commit_records_tell_the_latest_commit_of_each_partition",
    "test_commits_of_a_partition_are_listed_newest_first",
    "test_compacting_an_empty_store_does_nothing",
    "test_compacting_changes_nothing_that_can_be_read",
    "test_one_value_may_hold_several_partitions",
    "test_values_may_be_staged_on_many_threads",
    "test_wiping_slices_leaves_the_others",
}


@part_of
class TestParquetStoreInMemory(SliceStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[PolarsParquetIOManager]:
        store = PolarsParquetIOManager(f"memory://{uuid.uuid4().hex}/parquet")
        yield store
        store.close()


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


@part_of
class TestParquetStoreOnS3(SliceStoreContract):
    @pytest.fixture
    def store(self, s3_server: S3Server, bucket: str) -> Iterator[PolarsParquetIOManager]:
        url = f"s3://{bucket}/{uuid.uuid4().hex}"
        store = PolarsParquetIOManager(url, storage_options=s3_server.storage_options)
        yield store
        store.close()
