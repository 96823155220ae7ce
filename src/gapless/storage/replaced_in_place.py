"""Have somebody else's code write a file or a folder, and keep what was there until it is done.

While a path is replaced, what it held lies in ``.gapless-replacing`` beside it, under the same name, or an empty file
``<name>.absent`` says that it held nothing. Whoever finds one of them knows that the path itself is not finished.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gapless.storage.durable import sync

__all__ = ["removed", "replaced_in_place", "settled"]

_REPLACING = ".gapless-replacing"
_ABSENT = ".absent"


@contextmanager
def replaced_in_place(path: Path) -> Iterator[None]:
    """While the body writes `path`, its old content is kept; it comes back if the body raises, or the process dies."""
    kept = path.parent / _REPLACING / path.name
    absent = kept.with_name(kept.name + _ABSENT)
    kept.parent.mkdir(exist_ok=True)
    _remove_leftovers(kept)
    if _is_there(kept) or absent.exists():
        _remove(path)  # half of what a process wrote that died
    elif _is_there(path):
        path.rename(kept)
    else:
        absent.touch()
    sync(kept.parent)
    sync(path.parent)
    try:
        yield
        _sync_all(path)
    except BaseException:
        _remove(path)
        if _is_there(kept):
            kept.rename(path)
        absent.unlink(missing_ok=True)
        raise
    # Renaming it away is the moment at which the new content counts: a folder is not deleted at one stroke.
    old = kept.with_name(f"{kept.name}.{secrets.token_hex(6)}.old")
    if _is_there(kept):
        kept.rename(old)
    absent.unlink(missing_ok=True)
    sync(kept.parent)
    _remove(old)


def settled(path: Path) -> Path | None:
    """Where the finished content of `path` lies: mostly there; None if it was never finished."""
    kept = path.parent / _REPLACING / path.name
    if _is_there(kept):
        return kept
    return None if kept.with_name(kept.name + _ABSENT).exists() else path


def removed(path: Path) -> bool:
    """Remove `path`, a file or a folder, finished or not; whether it was there."""
    kept = path.parent / _REPLACING / path.name
    absent = kept.with_name(kept.name + _ABSENT)
    _remove_leftovers(kept)
    was_there = _is_there(kept) or (_is_there(path) and not absent.exists())
    for each in (path, absent, kept):  # what was kept goes last: it comes back if this is interrupted
        _remove(each)
    return was_there


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _remove_leftovers(kept: Path) -> None:
    """What was replaced for good by a process that died before it could delete it."""
    old = re.compile(rf"{re.escape(kept.name)}\.[0-9a-f]{{12}}\.old")
    if kept.parent.is_dir():
        for each in [path for path in kept.parent.iterdir() if old.fullmatch(path.name)]:
            _remove(each)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _sync_all(path: Path) -> None:
    """Have all that was written survive a power failure."""
    if path.is_dir():
        for folder, _, names in os.walk(path):
            for name in names:
                sync(Path(folder, name))
            sync(Path(folder))
    elif path.exists():
        sync(path)
    sync(path.parent)
