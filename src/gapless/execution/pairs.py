"""Pairs of a partition key and a value, taken one by one: each partition lands as soon as it is known to be whole."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

from gapless.definitions.results import MaterializeResult, Output
from gapless.execution.call import Call
from gapless.execution.errors import NothingYieldedError, PairError, YieldedAgainError
from gapless.execution.returned import Returned, named_type, returned
from gapless.partitions import OrdinalSet
from gapless.storage.policies import BoundaryPolicy

__all__ = ["take_pairs"]

_Pair = tuple[str, Any]
_CUT_SHORT = (
    "something of this partition was yielded, but more could have followed, so it was not taken for the whole."
    " Yield Output(frame) where a partition's value is whole as it is"
)


def take_pairs(call: Call, items: Iterator[Any], keep: Callable[[OrdinalSet, Returned], None]) -> None:
    """Keep the value of each partition as the function yields it; of a partition that it does not yield, say so.

    Consecutive pairs of one key are batches of its value. So a bare value is known to be whole only when another key
    comes, or the function ends; should it raise before, that partition fails with those that it had not come to, and
    its old rows stay. `Output(value)` is whole as it comes.

    Args:
        keep: Stores one partition's value, or says why it fails; what it raises besides fails that partition.

    Raises:
        BaseException: Whatever the function raises; what it yielded before has landed.
        PairError: It yielded something that is no pair.
    """
    pairs = _Pairs(call, items)
    strangers: list[str] = []
    try:
        while call.wait_for_room() and (pair := pairs.next()) is not None:
            key, value = pair
            ordinal = _ordinal_of(call, key)
            if ordinal is None:
                strangers.append(key)
                continue
            partition = OrdinalSet.span(ordinal, ordinal + 1)
            if ordinal not in call.open:
                if pairs.first_time_again(ordinal):
                    call.failed(partition, YieldedAgainError(call.asset.name, str(key)))
                continue
            try:
                keep(partition, _value_of(call, pairs, key, value))
            except Exception as error:
                if pairs.raised is not None:
                    call.failed(partition, pairs.raised, hint=_CUT_SHORT)
                    raise pairs.raised from None
                call.failed(partition, error)
            pairs.skip(key)
            del pair, value  # or the frame would live on while the next is made
        if pairs.ended and call.open:
            call.failed(call.open, NothingYieldedError(call.asset.name, call.keys_of(call.open), tuple(strangers)))
        elif pairs.ended and strangers:
            _tell_of(call, strangers)
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()


def _value_of(call: Call, pairs: _Pairs, key: str, value: Any) -> Returned:
    """The whole value of a partition; batches, if there are several, as an iterator that pulls them."""
    if isinstance(value, (Output, MaterializeResult)):
        return returned(call.asset, value)
    if pairs.key_ahead() != key:
        return returned(call.asset, value)
    return Returned(pairs.batches(key, value), call.asset.stores_output)


class _Pairs:
    """What a function yields, with the next pair known ahead.

    Attributes:
        raised: What the function raised.
        ended: Whether it has ended by itself.
    """

    def __init__(self, call: Call, items: Iterator[Any]) -> None:
        self._call = call
        self._items = items
        self._ahead: _Pair | None = None
        self._again: set[int] = set()
        self.raised: BaseException | None = None
        self.ended = False

    def next(self) -> _Pair | None:
        """The next pair; None at the end."""
        self._look()
        pair, self._ahead = self._ahead, None
        return pair

    def key_ahead(self) -> str | None:
        """The key of the pair that comes next."""
        self._look()
        return None if self._ahead is None else self._ahead[0]

    def batches(self, key: str, first: Any) -> Iterator[Any]:
        """`first` and the values of the pairs that follow and have the same key."""
        yield first
        while self.key_ahead() == key:
            pair = self.next()
            assert pair is not None  # noqa: S101  its key was just seen
            if isinstance(pair[1], (Output, MaterializeResult)):
                self.raised = PairError(
                    self._call.asset.name, (key,), f"a {type(pair[1]).__name__} among the batches of one partition"
                )
                raise self.raised
            yield pair[1]

    def skip(self, key: str) -> None:
        """Pass over batches that were not taken, since the first of them cannot be stored."""
        while self._ahead is not None and self._ahead[0] == key:
            self._ahead = None
            self._look()

    def first_time_again(self, ordinal: int) -> bool:
        """Whether it is news that a partition comes again."""
        news = ordinal not in self._again
        self._again.add(ordinal)
        return news

    def _look(self) -> None:
        if self._ahead is not None or self.ended:
            return
        try:
            item = next(self._items)
        except StopIteration:
            self.ended = True
            return
        except BaseException as error:
            self.raised = error
            raise
        if not isinstance(item, tuple) or len(item) != 2:
            what = f"a tuple of {len(item)}" if isinstance(item, tuple) else f"a {named_type(item)}"
            self.raised = PairError(self._call.asset.name, self._call.keys_of(self._call.open), what)
            raise self.raised
        if not isinstance(item[0], str):
            what = f"a pair whose key is {item[0]!r}, a {named_type(item[0])}"
            self.raised = PairError(self._call.asset.name, self._call.keys_of(self._call.open), what)
            raise self.raised
        self._ahead = item[0], item[1]


def _ordinal_of(call: Call, key: str) -> int | None:
    """That of a partition which this call makes."""
    definition = call.unit.step.definition
    ordinal = None if definition is None else definition.ordinal_of(key)
    return ordinal if ordinal is not None and ordinal in call.unit.partitions else None


def _tell_of(call: Call, strangers: list[str]) -> None:
    """Of the keys that the call does not make, what it does make being whole."""
    named = ", ".join(map(repr, strangers[:3])) + (f" and {len(strangers) - 3} more" if len(strangers) > 3 else "")
    reason = f"the function yielded {named}, which this call does not make; nothing of it was stored"
    if call.asset.boundary_policy is BoundaryPolicy.DROP:  # somebody wants what does not belong here left out
        call.log(logging.INFO, reason)
        return
    call.warn(
        reason,
        'Yield pairs of context.partition_keys alone; or declare @asset(boundary_policy="drop"), if others may be'
        " left out without a word.",
    )
