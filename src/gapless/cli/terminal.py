"""What a person reads: tables, numbers, times."""

from __future__ import annotations

import shutil
import sys
import unicodedata
from collections.abc import Sequence
from datetime import datetime

import click

__all__ = [
    "ago",
    "count",
    "cut",
    "duration",
    "first_line_of",
    "local_time",
    "plain_width",
    "size",
    "speaks_unicode",
    "table",
    "width",
]

_WIDEST = 140  # columns; longer lines are not easier to read


def width() -> int:
    """Columns to write in: the terminal's, 60 to 140; elsewhere what COLUMNS says, else the most."""
    return max(60, min(shutil.get_terminal_size((_WIDEST, 24)).columns, _WIDEST))


def speaks_unicode() -> bool:
    """Whether standard output can take symbols beyond ASCII."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "■✗·▶↷█▒…".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def count(number: int, noun: str, plural: str | None = None) -> str:
    """``1 partition``, ``1,000 partitions``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def size(nbytes: int) -> str:
    """``512 bytes``, ``1.4 MB``: powers of a thousand, as disks are sold."""
    if nbytes < 1000:
        return count(nbytes, "byte")
    number = float(nbytes)
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:,.1f} TB"


def ago(instant: datetime | None, now: datetime) -> str:
    """How long before `now`: ``just now``, ``5 min ago``, ``3 days ago``; ``-`` for never."""
    if instant is None:
        return "-"
    seconds = (now - instant).total_seconds()
    if seconds < 10:
        return "just now"
    if seconds < 60:
        return f"{seconds:.0f} s ago"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 86_400:
        return f"{seconds / 3600:.0f} h ago"
    days = int(seconds / 86_400)
    return f"{count(days, 'day')} ago"


def first_line_of(text: str | None, columns: int = 300) -> str:
    """The first line of `text`, cut."""
    return cut(next(iter((text or "").splitlines()), ""), columns)


def local_time(instant: datetime) -> str:
    """``2024-01-05 10:15:00`` on the clock of this machine."""
    return instant.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def plain_width(text: str) -> int:
    """Columns that `text` takes on a terminal, its colours not counted."""
    text = click.unstyle(text)
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def cut(text: str, columns: int) -> str:
    """`text` without line breaks, in at most `columns`; what is cut off is marked."""
    text = " ".join(text.split())
    if plain_width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if plain_width(kept + character) > columns - 1:
            break
        kept += character
    return kept.rstrip() + "…"


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = (), indent: str = "") -> str:
    """Columns under a head; those numbered in `right` are aligned to the right. No line ends in spaces."""
    widths = [max(map(plain_width, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for line, cells in enumerate((head, *rows)):
        text = "  ".join(
            " " * (size - plain_width(cell)) + cell if i in right else cell + " " * (size - plain_width(cell))
            for i, (cell, size) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        lines.append(indent + (click.style(text, dim=True) if line == 0 else text))
    return "\n".join(lines)
