"""Which resources a run needs: only these are set up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gapless.definitions.graph import AssetGraph
from gapless.planning.plan import Plan
from gapless.storage.slices import is_slice_store

__all__ = ["needed_resources"]


def needed_resources(plan: Plan, graph: AssetGraph, resources: Mapping[str, Any]) -> set[str]:
    """The names of those that the functions and checks of `plan` take, and of where it reads and stores.

    Args:
        resources: All of the project's.
    """
    keys: set[str] = set()
    for step in plan.steps:
        asset = graph[step.asset]
        keys |= asset.resource_keys
        for check in graph.checks_of(step.asset):
            keys |= check.resource_keys
        if asset.stores_output:
            keys.add(asset.io_manager_key)
        for edge in graph.parents(step.asset):
            stored_by = graph[edge.upstream].io_manager_key
            if edge.input_manager_key:
                keys.add(edge.input_manager_key)
            elif is_slice_store(resources.get(stored_by)):
                keys.add(stored_by)  # gapless.sql can read what is only in deps
    return keys
