"""A slice in the hour that the clocks repeat: rows without an offset from UTC may be its own, or of the other hour."""

from __future__ import annotations

from dataclasses import dataclass

from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.errors import PartitionColumnTypeError

__all__ = ["Doubt"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """What stands against storing one slice.

    Attributes:
        error: Why it is refused.
        rows: True for the rows that may be its own.
        is_certain: Whether no value of the type can tell the slice; otherwise it is only these rows that cannot.
    """

    error: PartitionColumnTypeError
    rows: Condition
    is_certain: bool
