"""The contract of users' own IO managers."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from gapless.errors import InvocationError
from gapless.storage.input_context import InputContext
from gapless.storage.output_context import OutputContext
from gapless.storage.partitions_of_asset import PartitionsOfAsset

__all__ = ["IOManager", "InputContext", "MadeWith", "OutputContext", "load_value", "store_value", "wipes"]


class IOManager(ABC):
    """Stores what functions return and loads it for those downstream. Called on several threads at once.

    What `handle_output` has stored when it returns counts as committed. It should replace what was there for its
    partitions whole or not at all, whatever happens; `gapless.testing.io_manager` has the tests to run it through.

    A manager may also have ``wipe(context: OutputContext) -> int``, which `gapless wipe` calls: delete the partitions
    that the context names, or everything of the asset if it names none, and return how many were there.
    """

    @abstractmethod
    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`, replacing what was there for the same partitions.

        If the context names several partitions, `obj` is what one call of the function returned for all of them.
        """

    @abstractmethod
    def load_input(self, context: InputContext) -> Any:
        """The value of the upstream partitions that `context` names."""


@dataclass(frozen=True, slots=True)
class MadeWith:
    """What an IO manager was made from; its contexts show it.

    Attributes:
        resource_config: Its settings.
        resources: What it requires, by name.
    """

    resource_config: Mapping[str, Any] | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)

    ATTRIBUTE = "gapless_made_with"  # where a manager keeps it


def store_value(manager: Any, context: OutputContext, value: Any) -> None:
    """Have `manager` store `value`.

    Raises:
        InvocationError: Its `handle_output` is ``async``: nobody would wait for it, and the value would be lost.
    """
    _show_what_it_was_made_with(manager, context)
    returned = manager.handle_output(context, value)
    if inspect.iscoroutine(returned):
        returned.close()
        raise InvocationError(
            f"{type(manager).__name__}.handle_output is async, so nothing was stored", "Write a plain method"
        )
    if isinstance(returned, Iterator):  # one that yields, as Dagster's may, does its work while it is iterated
        for fact in returned:
            if isinstance(fact, Mapping):
                context.add_output_metadata(fact)


def load_value(manager: Any, context: InputContext) -> Any:
    """The value that `manager` loads.

    Raises:
        InvocationError: Its `load_input` is ``async``.
    """
    _show_what_it_was_made_with(manager, context)
    value = manager.load_input(context)
    if inspect.iscoroutine(value):
        value.close()
        raise InvocationError(f"{type(manager).__name__}.load_input is async", "Write a plain method")
    return value


def wipes(manager: Any) -> bool:
    """Whether an IO manager of the user's can delete what it stores."""
    return not isinstance(manager, type) and callable(getattr(manager, "wipe", None))


def _show_what_it_was_made_with(manager: Any, context: PartitionsOfAsset) -> None:
    made_with = getattr(manager, MadeWith.ATTRIBUTE, None)
    if isinstance(made_with, MadeWith):
        context.resource_config = made_with.resource_config
        given = vars(context.resources) if context.resources is not None else {}
        context.resources = SimpleNamespace(**{**given, **made_with.resources})
