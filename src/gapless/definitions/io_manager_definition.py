"""``@io_manager``: a function that makes an IO manager when a run begins."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, overload

from gapless.definitions.config_schema import Field, StringSource, checked_config
from gapless.definitions.init_resource_context import InitResourceContext
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_arguments
from gapless.errors import DefinitionError
from gapless.storage.filesystem.manager import FilesystemIOManager
from gapless.storage.in_memory import InMemoryIOManager
from gapless.storage.io_manager import IOManager, MadeWith

__all__ = ["IOManagerDefinition", "fs_io_manager", "io_manager", "mem_io_manager"]


@dataclass(frozen=True, eq=False)
class IOManagerDefinition:
    """A function that makes an IO manager when a run begins.

    Attributes:
        fn: Takes an `InitResourceContext`, or nothing.
        config_schema: Which settings it takes; None for any.
        required_resource_keys: Resources that it and its IO manager's contexts have.
        config: The settings that `configured` gave; None if it was not called.
    """

    fn: Callable[..., IOManager]
    config_schema: Any = None
    required_resource_keys: frozenset[str] = frozenset()
    description: str | None = None
    config: Any = None
    name: str = field(default="")

    def configured(self, config: Any) -> IOManagerDefinition:
        """The same with these settings, checked when a run begins."""
        return replace(self, config=config)

    def io_manager_made(self, context: InitResourceContext) -> tuple[IOManager, MadeWith]:
        """What the function makes, and from what.

        Raises:
            DefinitionError: The settings are not what `config_schema` says.
        """
        config = checked_config(self.config_schema, self.config, f"the IO manager {self.name!r}")
        context.resource_config = config
        return self(context), MadeWith(config, vars(context.resources))

    def __call__(self, context: InitResourceContext | None = None) -> IOManager:
        """Call the function itself, as in a test."""
        takes_context = bool(inspect.signature(self.fn).parameters)
        return self.fn(context or InitResourceContext()) if takes_context else self.fn()

    def __repr__(self) -> str:
        return f"<io_manager {self.name!r}>"


@overload
def io_manager(config_schema: Callable[..., IOManager], /) -> IOManagerDefinition: ...
@overload
def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    *,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Callable[[Callable[..., IOManager]], IOManagerDefinition]: ...
@checked_arguments
def io_manager(
    config_schema: Any = None,
    description: str | None = None,
    required_resource_keys: Iterable[str] | None = None,
    version: str | None = None,
) -> Any:
    """Declare that a function makes an IO manager; put it into ``Definitions(resources={"io_manager": …})``.

    Args:
        config_schema: Which settings the function finds in its context's ``resource_config``: a dict of names to
            types or `Field`.
        required_resource_keys: Which of the project's resources it finds in its context's ``resources``.
        version: Kept for what was written for Dagster; says nothing here.

    Raises:
        DefinitionError: It is not put on a function.
    """
    keys = frozenset(required_resource_keys or ())

    def declare(fn: Any, schema: Any = None) -> IOManagerDefinition:
        if not callable(fn):
            raise DefinitionError(
                f"@io_manager was put on {fn!r}, which is not a function",
                "Write it above def my_io_manager(init_context): return …",
                here(),
            )
        said = description or inspect.getdoc(fn)
        return IOManagerDefinition(fn, schema, keys, said, name=getattr(fn, "__name__", repr(fn)))

    is_function = callable(config_schema) and not isinstance(config_schema, type)
    return declare(config_schema) if is_function else lambda fn: declare(fn, config_schema)


@io_manager(config_schema={"base_dir": Field(StringSource, is_required=False)})
def fs_io_manager(init_context: InitResourceContext) -> FilesystemIOManager:
    """Keeps each value in a file; `FilesystemIOManager` says it more directly."""
    return FilesystemIOManager(init_context.resource_config.get("base_dir"))


@io_manager
def mem_io_manager() -> InMemoryIOManager:
    """Keeps values in memory, for one run; `InMemoryIOManager` says it more directly."""
    return InMemoryIOManager()
