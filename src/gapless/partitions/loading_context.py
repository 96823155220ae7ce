"""What Dagster's methods take for granted: the time, and the keys of dynamic partitions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from gapless.errors import InvocationError, shown
from gapless.partitions.ordered_keys import DynamicPartitionsStore

__all__ = ["LoadingContext", "check_time", "current", "current_store", "partition_loading_context"]


@dataclass(frozen=True, slots=True)
class LoadingContext:
    """What is assumed while no argument says otherwise.

    Attributes:
        effective_dt: The time; None for the clock.
        dynamic_partitions_store: Where the keys of dynamic partitions are; None for nowhere.
    """

    effective_dt: datetime | None = None
    dynamic_partitions_store: DynamicPartitionsStore | None = None


_assumed: ContextVar[LoadingContext] = ContextVar("gapless_loading_context")
_UNASSUMED = LoadingContext()


@contextmanager
def partition_loading_context(
    effective_dt: datetime | None = None,
    dynamic_partitions_store: DynamicPartitionsStore | None = None,
) -> Iterator[LoadingContext]:
    """Within it, methods with Dagster's names take the time and the dynamic partitions from here.

    Nested, an argument that is left out keeps what is assumed outside.

    Args:
        effective_dt: The time; a naive one is in the timezone of the definition that is asked. None for the clock.
        dynamic_partitions_store: Where the keys of dynamic partitions are, such as a ledger; None for nowhere.
    """
    outer = _assumed.get(_UNASSUMED)
    inner = replace(
        outer,
        effective_dt=outer.effective_dt if effective_dt is None else effective_dt,
        dynamic_partitions_store=(
            outer.dynamic_partitions_store if dynamic_partitions_store is None else dynamic_partitions_store
        ),
    )
    token = _assumed.set(inner)
    try:
        yield inner
    finally:
        _assumed.reset(token)


def check_time(name: str, value: object) -> None:
    """Refuses what is no time to ask for: None, text, a date.

    Raises:
        InvocationError: It is none; `name` is the argument.
    """
    if not isinstance(value, datetime):
        raise InvocationError(
            f"{name} is {shown(value)} ({type(value).__name__}), not a datetime",
            f"Write for example {name}=datetime(2024, 1, 5, tzinfo=UTC).",
        )


def current(current_time: datetime | None) -> datetime:
    """`current_time`; for None what is assumed, or the clock. Only for methods that have Dagster's names."""
    if current_time is not None:
        check_time("current_time", current_time)
        return current_time
    return _assumed.get(_UNASSUMED).effective_dt or datetime.now(UTC)


def current_store(store: DynamicPartitionsStore | None) -> DynamicPartitionsStore | None:
    """`store`, or the one that is assumed. Only for methods that have Dagster's names."""
    return _assumed.get(_UNASSUMED).dynamic_partitions_store if store is None else store
