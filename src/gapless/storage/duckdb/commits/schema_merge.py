"""How a frame's columns meet a table's: by name; columns are added, types widened, nothing is narrowed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Limits", "Merge", "fitting_cast", "limits_of", "merge", "strict_conflicts"]

_SIGNED = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_UNSIGNED = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64, "UHUGEINT": 128}
_MANTISSA = {"FLOAT": 24, "DOUBLE": 53}  # bits of an integer that a float of this type holds exactly
_NAIVE_TIMES = ("TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP", "TIMESTAMP_NS")  # each holds all of those before it
_INSTANTS = ("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ_NS")
_TIMES = ("TIME", "TIME_NS")
_DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
_DIGITS = {"TINYINT": 3, "SMALLINT": 5, "INTEGER": 10, "BIGINT": 19, "HUGEINT": 39} | {
    "UTINYINT": 3,
    "USMALLINT": 5,
    "UINTEGER": 10,
    "UBIGINT": 20,
}  # of the longest integer
_LIST = re.compile(r"\[\d*\]$")
_FIELD = re.compile(r'("(?:[^"]|"")*"|\w+) ')
_LEXEME = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(),]""")
_POLARS = {
    **{
        f"{sign}{name}": f"pl.{kind}{bits}"
        for sign, kind in (("", "Int"), ("U", "UInt"))
        for name, bits in (("TINYINT", 8), ("SMALLINT", 16), ("INTEGER", 32), ("BIGINT", 64))
    },
    "BOOLEAN": "pl.Boolean",
    "FLOAT": "pl.Float32",
    "DOUBLE": "pl.Float64",
    "VARCHAR": "pl.String",
    "DATE": "pl.Date",
    "TIME": "pl.Time",
    "TIMESTAMP_MS": 'pl.Datetime("ms")',
    "TIMESTAMP": 'pl.Datetime("us")',
    "TIMESTAMP_NS": 'pl.Datetime("ns")',
}  # the types that a person may have to cast to


@dataclass(frozen=True, slots=True)
class Limits:
    """What of a type's values a wider type of less precision, or of less reach, really holds.

    Attributes:
        low, high: SQL literals, both inclusive.
        values: Of what the type has, in words.
        why: What becomes of those outside, a clause after "that".
    """

    low: str
    high: str
    values: str
    why: str


_LIMITS = {
    "DOUBLE": Limits(str(-(2**53)), str(2**53), "integers", "a DOUBLE cannot tell apart"),
    "TIMESTAMP_NS": Limits(
        "TIMESTAMP '1677-09-22'",
        "TIMESTAMP '2262-04-11'",
        "times",
        "TIMESTAMP_NS does not reach (it spans the years 1677 to 2262)",
    ),
    "TIMESTAMPTZ_NS": Limits(
        "TIMESTAMPTZ '1677-09-22 00:00:00+00'",
        "TIMESTAMPTZ '2262-04-11 00:00:00+00'",
        "times",
        "TIMESTAMPTZ_NS does not reach (it spans the years 1677 to 2262)",
    ),
}


@dataclass(frozen=True, slots=True)
class Merge:
    """What becomes of a table when a frame's rows come in.

    Attributes:
        columns: The table's columns afterwards, name to type, in order.
        added: Those of them that are new.
        widened: Those whose type changes.
        casts: Frame column to the type that its values take on, where it is not their own.
        limited: Frame columns whose values go into a type that has `limits_of` theirs: right only if each value fits.
        limited_so_far: Table columns that become such a type, with the same condition on all earlier values.
        conflicts: Table column names that cannot hold the frame's values, each with a clause that says why.
        missing: Table columns that the frame lacks.
    """

    columns: dict[str, str]
    added: dict[str, str] = field(default_factory=dict)
    widened: dict[str, str] = field(default_factory=dict)
    casts: dict[str, str] = field(default_factory=dict)
    limited: dict[str, str] = field(default_factory=dict)
    limited_so_far: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()


