"""Which combinations of dimensions exist, where not all of them do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from gapless.errors import PartitionsDefinitionError
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.computed_combinations import ComputedCombinations
from gapless.partitions.dimensions.listed_combinations import ListedCombinations

__all__ = ["Combinations", "read_combinations"]

Combinations: TypeAlias = ListedCombinations | ComputedCombinations


def read_combinations(given: object, dimensions: Mapping[str, PartitionsDefinition]) -> Combinations:
    """The combinations that a user writes: a list, a frame, or a function of one dimension.

    Raises:
        PartitionsDefinitionError: It is none of them, or names what the dimensions do not have.
    """
    if isinstance(given, (ListedCombinations, ComputedCombinations)):
        return given.of(dimensions)
    # Known by what it can do, so that neither Polars nor Pandas needs to be there.
    if hasattr(given, "iter_rows") or hasattr(given, "itertuples"):
        return ListedCombinations.of_frame(dimensions, given)
    if callable(given):
        return ComputedCombinations(dimensions, given)
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping)):
        return ListedCombinations.of_list(dimensions, given)
    if hasattr(given, "collect"):
        raise PartitionsDefinitionError(
            f"combinations is a {type(given).__name__}, whose rows are not known", "Collect it first: frame.collect()."
        )
    raise PartitionsDefinitionError(
        f"combinations is {given!r:.60} ({type(given).__name__})",
        "Write a list of keys or dictionaries, a frame with a column for each dimension it is about, or a function of"
        " one dimension.",
    )
