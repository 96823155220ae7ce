"""Partitions that are time windows between the ticks of a cron schedule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

from gapless.errors import (
    DefinitionError,
    ExcludedPartitionError,
    InvocationError,
    PartitionKeyError,
    PartitionRangeError,
    PartitionsDefinitionError,
)
from gapless.partitions.civil.cron import ScheduleType
from gapless.partitions.key_range import PartitionKeyRange, ends_of
from gapless.partitions.key_text import check_key
from gapless.partitions.loading_context import current
from gapless.partitions.ordered_keys import DynamicPartitionsStore
from gapless.partitions.ordinals import OrdinalSet
from gapless.partitions.sets.partition_set import PartitionSet
from gapless.partitions.window import TimeWindow
from gapless.partitions.windows.arguments import (
    check_keys,
    check_reach,
    cron_of_offsets,
    read_bounds,
    read_format,
    read_int,
    read_zone,
)
from gapless.partitions.windows.exclusions import Exclusion, read_exclusions
from gapless.partitions.windows.windowed import Windowed

__all__ = ["TimeWindowPartitionsDefinition"]


class TimeWindowPartitionsDefinition(Windowed):
    """Windows from one tick of a cron schedule to the next, named by their start.

    A partition exists once its window has ended. Ticks are civil times in `timezone`: a fixed time that the clocks skip
    moves to the end of the gap, one that comes twice means the second; schedules that repeat each hour tick in both
    passes of a repeated hour, and the key of the second gets the UTC offset: ``2024-11-03-01:00-0500``.

    Args:
        start: The first window is the first that starts at or after it. Text in `fmt`, or a datetime, which is civil
            time in `timezone` (a timezone of its own is dropped, not converted).
        fmt: How keys are written, as ``strftime`` takes it.
        end: No window ends after it; None for no end. As `start`.
        schedule_type: A common cadence, moved by the offsets; instead of `cron_schedule`.
        timezone: IANA name; None is UTC.
        end_offset: How many more windows exist before they have ended, or, negative, how many fewer.
        minute_offset: Minute of the hour at which windows start, 0 to 59.
        hour_offset: Hour of the day, 0 to 23; not hourly.
        day_offset: Weekly: 0 (Sunday) to 6, 7 is Sunday too. Monthly: 1 to 31; months without that day are skipped.
        cron_schedule: Five fields, or a macro such as ``@daily``.
        exclusions: Windows that do not exist; the others stay as long as they are. In a list: a cron schedule excludes
            the windows that start at its ticks, a date those that start on it, a datetime (civil time in `timezone`)
            the one that starts then, and a function, given the start, those for which it returns True. A function is
            asked about each window once, and no further than needed; dates and crons cost less.

    Attributes:
        start: As given, timezone-aware; the first window may start later.
        end: As given, timezone-aware, exclusive; or None.
        timezone: IANA name.
        fmt: The key format, as ``strftime`` takes it.
        end_offset: How many more windows exist before they have ended, or, negative, how many fewer.
        cron_schedule: As given, or what the offsets amount to.
        exclusions: What is excluded, a tuple; datetimes timezone-aware.
        schedule_type: The common cadence that the cron schedule is, however it is written; None if it is none of them.
        minute_offset, hour_offset, day_offset: What the cron schedule says; a DefinitionError if it says several.

    Raises:
        PartitionsDefinitionError: Arguments that do not make a definition.
    """

    def __init__(
        self,
        start: datetime | str,
        fmt: str,
        end: datetime | str | None = None,
        schedule_type: ScheduleType | None = None,
        timezone: str | None = None,
        end_offset: int = 0,
        minute_offset: int | None = None,
        hour_offset: int | None = None,
        day_offset: int | None = None,
        cron_schedule: str | None = None,
        exclusions: Iterable[Exclusion] | Callable[[datetime], bool] | None = None,
    ) -> None:
        if cron_schedule is not None:
            if schedule_type is not None or minute_offset or hour_offset or day_offset:
                raise PartitionsDefinitionError(
                    "cron_schedule is given together with schedule_type or an offset",
                    "The cron schedule says it all; leave the others out.",
                )
        elif schedule_type is None:
            raise PartitionsDefinitionError(
                "neither cron_schedule nor schedule_type is given", "Write for example cron_schedule='0 0 * * *'."
            )
        else:
            cron_schedule = cron_of_offsets(schedule_type, minute_offset, hour_offset, day_offset)
        zone, form = read_zone(timezone), read_format(fmt)
        try:
            first, last = read_bounds(start, end, zone, form)
            offset = read_int("end_offset", end_offset)
            self._define(first, last, zone.name, fmt, offset, cron_schedule, read_exclusions(exclusions, zone))
            check_keys(form, self._cron.text, self._base, zone, self.start)
            check_reach(offset, self._base)
        except OverflowError:
            raise PartitionsDefinitionError(
                f"start_date {start!s:.80} or end_date {end!s:.80} is out of the calendar",
                "Write dates of the years 2 to 9990; leave end_date out for no end.",
            ) from None

    # What follows has Dagster's names. A window or a neighbour is found for any key that strptime reads, whether or
    # not that partition exists; ask `has_partition_key` for that.

    def _base_number(self, key: str) -> int:
        """The number of the first window that starts at or after what `key` says, excluded ones counted; unbounded."""
        check_key(key)
        read = self._format.read(key) or self._format.read_loosely(key)
        if read is None:
            raise PartitionKeyError(key, f"a key like {self.unbounded_key(0)!r} (format {self.fmt!r})")
        try:
            number = self._named(self._base, read)
            self._base.end(number)
        except OverflowError:
            raise PartitionKeyError(key, f"a key like {self.unbounded_key(0)!r}, of the years 1 to 9999") from None
        return number

    def _ordinal_from(self, key: str) -> int:
        """The ordinal of that window, unbounded."""
        start = self._base.tick(self._base_number(key)).instant
        with self._reaching(f"partition {key!r}"):
            ordinal = self._grid.number(start)
            if self.exclusions and self._grid.tick(ordinal).instant != start:
                raise self._excluded(key, ordinal)
        return ordinal

    def _excluded(self, what: str, following: int) -> ExcludedPartitionError:
        near = tuple(self.unbounded_key(n) for n in (following - 1, following))
        return ExcludedPartitionError(what, f"a partition of: {self.describe()}", near)

    def is_window_start_excluded(self, window_start: datetime) -> bool:
        """Whether a window that would start then is excluded; False too if none would."""
        instant = math.ceil(self._instant(window_start))
        with self._reaching(window_start):
            ours = self._base.tick(self._base.number(instant)).instant == self._instant(window_start)
            return ours and self._grid.tick(self._grid.number(instant)).instant != instant

    def time_window_for_partition_key(self, partition_key: str) -> TimeWindow:
        """What the partition covers.

        Raises:
            PartitionKeyError: The key cannot be read, or the partition is excluded (a ValueError).
        """
        ordinal = self.ordinal_of(partition_key)  # which is the faster way, where it leads anywhere
        return self._window(self._ordinal_from(partition_key) if ordinal is None else ordinal)

    def start_time_for_partition_key(self, partition_key: str) -> datetime:
        """The first instant of the partition.

        Raises:
            PartitionKeyError: The key cannot be read, or the partition is excluded (a ValueError).
        """
        return self.time_window_for_partition_key(partition_key).start

    def end_time_for_partition_key(self, partition_key: str) -> datetime:
        """The first instant after the partition.

        Raises:
            PartitionKeyError: The key cannot be read, or the partition is excluded (a ValueError).
        """
        return self.time_window_for_partition_key(partition_key).end

    def time_windows_for_partition_keys(
        self, partition_keys: Iterable[str], validate: bool = True, current_time: datetime | None = None
    ) -> Sequence[TimeWindow]:
        """The windows of these keys, ascending; `validate` drops those that do not exist.

        Raises:
            PartitionKeyError: A key cannot be read, or it is excluded and is not to be dropped.
        """
        if not validate:
            return [self._window(n) for n in sorted(set(map(self._ordinal_from, partition_keys)))]
        starts = sorted({self._base.tick(self._base_number(key)).instant for key in partition_keys})
        extent = self.extent(current(current_time))
        last = self._window(extent - 1).start.timestamp() if extent else -math.inf
        found = ((self._grid.number(start), start) for start in starts if start <= last)
        return [self._window(n) for n, start in found if n >= 0 and self._grid.tick(n).instant == start]

    def less_than(self, partition_key1: str, partition_key2: str) -> bool:
        """Whether the first partition starts before the second.

        Raises:
            PartitionKeyError: A key cannot be read (a ValueError).
        """
        return self._base_number(partition_key1) < self._base_number(partition_key2)

    def get_partition_key(self, key: str | date | datetime, current_time: datetime | None = None) -> str:
        """The key of a partition that exists, from text or a date.

        Raises:
            PartitionKeyError: There is none (a ValueError).
        """
        text = key if isinstance(key, str) else key.strftime(self.fmt)
        now = current(current_time)
        if not self.has_partition_key(text, now):
            raise PartitionKeyError(text, f"one of {self.describe_extent(now)}")
        return text

    def get_next_partition_key(self, partition_key: str, current_time: datetime | None = None) -> str | None:
        """The key after this one; None if that partition does not exist.

        Raises:
            PartitionKeyError: The key cannot be read (a ValueError).
            InvocationError: It is too far away to know what the exclusions leave out in between.
        """
        instant = self._base.tick(self._base_number(partition_key)).instant
        with self._reaching(f"partition {partition_key!r}"):
            following = self._grid.number(instant + 1)
            return self.unbounded_key(following) if self.exists(following, current(current_time)) else None

    def get_first_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The window of the first partition; None if none exists."""
        return self._window(0) if self.extent(current(current_time)) else None

    def get_last_partition_window(self, current_time: datetime | None = None) -> TimeWindow | None:
        """The window of the last partition; None if none exists."""
        extent = self.extent(current(current_time))
        return self._window(extent - 1) if extent else None

    def get_next_partition_window(
        self, end_dt: datetime, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> TimeWindow | None:
        """The first window that starts at or after `end_dt`; None if that is after the last partition, or none exists.

        Args:
            respect_bounds: False for the windows before and after those of the definition too; then never None.

        Raises:
            InvocationError: `end_dt` is out of the calendar, or too far away.
        """
        with self._reaching(end_dt):
            following = self._first_at_or_after(end_dt)
            if respect_bounds and self.extent(current(current_time)) <= max(0, following):
                return None
            return self._window(following)

    def get_prev_partition_window(
        self, start_dt: datetime, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> TimeWindow | None:
        """The last window that ends at or before `start_dt`; None if it is before the first partition, or none exists.

        Args:
            respect_bounds: False for the windows before and after those of the definition too; then never None.

        Raises:
            InvocationError: `start_dt` is out of the calendar, or too far away.
        """
        with self._reaching(start_dt):
            previous = self._first_open_at(start_dt) - 1
            if respect_bounds and (previous < 0 or not self.extent(current(current_time))):
                return None
            return self._window(previous)

    def get_partition_key_for_timestamp(self, timestamp: float, end_closed: bool = False) -> str:
        """The label of the window that contains an instant, also outside of the definition.

        Args:
            timestamp: Seconds since 1970-01-01T00:00Z.
            end_closed: At a boundary, take the window that ends there, not the one that begins.

        Raises:
            ExcludedPartitionError: That window is excluded (a ValueError).
        """
        if not math.isfinite(timestamp):
            raise InvocationError(f"timestamp is {timestamp}, not a moment", "Write seconds since 1970-01-01T00:00Z.")
        inside = math.ceil(timestamp) - 1 if end_closed else math.floor(timestamp)
        with self._reaching(f"timestamp {timestamp:.80g}"):
            ordinal = self._grid.open_at(inside)
            if self.exclusions and self._grid.tick(ordinal).instant > inside:
                raise self._excluded(str(self._zone.aware(inside)), ordinal)
            return self.unbounded_key(ordinal)

    def _within(self, time_window: TimeWindow) -> range:
        with self._reaching(f"{time_window.start} to {time_window.end}"):
            return range(self._first_at_or_after(time_window.start), self._first_at_or_after(time_window.end))

    def get_partition_subset_in_time_window(self, time_window: TimeWindow) -> PartitionSet:
        """The partitions whose windows start inside `time_window`, future ones too."""
        inside = self._within(time_window)
        ordinals = OrdinalSet.span(self._bounded(inside.start), self._bounded(inside.stop))
        return PartitionSet.of_ordinals(self, ordinals)

    def get_partition_keys_in_time_window(self, time_window: TimeWindow) -> Sequence[str]:
        """The labels of the windows that start inside `time_window`, also outside of the definition."""
        return [self.unbounded_key(n) for n in self._within(time_window)]

    def get_num_partitions_in_window(self, time_window: TimeWindow) -> int:
        """How many windows start inside `time_window`, also outside of the definition."""
        return len(self._within(time_window))

    def has_any_partitions_in_window(self, time_window: TimeWindow) -> bool:
        """Whether a window starts inside `time_window`, also outside of the definition."""
        return bool(self._within(time_window))

    def get_partition_key_range_for_time_window(
        self, time_window: TimeWindow, respect_bounds: bool = True, current_time: datetime | None = None
    ) -> PartitionKeyRange:
        """From the first window that ends after the start to the last one that ends by the end, both inclusive.

        Args:
            respect_bounds: False for a last window before or after those of the definition too.

        Raises:
            PartitionRangeError: No partition ends by the end of `time_window`.
        """
        last = self.get_prev_partition_window(time_window.end, respect_bounds, current_time)
        if last is None:
            raise PartitionRangeError(
                f"{time_window.start} to {time_window.end}", "no partition ends in it", f"a span in {self.describe()}"
            )
        start = self.unbounded_key(self._first_open_at(time_window.start))
        return PartitionKeyRange(start, self.get_partition_key_for_timestamp(last.start.timestamp()))

    def get_partition_keys_in_range(
        self, partition_key_range: PartitionKeyRange, dynamic_partitions_store: DynamicPartitionsStore | None = None
    ) -> Sequence[str]:
        """The keys from start to end, both inclusive; future ones too; none if they are reversed.

        An end that is excluded bounds the range all the same.

        Raises:
            PartitionKeyError: An end cannot be read.
            InvocationError: An end is too far away to know what the exclusions leave out in between.
            PartitionRangeError: The range begins before the definition or ends after its end date.
        """
        start, end = ends_of(partition_key_range)
        first, last = self._base_number(start), self._base_number(end)
        outside = "begins before" if first < 0 else None
        if self.end is not None and last >= max(0, self._base.open_at(math.floor(self.end.timestamp()))):
            outside = "ends after"
        if outside:
            raise PartitionRangeError(
                f"{start}..{end}", f"it {outside} the definition ({self.describe()})", "keys of its partitions"
            )
        begin, stop = self._base.tick(first).instant, self._base.tick(last).instant + 1
        with self._reaching(f"{start}..{end}"):
            return self.keys_of(OrdinalSet.span(self._grid.number(begin), self._grid.number(stop)))

    def equal_except_for_start_or_end(self, other: TimeWindowPartitionsDefinition) -> bool:
        """Whether the two differ at most in where they begin and end."""
        return self._identity[2:] == other._identity[2:]

    def _field(self, place: int, name: str) -> int:
        text = self._cron.canonical.split()[place]
        if not text.isdigit():
            raise DefinitionError(f"{self.cron_schedule!r} has no single {name}")
        return int(text)

    @property
    def minute_offset(self) -> int:
        """Minute of the hour at which windows start, 0 to 59.

        Raises:
            DefinitionError: They start at several.
        """
        return self._field(0, "minute")

    @property
    def hour_offset(self) -> int:
        """Hour of the day at which windows start, 0 to 23.

        Raises:
            DefinitionError: They start at several.
        """
        return self._field(1, "hour")

    @property
    def day_offset(self) -> int:
        """Day of the week (0, Sunday, to 6) of a weekly cadence, else of the month (1 to 31), at which windows start.

        Raises:
            DefinitionError: They start on several.
        """
        if self.schedule_type is ScheduleType.WEEKLY:
            return self._field(4, "day of the week")
        return self._field(2, "day of the month")

    def get_cron_schedule(
        self,
        minute_of_hour: int | None = None,
        hour_of_day: int | None = None,
        day_of_week: int | None = None,
        day_of_month: int | None = None,
    ) -> str:
        """When a schedule for these partitions ticks: as windows begin, unless an argument says another time.

        Raises:
            DefinitionError: The cadence does not have what is to be replaced.
        """
        given = (minute_of_hour, hour_of_day, day_of_week, day_of_month)
        if all(value is None for value in given):
            return self._cron.text
        kind = self.schedule_type
        if kind is None:
            raise DefinitionError(
                "minute_of_hour, hour_of_day, day_of_week and day_of_month do not apply to partitions of the cron"
                f" schedule {self.cron_schedule!r}",
                "They replace parts of an hourly, daily, weekly or monthly cadence.",
            )
        refused = {
            ScheduleType.HOURLY: {"hour_of_day": hour_of_day, "day_of_week": day_of_week, "day_of_month": day_of_month},
            ScheduleType.DAILY: {"day_of_week": day_of_week, "day_of_month": day_of_month},
            ScheduleType.WEEKLY: {"day_of_month": day_of_month},
            ScheduleType.MONTHLY: {"day_of_week": day_of_week},
        }[kind]
        for name, value in refused.items():
            if value is not None:
                raise DefinitionError(f"{name} does not apply to {kind.value.lower()} partitions", f"Leave {name} out.")
        minute = self.minute_offset if minute_of_hour is None else minute_of_hour
        hour, day = None, None
        if kind is not ScheduleType.HOURLY:
            hour = self.hour_offset if hour_of_day is None else hour_of_day
        if kind is ScheduleType.WEEKLY:
            day = self.day_offset if day_of_week is None else day_of_week
        elif kind is ScheduleType.MONTHLY:
            day = self.day_offset if day_of_month is None else day_of_month
        return cron_of_offsets(kind, minute, hour, day)
