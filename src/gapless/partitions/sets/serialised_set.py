"""Sets of partitions as text that is kept: JSON, and still to be read when the definition has changed.

    {"version": 1,
     "definition": {"kind": "time", "cron": "0 0 * * *", "timezone": "UTC", "fmt": "%Y-%m-%d"},
     "partitions": [["2024-01-01", "2024-01-05"], "2024-01-09"]}

``definition`` holds what gives a key its meaning, see `OrderedKeys.key_facts`; it has to be the same when the text is
read. What may change are the bounds of a definition and its lists of keys. So partitions are told by keys, never by
ordinals:

- time windows as ranges, both ends inclusive; very many ranges as ``{"from": KEY, "bits": …}``, a Roaring bitmap in
  base64 of how many windows after that key each one is. Excluded windows count, and no range reaches over one: so
  exclusions may change too, and a range never takes in what was excluded when it was written;
- static and dynamic partitions as a list of keys;
- partitions of several dimensions as a list of boxes, each a mapping from dimension to one of the above.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from math import prod

from gapless.errors import PartitionSetFormatError
from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.sets.key_ranges import KeyRanges, NamedRuns, named

__all__ = ["Nonexistent", "carry_set", "read_set", "write_set"]

VERSION = 1
_READABLE = 100  # ranges; more are nobody's reading, and shorter as a bitmap
_FARTHEST = 1 << 40  # windows from one to another: more than there are minutes until the year 9999
_SHOWN = 80  # characters of a foreign value in a message


@dataclass(frozen=True, slots=True)
class Nonexistent:
    """Partitions that a text names and the definition no longer has.

    Attributes:
        count: How many.
        ranges: Which: of time windows that are excluded or outside of the definition, and of unknown keys.
    """

    count: int
    ranges: KeyRanges

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        shown = ", ".join(start if start == end else f"{start}..{end}" for start, end in islice(self.ranges, 5))
        left = len(self.ranges) - 5
        more = f", … and {left} more range{'s' * (left > 1)}" if left > 0 else ""
        return f"{shown}{more}" if self.count else "none"


def write_set(definition: OrderedKeys, ordinals: OrdinalSet | ProductSet) -> str:
    """The set as JSON."""
    partitions = _written(definition, ordinals)
    return json.dumps(
        {"version": VERSION, "definition": definition.key_facts(), "partitions": partitions}, ensure_ascii=False
    )


def _written(definition: OrderedKeys, ordinals: OrdinalSet | ProductSet) -> object:
    if isinstance(ordinals, OrdinalSet):
        return _written_side(definition, ordinals)
    dimensions = definition.dimensions.items()
    return [
        {name: _written_side(of, side) for (name, of), side in zip(dimensions, box, strict=True)}
        for box in ordinals.boxes()
    ]


def _written_side(definition: OrderedKeys, ordinals: OrdinalSet) -> object:
    if not definition.is_time:
        return definition.keys_of(ordinals)
    ordinals, key = definition.to_unexcluded(ordinals), definition.unexcluded.key_at
    runs = ordinals.runs
    if len(runs) > _READABLE:
        return {"from": key(0), "bits": base64.b64encode(ordinals.to_bytes()).decode()}
    return [key(a) if b == a + 1 else [key(a), key(b - 1)] for a, b in runs]


def read_set(definition: OrderedKeys, text: str) -> tuple[OrdinalSet | ProductSet, Nonexistent]:
    """The partitions that a text names: those that the definition has, and those that it has not.

    Raises:
        PartitionSetFormatError: The text is not of this format, or was written for keys of another meaning.
    """
    return _read(definition, _opened(definition, text))


def carry_set(
    definition: OrderedKeys, ordinals: OrdinalSet | ProductSet, into: OrderedKeys
) -> tuple[OrdinalSet | ProductSet, Nonexistent]:
    """As reading what was written; both definitions have the same key facts."""
    return _read(into, _written(definition, ordinals))


def _read(definition: OrderedKeys, partitions: object) -> tuple[OrdinalSet | ProductSet, Nonexistent]:
    if definition.dimensions:
        return _read_boxes(definition, partitions)
    side = _read_side(definition, partitions, "partitions")
    return side.known, Nonexistent(side.unknown.size, KeyRanges([[side.unknown]]))


def _opened(definition: OrderedKeys, text: object) -> object:
    """What the text says of the partitions, once the rest of it is found to fit."""
    if not isinstance(text, str):
        raise PartitionSetFormatError("", f"it is of type {type(text).__name__}, not str")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise PartitionSetFormatError(f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; thousands of brackets
        raise PartitionSetFormatError("", f"not JSON that can be read: {error}") from None
    if not isinstance(document, dict):
        raise PartitionSetFormatError("", f"it is {_shown(document)}, not an object")
    version = document.get("version")
    if type(version) is not int:
        raise PartitionSetFormatError("version", f"it is {_shown(version)}, not a number")
    if version != VERSION:
        raise PartitionSetFormatError(
            "version",
            f"it is {_shown(version)}, and this Gapless reads {VERSION}",
            "Read it with the Gapless that wrote it.",
        )
    _check_facts(document.get("definition"), definition.key_facts(), "definition", definition)
    return document.get("partitions")


def _check_facts(written: object, wanted: object, where: str, definition: OrderedKeys) -> None:
    """Refuses facts of another meaning; names the first difference."""
    if isinstance(wanted, Mapping) and isinstance(written, dict):
        if where == "definition.dimensions" and written.keys() != wanted.keys():
            written, wanted = sorted(written), sorted(wanted)
        else:
            for name in (*wanted, *(name for name in written if name not in wanted)):
                _check_facts(written.get(name), wanted.get(name), f"{where}.{name:.{_SHOWN}}", definition)
            return
    if written != wanted:
        raise PartitionSetFormatError(
            where,
            f"the set was written for {_shown(written)}, and the definition ({definition.describe()}) has"
            f" {_shown(wanted)}",
            "Read it with the definition that it was written for.",
        )


def _shown(value: object) -> str:
    if value is None:
        return "nothing"
    try:
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode()
    except RecursionError:
        return "something deeply nested"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@dataclass(frozen=True, slots=True)
class _Side:
    """Partitions of one dimension, or of a definition without dimensions.

    Attributes:
        known: Those that the definition has.
        unknown: The others.
    """

    known: OrdinalSet
    unknown: NamedRuns


def _read_boxes(definition: OrderedKeys, value: object) -> tuple[ProductSet, Nonexistent]:
    dimensions = definition.dimensions
    if not isinstance(value, list):
        raise PartitionSetFormatError("partitions", f"it is {_shown(value)}, not a list of boxes")
    rooms = definition.rooms
    known: list[ProductSet] = []
    unknown: list[tuple[NamedRuns, ...]] = []
    for n, box in enumerate(value):
        where = f"partitions[{n}]"
        if not isinstance(box, dict) or box.keys() != dimensions.keys():
            raise PartitionSetFormatError(where, f"it is {_shown(box)}, not a set for each of {', '.join(dimensions)}")
        sides = [_read_side(of, box[name], f"{where}.{name}") for name, of in dimensions.items()]
        _check_unknown(dimensions, sides, where)
        both = [side.known for side in sides]
        known.append(definition.among(both))
        # Of a product that is restricted to some combinations, others may have been partitions before.
        uncombined = (ProductSet.box(rooms, both) - known[-1]).boxes()
        unknown += [tuple(map(named, dimensions.values(), part)) for part in uncombined]
        unknown += _unknown_boxes(dimensions.values(), sides)
    count = sum(prod(side.size for side in box) for box in unknown)
    return ProductSet.union(rooms, known), Nonexistent(count, KeyRanges(unknown, dimensions))


def _check_unknown(dimensions: Mapping[str, OrderedKeys], sides: list[_Side], where: str) -> None:
    for (name, dimension), side in zip(dimensions.items(), sides, strict=True):
        for key, _ in () if dimension.is_time else side.unknown:
            if DELIMITER in key:
                raise PartitionSetFormatError(
                    f"{where}.{name}", f"{_shown(key)} has {DELIMITER!r}, which no key of a dimension has"
                )


def _unknown_boxes(dimensions: Iterable[OrderedKeys], sides: list[_Side]) -> list[tuple[NamedRuns, ...]]:
    """All combinations of sides, but for the one in which all are known."""
    if not any(side.unknown for side in sides):
        return []
    known = map(named, dimensions, (side.known for side in sides))
    either = [[part for part in (mine, side.unknown) if part] for mine, side in zip(known, sides, strict=True)]
    unknown = {id(side.unknown) for side in sides}
    return [box for box in product(*either) if any(id(part) in unknown for part in box)]


def _read_side(definition: OrderedKeys, value: object, where: str) -> _Side:
    if definition.is_time:
        return (
            _read_bitmap(definition, value, where)
            if isinstance(value, dict)
            else _read_ranges(definition, value, where)
        )
    keys = value if isinstance(value, list) else None
    if keys is None:
        raise PartitionSetFormatError(where, f"it is {_shown(value)}, not a list of keys")
    for n, key in enumerate(keys):
        if not isinstance(key, str):
            raise PartitionSetFormatError(f"{where}[{n}]", f"it is {_shown(key)}, not a key")
    gone = [key for key in dict.fromkeys(keys) if definition.ordinal_of(key) is None]
    return _Side(definition.ordinals_of(keys), NamedRuns([(n, n + 1) for n in range(len(gone))], gone.__getitem__))


def _read_ranges(definition: OrderedKeys, value: object, where: str) -> _Side:
    if not isinstance(value, list):
        raise PartitionSetFormatError(where, f"it is {_shown(value)}, not a list of keys and ranges, nor a bitmap")
    runs: list[tuple[int, int]] = []
    for n, item in enumerate(value):
        at = f"{where}[{n}]"
        ends = item if isinstance(item, list) else [item]
        if isinstance(item, list) and len(item) != 2:
            raise PartitionSetFormatError(at, f"it is {_shown(item)}, not a key or a pair of keys")
        ordinals = [_read_key(definition, key, at) for key in ends]
        first, last = ordinals[0], ordinals[-1]
        if last < first:
            raise PartitionSetFormatError(at, f"the range {_shown(item)} runs backwards")
        runs.append((first, last + 1))
    start = min((first for first, _ in runs), default=0)
    return _placed(definition, OrdinalSet.of_runs((a - start, b - start) for a, b in runs), start, where)


def _read_bitmap(definition: OrderedKeys, value: dict[str, object], where: str) -> _Side:
    bits = value.get("bits")
    if not isinstance(bits, str) or value.keys() != {"from", "bits"}:
        raise PartitionSetFormatError(where, f'it is {_shown(value)}, not {{"from": KEY, "bits": BASE64}}')
    start = _read_key(definition, value["from"], f"{where}.from")
    try:
        ordinals = OrdinalSet.from_bytes(base64.b64decode(bits, validate=True), _FARTHEST)
        if ordinals:
            definition.unexcluded.unbounded_key(start + ordinals.last())
    except (binascii.Error, ValueError) as error:
        raise PartitionSetFormatError(f"{where}.bits", f"not a bitmap in base64: {error}") from None
    except OverflowError:
        raise PartitionSetFormatError(f"{where}.bits", "it has windows after the year 9999") from None
    return _placed(definition, ordinals, start, where)


def _read_key(definition: OrderedKeys, key: object, where: str) -> int:
    whole = definition.unexcluded
    ordinal = whole.ordinal_of(key) if isinstance(key, str) else None  # nearly always, and faster
    if ordinal is None and isinstance(key, str):
        ordinal = whole.unbounded_ordinal(key)
    if ordinal is None:
        raise PartitionSetFormatError(where, f"{_shown(key)} is not a key of {definition.describe()}")
    return ordinal


def _placed(definition: OrderedKeys, ordinals: OrdinalSet, start: int, where: str) -> _Side:
    """Windows, `ordinals` counted from the one whose unbounded ordinal is `start`, excluded ones too."""
    whole = definition.unexcluded
    # A definition that never has a window still has room for one.
    end = whole.room if whole.ordinal_of(whole.unbounded_key(0)) == 0 else 0
    inside = (ordinals & OrdinalSet.span(max(0, -start), end - start)).shifted(start)
    try:
        known = definition.of_unexcluded(inside)
    except OverflowError:
        far = whole.unbounded_key(inside.last())
        raise PartitionSetFormatError(where, f"{far!r} is too far from the start to know what is excluded") from None
    gone = ordinals - definition.to_unexcluded(known).shifted(-start)
    return _Side(known, NamedRuns(gone.runs, whole.unbounded_key, shift=start))
