"""Many processes at one store."""

from __future__ import annotations

from faults.subject import Subject
from faults.verdict import Verdict

__all__ = ["eight_processes", "the_same_partition_twice"]


def eight_processes(subject: Subject, processes: int = 8, each: int = 100) -> Verdict:
    """Each makes partitions of its own, a run for each partition, while a reader looks all the time."""
    reader = subject.start_order("reader", "crowd", **{"with": {"days": [], "rows": 7, "stop_file": "stop"}})
    writers = [
        subject.start_order(
            "write" if subject.is_ours else "write_one_by_one",
            "crowd",
            **{"with": {"mark": number + 1, "days": list(range(number * each, (number + 1) * each))}},
        )
        for number in range(processes)
    ]
    answers = [writer.answer() for writer in writers]
    (subject.folder / "crowd" / "stop").touch()
    looked = reader.answer().get("result", {"looks": 0, "torn": [], "failed": ["the reader died"], "longest_s": 0})
    read = subject.read("crowd")
    broken = [answer["error"] for answer in answers if "error" in answer]
    failures = sum(len(answer["result"]["failed"]) for answer in answers if "result" in answer)
    doubled = [key for key, marks in read["rows"].items() if sum(marks.values()) > 7]
    lost = processes * each - len(read["rows"])
    survived = not (broken or failures or doubled or lost or looked["torn"] or looked["failed"] or read["disagree"])
    words = f"{failures + len(broken)} failures, {lost} lost, {len(doubled)} doubled; "
    words += f"{looked['looks']} looks: {len(looked['torn'])} torn, {len(looked['failed'])} failed"
    return Verdict(survived, words)


def the_same_partition_twice(subject: Subject, trials: int = 10) -> Verdict:
    """Two processes make the same partitions at the same time."""
    days, doubled, lost, failed, disagree = [0, 1, 2], 0, 0, 0, 0
    for trial in range(trials):
        folder = f"twice-{trial}"
        two = [subject.start_order("write", folder, **{"with": {"mark": mark, "days": days}}) for mark in (1, 2)]
        answers = [one.answer() for one in two]
        failed += sum("error" in answer or bool(answer["result"]["failed"]) for answer in answers)
        read = subject.read(folder)
        doubled += sum(sum(marks.values()) > 7 for marks in read["rows"].values())
        lost += len(days) - len(read["rows"])
        disagree += len(read["disagree"])
    survived = not (doubled or lost or failed or disagree)
    return Verdict(survived, f"{trials} times: {doubled} doubled, {lost} lost, {failed} processes failed")
