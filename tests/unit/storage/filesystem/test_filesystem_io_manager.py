from __future__ import annotations

import errno
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gapless as dg
from gapless.errors import StorageError
from gapless.partitions import PartitionKeyRange, StaticPartitionsDefinition
from gapless.storage.filesystem import files as files_module
from gapless.storage.filesystem.errors import FilePlaceError, FileUnreadableError
from gapless.storage.filesystem.manager import FilesystemIOManager
from gapless.storage.input_context import build_input_context
from gapless.storage.output_context import build_output_context
from gapless.storage.value_errors import ValueMissingError, ValueUnstorableError

LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
ALL = PartitionKeyRange("a", "c")


class Shelf:
    """A manager, and short ways to use it."""

    def __init__(self, manager: FilesystemIOManager, asset: str = "plays") -> None:
        self.manager = manager
        self.asset = asset

    def put(self, value, key=None, span=None):
        context = build_output_context(
            asset_key=self.asset,
            partition_key=key,
            asset_partition_key_range=span,
            asset_partitions_def=LETTERS if key or span else None,
        )
        self.manager.handle_output(context, value)
        return context.recorded_metadata

    def get(self, key=None, span=None, **how):
        return self.manager.load_input(
            build_input_context(
                asset_key=self.asset,
                partition_key=key,
                asset_partition_key_range=span,
                asset_partitions_def=LETTERS if key or span else None,
                **how,
            )
        )


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(FilesystemIOManager(tmp_path))


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("two\r\nlines\n", "partition=a.txt"),
        ("", "partition=a.txt"),
        ("\ud800 half a character", "partition=a.txt"),
        (b"\x80\x05", "partition=a.bin"),
        ({"n": [1, 2]}, "partition=a.pickle"),
        (None, "partition=a.pickle"),
        (dg.MultiPartitionKey({"x": "1", "y": "2"}), "partition=a.pickle"),
    ],
)
def test_a_value_comes_back_as_it_was_from_a_file_that_others_can_read(shelf, tmp_path, value, name):
    assert shelf.put(value, "a") == {"path": str(tmp_path / "plays" / name)}
    assert names_in(tmp_path) == [f"plays/{name}"]
    back = shelf.get("a")
    assert (back, type(back)) == (value, type(value))


def test_several_partitions_are_taken_and_given_as_a_dict(shelf, tmp_path):
    assert shelf.put({"a": 1, "b": "text", "c": b"x"}, span=ALL) == {"path": str(tmp_path / "plays")}
    assert shelf.get(span=ALL) == {"a": 1, "b": "text", "c": b"x"}
    assert shelf.get("b") == "text"


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([1, 2, 3], "one call made 3 partitions, but the function returned one list"),
        ({"a": 1, "c": 3}, "the dict that the function returned has no value for partition 'b'"),
        ({"a": 1, "b": 2, "c": 3, "d": 4}, "has 'd', which is none of the partitions"),
    ],
)
def test_what_is_no_dict_of_the_partitions_is_refused_whole(shelf, value, said):
    shelf.put({"a": 1, "b": 1, "c": 1}, span=ALL)
    with pytest.raises(ValueUnstorableError, match=f"asset 'plays', partitions 'a' to 'c': .*{said}.*Return a dict"):
        shelf.put(value, span=ALL)
    assert shelf.get(span=ALL) == {"a": 1, "b": 1, "c": 1}


def test_nothing_is_replaced_if_one_of_several_values_cannot_be_pickled(shelf, tmp_path):
    shelf.put({"a": 1, "b": 1, "c": 1}, span=ALL)
    with pytest.raises(ValueUnstorableError) as caught:
        shelf.put({"a": 2, "b": 2, "c": lambda: 1}, span=ALL)
    message = str(caught.value)
    assert message.startswith(
        "asset 'plays', partition 'c': the function returned a function, which cannot be pickled: "
    )
    assert message.endswith("Return plain data, text or bytes; or store it with an IO manager of your own.")
    assert shelf.get(span=ALL) == {"a": 1, "b": 1, "c": 1}
    assert not [name for name in names_in(tmp_path) if name.endswith(".tmp")]


def test_what_is_missing_is_named_with_its_place_and_how_to_make_it(shelf, tmp_path):
    shelf.put(1, "b")
    with pytest.raises(ValueMissingError) as caught:
        shelf.get(span=ALL)
    assert str(caught.value) == (
        f"asset 'plays', partition 'a': nothing is stored in {tmp_path}/plays/partition=a.pickle, and nothing of 1"
        " others. Make it with: gapless materialize plays --partition a"
    )
    assert isinstance(caught.value, FileNotFoundError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ValueMissingError)
    with pytest.raises(ValueMissingError, match=r"Make it with: gapless materialize plays$"):
        shelf.get()


def test_missing_partitions_may_be_left_out(shelf):
    shelf.put(1, "b")
    assert shelf.get(span=ALL, metadata={"allow_missing_partitions": True}) == {"b": 1}
    assert shelf.get("a", metadata={"allow_missing_partitions": True}) is None


