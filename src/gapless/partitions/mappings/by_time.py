"""Mappings between time windows: what overlaps, what came shortly before, and all that came before."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import datetime

from gapless.errors import DefinitionError, shown
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.mappings.alignment import Alignment
from gapless.partitions.mappings.mapped import NAMED, MappedUpstream
from gapless.partitions.mappings.mapping import PartitionMapping, described
from gapless.partitions.mappings.waiting import WaitPolicy, check_whole
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.ordinals.runs import Run
from gapless.partitions.windows.windowed import Windowed

__all__ = ["CumulativePartitionMapping", "RollingWindowPartitionMapping", "TimeWindowPartitionMapping"]

_FOREVER = 1 << 62  # after every window
_PIECE = 64  # windows that are looked at together before they are looked at one by one


class _ByTime(PartitionMapping):
    """What mappings between time windows share.

    In the terms of `Alignment`, all of them say which *span* of upstream ordinals a downstream window reads; spans may
    lie outside of upstream's definition, where they are required but nonexistent.
    """

    __slots__ = ()

    @abstractmethod
    def _spans(self, downstream: Sequence[Run], down: Windowed, up: Windowed, extent: int) -> list[Run]:
        """What these runs of downstream windows read, half-open, whether or not it exists."""

    @abstractmethod
    def _readers(self, upstream: Sequence[Run], under: Alignment) -> list[Run]:
        """Which downstream windows read these runs of upstream ones, whether or not they exist."""

    @abstractmethod
    def _reason(self, up_def: Windowed, down_def: Windowed) -> str | None:
        """Why the arguments make no sense, a clause; None if they do."""

    @property
    def _passes_over_nonexistent(self) -> bool:
        return False

    def upstream(
        self,
        downstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> MappedUpstream:
        down, up = self._windowed(down_def), self._windowed(up_def)
        if not downstream:
            return MappedUpstream(OrdinalSet.empty())
        extent = up.extent(now)
        spans = self._spans(downstream.runs, down, up, extent)
        found = _clipped(spans, extent)
        return MappedUpstream(found) if self._passes_over_nonexistent else _with_nonexistent(found, spans, up, extent)

    def downstream(
        self,
        upstream: OrdinalSet,
        down_def: PartitionsDefinition | None,
        up_def: PartitionsDefinition | None,
        now: datetime,
    ) -> OrdinalSet:
        down, up = self._windowed(down_def), self._windowed(up_def)
        if not upstream:
            return upstream
        extent = down.extent(now)
        readers = self._readers(upstream.runs, Alignment.between(up, down))
        return _clipped(readers, extent)

    def validate(self, up_def: PartitionsDefinition | None, down_def: PartitionsDefinition | None) -> str | None:
        if not isinstance(up_def, Windowed) or not isinstance(down_def, Windowed):
            return "both must have time windows"
        if up_def.timezone != down_def.timezone:
            return f"their timezones differ ({up_def.timezone} upstream, {down_def.timezone} downstream)"
        return self._reason(up_def, down_def)

    def _windowed(self, definition: PartitionsDefinition | None) -> Windowed:
        if not isinstance(definition, Windowed):
            raise DefinitionError(
                f"{type(self).__name__} ties time windows, and an asset is {described(definition)}",
                "Use AllPartitionMapping or LastPartitionMapping.",
            )
        return definition


def _clipped(spans: list[Run], extent: int) -> OrdinalSet:
    # Not min and max: there may be thousands.
    return OrdinalSet.of_runs([(a if a > 0 else 0, b if b < extent else extent) for a, b in spans])


def _with_nonexistent(found: OrdinalSet, spans: list[Run], up: Windowed, extent: int) -> MappedUpstream:
    """`found`, and what of `spans` lies outside of the `extent` partitions that exist."""
    ordinals: list[int] = []
    ranges: list[tuple[str, str]] = []
    count = 0
    until: int | None = None
    outside = [run for a, b in spans if a < 0 or b > extent for run in ((a, min(b, 0)), (max(a, extent), b))]
    for a, b in sorted(outside):
        a = a if until is None else max(a, until)  # neighbours may require the same coarse window
        if a >= b:
            continue
        until = b
        count += b - a
        ordinals.extend(range(a, min(b, a + NAMED - len(ordinals))))
        if len(ranges) < NAMED:
            ranges.append((up.unbounded_key(a), up.unbounded_key(b - 1)))
    later = until is not None and ordinals[0] >= 0 and until <= up.room
    return MappedUpstream(found, tuple(map(up.unbounded_key, ordinals)), count, tuple(ranges), later)


@dataclass(frozen=True, slots=True, repr=False)
class TimeWindowPartitionMapping(_ByTime):
    """Each downstream partition reads every upstream partition whose time window overlaps its own.

    Attributes:
        start_offset: Moves the start of what is read by so many *downstream* windows; -1 reads one earlier too.
        end_offset: Moves its end likewise; 1 reads one later too.
        allow_nonexistent_upstream_partitions: Whether windows that upstream does not have are passed over in silence.
            An offset never pushes a window over the first or last upstream partition that lies inside by itself.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: An offset is no whole number, or `start_offset` is after `end_offset`.
    """

    start_offset: int = 0
    end_offset: int = 0
    allow_nonexistent_upstream_partitions: bool = False
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        name = type(self).__name__
        start = check_whole(f"{name}: start_offset", self.start_offset)
        end = check_whole(f"{name}: end_offset", self.end_offset)
        if start > end:
            raise DefinitionError(
                f"{name}: start_offset {start} is after end_offset {end}, so nothing would be read",
                "Write the earlier one as start_offset.",
            )
        if not isinstance(self.allow_nonexistent_upstream_partitions, bool):
            raise DefinitionError(
                f"{name}: allow_nonexistent_upstream_partitions is {shown(self.allow_nonexistent_upstream_partitions)}",
                "Write True or False.",
            )

    @property
    def reads_only_earlier(self) -> bool:
        return self.start_offset <= self.end_offset < 0

    @property
    def _passes_over_nonexistent(self) -> bool:
        return self.allow_nonexistent_upstream_partitions

    def _reason(self, up_def: Windowed, down_def: Windowed) -> str | None:
        for name, offset in (("start_offset", self.start_offset), ("end_offset", self.end_offset)):
            if _leads_out(down_def, offset):
                return f"{name} {offset} leads out of the calendar"
        return None

    def _spans(self, downstream: Sequence[Run], down: Windowed, up: Windowed, extent: int) -> list[Run]:
        over = Alignment.between(down, up)
        start, end = self.start_offset, self.end_offset
        if start == end == 0:
            return over.over_runs(over.stretches(downstream))
        # An offset never pushes a window over an edge of what upstream has, if it lies inside by itself.
        under = Alignment.between(up, down)
        inside = under.over(-1, 0)[1] + start
        outside = under.over(extent, extent + 1)[0] + start
        moved = _cut([(a + start, b + start) for a, b in downstream], inside, outside)
        if start == end:
            moved = over.stretches(moved)
        spans = []
        for (a, _), (first, until) in zip(moved, over.over_runs([(a, b - start + end) for a, b in moved]), strict=True):
            if a >= inside:
                first, until = max(first, 0), max(until, 0)
            if a < outside:
                first, until = min(first, extent), min(until, extent)
            spans.append((first, until))
        return spans

    def _readers(self, upstream: Sequence[Run], under: Alignment) -> list[Run]:
        spans = under.over_runs(under.stretches(upstream))
        if self.start_offset == self.end_offset == 0:
            return spans
        return [(first - self.end_offset, end - self.start_offset) for first, end in spans]


@dataclass(frozen=True, slots=True, repr=False)
class RollingWindowPartitionMapping(_ByTime):
    """Each downstream partition reads the last so many upstream partitions that begin before its window ends.

    A day that reads hours with ``last=36`` reads its own 24 and the 12 before them. Near the first upstream partition
    there are fewer, which is passed over in silence; that the window itself is there is required.

    Attributes:
        last: How many, 1 or more, in *upstream* partitions; those that overlap the window are among them.
        wait_for: How much of what a partition reads must be there before it is made; by default all.

    Raises:
        DefinitionError: `last` is no whole number, or less than 1.
    """

    last: int
    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def __post_init__(self) -> None:
        PartitionMapping.__post_init__(self)
        check_whole("RollingWindowPartitionMapping: last", self.last, low=1)

    def _reason(self, up_def: Windowed, down_def: Windowed) -> str | None:
        return f"last {self.last} leads out of the calendar" if _leads_out(up_def, self.last) else None

    def _spans(self, downstream: Sequence[Run], down: Windowed, up: Windowed, extent: int) -> list[Run]:
        over = Alignment.between(down, up)
        pieces = downstream if over.one_to_one else [piece for run in downstream for piece in _pieces(run)]
        begins = over.over_runs([(a, a + 1) for a, _ in pieces])
        ends = over.over_runs([(b - 1, b) for _, b in pieces])
        spans: list[Run] = []
        alone: list[Run] = []  # windows so long that there may be gaps between what they read
        for (a, b), (first, end), (_, until) in zip(pieces, begins, ends, strict=True):
            if until - end <= self.last or over.one_to_one:
                spans.append((max(end - self.last, min(first, 0)), until))
            else:
                alone += [(n, n + 1) for n in range(a, b)]
        return spans + [(max(end - self.last, min(first, 0)), end) for first, end in over.over_runs(alone)]

    def _readers(self, upstream: Sequence[Run], under: Alignment) -> list[Run]:
        firsts = under.over_runs([(a, a + 1) for a, _ in upstream])
        ends = under.over_runs([(b - 1 + self.last, b + self.last) for _, b in upstream])
        return [(first, end) for (first, _), (end, _) in zip(firsts, ends, strict=True)]


@dataclass(frozen=True, slots=True, repr=False)
class CumulativePartitionMapping(_ByTime):
    """Each downstream partition reads every upstream partition that begins before its window ends.

    All from the first upstream partition on is required to exist, and so is what overlaps the window.

    Attributes:
        wait_for: How much of what a partition reads must be there before it is made; by default all.
    """

    _: KW_ONLY
    wait_for: WaitPolicy = WaitPolicy.all()  # noqa: RUF009  a value

    def _reason(self, up_def: Windowed, down_def: Windowed) -> str | None:
        return None

    def _spans(self, downstream: Sequence[Run], down: Windowed, up: Windowed, extent: int) -> list[Run]:
        over = Alignment.between(down, up)
        own = over.over_runs(over.stretches(downstream))
        return [*own, (0, own[-1][1])]

    def _readers(self, upstream: Sequence[Run], under: Alignment) -> list[Run]:
        first = upstream[0][0]
        return [(under.over(first, first + 1)[0], _FOREVER)]


def _pieces(run: Run) -> list[Run]:
    a, b = run
    return [(n, min(b, n + _PIECE)) for n in range(a, b, _PIECE)]


def _leads_out(definition: Windowed, ordinal: int) -> bool:
    try:
        definition.boundary(ordinal)
    except OverflowError:
        return True
    return False


def _cut(runs: list[Run], *places: int) -> Sequence[Run]:
    """These runs, ascending, cut at these places where they lie inside of one."""
    for place in places:
        at = next((i for i, (a, b) in enumerate(runs) if a < place < b), None)
        if at is not None:
            a, b = runs[at]
            runs[at : at + 1] = [(a, place), (place, b)]
    return runs
