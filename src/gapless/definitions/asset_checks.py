"""Checks of an asset's rows, looked at before they replace the old ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.parameters import Parameters
from gapless.definitions.source_location import SourceLocation

__all__ = ["AssetCheckResult", "AssetCheckSeverity", "AssetCheckSpec", "AssetChecksDefinition"]


class AssetCheckSeverity(Enum):
    """How bad it is that a check does not pass."""

    WARN = "WARN"  # told, but never in the way, even of a blocking check
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class AssetCheckSpec:
    """That there is a check.

    Attributes:
        name: Unique among the asset's checks.
        asset: The asset that it is about.
        blocking: Whether rows that do not pass are kept from replacing the old ones.
    """

    name: str
    asset: AssetKey
    description: str | None = None
    blocking: bool = False
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AssetCheckResult:
    """What a check found.

    Attributes:
        passed: Whether the rows are as they should be.
        metadata: The evidence; recorded with the partition.
        severity: Of a check that did not pass.
        description: In words.
        check_name: Only where a function returns the results of several checks.
    """

    passed: bool
    asset_key: AssetKey | None = None
    check_name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    description: str | None = None


@dataclass(frozen=True, eq=False)
class AssetChecksDefinition:
    """A function that looks at one slice of an asset before it is committed.

    Attributes:
        fn: Takes the staged rows in the parameter that `asset_parameter` names, if any, and a context, resources.
        parameters: What each parameter of `fn` stands for.
    """

    spec: AssetCheckSpec
    fn: Callable[..., Any]
    parameters: Parameters
    asset_parameter: str | None = None
    location: SourceLocation | None = None
