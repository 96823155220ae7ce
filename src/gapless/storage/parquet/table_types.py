"""DuckDB's types of a table's columns as polars has them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.table_name import quoted

if TYPE_CHECKING:
    import polars as pl

__all__ = ["polars_types"]


def polars_types(columns: Mapping[str, str], timezone: str = "UTC") -> dict[str, pl.DataType]:
    """What DuckDB gives polars for columns of these types, so that both stores give the same.

    Args:
        columns: Name to DuckDB's type.
        timezone: The IANA zone that instants are shown in.
    """
    return dict(zip(columns, _types(tuple(columns.values()), timezone), strict=True))


@lru_cache(maxsize=256)
def _types(kinds: tuple[str, ...], timezone: str) -> tuple[pl.DataType, ...]:
    if not kinds:
        return ()
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quoted(str(number))}" for number, kind in enumerate(kinds))
    with scratch_session() as session:
        session.set_timezone(timezone)
        return tuple(session.frame(f"SELECT {nulls} LIMIT 0").dtypes)
