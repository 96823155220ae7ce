"""Disks that are full, read-only, or tear files."""

from __future__ import annotations

import os
from pathlib import Path

from faults.subject import Subject
from faults.verdict import Slices, Verdict

__all__ = ["disk_full", "read_only", "torn_staging_file"]

_DAYS = list(range(4))


def disk_full(subject: Subject) -> Verdict:
    """No file may grow beyond what it is and a little room, which is less than the new rows need, or just enough."""
    slices, told, rows = Slices(), 0, 200_000
    subject.prepared("full", 1, _DAYS)
    rooms = [0, 4_096, 100_000, 300_000, 600_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 30_000_000]
    for mark, room in enumerate(rooms, 10):
        before = subject.read("full")["rows"]
        size = max(path.stat().st_size for path in _files(subject.folder / "full"))
        how = {"mark": mark, "days": _DAYS, "rows": rows}
        answer = subject.order("write", "full", file_size=size + room, **{"with": how})
        told += "error" in answer or bool(answer.get("result", {}).get("failed"))
        slices.add(subject.read("full"), before, mark, rows)
    return Verdict(slices.survived and told > 0, f"{len(rooms)} limits, {told} met and told: partitions {slices.words}")


def read_only(subject: Subject) -> Verdict:
    """The file and its folder may only be read."""
    if os.getuid() != 0:
        return Verdict(None, "needs root, to become somebody who may not write")
    before = subject.prepared("locked", 1, _DAYS)
    root = subject.folder / "locked"
    for path in [root, *root.rglob("*")]:
        if ".gapless" not in path.parts or not subject.is_ours:
            path.chmod(0o555 if path.is_dir() else 0o444)
    _let_through(subject.folder)
    for path in [root / ".gapless", *(root / ".gapless").rglob("*")]:
        if path.exists():
            path.chmod(0o777)  # the ledger may be written: only the data may not
    answer = subject.order("write", "locked", as_nobody=True, **{"with": {"mark": 2, "days": _DAYS}})
    for path in [root, *root.rglob("*")]:
        path.chmod(0o777)
    slices = Slices()
    slices.add(subject.read("locked"), before, 2)
    failed = answer.get("result", {}).get("failed", {})
    told = "error" in answer or len(failed) == len(_DAYS)
    return Verdict(slices.survived and told, f"{'told' if told else '**not told**'}: partitions {slices.words}")


def torn_staging_file(subject: Subject) -> Verdict:
    """What was staged in a file is cut short before its commit."""
    if not subject.is_ours:
        return Verdict(None, "stages nothing")
    before = subject.prepared("torn", 1, [0])
    answer = subject.order("write_torn", "torn", **{"with": {"mark": 2, "day": 0}})
    if "result" not in answer:
        return Verdict(False, f"**{answer.get('error')}**")
    slices = Slices()
    slices.add(subject.read("torn"), before, 2)
    refused = bool(answer["result"]["failed"])
    return Verdict(slices.survived and refused, f"{'refused' if refused else '**taken**'}: partitions {slices.words}")


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and ".gapless" not in path.parts]


def _let_through(folder: Path) -> None:
    """Somebody else must be able to reach it."""
    for path in [folder, *folder.parents]:
        if path.stat().st_uid == os.getuid() and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o055)
