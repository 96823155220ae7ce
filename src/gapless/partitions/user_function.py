"""Functions of a project that are asked about partitions: what to call them, what they said, what they raised."""

from __future__ import annotations

import inspect
import threading
import traceback
from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

from gapless.errors import UserFunctionError

__all__ = ["Answers", "called", "location_of", "takes_one_argument", "trace_of"]

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


def called(function: Callable[..., Any]) -> str:
    """Its name: ``is_holiday``, ``<lambda>``, or that of its type."""
    return str(getattr(function, "__name__", type(function).__name__))


def location_of(function: Callable[..., Any]) -> str | None:
    """``file:line`` where it is defined; None if it is not written in Python."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code is not None else None


def takes_one_argument(function: Callable[..., Any]) -> bool:
    """Whether it can be called with one argument, by position; True where nothing tells."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some of those that are written in C have none
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True


def trace_of(raised: BaseException) -> str:
    """The traceback of what it raised, without the frame that called it."""
    below = raised.__traceback__ and raised.__traceback__.tb_next
    return "".join(traceback.format_exception(type(raised), raised, below)).rstrip("\n")


class Answers(Generic[Key, Answer]):
    """What a function has said so far: it is asked once for each key, however many threads want to know.

    One thread asks at a time. Where the function raises, nothing is remembered.

    Args:
        function: The project's.
        ask: Has it say something of a key.
        error: Of what kind the error is if the answer for a key depends on the answer for the same key.
    """

    def __init__(
        self, function: Callable[..., Any], ask: Callable[[Key], Answer], error: type[UserFunctionError]
    ) -> None:
        self._function, self._ask, self._error = function, ask, error
        self._known: dict[Key, Answer] = {}
        self._asked: set[Key] = set()
        self._asking = threading.RLock()  # the function may itself want to know of other keys

    def of(self, key: Key) -> Answer:
        """What it says of a key.

        Raises:
            UserFunctionError: To answer, it wants to know its own answer.
        """
        if key in self._known:
            return self._known[key]
        with self._asking:
            if key not in self._known:
                if key in self._asked:
                    raise self._error(
                        f"{called(self._function)} asks for what it is asked itself",
                        "Answer from the key alone, without the partitions that depend on the answer.",
                        location_of(self._function),
                    )
                self._asked.add(key)
                try:
                    self._known[key] = self._ask(key)
                finally:
                    self._asked.remove(key)
            return self._known[key]
