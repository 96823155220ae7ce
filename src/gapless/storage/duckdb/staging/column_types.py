"""Which of DuckDB's column types an asset can have: those that come out again as polars has them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gapless.storage.errors import ColumnTypeError
from gapless.storage.slices import OutputSlices

__all__ = ["NULL_TYPE", "refuse_column_types"]

NULL_TYPE = '"NULL"'  # of a column that has no values and no type yet

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?!NULL\")(?:[^\"]|\"\")*\"")
_FIXES = {
    "INTERVAL": "Store a number, for example epoch(…)",
    "UNION": "Store one column for each of its members",
    "BIT": "Cast it to text, or to BLOB",
    "BIGNUM": "Cast it to HUGEINT, to DECIMAL or to text",
    "TIME WITH TIME ZONE": "Store an instant, TIMESTAMPTZ, or a TIME",
    NULL_TYPE: "Give the nested values a type, for example with CAST(… AS VARCHAR[])",
}
_REFUSED = re.compile(r"(?<!\w)(INTERVAL|UNION|BIT|BIGNUM|TIME WITH TIME ZONE|\"NULL\")(?!\w)")


def refuse_column_types(output: OutputSlices, types: Mapping[str, str]) -> None:
    """Refuse columns of types that cannot be stored, or not be read again.

    Args:
        types: Name to DuckDB's type, without the columns of `NULL_TYPE`.

    Raises:
        ColumnTypeError: There is one.
    """
    for name, kind in types.items():
        # Names of fields and values of enums may be any words.
        if found := _REFUSED.search(_QUOTED.sub("", kind)):
            keys = tuple(part.key for part in output.slices)
            raise ColumnTypeError(str(output.asset), keys, name, kind, _FIXES[found[1]])
