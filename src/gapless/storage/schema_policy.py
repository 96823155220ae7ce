"""How a frame's columns meet a table's: by name; columns are added, types widened, nothing is narrowed or dropped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Merge", "merge"]

_SIGNED = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_UNSIGNED = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "UHUGEINT": 128}
_MANTISSA = {"FLOAT": 24, "DOUBLE": 53}  # bits of an integer that a float of this type holds exactly
_NAIVE_TIMES = ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS")  # each holds all of those before it
_INSTANTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_TIMES = ("TIME", "TIME_NS")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of a table when a frame's rows come in.

    Attributes:
        columns: The table's columns afterwards, name to type, in order.
        added: Those of them that are new.
        widened: Those whose type changes.
        casts: Frame column to the type that its values take on, where it is not their own.
        exact_floats: Frame columns of integers that go into a column of floats: right only if each value fits.
        exact_integers: Table columns of integers that become floats, with the same condition on the stored values.
        conflicts: Table column names that cannot hold the frame's values, each with a clause that says why.
    """

    columns: dict[str, str]
    added: dict[str, str] = field(default_factory=dict)
    widened: dict[str, str] = field(default_factory=dict)
    casts: dict[str, str] = field(default_factory=dict)
    exact_floats: tuple[str, ...] = ()
    exact_integers: tuple[str, ...] = ()
    conflicts: dict[str, str] = field(default_factory=dict)


def merge(table: Mapping[str, str], frame: Mapping[str, str | None]) -> Merge:
    """Bring a frame's columns together with a table's.

    Args:
        table: Name to type.
        frame: Name to type; None for a column without any value, which fits every type. Names match in any case.
    """
    result = Merge(dict(table))
    by_folded = {name.casefold(): name for name in table}
    floats: list[str] = []
    integers: list[str] = []
    for name, kind in frame.items():
        stored_name = by_folded.pop(name.casefold(), None)
        if stored_name is None:
            # The type of a column without values is not known yet: text stands in until values come.
            result.columns[name] = result.added[name] = kind or "VARCHAR"
            continue
        stored = table[stored_name]
        if kind is None or kind == stored:
            continue
        if holds(stored, kind):
            result.casts[name] = stored
            if _is_integer(kind) and stored in _MANTISSA and _bits(kind) > _MANTISSA[stored]:
                floats.append(name)
        elif holds(kind, stored):
            result.columns[stored_name] = result.widened[stored_name] = kind
            if _is_integer(stored) and kind in _MANTISSA and _bits(stored) > _MANTISSA[kind]:
                integers.append(stored_name)
        elif (wider := _covering(stored, kind)) is not None:
            result.columns[stored_name] = result.widened[stored_name] = wider
            result.casts[name] = wider
        else:
            result.conflicts[stored_name] = f"column {stored_name!r} is {stored} in the table and {kind} in the frame"
    for name in by_folded.values():
        result.conflicts[name] = f"column {name!r} is missing from the frame"
    return Merge(
        result.columns,
        result.added,
        result.widened,
        result.casts,
        tuple(floats),
        tuple(integers),
        result.conflicts,
    )


def holds(wide: str, narrow: str) -> bool:
    """Whether every value of type `narrow` is one of type `wide`.

    Integers of 64 bits count as held by DOUBLE; the caller looks at the values.
    """
    if wide == narrow:
        return True
    if _is_integer(wide) and _is_integer(narrow):
        if wide in _SIGNED:
            return _bits(narrow) < _bits(wide) if narrow in _UNSIGNED else _bits(narrow) <= _bits(wide)
        return narrow in _UNSIGNED and _bits(narrow) <= _bits(wide)
    if wide in _MANTISSA:
        if wide == "DOUBLE":
            return narrow == "FLOAT" or (_is_integer(narrow) and _bits(narrow) <= 64)
        return _is_integer(narrow) and _bits(narrow) < _MANTISSA[wide]
    for ladder in (_NAIVE_TIMES, _INSTANTS, _TIMES):
        if wide in ladder and narrow in ladder:
            return ladder.index(narrow) <= ladder.index(wide)
    if wide == "VARCHAR":
        return narrow.startswith("ENUM")
    held, holder = _DECIMAL.fullmatch(narrow), _DECIMAL.fullmatch(wide)
    if held and holder:
        digits, scale = int(held[1]), int(held[2])
        return int(holder[2]) >= scale and int(holder[1]) - int(holder[2]) >= digits - scale
    return False


def _covering(one: str, other: str) -> str | None:
    """The smallest type that holds both, where neither holds the other: a signed one for mixed signs, a decimal."""
    if _is_integer(one) and _is_integer(other):
        return next((kind for kind in _SIGNED if holds(kind, one) and holds(kind, other) and kind != "HUGEINT"), None)
    first, second = _DECIMAL.fullmatch(one), _DECIMAL.fullmatch(other)
    if first and second:
        scale = max(int(first[2]), int(second[2]))
        whole = max(int(first[1]) - int(first[2]), int(second[1]) - int(second[2]))
        return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else None
    return None


def _is_integer(kind: str) -> bool:
    return kind in _SIGNED or kind in _UNSIGNED


def _bits(kind: str) -> int:
    return _SIGNED.get(kind) or _UNSIGNED[kind]
