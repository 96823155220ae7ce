"""Schedules and their ticks in the ledger, in SQL."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any

from gapless.ledger.columns import from_micros, from_micros_or_none, text, to_micros
from gapless.ledger.errors import UnknownTickError
from gapless.ledger.schedule_records import ScheduleRecord, TickRecord, TickState

__all__ = ["change_schedule", "end", "listing", "schedule", "start"]


def schedule(connection: sqlite3.Connection, name: str) -> ScheduleRecord:
    """See `Ledger.schedule`."""
    row = connection.execute("SELECT running, cursor_at FROM schedules WHERE name = ?", (name,)).fetchone()
    if row is None:
        return ScheduleRecord(name, None, None)
    running, cursor_at = row
    return ScheduleRecord(name, None if running is None else bool(running), from_micros_or_none(cursor_at))


def change_schedule(connection: sqlite3.Connection, name: str, running: bool | None, cursor: datetime | None) -> None:
    """See `Ledger.set_schedule`."""
    connection.execute(
        "INSERT INTO schedules AS old (name, running, cursor_at) VALUES (?,?,?) ON CONFLICT (name) DO UPDATE SET"
        " running = COALESCE(excluded.running, old.running),"
        " cursor_at = COALESCE(excluded.cursor_at, old.cursor_at)",
        (name, None if running is None else int(running), None if cursor is None else to_micros(cursor)),
    )


def start(connection: sqlite3.Connection, tick: TickRecord) -> bool:
    """See `Ledger.start_tick`."""
    added = connection.execute(
        "INSERT INTO ticks (schedule, scheduled_at, state, covers_after, run_id, note) VALUES (?,?,?,?,?,?)"
        " ON CONFLICT (schedule, scheduled_at) DO NOTHING",
        (
            tick.schedule,
            to_micros(tick.scheduled_at),
            tick.state.value,
            to_micros(tick.covers_after),
            tick.run_id,
            text(tick.note),
        ),
    ).rowcount
    return bool(added)


def end(
    connection: sqlite3.Connection,
    name: str,
    scheduled_at: datetime,
    state: TickState,
    run_id: str | None,
    note: str | None,
) -> None:
    """See `Ledger.end_tick`."""
    at = to_micros(scheduled_at)
    ended = connection.execute(
        "UPDATE ticks SET state = ?, run_id = COALESCE(?, run_id), note = COALESCE(?, note)"
        " WHERE schedule = ? AND scheduled_at = ?",
        (state.value, run_id, text(note), name, at),
    ).rowcount
    if not ended:
        raise UnknownTickError(name, scheduled_at)
    connection.execute(
        "INSERT INTO schedules AS old (name, running, cursor_at) VALUES (?, NULL, ?) ON CONFLICT (name) DO UPDATE SET"
        " cursor_at = excluded.cursor_at WHERE old.cursor_at IS NULL OR old.cursor_at < excluded.cursor_at",
        (name, at),
    )


def listing(connection: sqlite3.Connection, name: str | None, limit: int | None) -> list[TickRecord]:
    """See `Ledger.ticks`."""
    query, parameters = "SELECT schedule, scheduled_at, state, covers_after, run_id, note FROM ticks", list[Any]()
    if name is not None:
        query += " WHERE schedule = ?"
        parameters.append(name)
    query += " ORDER BY scheduled_at DESC, schedule"
    if limit is not None:
        query += " LIMIT ?"
        parameters.append(limit)
    return [
        TickRecord(owner, from_micros(at), TickState(state), from_micros(covers_after), run_id, note)
        for owner, at, state, covers_after, run_id, note in connection.execute(query, parameters)
    ]
