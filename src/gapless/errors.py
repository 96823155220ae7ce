"""Every deliberate exception of Gapless.

A message says what was wrong (asset, partition, file, line), what was expected, and what to type next. The facts
stay attributes, so that code can act on them, and survive pickling.

    GaplessError
    ├── UsageError                       what was asked for cannot be done as asked
    │   ├── UnknownAssetError            no asset of that name (LookupError)
    │   ├── UnknownPartitionError        the asset has no such partition (LookupError)
    │   ├── PartitionKeyError            a text that cannot be read as a key of the definition (ValueError)
    │   │   └── ExcludedPartitionError   the key of a partition that the definition excludes
    │   ├── PartitionRangeError          a range that is malformed or runs backwards
    │   ├── PartitionSetFormatError      a text that is no set of partitions of the definition (ValueError)
    │   ├── PartitionSelectionError      a selection of partitions that cannot be read or names what is not there
    │   ├── SelectionError               a selection that cannot be read or names nothing; in definitions.errors
    │   ├── UnknownNameError             no job or schedule of that name (LookupError); in definitions.errors
    │   ├── BlockedError                 what is asked for reads something that is not there
    │   └── InvocationError              a function or method called in a way that it does not support
    ├── DefinitionError                  the user's definitions do not hold together; names file and line
    │   ├── PartitionsDefinitionError    a partitions definition cannot be built from its arguments (ValueError)
    │   ├── UserFunctionError            a function of the user's that Gapless asks about partitions failed
    │   │   ├── CombinationsError        which combinations exist; a PartitionsDefinitionError too
    │   │   ├── ExclusionError           which windows are excluded; a PartitionsDefinitionError too
    │   │   └── MappingFunctionError     what a partition reads
    │   ├── DefinitionErrors             several of them, found together; in definitions.errors
    │   ├── LoadError                    the definitions file could not be loaded; in definitions.errors
    │   ├── UnknownArgumentError         an argument that a public function lacks (TypeError); in definitions.errors
    │   └── NameNotProvidedError         a Dagster name that Gapless lacks (ImportError); in definitions.errors
    ├── …                                what a call or a check did wrong; see gapless.execution.errors
    ├── StorageError                     a slice could not be read or replaced
    │   └── …                            see gapless.storage.errors
    └── LedgerError                      the ledger could not be read or written
        └── …                            see gapless.ledger.errors
"""

from __future__ import annotations

import difflib
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar
from unicodedata import combining, east_asian_width

__all__ = [
    "BlockedError",
    "CombinationsError",
    "DefinitionError",
    "ExcludedPartitionError",
    "ExclusionError",
    "GaplessError",
    "InvocationError",
    "LedgerError",
    "MappingFunctionError",
    "PartitionKeyError",
    "PartitionRangeError",
    "PartitionSelectionError",
    "PartitionSetFormatError",
    "PartitionsDefinitionError",
    "StorageError",
    "UnknownAssetError",
    "UnknownPartitionError",
    "UsageError",
    "UserFunctionError",
    "closest",
    "shown",
]

_E = TypeVar("_E", bound="GaplessError")
_EXCERPT = 80  # characters of a text that a message quotes


def _rebuild(cls: type[_E], facts: dict[str, Any]) -> _E:
    error = cls.__new__(cls)
    error.__dict__.update(facts)
    return error


class GaplessError(Exception):
    """The root of every deliberate error.

    Subclasses are dataclasses whose fields are the facts; ``__str__`` words them.

    Attributes:
        exit_code: What the command line exits with when this error ends it.
    """

    exit_code: ClassVar[int] = 2

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception's own pickling replays positional arguments only; the facts are keyword fields.
        return _rebuild, (type(self), dict(self.__dict__))


