"""Which calls can start now: the plan's partitions, released as what they read is finished."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.partitions import OrdinalSet
from gapless.planning.plan import Plan, PlanStep

__all__ = ["ReadySet", "Unit"]


@dataclass(frozen=True, slots=True)
class Unit:
    """One call of one asset's function, or a piece of it.

    Attributes:
        step: What the plan says about the asset.
        partitions: The ordinals that this call makes: one, or a contiguous range of a batched asset; of a piece, some.
        attempt: 1 for the first.
        whole: Of a piece, the partitions of the whole call; None of a call itself.
    """

    step: PlanStep
    partitions: OrdinalSet
    attempt: int = 1
    whole: OrdinalSet | None = None

    @property
    def asset(self) -> AssetKey:
        return self.step.asset

    @property
    def keys(self) -> list[str | None]:
        return self.step.keys_of(self.partitions)

    @property
    def call(self) -> OrdinalSet:
        """The partitions of the call that this is, or is a piece of."""
        return self.partitions if self.whole is None else self.whole

    def piece(self, partitions: OrdinalSet) -> Unit:
        """Some of its partitions, which land on their own."""
        return Unit(self.step, partitions, self.attempt, self.call)


@dataclass(slots=True)
class _Progress:
    """How far one step of the plan is.

    A step that reads nothing of this plan hands out its units from `source` lazily, so that a plan of a million
    partitions is never held as a million objects.
    """

    step: PlanStep
    source: Iterator[OrdinalSet] | None
    waiting: OrdinalSet
    open: OrdinalSet


class ReadySet:
    """The plan's units in dependency order. Not thread-safe: the driver alone uses it."""

    def __init__(self, plan: Plan, graph: AssetGraph) -> None:
        self._graph = graph
        self._now: datetime = plan.now
        self._released: deque[Unit] = deque()
        planned = {step.asset for step in plan.steps if step.partitions}
        self._progress: dict[AssetKey, _Progress] = {}
        for step in plan.steps:
            reads_plan = any(dependency.upstream in planned for dependency in graph.parents(step.asset))
            self._progress[step.asset] = _Progress(
                step=step,
                source=None if reads_plan else step.batches(),
                waiting=step.partitions if reads_plan else OrdinalSet.empty(),
                open=step.partitions,
            )

    def start(self, plan: Plan) -> list[tuple[PlanStep, int, str]]:
        """Release what waits for nothing; returns what can never start because the plan blocks what it reads."""
        for key, progress in self._progress.items():
            reading = OrdinalSet.empty()
            for dependency in self._graph.parents(key):
                if dependency.upstream in self._progress:
                    reading |= self._affected(key, dependency.upstream, self._progress[dependency.upstream].open)
            self._release(key, progress.waiting - reading)
        skipped: list[tuple[PlanStep, int, str]] = []
        for step in plan.steps:
            if step.blocked:
                skipped += self.failed(step.asset, OrdinalSet.of(step.blocked), "cannot be made now", planned=True)
        return skipped

    def take(self, limit: int) -> list[Unit]:
        """Up to `limit` units that can start now, upstream assets first among those never handed out."""
        taken: list[Unit] = []
        while self._released and len(taken) < limit:
            taken.append(self._released.popleft())
        for progress in self._progress.values():
            while progress.source is not None and len(taken) < limit:
                batch = next(progress.source, None)
                if batch is None:
                    progress.source = None
                else:
                    taken.append(Unit(progress.step, batch))
        return taken

    @property
    def exhausted(self) -> bool:
        """True if nothing is left to take, now or later."""
        return not self._released and all(
            progress.source is None and not progress.waiting for progress in self._progress.values()
        )

    def done(self, asset: AssetKey, partitions: OrdinalSet) -> None:
        """These partitions are materialized: release what waited only for them."""
        self._progress[asset].open -= partitions
        for key in self._readers(asset):
            self._release(key, self._affected(key, asset, partitions))

    def failed(
        self, asset: AssetKey, partitions: OrdinalSet, what: str, planned: bool = False
    ) -> list[tuple[PlanStep, int, str]]:
        """These partitions will not be made: take out all that reads them, near and far.

        What does not wait for everything is taken out too, so that the repair makes it with them; not if the failure is
        `planned`: then the plan has found that enough is there.

        Returns:
            What is taken out, as (step, ordinal, reason), nearest first.
        """
        skipped: list[tuple[PlanStep, int, str]] = []
        queue = deque([(asset, partitions, what, planned)])
        self._progress[asset].open -= partitions
        while queue:
            upstream, lost, why, judged = queue.popleft()
            up_step = self._progress[upstream].step
            for key in self._readers(upstream):
                progress = self._progress[key]
                hit = self._affected(key, upstream, lost, strictly=judged)
                if not hit:
                    continue
                progress.waiting -= hit
                progress.open -= hit
                skipped += [(progress.step, ordinal, self._reason(key, ordinal, up_step, lost, why)) for ordinal in hit]
                queue.append((key, hit, "was skipped", False))
        for key, progress in self._progress.items():
            if progress.step.batch_size != 1:
                self._release(key, progress.waiting)  # a batched asset may have waited for just these
        return skipped

    def unfinished(self) -> Iterator[tuple[PlanStep, OrdinalSet]]:
        """What is neither done nor given up, by step; looked up as it is asked for, so that none comes twice."""
        return ((progress.step, progress.open) for progress in self._progress.values() if progress.open)

    # ---

    def _readers(self, asset: AssetKey) -> list[AssetKey]:
        return [
            key
            for key in dict.fromkeys(dependency.downstream for dependency in self._graph.children(asset))
            if key in self._progress and self._progress[key].waiting
        ]

    def _affected(
        self, key: AssetKey, upstream: AssetKey, partitions: OrdinalSet, strictly: bool = False
    ) -> OrdinalSet:
        """The waiting partitions of `key` that read `partitions` of `upstream`; `strictly`, that need each of them."""
        affected = OrdinalSet.empty()
        for dependency in self._graph.parents(key):
            if dependency.upstream == upstream and not (strictly and dependency.mapping.wait_for.least is not None):
                affected |= dependency.mapping.downstream(
                    partitions, self._graph[key].partitions_def, self._graph[upstream].partitions_def, self._now
                )
        return affected & self._progress[key].waiting

    def _release(self, key: AssetKey, candidates: OrdinalSet) -> None:
        progress = self._progress[key]
        if progress.step.batch_size == 1:
            units = (OrdinalSet.span(ordinal, ordinal + 1) for ordinal in candidates)
            released = [unit for unit in units if not self._still_needs(key, unit)]
            progress.waiting -= OrdinalSet.of(unit.first() for unit in released)
            self._released.extend(Unit(progress.step, unit) for unit in released)
            return
        # A batched asset starts when all that it reads is settled: only then are its ranges known.
        if not progress.waiting:
            return
        size = progress.step.batch_size
        ranges = (
            (OrdinalSet.span(start, end) for start, end in progress.waiting.runs)
            if size is None
            else progress.waiting.chunks(size)
        )
        for batch in list(ranges):
            if not self._still_needs(key, batch, settled=True):
                progress.waiting -= batch
                self._released.append(Unit(progress.step, batch))

    def _still_needs(self, key: AssetKey, partitions: OrdinalSet, settled: bool = False) -> bool:
        """Whether something of this plan that `partitions` read is open; with `settled`, whether anything is."""
        down_def = self._graph[key].partitions_def
        for dependency in self._graph.parents(key):
            upstream = self._progress.get(dependency.upstream)
            if upstream is None:
                continue
            own = dependency.upstream == key
            if settled and not own:
                if upstream.open:
                    return True
                continue
            up_def = self._graph[dependency.upstream].partitions_def
            needed = dependency.mapping.upstream(partitions, down_def, up_def, self._now).partitions & upstream.open
            if own:
                needed -= partitions
            if needed:
                return True
        return False

    def _reason(self, key: AssetKey, ordinal: int, up_step: PlanStep, lost: OrdinalSet, why: str) -> str:
        unit = OrdinalSet.span(ordinal, ordinal + 1)
        for dependency in self._graph.parents(key):
            if dependency.upstream != up_step.asset:
                continue
            read = dependency.mapping.upstream(
                unit, self._graph[key].partitions_def, up_step.definition, self._now
            ).partitions
            culprits = [partition for partition in up_step.keys_of((read & lost).head(3)) if partition is not None]
            if culprits:
                more = len(read & lost) - len(culprits)
                return f"{up_step.asset} {', '.join(culprits)}{f' and {more} more' if more else ''} {why}"
        return f"{up_step.asset} {why}"
