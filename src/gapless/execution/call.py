"""One call of an asset's function while it is under way: what it has made so far, and what it still owes.

A call lands in pieces: each is one partition, or several that share a fate, and has an outcome of its own. Together
they are the partitions that the call was for.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.metadata import MetadataValue
from gapless.execution.check_evaluation import AssetCheckEvaluation
from gapless.execution.context import AssetExecutionContext
from gapless.execution.failure import Failure
from gapless.execution.ready import Unit
from gapless.partitions import OrdinalSet, TimeWindow, TimeWindowPartitionsDefinition
from gapless.storage.slices import InputVersion, Provenance, StagedSlices

__all__ = ["Call", "Failed", "Logged", "Made", "Outlet", "Warned", "json_metadata"]


@dataclass(frozen=True, slots=True)
class Made:
    """A piece of a call that went well.

    Attributes:
        store: The resource that stores it.
        metadata: What the user recorded, by name, as JSON values.
        partition_metadata: The same for single partitions of it.
        logs: Lines that the function logged since the piece before: (level, message).
        inputs: What it was made from, by upstream asset's name.
        data_version: What the user says tells this data from other.
        checks: What checks found.
    """

    unit: Unit
    store: str
    duration_s: float
    metadata: Mapping[str, Any] = field(default_factory=dict)
    partition_metadata: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    logs: tuple[tuple[str, str], ...] = ()
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)
    data_version: str | None = None
    checks: tuple[AssetCheckEvaluation, ...] = ()

    def parts(self) -> list[Made]:
        """The same, each partition alone."""
        ordinals = self.unit.partitions
        share = replace(self, duration_s=self.duration_s / len(ordinals), logs=(), checks=())
        return [
            replace(
                share,
                unit=self.unit.piece(OrdinalSet.span(ordinal, ordinal + 1)),
                logs=self.logs if not place else (),
                checks=tuple(check for check in self.checks if check.partition == self.unit.step.key_at(ordinal)),
            )
            for place, ordinal in enumerate(ordinals)
        ]


@dataclass(frozen=True, slots=True)
class Failed:
    """A piece of a call that raised, or whose value cannot be stored.

    Attributes:
        after_all: The piece was handed over as made before; this undoes that.
    """

    unit: Unit
    failure: Failure
    duration_s: float
    logs: tuple[tuple[str, str], ...] = ()
    checks: tuple[AssetCheckEvaluation, ...] = ()
    after_all: bool = False


@dataclass(frozen=True, slots=True)
class Logged:
    """Lines that a call logged after its last piece."""

    unit: Unit
    logs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Warned:
    """What a call did wrong that none of its partitions fails for.

    Attributes:
        unit: All of the call.
        reason: One line.
        detail: A traceback, or what to do about it.
    """

    unit: Unit
    reason: str
    detail: str


class Outlet(Protocol):
    """Takes what calls have made. Called on workers' threads."""

    def put(self, piece: Made | Failed | Logged | Warned, staged: StagedSlices | None = None) -> None:
        """`staged` waits for its commit; None if there is nothing to commit."""
        ...

    def wait_for_room(self) -> bool:
        """Wait while too much waits for its commit; False if nothing more is wanted, since the run stops."""
        ...

    def storing(self) -> AbstractContextManager[bool]:
        """Around a write of what is not staged: whether it is still wanted; then the run does not end before."""
        ...


class Call:
    """One call of an asset's function. Used by one worker's thread.

    Attributes:
        context: What the function is told.
        open: The partitions of which nothing has been handed over yet.
    """

    def __init__(
        self,
        asset: AssetsDefinition,
        unit: Unit,
        context: AssetExecutionContext,
        logs: list[tuple[str, str]],
        outlet: Outlet,
    ) -> None:
        self.asset = asset
        self.unit = unit
        self.context = context
        self.open = unit.partitions
        self.inputs: Mapping[str, InputVersion] = {}
        self._logs = logs
        self._outlet = outlet
        self._since = time.perf_counter()

    def keys_of(self, partitions: OrdinalSet) -> tuple[str | None, ...]:
        return tuple(self.unit.step.keys_of(partitions))

    def provenance(self, data_version: str | None) -> Provenance:
        """What a value of this call is made from."""
        return Provenance(self.asset.code_version, self.inputs, data_version)

    def wait_for_room(self) -> bool:
        return self._outlet.wait_for_room()

    def storing(self) -> AbstractContextManager[bool]:
        return self._outlet.storing()

    def made(
        self,
        partitions: OrdinalSet,
        staged: StagedSlices | None = None,
        *,
        metadata: Mapping[str, Any],
        data_version: str | None = None,
        checks: Sequence[AssetCheckEvaluation] = (),
    ) -> None:
        """Hand over what is made of these partitions."""
        keys = frozenset(self.keys_of(partitions)) if self.context.partition_metadata else frozenset()
        piece = Made(
            self.unit.piece(partitions),
            self.asset.io_manager_key,
            self._elapsed(),
            {**json_metadata(self.context.output_metadata), **metadata},
            {key: json_metadata(entry) for key, entry in self.context.partition_metadata.items() if key in keys},
            self._lines(),
            self.inputs,
            data_version,
            tuple(checks),
        )
        self._outlet.put(piece, staged)
        self.open -= partitions  # last: should it not be taken, they are still owed

    def failed(
        self,
        partitions: OrdinalSet,
        error: BaseException | Failure,
        checks: Sequence[AssetCheckEvaluation] = (),
        hint: str | None = None,
    ) -> None:
        """These partitions are not made; if they were handed over as made, they fail after all."""
        failure = error if isinstance(error, Failure) else Failure.of(error, *_one(self.unit, partitions))
        if hint is not None:
            failure = replace(failure, hint=hint)
        after_all = not (partitions & self.open)
        unit = self.unit.piece(partitions)
        self._outlet.put(Failed(unit, failure, self._elapsed(), self._lines(), tuple(checks), after_all))
        self.open -= partitions

    def log(self, level: int, message: str) -> None:
        """A line of our own among those of the function, kept with the run."""
        self._logs.append((logging.getLevelName(level), message))

    def warn(self, reason: str, detail: str) -> None:
        """The function did something wrong, and each of its partitions keeps its outcome: the run says so."""
        self.end()
        self._outlet.put(Warned(self.unit, reason, detail))

    def end(self) -> None:
        """Hand over what it logged last."""
        if self._logs:
            self._outlet.put(Logged(self.unit, self._lines()))

    def _elapsed(self) -> float:
        """Seconds since the piece before."""
        now = time.perf_counter()
        elapsed, self._since = now - self._since, now
        return elapsed

    def _lines(self) -> tuple[tuple[str, str], ...]:
        lines = tuple(self._logs)
        del self._logs[: len(lines)]  # another thread of the user's may have added some
        return lines


def _one(unit: Unit, partitions: OrdinalSet) -> tuple[str | None, TimeWindow | None]:
    """The key and the window, if it is one partition; they let hints recognise a cause."""
    if len(partitions) != 1:
        return None, None
    ordinal, definition = partitions.first(), unit.step.definition
    window = definition.window_at(ordinal) if isinstance(definition, TimeWindowPartitionsDefinition) else None
    return unit.step.key_at(ordinal), window


def json_metadata(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON values."""
    return {name: MetadataValue.of(value).value for name, value in metadata.items()}
