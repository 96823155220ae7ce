"""Time windows by key: what every definition of windows can do, whatever its constructor is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from gapless.errors import UnknownPartitionError
from gapless.partitions.civil.cron import ScheduleType
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.key_format import ReadKey, guess_key, read_stretch
from gapless.partitions.civil.zone import DAY
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.windows.exclusions import words_of
from gapless.partitions.windows.window_numbers import OPEN_END, WindowNumbers

__all__ = ["Windowed"]

_COMMON = re.compile(r"\d+ (?P<hour>\d+|\*) (?P<day>\d+|\*) \* (?P<weekday>\d+|\*)")
_KINDS = {
    # hour, day of month and day of week are "*"
    (True, True, True): ScheduleType.HOURLY,
    (False, True, True): ScheduleType.DAILY,
    (False, True, False): ScheduleType.WEEKLY,
    (False, False, True): ScheduleType.MONTHLY,
}


class Windowed(WindowNumbers):
    """The algebra of `TimeWindowPartitionsDefinition`; built by it only."""

    def unbounded_key(self, ordinal: int) -> str:
        """The label of a window outside of the definition too (a negative ordinal: before it), for messages.

        Raises:
            OverflowError: Outside the years 1 to 9999.
        """
        tick = self._grid.tick(ordinal)
        return self._format.write(tick.civil, tick.offset, self._zone, suffix=tick.repeated)

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
            # A key that was read in full reads as no other key does, and no two partitions share one.
            if guess is not None and (
                guess[1] == read.civil or self._format.write(guess[1], 0, self._zone, suffix=False) == key
            ):
                ordinal = guess[0]
                return ordinal if self._has(ordinal) else None
            ordinal = self._named(self._grid, read)
            return ordinal if self._has(ordinal) and self.unbounded_key(ordinal) == key else None
        except OverflowError:
            return None

    def unbounded_ordinal(self, key: str) -> int | None:
        read = self._format.read(key) if isinstance(key, str) else None
        try:
            ordinal = None if read is None else self._named(self._grid, read)
            return ordinal if ordinal is not None and self.unbounded_key(ordinal) == key else None
        except OverflowError:
            return None

    def key_facts(self) -> Mapping[str, object]:
        return {"kind": "time", "cron": self._cron.canonical, "timezone": self.timezone, "fmt": self.fmt}

    def _named(self, grid: Grid, read: ReadKey) -> int:
        """The number in a grid of the first window whose label is what was read, or later; unbounded."""
        return grid.labelled(read.civil) if read.offset is None else grid.number(read.civil - read.offset)

    def ordinals_of(self, keys: Iterable[str]) -> OrdinalSet:
        wanted = {key for key in keys if isinstance(key, str)}
        if len(wanted) < 50:
            return super().ordinals_of(wanted)
        # Keys mostly come as ranges: writing all keys between the two ends and seeing which are wanted is many times
        # faster than reading each. The ends are those of text order, which is a guess; what it misses is read.
        ends = [n for n in map(self.ordinal_of, (min(wanted), max(wanted))) if n is not None]
        found = OrdinalSet.empty()
        if len(ends) == 2 and 0 <= ends[1] - ends[0] <= 16 * len(wanted):
            written = self.keys_of(OrdinalSet.span(ends[0], ends[1] + 1))
            found = OrdinalSet.of([n for n, key in enumerate(written, ends[0]) if key in wanted])
            wanted.difference_update(written)
        return found | super().ordinals_of(wanted)

    def labelled_from(self, text: str, now: datetime | None) -> OrdinalSet | None:
        stretch = read_stretch(text)
        return None if stretch is None else self._shown_from(stretch[0], self._there(now))

    def labelled_until(self, text: str, now: datetime | None) -> OrdinalSet | None:
        stretch, there = read_stretch(text), self._there(now)
        return None if stretch is None else there - self._shown_from(stretch[1], there)

    def _there(self, now: datetime | None) -> OrdinalSet:
        if now is not None:
            return self.existing(now)
        return OrdinalSet.span(0, OPEN_END if self._total is None else self._total)

    def _shown_from(self, civil: int, existing: OrdinalSet) -> OrdinalSet:
        """Those of `existing` whose label is `civil` or later.

        Not one run where a clock goes back: what it shows again comes later, and some of it is labelled earlier.
        """
        if not existing or self._grid.tick(existing.first()).instant - DAY >= civil:
            return existing
        # Far away the clock is not asked: a mistyped year must not take seconds.
        is_bounded = existing.last() < OPEN_END - 1
        if is_bounded and self._grid.tick(existing.last()).instant + DAY < civil:
            return OrdinalSet.empty()
        try:
            return self._clock_shows_from(civil) & existing
        except OverflowError:  # of the year 9999
            return OrdinalSet.empty()

    def _clock_shows_from(self, civil: int) -> OrdinalSet:
        number = self._grid.number
        spans = self._zone.offsets(civil - DAY, civil + DAY).shown_from(civil)
        runs = [*((number(start), number(end)) for start, end in spans), (number(civil + DAY), OPEN_END)]
        return OrdinalSet.of_runs((max(a, 0), b) for a, b in runs)

    # Words.

    @property
    def schedule_type(self) -> ScheduleType | None:
        """The common cadence that the cron schedule is; None if it is none of them."""
        match = _COMMON.fullmatch(self._cron.canonical)
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
        if self.timezone != "UTC":
            text += f" ({self.timezone})"
        return f"{text}, except {words_of(self.exclusions)}" if self.exclusions else text

    def describe_extent(self, now: datetime) -> str:
        extent = self.extent(now)
        if extent == 0:
            return "none" if self._total == 0 else "none yet"
        return self.key_at(0) if extent == 1 else f"{self.key_at(0)} to {self.key_at(extent - 1)}"

    def unknown(self, key: str, now: datetime, asset: str | None = None) -> UnknownPartitionError:
        error = super().unknown(key, now, asset)
        if self.exclusions and self._excludes(key):
            error.reason = "it is excluded"
        return error

    def _excludes(self, key: str) -> bool:
        """Whether this is exactly the key of a window that is excluded."""
        read = self._format.read(key)
        try:
            tick = None if read is None else self._base.tick(self._named(self._base, read))
            return (
                tick is not None
                and self._grid.tick(self._grid.number(tick.instant)).instant != tick.instant
                and self._format.write(tick.civil, tick.offset, self._zone, suffix=tick.repeated) == key
            )
        except OverflowError:
            return False

    def nearest_keys(self, key: str, now: datetime, limit: int = 3) -> tuple[str, ...]:
        extent = self.extent(now)
        if extent == 0 or limit < 1:
            return ()
        read = self._format.read_loosely(key) or guess_key(key)
        if read is None:
            return (self.key_at(extent - 1),)
        try:
            meant = self._named(self._grid, read)
            exact = 0 <= meant < extent and self._format.read(self.unbounded_key(meant)) == read
        except OverflowError:
            return (self.key_at(extent - 1),)
        if exact:
            return (self.key_at(meant),)
        meant -= 1  # the one before and the one after
        near = (meant, meant + 1) if meant >= 0 else (0,)
        return tuple(self.key_at(n) for n in near if n < extent)[:limit] or (self.key_at(extent - 1),)