def merge(table: Mapping[str, str], frame: Mapping[str, str | None]) -> Merge:
    """Bring a frame's columns together with a table's.

    Args:
        table: Name to type.
        frame: Name to type; None for a column without any value, which fits every type. Names match in any case.
    """
    by_folded = {name.casefold(): name for name in table}
    made = {name.casefold() for name in frame}
    missing = tuple(name for folded, name in by_folded.items() if folded not in made)
    result = Merge(dict(table), missing=missing)
    for name, kind in frame.items():
        stored_name = by_folded.get(name.casefold())
        if stored_name is None:
            # The type of a column without values is not known yet: text stands in until values come.
            result.columns[name] = result.added[name] = kind or "VARCHAR"
            continue
        stored = table[stored_name]
        if kind is None or kind == stored:
            continue
        if holds(stored, kind):
            result.casts[name] = stored
            if limits_of(stored, kind) is not None:
                result.limited[name] = stored
        elif holds(kind, stored):
            result.columns[stored_name] = result.widened[stored_name] = kind
            if limits_of(kind, stored) is not None:
                result.limited_so_far[stored_name] = kind
        elif (wider := _covering(stored, kind)) is not None:
            result.columns[stored_name] = result.widened[stored_name] = wider
            result.casts[name] = wider
        else:
            result.conflicts[stored_name] = type_conflict(stored_name, stored, kind)
    return result


def strict_conflicts(table: Mapping[str, str], frame: Mapping[str, str | None]) -> dict[str, str]:
    """What is not the same in both, by column name, each with a clause; arguments as of `merge`."""
    by_folded = {name.casefold(): name for name in table}
    conflicts = {}
    for name, kind in frame.items():
        stored_name = by_folded.pop(name.casefold(), None)
        if stored_name is None:
            conflicts[name] = f"column {name!r} is not in the table"
        elif kind is not None and kind != table[stored_name]:
            conflicts[stored_name] = type_conflict(stored_name, table[stored_name], kind)
    return conflicts | {name: f"column {name!r} is missing from the frame" for name in by_folded.values()}


def type_conflict(column: str, stored: str, made: str) -> str:
    return f"column {column!r} is {stored} in the table and {made} in the frame"


