from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from gapless.partitions import MultiPartitionsDefinition, PartitionKeyRange, StaticPartitionsDefinition
from gapless.storage.filesystem.errors import FilePlaceError
from gapless.storage.input_context import build_input_context
from gapless.storage.output_context import build_output_context
from gapless.storage.upath_io_manager import UPathIOManager
from gapless.storage.value_errors import ValueMissingError, ValueUnstorableError

pytest.importorskip("upath")

LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
ALL = PartitionKeyRange("a", "c")


class Json(UPathIOManager):
    extension = ".json"

    def dump_to_path(self, context, obj, path):
        with path.open("w") as file:
            json.dump(obj, file)

    def load_from_path(self, context, path):
        with path.open() as file:
            return json.load(file)


def output(key=None, span=None, asset="raw/plays", definition=LETTERS):
    return build_output_context(
        asset_key=asset,
        partition_key=key,
        asset_partition_key_range=span,
        asset_partitions_def=definition if key or span else None,
    )


def names_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_paths_are_dagsters(tmp_path):
    manager = Json(str(tmp_path))
    both = MultiPartitionsDefinition({"x": LETTERS, "y": LETTERS})
    contexts = [output(), output("a"), output("a|c", asset="multi", definition=both)]
    for context in contexts:
        manager.handle_output(context, {"n": 1})
        assert manager.load_input(build_input_context(upstream_output=context)) == {"n": 1}
    assert names_in(tmp_path) == ["multi/a/c.json", "raw/plays.json", "raw/plays/a.json"]
    assert contexts[0].recorded_metadata == {"path": str(tmp_path / "raw/plays.json")}
    assert (manager.has_output(output()), manager.has_output(output(asset="other"))) == (True, False)


@pytest.mark.parametrize("key", ["..", "../../outside", "/etc/outside", "a/./b", "a//b", "."])
def test_a_key_never_leads_out_of_the_folder(tmp_path, key):
    manager = Json(tmp_path / "inside")
    context = output(key, definition=StaticPartitionsDefinition([key]))
    manager.handle_output(context, 1)
    assert manager.load_input(build_input_context(upstream_output=context)) == 1
    assert all(name.startswith("inside/raw/plays/") for name in names_in(tmp_path))


def test_several_partitions_are_a_dict_and_missing_ones_are_named(tmp_path):
    manager = Json(tmp_path)
    manager.handle_output(output(span=PartitionKeyRange("a", "b")), {"a": 1, "b": 2})
    with pytest.raises(
        ValueMissingError, match=f"'raw/plays', partition 'c': nothing is stored in {tmp_path}/raw/plays/c"
    ):
        manager.load_input(build_input_context(upstream_output=output(span=ALL)))
    left_out = build_input_context(upstream_output=output(span=ALL), metadata={"allow_missing_partitions": True})
    assert manager.load_input(left_out) == {"a": 1, "b": 2}
    with pytest.raises(ValueUnstorableError, match=r"one call made 3 partitions, but the function returned one int"):
        manager.handle_output(output(span=ALL), 1)
    assert manager.load_input(build_input_context(upstream_output=output("b"))) == 2


def test_values_may_be_loaded_by_async_methods(tmp_path):
    class Async(Json):
        async def load_from_path(self, context, path):
            return json.loads(path.read_text())

    manager = Async(tmp_path)
    manager.handle_output(output(span=ALL), {"a": 1, "b": 2, "c": 3})
    assert manager.load_input(build_input_context(upstream_output=output(span=ALL))) == {"a": 1, "b": 2, "c": 3}
    with pytest.raises(ValueMissingError):
        manager.load_input(build_input_context(upstream_output=output("a", asset="other")))


def test_a_value_that_cannot_be_written_leaves_the_old_one(tmp_path):
    manager = Json(tmp_path)
    manager.handle_output(output("a"), [1])
    with pytest.raises(TypeError, match=r"not JSON serializable"):
        manager.handle_output(output("a"), [1, object()])
    assert manager.load_input(build_input_context(upstream_output=output("a"))) == [1]
    with pytest.raises(TypeError, match=r"not JSON serializable"):
        manager.handle_output(output("b"), [1, object()])
    with pytest.raises(ValueMissingError):
        manager.load_input(build_input_context(upstream_output=output("b")))


