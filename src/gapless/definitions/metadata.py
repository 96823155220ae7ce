"""Facts about assets, slices and checks, for people, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from os import PathLike, fspath
from typing import Any

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.errors import DefinitionError

__all__ = ["MetadataValue", "checked_metadata"]


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A metadata entry together with how to show it.

    Attributes:
        kind: How to show it: ``text``, ``int``, ``float``, ``bool``, ``null``, ``json``, ``md``, ``url``, ``path``,
            ``timestamp`` or ``asset``.
        value: A JSON value.
    """

    kind: str
    value: Any

    @classmethod
    def text(cls, text: str) -> MetadataValue:
        return cls("text", str(text))

    @classmethod
    def int(cls, value: int) -> MetadataValue:
        return cls("int", value)

    @classmethod
    def float(cls, value: float) -> MetadataValue:
        return cls("float", value)

    @classmethod
    def bool(cls, value: bool) -> MetadataValue:
        return cls("bool", value)

    @classmethod
    def null(cls) -> MetadataValue:
        return cls("null", None)

    @classmethod
    def json(cls, data: Any) -> MetadataValue:
        return cls("json", data)

    @classmethod
    def md(cls, text: str) -> MetadataValue:
        """Text in Markdown."""
        return cls("md", text)

    @classmethod
    def url(cls, url: str) -> MetadataValue:
        return cls("url", url)

    @classmethod
    def path(cls, path: str | PathLike[str]) -> MetadataValue:
        return cls("path", fspath(path))

    @classmethod
    def timestamp(cls, instant: datetime) -> MetadataValue:
        return cls("timestamp", instant.isoformat())

    @classmethod
    def asset(cls, key: CoercibleToAssetKey) -> MetadataValue:
        return cls("asset", AssetKey.of(key).to_user_string())

    @classmethod
    def of(cls, value: Any) -> MetadataValue:
        """`value` with the kind that its type suggests.

        Raises:
            TypeError: If it cannot be shown as metadata.
        """
        match value:
            case MetadataValue():
                return value
            case None:
                return cls.null()
            case bool():
                return cls.bool(value)
            case int():
                return cls.int(value)
            case float():
                return cls.float(value)
            case str():
                return cls.text(value)
            case datetime():
                return cls.timestamp(value)
            case date():
                return cls.text(value.isoformat())
            case PathLike():
                return cls.path(value)
            case AssetKey():
                return cls.asset(value)
            case Mapping() | list() | tuple() | set() | frozenset():
                return cls.json(_plain(value))
        raise TypeError(f"{type(value).__name__} is not a metadata type")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_plain(v) for v in value), key=repr)
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return MetadataValue.of(value).value


def checked_metadata(metadata: Mapping[str, Any] | None, owner: str, location: str | None) -> dict[str, Any]:
    """A copy of `metadata`, its values as the user gave them.

    Raises:
        DefinitionError: If it is not a mapping of strings to values that can be shown.
    """
    if metadata is None:
        return {}
    if not isinstance(metadata, Mapping):
        raise DefinitionError(
            f"{owner} has metadata of type {type(metadata).__name__}",
            'Metadata is a dict such as {"partition_expr": "date"}.',
            location,
        )
    for name, value in metadata.items():
        if not isinstance(name, str):
            raise DefinitionError(f"{owner} has the metadata name {name!r}, which is not a string", "", location)
        try:
            MetadataValue.of(value)
        except TypeError as unknown:
            raise DefinitionError(
                f"{owner} has metadata {name!r} that cannot be recorded: {unknown}",
                "Metadata may be text, numbers, bool, None, dates, paths, asset keys, MetadataValue,"
                " and lists and dicts of these.",
                location,
            ) from None
    return dict(metadata)
