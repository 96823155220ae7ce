"""The config of a run: one `Config` value for each asset whose function takes one, checked before anything starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph, nearest_keys
from gapless.errors import DefinitionError

__all__ = ["configs_of"]


def configs_of(given: Any, graph: AssetGraph, assets: Iterable[AssetKey]) -> dict[AssetKey, Any]:
    """The config of each of `assets` that takes one; defaults where nothing is given.

    Args:
        given: As Dagster takes it, ``{"ops": {"plays": {"config": {…}}}}``, or directly ``{"plays": {…}}``.

    Raises:
        DefinitionError: It names an asset that there is not or that takes no config, or a value does not fit.
    """
    values = _by_asset(given, graph)
    configs: dict[AssetKey, Any] = {}
    for key in assets:
        asset = graph[key]
        if asset.parameters.config is None:
            continue
        name, config_type = asset.parameters.config
        value = values.get(key, {})
        if isinstance(value, config_type):
            configs[key] = value
            continue
        try:
            configs[key] = config_type(**value)
        except (TypeError, ValueError) as invalid:  # pydantic's ValidationError is a ValueError
            raise DefinitionError(
                f"asset {asset.name!r} cannot take its config {dict(value)!r}: {_one_line(invalid)}",
                f"Give {config_type.__name__}'s fields (parameter {name!r}) in the job's config:"
                f' define_asset_job(…, config={{"ops": {{"{asset.name}": {{"config": {{…}}}}}}}}).',
                asset.where,
            ) from None
    return configs


def _by_asset(given: Any, graph: AssetGraph) -> dict[AssetKey, Any]:
    if not given:
        return {}
    if not isinstance(given, Mapping):
        raise DefinitionError(
            f"the run's config is a {type(given).__name__}; expected a dict",
            'Write {"ops": {"plays": {"config": {…}}}}.',
        )
    ops = given.get("ops", given)
    values: dict[AssetKey, Any] = {}
    for name, entry in ops.items():
        # Dagster writes an asset's path a/b as the op name a__b.
        found = graph.get(name) or graph.get(name.replace("__", "/"))
        if found is None:
            near = nearest_keys(name, graph)
            raise DefinitionError(
                f"the run's config is for {name!r}, but there is no such asset",
                f"Did you mean {near[0]!r}?" if near else "",
            )
        if found.parameters.config is None:
            raise DefinitionError(
                f"the run's config is for asset {found.name!r}, whose function takes none",
                "Give it a parameter annotated with a subclass of Config.",
                found.where,
            )
        values[found.key] = entry["config"] if isinstance(entry, Mapping) and set(entry) == {"config"} else entry
    return values


def _one_line(invalid: Exception) -> str:
    errors = getattr(invalid, "errors", None)
    if errors is None:
        return str(invalid)
    return "; ".join(f"{'.'.join(map(str, e['loc'])) or 'config'}: {e['msg']}" for e in errors())
