"""Mappings that a project's own function says."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from gapless.errors import DefinitionError, MappingFunctionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.user_function import Answers, called, location_of, takes_one_argument, trace_of

__all__ = ["FunctionPartitionMapping"]

_ANSWER = "Return an upstream key, several, or None for nothing."


@dataclass(frozen=True, slots=True, repr=False)
class FunctionPartitionMapping(PartitionMapping):
    """Each downstream partition reads what a function of its key says.

    The function is asked once for each key, and remembered; for the way back, once for every downstream partition that
    exists. Where it raises, `MappingFunctionError` says for which key, and shows the traceback.

    Attributes:
        fn: Takes a downstream key; returns an upstream key, several, or None for nothing. What is no upstream key is
            required but nonexistent.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: `fn` is not a function of one argument.
    """

    fn: Callable[[str], str | Iterable[str] | None]
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value
    _answers: Answers[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)
    _readers: _Readers = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        if not callable(self.fn):
            raise DefinitionError(
                f"FunctionPartitionMapping got {self.fn!r}, not a function",
                "Write a function of a downstream key that returns the upstream keys.",
            )
        if not takes_one_argument(self.fn):
            raise MappingFunctionError(
                f"{called(self.fn)}, the function of a FunctionPartitionMapping, cannot be called with one argument",
                "Give it one parameter: a downstream key.",
                location_of(self.fn),
            )
        object.__setattr__(self, "_answers", Answers(self.fn, partial(_keys_of, self.fn), MappingFunctionError))
        object.__setattr__(self, "_readers", _Readers(self._answers))

    def __reduce__(self) -> tuple[object, ...]:
        # What is remembered stays behind.
        return _rebuilt, (self.fn, self.wait_for)

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        if down_def is None or up_def is None:
            return MappedUpstream(OrdinalSet.empty())
        keys = dict.fromkeys(key for below in down_def.keys_of(downstream) for key in self._answers.of(below))
        return MappedUpstream.of_keys(keys, up_def, now)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        if down_def is None or up_def is None or not upstream:
            return OrdinalSet.empty()
        readers = self._readers.of(down_def, down_def.existing(now))
        return OrdinalSet.of(n for key in up_def.keys_of(upstream) for n in readers.get(key, ()))

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if up_def is None or down_def is None:
            return f"{'upstream' if up_def is None else 'downstream'} is not partitioned"
        return None


class _Readers:
    """Downstream ordinals by upstream key, of the partitions that were last asked about."""

    def __init__(self, answers: Answers[str, tuple[str, ...]]) -> None:
        self._answers = answers
        self._last: tuple[PartitionsDefinition, OrdinalSet, dict[str, list[int]]] | None = None

    def of(self, down_def: PartitionsDefinition, there: OrdinalSet) -> dict[str, list[int]]:
        """Those of the partitions that are `there`."""
        last = self._last
        if last is None or last[:2] != (down_def, there):
            found: dict[str, list[int]] = {}
            for ordinal, key in zip(there, down_def.keys_of(there), strict=True):
                for above in self._answers.of(key):
                    found.setdefault(above, []).append(ordinal)
            self._last = last = down_def, there, found
        return last[2]


def _keys_of(fn: Callable[[str], str | Iterable[str] | None], key: str) -> tuple[str, ...]:
    """The upstream keys that a function says for a downstream key."""
    try:
        keys = _listed(fn(key))  # a generator raises while it is listed
    except Exception as raised:
        raise MappingFunctionError(
            f"{called(fn)}({key!r}), which tells which upstream partitions {key!r} reads, raised"
            f" {type(raised).__name__}: {raised}",
            _ANSWER,
            location_of(fn),
            trace_of(raised),
        ) from raised
    for each in keys:
        if not isinstance(each, str):
            raise MappingFunctionError(
                f"{called(fn)}, the function of a FunctionPartitionMapping, returned {each!r:.60} for {key!r}, which is"
                " not a key",
                _ANSWER,
                location_of(fn),
            )
    return keys


def _listed(said: object) -> tuple[Any, ...]:
    if said is None:
        return ()
    return tuple(said) if isinstance(said, Iterable) and not isinstance(said, str) else (said,)


def _rebuilt(fn: Callable[[str], str | Iterable[str] | None], wait_for: WaitPolicy) -> FunctionPartitionMapping:
    return FunctionPartitionMapping(fn, wait_for=wait_for)
