"""Where the value of a partition lies below the base folder.

``plays/partition=2024-01-05.pickle``, with several dimensions ``plays/date=2024-01-05/region=eu.pickle``, and
unpartitioned ``plays.pickle``. Folders of assets have neither ``=`` nor ``.`` in their names, so that no file of one
asset is ever that of another, or lies where another needs a folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from unicodedata import normalize

from gapless.asset_key import AssetKey
from gapless.partitions import MultiPartitionKey

__all__ = ["asset_folder", "dagster_parts", "value_parts"]

_LONGEST = 200  # bytes of a name; file systems take 255, and a suffix comes behind
_ONE_DIMENSION = "partition"
_KEPT = frozenset(" '()+,-.:@_~")


def asset_folder(asset: AssetKey) -> tuple[str, ...]:
    """The folder of an asset: a name for each part of its key; several for a part that is too long for one."""
    return tuple(piece for part in asset.parts for piece in _pieces(_escaped(part, _KEPT - {"."})))


def value_parts(asset: AssetKey, partition: str | None) -> tuple[str, ...]:
    """The folders of a value's file, and last the file's name without its suffix; reversible."""
    if partition is None:
        return asset_folder(asset)
    by_dimension: Mapping[str, str] = (
        partition.keys_by_dimension if isinstance(partition, MultiPartitionKey) else {_ONE_DIMENSION: partition}
    )
    names = (f"{_escaped(name, _KEPT)}={_escaped(key, _KEPT)}" for name, key in by_dimension.items())
    return (*asset_folder(asset), *(piece for name in names for piece in _pieces(name)))


def dagster_parts(asset: AssetKey, partition: str | None) -> tuple[str, ...]:
    """Where Dagster's filesystem IO manager keeps the same value; empty if that could leave the base folder."""
    text = "" if partition is None else partition
    if isinstance(partition, MultiPartitionKey):
        text = "/".join(partition.keys_by_dimension.values())
    text = f"%2F{text[1:]}" if text.startswith("/") else text
    below = ("%2E%2E" if part == ".." else part for part in text.split("/") if part not in ("", "."))
    parts = (*asset.parts, *below)
    return () if any(part in (".", "..") or "\0" in part for part in parts) else parts


def _escaped(text: str, kept: frozenset[str]) -> str:
    """`text` in letters, digits and `kept`; the bytes of all else as ``%2F``, so that any text is a name."""
    # A letter that file systems may take for another spelling of the same is escaped too.
    return "".join(
        char
        if char in kept or (char.isalnum() and normalize("NFC", char) == char)
        else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogatepass"))
        for char in text
    )


def _pieces(name: str) -> list[str]:
    """`name`, cut so that no piece is too long; one that goes on in the next ends in ``%``, as no escape does."""
    pieces = []
    while len(name.encode()) > _LONGEST:
        length = len(name.encode()[:_LONGEST].decode(errors="ignore"))
        if "%" in name[length - 2 : length]:  # an escape stays whole
            length = name.rindex("%", 0, length)
        pieces.append(f"{name[:length]}%")
        name = name[length:]
    return [*pieces, name.replace(".", "%2E") if pieces else name]  # a rest must not be ".."
