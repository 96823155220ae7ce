"""How an asset is retried, and how many of its partitions one call of its function may make."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gapless.definitions.source_location import here
from gapless.errors import DefinitionError

__all__ = ["BackfillPolicy", "Backoff", "Jitter", "RetryPolicy"]


@dataclass(frozen=True, slots=True)
class BackfillPolicy:
    """How many partitions one call of the asset's function may make.

    Attributes:
        max_partitions_per_run: At least 1; None for a whole contiguous range at once.
    """

    max_partitions_per_run: int | None

    def __post_init__(self) -> None:
        most = self.max_partitions_per_run
        if most is not None and (not isinstance(most, int) or most < 1):
            raise DefinitionError(
                f"a backfill policy needs at least one partition per run, not {most!r}",
                "Write BackfillPolicy.multi_run(n) with n ≥ 1, or BackfillPolicy.single_run() for a whole range.",
                here(),
            )

    @classmethod
    def single_run(cls) -> BackfillPolicy:
        """One call for each contiguous range of partitions."""
        return cls(None)

    @classmethod
    def multi_run(cls, max_partitions_per_run: int = 1) -> BackfillPolicy:
        """Contiguous ranges cut into calls of at most `max_partitions_per_run` partitions."""
        return cls(max_partitions_per_run)


class Backoff(Enum):
    """How the delay grows with each retry."""

    LINEAR = "LINEAR"  # delay × attempt
    EXPONENTIAL = "EXPONENTIAL"  # delay × (2 ** attempt − 1)


class Jitter(Enum):
    """How chance spreads the delays, so that many retries do not come at once."""

    FULL = "FULL"  # anywhere from 0 to the delay
    PLUS_MINUS = "PLUS_MINUS"  # up to one base delay less or more


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What happens when the asset's function raises.

    Attributes:
        max_retries: Attempts after the first; at least 0.
        delay: Seconds before a retry; None for none.
        backoff: How the delay grows; None keeps it constant.
        jitter: None for exact delays.
    """

    max_retries: int = 1
    delay: float | None = None
    backoff: Backoff | None = None
    jitter: Jitter | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise DefinitionError(f"max_retries must be 0 or more, not {self.max_retries!r}", location=here())
        if self.delay is not None and not self.delay >= 0:
            raise DefinitionError(f"delay is in seconds and must be 0 or more, not {self.delay!r}", location=here())
        if self.delay is None and (self.backoff or self.jitter):
            raise DefinitionError("backoff and jitter need a delay to work on", "Add delay=<seconds>.", here())

    def delay_before(self, retry: int, chance: float) -> float:
        """Seconds to wait before a retry.

        Args:
            retry: 1 for the first retry.
            chance: From 0 up to 1, drawn by the caller; only used with jitter.
        """
        base = self.delay or 0.0
        wait = base
        if self.backoff is Backoff.LINEAR:
            wait = base * retry
        elif self.backoff is Backoff.EXPONENTIAL:
            wait = base * float(2**retry - 1)
        if self.jitter is Jitter.FULL:
            return wait * chance
        if self.jitter is Jitter.PLUS_MINUS:
            return max(0.0, wait + base * (2 * chance - 1))
        return wait
