"""IO managers keep the contract: ours, and one of a user's of each kind."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gapless.partitions import MultiPartitionKey, PartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.filesystem.manager import FilesystemIOManager
from gapless.storage.in_memory import InMemoryIOManager
from gapless.storage.io_manager import IOManager
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.upath_io_manager import UPathIOManager
from gapless.testing.io_manager import IOManagerContract


class TestFilesystem(IOManagerContract):
    kills = 2

    def make_manager(self, folder: Path) -> FilesystemIOManager:
        return FilesystemIOManager(folder)


class TestFilesystemInAnObjectStore(IOManagerContract):
    crash_safe = False  # the store of this test is memory

    def make_manager(self, folder: Path) -> FilesystemIOManager:
        pytest.importorskip("fsspec")
        return FilesystemIOManager(f"memory://{folder}")


class TestInMemory(IOManagerContract):
    persistent = False

    def make_manager(self, folder: Path) -> InMemoryIOManager:
        return InMemoryIOManager()

    def unstorable(self) -> Any:
        pytest.skip("memory keeps anything")


class JsonFiles(UPathIOManager):
    extension = ".json"

    def dump_to_path(self, context: Any, obj: Any, path: Any) -> None:
        with path.open("w") as file:
            json.dump(obj, file)

    def load_from_path(self, context: Any, path: Any) -> Any:
        return json.loads(path.read_text())


class TestPathsOfAUser(IOManagerContract):
    kills = 2
    odd_keys = tuple(key for key in IOManagerContract.odd_keys if len(key) < 100)  # names of files are not longer

    def make_manager(self, folder: Path) -> JsonFiles:
        return JsonFiles(base_path=folder)


class Tables(IOManagerContract):
    """Values are frames, and a column tells the partition."""

    bulk = 200_000
    kills = 1

    def value(self, n: int, key: str | None, size: int = 1) -> Any:
        import polars as pl

        table: dict[str, Any] = {"n": [n] * size, "key": [key or "whole"] * size, "other": ["-"] * size}
        if isinstance(key, MultiPartitionKey):
            table |= {name: [part] * size for name, part in key.keys_by_dimension.items()}
        return pl.DataFrame(table)

    def metadata(self, definition: PartitionsDefinition | None) -> Mapping[str, Any]:
        by_dimension = definition is not None and definition.dimensions
        return {"partition_expr": {name: name for name in definition.dimensions} if by_dimension else "key"}

    def several(self, values: Mapping[str, Any]) -> Any:
        import polars as pl

        return pl.concat(values.values())

    def unstorable(self) -> Any:
        return "no frame"

    def values_equal(self, loaded: Any, stored: Any) -> bool:
        return bool(loaded.select(stored.columns).sort(stored.columns).equals(stored.sort(stored.columns)))


class TestDuckDB(Tables):
    def make_manager(self, folder: Path) -> DuckDBPolarsIOManager:
        return DuckDBPolarsIOManager(folder / "db.duckdb")


class TestParquet(Tables):
    def make_manager(self, folder: Path) -> PolarsParquetIOManager:
        return PolarsParquetIOManager(folder / "parquet")


# --- the kit finds what is wrong, and says it


class Careless(IOManager):
    """Makes most of the mistakes that can be made."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _path(self, context: Any) -> Path:
        return self.folder / context.asset_key.path[-1]

    def handle_output(self, context: Any, obj: Any) -> None:
        with self._path(context).open("w") as file:
            json.dump(obj, file)

    def load_input(self, context: Any) -> Any:
        path = self._path(context)
        return json.loads(path.read_text()) if path.exists() else None


class CarelessContract(IOManagerContract):
    def make_manager(self, folder: Path) -> Careless:
        return Careless(folder)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("test_partitions_do_not_mix", r"partition 'a' of warehouse/plays is not what was stored: another partition"),
        ("test_assets_do_not_mix", r"another asset was stored in the same place"),
        ("test_storing_one_partition_leaves_the_others", r"only 2024-01-03 was stored again"),
        ("test_what_cannot_be_stored_leaves_the_old_value", r"after it had removed or overwritten the old one"),
        ("test_what_was_never_stored_cannot_be_loaded", r"it was never stored\. But load_input gave None"),
        ("test_dimensions_do_not_mix", r"another combination was stored in the same place"),
        ("test_several_partitions_in_one_call", r"stored together with others"),
    ],
)
def test_the_kit_says_what_a_manager_does_wrong(test, said, tmp_path):
    contract = CarelessContract()
    with pytest.raises((AssertionError, pytest.fail.Exception), match=said):
        getattr(contract, test)(contract.make_manager(tmp_path))


def test_the_kit_finds_a_manager_that_a_kill_leaves_with_half_a_value(tmp_path):
    with pytest.raises(AssertionError, match=r"the process was killed while it stored value \d+"):
        HalfWritten().test_kill_9_leaves_the_old_value_or_the_new_one(tmp_path)


class HalfWritten(CarelessContract):
    kills = 8
    bulk = 2_000_000


def test_the_kit_passes_over_what_is_not_promised(tmp_path):
    class Modest(CarelessContract):
        persistent = takes_several = takes_dimensions = crash_safe = False

    contract, manager = Modest(), Careless(tmp_path)
    for test in (
        lambda: contract.test_several_partitions_in_one_call(manager),
        lambda: contract.test_dimensions_do_not_mix(manager),
        lambda: contract.test_values_outlive_the_manager(manager, tmp_path),
        lambda: contract.test_kill_9_leaves_the_old_value_or_the_new_one(tmp_path),
        lambda: contract.test_wiping_deletes_what_is_named_and_nothing_else(manager),
    ):
        with pytest.raises(pytest.skip.Exception):
            test()
