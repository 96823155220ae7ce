"""How a column's type spells partition keys: 07 and 7 are one number, so it can tell only one of them."""

from __future__ import annotations

from collections.abc import Sequence

from gapless.storage.duckdb.database.connection import Session

__all__ = ["spelled_otherwise"]

_MOST_KNOWN = 10_000
_ONE_ZERO = {"-0.0": "0.0"}  # two texts of DuckDB's own, and one value
# By type, zone and key: asked once, not with every commit. What is no value of the type is shown as it is.
_known: dict[tuple[str, str, str], str] = {}


def spelled_otherwise(session: Session, type_name: str, timezone: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """The first of `keys` that a column of this type would show as another text, and that text; None if there is none.

    A key that is no value of the type at all is not meant: no row can have it.
    """
    # Taken out of what is known at once: another thread may forget it all meanwhile.
    shown = {key: _known.get((type_name, timezone, key)) for key in keys}
    new = [key for key, text in shown.items() if text is None]
    if new:
        session.set_timezone(timezone)
        asked = ", ".join(["(?)"] * len(new))
        sql = f"SELECT k, CAST(TRY_CAST(k AS {type_name}) AS VARCHAR) FROM (VALUES {asked}) AS keys(k)"
        found = {key: key if text is None else _ONE_ZERO.get(text, text) for key, text in session.execute(sql, new)}
        shown |= found
        if len(_known) > _MOST_KNOWN:
            _known.clear()
        _known.update({(type_name, timezone, key): text for key, text in found.items()})
    return next(((key, text) for key, text in shown.items() if text is not None and text != key), None)
