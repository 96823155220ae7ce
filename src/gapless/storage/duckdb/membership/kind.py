"""How a column's type tells time partitions apart, and how it writes the bounds of one."""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from typing import Any

__all__ = ["Kind", "literal", "timestamp"]

_INTEGERS = frozenset(
    ["TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"]
)


class Kind(Enum):
    """How a type tells time partitions apart."""

    DATE = "date"
    NAIVE = "naive timestamp"
    INSTANT = "instant"
    TEXT = "text"
    INTEGER = "integer"
    OTHER = "other"

    @classmethod
    def of(cls, type_name: str) -> Kind:
        """That of a type, as DuckDB writes it."""
        if type_name == "DATE":
            return cls.DATE
        if type_name.startswith("TIMESTAMP"):
            return cls.INSTANT if "TZ" in type_name or "ZONE" in type_name else cls.NAIVE
        if type_name == "VARCHAR":
            return cls.TEXT
        return cls.INTEGER if type_name in _INTEGERS else cls.OTHER


def literal(bound: Any, kind: Kind, type_name: str) -> str:
    """SQL of where a partition begins or ends, in the type itself."""
    match kind:
        case Kind.DATE:
            return f"DATE '{bound.isoformat()}'"
        case Kind.NAIVE:
            return f"CAST({timestamp(bound)} AS {type_name})"
        case Kind.INSTANT:
            return f"CAST(make_timestamptz({bound}) AS {type_name})"
        case _:
            return str(bound)


def timestamp(moment: datetime) -> str:
    """SQL of a civil time."""
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"
