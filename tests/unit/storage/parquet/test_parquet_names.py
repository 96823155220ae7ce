"""Assets and partitions as files and folders."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gapless.asset_key import AssetKey
from gapless.storage.parquet.names import asset_folder, encoded, folder_columns, joined, slice_folder
from gapless.storage.slices import PartitionSlice

keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16)
parts = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="/"), min_size=1, max_size=20)


@given(key=keys)
@example(key="../..")
@example(key="a/b")
@example(key="it's")
@example(key="日本")
@example(key="%41")
@example(key="~")
def test_a_key_is_one_component_of_a_path_and_can_be_read_from_it(key):
    name = slice_folder(PartitionSlice(key), ("partition",)).removesuffix("/")
    assert len(PurePosixPath(name).parts) == 1
    assert name.isascii()
    assert not set(name) & set("*?[]\\'\" :<>|")
    assert unquote(name.removeprefix("partition=")) == key


@given(one=keys, other=keys)
def test_two_keys_never_share_a_folder(one, other):
    assert (encoded(one) == encoded(other)) == (one == other)


def test_a_very_long_key_has_a_name_that_file_systems_take():
    one, other = "日" * 500 + "a", "日" * 500 + "b"
    assert len(encoded(one)) <= 200
    assert encoded(one) != encoded(other)
    assert unquote(encoded(one).partition("~")[0], errors="strict") == "日" * 15


@given(path=st.lists(parts, min_size=1, max_size=3))
@example(path=[".."])
@example(path=["_gapless"])
@example(path=["a", "partition=1"])
def test_an_asset_stays_below_the_base_and_out_of_what_is_ours(path):
    folder = PurePosixPath(asset_folder(AssetKey(path)))
    assert len(folder.parts) == len(path)
    assert not {"..", ".", "_gapless"} & set(folder.parts)
    assert "=" not in str(folder)


@given(one=st.lists(parts, min_size=1, max_size=3), other=st.lists(parts, min_size=1, max_size=3))
def test_two_assets_never_share_a_folder(one, other):
    assert (asset_folder(AssetKey(one)) == asset_folder(AssetKey(other))) == (one == other)
    assert (joined(AssetKey(one)) == joined(AssetKey(other))) == (one == other)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["n"], ("partition",)),
        (["n", "Partition"], ("partition_partition",)),
        (["partition", "partition_partition"], ("partition_partition_partition",)),
    ],
)
def test_the_folder_is_never_called_like_a_column(columns, names):
    assert folder_columns(PartitionSlice("k"), columns) == names


def test_each_dimension_has_a_folder():
    sides = {"date": PartitionSlice("2024-01-01"), "region": PartitionSlice("e/u")}
    part = PartitionSlice("2024-01-01|e/u", None, sides)
    assert folder_columns(part, ["date", "n"]) == ("partition_date", "region")
    assert slice_folder(part, ("partition_date", "region")) == "partition_date=2024-01-01/region=e%2Fu/"


def test_a_definition_of_other_dimensions_has_folders_of_its_own():
    sides = {"date": PartitionSlice("2024-01-01"), "region": PartitionSlice("eu")}
    part = PartitionSlice("2024-01-01|eu", None, sides)
    assert slice_folder(part, ("partition",)) == "partition=2024-01-01%7Ceu/"


def test_the_whole_of_a_table_lies_in_its_own_folder():
    assert folder_columns(PartitionSlice(None), ["n"]) == ()
    assert slice_folder(PartitionSlice(None), ()) == ""
