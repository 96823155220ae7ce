"""All days in one process: Gapless against about the least that the machine can do."""

from __future__ import annotations

import sys

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Figure, median_seconds, paired

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """The floor reads with two threads and writes 64 days in a transaction; it tracks nothing."""
    floor = arena.filling("floor", sys.executable, CONTESTANTS / "floor.py")
    samples = paired([arena.ours, floor], arena.rounds, warm_up=True)
    ours, theirs = median_seconds(samples["gapless"]), median_seconds(samples["floor"])
    return [
        Figure(
            f"{arena.days:,} days × {arena.rows:,} rows: wall time ÷ the floor's",
            ours / theirs,
            1.6,
            f"{ours:.2f} s against {theirs:.2f} s",
        )
    ]
