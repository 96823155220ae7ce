"""Resources: what functions and storage need from outside, made ready for a run and put away after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from types import SimpleNamespace
from typing import Any

from gapless.definitions.init_resource_context import InitResourceContext
from gapless.errors import DefinitionError
from gapless.storage.io_manager import MadeWith
from gapless.storage.slices import is_slice_store

__all__ = ["is_configurable", "makes_io_manager", "ready_resources"]


def is_configurable(resource: Any) -> bool:
    """Whether it is an instance of `ConfigurableResource`, asked without importing pydantic."""
    return not isinstance(resource, type) and getattr(resource, "gapless_role", None) == "resource"


def makes_io_manager(resource: Any) -> bool:
    """Whether it makes an IO manager when a run begins."""
    return not isinstance(resource, type) and callable(getattr(resource, "io_manager_made", None))


@contextmanager
def ready_resources(resources: Mapping[str, Any], keys: Iterable[str], context: Any) -> Iterator[dict[str, Any]]:
    """The resources `keys`, with environment variables read, nested ones first set up; put away in reverse order.

    What makes an IO manager is replaced by the manager that it makes. Plain objects are passed as they are.

    Args:
        context: What `setup_for_execution` gets; None for an `InitResourceContext` without a run.

    Raises:
        DefinitionError: If an environment variable is missing or holds what a field cannot take.
    """
    with ExitStack() as stack:
        making = _Making(resources, InitResourceContext() if context is None else context, stack)
        yield {key: making.ready(key) for key in keys}


class _Making:
    """Resources that are being made ready, each once."""

    def __init__(self, resources: Mapping[str, Any], context: Any, stack: ExitStack) -> None:
        self._resources = resources
        self._context = context
        self._stack = stack
        self._made: dict[str, Any] = {}
        self._under_way: list[str] = []

    def ready(self, key: str) -> Any:
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def _make(self, key: str) -> Any:
        resource = self._resources[key]
        if is_configurable(resource):
            try:
                resource = resource.with_environment(key)
            except ValueError as invalid:  # pydantic's ValidationError is one
                raise DefinitionError(f"resource {key!r} cannot be set up: {invalid}") from None
            _set_up(resource, self._context, self._stack)
        return self._io_manager(key, resource) if makes_io_manager(resource) else resource

    def _io_manager(self, key: str, factory: Any) -> Any:
        if key in self._under_way:
            circle = " needs ".join(map(repr, [*self._under_way[self._under_way.index(key) :], key]))
            raise DefinitionError(f"resources need each other: {circle}")
        self._under_way.append(key)
        required = {name: self._required(name, key) for name in sorted(getattr(factory, "required_resource_keys", ()))}
        self._under_way.pop()
        context = InitResourceContext(
            resources=SimpleNamespace(**required),
            log=getattr(self._context, "log", None) or InitResourceContext().log,
            run_id=getattr(self._context, "run_id", ""),
        )
        manager, made_with = factory.io_manager_made(context)
        if is_slice_store(manager):
            # It is made anew for each run, so that nobody could ask it later which commits a dead run had made.
            raise DefinitionError(
                f"resource {key!r} makes a {type(manager).__name__}, which keeps commit records",
                f'Put it into Definitions(resources={{"{key}": {type(manager).__name__}(…)}}) itself; its settings may'
                " be EnvVar.",
            )
        if not callable(getattr(manager, "handle_output", None)) and not callable(getattr(manager, "load_input", None)):
            raise DefinitionError(
                f"resource {key!r} makes {manager!r}, which is not an IO manager",
                "Return a subclass of IOManager.",
            )
        with suppress(AttributeError, TypeError):  # one with __slots__ cannot show it
            object.__setattr__(manager, MadeWith.ATTRIBUTE, made_with)
        return manager

    def _required(self, name: str, by: str) -> Any:
        if name not in self._resources:
            raise DefinitionError(
                f"resource {by!r} requires the resource {name!r}, but none of that name is declared",
                f'Add it to Definitions(resources={{"{name}": …}}).',
            )
        return self.ready(name)


def _set_up(resource: Any, context: Any, stack: ExitStack) -> None:
    for field_name in type(resource).model_fields:
        nested = getattr(resource, field_name)
        if is_configurable(nested):
            _set_up(nested, context, stack)
    resource.setup_for_execution(context)
    stack.callback(resource.teardown_after_execution, context)
