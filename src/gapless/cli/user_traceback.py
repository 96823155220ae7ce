"""A traceback as its reader wants it first: their own lines; what happened inside installed packages is counted."""

from __future__ import annotations

import re

__all__ = ["shortened"]

_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line \d+')
_INSTALLED = re.compile(r"[/\\](?:site|dist)-packages[/\\](?P<package>[^/\\.]+)")


def shortened(traceback: str) -> str:
    """`traceback` without the frames of installed packages; whole if none of its frames would be left."""
    kept: list[str] = []
    hidden: dict[str, int] = {}
    inside, own = False, 0
    for line in traceback.splitlines():
        frame = _FRAME.match(line)
        if frame:
            installed = _INSTALLED.search(frame["file"])
            inside = installed is not None
            if installed:
                hidden[installed["package"]] = hidden.get(installed["package"], 0) + 1
            else:
                own += 1
        elif not line.startswith("    "):  # not a line of the frame: the end of this traceback
            inside = False
        if hidden and not inside:
            kept.append(f"  … {_calls(hidden)}")
            hidden = {}
        if not inside:
            kept.append(line)
    return "\n".join(kept) if own else traceback


def _calls(hidden: dict[str, int]) -> str:
    return ", ".join(f"{number} call{'s' * (number != 1)} inside {package}" for package, number in hidden.items())
