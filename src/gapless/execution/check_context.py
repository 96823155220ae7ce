"""What a user's check is told about the partition that it looks at."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.errors import InvocationError
from gapless.execution.context import AssetExecutionContext
from gapless.partitions import PartitionKeyRange, PartitionsDefinition, TimeWindow

__all__ = ["AssetCheckExecutionContext"]


class AssetCheckExecutionContext:
    """What a check is told about the partition whose rows it looks at.

    Args:
        partitions: The asset and the partitions that are looked at, as its own function is told of them;
            `build_asset_context` makes one for a test.
        check: The check that is run; None in a test.
        row_counts: Recorded rows of up to so many partitions on each side; see the method of that name.

    Attributes:
        now: The run's instant, timezone-aware.
    """

    def __init__(
        self,
        partitions: AssetExecutionContext,
        check: AssetChecksDefinition | None = None,
        *,
        now: datetime | None = None,
        row_counts: Callable[[int], Mapping[str, int]] | None = None,
    ) -> None:
        self._partitions = partitions
        self._check = check
        self._row_counts = row_counts
        self.now = now or datetime.now(UTC)  # only a test leaves it out

    @property
    def asset_key(self) -> AssetKey:
        """The asset that is checked."""
        return self._partitions.asset_key

    @property
    def check_name(self) -> str:
        """The check that is run."""
        if self._check is None:
            raise InvocationError(
                "this context belongs to no check", "Build it with AssetCheckExecutionContext(…, check)"
            )
        return self._check.name

    @property
    def run_id(self) -> str:
        return self._partitions.run_id

    @property
    def run_tags(self) -> Mapping[str, str]:
        return self._partitions.run_tags

    @property
    def resources(self) -> Any:
        """The resources that the check requires, as attributes."""
        return self._partitions.resources

    @property
    def log(self) -> logging.Logger:
        """A logger whose lines are kept with the run."""
        return self._partitions.log

    # --- what is looked at

    @property
    def partitions_def(self) -> PartitionsDefinition | None:
        """The asset's; None if it is unpartitioned."""
        return self._partitions.partitions_def

    @property
    def naive_zone(self) -> str | None:
        """The IANA zone of the asset's naive timestamps where that is not its partitions' own."""
        return getattr(self._partitions.assets_def, "naive_zone", None)

    @property
    def has_partition_key(self) -> bool:
        """Whether it is exactly one partition."""
        return self._partitions.has_partition_key

    @property
    def partition_key(self) -> str:
        """The key of the one partition.

        Raises:
            InvocationError: The asset is unpartitioned, or several partitions are looked at together.
        """
        return self._partitions.partition_key

    @property
    def partition_keys(self) -> Sequence[str]:
        """The keys of the partitions, in partition order; one, unless the asset's own IO manager stores several."""
        return self._partitions.partition_keys

    @property
    def partition_key_range(self) -> PartitionKeyRange:
        """The first and the last key, both inclusive."""
        return self._partitions.partition_key_range

    @property
    def partition_time_window(self) -> TimeWindow:
        """From the first partition's start to the last one's end, half-open.

        Raises:
            InvocationError: The asset is not partitioned by time.
        """
        return self._partitions.partition_time_window

    def row_counts(self, neighbours: int) -> Mapping[str, int]:
        """Recorded rows of the nearest materialized partitions, by key, in partition order; without this one.

        Of several dimensions: those that differ in time only.

        Args:
            neighbours: At most so many before, and so many after.
        """
        return {} if self._row_counts is None or neighbours < 1 else self._row_counts(neighbours)