def closest(name: str, names: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The names most like `name`, best first, at most `limit`; empty if none is near."""
    return tuple(difflib.get_close_matches(name, list(names), n=limit, cutoff=0.5))


def shown(value: object) -> str:
    """The repr of `value` as a message quotes it: what is long is cut, so that the message can still be read."""
    written = repr(value)
    return written if len(written) <= _EXCERPT else f"{written[:_EXCERPT]}… ({len(written):,} characters)"


class UsageError(GaplessError):
    """What was asked for cannot be done as asked."""


@dataclass(eq=False)
class UnknownAssetError(UsageError, LookupError):
    """No asset of that name is defined."""

    asset: str
    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f" Did you mean {' or '.join(map(repr, self.nearest))}?" if self.nearest else ""
        return f"there is no asset {self.asset!r}.{near} List the assets with: gapless list"


@dataclass(eq=False)
class UnknownPartitionError(UsageError, LookupError):
    """The asset's partitions definition has no such partition."""

    asset: str | None
    key: str
    nearest: tuple[str, ...] = ()
    extent: str | None = None  # which keys exist, in words: "2024-01-01 to 2024-03-31"
    reason: str | None = None  # why it is none, where the key does not show it: a clause without a full stop
    to_add: tuple[str, str] | None = None  # the name of dynamic partitions, and the key that they lack

    def __str__(self) -> str:
        owner = f"asset {self.asset!r} has" if self.asset else "there is"
        reason = f": {self.reason}" if self.reason else ""
        return " ".join((f"{owner} no partition {shown(self.key)}{reason}.", *self.advice))

    @property
    def advice(self) -> tuple[str, ...]:
        """Sentences: what exists, and what to type next."""
        sentences = []
        if self.nearest:
            sentences.append(f"Nearest: {', '.join(map(repr, self.nearest))}.")
        if self.extent:
            sentences.append(f"Its partitions are {self.extent}.")
        if self.to_add is not None:
            sentences.append(f"Add it with: {shlex.join(('gapless', 'partitions', 'add', *self.to_add))}")
        elif self.asset:
            sentences.append(f"List them with: gapless partitions list {self.asset}")
        return tuple(sentences)


@dataclass(eq=False)
class PartitionKeyError(UsageError, ValueError):
    """A text that cannot be read as a partition key of the definition."""

    key: str
    expected: str  # what such a key looks like: "a key like '2024-01-05' (format '%Y-%m-%d')"

    def __str__(self) -> str:
        return f"cannot read {shown(self.key)} as a partition key; expected {self.expected}."


@dataclass(eq=False)
class ExcludedPartitionError(PartitionKeyError):
    """The key of a partition that the definition excludes."""

    nearest: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = f" Nearest: {', '.join(map(repr, self.nearest))}." if self.nearest else ""
        return f"partition {shown(self.key)} is excluded; expected {self.expected}.{near}"


@dataclass(eq=False)
class PartitionRangeError(UsageError, ValueError):
    """A range of partition keys that is malformed or runs backwards."""

    text: str
    reason: str
    expected: str = "START..END, both inclusive, for example 2024-01-01..2024-01-31"

    def __str__(self) -> str:
        return f"cannot use {shown(self.text)} as a range of partitions: {self.reason}. Expected {self.expected}."


@dataclass(eq=False)
class PartitionSetFormatError(UsageError, ValueError):
    """A text that cannot be read as a set of partitions of a definition.

    Attributes:
        where: The part at fault: ``line 1, column 18``, ``partitions[3]``; empty for the whole.
        reason: What is wrong, a clause without a full stop.
        fix: What to do instead, a sentence.
    """

    where: str
    reason: str
    fix: str = ""

    def __str__(self) -> str:
        where = f"{self.where}: " if self.where else ""
        fix = self.fix or "Sets are written by PartitionSet.to_json()."
        return f"cannot read the text as a set of partitions: {where}{self.reason}. {fix}"


@dataclass(eq=False)
class PartitionSelectionError(UsageError, ValueError):
    """A selection of partitions, as text, that cannot be read or names what is not there.

    Attributes:
        text: The selection.
        position: The 0-based character of `text` at which it goes wrong.
        reason: What is wrong, a clause without a full stop.
        fix: What to write instead, a sentence.
    """

    text: str
    position: int
    reason: str
    fix: str = ""

    def __str__(self) -> str:
        return f"cannot select partitions: {self.reason}." + (f" {self.fix}" if self.fix else "") + self._excerpt()

    def _excerpt(self) -> str:
        """The text around the position, and a caret below it."""
        first = max(0, self.position - _EXCERPT // 2)
        shown = "".join(c if c.isprintable() else " " for c in self.text[first : first + _EXCERPT])
        if not shown.strip():
            return ""
        before = "…" * (first > 0) + shown[: self.position - first]
        after = shown[self.position - first :] + "…" * (first + _EXCERPT < len(self.text))
        return f"\n  {before}{after}\n  {' ' * _columns(before)}^"


def _columns(text: str) -> int:
    """How many columns of a terminal `text` takes."""
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


@dataclass(eq=False)
class InvocationError(UsageError):
    """A function or method was called in a way that it does not support."""

    reason: str
    fix: str = ""

    def __str__(self) -> str:
        return f"{self.reason}. {self.fix}" if self.fix else f"{self.reason}."


@dataclass(eq=False)
class BlockedError(UsageError):
    """Partitions could not be made, because what they read is not there.

    Attributes:
        blocked: (asset, partition or None, why), in the order of the plan.
    """

    exit_code: ClassVar[int] = 1

    blocked: tuple[tuple[str, str | None, str], ...]

    def __str__(self) -> str:
        shown = [f"{asset}{f' {key}' if key is not None else ''} {why}" for asset, key, why in self.blocked[:5]]
        more = f"; and {len(self.blocked) - 5} more" if len(self.blocked) > 5 else ""
        return f"{'; '.join(shown)}{more}. Make what is missing first, or select it too."


@dataclass(eq=False)
class DefinitionError(GaplessError):
    """The user's definitions do not hold together.

    Attributes:
        reason: What is wrong, a clause without a full stop.
        fix: What to write instead, a sentence.
        location: ``file:line`` of the declaration at fault.
    """

    reason: str
    fix: str = ""
    location: str | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.reason}." + (f" {self.fix}" if self.fix else "")


class PartitionsDefinitionError(DefinitionError, ValueError):
    """A partitions definition cannot be built from its arguments."""


@dataclass(eq=False)
class UserFunctionError(DefinitionError):
    """A function of the user's that Gapless asks about partitions raised, or gave what cannot be understood.

    Attributes:
        trace: The traceback, from the user's function on; empty if it did not raise.
    """

    trace: str = ""

    def __str__(self) -> str:
        return f"{super().__str__()}\n\n{self.trace}" if self.trace else super().__str__()


class CombinationsError(UserFunctionError, PartitionsDefinitionError):
    """The function that says which combinations of dimensions exist failed."""


class ExclusionError(UserFunctionError, PartitionsDefinitionError):
    """The function that says which windows are excluded failed."""


class MappingFunctionError(UserFunctionError):
    """The function that says what a partition reads failed."""


class StorageError(GaplessError):
    """A slice could not be read or replaced; the old rows are still there."""

    exit_code: ClassVar[int] = 1


class LedgerError(GaplessError):
    """The ledger could not be read or written."""
