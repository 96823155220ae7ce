"""Which partitions a person asked for, before any definition is looked at."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from gapless.errors import InvocationError, PartitionRangeError, UnknownPartitionError, shown
from gapless.partitions import OrdinalSet, PartitionsDefinition
from gapless.partitions.key_text import check_key
from gapless.partitions.multi_key import DELIMITER
from gapless.partitions.sets.selection_grammar import as_value
from gapless.planning.snapshot import AssetStatus

__all__ = ["PartitionRequest", "Scope"]


class Scope(Enum):
    """Which of the partitions in view to make, by what is recorded about them."""

    MISSING = "missing"  # without rows and not failed: never made, wiped, or skipped earlier; and what depends on them
    FAILED = "failed"  # failed, and skipped because of a failure
    ALL = "all"  # every one, whatever is recorded


@dataclass(frozen=True, slots=True)
class PartitionRequest:
    """What was asked for. What names partitions applies to the first assets of a selection; the others follow.

    Attributes:
        keys: Exactly these partition keys.
        ranges: ``START..END`` texts, both ends inclusive.
        last: The newest so many partitions; where there are dimensions, those of the one that is time.
        scope: Of those in view, which to make. None means: all of those named, else the missing ones.
        text: A selection of partitions such as ``2024-01 & not failed``; see `gapless.partitions.sets.selection`.
    """

    keys: tuple[str, ...] = ()
    ranges: tuple[str, ...] = ()
    last: int | None = None
    scope: Scope | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        for key in self.keys:
            check_key(key)
        if self.last is not None and self.last < 1:
            raise InvocationError(f"cannot take the last {self.last} partitions", "Ask for at least one: --last 1")

    @property
    def names_partitions(self) -> bool:
        """Whether partitions are named, rather than all in view."""
        return bool(self.keys or self.ranges or self.last or self.text is not None)

    @property
    def named(self) -> str:
        """The first partition that is named, for people: ``partition '2024-01-05'``."""
        if self.keys:
            return f"partition {shown(self.keys[0])}"
        if self.ranges:
            return f"range {shown(self.ranges[0])}"
        return f"newest {self.last}" if self.last else f"selection of partitions {shown(self.text)}"

    @property
    def effective_scope(self) -> Scope:
        if self.scope is not None:
            return self.scope
        return Scope.ALL if self.names_partitions else Scope.MISSING

    def resolve(
        self,
        definition: PartitionsDefinition,
        asset: str,
        now: datetime,
        status: AssetStatus,
        expired: OrdinalSet = OrdinalSet.empty(),
    ) -> OrdinalSet:
        """The ordinals that this names in `definition`; all that exist if it names none.

        Args:
            status: What is recorded about the asset; `text` may ask for it.
            expired: What `text` does not mean by ``missing``.

        Raises:
            UnknownPartitionError: A key does not exist at `now`.
            PartitionRangeError: A range is malformed or runs backwards.
            PartitionSelectionError: `text` cannot be read, or names what is not there.
        """
        existing = definition.existing(now)
        if not self.names_partitions:
            return existing
        named = OrdinalSet.of(_one(key, definition, asset, now) for key in self.keys)
        for text in self.ranges:
            named |= _range(text, definition, asset, now)
        texts = [*((f"last {self.last}",) if self.last else ()), *((self.text,) if self.text is not None else ())]
        for text in texts:
            named |= definition.select(text, now, status.by_word(existing, expired)).flat()
        return named


def _one(key: str, definition: PartitionsDefinition, asset: str, now: datetime) -> int:
    try:
        return definition.validate_key(key, now, asset)
    except UnknownPartitionError as unknown:
        if ".." in key:
            unknown.nearest, unknown.to_add = (), None
            unknown.reason = (
                f"it is written as a range, which --range {shown(key)} takes, and --partition takes one key"
            )
        raise


def _range(text: str, definition: PartitionsDefinition, asset: str, now: datetime) -> OrdinalSet:
    start, end = _ends(text, definition)
    if definition.dimensions:
        _check_corners(text, start, end, definition)
    first = definition.validate_key(start, now, asset)
    last = definition.validate_key(end, now, asset)
    named = definition.between(first, last)
    if named:
        return named
    if definition.dimensions:
        expected = "the corner of a rectangle that comes first in every dimension, then the opposite one"
    else:
        expected = f"{end}..{start}, the earlier one first"
    raise PartitionRangeError(text, f"its start {start!r} comes after its end {end!r}", expected)


def _check_corners(text: str, start: str, end: str, definition: PartitionsDefinition) -> None:
    """Refuses a corner that does not exist though its parts do: a selection can name what lies between them."""
    dimensions = definition.dimensions
    parts = [key.split(DELIMITER) for key in (start, end)]
    if any(len(each) != len(dimensions) for each in parts):
        return
    sides = list(zip(dimensions.items(), *parts, strict=True))
    if any(dimension.ordinal_of(part) is None for (_, dimension), *both in sides for part in both):
        return
    missing = next((key for key in (start, end) if definition.ordinal_of(key) is None), None)
    if missing is not None:
        selection = " & ".join(f"{as_value(name)}={as_value(a)}..{as_value(b)}" for (name, _), a, b in sides)
        raise PartitionRangeError(
            text,
            f"there is no partition {missing!r}, though its parts exist",
            f"corners that exist; what there is between others is selected with: --partitions {shlex.quote(selection)}",
        )


def _ends(text: str, definition: PartitionsDefinition) -> tuple[str, str]:
    splits = [(text[:i], text[i + 2 :]) for i in range(len(text) - 1) if text[i : i + 2] == ".."]
    if not splits:
        raise PartitionRangeError(text, "it has no '..'")
    # A static key may itself hold dots: prefer the split whose two ends are keys.
    for start, end in splits:
        if definition.ordinal_of(start) is not None and definition.ordinal_of(end) is not None:
            return start, end
    start, end = text.split("..", 1)
    end = end.removeprefix(".")  # Dagster writes three dots
    if not start or not end:
        raise PartitionRangeError(text, f"its {'start' if not start else 'end'} is empty")
    return start, end
