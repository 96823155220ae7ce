"""Time windows by ordinal: what every definition of windows can do, whatever its constructor is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from gapless.partitions.arguments import read_zone
from gapless.partitions.civil.cron import Cron, ScheduleType
from gapless.partitions.civil.cron_grid import grid_of
from gapless.partitions.civil.key_format import KeyFormat, ReadKey, guess_key
from gapless.partitions.definition import PartitionsDefinition
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.window import TimeWindow

__all__ = ["Windowed"]

_OPEN_END = 1 << 36  # more minutes than until the year 9999
_COMMON = re.compile(r"\d+ (?P<hour>\d+|\*) (?P<day>\d+|\*) \* (?P<weekday>\d+|\*)")
_KINDS = {
    # hour, day of month and day of week are "*"
    (True, True, True): ScheduleType.HOURLY,
    (False, True, True): ScheduleType.DAILY,
    (False, True, False): ScheduleType.WEEKLY,
    (False, False, True): ScheduleType.MONTHLY,
}


class Windowed(PartitionsDefinition):
    """The algebra of `TimeWindowPartitionsDefinition`; built by it only.

    Attributes:
        start: As given, timezone-aware; the first window may start later.
        end: As given, timezone-aware, exclusive; or None.
        timezone: IANA name.
        fmt: The key format, as ``strftime`` takes it.
        end_offset: How many more windows exist before they have ended, or, negative, how many fewer.
        cron_schedule: As given, or what the offsets amount to.
    """

    start: datetime
    end: datetime | None
    timezone: str
    fmt: str
    end_offset: int
    cron_schedule: str

    def _define(
        self, start: datetime, end: datetime | None, timezone: str, fmt: str, end_offset: int, cron_schedule: str
    ) -> None:
        self.start, self.end = start, end
        self.timezone, self.fmt, self.end_offset, self.cron_schedule = timezone, fmt, end_offset, cron_schedule
        self._cron = Cron.parse(cron_schedule)
        self._zone, self._format = read_zone(timezone), KeyFormat(fmt)
        first = math.ceil(start.timestamp())
        self._grid = grid_of(self._cron, self._zone, first)
        # How many there will ever be; None without an end.
        self._total = None if end is None else max(0, self._last_at_or_before(end))
        if end is not None and end.timestamp() <= start.timestamp():
            self._total = 0

    def _facts(self) -> tuple[Any, ...]:
        return self.start, self.end, self.timezone, self.fmt, self.end_offset, self.cron_schedule

    def _identity(self) -> tuple[Any, ...]:
        end = None if self.end is None else self.end.timestamp()
        return (self.start.timestamp(), end, *self._facts()[2:])

    def __reduce__(self) -> tuple[Any, ...]:
        # Grids hold locks and caches; they are rebuilt from the facts.
        return _restored, (type(self), self._facts())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Windowed):
            return NotImplemented
        return self is other or self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self._identity())

    def __repr__(self) -> str:
        parts = [f"start={self.start.replace(tzinfo=None)!r}", f"fmt={self.fmt!r}"]
        if self.end is not None:
            parts.append(f"end={self.end.replace(tzinfo=None)!r}")
        parts.append(f"timezone={self.timezone!r}")
        if self.end_offset:
            parts.append(f"end_offset={self.end_offset}")
        parts.append(f"cron_schedule={self.cron_schedule!r}")
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

    def _last_at_or_before(self, moment: datetime) -> int:
        """The ordinal of the last window that starts at or before `moment`, unbounded."""
        return self._grid.number(math.floor(self._instant(moment)) + 1) - 1

    def _first_at_or_after(self, moment: datetime) -> int:
        """The ordinal of the first window that starts at or after `moment`, unbounded."""
        return self._grid.number(math.ceil(self._instant(moment)))

    def _bounded(self, ordinal: int) -> int:
        ordinal = max(0, ordinal)
        return ordinal if self._total is None else min(ordinal, self._total)

    @property
    def room(self) -> int:
        return _OPEN_END if self._total is None else max(1, self._total)

    def existing(self, now: datetime) -> OrdinalSet:
        return OrdinalSet.span(0, self.extent(now))

    def count(self, now: datetime) -> int:
        return self.extent(now)

    def exists(self, ordinal: int, now: datetime) -> bool:
        return 0 <= ordinal < self.extent(now)

    def extent(self, now: datetime) -> int:
        """How many partitions exist at `now`: the ordinals ``0`` to ``extent - 1``."""
        closed = self._last_at_or_before(now) + self.end_offset
        # A positive end_offset lets the first partition exist as soon as that many windows *begin* before its end.
        if self.end_offset > 0 and closed <= 0 and self._first_at_or_after(now) + self.end_offset >= 1:
            closed = 1
        return self._bounded(closed)

    def closed_by(self, instant: datetime) -> int:
        """How many partitions have ended by `instant`; `end_offset` does not count."""
        return self._bounded(self._last_at_or_before(instant))

    def unbounded_key(self, ordinal: int) -> str:
        """The label of a window outside of the definition too (a negative ordinal: before it), for messages.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        tick = self._grid.tick(ordinal)
        return self._format.write(tick.civil, tick.offset, self._zone, suffix=tick.repeated)

    def _check(self, ordinal: int) -> None:
        if ordinal < 0 or (self._total is not None and ordinal >= self._total):
            raise IndexError(f"there is no partition number {ordinal}; the definition is {self.describe()}")

    def key_at(self, ordinal: int) -> str:
        self._check(ordinal)
        try:
            return self.unbounded_key(ordinal)
        except OverflowError:
            raise IndexError(f"partition number {ordinal} would be after the year 9999") from None

    def keys_of(self, ordinals: OrdinalSet) -> list[str]:
        if not ordinals:
            return []
        self._check(ordinals.last())
        if not self._format.is_fast:
            return [self.key_at(n) for n in ordinals]
        grid, write_all = self._grid, self._format.write_all
        try:
            return [key for a, b in ordinals.runs for key in write_all(grid.labels(a, b))]
        except OverflowError:
            raise IndexError(f"partition number {ordinals.last()} would be after the year 9999") from None

    def ordinal_of(self, key: str) -> int | None:
        read = self._format.read(key) if isinstance(key, str) else None
        if read is None:
            return None
        try:
            guess = self._grid.guess(read.civil) if self._format.is_fast and read.offset is None else None
            if guess is not None and self._format.write(guess[1], 0, self._zone, suffix=False) == key:
                # No two partitions share a key, so whoever has it is the one.
                ordinal = guess[0]
                return ordinal if ordinal >= 0 and (self._total is None or ordinal < self._total) else None
            ordinal = self._named(read)
            if ordinal < 0 or (self._total is not None and ordinal >= self._total):
                return None
            return ordinal if self.unbounded_key(ordinal) == key else None
        except OverflowError:
            return None

    def _named(self, read: ReadKey) -> int:
        """The ordinal of the first window whose label is what was read, or later; unbounded."""
        if read.offset is None:
            return self._grid.labelled(read.civil)
        return self._grid.number(read.civil - read.offset)

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        wanted = {key for key in keys if isinstance(key, str)}
        if len(wanted) < 50:
            return super().ordinals_of(wanted)
        # Keys mostly come as ranges: writing all keys between the two ends and looking them up is ten times faster
        # than reading each. The ends are those of text order, which is a guess; what it misses is read.
        ends = [n for n in map(self.ordinal_of, (min(wanted), max(wanted))) if n is not None]
        table: dict[str, int] = {}
        if len(ends) == 2 and 0 <= ends[1] - ends[0] <= 16 * len(wanted):
            span = OrdinalSet.span(ends[0], ends[1] + 1)
            table = dict(zip(self.keys_of(span), span, strict=True))
            if wanted == table.keys():
                return span
        found = OrdinalSet.of(table[key] for key in wanted if key in table)
        return found | super().ordinals_of(key for key in wanted if key not in table)

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
        start, end = self._grid.tick(ordinal), self._grid.tick(ordinal + 1)
        return TimeWindow(self._zone.aware(start.instant), self._zone.aware(end.instant))

    def ordinal_containing(self, instant: datetime) -> int | None:
        """The partition whose window contains `instant`, future ones too; None outside of start and end."""
        ordinal = self._last_at_or_before(instant)
        return None if ordinal < 0 or (self._total is not None and ordinal >= self._total) else ordinal

    def overlapping(self, window: TimeWindow) -> tuple[int, int]:
        """The half-open ordinals of partitions that overlap `window`; future ones too, within start and end."""
        first, end = self.overlapping_unbounded(window)
        return self._bounded(first), self._bounded(end)

    def overlapping_unbounded(self, window: TimeWindow) -> tuple[int, int]:
        """As `overlapping`, with windows before the start (negative ordinals) and after the end of the definition."""
        return self._last_at_or_before(window.start), self._first_at_or_after(window.end)

    def boundary(self, ordinal: int) -> datetime:
        """When the window of that ordinal starts, outside of the definition too."""
        return self._zone.aware(self._grid.tick(ordinal).instant)

    # Words.

    @property
    def schedule_type(self) -> ScheduleType | None:
        """The common cadence that the cron schedule is; None if it is none of them."""
        match = _COMMON.fullmatch(self._cron.text)
        if match is None:
            return None
        return _KINDS.get((match["hour"] == "*", match["day"] == "*", match["weekday"] == "*"))

    def describe(self) -> str:
        kind = self.schedule_type
        cadence = kind.value.lower() if kind is not None else f"cron {self.cron_schedule!r}"
        try:
            text = f"{cadence} from {self.unbounded_key(0)}"
        except OverflowError:
            text = f"{cadence} from {self.start}"
        if self.end is not None:
            text += f" to before {self.end.strftime(self.fmt)}"
        return text if self.timezone == "UTC" else f"{text} ({self.timezone})"

    def describe_extent(self, now: datetime) -> str:
        extent = self.extent(now)
        if extent == 0:
            return "none" if self._total == 0 else "none yet"
        return self.key_at(0) if extent == 1 else f"{self.key_at(0)} to {self.key_at(extent - 1)}"

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        extent = self.extent(now)
        if extent == 0 or limit < 1:
            return ()
        read = self._format.read_loosely(key) or guess_key(key)
        if read is None:
            return (self.key_at(extent - 1),)
        try:
            meant = self._named(read)
            exact = 0 <= meant < extent and self._format.read(self.unbounded_key(meant)) == read
        except OverflowError:
            return (self.key_at(extent - 1),)
        if exact:
            return (self.key_at(meant),)
        meant -= 1  # the one before and the one after
        near = (meant, meant + 1) if meant >= 0 else (0,)
        return tuple(self.key_at(n) for n in near if n < extent)[:limit] or (self.key_at(extent - 1),)


def _restored(cls: type[Windowed], facts: tuple[Any, ...]) -> Windowed:
    definition = cls.__new__(cls)
    definition._define(*facts)
    return definition
