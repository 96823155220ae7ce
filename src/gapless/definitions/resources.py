"""Resources: what functions and storage need from outside, made ready for a run and put away after it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from gapless.errors import DefinitionError

__all__ = ["is_configurable", "ready_resources"]


def is_configurable(resource: Any) -> bool:
    """Whether it is an instance of `ConfigurableResource`, asked without importing pydantic."""
    return not isinstance(resource, type) and getattr(resource, "gapless_role", None) == "resource"


@contextmanager
def ready_resources(resources: Mapping[str, Any], keys: Iterable[str], context: Any) -> Iterator[dict[str, Any]]:
    """The resources `keys`, with environment variables read, nested ones first set up; put away in reverse order.

    Plain objects are passed as they are.

    Raises:
        DefinitionError: If an environment variable is missing or holds what a field cannot take.
    """
    with ExitStack() as stack:
        yield {key: _ready(resources[key], key, context, stack) for key in keys}


def _ready(resource: Any, name: str, context: Any, stack: ExitStack) -> Any:
    if not is_configurable(resource):
        return resource
    try:
        ready = resource.with_environment(name)
    except ValueError as invalid:  # pydantic's ValidationError is one
        raise DefinitionError(f"resource {name!r} cannot be set up: {invalid}") from None
    _set_up(ready, context, stack)
    return ready


def _set_up(resource: Any, context: Any, stack: ExitStack) -> None:
    for field_name in type(resource).model_fields:
        nested = getattr(resource, field_name)
        if is_configurable(nested):
            _set_up(nested, context, stack)
    resource.setup_for_execution(context)
    stack.callback(resource.teardown_after_execution, context)
