"""The commit log of a table."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.errors import CommitLogError
from gapless.storage.parquet.files import LocalFiles
from gapless.storage.parquet.manifest import Entry, Manifest, Version
from gapless.storage.parquet.table_commit import next_entry
from gapless.storage.slices import InputVersion


def version(key: str | None, number: int, **facts: object) -> Version:
    known = {
        "file": f"{key}-{number}",
        "rows": 1,
        "size": 10,
        "nbytes": 8,
        "schema": "s",
        "content": "c",
        "run_id": "r",
    }
    return Version(partition=key, committed_us=number, number=number, **{**known, **facts})  # type: ignore[arg-type]


def entry(number: int, *keys: str, **facts: object) -> Entry:
    made = tuple(version(key, number) for key in keys)
    return Entry(number, number, versions=made, **facts)  # type: ignore[arg-type]


@pytest.fixture
def log(tmp_path: Path) -> CommitLog:
    return CommitLog(LocalFiles(tmp_path), "plays")


def fresh(tmp_path: Path) -> CommitLog:
    return CommitLog(LocalFiles(tmp_path), "plays")


keys = st.sampled_from("abcd")


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Entries as writers make them: what is moved or wiped is there."""
    entries: list[Entry] = []
    there: dict[str | None, int] = {}
    for number in range(1, draw(st.integers(1, 12)) + 1):
        made = draw(st.lists(keys, unique=True, max_size=3))
        anew = draw(st.booleans()) and draw(st.booleans())
        gone = [] if anew else draw(st.lists(st.sampled_from(sorted(there)), unique=True)) if there else []
        gone = [key for key in gone if key not in made]
        there = {key: at for key, at in there.items() if not anew and key not in gone} | dict.fromkeys(made, number)
        entries.append(entry(number, *made, anew=anew, wiped=tuple(gone)))
    return entries


@given(history=histories(), cut=st.integers(0, 12))
def test_a_manifest_is_the_sum_of_its_entries_wherever_it_was_written_down(history, cut):
    expected: dict[str | None, int] = {}
    for one in history:
        kept = {} if one.anew else {key: at for key, at in expected.items() if key not in one.wiped}
        expected = kept | {v.partition: one.number for v in one.versions}
    written = Manifest.from_bytes(Manifest().followed_by(history[:cut]).to_bytes())
    later = written.followed_by(Entry.from_bytes(one.to_bytes()) for one in history[cut:])
    assert {key: v.number for key, v in later.versions.items()} == expected
    assert later == Manifest().followed_by(history)


@given(history=histories())
def test_every_version_is_current_or_superseded_and_none_both(history):
    manifest = Manifest().followed_by(history)
    named = [old.version.file for old in manifest.superseded] + [v.file for v in manifest.versions.values()]
    assert sorted(named) == sorted(v.file for one in history for v in one.versions)
    assert manifest.files() == set(named)
    for key in "abcd":
        made = [one.number for one in history if any(v.partition == key for v in one.versions)]
        assert manifest.before(key) == max(made, default=0)


def test_a_version_keeps_all_its_facts():
    inputs = {"raw": InputVersion(3, "d2-1")}
    facts = {"inputs": inputs, "without_values": ("n",), "timeless": ("eu", None), "starts": (1.5,), "pack_size": 9}
    one = version("ü|'", 3, code_version="7", first_row=4, previous=2, **facts)
    assert Entry.from_bytes(Entry(3, 3, versions=(one,)).to_bytes()).versions == (one,)


def test_an_entry_is_seen_by_everybody_else(log: CommitLog, tmp_path: Path):
    reader = fresh(tmp_path)
    assert reader.current().number == 0
    assert log.append(entry(1, "a"))
    assert reader.current().versions.keys() == {"a"}
    assert reader.append(entry(2, "b"))
    assert log.current().versions.keys() == {"a", "b"}


def test_a_number_is_given_once(log: CommitLog, tmp_path: Path):
    assert log.append(entry(1, "a"))
    assert not fresh(tmp_path).append(entry(1, "b"))
    assert fresh(tmp_path).current().versions.keys() == {"a"}


