"""A page of a set's keys, and the cursor to the next one."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import NamedTuple

from gapless.errors import InvocationError
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.sets.partition_set import PartitionSet

__all__ = ["PaginatedResults", "page_of"]


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


def page_of(partitions: PartitionSet, limit: int, ascending: bool, cursor: str | None) -> PaginatedResults:
    """The first `limit` keys after the cursor, or, descending, the last ones before it.

    The cursor holds the last key of a page, so that it survives partitions that are added, and a moved start.

    Raises:
        InvocationError: `limit` is not positive; the cursor is none, or the key that it holds is gone.
    """
    if not isinstance(limit, int) or limit < 1:
        raise InvocationError(f"the limit of a page is {limit!r}", "A page holds at least one key.")
    rest = partitions & _beyond(partitions, cursor, ascending) if cursor else partitions
    keys = list(rest.head(limit) if ascending else rest.tail(limit))
    if not ascending:
        keys.reverse()
    # A page without keys leaves the reader where it was: what is added later follows.
    return PaginatedResults(keys, _cursor_at(keys[-1]) if keys else cursor or "", rest.ordinals.size > limit)


def _beyond(partitions: PartitionSet, cursor: str, ascending: bool) -> PartitionSet:
    definition = partitions.definition
    key = _key_at(cursor)
    ordinal = definition.unbounded_ordinal(key)
    if ordinal is None:
        raise InvocationError(
            f"the cursor stands at the partition {key!r}, which is gone", "Begin again without a cursor."
        )
    span = OrdinalSet.span(max(0, ordinal + 1), definition.room) if ascending else OrdinalSet.span(0, ordinal)
    return PartitionSet.of_ordinals(definition, span)


def _cursor_at(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _key_at(cursor: str) -> str:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (ValueError, TypeError):
        raise InvocationError(f"{cursor!r} is not a cursor", "Pass the cursor of the page before, or None.") from None
