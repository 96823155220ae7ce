"""Gapless against `dagster.materialize` for each partition in one process, with a persistent instance."""

from __future__ import annotations

import statistics

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Figure, median_seconds, paired

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """Time per partition: of Gapless with its start-up, of Dagster without (imports and instance are not counted)."""
    days = min(arena.peer_days, arena.days)
    dagster = arena.filling("dagster, each day", arena.peer_python, CONTESTANTS / "dagster_plays.py", days=days)
    samples = paired([arena.ours, dagster], arena.rounds)
    ours = median_seconds(samples["gapless"]) / arena.days
    theirs = statistics.median(sample.reported["seconds"] for sample in samples[dagster.name]) / days
    return [
        Figure(
            "one partition: times faster than `dagster.materialize` of each",
            theirs / ours,
            80,
            f"{ours * 1000:.2f} ms against {theirs * 1000:.0f} ms (over {arena.days:,} and {days} days)",
            at_least=True,
        )
    ]
