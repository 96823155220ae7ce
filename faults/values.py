"""Values that are wrong, wide or large, and clocks that go backwards."""

from __future__ import annotations

from faults.subject import Subject
from faults.verdict import Slices, Verdict

__all__ = ["clock_backwards", "garbage", "large", "wide"]

_GARBAGE = (
    "None", "text", "a number", "a dict", "no columns", "names that differ in case", "Python objects",
    "another partition's rows", "no partition column", "null partition column", "a column less", "another type",
    "an exception",
)  # fmt: skip


def garbage(subject: Subject) -> Verdict:
    """A function returns what is no slice of the table."""
    taken, slices = [], Slices()
    for number, kind in enumerate(_GARBAGE):
        folder = f"garbage-{number}"
        before = subject.prepared(folder, 1, [0, 1])
        answer = subject.order("write_garbage", folder, **{"with": {"kind": kind, "day": 0}})
        read = subject.read(folder)
        slices.add(read, before, 99)
        if "error" not in answer and not answer["result"]["failed"]:
            taken.append(kind)
    words = f"{len(_GARBAGE) - len(taken)} of {len(_GARBAGE)} kinds refused"
    words += f" (**taken: {', '.join(taken)}**)" if taken else ""
    return Verdict(slices.survived and not taken, f"{words}: partitions {slices.words}")


def wide(subject: Subject, columns: int = 10_000) -> Verdict:
    """A frame of ten thousand columns, replaced once."""
    slices = Slices()
    for mark in (1, 2):
        answer = subject.order("write_wide", "wide", **{"with": {"mark": mark, "day": 0, "columns": columns}})
        if "result" not in answer or answer["result"]["failed"]:
            why = answer.get("error") or next(iter(answer["result"]["failed"].values()))
            return Verdict(False, f"**failed: {why[:80]}**")
    slices.add(subject.read("wide"), {}, 2, rows=3)
    return Verdict(slices.fates["new"] == 1 and slices.survived, f"partitions {slices.words}")


def large(subject: Subject, rows: int = 50_000_000) -> Verdict:
    """One slice that is made batch by batch."""
    answer = subject.order("write_streamed", "large", **{"with": {"mark": 1, "day": 0, "rows": rows}})
    peak = answer["peak_bytes"] / 1e9
    if "result" not in answer or answer["result"]["failed"]:
        why = answer.get("error") or next(iter(answer.get("result", {}).get("failed", {}).values()), "died")
        return Verdict(False, f"**failed: {why[:80]}**, peak {peak:.2f} GB")
    read = subject.read("large")["rows"]
    whole = read.get("2024-01-01") == {"1": rows}
    return Verdict(whole and peak <= 1.0, f"{'whole' if whole else '**not whole**'}, peak {peak:.2f} GB")


def clock_backwards(subject: Subject) -> Verdict:
    """The machine's clock jumps back a day and a year between commits; then the process is killed in one."""
    if not subject.is_ours:
        return Verdict(None, "keeps no record of when")
    slices, days, before = Slices(), [0, 1, 2], {}
    for mark, shift in enumerate((0, -1, -366, -365), 1):
        subject.order("write_with_clock", "clock", **{"with": {"mark": mark, "days": days, "shift_days": shift}})
        read = subject.read("clock")
        if any(marks != {str(mark): 7} for marks in read["rows"].values()):
            return Verdict(False, "**the newest commit is not what is there**")
        before = read["rows"]
        slices.disagree += read["disagree"]
    for number, after in enumerate((0.0, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2)):
        subject.order(
            "write_with_clock",
            "clock",
            die_after=after,
            **{"with": {"mark": 9 + number, "days": days, "shift_days": -400}},
        )
        read = subject.read("clock")
        slices.add(read, before, 9 + number)
        before = read["rows"]
    return Verdict(slices.survived, f"partitions {slices.words}")