def test_no_partition_is_none(shelf):
    upstream = build_output_context(asset_key="plays", asset_partitions_def=LETTERS)
    assert shelf.manager.load_input(build_input_context(upstream_output=upstream)) is None


# --- files of others, and damaged ones


def test_values_that_dagster_stored_are_read_until_they_are_replaced(shelf, tmp_path):
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "a").write_bytes(pickle.dumps("dagster's", protocol=4))
    (tmp_path / "whole").write_bytes(pickle.dumps([1], protocol=4))
    assert shelf.get("a") == "dagster's"
    assert Shelf(shelf.manager, "whole").get() == [1]
    shelf.put("ours", "a")
    assert shelf.get("a") == "ours"
    assert shelf.manager.wipe(build_output_context(asset_key="plays", partition_key="a")) == 1
    assert names_in(tmp_path) == ["whole"]


class Moved:
    pass


def test_a_class_that_has_moved_is_named_with_the_fix(shelf, tmp_path, monkeypatch):
    shelf.put(Moved(), "a")
    monkeypatch.delattr(sys.modules[__name__], "Moved")
    with pytest.raises(FileUnreadableError) as caught:
        shelf.get("a")
    message = str(caught.value)
    assert message.startswith(
        f"asset 'plays', partition 'a': cannot read {tmp_path}/plays/partition=a.pickle: what its"
    )
    assert "Give that name back to the module (an alias will do), or make it again with: gapless mat" in message


@pytest.mark.parametrize("data", [b"", b"no pickle", pickle.dumps([1] * 1000)[:-100]])
def test_a_damaged_file_is_named(shelf, tmp_path, data):
    shelf.put([1], "a")
    (tmp_path / "plays" / "partition=a.pickle").write_bytes(data)
    with pytest.raises(FileUnreadableError, match=r"it is damaged, or no pickle: .* Restore the file from a copy"):
        shelf.get("a")


def test_text_of_another_encoding_is_named(shelf, tmp_path):
    shelf.put("x", "a")
    (tmp_path / "plays" / "partition=a.txt").write_bytes(b"\xff")
    with pytest.raises(FileUnreadableError, match=r"it is no UTF-8 text: invalid start byte. Correct the file"):
        shelf.get("a")


# --- a value of another kind


@pytest.mark.parametrize("fails_at", range(4))
def test_a_crash_while_the_kind_of_value_changes_leaves_the_old_or_the_new(shelf, monkeypatch, fails_at):
    shelf.put({"old": 1}, "a")
    steps = 0

    def dying(call):
        def step(*arguments):
            nonlocal steps
            steps += 1
            if steps > fails_at:
                raise KeyboardInterrupt
            return call(*arguments)

        return step

    kind = type(shelf.manager.files)
    for name in ("replace", "rename", "delete"):
        monkeypatch.setattr(kind, name, dying(getattr(kind, name)))
    with pytest.raises(KeyboardInterrupt):
        shelf.put("new", "a")
    monkeypatch.undo()
    again = Shelf(FilesystemIOManager(shelf.manager._given))
    assert again.get("a") in ({"old": 1}, "new")
    for value in (b"bytes", "text", 3, "more"):
        again.put(value, "a")
        assert again.get("a") == value
    assert len(names_in(Path(shelf.manager._given))) == 1


def test_what_a_dead_process_left_is_removed_after_a_day(shelf, tmp_path):
    folder = tmp_path / "plays"
    folder.mkdir()
    for name, age in ((".gapless-1-x.tmp", 2 * 86_400), (".gapless-2-y.tmp", 60)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - age,) * 2)
    shelf.put(1, "a")
    assert names_in(folder) == [".gapless-2-y.tmp", "partition=a.pickle"]


# --- where it stores


def test_the_place_may_come_from_the_environment(tmp_path, monkeypatch):
    manager = FilesystemIOManager(dg.EnvVar("FILES_OF_A_TEST"))
    with pytest.raises(FilePlaceError, match=r"base_dir has no value\. Set it: export FILES_OF_A_TEST=…"):
        Shelf(manager).put(1)
    monkeypatch.setenv("FILES_OF_A_TEST", str(tmp_path / "there"))
    Shelf(manager).put(1)
    assert names_in(tmp_path) == ["there/plays.pickle"]