class Died(BaseException):
    pass


@pytest.mark.parametrize("had", [[0], None])
def test_a_process_that_dies_while_it_writes_leaves_the_old_value_until_it_is_written_again(tmp_path, monkeypatch, had):
    manager = Json(tmp_path)
    if had is not None:
        manager.handle_output(output("a"), had)

    class Dying(Json):
        def dump_to_path(self, context, obj, path):
            path.write_text("[1, ")
            # From here on nothing is cleaned up, as if the process were gone.
            monkeypatch.setattr("gapless.storage.replaced_in_place._remove", lambda path: None)
            monkeypatch.setattr(Path, "rename", lambda *_: None)
            monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
            raise Died

    with pytest.raises(Died):
        Dying(tmp_path).handle_output(output("a"), [1])
    monkeypatch.undo()
    assert (tmp_path / "raw/plays/a.json").read_text() == "[1, "
    if had is None:
        with pytest.raises(ValueMissingError):
            manager.load_input(build_input_context(upstream_output=output("a")))
    else:
        assert manager.load_input(build_input_context(upstream_output=output("a"))) == had
    manager.handle_output(output("a"), [2])
    assert manager.load_input(build_input_context(upstream_output=output("a"))) == [2]
    assert names_in(tmp_path) == ["raw/plays/a.json"]


def test_what_a_process_could_not_delete_any_more_goes_with_the_next_write(tmp_path):
    manager = Json(tmp_path)
    left = tmp_path / "raw/plays/.gapless-replacing/a.json.0123456789ab.old"
    other = left.with_name("b.json.0123456789ab.old")
    left.mkdir(parents=True)
    other.touch()
    manager.handle_output(output("a"), [1])
    assert [left.exists(), other.exists()] == [False, True]


def test_a_folder_is_replaced_like_a_file(tmp_path):
    class Folders(UPathIOManager):
        def dump_to_path(self, context, obj, path):
            path.mkdir()
            for name, text in obj.items():
                (path / name).write_text(text)
                if text == "bad":
                    raise ValueError(text)

        def load_from_path(self, context, path):
            return {each.name: each.read_text() for each in path.iterdir()}

    manager = Folders(tmp_path)
    manager.handle_output(output("a"), {"x": "1", "y": "2"})
    manager.handle_output(output("a"), {"x": "3"})
    with pytest.raises(ValueError, match=r"bad"):
        manager.handle_output(output("a"), {"z": "bad"})
    assert manager.load_input(build_input_context(upstream_output=output("a"))) == {"x": "3"}
    assert manager.wipe(output("a")) == 1
    assert names_in(tmp_path) == []


def test_an_object_store_works_as_well(tmp_path):
    manager = Json(f"memory://{tmp_path}")
    manager.handle_output(output(span=ALL), {"a": 1, "b": 2, "c": 3})
    assert manager.load_input(build_input_context(upstream_output=output("b"))) == 2
    assert manager.fs.protocol == "memory"
    assert manager.storage_options == {}
    assert manager.wipe(build_output_context(asset_key="raw/plays", asset_partitions_def=LETTERS)) == 3
    with pytest.raises(ValueMissingError):
        manager.load_input(build_input_context(upstream_output=output("b")))


def test_a_file_that_the_value_needs_and_that_is_missing_is_not_taken_for_a_missing_value(tmp_path):
    class Pointers(Json):
        def load_from_path(self, context, path):
            return Path(super().load_from_path(context, path)).read_text()

    manager = Pointers(tmp_path)
    manager.handle_output(output("a"), str(tmp_path / "gone"))
    with pytest.raises(FileNotFoundError, match=r"gone") as caught:
        manager.load_input(build_input_context(upstream_output=output("a")))
    assert not isinstance(caught.value, ValueMissingError)


def test_without_universal_pathlib_local_paths_still_work_and_urls_say_what_they_need(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "upath", None)
    manager = Json(str(tmp_path))
    manager.handle_output(output("a"), 1)
    assert manager.load_input(build_input_context(upstream_output=output("a"))) == 1
    with pytest.raises(FilePlaceError, match=r"URLs need the package universal-pathlib"):
        Json("s3://bucket/x")
