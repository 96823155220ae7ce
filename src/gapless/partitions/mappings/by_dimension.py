"""Mappings where a side has several dimensions: each dimension is mapped by itself, and sets stay boxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from gapless.errors import DefinitionError, closest, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.dimensions.multi import MultiPartitionsDefinition
from gapless.partitions.mappings.by_key import IdentityPartitionMapping
from gapless.partitions.mappings.by_time import TimeWindowPartitionMapping
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping, described
from gapless.partitions.mappings.waiting import WaitPolicy
from gapless.partitions.ordinals import OrdinalSet, ProductSet
from gapless.partitions.windows.windowed import Windowed

__all__ = [
    "DimensionPartitionMapping",
    "MultiPartitionMapping",
    "MultiToSingleDimensionPartitionMapping",
    "fitting_dimensions",
    "mapping_of_dimensions",
]


def mapping_of_dimensions(up: PartitionsDefinition, down: PartitionsDefinition) -> PartitionMapping:
    """How two definitions without dimensions are tied if nothing is said: by time, or by key. It may not fit."""
    by_time = isinstance(up, Windowed) and isinstance(down, Windowed) and up != down
    return TimeWindowPartitionMapping() if by_time else IdentityPartitionMapping()


def fitting_dimensions(multi: MultiPartitionsDefinition, single: PartitionsDefinition) -> tuple[str, ...]:
    """The dimensions that `single` can be tied to: those that equal it, else its only one by time if that fits."""
    equal = tuple(name for name, dimension in multi.dimensions.items() if dimension == single)
    if equal or not single.is_time:
        return equal
    by_time = [name for name, dimension in multi.dimensions.items() if dimension.is_time]
    tied = len(by_time) == 1 and TimeWindowPartitionMapping().validate(multi.dimensions[by_time[0]], single) is None
    return tuple(by_time) if tied else ()


@dataclass(frozen=True, slots=True, repr=False)
class MultiToSingleDimensionPartitionMapping(PartitionMapping):
    """Ties one dimension of a definition that has several to a definition that has none, whichever reads the other.

    If upstream has the dimensions, everything that has what is read in that dimension is read; if downstream has them,
    only that dimension says what is read.

    Attributes:
        partition_dimension_name: Which dimension; None if only one fits: the one that equals the other definition, else
            the only one by time if the other is by time too.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: The name is not text.
    """

    partition_dimension_name: str | None = None
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        if self.partition_dimension_name is not None:
            _check_name("MultiToSingleDimensionPartitionMapping", self.partition_dimension_name)

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        multi, single, name = self._tied(up_def, down_def)
        place, dimension = list(multi.dimensions).index(name), multi.dimensions[name]
        if multi is up_def:
            mapped = mapping_of_dimensions(dimension, single).upstream(downstream, single, dimension, now)
            found = multi.product(now).where(place, mapped.partitions).flat()
            return MappedUpstream.of_dimensions(found, {name: mapped})
        side = _product(multi, downstream).side(place)
        return mapping_of_dimensions(single, dimension).upstream(side, dimension, single, now)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        multi, single, name = self._tied(up_def, down_def)
        place, dimension = list(multi.dimensions).index(name), multi.dimensions[name]
        if multi is up_def:
            side = _product(multi, upstream).side(place)
            return mapping_of_dimensions(dimension, single).downstream(side, single, dimension, now)
        readers = mapping_of_dimensions(single, dimension).downstream(upstream, dimension, single, now)
        return multi.product(now).where(place, readers).flat()

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        multi = [each for each in (up_def, down_def) if isinstance(each, MultiPartitionsDefinition)]
        single = [each for each in (up_def, down_def) if each is not None and not each.dimensions]
        if len(multi) != 1 or len(single) != 1:
            return "one must have several dimensions, and the other be partitioned and have none"
        names = ", ".join(map(repr, multi[0].dimensions))
        name = self.partition_dimension_name
        if name is None:
            fitting = fitting_dimensions(multi[0], single[0])
            if len(fitting) == 1:
                return None
            if not fitting:
                return f"no dimension equals or, by time, fits the other definition (there are {names})"
            return (
                f"the dimensions {' and '.join(map(repr, fitting))} both fit, so one has to be named:"
                f" MultiToSingleDimensionPartitionMapping({fitting[0]!r})"
            )
        if name not in multi[0].dimensions:
            return f"there is no dimension {name!r} (there are {names})"
        dimension = multi[0].dimensions[name]
        above, below = (dimension, single[0]) if multi[0] is up_def else (single[0], dimension)
        reason = mapping_of_dimensions(above, below).validate(above, below)
        return None if reason is None else f"dimension {name!r} ({described(dimension)}): {reason}"

    def _tied(
        self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None
    ) -> tuple[MultiPartitionsDefinition, PartitionsDefinition, str]:
        """The definition that has dimensions, the other one, and the name of the dimension that ties them.

        Raises:
            DefinitionError: Nothing ties them.
        """
        one, other = (up_def, down_def) if isinstance(up_def, MultiPartitionsDefinition) else (down_def, up_def)
        name = self.partition_dimension_name
        if isinstance(one, MultiPartitionsDefinition) and other is not None:
            name = name or "".join(fitting_dimensions(one, other)[:1])
            if name in one.dimensions:
                return one, other, name
        raise self._untied(up_def, down_def, self.validate(up_def, down_def))


@dataclass(frozen=True, slots=True)
class DimensionPartitionMapping:
    """How one dimension of upstream is tied to one of downstream; for `MultiPartitionMapping`.

    Attributes:
        dimension_name: The dimension of *downstream*.
        partition_mapping: How its partitions read those of the upstream dimension; what it waits for does not count.

    Raises:
        DefinitionError: The name is not text, or the mapping is none.
    """

    dimension_name: str
    partition_mapping: PartitionMapping

    def __post_init__(self) -> None:
        _check_name("DimensionPartitionMapping", self.dimension_name)
        given: Any = self.partition_mapping
        if not isinstance(given, PartitionMapping):
            raise DefinitionError(
                f"DimensionPartitionMapping: partition_mapping is {shown(given)}, not a mapping of partitions",
                f"Write for example DimensionPartitionMapping({self.dimension_name!r}, IdentityPartitionMapping()).",
            )


@dataclass(frozen=True, slots=True, repr=False)
class MultiPartitionMapping(PartitionMapping):
    """Ties definitions of several dimensions, dimension by dimension.

    An upstream dimension that is not named is read whole; one of downstream that is not named does not matter.

    Attributes:
        downstream_mappings_by_upstream_dimension: For a dimension of *upstream*, how it is tied, and to which.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: Something else; or two upstream dimensions that are tied to the same downstream one.
    """

    downstream_mappings_by_upstream_dimension: Mapping[str, DimensionPartitionMapping] = field(hash=False)
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        given: Any = self.downstream_mappings_by_upstream_dimension
        if not isinstance(given, Mapping) or not all(isinstance(m, DimensionPartitionMapping) for m in given.values()):
            raise DefinitionError(
                f"MultiPartitionMapping got {shown(given)}",
                'Write {"date": DimensionPartitionMapping("date", TimeWindowPartitionMapping())}: for a dimension of'
                " upstream, the one of downstream, and how they are tied.",
            )
        tied: dict[str, str] = {}
        for above, mapping in given.items():
            _check_name("MultiPartitionMapping", above)
            other = tied.setdefault(mapping.dimension_name, above)
            if other != above:
                raise DefinitionError(
                    f"MultiPartitionMapping ties the upstream dimensions {other!r} and {above!r} to the same downstream"
                    f" dimension {mapping.dimension_name!r}",
                    "Tie each to a dimension of its own, and leave out one that is read whole.",
                )
        object.__setattr__(self, "downstream_mappings_by_upstream_dimension", dict(given))

    @property
    def reads_only_earlier(self) -> bool:
        return any(name == below and mapping.reads_only_earlier for name, below, mapping in self._ties())

    def _ties(self) -> Iterator[tuple[str, str, PartitionMapping]]:
        """Upstream dimension, downstream dimension, mapping."""
        for above, mapping in self.downstream_mappings_by_upstream_dimension.items():
            yield above, mapping.dimension_name, mapping.partition_mapping

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        up, down = self._multi(up_def), self._multi(down_def)
        asked, names = _product(down, downstream), list(up.dimensions)
        lacking: dict[str, MappedUpstream] = {}
        ties: list[_Tie] = []
        for above, below, mapping in self._ties():
            read = partial(mapping.upstream, down_def=down.dimensions[below], up_def=up.dimensions[above], now=now)
            place = list(down.dimensions).index(below)
            lacking[above] = read(asked.side(place))
            ties.append((place, names.index(above), partial(_found, read)))
        return MappedUpstream.of_dimensions(_image(asked, ties, up.product(now)).flat(), lacking)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        up, down = self._multi(up_def), self._multi(down_def)
        ties: list[_Tie] = []
        for above, below, mapping in self._ties():
            readers = partial(mapping.downstream, down_def=down.dimensions[below], up_def=up.dimensions[above], now=now)
            ties.append((list(up.dimensions).index(above), list(down.dimensions).index(below), readers))
        return _image(_product(up, upstream), ties, down.product(now)).flat()

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if not isinstance(up_def, MultiPartitionsDefinition) or not isinstance(down_def, MultiPartitionsDefinition):
            return "both must have several dimensions"
        for above, below, mapping in self._ties():
            for name, definition, side in ((above, up_def, "upstream"), (below, down_def, "downstream")):
                if name not in definition.dimensions:
                    near = closest(name, definition.dimensions)
                    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(definition.dimensions)}"
                    return f"{side} has no dimension {name!r}; {meant}"
            one, other = up_def.dimensions[above], down_def.dimensions[below]
            reason = mapping.validate(one, other)
            if reason is not None:
                return (
                    f"the upstream dimension {above!r} ({one.describe()}) cannot be tied to {below!r}"
                    f" ({other.describe()}) by {type(mapping).__name__}: {reason}"
                )
        return None

    def _multi(self, definition: PartitionsDefinition | None) -> MultiPartitionsDefinition:
        if not isinstance(definition, MultiPartitionsDefinition):
            raise DefinitionError(
                f"MultiPartitionMapping ties several dimensions, and an asset is {described(definition)}",
                "Use MultiToSingleDimensionPartitionMapping or AllPartitionMapping.",
            )
        return definition


def _check_name(owner: str, name: object) -> None:
    if not isinstance(name, str) or not name:
        raise DefinitionError(
            f"{owner} got {shown(name)} ({type(name).__name__}) as the name of a dimension",
            "Write its name as text, for example 'date'.",
        )


def _product(multi: MultiPartitionsDefinition, ordinals: OrdinalSet) -> ProductSet:
    return ProductSet.of_numbers(multi.rooms, ordinals)


def _found(read: Callable[[OrdinalSet], MappedUpstream], side: OrdinalSet) -> OrdinalSet:
    return read(side).partitions


# The place of a dimension in what is mapped, that of the dimension it is tied to, and how that one follows from it.
_Tie = tuple[int, int, Callable[[OrdinalSet], OrdinalSet]]


def _image(given: ProductSet, ties: Sequence[_Tie], everything: ProductSet) -> ProductSet:
    """What of `everything` is tied to a point of `given` in all of these dimensions; the others do not matter.

    Dimensions are tied one to one, so the image of a box is the box of the images of its sides.
    """
    memo: dict[tuple[int, OrdinalSet], OrdinalSet] = {}
    sides = [OrdinalSet.span(0, room) for room in everything.rooms]
    boxes: set[tuple[OrdinalSet, ...]] = set()
    for box in given.boxes():
        image = list(sides)
        for source, target, follow in ties:
            side = box[source]
            if (target, side) not in memo:
                memo[target, side] = follow(side)
            image[target] = memo[target, side]
        boxes.add(tuple(image))
    found = ProductSet.union(everything.rooms, (ProductSet.box(everything.rooms, box) for box in boxes))
    return found & everything
