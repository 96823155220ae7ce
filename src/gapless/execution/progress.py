"""What a run tells whoever watches it, while it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gapless.ledger.contract import EventKind
from gapless.planning.plan import Plan

__all__ = ["Reporter", "Silent", "StepReport"]


@dataclass(frozen=True, slots=True)
class StepReport:
    """What became of one (asset, partition).

    Attributes:
        kind: MATERIALIZED, FAILED, SKIPPED, INTERRUPTED or RETRIED; beside one of these CHECKED, for a check that did
            not pass, or LOG, for what a call did wrong that no partition fails for.
        reason: One line; None if it went well.
        detail: The user's traceback and a hint, for a failure.
        made_by: The other run that made it meanwhile; None if this one did.
    """

    asset: str
    partition: str | None
    kind: EventKind
    reason: str | None = None
    detail: str | None = None
    rows: int | None = None
    duration_s: float | None = None
    made_by: str | None = None


class Reporter(Protocol):
    """Called from the thread that drives the run, never from workers."""

    def started(self, run_id: str, plan: Plan) -> None: ...
    def finished(self, reports: Sequence[StepReport]) -> None: ...
    def waiting(self, message: str) -> None:
        """The run waits for something outside: another run's lease, a lock."""
        ...

    def ended(self) -> None: ...


class Silent:
    """Tells nobody anything."""

    def started(self, run_id: str, plan: Plan) -> None:
        """Nothing."""

    def finished(self, reports: Sequence[StepReport]) -> None:
        """Nothing."""

    def waiting(self, message: str) -> None:
        """Nothing."""

    def ended(self) -> None:
        """Nothing."""
