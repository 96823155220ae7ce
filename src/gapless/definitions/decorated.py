"""The function below a decorator."""

from __future__ import annotations

import inspect
from typing import Any

from gapless.errors import DefinitionError

__all__ = ["require_function"]


def require_function(fn: Any, decorator: str, what: str, where: str | None, may_yield: bool, fix: str) -> None:
    """That `fn` is a function which can be called for its value.

    Args:
        decorator: How it is written: ``asset``.
        what: What it declares: ``an asset``.
        may_yield: Whether it may be a generator.
        fix: What to write instead of a function that is async or may not yield, a sentence.

    Raises:
        DefinitionError: It is none, or async, or a generator where that means nothing.
    """
    if not inspect.isfunction(fn):
        raise DefinitionError(
            f"@{decorator} was put on {fn!r}, which is not a function",
            f"Declare {what} with: @{decorator} above def name(...).",
            where,
        )
    is_async = inspect.iscoroutinefunction(fn) or inspect.isasyncgenfunction(fn)
    if is_async or (inspect.isgeneratorfunction(fn) and not may_yield):
        kind = "async" if is_async else "a generator (it uses yield)"
        raise DefinitionError(f"the function {fn.__name__}() of {what} is {kind}", fix, where)
