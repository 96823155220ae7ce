"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from gapless.execution.progress import StepReport
from gapless.ledger.contract import RunState

__all__ = ["RunResult"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: Its name in the ledger; None if there was nothing to do and no run was recorded.
        materialized: Number of (asset, partition)s that have their rows; those that another run made meanwhile count.
        failed, skipped, interrupted: What became of the others, with reasons.
        blocked: Number that the plan already knew it could not make.
        exception: The first exception that a user's function raised, as it was raised.
    """

    run_id: str | None
    state: RunState
    materialized: int = 0
    rows: int = 0
    failed: tuple[StepReport, ...] = ()
    skipped: tuple[StepReport, ...] = ()
    interrupted: tuple[StepReport, ...] = ()
    blocked: int = 0
    duration_s: float = 0.0
    exception: BaseException | None = field(default=None, compare=False, repr=False)

    @property
    def success(self) -> bool:
        """True if everything that was planned is materialized."""
        return self.state is RunState.SUCCEEDED and not self.blocked
