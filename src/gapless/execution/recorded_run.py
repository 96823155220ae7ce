"""Runs as the ledger sees them: each is on record before it does anything, and ends whatever happens."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from gapless.ledger.contract import Ledger, RunRecord, RunState
from gapless.ledger.process import this_process

__all__ = ["begin_run", "new_run_id", "recorded_run"]


def new_run_id(now: datetime) -> str:
    """A name for a run that sorts by time and that a person can tell from others: ``20240105-101500-3fa9c1``."""
    return f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"


def begin_run(
    ledger: Ledger,
    run_id: str,
    trigger: str,
    targeted: int,
    now: datetime,
    *,
    plan: Mapping[str, Any] | None = None,
    job: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> RunRecord:
    """Record a run of this process, before it does anything."""
    process = this_process()
    record = RunRecord(
        run_id=run_id,
        state=RunState.RUNNING,
        created_at=now,
        targeted=targeted,
        plan=plan or {},
        trigger=trigger,
        job=job,
        host=process.host,
        pid=process.pid,
        process_started=process.started,
        boot=process.boot,
        tags=dict(tags or {}),
    )
    ledger.start_run(record)
    return record


@contextmanager
def recorded_run(ledger: Ledger, trigger: str, targeted: int, clock: Callable[[], datetime]) -> Iterator[str]:
    """A run without a plan, such as a wipe; gives its id. It has failed if the body raises."""
    run_id, state = new_run_id(clock()), RunState.FAILED
    begin_run(ledger, run_id, trigger, targeted, clock())
    try:
        yield run_id
        state = RunState.SUCCEEDED
    finally:
        ledger.end_run(run_id, state, clock())
