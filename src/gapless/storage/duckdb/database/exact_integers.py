"""DuckDB's integers of 128 bits on their way to Arrow or Parquet, which have none: as decimals, or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gapless.storage.duckdb.table_name import quoted

__all__ = ["exact_columns", "exactly"]

_WHOLE = re.compile(r"U?HUGEINT")
_INSIDE = re.compile(r"""("(?:[^"]|"")*"|'(?:[^']|'')*')|\bU?HUGEINT\b(?! U?HUGEINT)""")
_DECIMAL = "DECIMAL(38,0)"
_LARGEST = 10**38 - 1  # that a decimal holds


def exactly(relation: Any) -> Any:
    """`relation` with decimals of 38 digits for integers of 128 bits; reading what they cannot hold is an error.

    DuckDB's own export says that the bits are such a decimal, whether or not there is one of that value.

    Args:
        relation: Of DuckDB, its columns' names each once.
    """
    types = [str(kind) for kind in relation.types]
    chosen = exact_columns(dict(zip(relation.columns, types, strict=True)))
    return relation if chosen == "*" else relation.project(chosen)


def exact_columns(columns: Mapping[str, str]) -> str:
    """The columns as `exactly` makes them, for a SELECT; ``*`` if they are so already.

    Args:
        columns: Name to type.
    """
    if not any("HUGEINT" in kind for kind in columns.values()):
        return "*"
    return ", ".join(map(_exact, columns, columns.values()))


def _exact(name: str, kind: str) -> str:
    column = quoted(name)
    if _WHOLE.fullmatch(kind) is None:
        decimal = _INSIDE.sub(lambda found: found[1] or _DECIMAL, kind)
        return column if decimal == kind else f"CAST({column} AS {decimal}) AS {column}"
    fits = f"{column} <= {_LARGEST}" if kind == "UHUGEINT" else f"{column} BETWEEN -{_LARGEST} AND {_LARGEST}"
    reason = f"column {name!r}, {kind}, has an integer of more than 38 digits: CAST it to VARCHAR or to DOUBLE"
    literal = "'" + reason.replace("'", "''") + "'"
    return (
        f"CASE WHEN {fits} OR {column} IS NULL THEN CAST({column} AS {_DECIMAL}) ELSE error({literal}) END AS {column}"
    )
