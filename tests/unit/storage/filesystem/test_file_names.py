from urllib.parse import unquote

from hypothesis import given
from hypothesis import strategies as st

from gapless.asset_key import AssetKey
from gapless.partitions import MultiPartitionKey
from gapless.storage.filesystem.file_names import asset_folder, dagster_parts, value_parts

PLAYS = AssetKey("plays")
keys = st.text(st.characters(exclude_characters="|", exclude_categories=()), min_size=1, max_size=300)
parts_of_keys = st.lists(
    st.text(st.characters(exclude_characters="/", min_codepoint=32), min_size=1, max_size=120), min_size=1, max_size=3
)


def key_in(names: tuple[str, ...]) -> str:
    """The key back from the names below the asset's folder."""
    joined = "".join(name.removesuffix("%") if name.endswith("%") else f"{name}\n" for name in names)
    return "|".join(unquote(name.partition("=")[2], errors="surrogatepass") for name in joined.split("\n") if name)


def test_names_can_be_read():
    day = MultiPartitionKey({"date": "2024-01-05", "region": "eu"})
    assert value_parts(AssetKey(["raw", "plays"]), None) == ("raw", "plays")
    assert value_parts(PLAYS, "2024-01-05-13:00") == ("plays", "partition=2024-01-05-13:00")
    assert value_parts(PLAYS, day) == ("plays", "date=2024-01-05", "region=eu")
    assert value_parts(PLAYS, "São Paulo") == ("plays", "partition=São Paulo")
    assert value_parts(AssetKey("a.b"), "../a=b") == ("a%2Eb", "partition=..%2Fa%3Db")


@given(keys)
def test_any_key_comes_back_from_its_names(key):
    assert key_in(value_parts(PLAYS, key)[1:]) == key


@given(keys, keys)
def test_any_keys_of_dimensions_come_back_from_their_names(date, region):
    key = MultiPartitionKey({"date": date, "region": region})
    assert key_in(value_parts(PLAYS, key)[1:]) == key


@given(parts_of_keys, keys)
def test_every_name_is_one_that_a_file_system_takes_and_that_leads_nowhere_else(asset, key):
    for name in value_parts(AssetKey(asset), key):
        assert name not in ("", ".", "..")
        assert not any(char in "/\\\0\n" or ord(char) < 32 for char in name)
        assert len(name.encode()) <= 201


@given(parts_of_keys, parts_of_keys, keys, keys)
def test_two_values_never_share_a_file_and_none_lies_where_another_needs_a_folder(one, two, first, second):
    names = {}
    for asset in (one, two):
        for partition in (None, first, second):
            parts = value_parts(AssetKey(asset), partition)
            names[*asset, "\0", partition] = (*parts[:-1], parts[-1] + ".pickle")
    files = set(names.values())
    assert len(files) == len(names)
    assert not {parts[:depth] for parts in files for depth in range(1, len(parts))} & files


def test_a_name_that_is_too_long_is_cut_between_characters_and_never_becomes_another_folder():
    long = value_parts(PLAYS, "x" * 190 + "..")
    assert [len(name) for name in long] == [5, 201, 6]
    assert long[2] == "%2E%2E"
    assert all(len(name.encode()) <= 201 for name in value_parts(PLAYS, "日/" * 200))
    assert len(asset_folder(AssetKey("y" * 500))) == 3


def test_dagsters_files_are_looked_for_inside_of_the_folder_only():
    assert dagster_parts(AssetKey(["raw", "plays"]), "2024-01-05") == ("raw", "plays", "2024-01-05")
    assert dagster_parts(PLAYS, MultiPartitionKey({"date": "d", "region": "r"})) == ("plays", "d", "r")
    assert dagster_parts(PLAYS, "a/b") == ("plays", "a", "b")
    assert dagster_parts(PLAYS, "/a/../b") == ("plays", "%2Fa", "%2E%2E", "b")
    assert dagster_parts(AssetKey(["..", "plays"]), None) == ()
    assert dagster_parts(PLAYS, "a\0b") == ()
