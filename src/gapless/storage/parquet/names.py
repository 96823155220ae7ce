"""How assets and partitions are named as files and folders: reversibly, and whatever characters they have.

Letters, digits, ``-``, ``_`` and ``.`` stay as they are; every other byte of UTF-8 becomes ``%XX``, which polars and
DuckDB turn back when they read ``name=value`` folders. So a key never climbs out of its folder, nor opens one.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Collection, Sequence
from urllib.parse import quote, unquote

from gapless.asset_key import AssetKey
from gapless.storage.slices import PartitionSlice

__all__ = ["RESERVED", "asset_folder", "encoded", "file_name", "folder_columns", "joined", "slice_folder"]

RESERVED = "_gapless"  # ours: commit logs, and what is known of the store as a whole
_LONGEST = 200  # bytes of an encoded name; file systems allow 255
_SINGLE = "partition"  # what the folders of an asset of one dimension are called


def encoded(text: str) -> str:
    """`text` as one component of a path, or a part of one.

    One that would be too long ends with ``~`` and a hash; no other holds a ``~``.
    """
    plain = quote(text, safe="", errors="surrogatepass").replace("~", "%7E")
    if not plain.strip("."):
        return plain.replace(".", "%2E")  # not the folder above
    if len(plain) <= _LONGEST:
        return plain
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    whole = unquote(plain[: _LONGEST - 65], errors="ignore").rstrip("%")  # no character is cut in two
    return f"{quote(whole, safe='').replace('~', '%7E')}~{digest}"


def asset_folder(asset: AssetKey) -> str:
    """Where an asset lies below the base: a folder for each part of its key."""
    return "/".join(_component(part) for part in asset.parts)


def joined(asset: AssetKey) -> str:
    """An asset's whole key as one name."""
    return encoded(str(asset))


def _component(part: str) -> str:
    name = encoded(part)
    return f"%5F{name[1:]}" if name == RESERVED else name


def folder_columns(part: PartitionSlice, columns: Collection[str]) -> tuple[str, ...]:
    """What the ``name=value`` folders of an asset are called: ``partition``, or its dimensions.

    Readers take the name for a column's, so it is never that of a column of the files.
    """
    if part.key is None:
        return ()
    taken = {column.casefold() for column in columns}
    names = []
    for name in part.sides or (_SINGLE,):
        while name.casefold() in taken:
            name = f"{_SINGLE}_{name}"
        names.append(name)
        taken.add(name.casefold())
    return tuple(names)


def slice_folder(part: PartitionSlice, names: Sequence[str]) -> str:
    """The folder of a partition below its asset's, ending with a slash; empty for the whole of a table."""
    if part.key is None:
        return ""
    if len(part.sides or (part,)) != len(names):  # the definition had other dimensions when they were named
        return f"{_SINGLE}={encoded(part.key)}/"
    values = [side.key or "" for side in part.sides.values()] or [part.key]
    return "".join(f"{encoded(name)}={encoded(value)}/" for name, value in zip(names, values, strict=True))


def file_name() -> str:
    """A name that no other file has."""
    return f"{uuid.uuid4().hex}.parquet"
