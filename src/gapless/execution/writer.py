"""The one thread that commits to one store: it drains what is staged into groups, so that a transaction is shared."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.execution.call import Made
from gapless.storage.errors import StoreUnreachableError
from gapless.storage.policies import SchemaPolicy
from gapless.storage.slices import Committed, Refused, SliceStore, StagedSlices, Uncertain

__all__ = ["Writer"]

# Measured: 64 slices share a transaction at 0.65 ms each instead of 3.4-4.3 ms alone; larger groups gain nothing.
_GROUP_SLICES = 64
_GROUP_BYTES = 64 * 2**20
_GATHER_S = 0.1  # how long the first of a group waits for company while more is being made
_IDLE_S = 0.2  # how soon an idle writer looks whether another process wants the store


class _Sign(Enum):
    END = "end"
    COMMIT_HELD = "commit what is held"


@dataclass(frozen=True, slots=True)
class _Staged:
    """
    Attributes:
        nbytes: What `slices` said of its size when it was put; it may say something else later.
    """

    made: Made
    slices: StagedSlices
    nbytes: int


class Writer:
    """Commits what is staged for one store, in groups, on a thread of its own.

    A value of several partitions that is refused is taken apart, so that a bad one of them fails alone.

    An asset whose schema policy is ``replace`` can begin its table anew only in a transaction that rewrites all of it.
    So its values are held until all that the run makes of it are there, or nothing else can be made before they are
    committed: then they are committed as they are.

    Args:
        on_committed: Called on the writer's thread with each group's outcomes, as soon as the store has told them.
        more_coming: Whether functions are under way whose values may join the group.
        more_of: Whether this run may make more partitions of an asset.
        full: Whether nothing more is made until some of what is held, by whichever writer, is committed.
    """

    def __init__(
        self,
        store: SliceStore,
        on_committed: Callable[[Sequence[tuple[Made, Committed | Refused | Uncertain]]], None],
        more_coming: Callable[[], bool],
        more_of: Callable[[AssetKey], bool],
        full: Callable[[], bool],
    ) -> None:
        self._store = store
        self._on_committed = on_committed
        self._more_coming = more_coming
        self._more_of = more_of
        self._full = full
        self._inbox: queue.SimpleQueue[_Staged | _Sign] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._pending = 0
        self._staged_bytes = 0
        self._count_lock = threading.Lock()
        self._to_hold: Counter[AssetKey] = Counter()  # values that were put and are to be held, or are
        self._held: dict[AssetKey, list[_Staged]] = {}
        self._all_held = False  # whether all of it is to be committed now
        self._impatient = False  # whether no group may wait for other processes any longer
        # A daemon: a person's Ctrl-C must not wait for a lock that another program holds.
        self._thread = threading.Thread(target=self._run, name="gapless-writer", daemon=True)
        self._thread.start()

    def put(self, made: Made, slices: StagedSlices) -> None:
        """Have it committed.

        Raises:
            BaseException: Whatever the value raises; it is not taken then.
        """
        staged, waits = _Staged(made, slices, slices.nbytes), _waits_for_others(slices)
        with self._count_lock:
            self._pending += 1
            self._staged_bytes += staged.nbytes
            self._idle.clear()
            if waits:
                self._to_hold[made.unit.asset] += 1
        self._inbox.put(staged)

    @property
    def staged_bytes(self) -> int:
        """Approximate size of all that waits for its commit, bytes."""
        return self._staged_bytes

    @property
    def held(self) -> int:
        """How many values wait for others of their asset."""
        return sum(map(len, list(self._held.values())))

    @property
    def only_holds(self) -> bool:
        """Whether nothing waits for its commit but what is held."""
        return self._pending == self.held

    def commit_held(self) -> None:
        """Hold nothing back any longer of what is there."""
        self._inbox.put(_Sign.COMMIT_HELD)

    def stop_waiting(self) -> None:
        """Do not wait any longer for another process that holds the store: what is staged is refused."""
        self._impatient = True
        self._store.stop_waiting()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until everything that was put is committed or refused; False if it takes longer than `seconds`."""
        if not self._impatient:
            return self._idle.wait(seconds)
        deadline = time.monotonic() + seconds
        while not self._idle.wait(max(0.0, min(_GATHER_S, deadline - time.monotonic()))):
            if time.monotonic() >= deadline:
                return False
            self._store.stop_waiting()  # the next group has begun to wait since
        return True

    def stop(self, seconds: float | None) -> bool:
        """End the thread and release the store; whether it got there within `seconds`, None for however long."""
        self._inbox.put(_Sign.END)
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while True:
                group = self._next_group()
                if group is None:
                    return
                if group:
                    self._commit(group)
                del group  # the values would live on until there are others
                self._commit_held()
                # A store that cannot let others in must not end the thread, which the run would then wait for.
                with contextlib.suppress(BaseException):
                    self._store.yield_turn()
        finally:
            self._store.close()

    def _next_group(self) -> list[_Staged] | None:
        """What to commit together; empty after an idle while, or if all is held; None at the end.

        A group that is cut short pays the same dozen statements as a full one, so the first waits a moment for those
        that are under way, and not at all if nothing is.
        """
        try:
            first = self._inbox.get(timeout=_IDLE_S)
        except queue.Empty:
            return []
        if not isinstance(first, _Staged):
            self._all_held = first is _Sign.COMMIT_HELD
            return [] if self._all_held else None
        if self._hold(first):
            return []
        group, nbytes = [first], first.nbytes
        deadline = time.monotonic() + _GATHER_S
        while len(group) < _GROUP_SLICES and nbytes < _GROUP_BYTES:
            try:
                staged = self._inbox.get_nowait()
            except queue.Empty:
                if not self._more_coming() or time.monotonic() >= deadline:
                    break
                time.sleep(0.002)
                continue
            if not isinstance(staged, _Staged):
                self._inbox.put(staged)
                break
            if self._hold(staged):
                continue
            group.append(staged)
            nbytes += staged.nbytes
        return group

    def _hold(self, staged: _Staged) -> bool:
        """Put it to the others of its asset, if it is to be committed with them."""
        if not _waits_for_others(staged.slices):
            return False
        self._held.setdefault(staged.made.unit.asset, []).append(staged)
        return True

    def _commit_held(self) -> None:
        every, self._all_held = self._all_held or (bool(self._held) and self._full()), False
        for asset in list(self._held):
            if every or (not self._more_of(asset) and len(self._held[asset]) == self._to_hold[asset]):
                group = self._held.pop(asset)
                with self._count_lock:
                    self._to_hold[asset] -= len(group)
                self._commit(group)

    def _commit(self, group: list[_Staged]) -> None:
        certain: list[tuple[Made, Committed | Refused | Uncertain]] = []
        apart: list[_Staged] = []
        for staged, outcome in zip(group, self._outcomes(group), strict=True):
            parts = self._parts(staged, outcome)
            apart += parts
            if not parts:
                certain.append((staged.made, outcome))
                if not isinstance(outcome, Committed):
                    # A store keeps those of several slices, in case they are taken apart.
                    with contextlib.suppress(BaseException):
                        staged.slices.discard()
        self._on_committed(certain)
        with self._count_lock:
            self._pending -= len(group) - len(apart)
            self._staged_bytes -= sum(staged.nbytes for staged in group)
            self._staged_bytes += sum(staged.nbytes for staged in apart)
            if not self._pending:
                self._idle.set()
        if apart:
            self._commit(apart)

    def _outcomes(self, group: list[_Staged]) -> Sequence[Committed | Refused | Uncertain]:
        """One for each, whatever the store does: a run waits for them."""
        try:
            outcomes = self._store.commit([staged.slices for staged in group])
            if len(outcomes) != len(group):
                raise ValueError(f"{len(outcomes)} outcomes for {len(group)} staged values")
        except StorageError as error:  # the whole store is out of reach: locked, gone, full
            return [Refused(error)] * len(group)
        except BaseException as error:  # a bug of the store's, or a panic beneath it, which is no Exception
            return [Refused(StorageError(f"the store failed: {type(error).__name__}: {error}"))] * len(group)
        return outcomes

    def _parts(self, staged: _Staged, outcome: Committed | Refused | Uncertain) -> list[_Staged]:
        """What to try alone of a value that was refused as a whole; nothing if that would not help."""
        several = len(staged.slices.output.slices) > 1
        if not several or not isinstance(outcome, Refused) or isinstance(outcome.error, StoreUnreachableError):
            return []
        try:
            parts = self._store.split(staged.slices)
            return [_Staged(made, part, part.nbytes) for made, part in zip(staged.made.parts(), parts, strict=True)]
        except BaseException:  # it cannot be taken apart: then it has failed for the reason that was given
            return []


def _waits_for_others(value: StagedSlices) -> bool:
    """Whether it is to be committed together with the others of its asset."""
    return value.output.schema_policy is SchemaPolicy.REPLACE
