"""Which texts can be the key of a partition."""

from __future__ import annotations

import re

__all__ = ["fault_in_key"]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def fault_in_key(key: object) -> tuple[str, str] | None:
    """Why `key` cannot name a partition, a predicate, and what to do, a sentence; None if it can."""
    if not isinstance(key, str):
        return f"is of type {type(key).__name__}, not str", f"Write {str(key)!r}."
    if _CONTROL.search(key):
        return "has a control character", "Remove it."
    if _SURROGATE.search(key):
        return "is not valid Unicode, so nothing could store it", "Decode it from bytes with the right encoding."
    if "..." in key:
        return "has '...', which writes a range of keys", "Use another separator."
    return None
