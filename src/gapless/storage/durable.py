"""Files and folders that are there after a power cut."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["sync", "sync_tree", "write_durably"]


def sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """Bring a folder with all that is in it to the disk."""
    for path in folder.rglob("*"):
        sync(path)
    sync(folder)


def write_durably(path: Path, text: str) -> None:
    """Replace a small file: old or new after a crash, never half."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    sync(beside)
    beside.replace(path)
    sync(path.parent)
