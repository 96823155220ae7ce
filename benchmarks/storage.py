"""Slices of one table: the store against DuckDB by hand, and a slice that is larger than the memory it may take."""

from __future__ import annotations

import sys

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Contestant, Figure, median_peak, paired, run

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """Writing and reading take turns inside one process; the large slice has a process of its own."""
    arena.folder.mkdir(exist_ok=True)
    environment = {
        "BENCH_ROUNDS": str(arena.rounds),
        "BENCH_PARTITIONS": str(arena.slices),
        "BENCH_READ_ROWS": str(arena.read_rows),
        "BENCH_STREAM_ROWS": str(arena.stream_rows),
    }
    slices = Contestant("slices", (sys.executable, CONTESTANTS / "slices.py"), arena.folder, environment)
    seconds = run(slices).reported
    writing, reading = seconds["writing"], seconds["reading"]
    streamed = Contestant(
        "streamed_slice", (sys.executable, CONTESTANTS / "streamed_slice.py"), arena.folder, environment
    )
    peak = median_peak(paired([streamed], 1)["streamed_slice"])
    size = f"{arena.slices:,} slices × 1,000 rows replaced"
    return [
        Figure(
            f"{size}, 64 in a commit: time ÷ the bare statements'",
            writing["ours"] / writing["grouped"],
            1.2,
            f"{writing['ours']:.2f} s against {writing['grouped']:.2f} s",
        ),
        Figure(
            f"{size}: how much faster than a bare transaction for each",
            writing["one_by_one"] / writing["ours"],
            3.0,
            f"{writing['ours']:.2f} s against {writing['one_by_one']:.2f} s",
            at_least=True,
        ),
        Figure(
            f"one of {arena.slices:,} slices read from {arena.read_rows:,} rows: time ÷ the bare query's",
            reading["ours"] / reading["by_hand"],
            1.3,
            f"{reading['ours'] * 1000:.2f} ms against {reading['by_hand'] * 1000:.2f} ms",
        ),
        Figure(
            f"a slice of {arena.stream_rows:,} rows made batch by batch: peak memory",
            peak / 1e9,
            1.0,
            f"{peak / 1e9:.2f} GB",
            unit="GB",
        ),
    ]
