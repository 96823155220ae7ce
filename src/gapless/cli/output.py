"""Standard output and standard error as the program writes them: nothing that a text holds can end it."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

__all__ = ["UnwrittenError", "steady_streams"]


class UnwrittenError(OSError):
    """Standard output, or standard error, took no more: a full disk, a closed pipe."""


class _Steady(io.TextIOWrapper):
    """Escapes what its encoding lacks: a lone surrogate in a message, symbols where there is only ASCII."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise UnwrittenError(error.errno, error.strerror) from error

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise UnwrittenError(error.errno, error.strerror) from error


def steady_streams() -> None:
    """Put them in place, for the whole process. A stream that the shell closed swallows what it is given."""
    sys.stdout, sys.stderr = _steady(sys.stdout), _steady(sys.stderr)


def _steady(stream: TextIO | None) -> TextIO:
    if stream is None:
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123  it lives as long as the process
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.flush()
    return _Steady(
        stream.buffer,
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )
