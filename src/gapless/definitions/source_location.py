"""Where the user wrote something: file and line, for messages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

__all__ = ["SourceLocation", "calling_frame", "here", "is_inside_gapless", "location_of_caller", "location_of_function"]

_PACKAGE = str(Path(__file__).resolve().parent.parent)


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A line in a file.

    Attributes:
        file: Absolute path, as Python compiled it.
        line: 1-based.
    """

    file: str
    line: int

    def __str__(self) -> str:
        """``file:line``; relative if the file lies below the working directory, so that terminals can open it."""
        path = Path(self.file)
        with suppress(ValueError, FileNotFoundError):  # it lies elsewhere, or the working directory is gone
            path = path.relative_to(Path.cwd())
        return f"{path}:{self.line}"


def is_inside_gapless(file: str) -> bool:
    """Whether `file` is part of this package, so that its frames mean nothing to a user."""
    return file.startswith(_PACKAGE)


def calling_frame() -> FrameType | None:
    """The innermost frame outside this package: the user's call."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_between(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def _is_between(file: str) -> bool:
    """Whether `file` only lies between the user and us: this package, generated constructors, the import system."""
    return is_inside_gapless(file) or file == "<string>" or file.startswith("<frozen")


def location_of_caller() -> SourceLocation | None:
    """Where the user called into this package."""
    frame = calling_frame()
    return None if frame is None else SourceLocation(frame.f_code.co_filename, frame.f_lineno)


def here() -> str | None:
    """`location_of_caller` as errors carry it."""
    location = location_of_caller()
    return None if location is None else str(location)


def location_of_function(fn: Callable[..., Any]) -> SourceLocation | None:
    """Where a function is defined; the line of its first decorator, if it has any."""
    code = getattr(fn, "__code__", None)
    return None if code is None else SourceLocation(code.co_filename, code.co_firstlineno)
