"""The `asset` decorator: one function that makes one slice of a table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, get_args, overload

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.asset_arguments import (
    asset_key_of,
    checked_check_specs,
    checked_ins,
    checked_keep,
    checked_naive_timestamps,
    checked_policy,
    checked_strings,
    require_type,
)
from gapless.definitions.asset_checks import AssetCheckSpec
from gapless.definitions.decorated import require_function
from gapless.definitions.dependency import AssetDep, AssetIn
from gapless.definitions.labels import checked_owners, checked_tags
from gapless.definitions.metadata import checked_metadata
from gapless.definitions.names import checked_name
from gapless.definitions.parameters import Annotations, Parameters, parameters_of
from gapless.definitions.policies import BackfillPolicy, RetryPolicy
from gapless.definitions.results import MaterializeResult
from gapless.definitions.source_location import SourceLocation, calling_frame, location_of_function
from gapless.definitions.unknown_arguments import checked_arguments
from gapless.errors import DefinitionError, InvocationError
from gapless.partitions import PartitionsDefinition
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy

__all__ = ["AssetsDefinition", "asset"]

DEFAULT_GROUP = "default"
DEFAULT_IO_MANAGER = "io_manager"


@dataclass(frozen=True, eq=False)
class AssetsDefinition:
    """An asset: a table, or a file set, that a function makes.

    Attributes:
        key: Its name.
        fn: The user's function.
        parameters: What each parameter of `fn` stands for.
        partitions_def: Which slices exist; None if it is made whole.
        io_manager_key: The resource that stores it.
        ins: Parameter to where its value comes from; only what the user said.
        deps: Upstream assets that are not passed as values.
        required_resource_keys: Resources that `fn` takes from its context; those it takes as parameters not included.
        keep: How long after its end a partition is kept; None for ever.
        check_specs: Checks whose results `fn` returns itself.
        location: Where `fn` is defined.
    """

    key: AssetKey
    fn: Callable[..., Any]
    parameters: Parameters
    partitions_def: PartitionsDefinition | None = None
    io_manager_key: str = DEFAULT_IO_MANAGER
    ins: Mapping[str, AssetIn] = field(default_factory=dict)
    deps: tuple[AssetDep, ...] = ()
    required_resource_keys: frozenset[str] = frozenset()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    group_name: str = DEFAULT_GROUP
    description: str | None = None
    backfill_policy: BackfillPolicy | None = None
    retry_policy: RetryPolicy | None = None
    code_version: str | None = None
    kinds: frozenset[str] = frozenset()
    schema_policy: SchemaPolicy = SchemaPolicy.EVOLVE
    boundary_policy: BoundaryPolicy = BoundaryPolicy.REFUSE
    keep: timedelta | None = None
    check_specs: tuple[AssetCheckSpec, ...] = ()
    location: SourceLocation | None = None

    @property
    def name(self) -> str:
        """The key as the command line takes it."""
        return self.key.to_user_string()

    @property
    def where(self) -> str | None:
        """`location` as errors carry it."""
        return None if self.location is None else str(self.location)

    @property
    def partition_expr(self) -> Any:
        """The column or SQL expression that says which partition a row belongs to; None if there is none.

        Of several dimensions, each by its name; one that the metadata does not name is the column of its own name.
        """
        given = self.metadata.get("partition_expr")
        dimensions = () if self.partitions_def is None else tuple(self.partitions_def.dimensions)
        if not dimensions or not (given is None or isinstance(given, Mapping)):
            return given
        return {name: _column(name) for name in dimensions} | dict(given or {})

    @property
    def naive_zone(self) -> str | None:
        """The IANA zone of its timestamps without a zone; None for that of its partitions definition."""
        zone = self.metadata.get("naive_timestamps")
        return zone if isinstance(zone, str) else None

    @property
    def return_annotation(self) -> Any:
        """What `fn` says it returns; text if unresolvable, ``inspect.Parameter.empty`` if it does not say."""
        return self.parameters.annotations.get("return")

    def input_annotation(self, parameter: str) -> Any:
        """The type that `parameter` wants; text if unresolvable, ``inspect.Parameter.empty`` if it does not say."""
        return self.parameters.annotations.get(parameter)

    @property
    def stores_output(self) -> bool:
        """False if `fn` is annotated to store its data itself: ``-> None`` or ``-> MaterializeResult``."""
        returned = self._returned
        return not (returned is None or returned is MaterializeResult)

    @property
    def makes_no_value(self) -> bool:
        """True if `fn` is annotated ``-> None``: there is nothing that could be checked or stored for it."""
        return self._returned is None

    @property
    def _returned(self) -> Any:
        """What `fn` says it returns, of a generator what it yields; its own class where only the name is known."""
        returned = self.return_annotation
        if inspect.isgeneratorfunction(self.fn):
            if isinstance(returned, str):
                returned = returned.partition("[")[2].partition(",")[0].rstrip("] ")
            else:
                returned = next(iter(get_args(returned)), returned)
        if isinstance(returned, str):
            by_name = {"None": None, "MaterializeResult": MaterializeResult}
            return by_name.get(returned.rpartition(".")[2], returned)
        return None if returned is type(None) else returned

    @property
    def resource_keys(self) -> frozenset[str]:
        """All resources that `fn` uses."""
        return self.required_resource_keys | frozenset(self.parameters.resources)

    def upstream_of(self, parameter: str) -> AssetKey:
        """The asset whose value `parameter` receives, as declared."""
        declared = self.ins.get(parameter)
        if declared is None:
            return AssetKey(parameter)
        return declared.key or AssetKey((*declared.key_prefix, parameter))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the function itself, as in a test: nothing is stored or recorded.

        Raises:
            InvocationError: If it takes a context and gets none.
        """
        given = inspect.signature(self.fn).bind_partial(*args, **kwargs)
        context = given.arguments.get(self.parameters.context or "")
        if self.parameters.context and context is None:
            built = "build_asset_context()"
            if self.partitions_def is not None:
                built = "build_asset_context(partition_key=…)"
            needs = "which partition to make" if self.partitions_def is not None else "its context"
            raise InvocationError(
                f"asset {self.name!r} was called without {needs}",
                f"Call {self.fn.__name__}({built}) with gapless.build_asset_context;"
                " to make and store it, use gapless.materialize.",
            )
        bind = getattr(context, "bound", None)
        if bind is not None:  # a context that was built for a test, before it was known for which asset
            bind(self, self.partitions_def)
        for parameter in self.parameters.resources:
            if parameter not in given.arguments and context is not None:
                given.arguments[parameter] = getattr(context.resources, parameter)
        if self.parameters.config and self.parameters.config[0] not in given.arguments:
            parameter, config_type = self.parameters.config
            given.arguments[parameter] = config_type()
        return self.fn(**given.arguments)

    def __repr__(self) -> str:
        return f"<asset {self.name!r}>"


