"""Selections as text, as the command line and `define_asset_job` take them.

plays                one asset; raw/plays below a prefix
*                    all assets
*plays  plays*       with everything upstream, downstream of it
+plays  plays++      with one step upstream, two steps downstream; 3+plays for three
+key:"plays"         with everything upstream, as Dagster reads '+' beside an attribute
group:x  owner:me@example.org  kind:duckdb  tag:k  tag:k=v  key:raw/*
a, b   a or b        either
a and b   not a      both; all others
( … )                grouping; "…" quotes what would be read otherwise
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.errors import SelectionError
from gapless.definitions.graph import AssetGraph
from gapless.definitions.selection import (
    ATTRIBUTES,
    AssetSelection,
    CoercibleToAssetSelection,
    Filtered,
    Named,
)

__all__ = ["parse_selection", "select", "selection_of"]

_TOKEN = re.compile(r'\s*(?:(?P<punctuation>[(),])|(?P<word>(?:"[^"]*"|[^\s(),"])+)|(?P<odd>\S))')
_UPSTREAM = re.compile(r"\*|\d+\+|\++")
_DOWNSTREAM = re.compile(r"(?:\*|\+\d+|\++)$")
_DOWNSTREAM_OF_PATTERN = re.compile(r"(?:\+\d+|\++)$")  # where a '*' at the end belongs to the pattern
_OPERATORS = frozenset({"and", "or", "not", ",", ")"})
_EXAMPLES = "Examples: 'plays', 'plays*', '*weekly', 'group:x', 'tag:k=v', 'a, b', 'group:x and not a'."


def selection_of(selection: CoercibleToAssetSelection | None) -> AssetSelection:
    """Whatever names assets, as a selection; None is all of them.

    Raises:
        SelectionError: If text cannot be read.
    """
    if selection is None:
        return AssetSelection.all()
    if isinstance(selection, AssetSelection):
        return selection
    if isinstance(selection, str):
        return parse_selection(selection)
    if isinstance(selection, (AssetKey, AssetsDefinition)):
        return AssetSelection.assets(selection)
    if not isinstance(selection, Sequence):
        raise SelectionError(str(selection), f"{type(selection).__name__} does not name assets", _EXAMPLES)
    joined = AssetSelection.assets()
    for part in selection:
        joined = joined | selection_of(part)
    return joined


def select(graph: AssetGraph, selection: CoercibleToAssetSelection | None) -> tuple[AssetKey, ...]:
    """The assets that are meant, in the order of the graph.

    Raises:
        UnknownAssetError: If it names an asset that there is not.
        SelectionError: If it cannot be read, or nothing is left.
    """
    keys = selection_of(selection).resolve(graph)
    if not keys and len(graph):
        text = selection if isinstance(selection, str) else repr(selection)
        raise SelectionError(text, "it selects no asset", "List the assets with: gapless list")
    return graph.ordered(keys)


def parse_selection(text: str) -> AssetSelection:
    """Read a selection.

    Raises:
        SelectionError: If it cannot be read; says where.
    """
    reader = _Reader(text, [match.group().strip() for match in _TOKEN.finditer(text)])
    if not reader.words:
        raise SelectionError(text, "it is empty", _EXAMPLES)
    selection = reader.either()
    if reader.next is not None:
        reader.refuse(f"nothing can follow before {reader.next!r} but ',', 'or', 'and'")
    return selection


@dataclass
class _Reader:
    text: str
    words: list[str]
    at: int = field(default=0)

    @property
    def next(self) -> str | None:
        return self.words[self.at] if self.at < len(self.words) else None

    def take(self, *words: str) -> bool:
        if self.next is not None and self.next.lower() in words:
            self.at += 1
            return True
        return False

    def refuse(self, reason: str) -> NoReturn:
        raise SelectionError(self.text, reason, _EXAMPLES)

    def either(self) -> AssetSelection:
        selection = self.both()
        while self.take(",", "or"):
            selection = selection | self.both()
        return selection

    def both(self) -> AssetSelection:
        selection = self.one()
        while self.take("and"):
            # "a and not b" must not fail because the complement of b was asked for over all assets; it is a − b.
            selection = selection - self.one() if self.take("not") else selection & self.one()
        return selection

    def one(self) -> AssetSelection:
        if self.take("not"):
            return AssetSelection.all() - self.one()
        if self.take("("):
            selection = self.either()
            if not self.take(")"):
                self.refuse("a ')' is missing")
            return selection
        word = self.next
        if word is None:
            self.refuse("it ends where an asset is expected")
        if word.lower() in _OPERATORS or word == '"':
            self.refuse(f"{word!r} stands where an asset is expected")
        self.at += 1
        return self.traversal(word)

    def traversal(self, word: str) -> AssetSelection:
        if word == "*":
            return AssetSelection.all()
        up = _UPSTREAM.match(word)
        body = word[up.end() :] if up else word
        has_attribute = ":" in body.split('"', 1)[0]
        down = (_DOWNSTREAM_OF_PATTERN if body.startswith("key:") else _DOWNSTREAM).search(body)
        body = body[: down.start()] if down else body
        if not body:
            self.refuse(f"{word!r} names no asset")
        if down and down.group() == "*" and body.endswith((":", "=")):
            any_value = f"; any value of it is written {body[:-1]}" if body.endswith("=") else ""
            self.refuse(f"{word!r} is no pattern: only key:… takes patterns{any_value}")
        selection = self.atom(body)
        start = selection
        if up:
            selection = selection | start.upstream(_depth(up.group(), has_attribute))
        if down:
            selection = selection | start.downstream(_depth(down.group(), has_attribute))
        return selection

    def atom(self, body: str) -> AssetSelection:
        attribute, colon, value = body.partition(":")
        if not colon or body.startswith('"'):
            name = body.replace('"', "")
            if "*" in name or "+" in name:
                self.refuse(
                    f"'*' and '+' stand before or after a name, not inside {name!r}; patterns are written key:{name}"
                )
            return Named((name,))
        if attribute not in ATTRIBUTES:
            self.refuse(f"{attribute!r} is not one of {', '.join(ATTRIBUTES)}")
        if attribute == "tag":
            name, equals, tag_value = value.partition("=")
            return Filtered("tag", name.replace('"', ""), tag_value.replace('"', "") if equals else None)
        return Filtered(attribute, value.replace('"', ""))


def _depth(mark: str, has_attribute: bool) -> int | None:
    if mark == "*" or (mark == "+" and has_attribute):
        return None
    digits = mark.strip("+")
    return int(digits) if digits else len(mark)
