"""Whether a schedule runs, and from when on its ticks count."""

from __future__ import annotations

from datetime import datetime

from gapless.definitions.schedules import DefaultScheduleStatus, Schedule
from gapless.ledger.contract import Ledger
from gapless.ledger.schedule_records import ScheduleRecord, TickState

__all__ = ["is_running", "start", "stop"]


def is_running(schedule: Schedule, record: ScheduleRecord) -> bool:
    """What a person last said, else what the definitions say."""
    return schedule.default_status is DefaultScheduleStatus.RUNNING if record.running is None else record.running


def start(ledger: Ledger, schedule: Schedule, now: datetime) -> bool:
    """Let it tick; False if it does already, and then nothing is lost or skipped.

    Ticks count from `now` on. What became due while it was stopped is not owed, since it was stopped on purpose; what
    becomes due while nothing serves a running schedule is.
    """
    record = ledger.schedule(schedule.name)
    already = is_running(schedule, record)
    if not already:
        newest = next(iter(ledger.ticks(schedule.name, limit=1)), None)
        if newest is not None and newest.state is TickState.STARTED:
            note = "given up: the schedule was stopped and started again"
            ledger.end_tick(schedule.name, newest.scheduled_at, TickState.SKIPPED, note=note)
    fresh = not already or record.cursor is None
    ledger.set_schedule(schedule.name, running=True, cursor=now if fresh else None)
    return not already


def stop(ledger: Ledger, schedule: Schedule) -> bool:
    """Let it tick no more; False if it does not anyway. A tick whose run is under way is finished."""
    was_running = is_running(schedule, ledger.schedule(schedule.name))
    ledger.set_schedule(schedule.name, running=False)
    return was_running
