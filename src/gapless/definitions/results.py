"""What an asset's function may return besides the bare value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.asset_checks import AssetCheckResult
from gapless.definitions.metadata import checked_metadata
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_constructor
from gapless.errors import DefinitionError

__all__ = ["MaterializeResult", "NoValue", "Output"]

T = TypeVar("T")


class NoValue:
    """Stands for "no value was given", where None is a value."""


@checked_constructor
@dataclass(frozen=True, slots=True)
class Output(Generic[T]):
    """A value to store, with metadata about it.

    Attributes:
        value: As if it had been returned bare.
        metadata: Recorded with the materialization.
        data_version: What tells this data from other data; None to let Gapless choose.
        check_results: What the function itself found about the checks that its `check_specs` declare.
    """

    value: T
    metadata: Mapping[str, Any] = field(default_factory=dict)
    data_version: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    check_results: Sequence[AssetCheckResult] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", checked_metadata(self.metadata, "an Output", here()))
        object.__setattr__(self, "check_results", _checked_results(self.check_results, "an Output"))


@checked_constructor
@dataclass(frozen=True, slots=True)
class MaterializeResult(Generic[T]):
    """The asset is made: the function stored its data itself, or passes it on as `value`.

    Attributes:
        metadata: Recorded with the materialization.
        asset_key: Only to be explicit; must be the asset's own key.
        check_results: What the function itself found about the checks that its `check_specs` declare.
        value: What the IO manager stores; left out, nothing is stored.
    """

    asset_key: CoercibleToAssetKey | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    check_results: Sequence[AssetCheckResult] = ()
    data_version: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    value: T | type[NoValue] = NoValue

    def __post_init__(self) -> None:
        object.__setattr__(self, "metadata", checked_metadata(self.metadata, "a MaterializeResult", here()))
        object.__setattr__(self, "check_results", _checked_results(self.check_results, "a MaterializeResult"))
        if self.asset_key is not None:
            object.__setattr__(self, "asset_key", AssetKey.of(self.asset_key))

    @property
    def has_value(self) -> bool:
        """Whether there is something to store; None counts."""
        return self.value is not NoValue


def _checked_results(results: Any, owner: str) -> tuple[AssetCheckResult, ...]:
    is_list = isinstance(results, Iterable) and not isinstance(results, (str, Mapping))
    given = tuple(results or ()) if is_list or results is None else ()
    if not (is_list or results is None) or not all(isinstance(each, AssetCheckResult) for each in given):
        raise DefinitionError(
            f"{owner} has check_results={results!r}; expected a list of AssetCheckResult",
            'Write check_results=[AssetCheckResult(passed=True, check_name="…")].',
            here(),
        )
    return given
