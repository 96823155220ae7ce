"""From workers to the others: what calls have made goes to the writers, and news of it to the driver."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gapless.asset_key import AssetKey
from gapless.execution.call import Failed, Logged, Made, Warned
from gapless.execution.cancel import CancelToken
from gapless.execution.writer import Writer
from gapless.storage.slices import Committed, Refused, StagedSlices, Uncertain

__all__ = ["Group", "Handover", "News"]

STAGED_BUDGET = 256 * 2**20  # bytes that may wait for their commit before no more is started
_LOOK_S = 0.005


@dataclass(frozen=True, slots=True)
class Group:
    """What a writer's transaction did."""

    outcomes: Sequence[tuple[Made, Committed | Refused | Uncertain]]


News = Made | Failed | Logged | Warned | Group


class Handover:
    """Takes what calls have made; safe to use from several threads.

    Args:
        resources: Among them the stores; each gets a writer of its own when it is first needed.
        planned: How many partitions of each asset the run is to make.

    Attributes:
        returned: Calls that came back.
    """

    def __init__(self, resources: Mapping[str, Any], planned: Mapping[AssetKey, int], cancel: CancelToken) -> None:
        self._resources = resources
        self._cancel = cancel
        self._lock = threading.Lock()
        self._writers: dict[int, Writer] = {}
        self._to_come = dict(planned)
        self._making = 0  # calls handed to workers that have not come back
        self._waiting = 0  # of these, calls that wait for room
        self._closed = False
        self._storing = 0  # writes under way of values that need no commit of ours
        self._none_storing = threading.Event()
        self._none_storing.set()
        self._inbox: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.returned = 0

    # --- for workers

    def put(self, piece: Made | Failed | Logged | Warned, staged: StagedSlices | None = None) -> None:
        """Once it is closed, the run has ended without the worker: only of what is stored already is news taken."""
        with self._lock:
            if self._closed and staged is not None:
                staged.discard()
            elif self._closed and not self._storing:
                return
            elif staged is not None:
                assert isinstance(piece, Made)  # noqa: S101  nothing else is staged
                try:
                    self._writer(piece.store).put(piece, staged)
                except BaseException:
                    staged.discard()
                    raise
                self._to_come[piece.unit.asset] -= len(piece.unit.partitions)  # last: the writer may look any time
            else:
                self._inbox.put(piece)

    def wait_for_room(self) -> bool:
        """Wait while too much waits for its commit; False if nothing more is wanted."""
        if self.full:
            with self._lock:
                self._waiting += 1
            while self.full and not self._unwanted:
                time.sleep(_LOOK_S)
            with self._lock:
                self._waiting -= 1
        return not self._unwanted

    @contextmanager
    def storing(self) -> Iterator[bool]:
        """Around a write that is no commit of ours: whether it is still wanted; then the run does not end before."""
        with self._lock:
            wanted = not self._closed
            self._storing += wanted
            if wanted:
                self._none_storing.clear()
        try:
            yield wanted
        finally:
            with self._lock:
                self._storing -= wanted
                if not self._storing:
                    self._none_storing.set()

    @property
    def _unwanted(self) -> bool:
        return self._closed or self._cancel.cancelled

    def work(self, call: Callable[[], None]) -> None:
        """Make a call that `submitted` was told of."""
        call()
        with self._lock:
            self.returned += 1
            self._making -= 1

    # --- for the driver

    def submitted(self) -> None:
        """A call is handed to a worker."""
        with self._lock:
            self._making += 1

    def news(self, seconds: float) -> list[News]:
        """What became of calls since it was last asked for; if there is nothing yet, waited for so long."""
        news: list[News] = []
        try:
            news.append(self._inbox.get(timeout=seconds) if seconds > 0 else self._inbox.get_nowait())
            while True:
                news.append(self._inbox.get_nowait())
        except queue.Empty:
            return news

    def given_up(self, asset: AssetKey, partitions: int) -> None:
        """The run will not make so many partitions of an asset."""
        with self._lock:
            self._to_come[asset] -= partitions

    @property
    def making(self) -> bool:
        """Whether calls are under way; when they are not, everything that they had to say is in the inbox."""
        return self._making > 0

    @property
    def full(self) -> bool:
        """Whether so much waits for its commit that no more is to be made."""
        with self._lock:
            return self._full()

    @property
    def held(self) -> int:
        """How many values wait for others of their asset, so that more calls have to be made for them to go on."""
        with self._lock:
            return sum(writer.held for writer in self._writers.values())

    def commit_held(self) -> None:
        """Hold nothing back any longer if all that was begun is either done or held: nothing else can go on."""
        with self._lock:
            writers = self._writers.values()
            if not self._making and all(writer.only_holds for writer in writers) and self._inbox.empty():
                for writer in writers:
                    writer.commit_held()

    def wait_stored(self, seconds: float | None) -> bool:
        """Wait until nobody is `storing`, None for however long; False if it takes longer than `seconds`."""
        return self._none_storing.wait(seconds)

    def close(self) -> list[Writer]:
        """Take nothing more from workers; returns the writers, which are then all there will be."""
        with self._lock:
            self._closed = True
            return list(self._writers.values())

    def _full(self) -> bool:
        return sum(writer.staged_bytes for writer in self._writers.values()) > STAGED_BUDGET

    def _full_of_held(self) -> bool:
        """Whether it is full, and nothing waits for its commit but what is held: none of it would go on by itself."""
        with self._lock:
            return self._full() and all(writer.only_holds for writer in self._writers.values())

    def _writer(self, resource: str) -> Writer:
        store = self._resources[resource]
        writer = self._writers.get(id(store))
        if writer is None:
            writer = self._writers[id(store)] = Writer(
                store,
                self._told,
                lambda: self._making > self._waiting,
                lambda asset: self._to_come[asset] > 0 and not self._unwanted,
                self._full_of_held,
            )
        return writer

    def _told(self, outcomes: Sequence[tuple[Made, Committed | Refused | Uncertain]]) -> None:
        """A writer's group has its outcomes. What was refused is still to come, unless the driver gives it up."""
        with self._lock:
            for made, outcome in outcomes:
                if isinstance(outcome, Refused):
                    self._to_come[made.unit.asset] += len(made.unit.partitions)
        self._inbox.put(Group(outcomes))
