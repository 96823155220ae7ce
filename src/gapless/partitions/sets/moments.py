"""The same dynamic partitions at two moments: keys were added and removed in between, and mean what they did."""

from __future__ import annotations

from collections.abc import Mapping

from gapless.partitions.ordered_keys import OrderedKeys

__all__ = ["HeldKeys", "possibly_later", "same_but_for_dynamic_keys", "words_of_names"]


class HeldKeys:
    """A store of the dynamic keys that a definition holds, and of no others.

    Args:
        keys: By name; see `OrderedKeys.dynamic_keys`.
    """

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self._keys = keys

    def get_dynamic_partitions(self, partitions_def_name: str) -> tuple[str, ...]:
        """The keys of that name, in the order in which they were added.

        Raises:
            KeyError: The definition holds none of that name.
        """
        return self._keys[partitions_def_name]


def same_but_for_dynamic_keys(one: OrderedKeys, other: OrderedKeys) -> bool:
    """Whether both are the same dynamic definition, at whatever moment their keys were looked up, if they were."""
    if not one.dynamic_names or one.dynamic_names != other.dynamic_names:
        return False
    holding, asked = (one, other) if one.dynamic_keys else (other, one)
    return (asked.resolved(HeldKeys(holding.dynamic_keys)) if holding.dynamic_keys else asked) == holding


def possibly_later(one: OrderedKeys, other: OrderedKeys) -> list[OrderedKeys]:
    """Which of two moments of the same definition may be the later one; where both may, that with more keys first."""
    found = [later for later, earlier in ((one, other), (other, one)) if _may_precede(earlier, later)]
    return sorted(found, key=lambda each: -sum(map(len, each.dynamic_keys.values())))


def _may_precede(earlier: OrderedKeys, later: OrderedKeys) -> bool:
    """Whether adding at the end, and removing, leads from the one to the other."""
    for name, keys in earlier.dynamic_keys.items():
        then = later.dynamic_keys.get(name, ())
        kept = set(then).intersection(keys)
        if then[: len(kept)] != tuple(key for key in keys if key in kept):
            return False
    return True


def words_of_names(definition: OrderedKeys) -> str:
    """Its dynamic partitions: ``the dynamic partitions 'customers', 'shops'``."""
    return f"the dynamic partitions {', '.join(map(repr, sorted(definition.dynamic_names)))}"
