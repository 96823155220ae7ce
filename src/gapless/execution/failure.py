"""What is recorded of an exception: the user's traceback whole, ours left out, and a hint where the cause is known."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from types import TracebackType

from gapless.errors import GaplessError
from gapless.partitions import TimeWindow

__all__ = ["Failure"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt.

    Attributes:
        reason: One line: the exception's type and message.
        traceback: The user's frames and the message; for a deliberate error of ours, its whole text if that has more
            than one line, else None: it speaks for itself.
        hint: What to do about it, if the cause is recognised.
        exception: As it was raised.
    """

    reason: str
    traceback: str | None
    hint: str | None
    exception: BaseException

    @classmethod
    def of(cls, exception: BaseException, key: str | None = None, window: TimeWindow | None = None) -> Failure:
        """What to record of `exception`, raised while the partition `key` was made."""
        if isinstance(exception, GaplessError):
            text = str(exception)
            first_line, _, rest = text.partition("\n")
            return cls(first_line, text if rest else None, None, exception)
        frames = _users_frames(exception.__traceback__)
        text = "".join(traceback.format_exception(type(exception), exception, frames))
        first_line = next(iter(_message(exception).splitlines()), "")
        reason = f"{type(exception).__name__}: {first_line}" if first_line else type(exception).__name__
        return cls(reason, text.rstrip("\n"), _hint(exception, key, window), exception)

    @property
    def detail(self) -> str:
        """Everything there is to read: the traceback, then the hint."""
        parts = [part for part in (self.traceback, self.hint and f"hint: {self.hint}") if part]
        return "\n".join(parts)


def _message(exception: BaseException) -> str:
    try:
        return str(exception)
    except Exception:  # a user's exception may fail to say what it is; its partition fails all the same
        return "its message cannot be shown: __str__ raised"


def _users_frames(frames: TracebackType | None) -> TracebackType | None:
    """The traceback from the user's first frame on; whole if there is none."""
    start = frames
    while start is not None and start.tb_frame.f_globals.get("__name__", "").split(".")[0] == "gapless":
        start = start.tb_next
    return start or frames


def _hint(exception: BaseException, key: str | None, window: TimeWindow | None) -> str | None:
    if type(exception).__name__ == "ColumnNotFoundError":
        return _missing_literal(_message(exception), key, window)
    if type(exception).__module__.endswith("duckdb") and "Unique file handle conflict" in _message(exception):
        return (
            "Gapless holds that file open, and only one connection of a process can. Take a DuckDBResource as a"
            " parameter, and use `with database.get_connection() as connection:` instead of duckdb.connect()"
        )
    return None


def _missing_literal(message: str, key: str | None, window: TimeWindow | None) -> str | None:
    """Polars takes a bare string in ``with_columns(date=…)`` for a column's name.

    Recognised by its cause: the column that it looked for is named like this very partition.
    """
    quoted = re.search(r'"([^"]*)"', message)
    name = quoted.group(1) if quoted else next(iter(message.splitlines()), "").strip()
    digits = re.sub(r"\D", "", name)
    labels_the_window = window is not None and len(digits) >= 4 and _same_moment(digits, window)
    if name and (name == key or labels_the_window):
        return (
            f"Polars read the text {name!r} as a column's name. Wrap it in pl.lit(…) to make it a value:"
            f" .with_columns(date=pl.lit({name!r}))"
        )
    return None


def _same_moment(digits: str, window: TimeWindow) -> bool:
    start = window.start
    return start.strftime("%Y%m%d%H%M%S").startswith(digits) or digits in {
        start.strftime("%d%m%Y"),
        start.strftime("%m%d%Y"),
    }
