"""All days in one process: Gapless against the loop that one writes by hand; wall time and peak memory."""

from __future__ import annotations

import sys

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Figure, median_peak, median_seconds, paired

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """The loop tracks nothing, and commits each day."""
    loop = arena.filling("hand-written loop", sys.executable, CONTESTANTS / "hand_loop.py")
    samples = paired([arena.ours, loop], arena.rounds)
    ours, theirs = samples["gapless"], samples[loop.name]
    seconds = median_seconds(ours), median_seconds(theirs)
    peaks = median_peak(ours) / 2**20, median_peak(theirs) / 2**20
    size = f"{arena.days:,} days × {arena.rows:,} rows"
    return [
        Figure(
            f"{size}: wall time ÷ that of a hand-written loop",
            seconds[0] / seconds[1],
            0.35,
            f"{seconds[0]:.2f} s against {seconds[1]:.2f} s",
        ),
        Figure(
            f"{size}: peak memory ÷ that of the loop",
            peaks[0] / peaks[1],
            1.5,
            f"{peaks[0]:.0f} MiB against {peaks[1]:.0f} MiB",
        ),
    ]
