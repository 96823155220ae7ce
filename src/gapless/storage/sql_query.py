"""A table's rows as a query, for the database to make where it lies."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gapless.errors import InvocationError
from gapless.storage.slices import InputSlices

__all__ = ["LITERALS", "SqlQuery", "SqlSource", "sql"]

# Text, quoted names and comments, in which nothing stands for anything else.
LITERALS = r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
      | (?<![\w$])\$(?P<tag>\w*)\$.*?\$(?P=tag)\$ | --[^\n]* | /\*.*?\*/"""
# {plays}, but neither {{plays}} nor {'a': 1}, which is SQL of its own
_NAME = re.compile(
    rf"{LITERALS} | (?<!\{{)\{{(?P<name>[A-Za-z_][\w.-]*(?:/[\w.-]+)*)\}}(?!\}})", re.DOTALL | re.VERBOSE
)


@dataclass(frozen=True, slots=True)
class SqlSource:
    """What stands behind a name in the text of a `SqlQuery`.

    Attributes:
        store: The `SliceStore` that keeps the upstream asset.
        slices: Which of its rows are read.
    """

    store: Any
    slices: InputSlices


@dataclass(frozen=True, slots=True)
class SqlQuery:
    """What `sql` returns: a value that a function can return instead of a frame.

    Attributes:
        text: One SELECT; ``{plays}`` stands for the rows of the upstream asset ``plays`` that the partition reads, but
            not inside text, a quoted name or a comment.
        parameters: Values for ``$name`` in the text.
        sources: Name in the text to what a store reads for it; filled in when the function has returned.
    """

    text: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, SqlSource] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """The upstream assets that the text names, each once."""
        return tuple(dict.fromkeys(found["name"] for found in _NAME.finditer(self.text) if found["name"]))

    def reading(self, sources: Mapping[str, SqlSource]) -> SqlQuery:
        """The query with what stands behind its names."""
        return replace(self, sources=dict(sources))

    def filled(self, tables: Mapping[str, str]) -> str:
        """The text with SQL in the place of each name, and single braces for doubled ones."""
        pieces, end = [], 0
        for found in _NAME.finditer(self.text):
            if found["name"]:
                pieces += [_single(self.text[end : found.start()]), tables[found["name"]]]
                end = found.end()
        return "".join([*pieces, _single(self.text[end:])])


def _single(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def sql(text: str, **parameters: Any) -> SqlQuery:
    """A query whose rows are the value of an asset, made inside the database.

    Args:
        text: One SELECT. ``{plays}`` stands for the rows of the upstream asset ``plays`` that the partition reads;
            declare it with ``deps=["plays"]``. ``$day`` stands for the value of the parameter ``day``.
        parameters: By name; they are bound, never put into the text.

    Raises:
        InvocationError: `text` is not a text, or empty.
    """
    if not isinstance(text, str) or not text.strip():
        raise InvocationError(
            f"sql() was given {text!r}", "Give it one SELECT, for example sql('select * from {plays}')"
        )
    return SqlQuery(text, parameters)
