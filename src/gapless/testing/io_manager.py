"""What every IO manager should keep, as tests to run yours through.

class TestMyIOManager(IOManagerContract):
    def make_manager(self, folder):
        return MyIOManager(folder)

A manager of tables also says what its values are: see `IOManagerContract.value` and `IOManagerContract.several`.
"""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

import inspect
import json
import os
import random
import signal
import subprocess
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gapless.asset_key import AssetKey
from gapless.partitions import (
    DailyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionsDefinition,
    StaticPartitionsDefinition,
)
from gapless.storage.input_context import InputContext
from gapless.storage.io_manager import load_value, store_value, wipes
from gapless.storage.output_context import OutputContext

__all__ = ["IOManagerContract", "write_until_killed"]

_DAYS = DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-02-01")
_PLAYS = AssetKey(["warehouse", "plays"])


class IOManagerContract:
    """Subclass it, and say how your manager is made.

    Attributes:
        expected_type: The annotation of the parameter that receives what is loaded.
        odd_keys: Partitions of one asset that must not be taken for each other; leave out what yours cannot have.
        persistent: Whether values outlive the manager that stored them.
        takes_several: Whether one call may store, or load, several partitions.
        takes_dimensions: Whether assets may be partitioned by several dimensions.
        crash_safe: Whether `kill -9` in the middle of storing leaves the old value or the new one.
        kills: How often that is tried.
        bulk: The size of the values that are being stored then; large enough to take a while.
    """

    expected_type: ClassVar[Any] = Any
    odd_keys: ClassVar[Sequence[str]] = (
        "a", "aa", "a/b", "a/b/c", "/a", "a/", "a b", " a", "a\\b", "a.b", ".a", "..", "../a", "a%2Fb", "%", "50 %",
        "a=b", "a:b", "a*", "a?", "it's", 'say "a"', "'; drop table plays; --", "é", "e\u0301", "日本", "🎈", "x" * 240,
        "日" * 100,
    )  # fmt: skip
    persistent: ClassVar[bool] = True
    takes_several: ClassVar[bool] = True
    takes_dimensions: ClassVar[bool] = True
    crash_safe: ClassVar[bool] = True
    kills: ClassVar[int] = 3
    bulk: ClassVar[int] = 300_000

    @abstractmethod
    def make_manager(self, folder: Path) -> Any:
        """A manager that stores below `folder`; asked for the same folder again, it finds what the other stored."""

    def value(self, n: int, key: str | None, size: int = 1) -> Any:
        """The `n`-th value that an asset's function might return for the partition `key`, of `size` parts."""
        return {"n": n, "key": key, "parts": [n] * size}

    def several(self, values: Mapping[str, Any]) -> Any:
        """What one call returns for several partitions, and what is loaded of several: by default a dict of them."""
        return dict(values)

    def metadata(self, definition: PartitionsDefinition | None) -> Mapping[str, Any]:
        """The metadata of an asset so partitioned: what your manager needs to be told."""
        return {}

    def unstorable(self) -> Any:
        """A value that your manager cannot store: by default one that cannot be pickled."""
        return lambda: None

    def values_equal(self, loaded: Any, stored: Any) -> bool:
        return bool(loaded == stored)

    def done_with(self, manager: Any) -> None:
        """Called when a test is done with a manager: closes it if it can be closed."""
        close = getattr(manager, "close", None)
        if callable(close):
            close()

    # --- what the tests below are made of

    @pytest.fixture
    def io_manager(self, tmp_path: Path) -> Iterator[Any]:
        manager = self.make_manager(tmp_path)
        yield manager
        self.done_with(manager)

    def output(
        self, definition: PartitionsDefinition | None, *keys: str, asset: AssetKey = _PLAYS, run_id: str = "test"
    ) -> OutputContext:
        return OutputContext(asset, definition, keys, self.metadata(definition), {}, run_id=run_id)

    def store(
        self,
        manager: Any,
        value: Any,
        definition: PartitionsDefinition | None,
        *keys: str,
        asset: AssetKey = _PLAYS,
    ) -> None:
        store_value(manager, self.output(definition, *keys, asset=asset), value)

    def load(self, manager: Any, definition: PartitionsDefinition | None, *keys: str, asset: AssetKey = _PLAYS) -> Any:
        upstream = self.output(definition, *keys, asset=asset)
        context = InputContext(
            asset,
            definition,
            keys,
            upstream_output=upstream,
            resources={},
            run_id="test",
            value_type=self.expected_type,
        )
        return load_value(manager, context)

    def assert_holds(
        self,
        manager: Any,
        n: int,
        definition: PartitionsDefinition | None,
        key: str | None,
        why: str,
        asset: AssetKey = _PLAYS,
    ) -> None:
        """The manager gives the `n`-th value for a partition; otherwise the test says what was done, and `why`."""
        what = f"partition {key!r} of {asset}" if key is not None else f"the unpartitioned {asset}"
        try:
            loaded = self.load(manager, definition, *([] if key is None else [key]), asset=asset)
        except Exception as error:
            raise AssertionError(f"{what} cannot be loaded: {why}. {type(error).__name__}: {error}") from error
        assert self.values_equal(loaded, self.value(n, key)), (
            f"{what} is not what was stored: {why}. It should be {self.value(n, key)!r}, and is {loaded!r}"
        )

    def assert_cannot_be_loaded(
        self, manager: Any, definition: PartitionsDefinition, key: str, why: str, asset: AssetKey = _PLAYS
    ) -> None:
        try:
            loaded = self.load(manager, definition, key, asset=asset)
        except Exception:  # which one is the manager's choice
            return
        raise AssertionError(
            f"partition {key!r} of {asset} must not be there: {why}. But load_input gave {loaded!r};"
            " raise an error that names the asset and the partition"
        )

    # --- the contract

    def test_what_is_stored_is_loaded(self, io_manager: Any) -> None:
        self.store(io_manager, self.value(1, "2024-01-01"), _DAYS, "2024-01-01")
        self.assert_holds(io_manager, 1, _DAYS, "2024-01-01", "load_input must give what handle_output got")

    def test_an_unpartitioned_asset_is_stored_whole(self, io_manager: Any) -> None:
        for n in (1, 2):
            self.store(io_manager, self.value(n, None), None)
            self.assert_holds(io_manager, n, None, None, "has_asset_partitions is False, so there is one value")

    def test_a_partition_stored_again_is_replaced(self, io_manager: Any) -> None:
        for n in (1, 2, 3):
            self.store(io_manager, self.value(n, "2024-01-01"), _DAYS, "2024-01-01")
            self.assert_holds(io_manager, n, _DAYS, "2024-01-01", f"it was stored {n} times; the last value counts")

    def test_partitions_do_not_mix(self, io_manager: Any) -> None:
        definition = StaticPartitionsDefinition(list(self.odd_keys))
        for n, key in enumerate(self.odd_keys):
            try:
                self.store(io_manager, self.value(n, key), definition, key)
            except Exception as error:
                raise AssertionError(
                    f"partition {key!r} cannot be stored beside {list(self.odd_keys[:n])}; a key is any text."
                    f" {type(error).__name__}: {error}"
                ) from error
        for n, key in enumerate(self.odd_keys):
            self.assert_holds(io_manager, n, definition, key, "another partition was stored in the same place")

    def test_storing_one_partition_leaves_the_others(self, io_manager: Any) -> None:
        days = [f"2024-01-{day:02}" for day in range(1, 6)]
        for day in days:
            self.store(io_manager, self.value(1, day), _DAYS, day)
        self.store(io_manager, self.value(2, days[2]), _DAYS, days[2])
        for day in days:
            self.assert_holds(io_manager, 2 if day == days[2] else 1, _DAYS, day, f"only {days[2]} was stored again")

    def test_several_partitions_in_one_call(self, io_manager: Any) -> None:
        if not self.takes_several:
            pytest.skip("the manager takes one partition in a call: takes_several = False")
        days = ["2024-01-01", "2024-01-02", "2024-01-03"]
        self.store(io_manager, self.value(1, "2024-01-04"), _DAYS, "2024-01-04")
        for n in (1, 2):
            self.store(io_manager, self.several({day: self.value(n, day) for day in days}), _DAYS, *days)
            for day in days:
                self.assert_holds(io_manager, n, _DAYS, day, "it was stored together with others, in one call")
        self.assert_holds(io_manager, 1, _DAYS, "2024-01-04", "others were stored, in one call")
        loaded, expected = self.load(io_manager, _DAYS, *days), self.several({day: self.value(2, day) for day in days})
        assert self.values_equal(loaded, expected), f"three partitions at once are {loaded!r}, not {expected!r}"

    def test_dimensions_do_not_mix(self, io_manager: Any) -> None:
        if not self.takes_dimensions:
            pytest.skip("the manager takes no dimensions: takes_dimensions = False")
        definition = MultiPartitionsDefinition(
            {"first": StaticPartitionsDefinition(["a", "ab", "a/b"]), "second": StaticPartitionsDefinition(["b", "bc"])}
        )
        keys = [definition.key_at(ordinal) for ordinal in range(6)]
        assert all(isinstance(key, MultiPartitionKey) for key in keys)
        for n, key in enumerate(keys):
            self.store(io_manager, self.value(n, key), definition, key)
        for n, key in enumerate(keys):
            self.assert_holds(io_manager, n, definition, key, "another combination was stored in the same place")

    def test_assets_do_not_mix(self, io_manager: Any) -> None:
        definition = StaticPartitionsDefinition(["b", "c"])
        whole = [AssetKey("a"), AssetKey(["a", "b"]), AssetKey(["b", "a"]), AssetKey("b")]
        by_key = [AssetKey(["parted", "a"]), AssetKey(["parted", "a", "x"]), AssetKey("parted")]
        for n, asset in enumerate(whole):
            self.store(io_manager, self.value(n, None), None, asset=asset)
        for n, asset in enumerate(by_key):
            self.store(io_manager, self.value(n, "b"), definition, "b", asset=asset)
        for n, asset in enumerate(whole):
            self.assert_holds(io_manager, n, None, None, "another asset was stored in the same place", asset)
        for n, asset in enumerate(by_key):
            self.assert_holds(io_manager, n, definition, "b", "another asset was stored in the same place", asset)

    def test_what_cannot_be_stored_leaves_the_old_value(self, io_manager: Any) -> None:
        self.store(io_manager, self.value(1, "2024-01-01"), _DAYS, "2024-01-01")
        raised = False
        try:
            self.store(io_manager, self.unstorable(), _DAYS, "2024-01-01")
        except Exception:
            raised = True
        assert raised, (
            "handle_output did not raise for a value that it cannot store, so the partition would count as made;"
            " if it can store it, override unstorable()"
        )
        self.assert_holds(
            io_manager, 1, _DAYS, "2024-01-01", "handle_output raised, after it had removed or overwritten the old one"
        )

    def test_what_was_never_stored_cannot_be_loaded(self, io_manager: Any) -> None:
        self.store(io_manager, self.value(1, "2024-01-01"), _DAYS, "2024-01-01")
        for asset in (AssetKey("other"), AssetKey("warehouse")):
            self.assert_cannot_be_loaded(io_manager, _DAYS, "2024-01-01", "it was never stored", asset)

    def test_two_threads_may_store_two_partitions(self, io_manager: Any) -> None:
        days = ["2024-01-01", "2024-01-02"]

        def work(day: str) -> None:
            for n in range(10):
                self.store(io_manager, self.value(n, day), _DAYS, day)
                self.assert_holds(io_manager, n, _DAYS, day, "another thread stored another partition meanwhile")

        with ThreadPoolExecutor(2) as threads:
            list(threads.map(work, days))

    def test_values_outlive_the_manager(self, io_manager: Any, tmp_path: Path) -> None:
        if not self.persistent:
            pytest.skip("values live as long as the manager: persistent = False")
        self.store(io_manager, self.value(1, "2024-01-01"), _DAYS, "2024-01-01")
        self.done_with(io_manager)
        other = self.make_manager(tmp_path)
        try:
            self.assert_holds(other, 1, _DAYS, "2024-01-01", "a new manager of the same folder must find it")
        finally:
            self.done_with(other)

    def test_wiping_deletes_what_is_named_and_nothing_else(self, io_manager: Any) -> None:
        if not wipes(io_manager) or hasattr(io_manager, "stage"):
            pytest.skip("the manager has no wipe(context), so `gapless wipe` does not touch its data")
        definition = StaticPartitionsDefinition(["a", "a/b", "b"])
        other = AssetKey([*_PLAYS.parts, "more"])
        for key in ("a", "a/b", "b"):
            self.store(io_manager, self.value(1, key), definition, key)
        self.store(io_manager, self.value(1, None), None, asset=other)
        assert io_manager.wipe(self.output(definition, "a")) == 1, "wipe returns how many partitions were there"
        assert io_manager.wipe(self.output(definition, "a")) == 0, "wipe returns how many partitions were there"
        self.assert_holds(io_manager, 1, definition, "a/b", "only partition 'a' was wiped")
        assert io_manager.wipe(self.output(definition)) == 2, "without keys, wipe deletes all that the asset has"
        for key in ("a", "a/b", "b"):
            self.assert_cannot_be_loaded(io_manager, definition, key, "it was wiped")
        self.assert_holds(io_manager, 1, None, None, f"only {_PLAYS} was wiped", other)
        self.store(io_manager, self.value(2, "a"), definition, "a")
        self.assert_holds(io_manager, 2, definition, "a", "it was stored again after it was wiped")

    def test_kill_9_leaves_the_old_value_or_the_new_one(self, tmp_path: Path) -> None:
        if not (self.crash_safe and self.persistent):
            pytest.skip("not promised: crash_safe = False, or persistent = False")
        chance = random.Random(0)  # noqa: S311
        for attempt in range(self.kills):
            folder = tmp_path / str(attempt)
            folder.mkdir()
            begun = self._killed_while_storing(folder, chance.uniform(0.0, 0.05))
            manager = self.make_manager(folder)
            try:
                loaded = self.load(manager, _DAYS, "2024-01-01")
            except Exception as error:
                raise AssertionError(
                    f"the process was killed while it stored value {begun}, and now neither that nor the value before"
                    f" can be loaded. {type(error).__name__}: {error}"
                ) from error
            finally:
                self.done_with(manager)
            possible = [self.value(n, "2024-01-01", self.bulk) for n in (begun - 1, begun)]
            assert any(self.values_equal(loaded, value) for value in possible), (
                f"the process was killed while it stored value {begun}, and what is loaded now is neither it nor the"
                f" value before: {str(loaded)[:200]}. Write beside, and rename when it is complete"
            )

    def _killed_while_storing(self, folder: Path, after: float) -> int:
        """Which value a process was storing when it was killed, `after` seconds into it."""
        where = [str(inspect.getfile(type(self))), type(self).__qualname__, str(folder)]
        program = "from gapless.testing.io_manager import write_until_killed as w; import sys; w(*sys.argv[1:])"
        process = subprocess.Popen(  # noqa: S603  # this very file
            [sys.executable, "-c", program, *where],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert process.stdout is not None
        try:
            for line in process.stdout:
                begun = int(json.loads(line))
                if begun >= 2:  # the first is there for sure
                    break
            else:
                raise AssertionError("the process that stores ended by itself; its errors are above")
            time.sleep(after)
        finally:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            rest = process.stdout.read()
            process.stdout.close()
            process.wait()
        return int(json.loads(rest.splitlines()[-1])) if rest.strip() else begun


def write_until_killed(file: str, test_class: str, folder: str) -> None:
    """What a process does that is to be killed: store one partition again and again, and say each time which value."""
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("the_tests_of_a_manager", file)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in test_class.split("."):
        module = getattr(module, name)
    tests = module()
    manager = tests.make_manager(Path(folder))
    n = 0
    while True:
        n += 1
        value = tests.value(n, "2024-01-01", tests.bulk)
        print(n, flush=True)
        tests.store(manager, value, _DAYS, "2024-01-01")
