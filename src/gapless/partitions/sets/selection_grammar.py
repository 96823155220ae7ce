r"""Selections of partitions as text: from characters to a tree, before any definition is looked at.

2024-01-05                        a key
2024-01                           civil time: all partitions that are labelled with a time in it
a..b   a..   ..b                  a range, both ends included; three dots do as well
last 7   first 3                  that many of those that exist
all   none                        every one, no one
missing  failed  stale  …         what is recorded about them
a, b, c                           any of these values
region=eu,us                      the partitions whose region is one of these, where there are dimensions
not a    a & b    a | b    ( … )  also: a and b, a or b

``not`` binds tightest, then ``&``, then ``|``; ``,`` joins values only. A bare word ends at a space, at one of
``,=&|()"``, and at two dots. Any key can be written in double quotes, with ``\"`` and ``\\`` inside; the words above
are keys only there. They are in small letters, so that the key ``OR`` needs no quotes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from gapless.errors import PartitionSelectionError, shown
from gapless.partitions.sets.selection_tokens import Kind, Token, is_bare, quoted, tokens_of

__all__ = [
    "STATUS_WORDS",
    "AllOf",
    "AnyOf",
    "Edge",
    "InDimension",
    "Not",
    "Range",
    "Selection",
    "Value",
    "Word",
    "as_value",
    "parse",
]

STATUS_WORDS = ("failed", "materialized", "missing", "running", "skipped", "stale")
_SETS = frozenset({"all", "none", *STATUS_WORDS})
_EDGES = frozenset({"first", "last"})
_RESERVED = _SETS | _EDGES | {"and", "not", "or"}

_DEEPEST = 50  # levels of nesting: far more than anybody writes, far less than the interpreter's stack
_LONGEST = 80  # characters of a key that are proposed
_DIGITS = 18  # of a number that counts; one with more is beyond every definition
_EXAMPLES = "Examples: 2024-01-05, 2024-01-01..2024-01-31, 2024-01.., last 7, region=eu,us & date=2024-01, not failed"


@dataclass(frozen=True, slots=True)
class Value:
    """A key, or a stretch of civil time.

    Attributes:
        text: Without quotes and escapes.
        position: 0-based character at which it is written.
        quoted: It was in quotes, so it is a key and nothing else.
    """

    text: str
    position: int
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Range:
    """From one value to another, both inclusive; None leaves that end open."""

    start: Value | None
    end: Value | None
    position: int


@dataclass(frozen=True, slots=True)
class Edge:
    """``last 7`` or ``first 7``."""

    count: int
    newest: bool
    position: int


@dataclass(frozen=True, slots=True)
class Word:
    """``all``, ``none``, or one of `STATUS_WORDS`."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class InDimension:
    """``region=…``: what is selected of one dimension, the others left free."""

    name: str
    selection: Selection
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    """Those that exist and are not in `part`."""

    part: Selection


@dataclass(frozen=True, slots=True)
class AllOf:
    """The intersection of two or more."""

    parts: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """The union of two or more."""

    parts: tuple[Selection, ...]


Selection: TypeAlias = Value | Range | Edge | Word | InDimension | Not | AllOf | AnyOf


def parse(text: str) -> Selection:
    """Read a selection.

    Raises:
        PartitionSelectionError: It is not of the grammar; points at the character.
    """
    return _Parser(text).whole()


def as_value(key: str) -> str:
    """`key` as a selection writes it: bare if that reads as the same key, else in quotes."""
    if is_bare(key) and key not in _RESERVED:
        return key
    return quoted(key)


