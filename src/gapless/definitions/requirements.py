"""Whether the resources that are declared are those that the assets need, and can do what is asked of them."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gapless.definitions.asset import DEFAULT_IO_MANAGER, AssetsDefinition
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.definitions.dependency import Dependency
from gapless.definitions.graph import AssetGraph
from gapless.definitions.parameters import Parameters, role_of
from gapless.definitions.resources import makes_io_manager
from gapless.errors import DefinitionError, closest
from gapless.partitions import PartitionsDefinition
from gapless.storage.errors import TableNameError
from gapless.storage.slices import is_slice_store

__all__ = ["requirement_errors"]

_EXAMPLE_MANAGER = 'DuckDBPolarsIOManager(database="db.duckdb")'


def requirement_errors(
    assets: Sequence[AssetsDefinition],
    checks: Sequence[AssetChecksDefinition],
    graph: AssetGraph | None,
    resources: Mapping[str, Any],
) -> list[DefinitionError]:
    """Everything that `assets` and `checks` need and `resources` do not give.

    Args:
        graph: None if it has errors of its own; what needs it is then not checked.
    """
    errors: list[DefinitionError] = []
    for asset in assets:
        _check_store(asset, graph, resources, errors)
        for key in sorted(asset.resource_keys):
            _check_resource(f"asset {asset.name!r}", asset.where, asset.parameters, key, resources, errors)
        for edge in graph.parents(asset.key) if graph is not None else ():
            _check_columns(asset, edge, resources, errors)
            manager = edge.input_manager_key
            if manager is None or graph is None or manager == graph[edge.upstream].io_manager_key:
                continue  # the upstream asset's own manager is checked with the upstream asset
            use = f"loads its parameter {edge.parameter!r} with"
            _check_manager(asset, manager, use, resources, errors)
    for check in checks:
        owner = f"check {check.name!r} of asset {str(check.asset_key)!r}"
        for key in sorted(check.resource_keys):
            _check_resource(owner, check.where, check.parameters, key, resources, errors)
    _check_locations(assets, resources, errors)
    return errors


def _check_locations(
    assets: Sequence[AssetsDefinition], resources: Mapping[str, Any], errors: list[DefinitionError]
) -> None:
    """No two assets lie in one place: each would overwrite the other, in silence."""
    first_at: dict[str, AssetsDefinition] = {}
    for asset in assets:
        location_of = getattr(resources.get(asset.io_manager_key), "location_of", None)
        if not asset.stores_output or location_of is None or isinstance(resources[asset.io_manager_key], type):
            continue
        try:
            location = location_of(asset.key, asset.metadata)
        except TableNameError as error:
            errors.append(DefinitionError(error.reason, f"{error.fix}.", asset.where))
            continue
        first = first_at.setdefault(location, asset)
        if first.key != asset.key:
            errors.append(
                DefinitionError(
                    f"assets {first.name!r} ({first.where}) and {asset.name!r} ({asset.where}) both lie in {location}:"
                    " each would overwrite the other",
                    'Give one of them a place of its own with metadata={"schema": "…"} or {"table": "…"}, or another'
                    " name.",
                    asset.where,
                )
            )


def _check_columns(
    asset: AssetsDefinition, edge: Dependency, resources: Mapping[str, Any], errors: list[DefinitionError]
) -> None:
    columns = edge.metadata.get("columns")
    if columns is None or not is_slice_store(resources.get(edge.input_manager_key or "")):
        return
    is_list = isinstance(columns, Iterable) and not isinstance(columns, (str, bytes, Mapping))
    if not is_list or not columns or not all(isinstance(name, str) for name in columns):
        errors.append(
            DefinitionError(
                f"asset {asset.name!r} asks for the columns {columns!r} of {str(edge.upstream)!r}; expected a list of"
                " names",
                'Write metadata={"columns": ["id"]}, or leave it out for all columns.',
                asset.where,
            )
        )


def _check_store(
    asset: AssetsDefinition, graph: AssetGraph | None, resources: Mapping[str, Any], errors: list[DefinitionError]
) -> None:
    is_loaded = graph is not None and any(
        edge.parameter is not None and edge.input_manager_key == asset.io_manager_key
        for edge in graph.children(asset.key)
    )
    if not asset.stores_output and not is_loaded:
        return
    manager = _check_manager(asset, asset.io_manager_key, "stores its value with", resources, errors)
    if manager is None or asset.partitions_def is None or not getattr(manager, "requires_partition_expr", False):
        return
    _check_expression(asset, asset.partitions_def, type(manager).__name__, errors)


def _check_expression(
    asset: AssetsDefinition, definition: PartitionsDefinition, manager: str, errors: list[DefinitionError]
) -> None:
    """Whether the asset says which rows of its table belong to which partition."""
    expression, dimensions = asset.partition_expr, tuple(definition.dimensions)
    if dimensions and isinstance(expression, Mapping):
        wrong = {name: text for name, text in expression.items() if not isinstance(text, str) or not text.strip()}
        unknown = [name for name in expression if name not in dimensions]
        reason = (
            f"speaks of {unknown[0]!r}, which is none of its dimensions ({', '.join(map(repr, dimensions))})"
            if unknown
            else f"has {next(iter(wrong.items()))!r}; expected a column or an SQL expression"
            if wrong
            else None
        )
        if reason is not None:
            example = ", ".join(f'"{name}": "{name}"' for name in dimensions)
            errors.append(
                DefinitionError(
                    f"asset {asset.name!r} is partitioned by {len(dimensions)} dimensions and stored in a table by"
                    f" {manager}, but its partition_expr {reason}",
                    f'Name the columns that are not called like their dimension: metadata={{"partition_expr":'
                    f" {{{example}}}}}.",
                    asset.where,
                )
            )
    elif expression is None:
        errors.append(
            DefinitionError(
                f"asset {asset.name!r} is partitioned and stored in a table by {manager}, but does not"
                " say which column tells the partition of a row",
                'Add metadata={"partition_expr": "date"} to @asset, with the name of that column or an SQL expression.'
                + _or_store_it_itself(asset),
                asset.where,
            )
        )
    elif not isinstance(expression, str) or not expression.strip():
        errors.append(
            DefinitionError(
                f"asset {asset.name!r} has partition_expr={expression!r}; expected a column or an SQL expression",
                'Write metadata={"partition_expr": "date"}.',
                asset.where,
            )
        )


def _or_store_it_itself(asset: AssetsDefinition) -> str:
    """What else may be meant; nothing if the function says what it returns."""
    if asset.return_annotation is not inspect.Parameter.empty:
        return ""
    return " Or annotate the function `-> MaterializeResult`, or `-> None`, if it stores its data itself."


def _check_manager(
    asset: AssetsDefinition, key: str, use: str, resources: Mapping[str, Any], errors: list[DefinitionError]
) -> Any | None:
    if key not in resources:
        near = closest(key, resources)
        fix = f'Add it to Definitions(resources={{"{key}": {_EXAMPLE_MANAGER}}}).'
        if near and key != DEFAULT_IO_MANAGER:
            fix = f"Did you mean {near[0]!r}? Otherwise: {fix}"
        if key == DEFAULT_IO_MANAGER:
            fix += " Or annotate the function `-> None` if it stores its data itself."
        reason = f"asset {asset.name!r} {use} the resource {key!r}, but none of that name is declared"
        errors.append(DefinitionError(reason, fix, asset.where))
        return None
    manager = resources[key]
    stores = callable(getattr(manager, "stage", None)) and callable(getattr(manager, "commit", None))
    handles = callable(getattr(manager, "handle_output", None)) and callable(getattr(manager, "load_input", None))
    if isinstance(manager, type) or not (stores or handles or makes_io_manager(manager)):
        is_class = isinstance(manager, type)
        what = f"the class {manager.__name__}" if is_class else f"a {type(manager).__name__}"
        fix = (
            f"Write {manager.__name__}(…)."
            if is_class
            else f'Give an IO manager, for example "{key}": {_EXAMPLE_MANAGER}.'
        )
        reason = f"asset {asset.name!r} {use} the resource {key!r}, which is {what}, not an IO manager"
        errors.append(DefinitionError(reason, fix, asset.where))
        return None
    return manager


def _check_resource(
    owner: str,
    where: str | None,
    parameters: Parameters,
    key: str,
    resources: Mapping[str, Any],
    errors: list[DefinitionError],
) -> None:
    wanted = parameters.annotations.get(key)
    wanted = wanted if role_of(wanted) == "resource" and isinstance(wanted, type) else None
    if key not in resources:
        near = closest(key, resources)
        example = f"{wanted.__name__}(…)" if wanted is not None else "…"
        fix = f'Add it to Definitions(resources={{"{key}": {example}}}).'
        reason = f"{owner} needs the resource {key!r}, but none of that name is declared"
        errors.append(DefinitionError(reason, f"Did you mean {near[0]!r}? Otherwise: {fix}" if near else fix, where))
    elif wanted is not None and not isinstance(resources[key], wanted):
        given = resources[key]
        what = f"the class {given.__name__}" if isinstance(given, type) else f"a {type(given).__name__}"
        errors.append(
            DefinitionError(
                f"{owner} takes the resource {key!r} as a {wanted.__name__}, but it is {what}",
                f'Write resources={{"{key}": {wanted.__name__}(…)}}.',
                where,
            )
        )
