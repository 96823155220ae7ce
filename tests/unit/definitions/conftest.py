from __future__ import annotations

import sys
from pathlib import Path
from textwrap import dedent

import pytest

from gapless.definitions.dagster_names import DagsterNames
from gapless.definitions.loading import load_project


class Files:
    """A folder with the user's files, loaded as the command line does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        return path

    def load(self, text: str, name: str = "definitions.py", **how):
        self.write(name, text)
        return load_project(Path(name), **how)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), dict(sys.modules)
    yield Files(tmp_path)
    for finder in [finder for finder in sys.meta_path if isinstance(finder, DagsterNames)]:
        finder.uninstall()
    sys.path[:] = path
    # What the user's files brought along must not be found by the next test's files.
    for name, module in list(sys.modules.items()):
        if name not in modules and str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]


class MemoryManager:
    """An IO manager that needs no partition_expr."""

    def handle_output(self, context, obj): ...

    def load_input(self, context): ...


class TableManager:
    """A table store, as far as loading asks."""

    requires_partition_expr = True

    def stage(self, output, value): ...

    def commit(self, staged): ...

    def load(self, source, expected): ...


@pytest.fixture
def memory():
    return {"io_manager": MemoryManager()}


@pytest.fixture
def table():
    return {"io_manager": TableManager()}