def test_without_a_place_values_lie_beside_the_ledger(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GAPLESS_HOME", raising=False)
    Shelf(FilesystemIOManager()).put(1)
    monkeypatch.setenv("GAPLESS_HOME", "home")
    Shelf(FilesystemIOManager()).put(1)
    assert names_in(tmp_path) == [".gapless/storage/plays.pickle", "home/storage/plays.pickle"]


def test_a_relative_place_is_that_of_the_moment_when_the_manager_is_made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    manager = FilesystemIOManager("files")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    Shelf(manager).put(1)
    assert names_in(tmp_path) == ["files/plays.pickle"]


def test_urls_and_upaths_are_places_too(tmp_path):
    upath = pytest.importorskip("upath")
    Shelf(FilesystemIOManager(f"file://{tmp_path}/url")).put(1)
    Shelf(FilesystemIOManager(upath.UPath(tmp_path / "upath"))).put(1)
    assert names_in(tmp_path) == ["upath/plays.pickle", "url/plays.pickle"]
    memory = Shelf(FilesystemIOManager(upath.UPath(f"memory://{tmp_path}")))
    memory.put("x", "a")
    assert memory.put(b"y", "a")["path"].endswith("/plays/partition=a.bin")
    assert memory.get("a") == b"y"


def test_a_url_that_nothing_knows_or_that_lacks_its_package_is_told(monkeypatch):
    with pytest.raises(FilePlaceError, match=r"cannot use nothing://x: Protocol not known: nothing. Correct base_dir"):
        Shelf(FilesystemIOManager("nothing://x")).put(1)
    with pytest.raises(FilePlaceError, match=r"Install what it needs, for example: pip install 'gapless\[object-sto"):
        Shelf(FilesystemIOManager("sftp://host/x")).put(1)
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(FilePlaceError, match=r"fsspec. Install it with: pip install 'gapless\[object-storage\]'"):
        Shelf(FilesystemIOManager("s3://bucket/x")).put(1)


def test_another_file_system_gets_its_files_beside_and_renamed(tmp_path):
    pytest.importorskip("fsspec")
    from fsspec.implementations.local import LocalFileSystem

    class Slow(LocalFileSystem):
        protocol = "slow"

    manager = FilesystemIOManager("slow://x")
    manager._files = files_module.RemoteFiles(Slow(), str(tmp_path), "slow://x")
    shelf = Shelf(manager)
    for value in ("a", b"b", 1):
        shelf.put(value, "a")
        assert shelf.get("a") == value
    assert names_in(tmp_path) == ["plays/partition=a.pickle"]
    assert manager.wipe(build_output_context(asset_key="plays")) == 1


@pytest.mark.parametrize(
    ("number", "fix"),
    [
        (errno.ENOSPC, "No space left on device. Free some space on that disk and run this again"),
        (errno.EROFS, "Read-only file system. Check that the place exists, and that this user may write there"),
    ],
)
def test_a_disk_that_takes_nothing_leaves_the_old_value(shelf, tmp_path, monkeypatch, number, fix):
    shelf.put([1], "a")

    def full(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files_module.os, "fsync", full)
    with pytest.raises(FilePlaceError, match=f"cannot use {tmp_path}/plays/partition=a.pickle: {fix}"):
        shelf.put([2], "a")
    monkeypatch.undo()
    assert shelf.get("a") == [1]
    assert names_in(tmp_path) == ["plays/partition=a.pickle"]


def test_a_file_where_a_folder_is_needed_is_named(shelf, tmp_path):
    (tmp_path / "plays").write_text("Dagster's, of the time when the asset was not partitioned")
    with pytest.raises(FilePlaceError, match=r"A file lies where a folder is needed: move it away"):
        shelf.put(1, "a")


# --- in a project


def test_a_project_of_any_values_runs_from_the_command_line(tmp_path):
    (tmp_path / "definitions.py").write_text(
        """
import gapless as dg

letters = dg.StaticPartitionsDefinition(["a", "b/../c"])

@dg.asset(partitions_def=letters)
def words(context: dg.AssetExecutionContext) -> str:
    return f"word {context.partition_key}"

@dg.asset
def joined(words: dict[str, str]) -> dict[str, str]:
    return dict(words)

@dg.asset
def shown(joined: dict[str, str]) -> None:
    print("joined:", joined)

defs = dg.Definitions(assets=[words, joined, shown], resources={"io_manager": dg.FilesystemIOManager("files")})
"""
    )

    def gapless(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "gapless.cli.main", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env={name: value for name, value in os.environ.items() if not name.startswith("GAPLESS")},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "joined: {'a': 'word a', 'b/../c': 'word b/../c'}" in gapless("materialize")
    assert names_in(tmp_path / "files") == [
        "joined.pickle",
        "words/partition=a.txt",
        "words/partition=b%2F..%2Fc.txt",
    ]
    assert "words: 1 partition forgotten, 1 value deleted." in gapless("wipe", "words", "--partition", "a", "--yes")
    assert "words: 1 partition forgotten, 1 value deleted." in gapless("wipe", "words", "--yes")
    assert names_in(tmp_path / "files") == ["joined.pickle"]


def test_every_error_is_a_storage_error_with_facts():
    for error in (FilePlaceError("p", "r", "f"), FileUnreadableError("a", None, "p", "r", "f")):
        assert isinstance(error, StorageError)
        again = pickle.loads(pickle.dumps(error))
        assert (str(again), vars(again)) == (str(error), vars(error))


def test_a_key_that_is_too_long_for_any_path_is_refused_and_leaves_nothing(shelf, tmp_path):
    context = build_output_context(asset_key="plays", partition_key="x" * 5000)
    with pytest.raises(FilePlaceError, match=r"File name too long\. Choose a shorter partition key, or"):
        shelf.manager.handle_output(context, "text")
    assert names_in(tmp_path) == []
