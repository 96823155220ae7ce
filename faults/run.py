"""The command: every fault for every subject, and the table of what was seen."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from faults.crowds import eight_processes, the_same_partition_twice
from faults.disks import disk_full, read_only, torn_staging_file
from faults.kills import killed_at_every_step, killed_with_a_full_queue
from faults.subject import SUBJECTS, Subject
from faults.values import clock_backwards, garbage, large, wide
from faults.verdict import Verdict

__all__ = ["main"]


def main() -> int:
    """Run what was asked for; 1 if one of ours did not survive something."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=__doc__)
    parser.add_argument("faults", nargs="*", help="only these: kill queue full readonly torn crowd twice …")
    parser.add_argument("--subjects", nargs="+", choices=SUBJECTS, default=None)
    parser.add_argument("--trials", type=int, default=1_000, help="kills at every step, over the stores of Gapless")
    parser.add_argument(
        "--peer-trials", type=int, default=100, help="the same for the incumbent, which is slow to start"
    )
    parser.add_argument("--rows", type=int, default=50_000_000, help="of the slice that is streamed")
    parser.add_argument("--peer-python", type=Path, help="an interpreter with dagster-duckdb-polars; without it, ours")
    parser.add_argument("--markdown", action="store_true", help="print the table for docs/faults.md")
    chosen = parser.parse_args()
    names = chosen.subjects or [n for n in SUBJECTS if n.startswith("gapless") or chosen.peer_python]
    ours = sum(name.startswith("gapless") for name in names) or 1

    def kills_of(subject: Subject) -> int:
        return chosen.trials // ours if subject.is_ours else chosen.peer_trials

    every: dict[str, tuple[str, Callable[[Subject], Verdict]]] = {
        "kill": ("`kill -9` at every step of a commit", lambda s: killed_at_every_step(s, kills_of(s))),
        "queue": ("`kill -9` with 64 partitions queued", killed_with_a_full_queue),
        "full": ("disk full", disk_full),
        "readonly": ("read-only file and folder", read_only),
        "torn": ("staging file torn before its commit", torn_staging_file),
        "crowd": ("8 processes × 100 partitions, a reader polling", eight_processes),
        "twice": ("the same partitions from two processes at once", the_same_partition_twice),
        "garbage": ("the function returns garbage", garbage),
        "wide": ("a frame of 10,000 columns", wide),
        "large": (f"a slice of {chosen.rows / 1e6:g} M rows, streamed, ≤ 1 GB", lambda s: large(s, chosen.rows)),
        "clock": ("the clock goes backwards", clock_backwards),
    }
    unknown = [name for name in chosen.faults if name not in every]
    if unknown:
        parser.error(f"no fault is called {unknown[0]!r}; there are: {', '.join(every)}")
    table: dict[str, dict[str, Verdict]] = {}
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as scratch:
        for name in names:
            folder = Path(scratch) / name
            folder.mkdir()
            python = Path(sys.executable) if name.startswith("gapless") else chosen.peer_python
            subject = Subject(name, folder, python)
            for fault in chosen.faults or every:
                title, trial = every[fault]
                start = time.monotonic()
                verdict = trial(subject)
                print(f"{SUBJECTS[name]}: {title}: {verdict.cell}  ({time.monotonic() - start:.0f} s)", file=sys.stderr)
                table.setdefault(title, {})[name] = verdict
            subject.close()
    if chosen.markdown:
        print("| fault | " + " | ".join(SUBJECTS[name] for name in names) + " |")
        print("|---" * (len(names) + 1) + "|")
        for title, cells in table.items():
            print(f"| {title} | " + " | ".join(cells[name].cell for name in names) + " |")
    return int(
        any(v.survived is False for cells in table.values() for name, v in cells.items() if name.startswith("gapless"))
    )
