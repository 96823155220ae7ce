"""What a function that makes a resource is told."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

__all__ = ["InitResourceContext", "build_init_resource_context"]


@dataclass
class InitResourceContext:
    """What a function that makes an IO manager is told.

    Attributes:
        resource_config: Its settings: those of ``.configured({…})``, and the defaults of its ``config_schema``.
        resources: The resources that it requires, as attributes.
        run_id: The run that begins; empty outside of runs.
    """

    resource_config: Any = field(default_factory=dict)
    resources: Any = field(default_factory=SimpleNamespace)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("gapless"))
    run_id: str = ""


def build_init_resource_context(
    config: Mapping[str, Any] | None = None, resources: Mapping[str, Any] | None = None
) -> InitResourceContext:
    """A context to test a function with that makes an IO manager: ``my_io_manager(build_init_resource_context(…))``."""
    return InitResourceContext(dict(config or {}), SimpleNamespace(**(resources or {})))
