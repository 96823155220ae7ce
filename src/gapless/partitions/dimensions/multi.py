"""Partitions that are told by several dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from gapless.errors import DefinitionError, PartitionKeyError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.dimension import PartitionDimensionDefinition
from gapless.partitions.dimensions.multidimensional import Multidimensional
from gapless.partitions.key_text import read_keys
from gapless.partitions.loading_context import current
from gapless.partitions.multi_key import DELIMITER, MultiPartitionKey
from gapless.partitions.window import TimeWindow
from gapless.partitions.windows.time_window import TimeWindowPartitionsDefinition

__all__ = ["MultiPartitionsDefinition"]


class MultiPartitionsDefinition(Multidimensional):
    """The product of two or more dimensions, each static, by time or dynamic; or some combinations of it.

    A key joins the keys of the dimensions with ``|`` in the order of the dimensions' *names*; the last one varies
    fastest.

    Args:
        partitions_defs: The definition of each dimension, by name.
        combinations: Which combinations exist, if not all. A list of keys (``"eu|2024-01-05"``), of tuples of keys, or
            of mappings of dimensions to keys; dimensions that a mapping leaves out are free. A Polars or Pandas frame
            whose columns are named after dimensions. Or a function of one parameter that is named after a dimension:
            it gets a key and returns what the other dimensions are restricted to,
            ``{"product": ["a", "b"], "date": "2024-03-01.."}``, True for everything, or None for nothing.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    # What is here has Dagster's names.

    @property
    def partitions_defs(self) -> Sequence[PartitionDimensionDefinition]:
        """The dimensions, in the order of their names."""
        return [PartitionDimensionDefinition(name, each) for name, each in self._dimensions.items()]

    @property
    def partition_dimension_names(self) -> list[str]:
        """The names of the dimensions, in key order."""
        return list(self._names)

    def get_partitions_def_for_dimension(self, dimension_name: str) -> PartitionsDefinition:
        """The definition of one dimension.

        Raises:
            PartitionsDefinitionError: No dimension has that name.
        """
        return self.dimension(dimension_name)

    def is_valid_key_format(self, partition_key: str) -> bool:
        """Whether a key has as many parts as there are dimensions."""
        return self._parts(partition_key) is not None

    def get_partition_key_from_str(self, partition_key_str: str) -> MultiPartitionKey:
        """A key with its parts by dimension, whether or not that partition exists.

        Raises:
            PartitionKeyError: It has not as many parts as there are dimensions.
        """
        if self._parts(partition_key_str) is None:
            raise PartitionKeyError(str(partition_key_str), f"{len(self._names)} parts, {DELIMITER.join(self._names)}")
        return MultiPartitionKey.of_text(self._names, partition_key_str)

    def get_multipartition_keys_with_dimension_value(
        self, dimension_name: str, dimension_partition_key: str, current_time: datetime | None = None
    ) -> Sequence[MultiPartitionKey]:
        """The keys of the partitions that have this key in one dimension.

        Raises:
            PartitionsDefinitionError: No dimension has that name.
            UnknownPartitionError: The key does not exist in the dimension.
        """
        return self.get_multipartition_keys_with_dimension_values(
            dimension_name, [dimension_partition_key], current_time
        )

    def get_multipartition_keys_with_dimension_values(
        self, dimension_name: str, dimension_partition_keys: Sequence[str], current_time: datetime | None = None
    ) -> Sequence[MultiPartitionKey]:
        """The keys of the partitions that have one of these keys in one dimension, one after the other.

        Raises:
            PartitionsDefinitionError: No dimension has that name.
            UnknownPartitionError: A key does not exist in the dimension.
            InvocationError: The keys are a bare string.
        """
        this, now = self._with_keys(), current(current_time)
        sets = (this.where(now, **{dimension_name: key}) for key in read_keys(dimension_partition_keys))
        return [cast("MultiPartitionKey", key) for each in sets for key in each]

    @property
    def _time_dimensions(self) -> list[PartitionDimensionDefinition]:
        return [each for each in self.partitions_defs if each.partitions_def.is_time]

    @property
    def primary_dimension(self) -> PartitionDimensionDefinition:
        """The only time dimension; the first dimension if none or several are."""
        times = self._time_dimensions
        return times[0] if len(times) == 1 else self.partitions_defs[0]

    @property
    def secondary_dimension(self) -> PartitionDimensionDefinition:
        """The first dimension beside the primary one."""
        primary = self.primary_dimension
        return next(each for each in self.partitions_defs if each.name != primary.name)

    @property
    def has_time_window_dimension(self) -> bool:
        """Whether a dimension, or several, are time."""
        return bool(self._time_dimensions)

    @property
    def time_window_dimension(self) -> PartitionDimensionDefinition:
        """The only dimension that is time.

        Raises:
            DefinitionError: None or several are.
        """
        times = self._time_dimensions
        if len(times) != 1:
            found = f"{', '.join(each.name for each in times)} are" if times else "none is"
            raise DefinitionError(
                f"the only time dimension is asked for, but of the dimensions {', '.join(self._names)} {found} time",
                "Ask a dimension by its name: get_partitions_def_for_dimension(…).",
            )
        return times[0]

    @property
    def time_window_partitions_def(self) -> TimeWindowPartitionsDefinition:
        """The definition of the only dimension that is time.

        Raises:
            DefinitionError: None or several are.
        """
        return cast("TimeWindowPartitionsDefinition", self.time_window_dimension.partitions_def)

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """What the partition covers in the only dimension that is time.

        Raises:
            PartitionKeyError: The key cannot be read (a ValueError).
            DefinitionError: None or several of the dimensions are time.
        """
        parts = self.get_partition_key_from_str(partition_key).keys_by_dimension
        name, definition = self.time_window_dimension
        return cast("TimeWindowPartitionsDefinition", definition).time_window_for_partition_key(parts[name])
