"""What the ledger records of schedules: how far each has come, and what became of its ticks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["ScheduleRecord", "TickRecord", "TickState"]


class TickState(StrEnum):
    """The state of a tick."""

    STARTED = "started"  # recorded before acting
    REQUESTED = "requested"  # its run ended, whatever its outcome
    SKIPPED = "skipped"  # nothing was due
    FAILED = "failed"  # planning or running raised


@dataclass(frozen=True, slots=True)
class TickRecord:
    """One evaluation of a schedule; (schedule, scheduled_at) is unique.

    Attributes:
        covers_after: Windows that closed after this instant …
        scheduled_at: … up to and including this one are what the tick requests.
    """

    schedule: str
    scheduled_at: datetime
    state: TickState
    covers_after: datetime
    run_id: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """Whether a schedule runs, and how far it has come.

    Attributes:
        running: None if nobody started or stopped it; its declared default then counts.
        cursor: The last tick that was dealt with; None before the first.
    """

    name: str
    running: bool | None
    cursor: datetime | None
