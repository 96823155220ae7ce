"""The one thread that commits to one store: it drains what is staged into groups, so that a transaction is shared."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gapless.errors import StorageError
from gapless.execution.step import Made
from gapless.storage.slices import Committed, Refused, SliceStore, StagedSlices

__all__ = ["Writer"]

# Measured: 64 slices share a transaction at 0.65 ms each instead of 3.4-4.3 ms alone; larger groups gain nothing.
_GROUP_SLICES = 64
_GROUP_BYTES = 64 * 2**20
_GATHER_S = 0.1  # how long the first of a group waits for company while more is being made
_IDLE_S = 0.2  # how soon an idle writer looks whether another process wants the store


@dataclass(frozen=True, slots=True)
class _Staged:
    made: Made
    slices: StagedSlices


class Writer:
    """Commits what is staged for one store, in groups, on a thread of its own.

    Args:
        on_committed: Called on the writer's thread with each group's outcomes, as soon as they are certain.
        more_coming: Whether functions are under way whose values may join the group.
    """

    def __init__(
        self,
        store: SliceStore,
        on_committed: Callable[[Sequence[tuple[Made, Committed | Refused]]], None],
        more_coming: Callable[[], bool],
    ) -> None:
        self._store = store
        self._on_committed = on_committed
        self._more_coming = more_coming
        self._inbox: queue.SimpleQueue[_Staged | None] = queue.SimpleQueue()
        self._idle = threading.Event()
        self._idle.set()
        self._pending = 0
        self._staged_bytes = 0
        self._count_lock = threading.Lock()
        # A daemon: a person's Ctrl-C must not wait for a lock that another program holds.
        self._thread = threading.Thread(target=self._run, name="gapless-writer", daemon=True)
        self._thread.start()

    def put(self, made: Made, slices: StagedSlices) -> None:
        with self._count_lock:
            self._pending += 1
            self._staged_bytes += slices.nbytes
            self._idle.clear()
        self._inbox.put(_Staged(made, slices))

    @property
    def staged_bytes(self) -> int:
        """Approximate size of all that waits for its commit, bytes."""
        return self._staged_bytes

    def stop_waiting(self) -> None:
        """Do not wait any longer for another process that holds the store: what is staged is refused."""
        self._store.stop_waiting()

    def wait_idle(self, seconds: float) -> bool:
        """Wait until everything that was put is committed or refused; False if it takes longer than `seconds`."""
        return self._idle.wait(seconds)

    def stop(self, seconds: float) -> None:
        """End the thread and release the store, if it gets there within `seconds`."""
        self._inbox.put(None)
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while True:
                group = self._next_group()
                if group is None:
                    return
                if group:
                    self._commit(group)
                # A store that cannot let others in must not end the thread, which the run would then wait for.
                with contextlib.suppress(Exception):
                    self._store.yield_turn()
        finally:
            self._store.close()

    def _next_group(self) -> list[_Staged] | None:
        """What to commit together; empty after an idle while, None at the end.

        A group that is cut short pays the same dozen statements as a full one, so the first waits a moment for those
        that are under way, and not at all if nothing is.
        """
        try:
            first = self._inbox.get(timeout=_IDLE_S)
        except queue.Empty:
            return []
        if first is None:
            return None
        group, nbytes = [first], first.slices.nbytes
        deadline = time.monotonic() + _GATHER_S
        while len(group) < _GROUP_SLICES and nbytes < _GROUP_BYTES:
            try:
                staged = self._inbox.get_nowait()
            except queue.Empty:
                if not self._more_coming() or time.monotonic() >= deadline:
                    break
                time.sleep(0.002)
                continue
            if staged is None:
                self._inbox.put(None)
                break
            group.append(staged)
            nbytes += staged.slices.nbytes
        return group

    def _commit(self, group: list[_Staged]) -> None:
        outcomes: Sequence[Committed | Refused]
        try:
            outcomes = self._store.commit([staged.slices for staged in group])
            if len(outcomes) != len(group):
                raise ValueError(f"{len(outcomes)} outcomes for {len(group)} staged values")
        except StorageError as error:  # the whole store is out of reach: locked, gone, full
            outcomes = [Refused(error)] * len(group)
        except Exception as error:  # a store's own bug must fail its slices, not hang the run
            outcomes = [Refused(StorageError(f"the store failed: {type(error).__name__}: {error}"))] * len(group)
        self._on_committed([(staged.made, outcome) for staged, outcome in zip(group, outcomes, strict=True)])
        with self._count_lock:
            self._pending -= len(group)
            self._staged_bytes -= sum(staged.slices.nbytes for staged in group)
            if not self._pending:
                self._idle.set()
