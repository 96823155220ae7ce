"""What the settings of a store of Parquet files say: a place, a length of time."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.storage.errors import TableNameError
from gapless.storage.settings import Setting, value_of

if TYPE_CHECKING:
    from gapless.storage.parquet.files import Files

__all__ = ["files_at", "kept_us", "options_of", "small_bytes", "text"]

_UNITS = {"min": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_WRITTEN = re.compile(r"\s*(\d+)\s*([a-z]+)\s*")


def text(setting: str | os.PathLike[str] | Setting, what: str) -> str:
    """A path or URL as text; of a `UPath`, with its protocol.

    Raises:
        TableNameError: It has no value, or is none.
    """
    value = value_of(setting, what)
    if not value or not (isinstance(value, (str, os.PathLike)) or hasattr(value, "protocol")):
        raise TableNameError(f"the {what} is {value!r}", f'Give a folder or a URL, for example {what}="data/parquet"')
    return str(value)


def options_of(base_dir: Any, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The options of the storage, with what they stand for: those of a `UPath` base, and those that are given."""
    own = getattr(base_dir, "storage_options", None) or {}
    return {name: _inner(value, name) for name, value in {**own, **(options or {})}.items()}


def _inner(value: Any, name: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _inner(inner, f"{name}[{key!r}]") for key, inner in value.items()}
    return value_of(value, f"storage option {name}")


def files_at(place: str, options: Mapping[str, Any], folder: Path) -> Files:
    """Where the files of a store lie.

    Args:
        place: A path, relative to `folder`, or a URL.

    Raises:
        StorageError: It is no place for files, or a package is missing.
    """
    if "://" in place and not place.startswith("file://"):
        from gapless.storage.parquet.object_storage import ObjectFiles

        return ObjectFiles(place, options)
    from gapless.storage.parquet.files import LocalFiles

    return LocalFiles((folder / Path(place.removeprefix("file://")).expanduser()).absolute())


def kept_us(setting: str | timedelta | int | Setting) -> int:
    """How long superseded versions are kept, microseconds.

    Raises:
        TableNameError: It is no length of time.
    """
    value = value_of(setting, "keep_versions")
    found = _WRITTEN.fullmatch(value) if isinstance(value, str) else None
    span = None
    if isinstance(value, timedelta):
        span = value
    elif value in (0, "0"):
        span = timedelta()
    elif found and found[2] in _UNITS and int(found[1]) < 10**6:
        span = int(found[1]) * _UNITS[found[2]]
    if span is None or span < timedelta():
        raise TableNameError(
            f"keep_versions is {value!r}, which is no length of time",
            'Write a number and min, h, d or w: keep_versions="7d"; or 0 to keep none',
        )
    return span // timedelta(microseconds=1)


def small_bytes(pack_below: int) -> int:
    """Below how many bytes a file is small.

    Raises:
        TableNameError: It is no number of bytes.
    """
    if isinstance(pack_below, bool) or not isinstance(pack_below, int) or pack_below < 0:
        raise TableNameError(
            f"pack_below is {pack_below!r}, which is no number of bytes",
            "Give a whole number: pack_below=1_000_000; or 0 to pack nothing",
        )
    return pack_below
