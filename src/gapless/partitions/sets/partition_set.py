"""An immutable set of partitions of one definition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from operator import and_, index, or_, sub
from typing import Any, SupportsIndex

from gapless.errors import InvocationError, PartitionSetFormatError, UnknownPartitionError, shown
from gapless.partitions.key_range import PartitionKeyRange, ends_of
from gapless.partitions.key_text import check_key, read_keys
from gapless.partitions.loading_context import current, current_store
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet, ProductSet, point_of
from gapless.partitions.sets.key_ranges import KeyRanges, keys_in, ranges_of
from gapless.partitions.sets.moments import possibly_later, same_but_for_dynamic_keys, words_of_names
from gapless.partitions.sets.serialised_set import Nonexistent, carry_set, read_set, write_set

__all__ = ["PartitionSet", "RestoredSet"]

_SHOWN = 3  # ranges in a repr


@dataclass(frozen=True, slots=True, repr=False)
class PartitionSet:
    """Partitions of one definition, whether or not they exist by now.

    Its cost follows its ranges, not its partitions. Keys are written when they are looked at.

    Attributes:
        definition: What they are partitions of.
        ordinals: Which; a `ProductSet` (by number) where the definition has dimensions. See `of_ordinals`.

    Raises:
        InvocationError: The ordinals are not of the definition's dimensions.
    """

    definition: OrderedKeys
    ordinals: OrdinalSet | ProductSet

    def __post_init__(self) -> None:
        given, rooms = self.ordinals, self.definition.rooms
        fits = given.rooms == rooms if isinstance(given, ProductSet) else isinstance(given, OrdinalSet) and not rooms
        if not fits:
            wanted = f"a ProductSet of {', '.join(self.definition.dimensions)}" if rooms else "an OrdinalSet"
            raise InvocationError(
                f"the ordinals of a set of {self.definition.describe()} are {shown(given)}, not {wanted}",
                "Write PartitionSet.of_ordinals(definition, ordinals), which takes an OrdinalSet.",
            )

    @classmethod
    def empty(cls, definition: OrderedKeys) -> PartitionSet:
        """No partitions."""
        return cls.of_ordinals(definition, OrdinalSet.empty())

    @classmethod
    def of_ordinals(cls, definition: OrderedKeys, ordinals: OrdinalSet) -> PartitionSet:
        """The partitions of these ordinals."""
        rooms = definition.rooms
        return cls(definition, ProductSet.of_numbers(rooms, ordinals) if rooms else ordinals)

    @classmethod
    def of_keys(cls, definition: OrderedKeys, keys: Iterable[str]) -> PartitionSet:
        """The partitions of these keys, future ones too.

        Raises:
            UnknownPartitionError: One of them is not a key of the definition.
            InvocationError: `keys` is a bare string, or holds what is not a string.
        """
        given = read_keys(keys)
        for key in given:
            check_key(key)
        wanted = dict.fromkeys(given)
        ordinals = definition.ordinals_of(wanted)
        if len(ordinals) < len(wanted):
            unknown = (key for key in wanted if definition.ordinal_of(key) is None)
            named = min(unknown) if isinstance(keys, Set) else next(unknown)  # a set has another order in each process
            raise UnknownPartitionError(None, named, extent=definition.describe())
        return cls.of_ordinals(definition, ordinals)

    @classmethod
    def of_range(cls, definition: OrderedKeys, key_range: PartitionKeyRange) -> PartitionSet:
        """The partitions from start to end, both inclusive, future ones too; none if they are reversed.

        Of several dimensions, those of the rectangle from one corner to the other.

        Raises:
            UnknownPartitionError: An end is not a key of the definition.
        """
        ends: list[int] = []
        for key in ends_of(key_range):
            check_key(key)
            ordinal = definition.ordinal_of(key)
            if ordinal is None:
                raise UnknownPartitionError(None, key, extent=definition.describe())
            ends.append(ordinal)
        dimensions = definition.dimensions.values()
        if not dimensions:
            return cls(definition, definition.between(*ends))
        corners = zip(dimensions, *(point_of(definition.rooms, end) for end in ends), strict=True)
        return cls(definition, definition.among([dimension.between(a, b) for dimension, a, b in corners]))

    @classmethod
    def existing(cls, definition: OrderedKeys, now: datetime) -> PartitionSet:
        """All partitions that exist at `now`."""
        return cls(definition, definition.product(now) if definition.dimensions else definition.existing(now))

    @classmethod
    def from_json(cls, definition: OrderedKeys, text: str) -> RestoredSet:
        """The set that `to_json` wrote, for this definition or for one whose keys mean the same.

        The bounds of the definition and its lists of keys may have changed since; what it no longer has is returned
        beside the set.

        Raises:
            PartitionSetFormatError: The text is not of that format, or was written for another cadence, timezone, key
                format, exclusions or dimensions.
        """
        ordinals, nonexistent = read_set(definition, text)
        return RestoredSet(cls(definition, ordinals), nonexistent)

    def to_json(self) -> str:
        """The set as text that outlives changes of the definition; see `from_json`."""
        return write_set(self.definition, self.ordinals)

    def flat(self) -> OrdinalSet:
        """The ordinals as the engine takes them."""
        return self.ordinals.flat()

    def carried_to(self, definition: OrderedKeys) -> RestoredSet:
        """The partitions of the same keys in another version of the definition, as `from_json` of `to_json` has them.

        Raises:
            InvocationError: The same key means something else there: another cadence, timezone, key format, …
        """
        if self._is_of(definition):
            return RestoredSet(self, Nonexistent(0, KeyRanges([])))
        if self.definition.key_facts() != definition.key_facts():
            raise InvocationError(
                f"the set is of another definition, {self.definition.describe()}, whose keys do not mean what those of"
                f" {definition.describe()} mean",
                "Give the definition that the set was made of, or an older or newer version of it.",
            )
        ordinals, nonexistent = carry_set(self.definition, self.ordinals, definition)
        return RestoredSet(PartitionSet(definition, ordinals), nonexistent)

    def _is_of(self, definition: OrderedKeys) -> bool:
        return definition is self.definition or definition == self.definition

    def _of(self, definition: OrderedKeys | None) -> PartitionSet:
        """The set in this definition: its own (None), or the same with the dynamic keys of another moment.

        One without keys means those that it has now, or those of the set if nobody says where they are.
        """
        if definition is None or self._is_of(definition):
            return self
        if not same_but_for_dynamic_keys(self.definition, definition):
            raise self._of_another(definition)
        if not definition.dynamic_keys:
            store = current_store(None)
            if store is None:
                return self
            definition = definition.resolved(store)
        carried = self.carried_to(definition)
        if gone := carried.nonexistent:
            raise InvocationError(
                f"the keys of {words_of_names(definition)} have changed since the set was made, and {gone}"
                f" {'is' if gone.count == 1 else 'are'} not among them any more",
                "Make the set again.",
            )
        return carried.partitions

    def _alike(self, other: PartitionSet) -> tuple[PartitionSet, PartitionSet]:
        """Both in one definition: where their dynamic keys are of two moments, in the later one."""
        if self._is_of(other.definition):
            return self, other
        if not same_but_for_dynamic_keys(self.definition, other.definition):
            raise self._of_another(other.definition)
        lacking = Nonexistent(0, KeyRanges([]))
        for later in possibly_later(self.definition, other.definition):
            mine, theirs = self.carried_to(later), other.carried_to(later)
            lacking = mine.nonexistent or theirs.nonexistent
            if not lacking:
                return mine.partitions, theirs.partitions
        raise InvocationError(
            f"the keys of {words_of_names(self.definition)} have changed between the making of the two sets"
            + (f", and only one of them can have {lacking}" if lacking else ", and in another way than by adding"),
            "Make the sets again.",
        )

    def _of_another(self, definition: OrderedKeys) -> InvocationError:
        return InvocationError(
            f"sets of two definitions cannot be combined: {self.definition.describe()}, and {definition.describe()}",
            "Map one to the other with a partition mapping",
        )

    def _joined(self, operation: Callable[[Any, Any], Any], other: PartitionSet) -> PartitionSet:
        if not isinstance(other, PartitionSet):
            return NotImplemented
        one, two = self._alike(other)
        return PartitionSet(one.definition, operation(one.ordinals, two.ordinals))  # one definition, one form

    def __or__(self, other: PartitionSet) -> PartitionSet:
        return self._joined(or_, other)

    def __and__(self, other: PartitionSet) -> PartitionSet:
        return self._joined(and_, other)

    def __sub__(self, other: PartitionSet) -> PartitionSet:
        return self._joined(sub, other)

    def complement(self, now: datetime) -> PartitionSet:
        """The partitions that exist at `now` and are not in the set."""
        return PartitionSet.existing(self.definition, now) - self

    def __contains__(self, key: object) -> bool:
        ordinal = self.definition.ordinal_of(key) if isinstance(key, str) else None
        return ordinal is not None and ordinal in self.ordinals

    def __len__(self) -> int:
        """As `size`, which is for sets of 2**63 partitions and more: Python bounds what `len` can say."""
        return len(self.ordinals)

    @property
    def size(self) -> int:
        """How many partitions there are in the set."""
        return self.ordinals.size

    def __bool__(self) -> bool:
        return bool(self.ordinals)

    def __iter__(self) -> Iterator[str]:
        """Keys, in the definition's order."""
        return keys_in(self.definition, self.ordinals)

    @property
    def first(self) -> str | None:
        """The first key; None if the set is empty."""
        return self.definition.key_at(self.ordinals.first()) if self else None

    @property
    def last(self) -> str | None:
        """The last key; None if the set is empty."""
        return self.definition.key_at(self.ordinals.last()) if self else None

    def head(self, count: int) -> PartitionSet:
        """The `count` first partitions, or all if there are fewer."""
        _check_count("count", count, 0)
        return PartitionSet(self.definition, self.ordinals.head(count))

    def tail(self, count: int) -> PartitionSet:
        """The `count` last partitions, or all if there are fewer."""
        _check_count("count", count, 0)
        return PartitionSet(self.definition, self.ordinals.tail(count))

    def ranges(self) -> Sequence[PartitionKeyRange]:
        """The set as ranges of keys, both ends inclusive; of several dimensions as rectangles.

        The keys of a range are written when it is looked at.
        """
        return ranges_of(self.definition, self.ordinals)

    def text(self, limit: int | None = None) -> str:
        """The set in the words of a selection: ``2024-01-01..2024-01-05, 2024-01-09``.

        Args:
            limit: So many ranges at most, from 1 on, and how many are left out; such a text is for people only. None
                for all.
        """
        if limit is not None:
            _check_count("limit", limit, 1)
        from gapless.partitions.sets.set_text import set_text  # commands that show no sets do not pay for its grammar

        return set_text(self.definition, self.ordinals, limit)

    def __repr__(self) -> str:
        count = self.size
        partitions = f"{count} partition{'s' * (count != 1)}"
        return f"PartitionSet({self.text(_SHOWN)}; {partitions} of {self.definition.describe()})"

    # What follows has Dagster's names. Where it takes a definition, that has to be the one of the set.

    @property
    def is_empty(self) -> bool:
        """Whether there are no partitions in the set."""
        return not self

    def get_partition_keys(self) -> Sequence[str]:
        """All keys, in the definition's order."""
        return list(self)

    def get_partition_keys_not_in_subset(
        self, partitions_def: OrderedKeys | None = None, current_time: datetime | None = None
    ) -> Sequence[str]:
        """The keys of the partitions that exist and are not in the set."""
        return list(self._of(partitions_def).complement(current(current_time)))

    def get_partition_key_ranges(self, partitions_def: OrderedKeys | None = None) -> Sequence[PartitionKeyRange]:
        """See `ranges`."""
        return self._of(partitions_def).ranges()

    def with_partition_keys(self, partition_keys: Iterable[str]) -> PartitionSet:
        """The set together with these keys; see `of_keys`."""
        return self | PartitionSet.of_keys(self.definition, partition_keys)

    def with_partition_key_range(
        self, partitions_def: OrderedKeys | None, partition_key_range: PartitionKeyRange
    ) -> PartitionSet:
        """The set together with a range; see `of_range`."""
        this = self._of(partitions_def)
        return this | PartitionSet.of_range(this.definition, partition_key_range)

    def empty_subset(self) -> PartitionSet:
        """The set of the same definition without partitions."""
        return PartitionSet.empty(self.definition)

    @classmethod
    def create_empty_subset(cls, partitions_def: OrderedKeys) -> PartitionSet:
        """See `empty`."""
        return cls.empty(partitions_def)

    def to_serializable_subset(self) -> PartitionSet:
        """Itself."""
        return self

    def serialize(self) -> str:
        """See `to_json`."""
        return self.to_json()

    @classmethod
    def from_serialized(cls, partitions_def: OrderedKeys, serialized: str) -> PartitionSet:
        """As `from_json`, where nothing may be lost.

        Raises:
            PartitionSetFormatError: As `from_json`; or the definition no longer has all partitions of the set.
        """
        restored = cls.from_json(partitions_def, serialized)
        if restored.nonexistent:
            raise PartitionSetFormatError(
                "partitions",
                f"the definition ({partitions_def.describe()}) no longer has {restored.nonexistent}",
                "PartitionSet.from_json() returns the others, and these beside them.",
            )
        return restored.partitions


def _check_count(name: str, value: object, low: int) -> None:
    if not isinstance(value, SupportsIndex) or index(value) < low:
        raise InvocationError(f"{name} is {shown(value)} ({type(value).__name__})", f"Write a number, {low} or more.")


@dataclass(frozen=True, slots=True)
class RestoredSet:
    """A set that was read from text.

    Attributes:
        partitions: What the definition has.
        nonexistent: What was in the set, and the definition no longer has.
    """

    partitions: PartitionSet
    nonexistent: Nonexistent
