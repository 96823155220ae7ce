"""An argument that a public function does not have is named, with what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sized
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from gapless.definitions.dagster_equivalents import ARGUMENTS
from gapless.definitions.dagster_names import DagsterNames
from gapless.definitions.errors import UnknownArgumentError, raise_definition_errors
from gapless.definitions.source_location import here
from gapless.errors import closest

__all__ = ["checked_arguments", "checked_constructor", "unknown_argument"]

P = ParamSpec("P")
T = TypeVar("T")
C = TypeVar("C", bound=type)

_DEFAULTS = {"output_required": True, "is_virtual": False}  # Dagster's, where they are not None


def checked_arguments(call: Callable[P, T]) -> Callable[P, T]:
    """`call`, which refuses what it does not take with `UnknownArgumentError` instead of a bare TypeError.

    When Dagster's names resolve to ours, an argument of Dagster's that says nothing (None, empty) is passed over.
    """
    return _checked(call, call.__name__)


def checked_constructor(cls: C) -> C:
    """A class whose constructor does what `checked_arguments` says."""
    cls.__init__ = _checked(cls.__init__, cls.__name__)  # type: ignore[misc]  # the same signature
    return cls


def _checked(call: Callable[P, T], name: str) -> Callable[P, T]:
    code = call.__code__
    known = frozenset(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])

    @wraps(call)
    def checked(*args: P.args, **kwargs: P.kwargs) -> T:
        if not kwargs.keys() <= known:
            for argument in _refused(name, {word: kwargs[word] for word in kwargs.keys() - known}, known):
                del kwargs[argument]
        return call(*args, **kwargs)

    return checked


def _refused(function: str, given: dict[str, Any], known: Collection[str]) -> list[str]:
    """The arguments of `given` that may be left out; raises for the others."""
    stood_in = DagsterNames.are_installed()
    harmless = [word for word, value in given.items() if stood_in and _says_nothing(function, word, value)]
    where = here()
    raise_definition_errors(
        [
            unknown_argument(function, argument, known, where, value)
            for argument, value in sorted(given.items())
            if argument not in harmless
        ]
    )
    return harmless


def _says_nothing(function: str, argument: str, value: Any) -> bool:
    if _equivalent(function, argument) is None:
        return False
    empty = isinstance(value, Sized) and not len(value)
    return value is None or empty or _DEFAULTS.get(argument) is value


def _equivalent(function: str, argument: str) -> str | None:
    return ARGUMENTS.get(f"{function}.{argument}") or ARGUMENTS.get(argument)


def unknown_argument(
    function: str, argument: str, known: Collection[str] = (), where: str | None = None, value: Any = None
) -> UnknownArgumentError:
    """The error that says what to write instead of `argument`.

    Args:
        function: One of our public names.
        known: What it takes.
        value: What was given; it is part of what to write instead where it is text.
    """
    instead = _equivalent(function, argument)
    if instead is None:
        near = closest(argument, (name for name in known if name != "self"), 1)
        instead = f"Did you mean {near[0]!r}?" if near else f"Leave it out, or see help(gapless.{function})."
    shown = repr(value) if isinstance(value, str) else "…"
    return UnknownArgumentError(
        f"{function}() does not take {argument!r}", instead.replace("VALUE", shown), where, function, argument
    )
