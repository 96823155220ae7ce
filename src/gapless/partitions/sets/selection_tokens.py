"""Selections of partitions as text: from characters to tokens. See `selection_grammar`."""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum
from typing import NamedTuple

from gapless.errors import PartitionSelectionError

__all__ = ["Kind", "Token", "is_bare", "quoted", "tokens_of"]

_OPERATORS = {"&": "&", "and": "&", "|": "|", "or": "|"}
_WORD = r'(?:[^\s,=&|()".]|\.(?!\.))+'
_TOKEN = re.compile(rf'\s*(?:(?P<dots>\.\.+)|(?P<mark>[,=&|()])|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<word>{_WORD}))', re.S)
_ESCAPE = re.compile(r"\\(.)", re.S)


class Kind(Enum):
    """What a token is; the values name the groups of the pattern."""

    WORD = "word"
    QUOTED = "quoted"
    MARK = "mark"  # one of ,=&|()
    DOTS = "dots"  # two or three
    END = "end"


class Token(NamedTuple):
    """One piece of a selection.

    Attributes:
        text: Without quotes and escapes.
        position: 0-based character at which it begins.
        end: The first character after it.
    """

    kind: Kind
    text: str
    position: int
    end: int

    @property
    def is_name(self) -> bool:
        """Whether it can be a key or the name of a dimension."""
        return self.kind in (Kind.WORD, Kind.QUOTED)

    def is_word(self, words: Collection[str]) -> bool:
        """Whether it is one of these words, not in quotes."""
        return self.kind is Kind.WORD and self.text in words

    def is_mark(self, mark: str) -> bool:
        """Whether it is this one of ``,=&|()``."""
        return self.kind is Kind.MARK and self.text == mark

    @property
    def operator(self) -> str | None:
        """``&`` or ``|``, also where it is written as a word; None if it is neither."""
        return None if self.kind is Kind.QUOTED else _OPERATORS.get(self.text)


_KINDS = {kind.value: kind for kind in Kind}  # to ask the enumeration takes longer than to find the token


def tokens_of(text: str) -> list[Token]:
    """The tokens of a selection; the last one is its end.

    Raises:
        PartitionSelectionError: A quote is not closed, an escape is none, or there are too many dots.
    """
    tokens: list[Token] = []
    at, size = 0, len(text.rstrip())
    while at < size:
        match = _TOKEN.match(text, at)
        if match is None:  # only a quote without its other half begins no token
            quote = text.index('"', at)
            fix = 'End the key with ", and write a quote inside it as \\".'
            raise PartitionSelectionError(text, quote, "the quote is not closed", fix)
        kind, at = _KINDS[match.lastgroup or ""], match.end()
        piece = match[kind.value]
        position = at - len(piece)
        if kind is Kind.DOTS and len(piece) > 3:
            raise PartitionSelectionError(text, position, f"{len(piece)} dots in a row", "A range is written a..b.")
        if kind is Kind.QUOTED:
            piece = _unquoted(text, position, piece)
        tokens.append(Token(kind, piece, position, at))
    return [*tokens, Token(Kind.END, "", size, size)]


def _unquoted(text: str, position: int, piece: str) -> str:
    for escape in _ESCAPE.finditer(piece):
        if escape[1] not in '"\\':
            fix = r"Inside quotes a backslash is written \\ and a quote \"."
            raise PartitionSelectionError(text, position + escape.start(), f"\\{escape[1]} is no escape", fix)
    return _ESCAPE.sub(r"\1", piece[1:-1])


def is_bare(key: str) -> bool:
    """Whether a key without quotes is one word, also beside the dots of a range."""
    return re.fullmatch(_WORD, key) is not None and not key.startswith(".") and not key.endswith(".")


def quoted(key: str) -> str:
    """The key in quotes."""
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
