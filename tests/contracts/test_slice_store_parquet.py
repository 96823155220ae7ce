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


class TestParquetStoreInMemory(SliceStoreContract):
    @pytest.fixture
    def store(self) -> Iterator[PolarsParquetIOManager]:
        store = PolarsParquetIOManager(f"memory://{uuid.uuid4().hex}/parquet")
        yield store
        store.close()


@pytest.fixture(scope="module")
def bucket(s3_server: S3Server) -> str:
    return s3_server.new_bucket()


class TestParquetStoreOnS3(SliceStoreContract):
    @pytest.fixture
    def store(self, s3_server: S3Server, bucket: str) -> Iterator[PolarsParquetIOManager]:
        url = f"s3://{bucket}/{uuid.uuid4().hex}"
        store = PolarsParquetIOManager(url, storage_options=s3_server.storage_options)
        yield store
        store.close()
