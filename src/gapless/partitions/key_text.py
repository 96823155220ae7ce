"""Which texts can be the key of a partition, and what can be a list of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from gapless.errors import InvocationError, shown

__all__ = ["check_key", "fault_in_key", "read_keys"]

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


def check_key(key: object) -> None:
    """Refuses what is no text.

    Raises:
        InvocationError: It is none.
    """
    if not isinstance(key, str):
        fix = f"Write {shown(str(key))}."
        if key is None:
            fix = "Name a partition."
        elif isinstance(key, Mapping):
            fix = f"Write MultiPartitionKey({shown(key)})."
        raise InvocationError(f"the partition key {shown(key)} is of type {type(key).__name__}, not str", fix)


def read_keys(keys: object) -> list[Any]:
    """Several keys, as a list.

    Raises:
        InvocationError: It is a bare string, or cannot be iterated over.
    """
    if isinstance(keys, (str, bytes)):
        raise InvocationError(f"got the bare string {shown(keys)} as a list of keys", f"Write [{shown(keys)}].")
    if not isinstance(keys, Iterable):
        raise InvocationError(f"got {shown(keys)} ({type(keys).__name__}) as a list of keys", "Write ['…'].")
    return list(keys)
