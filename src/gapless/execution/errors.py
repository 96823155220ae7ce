"""What a call, or a check of what it made, did wrong; recorded as the reason why partitions failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gapless.errors import GaplessError
from gapless.storage.errors import slice_name

__all__ = [
    "CheckNotPassedError",
    "CheckResultError",
    "NothingYieldedError",
    "PairError",
    "QueryNotStoredError",
    "QuerySourceError",
    "TooManyResultsError",
    "YieldedAgainError",
]

_MOST_NAMED = 3


@dataclass(eq=False)
class PairError(GaplessError):
    """What a function yielded is no pair of a partition key and a value.

    Attributes:
        partitions: What the function had still to yield, in order.
        got: What it yielded, in words.
    """

    asset: str
    partitions: tuple[str | None, ...]
    got: str

    def __str__(self) -> str:
        example = next((key for key in self.partitions if key is not None), "2024-01-05")
        return (
            f"{slice_name(self.asset, self.partitions)}: the function yielded {self.got};"
            f" expected a pair of a partition key and its value. Write for example: yield {str(example)!r}, frame"
        )


@dataclass(eq=False)
class YieldedAgainError(GaplessError):
    """A function yielded a partition, then others, then the first again."""

    asset: str
    partition: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, (self.partition,))}: the function yielded it again after other partitions,"
            " when what it had yielded before was already taken for the whole."
            " Yield all batches of one partition one after the other"
        )


@dataclass(eq=False)
class NothingYieldedError(GaplessError):
    """A function ended without having yielded some of the partitions that it was called for.

    Attributes:
        strangers: Keys that it yielded and that the call does not make, the first few.
    """

    asset: str
    partitions: tuple[str | None, ...]
    strangers: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{slice_name(self.asset, self.partitions)}: the function yielded nothing for it"
        if self.strangers:
            named = ", ".join(map(repr, self.strangers[:_MOST_NAMED]))
            more = f" and {len(self.strangers) - _MOST_NAMED} more" if len(self.strangers) > _MOST_NAMED else ""
            text += f", but yielded {named}{more}, which this call does not make"
        if self.partitions == (None,):
            return f"{text}. Yield the frame, or a frame without rows if there are none"
        return (
            f"{text}. Yield a pair for each of context.partition_keys, with a frame without rows where there is nothing"
        )


@dataclass(eq=False)
class TooManyResultsError(GaplessError):
    """A function yielded what cannot follow the `Output` or `MaterializeResult` that it had yielded.

    Attributes:
        got: What it yielded, in words.
    """

    asset: str
    partitions: tuple[str | None, ...]
    got: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: the function yielded {self.got} where one Output or"
            " MaterializeResult, and AssetCheckResults, were expected."
            " Yield the result once; to yield several partitions, yield pairs: key, Output(frame)"
        )


@dataclass(eq=False)
class QuerySourceError(GaplessError):
    """A query names what is no upstream asset, or none that a query can read.

    Attributes:
        name: As the query has it.
        upstream: The assets that could be named.
        manager: The type of the IO manager that stores it, which a query cannot read; None if `name` is no upstream.
    """

    asset: str
    partitions: tuple[str | None, ...]
    name: str
    upstream: tuple[str, ...] = ()
    manager: str | None = None

    def __str__(self) -> str:
        where = slice_name(self.asset, self.partitions)
        if self.manager is not None:
            return (
                f"{where}: the query reads {{{self.name}}}, which is stored by {self.manager}; a query can read only"
                f" tables and files of Gapless's stores. Take {self.name} as a parameter, or store it in a table"
            )
        known = ", ".join(map(repr, self.upstream)) or "none"
        return (
            f"{where}: the query reads {{{self.name}}}, which is no upstream asset of {self.asset!r}"
            f" (those are: {known})."
            f' Declare it: @asset(deps=["{self.name}"]); for braces that are SQL, double them'
        )


@dataclass(eq=False)
class QueryNotStoredError(GaplessError):
    """A function returned a query, but the asset's IO manager has no database to run it in.

    Attributes:
        manager: The IO manager's type.
    """

    asset: str
    partitions: tuple[str | None, ...]
    manager: str

    def __str__(self) -> str:
        return (
            f"{slice_name(self.asset, self.partitions)}: the function returned gapless.sql(…), which {self.manager}"
            " cannot run. Store the asset with DuckDBPolarsIOManager, or return the rows themselves"
        )


@dataclass(eq=False)
class CheckResultError(GaplessError):
    """What a check, or a function about its checks, returned is no result of it.

    Attributes:
        reason: What is wrong with it, a clause.
        fix: What to write instead.
    """

    asset: str
    partitions: tuple[str | None, ...]
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{slice_name(self.asset, self.partitions)}: {self.reason}. {self.fix}"


@dataclass(eq=False)
class CheckNotPassedError(GaplessError):
    """Rows did not pass a blocking check, so they did not replace what was there.

    Attributes:
        check: The check's name; the first, if there are several that did not pass.
        description: What it says about it.
        evidence: The metadata of its result.
        others: Other blocking checks that did not pass.
    """

    asset: str
    partitions: tuple[str | None, ...]
    check: str
    description: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def __str__(self) -> str:
        text = f"{slice_name(self.asset, self.partitions)}: {not_passed(self.check, self.description)}"
        if self.others:
            text += f" (nor did {', '.join(map(repr, self.others))})"
        return "\n".join([text, *(f"  {name}: {value}" for name, value in self.evidence.items())])


def not_passed(check: str, description: str | None) -> str:
    """``check 'no_nulls' did not pass: 3 rows have no player``."""
    said = f"check {check!r} did not pass"
    return f"{said}: {description}" if description else said
