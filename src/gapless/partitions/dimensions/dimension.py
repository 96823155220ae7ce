"""A dimension of a partitions definition: its name, its own definition, its keys, and what is refused as one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from gapless.errors import PartitionsDefinitionError, closest, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.static import StaticPartitionsDefinition
from gapless.partitions.windows.windowed import Windowed

__all__ = [
    "PartitionDimensionDefinition",
    "check_found_keys",
    "key_of",
    "read_dimensions",
    "unknown_dimension",
    "unknown_key",
]

_IN_NAMES = '|,[]=&"'  # they have a meaning in keys and in selections: region=eu & date=2024-01-05
_IN_KEYS = "|,[]"
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)  # keys that are not time are the same at all times


class PartitionDimensionDefinition(NamedTuple):
    """One dimension of a partitions definition.

    Attributes:
        name: What the dimension is called.
        partitions_def: Which keys it has.
    """

    name: str
    partitions_def: PartitionsDefinition


def read_dimensions(partitions_defs: object) -> dict[str, PartitionsDefinition]:
    """The dimensions that a user writes, in the order of their names.

    Raises:
        PartitionsDefinitionError: It is not a mapping of two or more usable names to usable definitions.
    """
    if not isinstance(partitions_defs, Mapping):
        raise PartitionsDefinitionError(
            f"MultiPartitionsDefinition got {_shown(partitions_defs)} as its dimensions",
            "Write a dictionary of a definition for each name: {'date': DailyPartitionsDefinition(…), 'region': …}.",
        )
    if len(partitions_defs) < 2:
        given = f"one dimension, {next(iter(partitions_defs))!r}" if partitions_defs else "no dimensions"
        fix = "Use its definition directly." if partitions_defs else "Name at least two: {'date': …, 'region': …}."
        raise PartitionsDefinitionError(f"MultiPartitionsDefinition got {given}", fix)
    for name in partitions_defs:
        _check_name(name)
    dimensions = dict(sorted(partitions_defs.items()))
    for name, dimension in dimensions.items():
        _check_definition(name, dimension)
    return dimensions


def unknown_dimension(name: object, dimensions: Mapping[str, object], where: str) -> PartitionsDefinitionError:
    """The error for a name that no dimension has; `where` is what names it, as the subject of a sentence."""
    near = closest(str(name), dimensions)
    meant = f"Did you mean {near[0]!r}?" if near else f"The dimensions are {', '.join(dimensions)}."
    return PartitionsDefinitionError(f"{where} names {shown(name)}, which is not a dimension", meant)


def unknown_key(key: object, name: str, dimension: PartitionsDefinition, where: str) -> PartitionsDefinitionError:
    """The error for a key that the dimension `name` never has; `where` is what names it, as the subject."""
    # Which keys of a time dimension are near depends on the time, which a definition does not know.
    near = () if dimension.is_time else dimension.nearest_keys(str(key), _ANY_TIME)
    meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return PartitionsDefinitionError(
        f"{where} names {shown(key)}, which is not a key of the dimension {name!r} ({dimension.describe()})", meant
    )


def key_of(value: object, name: str, dimension: PartitionsDefinition, where: str) -> str:
    """The key in the dimension `name` that a value names: a key is text; where keys are time, a date names one too.

    A date without a timezone is civil time in the dimension's own; one with a timezone has to be the start of a
    partition.

    Raises:
        PartitionsDefinitionError: The value names none; `where` is what holds it, as the subject of a sentence.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, date) and value == value and isinstance(dimension, Windowed):  # NaT is a date, and unequal
        if not isinstance(value, datetime):
            return value.strftime(dimension.fmt)
        if value.tzinfo is None:
            key = value.strftime(dimension.fmt)
            if datetime.strptime(key, dimension.fmt) == value:
                return key
        else:
            ordinal = dimension.ordinal_containing(value)
            # As numbers: a time that comes twice is, by PEP 495, unequal to any in another timezone.
            if ordinal is not None and dimension.boundary(ordinal).timestamp() == value.timestamp():
                return dimension.key_at(ordinal)
        raise unknown_key(str(value), name, dimension, where)
    allowed = "text or a date" if dimension.is_time else "text"
    raise PartitionsDefinitionError(
        f"{where} has {_shown(value)} as a key of the dimension {name!r}; expected {allowed}",
        "" if value is None or value != value else f"Write {str(value)!r}.",
    )


