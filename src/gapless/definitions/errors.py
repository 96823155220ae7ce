"""What can be wrong with what the user declares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gapless.errors import DefinitionError, UsageError, closest

__all__ = [
    "DefinitionErrors",
    "LoadError",
    "NameNotProvidedError",
    "SelectionError",
    "UnknownArgumentError",
    "UnknownNameError",
    "raise_definition_errors",
]


@dataclass(eq=False)
class DefinitionErrors(DefinitionError):
    """Several independent errors, found together.

    Attributes:
        errors: At least two, in the order of declaration.
    """

    errors: tuple[DefinitionError, ...] = ()

    def __str__(self) -> str:
        return "\n".join((f"{self.reason}:", *(f"- {error}" for error in self.errors)))


def raise_definition_errors(errors: Sequence[DefinitionError]) -> None:
    """Raises them all as one; returns if there are none."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise DefinitionErrors(f"{len(errors)} errors in the definitions", errors=tuple(errors))


@dataclass(eq=False)
class LoadError(DefinitionError):
    """The definitions file or module could not be loaded.

    Attributes:
        excerpt: The offending line and a caret below it, for a syntax error.
        trace: The user's traceback, from their own file on, for an exception while importing.
    """

    excerpt: str = ""
    trace: str = ""

    def __str__(self) -> str:
        parts = [super().__str__()]
        if self.excerpt:
            parts.append(self.excerpt)
        if self.trace:
            parts.append(f"\n{self.trace}")
        return "\n".join(parts)


@dataclass(eq=False)
class NameNotProvidedError(DefinitionError, ImportError):
    """A Dagster name that Gapless does not have.

    Attributes:
        wanted: The name, without its module.
        module: The Dagster module that was asked for it.
    """

    wanted: str = ""
    module: str = "dagster"

    def __str__(self) -> str:
        return DefinitionError.__str__(self)


@dataclass(eq=False)
class UnknownArgumentError(DefinitionError, TypeError):
    """A public function was called with an argument that it does not have.

    Attributes:
        function: Its public name.
        argument: The argument's name.
    """

    function: str = ""
    argument: str = ""

    def __str__(self) -> str:
        return DefinitionError.__str__(self)


@dataclass(eq=False)
class SelectionError(UsageError, ValueError):
    """A selection that cannot be read, or names nothing.

    Attributes:
        selection: The text.
        reason: What is wrong, a clause without a full stop.
        fix: What to write instead, a sentence.
    """

    selection: str
    reason: str
    fix: str = ""

    def __str__(self) -> str:
        return f"selection {self.selection!r}: {self.reason}." + (f" {self.fix}" if self.fix else "")


@dataclass(eq=False)
class UnknownNameError(UsageError, LookupError):
    """No job or schedule of that name.

    Attributes:
        kind: ``job`` or ``schedule``.
    """

    kind: str
    name: str
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        near = closest(self.name, self.known)
        if near:
            return f"there is no {self.kind} {self.name!r}. Did you mean {' or '.join(map(repr, near))}?"
        there_are = f"There are: {', '.join(self.known)}." if self.known else "None is declared."
        return f"there is no {self.kind} {self.name!r}. {there_are}"
