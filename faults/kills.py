"""``kill -9``: at every step of a commit, and with a full queue."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from faults.subject import Subject
from faults.verdict import ROWS, Slices, Verdict

__all__ = ["killed_at_every_step", "killed_with_a_full_queue"]

_DAYS = 8
_FRESH_EVERY = 100  # trials in one folder, so that what one leaves behind meets the next


def killed_at_every_step(subject: Subject, kills: int, seed: int = 7) -> Verdict:
    """Half of the kills come at a step, counted in Python calls; half at a moment, most of which DuckDB spends inside.

    Args:
        kills: How many must have happened; who has finished before its time is not counted.
    """
    chance = random.Random(seed)
    slices, mark, folder, before, steps, seconds = Slices(), 0, "", dict[str, Any](), 1, 0.05
    every = list(range(_DAYS))
    killed = tried = 0
    while killed < kills:
        if tried % _FRESH_EVERY == 0:
            folder = f"kill-{tried}"
            for _ in range(2):
                mark += 1
                counted = subject.order("write", folder, count=True, **{"with": {"mark": mark, "days": every}})
            steps, seconds = counted["steps"], counted["commit_s"]
            mark += 1
            before = subject.prepared(folder, mark, every)
        tried += 1
        mark += 1
        days = sorted(chance.sample(range(_DAYS + 4), chance.randint(1, _DAYS)))  # some are new
        if tried % 2:
            how: dict[str, Any] = {"die_at": chance.randint(1, steps)}
        else:
            how = {"die_after": chance.uniform(0, seconds)}
        answer = subject.order("write", folder, **how, **{"with": {"mark": mark, "days": days}})
        read = subject.read(folder)
        if answer["killed"]:
            killed += 1
            slices.add(read, before, mark)
        before = _repaired(subject, folder, read, before, mark)
    return Verdict(slices.survived, f"{killed:,} killed: partitions {slices.words}")


def _repaired(
    subject: Subject, folder: str, read: Mapping[str, Any], before: Mapping[str, Any], mark: int
) -> dict[str, Any]:
    """What the next trial begins with: what was lost is made again, so that each loss counts once."""
    keys = {*before, *read["rows"]}
    if all(list(read["rows"].get(key, {}).values()) == [ROWS] for key in keys):
        return dict(read["rows"])
    subject.order("write", folder, **{"with": {"mark": mark, "days": list(range(_DAYS + 4))}})
    return dict(subject.read(folder)["rows"])


def killed_with_a_full_queue(subject: Subject, trials: int = 10, seed: int = 3) -> Verdict:
    """64 partitions wait for their commit when the process is killed; a second run makes what is missing."""
    chance = random.Random(seed)
    slices, kills, days = Slices(), 0, list(range(64))
    for trial in range(trials):
        folder = f"queue-{trial}"
        before = subject.prepared(folder, 1, days)
        answer = subject.order(
            "write", folder, die_after=chance.uniform(0, 0.15), **{"with": {"mark": 2, "days": days}}
        )
        kills += answer["killed"]
        slices.add(subject.read(folder), before, 2)
        subject.order("write", folder, **{"with": {"mark": 2, "days": days}})
        after = subject.read(folder)
        slices.disagree += after["disagree"]
        if any(marks != {"2": 7} for marks in after["rows"].values()) or len(after["rows"]) != len(days):
            return Verdict(False, "**a second run did not make the rest**")
    return Verdict(
        slices.survived, f"{kills} of {trials} killed: partitions {slices.words}; a second run made the rest"
    )
