"""How values lie in the ledger's columns: partitions, instants, JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

__all__ = [
    "WHOLE",
    "from_json",
    "from_micros",
    "from_micros_or_none",
    "in_chunks",
    "marks",
    "partition_from",
    "text",
    "to_json",
    "to_micros",
]

_T = TypeVar("_T")

# The partition of an unpartitioned asset. NULL cannot be part of a primary key, and no partition key has a control
# character.
WHOLE = "\x01"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

# What a user hands over as metadata must never keep an outcome from being recorded: what JSON does not know is written
# as str() words it, a key that is no string is left out.
_encode = json.JSONEncoder(default=str, skipkeys=True, separators=(",", ":")).encode


def to_micros(instant: datetime) -> int:
    """Microseconds since 1970 UTC, exactly.

    Raises:
        ValueError: If the instant is naive.
    """
    try:
        return (instant - _EPOCH) // _MICROSECOND
    except TypeError:
        raise ValueError(f"the ledger needs timezone-aware instants, not {instant!r}") from None


def from_micros(micros: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + timedelta(0, 0, micros)


def from_micros_or_none(micros: int | None) -> datetime | None:
    """The instant, in UTC; None stays."""
    return None if micros is None else _EPOCH + timedelta(0, 0, micros)


def partition_from(column: str) -> str | None:
    """The partition as the contract has it; None for an unpartitioned asset."""
    return None if column == WHOLE else column


def to_json(value: Mapping[str, Any]) -> str | None:
    """As a column; an empty mapping takes no room."""
    return _encode(value) if value else None


def from_json(column: str | None) -> Mapping[str, Any]:
    """What `to_json` wrote."""
    return {} if column is None else json.loads(column)


def text(value: str | None) -> str | None:
    """`value` as text that can be stored: error messages may hold bytes of file names that are not valid Unicode."""
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def in_chunks(values: Sequence[_T], size: int = 500) -> Iterator[Sequence[_T]]:
    """`values` in pieces, since a statement takes a limited number of parameters."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


def marks(values: Sequence[Any]) -> str:
    """As many placeholders as there are values: ``?,?,?``."""
    return ",".join("?" * len(values))
