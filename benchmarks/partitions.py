"""Partitions without an asset: what millions of them cost, and the same program with the incumbent's classes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Contestant, Figure, run

__all__ = ["measure"]

MICROSECONDS, MILLISECONDS, KIB = 1e6, 1e3, 1 / 1024
FASTER = 20


def measure(arena: Arena) -> list[Figure]:
    """Each contestant is one process, which takes the medians itself: a call is far shorter than a process."""
    return [*_bounds(arena), *_ratios(arena)]


def _report(arena: Arena, name: str, python: Path | str, program: str, windows: int, library: str = "") -> Any:
    environment = {"BENCH_WINDOWS": str(windows), "BENCH_LIBRARY": library}
    sample = run(Contestant(name, [python, CONTESTANTS / program], arena.folder, environment))
    print(f"  {name}: {sample.seconds:.1f} s", file=sys.stderr)
    return sample.reported


def _bounds(arena: Arena) -> list[Figure]:
    found = _report(arena, "bounds", sys.executable, "partition_bounds.py", arena.windows)
    million = f"{arena.windows:,}"
    figures: list[Figure] = []
    for kind, medians in found["windows"].items():
        figures += [_call(f"{million} {kind}: {name}", each, 20, "µs") for name, each in medians.items()]
        figures.append(
            Figure(
                f"{million} {kind}: memory that these take",
                found["peak_bytes"][kind] * KIB,
                256,
                "peak, with the definition",
                unit="KiB",
            )
        )
    figures += [
        _call(f"{million} {kind}: write all keys, in a zone with summer time", seconds, 1, "s")
        for kind, seconds in found["keys"].items()
    ]
    figures += [
        _call(f"set of {million} with 30 % scattered holes: {name}", seconds, 20, "ms")
        for name, seconds in found["sets"].items()
    ]
    figures.append(Figure("the same set, serialised", found["serialised_bytes"] / 1000, 200, "JSON text", unit="kB"))
    days = arena.windows // 100
    figures += [
        _call(f"{days:,} days ↔ {days * 24:,} hours; {name}", seconds, 5, "ms")
        for name, seconds in found["mappings"].items()
    ]
    figures += [
        _call(f"product of {arena.windows * 10:,} in 5 dimensions: {name}", seconds, 1, "ms")
        for name, seconds in found["product"].items()
    ]
    return figures


def _call(what: str, seconds: float, target: float, unit: str) -> Figure:
    factor = {"s": 1.0, "ms": MILLISECONDS, "µs": MICROSECONDS}[unit]
    return Figure(what, seconds * factor, target, f"{_readable(seconds)} a call", unit=unit)


def _ratios(arena: Arena) -> list[Figure]:
    program, windows = "partition_algebra.py", arena.peer_windows
    ours = _report(arena, "gapless", sys.executable, program, windows, "gapless")
    theirs = _report(arena, "dagster", arena.peer_python, program, windows, "dagster")
    if ours["sizes"] != theirs["sizes"]:
        raise RuntimeError(f"the answers differ: {ours['sizes']} of gapless, {theirs['sizes']} of dagster")
    return [
        Figure(
            f"{windows:,} hours, times faster than Dagster: {name}",
            theirs["seconds"][name] / seconds,
            FASTER,
            f"{_readable(seconds)} against {_readable(theirs['seconds'][name])}",
            at_least=True,
        )
        for name, seconds in ours["seconds"].items()
    ]


def _readable(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * MICROSECONDS:.3g} µs"
    return f"{seconds * MILLISECONDS:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
