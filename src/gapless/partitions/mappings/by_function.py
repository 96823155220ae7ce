"""Mappings that a project's own function says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any

from gapless.errors import DefinitionError, MappingFunctionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.user_function import called, location_of, takes_one_argument, trace_of

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

    Raises:
        DefinitionError: `fn` is not a function of one argument.
    """

    fn: Callable[[str], str | Iterable[str] | None]
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value
    _answers: _Answers = field(init=False, repr=False, compare=False)

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
        object.__setattr__(self, "_answers", _Answers(self.fn))

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
        readers = self._answers.readers(down_def, down_def.existing(now))
        return OrdinalSet.of(n for key in up_def.keys_of(upstream) for n in readers.get(key, ()))

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if up_def is None or down_def is None:
            return f"{'upstream' if up_def is None else 'downstream'} is not partitioned"
        return None


class _Answers:
    """What a function has said so far."""

    def __init__(self, fn: Callable[[str], str | Iterable[str] | None]) -> None:
        self._fn = fn
        self._known: dict[str, tuple[str, ...]] = {}
        # Downstream ordinals by upstream key, and for which definition and partitions they hold.
        self._readers: tuple[PartitionsDefinition, OrdinalSet, dict[str, list[int]]] | None = None
        self._asking = threading.Lock()

    def of(self, key: str) -> tuple[str, ...]:
        """The upstream keys for a downstream key."""
        if key not in self._known:
            try:
                keys = _listed(self._fn(key))  # a generator raises while it is listed
            except Exception as raised:
                raise MappingFunctionError(
                    f"{called(self._fn)}({key!r}), which tells which upstream partitions {key!r} reads, raised"
                    f" {type(raised).__name__}: {raised}",
                    _ANSWER,
                    location_of(self._fn),
                    trace_of(raised),
                ) from raised
            for each in keys:
                if not isinstance(each, str):
                    raise MappingFunctionError(
                        f"{called(self._fn)}, the function of a FunctionPartitionMapping, returned {each!r:.60} for"
                        f" {key!r}, which is not a key",
                        _ANSWER,
                        location_of(self._fn),
                    )
            self._known[key] = keys
        return self._known[key]

    def readers(self, down_def: PartitionsDefinition, there: OrdinalSet) -> dict[str, list[int]]:
        """Downstream ordinals by upstream key, of the partitions that are `there`."""
        with self._asking:
            if self._readers is None or self._readers[:2] != (down_def, there):
                found: dict[str, list[int]] = {}
                for ordinal, key in zip(there, down_def.keys_of(there), strict=True):
                    for above in self.of(key):
                        found.setdefault(above, []).append(ordinal)
                self._readers = down_def, there, found
            return self._readers[2]


def _listed(said: object) -> tuple[Any, ...]:
    if said is None:
        return ()
    return tuple(said) if isinstance(said, Iterable) and not isinstance(said, str) else (said,)


def _rebuilt(fn: Callable[[str], str | Iterable[str] | None], wait_for: WaitPolicy) -> FunctionPartitionMapping:
    return FunctionPartitionMapping(fn, wait_for=wait_for)
