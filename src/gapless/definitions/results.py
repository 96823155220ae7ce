"""What an asset's function may return besides the bare value, and the metadata it may carry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from os import PathLike, fspath
from typing import Any, Generic, TypeVar

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_constructor
from gapless.errors import DefinitionError

__all__ = ["MaterializeResult", "MetadataValue", "NoValue", "Output", "checked_metadata"]

T = TypeVar("T")


class NoValue:
    """Stands for "no value was given", where None is a value."""


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


@checked_constructor
@dataclass(frozen=True, slots=True)
class Output(Generic[T]):
    """A value to store, with metadata about it.

    Attributes:
        value: As if it had been returned bare.
        metadata: Recorded with the materialization.
        data_version: What tells this data from other data; None to let Gapless choose.
    """

    value: T
    metadata: Mapping[str, Any] = field(default_factory=dict)
    data_version: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", checked_metadata(self.metadata, "an Output", here()))


@checked_constructor
@dataclass(frozen=True, slots=True)
class MaterializeResult(Generic[T]):
    """The asset is made: the function stored its data itself, or passes it on as `value`.

    Attributes:
        metadata: Recorded with the materialization.
        asset_key: Only to be explicit; must be the asset's own key.
        value: What the IO manager stores; left out, nothing is stored.
    """

    asset_key: CoercibleToAssetKey | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    data_version: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    value: T | type[NoValue] = NoValue

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", checked_metadata(self.metadata, "a MaterializeResult", here()))
        if self.asset_key is not None:
            object.__setattr__(self, "asset_key", AssetKey.of(self.asset_key))

    @property
    def has_value(self) -> bool:
        """Whether there is something to store; None counts."""
        return self.value is not NoValue
