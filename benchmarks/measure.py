"""Run programs as a user would, in turn, and keep their wall times and peak memory."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Contestant", "Figure", "Sample", "median_peak", "median_seconds", "paired", "run"]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A program to measure.

    Attributes:
        name: What it is called in the tables.
        argv: Program and arguments.
        folder: The working directory.
        environment: Variables set beside those of this process.
        fresh: Files and folders, seen from `folder`, that are removed before each run, so that every run starts empty.
        files: Text files, seen from `folder`, that are written before each run.
        before: A program of `contestants/` that is run before each run, uncounted.
        produces: What `count_rows.py` must find after each run; None if nothing is to be checked.
    """

    name: str
    argv: Sequence[str | Path]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    fresh: Sequence[str] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    before: str | None = None
    produces: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """One run of one contestant.

    Attributes:
        seconds: Wall time of the whole process, start-up included.
        peak_bytes: The largest resident set of the process, or of the largest process that it waited for.
        reported: What the program printed as its last line, if that was a JSON object.
    """

    seconds: float
    peak_bytes: int
    reported: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """The answer to one question.

    Attributes:
        what: The question.
        measured: The figure, in `unit`.
        target: The bound that was promised; None if it is only for information.
        at_least: True if `measured` must reach `target`, False if it must not exceed it.
        unit: ``×`` for a ratio.
        medians: What it was computed from, in words.
    """

    what: str
    measured: float
    target: float | None
    medians: str
    at_least: bool = False
    unit: str = "×"

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target


def run(contestant: Contestant) -> Sample:
    """Run a contestant once, from a clean start.

    Raises:
        RuntimeError: It failed, or did not produce what it must.
    """
    for name in contestant.fresh:
        stale = contestant.folder / name
        if stale.is_dir():
            shutil.rmtree(stale)
        else:
            stale.unlink(missing_ok=True)
    for name, text in contestant.files.items():
        target = contestant.folder / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(text, encoding="utf-8")
    if contestant.before is not None:
        _aside(contestant, contestant.before)
    with tempfile.TemporaryFile() as out:
        # Output goes to a file: nobody has to read it while the clock runs. This process stays small (no polars, no
        # duckdb), because the kernel starts a child's peak memory from its parent's.
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in contestant.argv],
            cwd=contestant.folder,
            env={**os.environ, **contestant.environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode(errors="replace")
    if process.returncode != 0:
        raise RuntimeError(f"{contestant.name} ended with {process.returncode}:\n{text[-3000:]}")
    if contestant.produces is not None:
        found = json.loads(_aside(contestant, "count_rows.py"))
        if found != contestant.produces:
            raise RuntimeError(f"{contestant.name} left {found} in the table instead of {contestant.produces}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Sample(seconds, usage.ru_maxrss * unit, _reported(text))


def _aside(contestant: Contestant, program: str) -> str:
    """Run a program of `contestants/` where the contestant works; what it printed."""
    return subprocess.run(
        [sys.executable, Path(__file__).parent / "contestants" / program],
        cwd=contestant.folder,
        env={**os.environ, **contestant.environment},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def _reported(text: str) -> dict[str, Any]:
    last = text.strip().rpartition("\n")[2]
    return json.loads(last) if last.startswith("{") else {}


def paired(contestants: Sequence[Contestant], rounds: int, *, warm_up: bool = False) -> dict[str, list[Sample]]:
    """Run the contestants in turn (A B A B …), `rounds` times each, so that a slow minute hits all of them alike.

    Args:
        warm_up: Run each once more beforehand, uncounted: for short programs, whose first run reads files from disk.
    """
    samples: dict[str, list[Sample]] = {contestant.name: [] for contestant in contestants}
    for turn in range(-warm_up, rounds):
        for contestant in contestants:
            sample = run(contestant)
            print(f"  {contestant.name}: {sample.seconds:.2f} s, {sample.peak_bytes / 2**20:.0f} MiB", file=sys.stderr)
            if turn >= 0:
                samples[contestant.name].append(sample)
    return samples


def median_seconds(samples: Sequence[Sample]) -> float:
    """The median wall time, seconds."""
    return statistics.median(sample.seconds for sample in samples)


def median_peak(samples: Sequence[Sample]) -> float:
    """The median peak memory, bytes."""
    return statistics.median(sample.peak_bytes for sample in samples)
