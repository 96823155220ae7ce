"""Gapless against the incumbent's own fast path: one run over the whole range, without an outcome for each day."""

from __future__ import annotations

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Figure, median_seconds, paired

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """Whole processes, both with start-up."""
    dagster = arena.filling("dagster, one run", arena.peer_python, CONTESTANTS / "dagster_range.py")
    samples = paired([arena.ours, dagster], arena.rounds)
    ours, theirs = median_seconds(samples["gapless"]), median_seconds(samples[dagster.name])
    return [
        Figure(
            f"{arena.days:,} days × {arena.rows:,} rows: times faster than one Dagster run over the range",
            theirs / ours,
            10,
            f"{ours:.2f} s against {theirs:.2f} s",
            at_least=True,
        )
    ]
