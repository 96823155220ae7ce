"""Checks of an asset's rows, looked at before they replace the old ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.decorated import require_function
from gapless.definitions.dependency import Keyed, coerce_asset_key
from gapless.definitions.metadata import checked_metadata
from gapless.definitions.names import checked_name
from gapless.definitions.parameters import Annotations, Parameters, parameters_of
from gapless.definitions.source_location import SourceLocation, calling_frame, here, location_of_function
from gapless.definitions.unknown_arguments import checked_arguments, checked_constructor
from gapless.errors import DefinitionError, InvocationError
from gapless.partitions import PartitionsDefinition

__all__ = ["AssetCheckResult", "AssetCheckSeverity", "AssetCheckSpec", "AssetChecksDefinition", "asset_check"]


class AssetCheckSeverity(Enum):
    """How bad it is that a check does not pass."""

    WARN = "WARN"  # told, but never in the way, even of a blocking check
    ERROR = "ERROR"


@checked_constructor
@dataclass(frozen=True, slots=True, init=False)
class AssetCheckSpec:
    """That there is a check.

    Attributes:
        name: Unique among the asset's checks.
        asset: The asset that it is about; given as a key, a string or the asset itself.
        blocking: Whether rows that do not pass are kept from replacing the old ones.
        partitions_def: Only to be explicit; must be the asset's own.
    """

    name: str
    asset: AssetKey
    description: str | None
    blocking: bool
    metadata: Mapping[str, Any]
    partitions_def: PartitionsDefinition | None

    def __init__(
        self,
        name: str,
        *,
        asset: CoercibleToAssetKey | Keyed,
        description: str | None = None,
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        partitions_def: PartitionsDefinition | None = None,
    ) -> None:
        where, owner = here(), f"check {name!r}"
        if not isinstance(blocking, bool):
            raise DefinitionError(f"{owner} has blocking={blocking!r}; expected True or False", "", where)
        object.__setattr__(self, "name", checked_name(name, "check", where))
        object.__setattr__(self, "asset", coerce_asset_key(asset))
        object.__setattr__(self, "description", description)
        object.__setattr__(self, "blocking", blocking)
        object.__setattr__(self, "metadata", checked_metadata(metadata, owner, where))
        object.__setattr__(self, "partitions_def", partitions_def)

    @property
    def asset_key(self) -> AssetKey:
        """Dagster's name for `asset`."""
        return self.asset


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class AssetCheckResult:
    """What a check found.

    Attributes:
        passed: Whether the rows are as they should be.
        asset_key: Only to be explicit; must be the asset that is checked.
        check_name: Only where a function returns the results of several checks.
        metadata: The evidence; recorded with the partition.
        severity: Of a check that did not pass.
        description: In words.
    """

    passed: bool
    asset_key: CoercibleToAssetKey | None = None
    check_name: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    description: str | None = None

    def __post_init__(self) -> None:
        where, passed = here(), self.passed
        if type(passed).__module__ == "numpy" and hasattr(passed, "item"):
            passed = passed.item()  # comparing columns gives numpy's own bool
        if not isinstance(passed, bool):
            raise DefinitionError(
                f"an AssetCheckResult has passed={self.passed!r}; expected True or False",
                "Write for example passed=bool(rows > 0).",
                where,
            )
        if not isinstance(self.severity, AssetCheckSeverity):
            raise DefinitionError(
                f"an AssetCheckResult has severity={self.severity!r}",
                "Write AssetCheckSeverity.WARN or AssetCheckSeverity.ERROR.",
                where,
            )
        object.__setattr__(self, "passed", passed)
        object.__setattr__(self, "metadata", checked_metadata(self.metadata, "an AssetCheckResult", where))
        if self.asset_key is not None:
            object.__setattr__(self, "asset_key", coerce_asset_key(self.asset_key))


