"""What a store does about columns that do not fit the table, and about rows that do not belong to the partition."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["BoundaryPolicy", "SchemaPolicy"]


class SchemaPolicy(StrEnum):
    """What becomes of a value whose columns are not those of the table."""

    EVOLVE = "evolve"  # new columns are added, null in older partitions; types are widened if no value is lost
    STRICT = "strict"  # names and types must be the table's
    REPLACE = (
        "replace"  # as evolve; and where that cannot be, the table begins anew if all its partitions are rewritten
    )


class BoundaryPolicy(StrEnum):
    """What becomes of rows that lie outside the partition that they were made for.

    Attributes:
        ALLOW: A row outside belongs to whichever partition it lies in, and is replaced when that one is made. In DuckDB
            that means: one that lies in no partition, or in one that is never made, is stored again at each rerun of
            the partition that brings it, and nothing deletes the copies; the record counts what the last run stored.
    """

    REFUSE = "refuse"  # the partition fails and its old rows stay
    DROP = "drop"  # they are left out and counted
    ALLOW = "allow"  # they are stored; whoever makes the partition in which they lie replaces them
