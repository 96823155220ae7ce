"""Which columns of a table an input asks for."""

from __future__ import annotations

from collections.abc import Mapping

from gapless.errors import closest
from gapless.storage.errors import ColumnNamesError, UnknownColumnsError
from gapless.storage.slices import InputSlices

__all__ = ["asked_columns"]


def asked_columns(source: InputSlices, columns: Mapping[str, str], place: str) -> list[str]:
    """The columns to read, named as the table names them; all, if the input names none.

    Args:
        columns: The table's, name to type.
        place: The table, for people.

    Raises:
        ColumnNamesError: It asks for none at all.
        UnknownColumnsError: There is no such column.
    """
    asset = str(source.asset)
    by_folded = {name.casefold(): name for name in columns}
    asked = list(columns) if source.columns is None else list(source.columns)
    if not asked:
        raise ColumnNamesError(
            asset, (), "the input's metadata {'columns': []} asks for no column", "Name one, or leave it out for all"
        )
    unknown = tuple(name for name in asked if name.casefold() not in by_folded)
    if unknown:
        nearest = tuple(near for name in unknown for near in closest(name, columns, limit=1))
        raise UnknownColumnsError(asset, unknown, tuple(columns), place, nearest)
    return [by_folded[name.casefold()] for name in asked]
