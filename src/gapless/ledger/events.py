"""The history in the ledger, in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from gapless.ledger.columns import from_json, from_micros, marks, partition_from, text, to_json
from gapless.ledger.contract import Event, EventKind

__all__ = ["ADD_EVENT", "KINDS", "add_event", "listing", "prune"]

ADD_EVENT = "INSERT INTO events (run_id, at, kind, asset, partition, reason, payload) VALUES (?,?,?,?,?,?,?)"

# Looking a member up by its value is several times slower than this, and done for each row.
KINDS = {kind.value: kind for kind in EventKind}


def add_event(
    connection: sqlite3.Connection,
    run_id: str,
    at: int,
    kind: EventKind,
    reason: str | None = None,
    payload: Mapping[str, Any] | None = None,
    asset: str | None = None,
) -> None:
    """Append one line that concerns a run or a whole asset; `at` in microseconds."""
    connection.execute(ADD_EVENT, (run_id, at, kind.value, asset, None, text(reason), to_json(payload or {})))


def listing(
    connection: sqlite3.Connection,
    run_id: str | None,
    asset: str | None,
    partition: str | None,
    kinds: Collection[EventKind] | None,
    after: int | None,
    limit: int | None,
) -> list[Event]:
    """See `Ledger.events`."""
    conditions, parameters = ["1 = 1"], list[Any]()
    for condition, value in (
        ("run_id = ?", run_id),
        ("asset = ?", asset),
        ("partition = ?", None if asset is None else partition),
        ("event_id > ?", after),
    ):
        if value is not None:
            conditions.append(condition)
            parameters.append(value)
    if kinds is not None:
        conditions.append(f"kind IN ({marks([*kinds])})")
        parameters += [kind.value for kind in kinds]
    query = (
        "SELECT event_id, run_id, at, kind, asset, partition, reason, payload FROM events"  # noqa: S608
        f" WHERE {' AND '.join(conditions)} ORDER BY event_id"
    )
    if limit is not None:
        query += " DESC LIMIT ?"
        parameters.append(limit)
    events = [_event(row) for row in connection.execute(query, parameters)]
    return events if limit is None else events[::-1]


def prune(connection: sqlite3.Connection, before: int, limit: int) -> int:
    """Forget at most `limit` events from before that instant, in microseconds; returns how many."""
    return connection.execute(
        "DELETE FROM events WHERE event_id IN (SELECT event_id FROM events WHERE at < ? ORDER BY event_id LIMIT ?)",
        (before, limit),
    ).rowcount


def _event(row: tuple[Any, ...]) -> Event:
    event_id, run_id, at, kind, asset, partition, reason, payload = row
    return Event(
        event_id=event_id,
        run_id=run_id,
        at=from_micros(at),
        kind=KINDS[kind],
        asset=asset,
        partition=partition_from(partition),
        reason=reason,
        payload=from_json(payload),
    )