def _shown(value: object) -> str:
    return f"{value!r:.60} ({type(value).__name__})"


def _check_name(name: object) -> None:
    if not isinstance(name, str):
        raise PartitionsDefinitionError(f"the dimension name {name!r} is of type {type(name).__name__}, not str")
    if not name or name != name.strip():
        raise PartitionsDefinitionError(
            f"the dimension name {name!r} is empty, or begins or ends with a space", "Name it in plain words: 'region'."
        )
    if re.search(r"[\x00-\x1f\x7f-\x9f]", name):
        raise PartitionsDefinitionError(f"the dimension name {name!r} has a control character", "Remove it.")
    used = [c for c in _IN_NAMES if c in name]
    if used:
        raise PartitionsDefinitionError(
            f"the dimension name {name!r} has {used[0]!r}, which has a meaning in keys and selections",
            "Use letters, digits and underscores.",
        )


def _check_definition(name: str, dimension: object) -> None:
    if not isinstance(dimension, PartitionsDefinition):
        raise PartitionsDefinitionError(
            f"the dimension {name!r} is {_shown(dimension)}, not a partitions definition",
            f"Write for example {{{name!r}: StaticPartitionsDefinition(['a', 'b'])}}.",
        )
    if dimension.dimensions:
        inner = ", ".join(dimension.dimensions)
        raise PartitionsDefinitionError(
            f"the dimension {name!r} has dimensions itself: {inner}",
            f"Name them all in one MultiPartitionsDefinition, beside the others instead of {name!r}.",
        )
    if isinstance(dimension, Windowed):
        if used := _first_with(_IN_KEYS, [dimension.fmt]):
            raise PartitionsDefinitionError(
                f"the keys of the dimension {name!r} have the format {dimension.fmt!r}, with {used[1]!r}, which has a"
                " meaning in keys and selections",
                "Use another separator in fmt.",
            )
    elif isinstance(dimension, StaticPartitionsDefinition):
        found = _first_with(_IN_KEYS, dimension.keys_of(dimension.existing(_ANY_TIME)))
        if found:
            raise PartitionsDefinitionError(
                f"the key {found[0]!r} of the dimension {name!r} has {found[1]!r}",
                f"In a key of a dimension, none of {' '.join(_IN_KEYS)} can be used; choose another character.",
            )


def check_found_keys(name: str, dimension: PartitionsDefinition) -> None:
    """Refuses what cannot be joined to others, of the keys of a dynamic dimension that were looked up.

    Raises:
        PartitionsDefinitionError: A key holds ``|``.
    """
    found = _first_with(DELIMITER, dimension.keys_of(dimension.existing(_ANY_TIME)))
    if found:
        (dynamic,) = dimension.dynamic_names
        raise PartitionsDefinitionError(
            f"the dynamic partitions {dynamic!r} have the key {found[0]!r}; as a key of the dimension {name!r} it"
            f" cannot have {DELIMITER!r}, which joins the parts of a key",
            f"Remove it with: gapless partitions remove {dynamic} {found[0]!r}",
        )


def _first_with(characters: str, keys: Sequence[str]) -> tuple[str, str] | None:
    """A key that has one of `characters`, and which."""
    joined = "\n".join(keys)  # a hundred thousand keys are searched within a millisecond
    used = next((c for c in characters if c in joined), None)
    return None if used is None else (next(key for key in keys if used in key), used)
