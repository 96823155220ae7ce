"""Who may make which partition now, in SQL: at most one run for each (asset, partition)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import datetime

from gapless.ledger.columns import WHOLE, in_chunks, marks, partition_from, to_micros
from gapless.ledger.contract import Claim, RunState, Status
from gapless.ledger.errors import RunEndedError, UnknownRunError
from gapless.ledger.runs import state_of

__all__ = ["claim", "of_run", "release"]


def claim(
    connection: sqlite3.Connection,
    run_id: str,
    asset: str,
    partitions: Sequence[str | None],
    now: datetime,
    since: datetime | None,
) -> Claim:
    """See `Ledger.claim`."""
    state = state_of(connection, run_id)
    if state is None:
        raise UnknownRunError(run_id)
    if state is not RunState.RUNNING:
        # Without this, a run that was found dead though it was only stopped for a while would go on beside the one
        # that took its place.
        raise RunEndedError(run_id, state.value)
    keys = list(dict.fromkeys(WHOLE if key is None else key for key in partitions))
    at = to_micros(now)
    holders: dict[str, str] = {}
    committed: list[str] = []
    for chunk in in_chunks(keys):
        holders.update(
            connection.execute(
                f"SELECT partition, run_id FROM leases WHERE asset = ? AND partition IN ({marks(chunk)})",  # noqa: S608
                (asset, *chunk),
            ).fetchall()
        )
        if since is not None:
            committed += (
                key
                for (key,) in connection.execute(
                    "SELECT partition FROM statuses WHERE status = ? AND committed_at BETWEEN ? AND ? AND run_id <> ?"  # noqa: S608
                    f" AND asset = ? AND partition IN ({marks(chunk)})",
                    (Status.MATERIALIZED.value, to_micros(since), at, run_id, asset, *chunk),
                )
            )
    connection.executemany(
        "INSERT INTO leases (asset, partition, run_id, claimed_at) VALUES (?,?,?,?)",
        [(asset, key, run_id, at) for key in keys if key not in holders],
    )
    held = {key: holder for key, holder in holders.items() if holder != run_id}
    return Claim(
        granted=frozenset(partition_from(key) for key in keys if key not in held),
        held={partition_from(key): holder for key, holder in held.items()},
        committed_since=frozenset(partition_from(key) for key in committed if key not in held),
    )


def release(connection: sqlite3.Connection, run_id: str, asset: str, partitions: Sequence[str | None]) -> None:
    """See `Ledger.release`."""
    connection.executemany(
        "DELETE FROM leases WHERE asset = ? AND partition = ? AND run_id = ?",
        [(asset, WHOLE if key is None else key, run_id) for key in partitions],
    )


def of_run(connection: sqlite3.Connection, run_id: str) -> list[tuple[str, str | None]]:
    """See `Ledger.leases`."""
    rows = connection.execute(
        "SELECT asset, partition FROM leases WHERE run_id = ? ORDER BY asset, partition", (run_id,)
    )
    return [(asset, partition_from(key)) for asset, key in rows]