@overload
def asset(compute_fn: Callable[..., Any], /) -> AssetsDefinition: ...
@overload
def asset(
    *,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    key: CoercibleToAssetKey | None = None,
    deps: Iterable[CoercibleToAssetKey | AssetsDefinition | AssetDep] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    group_name: str | None = None,
    description: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    io_manager_key: str | None = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    kinds: AbstractSet[str] | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    schema_policy: SchemaPolicy | str | None = None,
    boundary_policy: BoundaryPolicy | str | None = None,
    keep: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
) -> Callable[[Callable[..., Any]], AssetsDefinition]: ...
@checked_arguments
def asset(
    compute_fn: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    key_prefix: str | Sequence[str] | None = None,
    key: CoercibleToAssetKey | None = None,
    deps: Iterable[CoercibleToAssetKey | AssetsDefinition | AssetDep] | None = None,
    ins: Mapping[str, AssetIn] | None = None,
    metadata: Mapping[str, Any] | None = None,
    tags: Mapping[str, str] | None = None,
    owners: Sequence[str] | None = None,
    group_name: str | None = None,
    description: str | None = None,
    partitions_def: PartitionsDefinition | None = None,
    io_manager_key: str | None = None,
    backfill_policy: BackfillPolicy | None = None,
    retry_policy: RetryPolicy | None = None,
    code_version: str | None = None,
    kinds: AbstractSet[str] | None = None,
    required_resource_keys: AbstractSet[str] | None = None,
    schema_policy: SchemaPolicy | str | None = None,
    boundary_policy: BoundaryPolicy | str | None = None,
    keep: str | None = None,
    check_specs: Sequence[AssetCheckSpec] | None = None,
) -> AssetsDefinition | Callable[[Callable[..., Any]], AssetsDefinition]:
    """Declare that a function makes an asset.

    Each parameter of the function is the context (called ``context``, or annotated `AssetExecutionContext`), its
    config (annotated with a `Config` class), a resource (annotated with a `ConfigurableResource` or `ResourceParam`),
    or else an upstream asset of that name.

    Args:
        name: The last part of the key; by default the function's name.
        key_prefix: The parts of the key before the name.
        key: The whole key, instead of `name` and `key_prefix`.
        deps: Assets to be made before, whose values are not passed.
        ins: Parameter to `AssetIn`, where the parameter's name does not say all.
        metadata: Facts about the asset. ``partition_expr`` names the column that identifies the partition;
            ``naive_timestamps="UTC"`` says that timestamps without a zone are not civil time.
        owners: Mail addresses, or ``team:name``.
        description: By default the function's docstring.
        io_manager_key: The resource that stores what the function returns; by default ``"io_manager"``.
        backfill_policy: How many partitions one call makes; by default one.
        code_version: Change it when the function's meaning changes; what was made before is then stale.
        kinds: What it is made of, for people: ``{"duckdb", "polars"}``.
        required_resource_keys: Resources that the function takes from ``context.resources``.
        schema_policy: What to do about columns that are not the table's; by default ``"evolve"``.
        boundary_policy: What to do about rows outside the partition; by default ``"refuse"``.
        keep: How long after its end a partition is kept, ``"90d"``; by default for ever.
        check_specs: Checks whose results the function returns itself, in ``Output(…, check_results=[…])``.

    Raises:
        DefinitionError: If it does not hold together; names file and line.
    """
    frame = calling_frame()
    at_module_level = frame is None or frame.f_locals is frame.f_globals
    local_names = {} if frame is None or at_module_level else dict(frame.f_locals)

    def declare(fn: Callable[..., Any]) -> AssetsDefinition:
        location = location_of_function(fn)
        where = None if location is None else str(location)
        _require_plain_function(fn, where or _place(frame))
        asset_key = asset_key_of(fn, name, key_prefix, key, where)
        owner = f"asset {asset_key.to_user_string()!r}"
        resources = checked_strings(required_resource_keys, f"required_resource_keys of {owner}", where)
        parameters = parameters_of(fn, Annotations.of(fn, local_names), frozenset(resources), owner, where)
        for parameter in ins or {}:
            if parameter not in parameters.inputs:
                raise DefinitionError(
                    f"{owner} has ins for {parameter!r}, but its function has no such input",
                    f"Add the parameter {parameter!r} to {fn.__name__}(), or use deps=[…] for an upstream"
                    " whose value is not passed.",
                    where,
                )
        require_type(partitions_def, PartitionsDefinition, "partitions_def", "a partitions definition", owner, where)
        require_type(backfill_policy, BackfillPolicy, "backfill_policy", "a BackfillPolicy", owner, where)
        require_type(retry_policy, RetryPolicy, "retry_policy", "a RetryPolicy", owner, where)
        for text, value in (("group_name", group_name), ("code_version", code_version), ("description", description)):
            require_type(value, str, text, "text", owner, where)
        require_type(io_manager_key, str, "io_manager_key", "the name of a resource", owner, where)
        facts = checked_metadata(metadata, owner, where)
        checked_naive_timestamps(facts, owner, where)
        return AssetsDefinition(
            key=asset_key,
            fn=fn,
            parameters=parameters,
            partitions_def=partitions_def,
            io_manager_key=io_manager_key or DEFAULT_IO_MANAGER,
            ins=checked_ins(ins or {}, owner, where),
            deps=_checked_deps(deps, owner, where),
            required_resource_keys=frozenset(resources) - frozenset(parameters.resources),
            metadata=facts,
            tags=checked_tags(tags, owner, where),
            owners=checked_owners(owners, owner, where),
            group_name=DEFAULT_GROUP if group_name is None else checked_name(group_name, "group", where),
            description=description if description is not None else inspect.getdoc(fn),
            backfill_policy=backfill_policy,
            retry_policy=retry_policy,
            code_version=code_version,
            kinds=frozenset(checked_strings(kinds, f"kinds of {owner}", where)),
            schema_policy=checked_policy(
                schema_policy, SchemaPolicy, "schema_policy", SchemaPolicy.EVOLVE, owner, where
            ),
            boundary_policy=checked_policy(
                boundary_policy, BoundaryPolicy, "boundary_policy", BoundaryPolicy.REFUSE, owner, where
            ),
            keep=checked_keep(keep, partitions_def, owner, where),
            check_specs=checked_check_specs(check_specs, asset_key, owner, where),
            location=location,
        )

    return declare if compute_fn is None else declare(compute_fn)


def _column(name: str) -> str:
    return name if name.isidentifier() else f'"{name}"'  # no dimension's name has a quote in it


def _place(frame: Any) -> str | None:
    return None if frame is None else str(SourceLocation(frame.f_code.co_filename, frame.f_lineno))


def _require_plain_function(fn: Any, where: str | None) -> None:
    if isinstance(fn, AssetsDefinition):
        raise DefinitionError(f"{fn!r} is declared twice", "Use @asset once.", where)
    fix = "Write a plain function that returns its value; one that yields its value in batches is fine too."
    require_function(fn, "asset", "an asset", where, True, fix)


def _checked_deps(deps: Any, owner: str, where: str | None) -> tuple[AssetDep, ...]:
    if isinstance(deps, (str, AssetKey, AssetsDefinition, AssetDep)):
        raise DefinitionError(f"{owner} has deps={deps!r}; expected a list", f"Write deps=[{deps!r}].", where)
    return tuple(dep if isinstance(dep, AssetDep) else AssetDep(dep) for dep in deps or ())
