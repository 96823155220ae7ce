"""Time windows by number: which there are, when, and which exist at a moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

from gapless.errors import GaplessError, InvocationError
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.cron_grid import grid_of
from gapless.partitions.civil.key_format import KeyFormat
from gapless.partitions.civil.sieve import TooFarError
from gapless.partitions.civil.sieved_grid import HoledGrid
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.window import TimeWindow
from gapless.partitions.windows.arguments import read_zone
from gapless.partitions.windows.exclusions import Exclusion, holed, identity_of, said, shown, too_many_calls

__all__ = ["OPEN_END", "WindowNumbers"]

OPEN_END = 1 << 36  # more minutes than until the year 9999
_holed_grids: WeakValueDictionary[tuple[object, ...], HoledGrid] = WeakValueDictionary()


class WindowNumbers(PartitionsDefinition):
    """What `Windowed` knows of time, and nothing of keys.

    Attributes:
        start: As given, timezone-aware; the first window may start later.
        end: As given, timezone-aware, exclusive; or None.
        timezone: IANA name.
        fmt: The key format, as ``strftime`` takes it.
        end_offset: How many more windows exist before they have ended, or, negative, how many fewer.
        cron_schedule: As given, or what the offsets amount to.
        exclusions: As given; datetimes timezone-aware.
    """

    start: datetime
    end: datetime | None
    timezone: str
    fmt: str
    end_offset: int
    cron_schedule: str
    exclusions: tuple[Exclusion, ...]

    def _define(
        self,
        start: datetime,
        end: datetime | None,
        timezone: str,
        fmt: str,
        end_offset: int,
        cron_schedule: str,
        exclusions: tuple[Exclusion, ...],
    ) -> None:
        self.start, self.end, self.exclusions = start, end, exclusions
        self.timezone, self.fmt, self.end_offset, self.cron_schedule = timezone, fmt, end_offset, cron_schedule
        self._cron = Cron.parse(cron_schedule)
        self._zone, self._format = read_zone(timezone), KeyFormat(fmt)
        # All windows of the schedule, and those that are not excluded.
        self._base = self._grid = grid_of(self._cron, self._zone, math.ceil(start.timestamp()))
        total = None if end is None else max(0, self._base.open_at(math.floor(end.timestamp())))
        if exclusions and total != 0:
            # Functions are asked only once, however many definitions of the process say the same.
            said = (math.ceil(start.timestamp()), total, timezone, self._cron, identity_of(exclusions))
            grid = _holed_grids.get(said) or holed(self._base, self._zone, self._cron, exclusions, total)
            self._grid = _holed_grids.setdefault(said, grid)
        else:  # nothing can be excluded of no windows
            self._total = total

    @cached_property
    def _total(self) -> int | None:
        """How many partitions there will ever be; None without an end. A function is asked about all of them."""
        return None if self.end is None else max(0, self._grid.open_at(math.floor(self.end.timestamp())))

    @cached_property
    def unexcluded(self) -> WindowNumbers:
        return _restored(type(self), (*self._facts()[:-1], ())) if self.exclusions else self

    def to_unexcluded(self, ordinals: OrdinalSet) -> OrdinalSet:
        grid = self._grid
        if not isinstance(grid, HoledGrid):
            return ordinals
        return OrdinalSet.of_runs(run for first, end in ordinals.runs for run in grid.base_runs(first, end))

    def of_unexcluded(self, ordinals: OrdinalSet) -> OrdinalSet:
        grid = self._grid
        if not isinstance(grid, HoledGrid):
            return ordinals
        return OrdinalSet.of_runs(grid.kept(first, end) for first, end in ordinals.runs)

    def _facts(self) -> tuple[Any, ...]:
        return self.start, self.end, self.timezone, self.fmt, self.end_offset, self.cron_schedule, self.exclusions

    @cached_property
    def cadence(self) -> tuple[object, ...]:
        """What definitions with the same windows share, but for where they start and end; hashable."""
        return self.timezone, self._cron, identity_of(self.exclusions)

    def numbers_like(self, other: WindowNumbers) -> bool:
        """Whether both have the same windows, before the start and after the end too, numbered but for a constant."""
        if self.cadence != other.cadence:
            return False
        # A function excludes within a definition only.
        return not any(map(callable, self.exclusions)) or self._identity[:2] == other._identity[:2]

    @cached_property
    def _identity(self) -> tuple[object, ...]:
        end = None if self.end is None else self.end.timestamp()
        return self.start.timestamp(), end, self.fmt, self.end_offset, self.cadence

    @cached_property
    def _hash(self) -> int:
        return hash(self._identity)

    @property
    def said(self) -> str:
        return self._text(self._cron.canonical, str(sorted(set(map(said, self.exclusions)))))

    def __reduce__(self) -> tuple[Any, ...]:
        # Grids hold locks and caches; they are rebuilt from the facts.
        return _restored, (type(self), self._facts())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, WindowNumbers):
            return NotImplemented
        return self is other or self._identity == other._identity

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return self._text(self.cron_schedule, shown(self.exclusions))

    def _text(self, cron: str, exclusions: str) -> str:
        parts = [f"start={self.start.replace(tzinfo=None)!r}", f"fmt={self.fmt!r}"]
        if self.end is not None:
            parts.append(f"end={self.end.replace(tzinfo=None)!r}")
        parts.append(f"timezone={self.timezone!r}")
        if self.end_offset:
            parts.append(f"end_offset={self.end_offset}")
        parts.append(f"cron_schedule={cron!r}")
        if self.exclusions:
            parts.append(f"exclusions={exclusions}")
        return f"TimeWindowPartitionsDefinition({', '.join(parts)})"

    @property
    def is_time(self) -> bool:
        return True

    @property
    def finer_than_day(self) -> bool:
        """True if windows may be shorter than a civil day."""
        return len(self._cron.times) > 1

    # Ordinals. Negative ones are windows before the first partition; they exist for messages and mappings only.

    def _instant(self, moment: datetime) -> float:
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone.info)).timestamp()

    def _first_open_at(self, moment: datetime) -> int:
        """The ordinal of the first window that ends after `moment`, unbounded."""
        return self._grid.open_at(math.floor(self._instant(moment)))

    def _first_at_or_after(self, moment: datetime) -> int:
        """The ordinal of the first window that starts at or after `moment`, unbounded."""
        return self._grid.number(math.ceil(self._instant(moment)))

    def _bounded(self, ordinal: int) -> int:
        ordinal = max(0, ordinal)
        return ordinal if self._total is None else min(ordinal, self._total)

    @property
    def room(self) -> int:
        return OPEN_END if self._total is None else max(1, self._total)

    def existing(self, now: datetime) -> OrdinalSet:
        return OrdinalSet.span(0, self.extent(now))

    def count(self, now: datetime) -> int:
        return self.extent(now)

    def exists(self, ordinal: int, now: datetime) -> bool:
        return 0 <= ordinal < self.extent(now)

    def extent(self, now: datetime) -> int:
        """How many partitions exist at `now`: the ordinals ``0`` to ``extent - 1``."""
        try:
            closed = self._first_open_at(now) + self.end_offset
            # A positive end_offset lets the first partition exist as soon as that many windows *begin* before its end.
            if self.end_offset > 0 and closed <= 0 and self._first_at_or_after(now) + self.end_offset >= 1:
                closed = 1
        except OverflowError as error:
            if self._instant(now) < self.start.timestamp():
                return 0
            if self._total is not None:
                return self._total
            raise self._out_of_reach(now, error) from None
        return self._bounded(closed)

    @contextmanager
    def _reaching(self, moment: object) -> Iterator[None]:
        """Refuses a moment that is outside of the calendar, or of what is known of the exclusions.

        Raises:
            InvocationError: It is.
            PartitionsDefinitionError: It would be with any definition that asks a function so often.
        """
        try:
            yield
        except OverflowError as error:
            raise self._out_of_reach(moment, error) from None

    def _out_of_reach(self, moment: object, error: OverflowError) -> GaplessError:
        if not isinstance(error, TooFarError):
            return InvocationError(f"{moment} is out of the calendar", "Ask about a time of the years 2 to 9990.")
        if any(map(callable, self.exclusions)):
            return too_many_calls(self.exclusions, f"from {self.start} to {moment}")
        return InvocationError(
            f"{moment} is too far from {self.start} to know what the exclusions leave out in between",
            "Ask about a time that is nearer.",
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Refuses a calendar that ends, as a function without an `end_date`."""
        try:
            yield
        except TooFarError:
            if any(map(callable, self.exclusions)):
                raise too_many_calls(self.exclusions, f"from {self.start} on") from None
            raise

    def closed_by(self, instant: datetime) -> int:
        """How many partitions have ended by `instant`; `end_offset` does not count."""
        return self._bounded(self._first_open_at(instant))

    def _has(self, ordinal: int) -> bool:
        """Whether there ever is such a partition."""
        return ordinal >= 0 and (self._total is None or ordinal < self._total)

    def _check(self, ordinal: int) -> None:
        if not self._has(ordinal):
            raise IndexError(f"there is no partition number {ordinal}; the definition is {self.describe()}")

    def window_at(self, ordinal: int) -> TimeWindow:
        """What a partition covers, in the definition's timezone; of one that exists only in the future too.

        Raises:
            IndexError: There never is such a partition.
        """
        self._check(ordinal)
        try:
            return self._window(ordinal)
        except OverflowError:
            raise IndexError(f"partition number {ordinal} would be after the year 9999") from None

    def _window(self, ordinal: int) -> TimeWindow:
        aware, grid = self._zone.aware, self._grid
        return TimeWindow.tiled(aware(grid.tick(ordinal).instant), aware(grid.end(ordinal)))

    def windows_of(self, ordinals: OrdinalSet) -> list[TimeWindow]:
        """What partitions cover, ascending; as `window_at`, in bulk.

        Raises:
            IndexError: There never is one of them.
        """
        if not ordinals:
            return []
        self._check(ordinals.last())
        aware, grid, numbers = self._zone.aware, self._grid, list(ordinals)
        try:
            starts, ends = map(aware, grid.instants(numbers)), map(aware, grid.ends(numbers))
            return list(map(TimeWindow.tiled, starts, ends))
        except OverflowError:
            raise IndexError(f"partition number {ordinals.last()} would be after the year 9999") from None

    def ordinal_containing(self, instant: datetime) -> int | None:
        """The partition whose window contains `instant`, future ones too; None in a hole, and before and after them."""
        ordinal = self._first_open_at(instant)
        if not self._has(ordinal):
            return None
        return ordinal if not self.exclusions or self._grid.tick(ordinal).instant <= self._instant(instant) else None

    def overlapping(self, window: TimeWindow) -> tuple[int, int]:
        """The half-open ordinals of partitions that overlap `window`; future ones too, within start and end."""
        first, end = self.overlapping_unbounded(window)
        return self._bounded(first), self._bounded(end)

    def overlapping_unbounded(self, window: TimeWindow) -> tuple[int, int]:
        """The windows that overlap `window`, half-open; before the start (negative ordinals) and after the end too."""
        return self._first_open_at(window.start), self._first_at_or_after(window.end)

    def boundary(self, ordinal: int) -> datetime:
        """When the window of that ordinal starts, outside of the definition too.

        That is not when the window before it ends: excluded windows leave holes. See `window_bounds`.
        """
        return self._zone.aware(self._grid.tick(ordinal).instant)

    def window_bounds(self, first: int, end: int) -> TimeWindow:
        """From the start of window `first` to the end of window ``end - 1``, outside of the definition too.

        There may be holes in between; `stretches` splits at them.

        Raises:
            ValueError: `end` is not after `first`.
            PartitionsDefinitionError: A function would have to be asked too often to know.
        """
        if end <= first:
            raise ValueError(f"no windows from {first} to before {end}")
        with self._asking():
            return TimeWindow(self.boundary(first), self._zone.aware(self._grid.end(end - 1)))

    def stretches(self, first: int, end: int) -> list[tuple[int, int]]:
        """The windows ``[first, end)`` as half-open runs of windows that touch: the next run begins after a hole."""
        if isinstance(self._grid, HoledGrid):
            return self._grid.stretches(first, end)
        return [(first, end)] if first < end else []

    def spans(self, first: int, end: int) -> list[tuple[int, int]]:
        """When each of the windows ``[first, end)`` starts and ends, in bulk; outside of the definition too.

        In seconds since 1970-01-01T00:00Z, ascending.

        Raises:
            PartitionsDefinitionError: A function would have to be asked too often to know.
        """
        numbers = range(first, end)
        with self._asking():
            return list(zip(self._grid.instants(numbers), self._grid.ends(numbers), strict=True))

    def overlapping_spans(self, spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        """`overlapping_unbounded` for each of these, in bulk.

        Args:
            spans: As `spans` makes them, in seconds; starts and ends ascending.
        """
        first = self._grid.all_open_at([start for start, _ in spans])
        return list(zip(first, self._grid.numbers([end for _, end in spans]), strict=True))


def _restored(cls: type[WindowNumbers], facts: tuple[Any, ...]) -> WindowNumbers:
    definition = cls.__new__(cls)
    definition._define(*facts)
    return definition