def test_of_many_threads_one_is_next(tmp_path: Path):
    wins: list[str] = []
    barrier = threading.Barrier(8)

    def commit(name: str) -> None:
        own = fresh(tmp_path)
        barrier.wait()
        for number in range(1, 11):
            if own.append(entry(number, name)):
                wins.append(f"{number}{name}")

    threads = [threading.Thread(target=commit, args=(name,)) for name in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [f"{one.number}{one.versions[0].partition}" for one in fresh(tmp_path).entries(1)]
    assert sorted(found) == sorted(wins)
    assert len(found) == 10


def test_a_checkpoint_saves_reading_all_entries(log: CommitLog, tmp_path: Path):
    for number in range(1, 121):
        assert log.append(entry(number, f"k{number % 7}"))
    written = Manifest.from_bytes((tmp_path / "plays/_gapless/checkpoint.json").read_bytes())
    assert written.number == 100
    (tmp_path / "plays/_gapless" / f"{1:020}.json").write_text("not read any more")
    assert fresh(tmp_path).current().versions == log.current().versions


def test_without_its_checkpoint_a_log_says_the_same(log: CommitLog, tmp_path: Path):
    for number in range(1, 61):
        log.append(entry(number, f"k{number % 7}"))
    (tmp_path / "plays/_gapless/checkpoint.json").unlink()
    assert fresh(tmp_path).current() == log.current()


def test_a_folder_that_was_exchanged_is_read_anew(log: CommitLog, tmp_path: Path):
    for number in range(1, 4):
        log.append(entry(number, "a"))
    for file in (tmp_path / "plays/_gapless").iterdir():
        file.unlink()
    assert log.current().number == 0
    other = replace(entry(1, "b"), committed_us=77)
    assert fresh(tmp_path).append(other)
    assert log.current().versions.keys() == {"b"}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (f"{1:020}.json", "{", "is damaged"),
        (f"{1:020}.json", "[]", "it holds something else"),
        (f"{1:020}.json", json.dumps({"format": 99}), "pip install --upgrade gapless"),
        ("checkpoint.json", "{}", "Delete this one file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: str, says: str):
    folder = tmp_path / "plays" / "_gapless"
    folder.mkdir(parents=True)
    (folder / name).write_text(content)
    with pytest.raises(CommitLogError, match=says) as raised:
        fresh(tmp_path).current()
    assert str(folder / name) in str(raised.value)


def test_a_checkpoint_without_its_entries_is_told(log: CommitLog, tmp_path: Path):
    for number in range(1, 61):
        log.append(entry(number, "a"))
    for file in (tmp_path / "plays/_gapless").glob("0*.json"):
        file.unlink()
    with pytest.raises(CommitLogError, match="the entries that it sums up are not there"):
        fresh(tmp_path).current()


def test_an_entry_that_is_missing_in_the_middle_is_told(log: CommitLog, tmp_path: Path):
    for number in range(1, 4):
        log.append(entry(number, "a"))
    (tmp_path / "plays/_gapless" / f"{2:020}.json").unlink()
    with pytest.raises(CommitLogError, match="it is missing, though later ones are there"):
        log.entry(2)


def chain(log: CommitLog, *names: str) -> None:
    """Commits as writers make them: each names the one before."""
    for name in names:
        made = next_entry(log.current())
        assert log.append(replace(made, versions=(version(name, made.number),)))


def entry_file(tmp_path: Path, number: int) -> Path:
    return tmp_path / "plays/_gapless" / f"{number:020}.json"


@pytest.mark.parametrize(("gone", "of"), [((1,), 4), ((2,), 4), ((2, 3), 4), ((1, 2), 3), ((70,), 71)])
def test_a_hole_is_not_filled_and_nobody_reads_past_it(tmp_path: Path, gone: tuple[int, ...], of: int):
    writer = fresh(tmp_path)
    chain(writer, *(f"k{number}" for number in range(of)))
    for number in gone:
        entry_file(tmp_path, number).unlink()
    with pytest.raises(CommitLogError, match="it is missing, though later ones are there") as raised:
        fresh(tmp_path).current()
    assert str(entry_file(tmp_path, gone[0])) in str(raised.value)


def test_a_hole_before_the_checkpoint_is_no_matter_to_readers(log: CommitLog, tmp_path: Path):
    chain(log, "a", "b", "c", "d")
    log.checkpoint(log.current())
    entry_file(tmp_path, 2).unlink()
    chain(fresh(tmp_path), "e")
    assert fresh(tmp_path).current().versions.keys() == set("abcde")


def test_who_knows_less_than_the_checkpoint_is_none_the_worse_for_a_hole(log: CommitLog, tmp_path: Path):
    reader = fresh(tmp_path)
    chain(log, "a", "b")
    reader.current()
    chain(log, "c", "d")
    log.checkpoint(log.current())
    entry_file(tmp_path, 3).unlink()
    assert reader.current().versions.keys() == set("abcd")


def test_an_entry_that_follows_another_one_than_is_there_is_refused(log: CommitLog, tmp_path: Path):
    chain(log, "a", "b")
    filled = entry_file(tmp_path, 2)
    filled.unlink()
    chain(fresh(tmp_path), "x")
    other = filled.read_bytes()
    filled.unlink()
    chain(fresh(tmp_path), "b", "c", "d", "e")
    filled.write_bytes(other)
    with pytest.raises(CommitLogError, match=f"it was made after another {filled.name} than is there now") as raised:
        fresh(tmp_path).current()
    assert str(entry_file(tmp_path, 3)) in str(raised.value)


def test_an_entry_under_the_number_of_another_is_refused(log: CommitLog, tmp_path: Path):
    chain(log, "a", "b")
    entry_file(tmp_path, 3).write_bytes(entry_file(tmp_path, 2).read_bytes())
    with pytest.raises(CommitLogError, match="it is a copy of entry 2"):
        fresh(tmp_path).current()


def test_entries_that_name_no_predecessor_are_read_as_ever(log: CommitLog, tmp_path: Path):
    for number, name in enumerate("abc", 1):
        content = json.loads(entry(number, name).to_bytes())
        del content["id"], content["after"], content["swept"]
        entry_file(tmp_path, number).parent.mkdir(parents=True, exist_ok=True)
        entry_file(tmp_path, number).write_text(json.dumps(content))
    content = json.loads(log.current().to_bytes())
    del content["id"], content["swept"]
    (tmp_path / "plays/_gapless/checkpoint.json").write_text(json.dumps(content))
    chain(fresh(tmp_path), "d", "e")
    assert fresh(tmp_path).current().versions.keys() == set("abcde")
