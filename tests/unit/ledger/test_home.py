import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gapless.ledger.errors import LedgerAccessError
from gapless.ledger.home import home_path, open_ledger

NOW = datetime(2024, 1, 5, tzinfo=UTC)


def test_the_home_lies_below_the_working_directory_unless_the_variable_says_otherwise(tmp_path):
    assert home_path({}, tmp_path) == tmp_path / ".gapless"
    assert home_path({"GAPLESS_HOME": ""}, tmp_path) == tmp_path / ".gapless"
    assert home_path({"GAPLESS_HOME": "/srv/gapless"}, tmp_path) == Path("/srv/gapless")
    assert home_path({"GAPLESS_HOME": "shared"}, tmp_path) == tmp_path / "shared"
    assert home_path({"GAPLESS_HOME": "~/gapless"}, tmp_path) == Path.home() / "gapless"


def test_the_environment_and_the_working_directory_are_read_when_it_is_opened(tmp_path, monkeypatch):
    monkeypatch.delenv("GAPLESS_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert open_ledger().path == tmp_path / ".gapless" / "ledger.sqlite"
    monkeypatch.setenv("GAPLESS_HOME", str(tmp_path / "h"))
    assert open_ledger().path == tmp_path / "h" / "ledger.sqlite"
    assert open_ledger(tmp_path / "other").path == tmp_path / "other" / "ledger.sqlite"


def test_looking_leaves_no_trace_and_the_first_write_creates_the_home(tmp_path):
    with open_ledger(tmp_path / ".gapless") as ledger:
        assert ledger.counts() == {}
        assert ledger.runs() == []
        assert list(tmp_path.iterdir()) == []
        ledger.set_schedule("nightly", running=True)
        assert ledger.schedule("nightly").running is True
    assert sorted(path.name for path in (tmp_path / ".gapless").iterdir()) == [".gitignore", "ledger.sqlite"]
    assert (tmp_path / ".gapless" / ".gitignore").read_text() == "*\n"


def test_a_reader_sees_the_ledger_as_soon_as_another_creates_it(tmp_path):
    with open_ledger(tmp_path / "h") as reader, open_ledger(tmp_path / "h") as writer:
        assert reader.schedule("nightly").running is None
        writer.set_schedule("nightly", running=True)
        assert reader.schedule("nightly").running is True


def test_a_home_that_is_a_file_is_named(tmp_path):
    (tmp_path / "h").write_text("")
    with open_ledger(tmp_path / "h") as ledger, pytest.raises(LedgerAccessError) as error:
        ledger.set_schedule("nightly", running=True)
    assert str(tmp_path / "h" / "ledger.sqlite") in str(error.value)


def test_opening_a_ledger_imports_nothing_heavy():
    heavy = {"polars", "duckdb", "pyarrow", "pydantic", "rich", "sqlalchemy", "hypothesis", "pytest"}
    code = "import sys; import gapless.ledger.home, gapless.ledger.recovery; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert heavy.isdisjoint(done.stdout.split())
