"""`import gapless`: how long it takes, and which heavy packages it drags in (none)."""

from __future__ import annotations

import statistics
import sys

from benchmarks.arena import Arena
from benchmarks.measure import Contestant, Figure, paired

__all__ = ["measure"]

HEAVY = ("polars", "duckdb", "pyarrow", "sqlalchemy", "rich", "litestar", "pydantic", "click")
PROGRAM = f"""
import json, sys, time
started = time.perf_counter()
import gapless
seconds = time.perf_counter() - started
print(json.dumps({{"seconds": seconds, "heavy": [name for name in {HEAVY!r} if name in sys.modules]}}))
"""


def measure(arena: Arena) -> list[Figure]:
    """The import alone, timed inside a fresh interpreter."""
    importing = Contestant("import gapless", [sys.executable, "-c", PROGRAM], arena.folder)
    samples = paired([importing], max(10, arena.rounds), warm_up=True)[importing.name]
    seconds = statistics.median(sample.reported["seconds"] for sample in samples)
    heavy = sorted({name for sample in samples for name in sample.reported["heavy"]})
    return [
        Figure("`import gapless`", seconds * 1000, 60, f"{seconds * 1000:.1f} ms of {len(samples)} imports", unit="ms"),
        Figure(
            "heavy packages imported by it",
            len(heavy),
            0,
            ", ".join(heavy) or f"none of {', '.join(HEAVY)}",
            unit="packages",
        ),
    ]
