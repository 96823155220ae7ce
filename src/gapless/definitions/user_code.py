"""Run the user's code while loading, and turn what it raises into an error that shows their code and not ours."""

from __future__ import annotations

import importlib
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from traceback import FrameSummary

from gapless.definitions.dagster_uses import missing_names
from gapless.definitions.errors import LoadError, NameNotProvidedError, UnknownArgumentError, raise_definition_errors
from gapless.definitions.source_location import SourceLocation, is_inside_gapless
from gapless.definitions.unknown_arguments import unknown_argument
from gapless.errors import DefinitionError, GaplessError

__all__ = ["users_errors"]

_UNKNOWN_ARGUMENT = re.compile(r"([\w.]+)\(\) got an unexpected keyword argument '(\w+)'")
_CALLED = re.compile(r"(\w+)\(")
_STAND_INS = ("dagster", "dagster_duckdb", "dagster_duckdb_pandas", "dagster_duckdb_polars", "dagster_polars")


@contextmanager
def users_errors(source: str, as_dagster: bool) -> Iterator[None]:
    """Whatever the block raises becomes a `LoadError`; our own errors pass, and learn where they come from.

    Args:
        source: The file or module that is loaded, for errors without a place.
        as_dagster: Whether Dagster's names resolve to Gapless.

    Raises:
        LoadError: For a syntax error, with the line; for anything else with the user's traceback.
    """
    try:
        yield
    except SyntaxError as wrong:
        raise _from_syntax(wrong) from None
    except GaplessError as ours:
        if isinstance(ours, DefinitionError) and ours.location is None:
            ours.location = _place(_users_frames(ours))
        if isinstance(ours, NameNotProvidedError) and (frames := _users_frames(ours)):
            raise_definition_errors(missing_names(Path(frames[-1].filename)))
        # The way through our own files says nothing to the user.
        raise ours.with_traceback(None) from None
    except (Exception, SystemExit) as raised:
        if unknown := _unknown_argument(raised):
            raise unknown from None
        raise _from_exception(raised, source, as_dagster) from None


def _from_syntax(wrong: SyntaxError) -> LoadError:
    excerpt = ""
    if wrong.text and wrong.lineno:
        line = wrong.text.rstrip("\n").expandtabs(1)
        bare = line.lstrip()
        start = max((wrong.offset or 1) - 1 - (len(line) - len(bare)), 0)
        single_line = wrong.end_lineno in (None, wrong.lineno)
        width = (wrong.end_offset or 0) - (wrong.offset or 0) if single_line else len(bare) - start
        gutter = f"  {wrong.lineno} | "
        excerpt = f"{gutter}{bare}\n{' ' * (len(gutter) - 2)}| {' ' * start}{'^' * max(width, 1)}"
    place = str(SourceLocation(wrong.filename, wrong.lineno)) if wrong.filename and wrong.lineno else wrong.filename
    return LoadError(f"this is not valid Python: {wrong.msg}", location=place, excerpt=excerpt)


def _unknown_argument(raised: BaseException) -> UnknownArgumentError | None:
    """For those of our functions that do not check their arguments themselves."""
    found = _UNKNOWN_ARGUMENT.search(str(raised)) if isinstance(raised, TypeError) else None
    if found is None:
        return None
    path, argument = found.groups()
    called = path.removesuffix(".__init__").rpartition(".")[2]
    # Asked for by name: the package's front door lies above this layer.
    public, frames = importlib.import_module("gapless"), _users_frames(raised)
    for name in _CALLED.findall(frames[-1].line or "") if frames else ():
        # Python names the class that has the constructor, where the user may have written one that inherits it.
        written = getattr(public, name, None) if name in public.__all__ else None
        if isinstance(written, type) and any(base.__name__ == called for base in written.__mro__):
            called = name
    return unknown_argument(called, argument, where=_place(frames)) if called in public.__all__ else None


def _from_exception(raised: BaseException, source: str, as_dagster: bool) -> LoadError:
    frames = _users_frames(raised)
    kind = type(raised).__name__
    text = str(raised)
    reason = f"loading it raised {kind}: {text}" if text else f"loading it raised {kind}"
    lines = ["Traceback (your code, most recent call last):\n", *traceback.format_list(frames)]
    lines += traceback.format_exception_only(raised)
    return LoadError(
        reason.rstrip("."),
        _advice(raised, as_dagster),
        _place(frames) or source,
        trace="".join(lines).rstrip("\n") if frames else "",
    )


def _users_frames(raised: BaseException) -> list[FrameSummary]:
    """The frames from the user's first file on, without ours and the import system's."""
    frames = [
        frame
        for frame in traceback.extract_tb(raised.__traceback__)
        if not is_inside_gapless(frame.filename) and not frame.filename.startswith("<frozen")
    ]
    # What leads to the user's file (importlib, a program that embeds us) lies in the standard library.
    library = str(Path(traceback.__file__).parent)
    while frames and frames[0].filename.startswith(library) and "site-packages" not in frames[0].filename:
        frames.pop(0)
    return frames


def _place(frames: list[FrameSummary]) -> str | None:
    """The user's own innermost line: not inside an installed package that it calls."""
    for frame in reversed(frames):
        if (
            "site-packages" not in frame.filename
            and frame.lineno
            and not frame.filename.startswith(sys.base_prefix + "/lib")
        ):
            return str(SourceLocation(frame.filename, frame.lineno))
    return None


def _advice(raised: BaseException, as_dagster: bool) -> str:
    if isinstance(raised, ModuleNotFoundError) and raised.name:
        package = raised.name.partition(".")[0]
        if package in _STAND_INS and not as_dagster:
            return (
                "To try a Dagster file unedited, add --as-dagster; to move it, write `import gapless as dg` and"
                " `from gapless import …` instead."
            )
        if package.startswith("dagster"):
            return f"Gapless stands in for {', '.join(_STAND_INS)} only; {package} would have to be installed."
        return f"If it is a package, install it where gapless runs: {sys.executable} -m pip install {package}"
    if isinstance(raised, ImportError) and "relative import" in str(raised):
        return "The file belongs to a package: name it as a module, -m package.module, instead of -f FILE."
    return ""