def holds(wide: str, narrow: str) -> bool:
    """Whether every value of type `narrow` is one of type `wide`.

    Where the two have `limits_of`, the caller looks at the values.
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
    held, holder = _decimal(narrow), _DECIMAL.fullmatch(wide)
    if held and holder:
        whole, scale = held
        return int(holder[2]) >= scale and int(holder[1]) - int(holder[2]) >= whole
    inside = _inside(wide, narrow)
    # Of values inside others nobody looks at each.
    return bool(inside) and all(holds(*pair) and limits_of(*pair) is None for pair in inside)


def limits_of(wide: str, narrow: str) -> Limits | None:
    """Which values of type `narrow` the type `wide`, which holds it, has room for; None if all of them."""
    if wide == "DOUBLE" and _is_integer(narrow):
        return _LIMITS[wide] if _bits(narrow) > _MANTISSA[wide] else None
    return _LIMITS.get(wide) if narrow in (*_NAIVE_TIMES, *_INSTANTS) and narrow != wide else None


def fitting_cast(stored: str, made: str) -> str | None:
    """What to call on a frame's column of type `made` so that it fits the table's `stored`; None if nothing helps.

    Values may be lost by it; that is for a person to decide.
    """
    if (stored == "FLOAT" and _is_integer(made)) or (made == "FLOAT" and _is_integer(stored)):
        return ".cast(pl.Float64)"  # which holds both
    dtype = _POLARS.get(stored)
    if decimal := _DECIMAL.fullmatch(stored):
        dtype = f"pl.Decimal({decimal[1]}, {decimal[2]})"
    days = ("DATE", *_NAIVE_TIMES)
    if dtype is None or (stored == "TIMESTAMP_NS" and made in _NAIVE_TIMES):
        return None
    if made == "VARCHAR" and stored in days:
        return ".str.to_date()" if stored == "DATE" else ".str.to_datetime()"
    if _is_number(stored):
        helps = _is_number(made) or made == "VARCHAR"
    elif stored in days:
        helps = made in days
    else:
        helps = stored == "VARCHAR" and (_is_number(made) or made in (*days, *_INSTANTS, *_TIMES, "BOOLEAN"))
    return f".cast({dtype})" if helps else None


def _covering(one: str, other: str) -> str | None:
    """The smallest type that holds both, where neither holds the other: a signed one for mixed signs, a decimal."""
    if _is_integer(one) and _is_integer(other):
        return next((kind for kind in _SIGNED if holds(kind, one) and holds(kind, other) and kind != "HUGEINT"), None)
    if _DECIMAL.fullmatch(one) or _DECIMAL.fullmatch(other):
        first, second = _decimal(one), _decimal(other)
        if first is None or second is None:
            return None
        whole, scale = map(max, first, second)
        return f"DECIMAL({whole + scale},{scale})" if whole + scale <= 38 else None
    inside = _inside(one, other)
    wider = [_wider(*pair) for pair in inside]
    return None if not inside or None in wider else _around(one, [kind for kind in wider if kind is not None])


def _wider(one: str, other: str) -> str | None:
    """The type inside a list or a struct that holds both, each of its values."""
    for wide, narrow in ((one, other), (other, one)):
        if holds(wide, narrow):
            return wide if limits_of(wide, narrow) is None else None
    return _covering(one, other)


def _inside(one: str, other: str) -> list[tuple[str, str]]:
    """The types in two lists, or in two structs of the same fields, pair by pair; empty if they are no such two."""
    first, second = _parts(one), _parts(other)
    if first is None or second is None or first[0] != second[0]:
        return []
    return list(zip(first[1], second[1], strict=True))


def _parts(kind: str) -> tuple[tuple[str, ...], list[str]] | None:
    """What a list or a struct is, but for the types inside it, and those; None for another type."""
    if suffix := _LIST.search(kind):
        return (suffix[0],), [kind[: suffix.start()]]
    if not (kind.startswith("STRUCT(") and kind.endswith(")")):
        return None
    names, types = [], []
    for field_text in _split(kind[len("STRUCT(") : -1]):
        if (found := _FIELD.match(field_text)) is None:
            return None
        names.append(found[1].casefold())
        types.append(field_text[found.end() :])
    return tuple(names), types


def _split(fields: str) -> list[str]:
    """A struct's fields, at the commas that are not inside a name, a value of an ENUM, or brackets."""
    pieces, depth, start = [], 0, 0
    for found in _LEXEME.finditer(fields):
        depth += (found[0] == "(") - (found[0] == ")")
        if found[0] == "," and not depth:
            pieces.append(fields[start : found.start()].strip())
            start = found.end()
    return [*pieces, fields[start:].strip()]


def _around(kind: str, types: list[str]) -> str:
    """`kind`, a list or a struct, with other types inside."""
    if suffix := _LIST.search(kind):
        return f"{types[0]}{suffix[0]}"
    names = [_FIELD.match(text)[1] for text in _split(kind[len("STRUCT(") : -1])]  # type: ignore[index]
    return f"STRUCT({', '.join(f'{name} {inner}' for name, inner in zip(names, types, strict=True))})"


def _decimal(kind: str) -> tuple[int, int] | None:
    """Digits before and after the point of a decimal, or of an integer as one; None for another type."""
    if found := _DECIMAL.fullmatch(kind):
        return int(found[1]) - int(found[2]), int(found[2])
    return (_DIGITS[kind], 0) if kind in _DIGITS else None


def _is_number(kind: str) -> bool:
    return _is_integer(kind) or kind in _MANTISSA or _DECIMAL.fullmatch(kind) is not None


def _is_integer(kind: str) -> bool:
    return kind in _SIGNED or kind in _UNSIGNED


def _bits(kind: str) -> int:
    return _SIGNED.get(kind) or _UNSIGNED[kind]
