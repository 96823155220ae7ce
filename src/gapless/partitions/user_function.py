"""Functions of a project that are asked about partitions: what to call them, and what to show when they raise."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable
from typing import Any

__all__ = ["called", "location_of", "takes_one_argument", "trace_of"]


def called(function: Callable[..., Any]) -> str:
    """Its name: ``is_holiday``, ``<lambda>``, or that of its type."""
    return str(getattr(function, "__name__", type(function).__name__))


def location_of(function: Callable[..., Any]) -> str | None:
    """``file:line`` where it is defined; None if it is not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else None


def takes_one_argument(function: Callable[..., Any]) -> bool:
    """Whether it can be called with one argument, by position; True where nothing tells."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some of those that are written in C have none
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def trace_of(raised: BaseException) -> str:
    """The traceback of what it raised, without the frame that called it."""
    below = raised.__traceback__ and raised.__traceback__.tb_next
    return "".join(traceback.format_exception(type(raised), raised, below)).rstrip("\n")
