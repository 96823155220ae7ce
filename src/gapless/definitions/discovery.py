"""Where the definitions are, when the user does not say."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from gapless.definitions.errors import LoadError

__all__ = ["candidates", "default_source", "existing_file"]

DEFAULT_FILE = "definitions.py"
_MOST_FILES = 500  # a search that helps must not walk a whole disk
_IMPORTS = ("import gapless", "from gapless", "import dagster", "from dagster")
_DECLARES = ("asset", "Definitions(")


def default_source(directory: Path) -> tuple[Path | None, str | None]:
    """The file or the module to load from `directory`: ``definitions.py``, or what pyproject.toml says.

    Raises:
        LoadError: If there is neither; names the files that look like definitions.
    """
    if (directory / DEFAULT_FILE).is_file():
        return directory / DEFAULT_FILE, None
    settings = _settings(directory / "pyproject.toml")
    file, module = settings.get("file"), settings.get("module")
    if isinstance(file, str):
        return directory / file, None
    if isinstance(module, str):
        return None, module
    raise LoadError(
        f"there is no {DEFAULT_FILE} in {directory}, and no [tool.gapless] in a pyproject.toml there names a file",
        _offer(directory),
    )


def existing_file(file: Path, directory: Path) -> Path:
    """`file`, absolute.

    Raises:
        LoadError: If it is not there; names the files that look like definitions.
    """
    path = directory / file
    if path.is_dir():
        raise LoadError(f"{file} is a folder", f"Name the file: -f {file / DEFAULT_FILE}.")
    if not path.is_file():
        raise LoadError(f"there is no file {file}", _offer(directory))
    return path.resolve()


def candidates(directory: Path) -> list[Path]:
    """Python files in `directory`, and one folder further down, that look like definitions; relative to it."""
    return [file for file in islice(_python_files(directory), _MOST_FILES) if _looks_like_definitions(directory / file)]


def _python_files(directory: Path) -> Iterator[Path]:
    for pattern in ("*.py", "*/*.py"):
        for file in sorted(directory.glob(pattern)):
            relative = file.relative_to(directory)
            if not relative.parts[0].startswith(".") and file.is_file():
                yield relative


def _looks_like_definitions(file: Path) -> bool:
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return any(words in text for words in _IMPORTS) and any(words in text for words in _DECLARES)


def _offer(directory: Path) -> str:
    found = candidates(directory)
    if not found:
        return "Name the file with -f FILE or the module with -m MODULE; a new project is made with: gapless init NAME"
    files = ", ".join(map(str, found[:8]))
    return f"These look like definitions: {files}. Name one: -f {found[0]}"


def _settings(pyproject: Path) -> dict[str, object]:
    try:
        with pyproject.open("rb") as file:
            settings = tomllib.load(file).get("tool", {}).get("gapless", {})
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        raise LoadError(f"{pyproject} cannot be read: {wrong}", "Name the file with -f FILE.") from None
    return dict(settings)
