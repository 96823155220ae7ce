"""From workers to the others: what calls have made goes to the writers, and news of it to the driver."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gapless.asset_key import AssetKey
from gapless.execution.call import Failed, Logged, Made, Warned
from gapless.execution.cancel import CancelToken
from gapless.execution.writer import STAGED_BUDGET, Writer
from gapless.storage.slices import Committed, Refused, StagedSlices, Uncertain

__all__ = ["Group", "Handover", "News"]

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
        self._inbox: queue.SimpleQueue[News] = queue.SimpleQueue()
        self.returned = 0

    # --- for workers

    def put(self, piece: Made | Failed | Logged | Warned, staged: StagedSlices | None = None) -> None:
        """Once it is closed, nothing is taken: the run has ended without the worker."""
        with self._lock:
            if self._closed:
                if staged is not None:
                    staged.discard()
            elif staged is not None:
                assert isinstance(piece, Made)  # noqa: S101  nothing else is staged
                self._writer(piece.store).put(piece, staged)
                self._to_come[piece.unit.asset] -= len(piece.unit.partitions)  # last: the writer may look any time
            else:
                self._inbox.put(piece)

    def wait_for_room(self) -> bool:
        """Wait while too much waits for its commit; False if nothing more is wanted."""
        if self.staged_bytes > STAGED_BUDGET:
            with self._lock:
                self._waiting += 1
            while self.staged_bytes > STAGED_BUDGET and not self._unwanted:
                time.sleep(_LOOK_S)
            with self._lock:
                self._waiting -= 1
        return not self._unwanted

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
    def staged_bytes(self) -> int:
        """Approximate size of all that waits for its commit, bytes."""
        with self._lock:
            return sum(writer.staged_bytes for writer in self._writers.values())

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

    def close(self) -> list[Writer]:
        """Take nothing more from workers; returns the writers, which are then all there will be."""
        with self._lock:
            self._closed = True
            return list(self._writers.values())

    def _writer(self, resource: str) -> Writer:
        store = self._resources[resource]
        writer = self._writers.get(id(store))
        if writer is None:
            writer = self._writers[id(store)] = Writer(
                store,
                self._told,
                lambda: self._making > self._waiting,
                lambda asset: self._to_come[asset] > 0 and not self._unwanted,
            )
        return writer

    def _told(self, outcomes: Sequence[tuple[Made, Committed | Refused | Uncertain]]) -> None:
        """A writer's group has its outcomes. What was refused is still to come, unless the driver gives it up."""
        with self._lock:
            for made, outcome in outcomes:
                if isinstance(outcome, Refused):
                    self._to_come[made.unit.asset] += len(made.unit.partitions)
        self._inbox.put(Group(outcomes))
