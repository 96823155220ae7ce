"""The runs in the ledger, in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from datetime import datetime
from typing import Any

from gapless.ledger.columns import from_json, from_micros, from_micros_or_none, marks, text, to_json, to_micros
from gapless.ledger.contract import EventKind, RunRecord, RunState
from gapless.ledger.errors import RunExistsError, UnknownRunError
from gapless.ledger.events import add_event
from gapless.ledger.process import ProcessIdentity, is_alive

__all__ = ["cancel_requested", "dead", "end", "find", "listing", "live_ids", "request_cancel", "start", "state_of"]

_COLUMNS = (
    "run_id, state, created_at, targeted, trigger_name, job, ended_at, host, pid, process_started, error, tags, boot"
)


def start(connection: sqlite3.Connection, run: RunRecord) -> None:
    """See `Ledger.start_run`."""
    created_at = to_micros(run.created_at)
    added = connection.execute(
        f"INSERT INTO runs ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (run_id) DO NOTHING",  # noqa: S608
        (
            run.run_id,
            run.state.value,
            created_at,
            run.targeted,
            run.trigger,
            run.job,
            None if run.ended_at is None else to_micros(run.ended_at),
            run.host,
            run.pid,
            run.process_started,
            text(run.error),
            to_json(run.tags) or "{}",
            run.boot,
        ),
    ).rowcount
    if not added:
        raise RunExistsError(run.run_id)
    connection.execute("INSERT INTO plans (run_id, plan) VALUES (?,?)", (run.run_id, to_json(run.plan) or "{}"))
    add_event(connection, run.run_id, created_at, EventKind.RUN_STARTED)


def end(connection: sqlite3.Connection, run_id: str, state: RunState, now: datetime, error: str | None) -> bool:
    """See `Ledger.end_run`; False if the run had ended before."""
    if state is RunState.RUNNING:
        raise ValueError("a run cannot end as running")
    at = to_micros(now)
    ended = connection.execute(
        "UPDATE runs SET state = ?, ended_at = ?, error = ? WHERE run_id = ? AND state = ?",
        (state.value, at, text(error), run_id, RunState.RUNNING.value),
    ).rowcount
    if not ended and state_of(connection, run_id) is None:
        raise UnknownRunError(run_id)
    connection.execute("DELETE FROM leases WHERE run_id = ?", (run_id,))
    if ended:
        add_event(connection, run_id, at, EventKind.RUN_ENDED, error, {"state": state.value})
    return bool(ended)


def state_of(connection: sqlite3.Connection, run_id: str) -> RunState | None:
    """The run's state; None if there is no such run."""
    row = connection.execute("SELECT state FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return None if row is None else RunState(row[0])


def find(connection: sqlite3.Connection, run_id: str) -> RunRecord | None:
    """See `Ledger.run`."""
    if not run_id:
        return None
    query = f"SELECT {_COLUMNS}, plan FROM runs JOIN plans USING (run_id) WHERE "  # noqa: S608
    rows = connection.execute(query + "run_id = ?", (run_id,)).fetchall()
    if not rows:
        rows = connection.execute(query + "substr(run_id, 1, ?) = ? LIMIT 2", (len(run_id), run_id)).fetchall()
    return _record(rows[0]) if len(rows) == 1 else None


def listing(connection: sqlite3.Connection, limit: int | None, states: Collection[RunState] | None) -> list[RunRecord]:
    """See `Ledger.runs`."""
    query, parameters = f"SELECT {_COLUMNS} FROM runs", list[Any]()  # noqa: S608
    if states is not None:
        parameters += [state.value for state in states]
        query += f" WHERE state IN ({marks(parameters)})"
    query += " ORDER BY created_at DESC, seq DESC"
    if limit is not None:
        query += " LIMIT ?"
        parameters.append(limit)
    return [_record(row) for row in connection.execute(query, parameters)]


def dead(connection: sqlite3.Connection) -> list[RunRecord]:
    """See `Ledger.dead_runs`."""
    running = listing(connection, None, (RunState.RUNNING,))
    return [run for run in reversed(running) if not is_alive(_process(run))]


def live_ids(connection: sqlite3.Connection) -> set[str]:
    """The runs whose leases count as running: they have not ended, and their process is not known to be gone."""
    return {run.run_id for run in listing(connection, None, (RunState.RUNNING,)) if is_alive(_process(run))}


def request_cancel(connection: sqlite3.Connection, run_id: str) -> None:
    """See `Ledger.request_cancel`."""
    if not connection.execute("UPDATE runs SET cancel_requested = 1 WHERE run_id = ?", (run_id,)).rowcount:
        raise UnknownRunError(run_id)


def cancel_requested(connection: sqlite3.Connection, run_id: str) -> bool:
    """See `Ledger.cancel_requested`."""
    row = connection.execute("SELECT cancel_requested FROM runs WHERE run_id = ?", (run_id,)).fetchone()
    return row is not None and bool(row[0])


def _process(run: RunRecord) -> ProcessIdentity:
    return ProcessIdentity(run.host, run.pid, run.process_started, run.boot)


def _record(row: tuple[Any, ...]) -> RunRecord:
    run_id, state, created_at, targeted, trigger, job, ended_at, host, pid, started, error, tags, boot, *plan = row
    return RunRecord(
        run_id=run_id,
        state=RunState(state),
        created_at=from_micros(created_at),
        targeted=targeted,
        plan=from_json(plan[0]) if plan else {},
        trigger=trigger,
        job=job,
        ended_at=from_micros_or_none(ended_at),
        host=host,
        pid=pid,
        process_started=started,
        error=error,
        tags=from_json(tags),
        boot=boot,
    )