@dataclass(frozen=True, eq=False)
class AssetChecksDefinition:
    """A function that looks at one slice of an asset before it is committed.

    Attributes:
        fn: Takes the staged rows in the parameter that `asset_parameter` names, if any, and a context, resources.
        parameters: What each parameter of `fn` stands for.
        required_resource_keys: Resources that `fn` takes from its context; those it takes as parameters not included.
        location: Where it is declared.
    """

    spec: AssetCheckSpec
    fn: Callable[..., Any]
    parameters: Parameters
    asset_parameter: str | None = None
    required_resource_keys: frozenset[str] = frozenset()
    location: SourceLocation | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def asset_key(self) -> AssetKey:
        """The asset that it is about."""
        return self.spec.asset

    @property
    def where(self) -> str | None:
        """`location` as errors carry it."""
        return None if self.location is None else str(self.location)

    @property
    def resource_keys(self) -> frozenset[str]:
        """All resources that `fn` uses."""
        return self.required_resource_keys | frozenset(self.parameters.resources)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as in a test: nothing is recorded.

        Raises:
            InvocationError: If it takes a context and gets none.
        """
        given = inspect.signature(self.fn).bind_partial(*args, **kwargs)
        context = given.arguments.get(self.parameters.context or "")
        if self.parameters.context and context is None:
            raise InvocationError(
                f"check {self.name!r} of asset {str(self.asset_key)!r} was called without its context",
                "Write AssetCheckExecutionContext(build_asset_context(asset=…, partition_key=…))",
            )
        for parameter in self.parameters.resources:
            if parameter not in given.arguments and context is not None:
                given.arguments[parameter] = getattr(context.resources, parameter)
        if self.parameters.config and self.parameters.config[0] not in given.arguments:
            given.arguments[self.parameters.config[0]] = self.parameters.config[1]()
        return self.fn(*given.args, **given.kwargs)

    def __repr__(self) -> str:
        return f"<check {self.name!r} of asset {str(self.asset_key)!r}>"


@checked_arguments
def asset_check(
    asset: CoercibleToAssetKey | Keyed,
    *,
    name: str | None = None,
    description: str | None = None,
    blocking: bool = False,
    required_resource_keys: AbstractSet[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    partitions_def: PartitionsDefinition | None = None,
) -> Callable[[Callable[..., Any]], AssetChecksDefinition]:
    """Declare that a function checks an asset: each partition, after it is made and before it replaces the old rows.

    Each parameter of the function is the context (called ``context``, or annotated `AssetCheckExecutionContext`), a
    config (annotated with a `Config` class, whose defaults it gets), a resource, or else the rows that are about to be
    stored, in the type of its annotation. It returns an `AssetCheckResult`, or a bool.

    Args:
        asset: The asset that is checked.
        name: By default the function's name.
        description: By default the function's docstring.
        blocking: Whether rows that do not pass are kept from replacing the old ones.
        required_resource_keys: Resources that the function takes from ``context.resources``.
        partitions_def: Only to be explicit; must be the asset's own.

    Raises:
        DefinitionError: If it does not hold together; names file and line.
    """
    if inspect.isfunction(asset):
        raise DefinitionError(
            f"@asset_check above {asset.__name__}() does not say which asset it checks",
            "Write @asset_check(asset=plays).",
            str(location_of_function(asset)),
        )
    key = coerce_asset_key(asset)
    frame = calling_frame()
    local_names = {} if frame is None or frame.f_locals is frame.f_globals else dict(frame.f_locals)

    def declare(fn: Callable[..., Any]) -> AssetChecksDefinition:
        location = location_of_function(fn)
        where = here() if location is None else str(location)
        fix = "Write a plain function that returns an AssetCheckResult."
        require_function(fn, "asset_check(asset=…)", "a check", where, False, fix)
        spec_name = checked_name(fn.__name__ if name is None else name, "check", where)
        owner = f"check {spec_name!r} of asset {str(key)!r}"
        keys = required_resource_keys or ()
        if isinstance(keys, str) or not all(isinstance(each, str) for each in keys):
            raise DefinitionError(
                f"required_resource_keys of {owner} are {keys!r}; expected a collection of strings", "", where
            )
        parameters = parameters_of(fn, Annotations.of(fn, local_names), frozenset(keys), owner, where)
        spec = AssetCheckSpec(
            spec_name,
            asset=key,
            description=description if description is not None else inspect.getdoc(fn),
            blocking=blocking,
            metadata=checked_metadata(metadata, owner, where),
            partitions_def=partitions_def,
        )
        _require_defaults(parameters, owner, where)
        resources = frozenset(keys) - frozenset(parameters.resources)
        rows = _asset_parameter(parameters, key, owner, where)
        return AssetChecksDefinition(spec, fn, parameters, rows, resources, location)

    return declare


def _asset_parameter(parameters: Parameters, asset: AssetKey, owner: str, where: str | None) -> str | None:
    """The one parameter that can only be the rows, whatever its name."""
    others = [name for name in parameters.inputs if name != asset.name]
    if len(parameters.inputs) > 1:
        lost = others[-1]
        raise DefinitionError(
            f"{owner} has the parameter {lost!r}, which is neither the rows of {str(asset)!r}, the context, a config"
            " nor a resource",
            f"A check sees one asset. If {lost!r} is a resource, annotate it: {lost}: ResourceParam[…].",
            where,
        )
    return parameters.inputs[0] if parameters.inputs else None


def _require_defaults(parameters: Parameters, owner: str, where: str | None) -> None:
    if parameters.config is None:
        return
    name, config_type = parameters.config
    try:
        config_type()
    except (TypeError, ValueError):  # pydantic's ValidationError is a ValueError
        raise DefinitionError(
            f"{owner} takes the config {name!r}, whose class {config_type.__name__} has fields without a default",
            "A check always gets the defaults: give each field one.",
            where,
        ) from None