class _Parser:
    """Recursive descent; each method reads what its name says, from the current token on."""

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise PartitionSelectionError(str(text), 0, f"a selection is text, not {type(text).__name__}", _EXAMPLES)
        self._text = text
        self._tokens = tokens_of(text)
        self._at = 0
        self._depth = 0
        self._dimension: str | None = None  # whose selection is being read

    def _refuse(self, position: int, reason: str, fix: str = "") -> NoReturn:
        raise PartitionSelectionError(self._text, position, reason, fix)

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    @property
    def _after_next(self) -> Token:
        return self._tokens[min(self._at + 1, len(self._tokens) - 1)]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def whole(self) -> Selection:
        if self._next.kind is Kind.END:
            self._refuse(0, "it is empty", f"Write all for every partition. {_EXAMPLES}.")
        selection = self._union()
        token = self._next
        if token.is_mark(")"):
            self._refuse(token.position, "this ')' closes nothing", "Remove it, or open it with '('.")
        if token.kind is not Kind.END:
            self._refuse_to_follow(token)
        return selection

    def _refuse_to_follow(self, token: Token) -> NoReturn:
        before = self._tokens[self._at - 1]
        if token.is_mark("="):
            self._refuse(
                token.position, "'=' follows the name of one dimension", "For example region=eu,us & date=2024-01."
            )
        if token.is_mark(","):
            self._refuse(token.position, "',' joins values only", "Join selections with | (either) or & (both).")
        if token.kind is Kind.DOTS:
            self._refuse(token.position, "a range has two ends, and both are values", "For example 2024-01..2024-03.")
        if token.kind is Kind.WORD and token.text.lower() in ("and", "or", "not"):
            self._refuse(token.position, f"{token.text!r} is read as a key", f"Write {token.text.lower()!r}.")
        joined = self._text[before.position : token.end]
        quotes = (
            f' If it is one key, write "{joined}".'
            if before.is_name and token.is_name and '"' not in joined and len(joined) < _LONGEST
            else ""
        )
        self._refuse(
            token.position,
            f"nothing joins this to {self._shown(before)}",
            f"Write &, | or a comma between them.{quotes}",
        )

    def _shown(self, token: Token) -> str:
        return shown(self._text[token.position : token.end])

    def _union(self) -> Selection:
        return self._joined("|", AnyOf, lambda: self._joined("&", AllOf, self._negation))

    def _joined(self, operator: str, kind: type[AnyOf] | type[AllOf], operand: Callable[[], Selection]) -> Selection:
        parts = [operand()]
        while self._next.operator == operator:
            self._at += 1
            parts.append(operand())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def _negation(self) -> Selection:
        if self._next.is_word(("not",)):
            return Not(self._nested(self._take(), self._negation))
        if self._next.is_mark("("):
            opened = self._take()
            selection = self._nested(opened, self._union)
            if not self._next.is_mark(")"):
                if self._next.kind is not Kind.END:
                    self._refuse_to_follow(self._next)
                self._refuse(opened.position, "this '(' is not closed", "Close it with ')'.")
            self._at += 1
            return selection
        if self._next.is_name and self._after_next.is_mark("="):
            return self._in_dimension()
        return self._values()

    def _nested(self, outer: Token, inner: Callable[[], Selection]) -> Selection:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._refuse(outer.position, f"more than {_DEEPEST} levels of nesting", "Write it with fewer.")
        selection = inner()
        self._depth -= 1
        return selection

    def _in_dimension(self) -> Selection:
        name, equals = self._take(), self._take()
        if self._dimension is not None:
            self._refuse(
                name.position,
                f"{shown(name.text)} is a dimension inside the selection of {self._dimension!r}",
                "Join dimensions with &: region=eu,us & date=2024-01.",
            )
        self._dimension = name.text
        selection = self._nested(equals, self._negation)
        self._dimension = None
        return InDimension(name.text, selection, name.position)

    def _values(self) -> Selection:
        parts = [self._value_or_range()]
        while self._next.is_mark(","):
            self._at += 1
            if self._next.is_name and self._after_next.is_mark("="):
                self._refuse(
                    self._next.position,
                    "',' joins values, not dimensions",
                    "Join dimensions with &: region=eu,us & date=2024-01.",
                )
            parts.append(self._value_or_range())
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _value_or_range(self) -> Selection:
        token = self._next
        if token.is_word(_SETS):
            self._at += 1
            return Word(token.text, token.position)
        if token.is_word(_EDGES):
            return self._edge()
        start = None if token.kind is Kind.DOTS else self._value()
        if self._next.kind is not Kind.DOTS:
            assert start is not None  # noqa: S101  the dots would be next
            return start
        self._at += 1
        end = self._value() if self._next.is_name and self._next.operator is None else None
        if start is None and end is None:
            self._refuse(token.position, "a range without a start and an end", "Write all for every partition.")
        return Range(start, end, token.position)

    def _value(self) -> Value:
        token = self._next
        if token.is_word(_RESERVED) and token.operator is None:
            self._refuse(
                token.position,
                f"{token.text!r} is a word of the grammar, and a value is expected",
                f'The key of that name is written "{token.text}".',
            )
        if not token.is_name or token.operator is not None:
            self._refuse_here(token)
        self._at += 1
        return Value(token.text, token.position, token.kind is Kind.QUOTED)

    def _refuse_here(self, token: Token) -> NoReturn:
        if token.kind is Kind.END:
            last = self._tokens[self._at - 1]
            self._refuse(last.position, f"nothing follows {self._shown(last)}", _EXAMPLES + ".")
        self._refuse(token.position, f"{token.text!r} stands where partitions are expected", _EXAMPLES + ".")

    def _edge(self) -> Edge:
        word, number = self._take(), self._next
        counts = number.kind is Kind.WORD and number.text.isascii() and number.text.isdigit()
        digits = number.text.lstrip("0") if counts else ""
        if not digits:
            position = word.position if number.kind is Kind.END else number.position
            self._refuse(
                position,
                f"{word.text!r} is followed by how many, at least 1",
                f'For example {word.text} 7; the key of that name is written "{word.text}".',
            )
        self._at += 1
        return Edge(int(digits[:_DIGITS]), word.text == "last", word.position)
