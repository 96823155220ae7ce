"""IO managers with declared fields. Importing this imports pydantic, so only a user who names them does."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from gapless.definitions.configurable import ConfigurableResource
from gapless.definitions.init_resource_context import InitResourceContext
from gapless.storage.io_manager import IOManager, MadeWith

__all__ = ["ConfigurableIOManager", "ConfigurableIOManagerFactory"]


class ConfigurableIOManager(ConfigurableResource, IOManager):
    """An IO manager whose settings are declared fields, which may be resources or an `EnvVar`.

    class CsvIOManager(ConfigurableIOManager):
        folder: str

        def handle_output(self, context, obj): ...
        def load_input(self, context): ...
    """

    @property
    def gapless_made_with(self) -> MadeWith:
        """Its fields, as its contexts show them."""
        return MadeWith(_settings(self))


class ConfigurableIOManagerFactory(ConfigurableResource):
    """Declared fields from which an IO manager is made when a run begins."""

    @abstractmethod
    def create_io_manager(self, context: InitResourceContext) -> IOManager:
        """Make it; `context` has ``log``, ``run_id`` and ``resource_config``."""

    def io_manager_made(self, context: InitResourceContext) -> tuple[IOManager, MadeWith]:
        """What `create_io_manager` makes, and from what."""
        settings = _settings(self)
        context.resource_config = settings
        return self.create_io_manager(context), MadeWith(settings)


def _settings(resource: ConfigurableResource) -> dict[str, Any]:
    settings = {}
    for name in type(resource).model_fields:
        value = getattr(resource, name)
        settings[name] = _settings(value) if isinstance(value, ConfigurableResource) else value
    return settings
