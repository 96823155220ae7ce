"""Answer the questions and print one table."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    dagster_by_day,
    dagster_range,
    floor,
    import_time,
    loop,
    one_day_cold,
    partitions,
    status_cold,
    storage,
)
from benchmarks.arena import Arena
from benchmarks.measure import Figure

__all__ = ["main"]

QUESTIONS = {
    "loop": loop.measure,
    "floor": floor.measure,
    "dagster_by_day": dagster_by_day.measure,
    "dagster_range": dagster_range.measure,
    "import_time": import_time.measure,
    "one_day_cold": one_day_cold.measure,
    "status_cold": status_cold.measure,
    "partitions": partitions.measure,
    "storage": storage.measure,
}

QUICK = {
    "days": 100,
    "partitions": 1_000,
    "peer_days": 5,
    "windows": 100_000,
    "peer_windows": 1_000,
    "slices": 100,
    "read_rows": 100_000,
    "stream_rows": 1_000_000,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0 if every target is met, 1 if one is missed; always 0 with ``--quick``."""
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := set(options.questions) - set(QUESTIONS):
        parser.error(f"no question {', '.join(sorted(unknown))}; there are {', '.join(QUESTIONS)}")
    with tempfile.TemporaryDirectory(prefix="gapless-bench-") as folder:
        size = QUICK if options.quick else {}
        arena = Arena(
            Path(folder), rounds=options.rounds or (1 if options.quick else 3), chosen_peer=options.peer_python, **size
        )
        figures: list[Figure] = []
        for name in options.questions or QUESTIONS:
            print(f"{name}:", file=sys.stderr)
            figures += QUESTIONS[name](arena)
    print(as_markdown(figures, arena) if options.markdown else as_text(figures))
    if options.quick:
        print("\nThe targets are for the full size; these figures only show that everything runs.")
        return 0
    return 1 if any(figure.met is False for figure in figures) else 0


def as_text(figures: Sequence[Figure]) -> str:
    """A table for the terminal."""
    rows = [("what", "measured", "target", "", "medians"), *map(_cells, figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)


def as_markdown(figures: Sequence[Figure], arena: Arena) -> str:
    """A table for docs/benchmarks.md, with the machine that it was measured on."""
    lines = ["| what | measured | target | | medians |", "|---|---:|---:|---|---|"]
    lines += [f"| {' | '.join(_cells(figure))} |" for figure in figures]
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores;"
        f" medians of {arena.rounds} or more paired runs."
    )
    return "\n".join([*lines, "", machine])


def _cells(figure: Figure) -> tuple[str, str, str, str, str]:
    measured = f"{figure.measured:.3g} {figure.unit}"
    sign = "≥" if figure.at_least else "≤"
    target = "" if figure.target is None else f"{sign} {figure.target:g} {figure.unit}"
    verdict = {None: "", True: "met", False: "missed"}[figure.met]
    return figure.what, measured, target, verdict, figure.medians


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("questions", nargs="*", metavar="QUESTION", help=", ".join(QUESTIONS))
    parser.add_argument("--quick", action="store_true", help="100 days, one round: does it all run?")
    parser.add_argument("--rounds", type=int, help="runs of each contestant (default: 3)")
    parser.add_argument("--peer-python", type=Path, help="an interpreter that has the peers already")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    return parser
