"""How a column's type spells partition keys: 07 and 7 are one number, so it can tell only one of them."""

from __future__ import annotations

from collections.abc import Sequence

from gapless.storage.duckdb.database.connection import Session

__all__ = ["spelled_otherwise"]

_MOST_KNOWN = 10_000
_known: dict[tuple[str, str, str], str | None] = {}  # by type, zone and key: asked once, not with every commit


def spelled_otherwise(session: Session, type_name: str, timezone: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """The first of `keys` that a column of this type would show as another text, and that text; None if there is none.

    A key that is no value of the type at all is not meant: no row can have it.
    """
    new = [key for key in dict.fromkeys(keys) if (type_name, timezone, key) not in _known]
    if new:
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        session.set_timezone(timezone)
        asked = ", ".join(["(?)"] * len(new))
        sql = f"SELECT k, CAST(TRY_CAST(k AS {type_name}) AS VARCHAR) FROM (VALUES {asked}) AS keys(k)"
        found = dict(session.execute(sql, tuple(new)))
        _known.update({(type_name, timezone, key): found[key] for key in new})
    else:
        found = {}
    for key in keys:
        shown = found[key] if key in found else _known.get((type_name, timezone, key))
        if shown == "-0.0":
            shown = "0.0"  # two texts of DuckDB's own, and one value
        if shown is not None and shown != key:
            return key, shown
    return None
