"""How a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gapless.execution.check_evaluation import AssetCheckEvaluation
from gapless.execution.progress import StepReport
from gapless.ledger.contract import RunState

__all__ = ["RunResult"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended.

    Attributes:
        run_id: Its name in the ledger; None if there was nothing to do and no run was recorded.
        materialized: Number of (asset, partition)s that have their rows; those that another run made meanwhile count.
        made_elsewhere: Of these, how many another run made meanwhile, by its id.
        rows: Rows that this run committed.
        dropped: Rows that were left out because they lay outside their partitions, as the assets' boundary policy says.
        failed, skipped, interrupted: What became of the others, with reasons.
        warnings: What functions did wrong that no partition failed for; what checks warn of is in `check_failures`.
        blocked: Number that the plan already knew it could not make.
        exception: The first exception that a user's function raised, as it was raised.
        check_evaluations: What checks found: everything that did not pass, then what passed, of that the first hundred
            thousand. The ledger has all.
    """

    run_id: str | None
    state: RunState
    materialized: int = 0
    made_elsewhere: Mapping[str, int] = field(default_factory=dict)
    rows: int = 0
    dropped: int = 0
    failed: tuple[StepReport, ...] = ()
    skipped: tuple[StepReport, ...] = ()
    interrupted: tuple[StepReport, ...] = ()
    warnings: tuple[StepReport, ...] = ()
    blocked: int = 0
    duration_s: float = 0.0
    exception: BaseException | None = field(default=None, compare=False, repr=False)
    check_evaluations: tuple[AssetCheckEvaluation, ...] = field(default=(), repr=False)

    @property
    def made_here(self) -> int:
        """Number of (asset, partition)s that this run made itself."""
        return self.materialized - sum(self.made_elsewhere.values())

    @property
    def success(self) -> bool:
        """True if everything that was planned is materialized."""
        return self.state is RunState.SUCCEEDED and not self.blocked

    @property
    def check_failures(self) -> tuple[AssetCheckEvaluation, ...]:
        """What did not pass, blocking or not."""
        return tuple(found for found in self.check_evaluations if not found.passed)

    def get_asset_check_evaluations(self) -> list[AssetCheckEvaluation]:
        """Dagster's name for `check_evaluations`."""
        return list(self.check_evaluations)
