"""A published copy: all of it or the one before, from one picture."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import polars as pl
import pytest
from storage_desk import Desk

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError, StorageError
from gapless.partitions import DailyPartitionsDefinition
from gapless.storage.duckdb.store import DuckDBPolarsIOManager
from gapless.storage.parquet.errors import DataFileError
from gapless.storage.parquet.store import PolarsParquetIOManager
from gapless.storage.publishing import publishing
from gapless.storage.publishing.errors import PublishError
from gapless.storage.publishing.last_published import answer_of_last_published, remember
from gapless.storage.publishing.parquet_folder import file_of
from gapless.storage.publishing.publication import Form, Source
from gapless.storage.publishing.publishing import _described, form_of, publish
from gapless.storage.slices import CommitRecord

NOW = datetime(2024, 2, 1, tzinfo=UTC)
DAILY = DailyPartitionsDefinition(start_date="2024-01-01")


@pytest.fixture
def store(tmp_path):
    store = DuckDBPolarsIOManager(database=str(tmp_path / "live.duckdb"))
    yield store
    store.close()


def fill(store, asset="plays", days=3, mark=0):
    desk = Desk(store, DAILY, "date", asset)
    for day in range(1, days + 1):
        key = f"2024-01-{day:02d}"
        desk.write(key, pl.DataFrame({"date": [key] * 2, "mark": [mark, mark]}))
    store.close()


def source(store, asset="plays", **metadata):
    return Source(AssetKey.of(asset), metadata, store)


def rows_of(file: Path, table="public.plays"):
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(f"SELECT date, mark FROM {table} ORDER BY ALL").fetchall()


EXPECTED = [(f"2024-01-{day:02d}", 0) for day in (1, 1, 2, 2, 3, 3)]


@pytest.mark.parametrize(
    ("target", "form"),
    [("bi.duckdb", Form.DUCKDB), ("bi.DB", Form.DUCKDB), ("bi", Form.PARQUET), ("bi.parquet", Form.PARQUET)],
)
def test_the_name_says_what_is_published_unless_somebody_does(target, form):
    assert form_of(target) is form
    assert form_of(target, "parquet") is Form.PARQUET


def test_a_duckdb_copy_has_the_tables_and_says_what_they_are(store, tmp_path):
    fill(store)
    target = tmp_path / "bi.duckdb"

    published = publish([source(store)], target, Form.DUCKDB, NOW)

    assert rows_of(target) == EXPECTED
    with duckdb.connect(str(target), read_only=True) as connection:
        assert connection.execute("SELECT DISTINCT schema_name FROM duckdb_tables() ORDER BY 1").fetchall() == [
            ("main",),
            ("public",),
        ]
        sql = "SELECT asset, partitions, row_count, run_id, epoch(published_at) FROM _gapless_published"
        assert connection.execute(sql).fetchall() == [("plays", 3, 6, "run", NOW.timestamp())]
    assert (published.rows, published.nbytes) == (6, target.stat().st_size)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".bi.duckdb.lock",
        ".bi.duckdb.queue",
        "bi.duckdb",
        "live.duckdb",
        "live.duckdb.lock",
        "live.duckdb.queue",
    ]


def test_rows_keep_their_order_and_empty_tables_their_columns(store, tmp_path):
    desk = Desk(store, DAILY, "date")
    desk.write("2024-01-01", pl.DataFrame({"date": [], "mark": []}, schema={"date": pl.String, "mark": pl.Int64}))
    target = tmp_path / "bi.duckdb"

    publish([source(store)], target, Form.DUCKDB, NOW)
    publish([source(store)], tmp_path / "bi", Form.PARQUET, NOW)

    assert rows_of(target) == []
    assert pl.read_parquet(tmp_path / "bi" / "plays" / "*.parquet").schema == {"date": pl.String, "mark": pl.Int64}


def test_who_holds_the_old_duckdb_copy_open_goes_on_reading_it(store, tmp_path):
    fill(store)
    target = tmp_path / "bi.duckdb"
    publish([source(store)], target, Form.DUCKDB, NOW)
    program = (
        "import duckdb, sys; connection = duckdb.connect(sys.argv[1], read_only=True);"
        "print('open', flush=True); input();"
        "print(connection.execute('SELECT max(mark) FROM public.plays').fetchone()[0])"
    )
    reader = subprocess.Popen(
        [sys.executable, "-c", program, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout.readline() == "open\n"
    fill(store, mark=1)

    publish([source(store)], target, Form.DUCKDB, NOW)

    assert {mark for _, mark in rows_of(target)} == {1}
    assert reader.communicate("\n", timeout=30)[0] == "0\n"


def test_a_log_that_somebody_left_beside_the_old_copy_does_not_get_into_the_new_one(store, tmp_path):
    fill(store)
    target = tmp_path / "bi.duckdb"
    publish([source(store)], target, Form.DUCKDB, NOW)
    program = (
        "import duckdb, sys, os; connection = duckdb.connect(sys.argv[1]);"
        "connection.execute(\"SET checkpoint_threshold='1TB'\");"
        "connection.execute('DELETE FROM public.plays'); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", program, str(target)], check=True)
    assert target.with_name("bi.duckdb.wal").exists()

    publish([source(store)], target, Form.DUCKDB, NOW)

    assert rows_of(target) == EXPECTED


def test_a_parquet_copy_is_one_file_for_each_asset_which_a_glob_finds(store, tmp_path):
    fill(store)
    fill(store, "raw/teams", days=1)
    folder = tmp_path / "bi"

    published = publish([source(store), source(store, "raw/teams")], folder, Form.PARQUET, NOW)

    assert pl.read_parquet(folder / "plays" / "*.parquet").rows() == EXPECTED
    found = duckdb.sql(f"SELECT count(*) FROM '{folder}/raw/teams/*.parquet'").fetchall()
    assert found == [(2,)]
    contents = json.loads((folder / ".current" / "published.json").read_text())
    assert [(one["asset"], one["rows"]) for one in contents["assets"]] == [("plays", 6), ("raw/teams", 2)]
    assert published.nbytes == sum(path.stat().st_size for path in (folder / ".versions").rglob("*.parquet"))


def test_a_parquet_copy_holds_integers_of_128_bits_as_they_are(store, tmp_path):
    fill(store, days=1)
    with duckdb.connect(str(tmp_path / "live.duckdb")) as connection:
        connection.execute("ALTER TABLE public.plays ALTER mark TYPE HUGEINT")
        connection.execute("UPDATE public.plays SET mark = 9007199254740993")
    publish([source(store)], tmp_path / "bi", Form.PARQUET, NOW)
    assert [int(mark) for mark in pl.read_parquet(tmp_path / "bi" / "plays")["mark"]] == [9007199254740993] * 2
    with duckdb.connect(str(tmp_path / "live.duckdb")) as connection:
        connection.execute(f"UPDATE public.plays SET mark = {17 * 10**37}")
    with pytest.raises(StorageError, match="'mark', HUGEINT, has an integer of more than 38 digits"):
        publish([source(store)], tmp_path / "bi", Form.PARQUET, NOW)


def test_publications_before_stay_for_readers_that_resolved_them(store, tmp_path):
    folder, resolved = tmp_path / "bi", []
    for mark in range(4):
        fill(store, days=1, mark=mark)
        publish([source(store)], folder, Form.PARQUET, NOW, keep=2)
        resolved.append(Path(os.path.realpath(folder / "plays")))

    assert [path.exists() for path in resolved] == [False, False, True, True]
    assert [set(pl.read_parquet(path / "plays.parquet")["mark"]) for path in resolved[2:]] == [{2}, {3}]
    assert set(pl.read_parquet(folder / "plays" / "*.parquet")["mark"]) == {3}


def test_what_is_not_published_any_more_is_not_there_any_more(store, tmp_path):
    fill(store)
    fill(store, "teams")
    folder = tmp_path / "bi"
    publish([source(store), source(store, "teams")], folder, Form.PARQUET, NOW)

    publish([source(store)], folder, Form.PARQUET, NOW)

    assert sorted(path.name for path in folder.iterdir() if not path.name.startswith(".")) == ["plays"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (("plays",), "plays/plays.parquet"),
        (("raw", "plays"), "raw/plays/plays.parquet"),
        (("..", "x"), "%2E./x/x.parquet"),
        ((".current",), "%2Ecurrent/%2Ecurrent.parquet"),
    ],
)
def test_no_asset_leads_out_of_the_folder_or_into_our_own(key, expected):
    assert str(file_of(key)) == expected


def test_the_tables_of_one_file_are_of_one_instant(store, tmp_path):
    """A writer changes two tables together, again and again; a copy never has one without the other."""
    fill(store, "a", days=1)
    fill(store, "b", days=1)
    program = (
        "import sys, duckdb\n"
        "from gapless import DuckDBResource\n"
        "resource = DuckDBResource(database=sys.argv[1])\n"
        "print('writing', flush=True)\n"
        "for mark in range(1, 100_000):\n"
        "    with resource.get_connection() as connection:\n"
        "        connection.execute(f'BEGIN; UPDATE a SET mark = {mark}; UPDATE b SET mark = {mark}; COMMIT')\n"
    )
    arguments = [sys.executable, "-c", program, str(store.database)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout.readline() == "writing\n"
        seen = []
        for _ in range(5):
            publish([source(store, "a"), source(store, "b")], tmp_path / "bi", Form.PARQUET, NOW)
            store.close()
            a, b = ({*pl.read_parquet(tmp_path / "bi" / name / "*.parquet")["mark"]} for name in "ab")
            assert a == b
            seen += a
        writer.kill()
    assert seen == sorted(seen)
    assert len({*seen}) > 1


def test_assets_of_two_files_are_published_together(store, tmp_path):
    other = DuckDBPolarsIOManager(database=str(tmp_path / "other.duckdb"))
    fill(store)
    fill(other, "teams", days=1)

    published = publish([source(store), source(other, "teams")], tmp_path / "bi.duckdb", Form.DUCKDB, NOW)
    other.close()

    assert [(table.asset, table.rows) for table in published.tables] == [("plays", 6), ("teams", 2)]
    assert len(rows_of(tmp_path / "bi.duckdb", "public.teams")) == 2


def test_two_assets_that_would_be_one_table_are_refused(store, tmp_path):
    other = DuckDBPolarsIOManager(database=str(tmp_path / "other.duckdb"))
    fill(store)
    fill(other)

    with pytest.raises(PublishError, match=r"assets 'plays' and 'x/plays' would both be the table public.plays"):
        publish([source(store), source(other, "x/plays", schema="public")], tmp_path / "bi.duckdb", Form.DUCKDB, NOW)
    other.close()


def test_what_was_never_made_is_left_out_and_told(store, tmp_path):
    fill(store)

    published = publish([source(store, "teams"), source(store)], tmp_path / "bi", Form.PARQUET, NOW)

    assert published.absent == ("teams",)
    assert published.rows == 6


def test_nothing_at_all_is_not_published(store, tmp_path):
    fill(store)
    publish([source(store)], tmp_path / "bi", Form.PARQUET, NOW)

    with pytest.raises(InvocationError, match="there is nothing to publish: teams was never made"):
        publish([source(store, "teams")], tmp_path / "bi", Form.PARQUET, NOW)

    assert pl.read_parquet(tmp_path / "bi" / "plays" / "*.parquet").height == 6


def refused(store, target, form=Form.DUCKDB, **more) -> str:
    fill(store)
    with pytest.raises(PublishError) as caught:
        publish([source(store)], target, form, NOW, **more)
    error = pickle.loads(pickle.dumps(caught.value))
    assert str(error) == str(caught.value)
    return str(error)


def test_a_database_of_the_project_is_not_overwritten(store, tmp_path):
    (tmp_path / "link.duckdb").symlink_to(store.database)

    said = refused(store, tmp_path / "link.duckdb", live=[store.database])

    assert said.endswith("it is a database or folder of the project itself. Choose another path.")
    assert len(rows_of(store.database)) == 6


def test_nothing_is_published_into_a_folder_of_the_project(store, tmp_path):
    (tmp_path / "data").mkdir()

    said = refused(store, tmp_path / "data" / "bi", Form.PARQUET, live=[tmp_path / "data"])

    assert f"it lies in {tmp_path}/data, where the project stores. Choose another path." in said


@pytest.mark.parametrize("content", ["text", "a database"])
def test_a_file_of_somebody_elses_is_not_overwritten(store, tmp_path, content):
    target = tmp_path / "mine.duckdb"
    if content == "text":
        target.write_text("x" * 5000)
    else:
        duckdb.connect(str(target)).execute("CREATE TABLE mine (n INT)").close()
    before = target.read_bytes()

    assert "there is a file of that name that Gapless has not published" in refused(store, target)
    assert target.read_bytes() == before


def test_a_folder_of_somebody_elses_is_not_overwritten(store, tmp_path):
    mine = tmp_path / "bi" / "plays"
    mine.mkdir(parents=True)
    (mine / "old.parquet").write_text("mine")

    said = refused(store, tmp_path / "bi", Form.PARQUET)

    assert said == (
        f"nothing was published to {tmp_path}/bi: there are other things in it (plays). Name a folder that is empty or"
        f" not there yet, for example {tmp_path}/bi/published."
    )
    assert [path.name for path in (tmp_path / "bi").iterdir()] == ["plays"]
    assert (mine / "old.parquet").read_text() == "mine"


def test_a_folder_that_is_as_good_as_empty_is_taken_and_then_may_hold_other_things(store, tmp_path):
    target = tmp_path / "bi"
    target.mkdir()
    (target / ".gitignore").write_text("*")
    fill(store)
    publish([source(store)], target, Form.PARQUET, NOW)
    (target / "readme.txt").touch()
    publish([source(store)], target, Form.PARQUET, NOW)
    assert (target / "readme.txt").exists()

    (target / "plays").unlink()
    (target / "plays").mkdir()
    assert f"{target}/plays is there already, and Gapless has not published it" in refused(store, target, Form.PARQUET)


@pytest.mark.parametrize("suffix", [".wal", ".lock", ".queue", ".compacting"])
def test_what_lies_beside_a_database_is_not_overwritten(store, tmp_path, suffix):
    beside = store.database.with_name(store.database.name + suffix)

    assert f"that name belongs to {store.database}" in refused(store, beside, live=[store.database])
    assert len(rows_of(store.database)) == 6


def test_the_folder_of_the_project_is_not_taken(store, tmp_path):
    said = refused(store, tmp_path, Form.PARQUET)

    assert "there are other things in it (live.duckdb, live.duckdb.lock, live.duckdb.queue)" in said


def test_a_copy_that_is_held_open_for_writing_is_not_replaced(store, tmp_path):
    fill(store)
    target = tmp_path / "bi.duckdb"
    publish([source(store)], target, Form.DUCKDB, NOW)
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    writer = subprocess.Popen(
        [sys.executable, "-c", program, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout.readline() == "open\n"
    try:
        assert f"(process {writer.pid}) holds the copy that is there open for writing" in refused(store, target)
    finally:
        writer.communicate("\n", timeout=30)


@pytest.mark.parametrize(
    ("place", "form", "reason"),
    [
        ("nowhere/bi.duckdb", Form.DUCKDB, "the folder {tmp}/nowhere does not exist. Create it"),
        ("folder", Form.DUCKDB, "it is a folder. Name a file in it"),
        ("file", Form.PARQUET, "it is a file. Name a folder"),
    ],
)
def test_a_place_that_cannot_hold_a_copy_is_told(store, tmp_path, place, form, reason):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    assert reason.format(tmp=tmp_path) in refused(store, tmp_path / place, form)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("form", list(Form))
def test_a_place_where_this_user_may_not_write_is_told(store, tmp_path, form):
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(0o500)

    target = folder / "bi.duckdb" if form is Form.DUCKDB else folder

    assert f"this user may not write to {folder}" in refused(store, target, form)


@pytest.mark.parametrize("form", list(Form))
def test_when_the_disk_is_full_the_copy_of_before_stays(store, tmp_path, form):
    """The size of files is bounded instead: to DuckDB and to the system that is the same kind of refusal."""
    fill(store, days=20)
    target = tmp_path / ("bi.duckdb" if form is Form.DUCKDB else "bi")
    publish([source(store)], target, form, NOW)
    Desk(store, DAILY, "date").write(
        "2024-01-01",
        pl.DataFrame({"date": ["2024-01-01"] * 300_000}).with_columns(mark=pl.int_range(300_000) * 7919 % 104729),
    )
    store.close()
    limit = 600_000 if form is Form.DUCKDB else 100_000
    program = (
        "import resource, signal, sys\n"
        "from pathlib import Path\n"
        "from test_publishing import *\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))\n"
        f"store = DuckDBPolarsIOManager(database={str(store.database)!r})\n"
        f"publish([source(store)], Path({str(target)!r}), Form({form.value!r}), NOW)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])},
    )

    assert "PublishError: nothing was published to" in done.stderr
    assert "there is no room" in done.stderr
    if form is Form.DUCKDB:
        assert len(rows_of(target)) == 40
    else:
        assert pl.read_parquet(target / "plays" / "*.parquet").height == 40
    assert not list(tmp_path.rglob("*building*"))


def test_a_data_file_that_is_gone_or_torn_is_told_with_its_partition_and_the_cure(tmp_path):
    parquet = PolarsParquetIOManager(tmp_path / "data")
    fill(parquet)
    publish([source(parquet)], tmp_path / "bi.duckdb", Form.DUCKDB, NOW)
    (file,) = parquet.files("plays", ["2024-01-02"])
    os.truncate(file, 40)
    for reason in ("parquet: File out of specification", "No such file or directory"):
        with pytest.raises(DataFileError) as told:
            publish([source(parquet)], tmp_path / "bi.duckdb", Form.DUCKDB, NOW)
        assert f"asset 'plays', partition '2024-01-02': its file {file} cannot be read: {reason}" in str(told.value)
        assert "gapless materialize plays --partition 2024-01-02; or go back" in str(told.value)
        Path(file).unlink(missing_ok=True)
    assert rows_of(tmp_path / "bi.duckdb") == EXPECTED
    assert not list(tmp_path.glob(".*staged*"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no disk that is always full")
def test_rows_on_their_way_for_which_there_is_no_room_are_told(tmp_path, monkeypatch):
    parquet = PolarsParquetIOManager(tmp_path / "data")
    fill(parquet)
    publish([source(parquet)], tmp_path / "bi.duckdb", Form.DUCKDB, NOW)
    monkeypatch.setattr(publishing, "_staged", lambda copy: _full(tmp_path))
    told = refused(parquet, tmp_path / "bi.duckdb", Form.DUCKDB)
    assert "/bi.duckdb: there is no room: No space left on device (os error 28). What was there stays. Free" in told
    assert rows_of(tmp_path / "bi.duckdb") == EXPECTED


def _full(folder: Path) -> Path:
    link = folder / "full"
    if not link.is_symlink():
        link.symlink_to("/dev/full")
    return link


@pytest.mark.parametrize("form", list(Form))
def test_what_a_publisher_that_died_left_is_cleared_away(store, tmp_path, form):
    fill(store)
    target = tmp_path / ("bi.duckdb" if form is Form.DUCKDB else "bi")
    if form is Form.DUCKDB:
        left = [tmp_path / ".bi.duckdb.building", tmp_path / ".bi.duckdb.building.wal"]
    else:
        (target / ".versions" / "building" / "plays").mkdir(parents=True)
        left = [target / ".versions" / "building" / "plays" / "plays.parquet"]
    for path in left:
        path.write_text("torn")

    publish([source(store)], target, form, NOW)

    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("name", ["plays", "elsewhere"])
def test_a_link_of_somebody_elses_stays(store, tmp_path, name):
    fill(store)
    target, own = tmp_path / "bi", tmp_path / "own"
    publish([source(store)], target, Form.PARQUET, NOW)
    own.mkdir()
    (target / name).unlink(missing_ok=True)
    (target / name).symlink_to(own)
    with nullcontext() if name == "elsewhere" else pytest.raises(PublishError, match=f"{name} is there already"):
        publish([source(store)], target, Form.PARQUET, NOW)
    assert (target / name).readlink() == own


def test_a_version_that_nobody_ever_saw_does_not_count_as_kept(store, tmp_path):
    fill(store)
    target = tmp_path / "bi"
    publish([source(store)], target, Form.PARQUET, NOW)
    resolved = (target / ".current").resolve()
    (target / ".versions" / "000002" / "plays").mkdir(parents=True)  # killed before the link was set
    publish([source(store)], target, Form.PARQUET, NOW, keep=2)
    assert resolved.exists()
    assert sorted(path.name for path in (target / ".versions").iterdir()) == ["000001", "000002"]
    assert pl.read_parquet(target / "plays" / "*.parquet").height == 6


def test_rows_on_their_way_lie_where_no_other_publisher_puts_them(tmp_path, monkeypatch):
    parquet = PolarsParquetIOManager(tmp_path / "data")
    fill(parquet)
    seen = set()
    sink = pl.LazyFrame.sink_parquet

    def watched(self, path, *arguments, **options):
        seen.add(path)
        return sink(self, path, *arguments, **options)

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", watched)
    for name in ("a.duckdb", "b.duckdb"):
        publish([source(parquet)], tmp_path / name, Form.DUCKDB, NOW)
    assert len(seen) == 2
    left = tmp_path / ".a.duckdb.staged.parquet"
    assert left in seen
    left.write_text("of a publisher that was killed")
    with pytest.raises(InvocationError):
        publish([source(parquet, "never")], tmp_path / "a.duckdb", Form.DUCKDB, NOW)
    assert not left.exists()


def test_who_waits_for_another_publisher_gives_up_when_it_says(store, tmp_path, monkeypatch):
    fill(store)
    monkeypatch.setattr("gapless.storage.publishing.publishing._PATIENCE_S", 0.01)
    target = tmp_path / "bi.duckdb"

    def meanwhile(table):
        with pytest.raises(PublishError, match=r"gapless process \d+ \(publish a copy\) has been publishing there"):
            publish([source(store)], target, Form.DUCKDB, NOW)
        refused.append(table.asset)

    refused = []
    publish([source(store)], target, Form.DUCKDB, NOW, told=meanwhile)
    assert refused == ["plays"]


def test_the_newest_run_is_told_though_the_clock_went_back(store):
    days = [NOW.replace(day=2), NOW]
    records = {
        key: CommitRecord(AssetKey("plays"), key, f"run-{number}", 1, at, version="v", number=number)
        for number, (key, at) in enumerate(zip("ba", days, strict=True), 1)
    }
    assert _described(source(store), 2, records).run_id == "run-2"


@pytest.mark.parametrize("form", list(Form))
def test_the_last_copy_answers_queries(store, tmp_path, form):
    fill(store)
    target = tmp_path / ("bi.duckdb" if form is Form.DUCKDB else "bi")
    remember(publish([source(store)], target, form, NOW), tmp_path / "home")
    store.database.unlink()

    found = answer_of_last_published("SELECT count(*) AS n FROM plays", tmp_path / "home")

    assert found.rows() == [(6,)]


def test_without_a_copy_there_is_nothing_to_ask(tmp_path):
    with pytest.raises(InvocationError, match=r"nothing has been published yet. Publish first: gapless publish --to"):
        answer_of_last_published("SELECT 1", tmp_path)


def test_a_copy_that_is_gone_is_told(store, tmp_path):
    fill(store)
    remember(publish([source(store)], tmp_path / "bi.duckdb", Form.DUCKDB, NOW), tmp_path / "home")
    (tmp_path / "bi.duckdb").unlink()

    with pytest.raises(InvocationError, match=r"is gone. Publish again: gapless publish --to"):
        answer_of_last_published("SELECT 1", tmp_path / "home")
