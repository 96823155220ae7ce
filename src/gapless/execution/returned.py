"""What a function returned: a bare value, or one that comes with facts about it; all at once, or yielded."""

from __future__ import annotations

import collections
import inspect
import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetCheckResult
from gapless.definitions.results import MaterializeResult, Output
from gapless.errors import InvocationError
from gapless.execution.call import json_metadata
from gapless.execution.errors import NothingYieldedError, TooManyResultsError

__all__ = ["Returned", "YieldedPairs", "named_type", "returned", "yielded"]

_Results = (Output, MaterializeResult, AssetCheckResult)
_END = object()


@dataclass(frozen=True, slots=True)
class Returned:
    """One value, and what the function says about it.

    Attributes:
        has_value: Whether there is something to store.
        metadata: As JSON values.
        check_results: What the function itself found about checks.
    """

    value: Any
    has_value: bool
    metadata: Mapping[str, Any] = field(default_factory=dict)
    data_version: str | None = None
    check_results: Sequence[AssetCheckResult] = ()


@dataclass(frozen=True, slots=True)
class YieldedPairs:
    """A value for each of several partitions: what the function yields, the first of it included."""

    items: Iterator[Any]


def returned(asset: AssetsDefinition, value: Any) -> Returned:
    """What a bare value, an `Output` or a `MaterializeResult` says.

    Raises:
        InvocationError: It is about another asset.
    """
    if not isinstance(value, (Output, MaterializeResult)):
        return Returned(value, asset.stores_output)
    has_value = asset.stores_output
    if isinstance(value, MaterializeResult):
        if value.asset_key is not None and value.asset_key != asset.key:
            raise InvocationError(
                f"asset {asset.name!r} returned a MaterializeResult for {str(value.asset_key)!r}",
                "Leave asset_key out: a function makes its own asset",
            )
        has_value = value.has_value
    return Returned(value.value, has_value, json_metadata(value.metadata), value.data_version, value.check_results)


def yielded(
    asset: AssetsDefinition, keys: tuple[str | None, ...], value: Any, *, to_table: bool
) -> Returned | YieldedPairs | None:
    """What it means that a function yields, or returned something that yields; None if it did not.

    ========================================  =======================================================
    what comes first                          what it is
    ========================================  =======================================================
    a tuple, from a partitioned asset         pairs of a partition key and its value
    Output, MaterializeResult,                the one result of the call, and what it found about checks
    AssetCheckResult
    anything else                             a batch of the one value, and so is all that follows
    ========================================  =======================================================

    Args:
        to_table: Whether it is stored by one of our stores. A list or a dict of pairs is then pairs, too; for a user's
            own IO manager it is a value.

    Raises:
        NothingYieldedError: Nothing comes.
        BaseException: Whatever the function raises before that.
    """
    items = _items(value, to_table)
    if items is None:
        return None
    first = next(items, _END)
    if first is _END:
        if not asset.stores_output:
            return Returned(None, False)
        raise NothingYieldedError(asset.name, keys)
    rest = itertools.chain([first], items)
    if isinstance(first, tuple) and keys != (None,):
        return YieldedPairs(rest)
    if isinstance(first, _Results):
        return _one_result(asset, keys, rest)
    if not asset.stores_output:
        collections.deque(rest, maxlen=0)  # it is run to its end, though nobody wants what it yields
        return Returned(None, False)
    return Returned(rest, True)


def _items(value: Any, to_table: bool) -> Iterator[Any] | None:
    if inspect.isgenerator(value):
        return value
    if not to_table:
        return None  # whatever else it is, it is for the user's own IO manager to store
    if isinstance(value, Iterator):
        # Arrow's readers are iterators, too, and open files.
        return None if hasattr(value, "__arrow_c_stream__") or isinstance(value, io.IOBase) else value
    if isinstance(value, Mapping):
        return iter(value.items())
    return iter(value) if isinstance(value, list) and value and isinstance(value[0], tuple) else None


def _one_result(asset: AssetsDefinition, keys: tuple[str | None, ...], items: Iterator[Any]) -> Returned:
    """The generator is run to its end, since what follows its last yield is its own tidying up."""
    result: Returned | None = None
    checks: list[AssetCheckResult] = []
    for item in items:
        if isinstance(item, AssetCheckResult):
            checks.append(item)
        elif isinstance(item, (Output, MaterializeResult)) and result is None:
            result = returned(asset, item)
        else:
            raise TooManyResultsError(asset.name, keys, f"a {named_type(item)}")
    if result is None:
        if asset.stores_output:
            raise NothingYieldedError(asset.name, keys)
        result = Returned(None, False)
    return replace(result, check_results=(*result.check_results, *checks))


def named_type(value: Any) -> str:
    """``polars.dataframe.frame.DataFrame``, ``int``."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
