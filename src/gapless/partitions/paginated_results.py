"""A page of a long list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

__all__ = ["PaginatedResults"]


class PaginatedResults(NamedTuple):
    """Some of a list's items.

    Attributes:
        results: The items, in order.
        cursor: Opaque; asks for what follows the last of them.
        has_more: Whether anything does.
    """

    results: Sequence[str]
    cursor: str
    has_more: bool
