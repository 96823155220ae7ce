"""Commits that are under way when a run ends: waited for a moment, then left to land by themselves.

Until they have landed nobody knows what becomes of them, so the run does not end, and keeps its leases: another run
that made the same partitions meanwhile could be overwritten with older rows.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from gapless.execution.handover import Handover
from gapless.execution.writer import Writer

__all__ = ["LateCommits"]

_COMMIT_GRACE_S = 4.0  # how long a commit under way may still finish after a request to stop


class LateCommits:
    """Those of one run, if there are any."""

    def __init__(self, handover: Handover) -> None:
        self._handover = handover
        self._lasting: list[Writer] = []
        self._storing = False  # whether users' own IO managers are among them

    def __bool__(self) -> bool:
        """Whether any was not waited for to its end; it may have landed since."""
        return bool(self._lasting) or self._storing

    def stop_writers(self) -> None:
        """End the writers, each after its commit under way, and wait for that, but not for long."""
        writers = self._handover.close()
        deadline = time.monotonic() + _COMMIT_GRACE_S
        self._storing = self._storing or not self._handover.wait_stored(_COMMIT_GRACE_S)
        for writer in writers:
            if writer not in self._lasting and not writer.wait_idle(max(0.0, deadline - time.monotonic())):
                self._lasting.append(writer)
        for writer in writers:
            writer.stop(0.0 if writer in self._lasting else _COMMIT_GRACE_S)

    def once_landed(self, end: Callable[[], None]) -> None:
        """Call `end` when the last of them has landed: at once if there are none, else on a thread of its own.

        If this process ends before, the run is found dead, and what it committed is reconciled.
        """
        writers = self._handover.close()
        self._lasting += [each for each in writers if each not in self._lasting and not each.wait_idle(0.0)]
        self._storing = self._storing or not self._handover.wait_stored(0.0)
        if not self:
            end()
            return

        def wait() -> None:
            self._handover.wait_stored(None)
            for writer in self._lasting:
                writer.stop(None)
            end()

        threading.Thread(target=wait, name="gapless-late-commit", daemon=True).start()
