"""Lengths of time as people write them: ``90d``, ``2h``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from gapless.errors import DefinitionError

__all__ = ["time_span"]

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_WRITTEN = re.compile(r"\s*(\d+)\s*([a-z]+)\s*")


def time_span(text: Any, owner: str, argument: str, where: str | None) -> timedelta:
    """How long `text` says: a whole number and one of ``min``, ``h``, ``d``, ``w``; a day is 24 hours.

    Args:
        owner: Whose setting it is, for messages: ``asset 'plays'``.
        argument: What the setting is called.

    Raises:
        DefinitionError: It cannot be read, or is no time at all.
    """
    found = _WRITTEN.fullmatch(text) if isinstance(text, str) else None
    try:
        span = int(found[1]) * _UNITS[found[2]] if found else timedelta()
    except (KeyError, OverflowError):
        span = timedelta()
    if not span:
        raise DefinitionError(
            f"{owner} has {argument}={text!r}, which is no length of time",
            f'Write a number and min, h, d or w: {argument}="36h", {argument}="90d", {argument}="12w".',
            where,
        )
    return span
