"""Reading what a user writes for a time window definition; every refusal names the argument and the fix."""

from __future__ import annotations

import math
from datetime import date, datetime, time
from operator import index
from typing import Any
from zoneinfo import ZoneInfoNotFoundError, available_timezones

from gapless.errors import PartitionsDefinitionError, closest, shown
from gapless.partitions.civil.cron import ScheduleType
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.key_format import KeyFormat
from gapless.partitions.civil.zone import DAY, LATEST, Zone, civil_datetime, plain
from gapless.partitions.key_text import fault_in_key

__all__ = ["check_keys", "check_reach", "cron_of_offsets", "read_bounds", "read_format", "read_int", "read_zone"]

_CENTURY = 36525 * DAY
_WEEKDAYS = "0 (Sunday) to 6 (Saturday)"


def read_zone(timezone: object) -> Zone:
    """The zone named `timezone`; UTC for None.

    Raises:
        PartitionsDefinitionError: There is none of that name.
    """
    if timezone is None:
        return Zone.named("UTC")
    if not isinstance(timezone, str):
        raise PartitionsDefinitionError(
            f"timezone is {timezone!r}, not a string", "Write an IANA name such as 'Europe/Berlin'."
        )
    try:
        return Zone.named(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # an empty name is that of a directory
        near = closest(timezone, available_timezones())
        meant = f"Did you mean {' or '.join(map(repr, near))}?" if near else "Write an IANA name like 'Europe/Berlin'."
        raise PartitionsDefinitionError(f"there is no timezone {timezone!r}", meant) from None


def read_bounds(start: object, end: object, zone: Zone, fmt: KeyFormat) -> tuple[datetime, datetime | None]:
    """Where a definition begins and ends, in `zone`; see `_read_bound`.

    Raises:
        PartitionsDefinitionError: One of them cannot be read, they are not told in the same timezone, or they run
            backwards. A definition that ends where it starts has no partitions.
    """
    if isinstance(start, datetime) and isinstance(end, datetime) and not _agree(start, end):
        raise PartitionsDefinitionError(
            f"start_date is {_zone_words(start)}, but end_date is {_zone_words(end)}",
            f"Write both as civil time in timezone={zone.name!r}, without a timezone of their own.",
        )
    first = _read_bound("start_date", start, zone, fmt)
    last = None if end is None else _read_bound("end_date", end, zone, fmt)
    if last is not None and last.timestamp() < first.timestamp():
        raise PartitionsDefinitionError(
            f"end_date {last:%Y-%m-%d %H:%M} is before start_date {first:%Y-%m-%d %H:%M}",
            "Write the later one as end_date; leave it out for no end.",
        )
    return first, last


def _agree(start: datetime, end: datetime) -> bool:
    """Whether two datetimes are in the same timezone, or both in none."""
    if start.tzinfo is None or end.tzinfo is None:
        return start.tzinfo is end.tzinfo
    # By what they mean: UTC has several spellings.
    return all(
        moment.replace(tzinfo=start.tzinfo).utcoffset() == moment.replace(tzinfo=end.tzinfo).utcoffset()
        for moment in (start, end)
    )


def _zone_words(moment: datetime) -> str:
    return "without a timezone" if moment.tzinfo is None else f"in timezone {moment.tzinfo}"


def _read_bound(name: str, value: object, zone: Zone, fmt: KeyFormat) -> datetime:
    """A start or end as an instant in `zone`.

    Text is read with the key format; a datetime is civil time in the definition's timezone, whatever its own is.

    Raises:
        PartitionsDefinitionError: It is neither, or the text does not fit the format.
    """
    if isinstance(value, date) and value != value:  # NaT of pandas
        raise PartitionsDefinitionError(f"{name} is {value!r}, which is no date", f"Write {name}='2024-01-01'.")
    if isinstance(value, datetime):
        return plain(value, zone)
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=zone.info)
    if not isinstance(value, str):
        raise PartitionsDefinitionError(
            f"{name} is {shown(value)}, not a string or a datetime", f"Write {name}={_example(fmt, zone, value)!r}."
        )
    read = fmt.read_loosely(value)
    if read is None:
        example = _example(fmt, zone, value)
        if fmt.read_loosely(example) is None:
            raise _unreadable(fmt, example)
        raise PartitionsDefinitionError(
            f"{name} {shown(value)} does not fit the key format {fmt.text!r}",
            f"Write {name}={example!r}, or pass a datetime.",
        )
    if read.offset is not None:
        return zone.aware(read.civil - read.offset)
    return civil_datetime(read.civil).replace(tzinfo=zone.info)


def _example(fmt: KeyFormat, zone: Zone, value: object) -> str:
    """The value in the right format if it can be guessed, so that the fix can be pasted."""
    try:
        guess = datetime.fromisoformat(str(value))
    except ValueError:
        guess = datetime(2024, 1, 1)
    return guess.replace(tzinfo=zone.info).strftime(fmt.text)


def _unreadable(fmt: KeyFormat, key: str) -> PartitionsDefinitionError:
    return PartitionsDefinitionError(
        f"keys of the format {fmt.text!r} cannot be read back: {key!r}",
        "Use only directives that strptime knows, for example '%Y-%m-%d'.",
    )


def read_format(fmt: object) -> KeyFormat:
    """A key format.

    Raises:
        PartitionsDefinitionError: It is none, or makes keys that no key can be.
    """
    if not isinstance(fmt, str) or "%" not in fmt:
        raise PartitionsDefinitionError(f"fmt is {shown(fmt)}, not a format", "Write for example fmt='%Y-%m-%d'.")
    if fault := fault_in_key(fmt):
        raise PartitionsDefinitionError(f"fmt is {shown(fmt)}, which {fault[0]}", fault[1])
    return KeyFormat(fmt)


def read_int(name: str, value: Any, low: int | None = None, high: int | None = None, expected: str = "") -> int:
    """An integer argument within inclusive bounds.

    Raises:
        PartitionsDefinitionError: It is not.
    """
    wanted = expected or (f"{low} to {high}" if low is not None else "a whole number")
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise PartitionsDefinitionError(f"{name} is {shown(value)}, of type {type(value).__name__}; expected {wanted}")
    number = index(value)
    if (low is not None and number < low) or (high is not None and number > high):
        raise PartitionsDefinitionError(f"{name} is {number}; expected {wanted}")
    return number


def cron_of_offsets(schedule_type: object, minute: object, hour: object, day: object) -> str:
    """The cron schedule of a cadence.

    Args:
        day: Weekly: 0 (Sunday) to 6, 7 is Sunday too. Monthly: 1 to 31, 0 is 1 too. None for the default.

    Raises:
        PartitionsDefinitionError: An offset that is out of bounds, or that the cadence does not have.
    """
    if not isinstance(schedule_type, ScheduleType):
        names = "', '".join(ScheduleType.__members__)
        raise PartitionsDefinitionError(
            f"schedule_type is {shown(schedule_type)}, not a ScheduleType: one of '{names}'",
            "Write for example DailyPartitionsDefinition('2024-01-01'), or cron_schedule='0 0 * * *'.",
        )
    m = read_int("minute_offset", 0 if minute is None else minute, 0, 59)
    h = read_int("hour_offset", 0 if hour is None else hour, 0, 23)
    if schedule_type is ScheduleType.WEEKLY:
        return f"{m} {h} * * {read_int('day_offset', 0 if day is None else day, 0, 7, _WEEKDAYS) % 7}"
    if schedule_type is ScheduleType.MONTHLY:
        return f"{m} {h} {read_int('day_offset', 1 if day is None else day, 0, 31, '1 to 31') or 1} * *"
    if day:
        raise PartitionsDefinitionError(f"day_offset is {day!r}, but the cadence is {schedule_type.value.lower()}")
    if schedule_type is ScheduleType.DAILY:
        return f"{m} {h} * * *"
    if h:
        raise PartitionsDefinitionError(f"hour_offset is {hour!r}, but the cadence is hourly")
    return f"{m} * * * *"


def check_reach(end_offset: int, grid: Grid) -> None:
    """Refuses an `end_offset` that reaches further than a century.

    Raises:
        PartitionsDefinitionError: It does.
    """
    try:
        reach = abs(grid.tick(end_offset).instant - grid.tick(0).instant)
    except OverflowError:
        reach = LATEST
    if reach > _CENTURY:
        raise PartitionsDefinitionError(
            f"end_offset is {end_offset:,}: so many windows are more than a century",
            "It is how many windows exist before they have ended, usually 0 or 1.",
        )


def check_keys(fmt: KeyFormat, cron: str, grid: Grid, zone: Zone, start: datetime) -> None:
    """Refuses a format whose keys do not read back as their own windows.

    The first windows and some that are up to two years later are tried: a part that is missing from a format
    repeats within an hour, a day, a month or a year.

    Raises:
        PartitionsDefinitionError: A key that cannot be read, or that names another window.
    """
    begin = math.ceil(start.timestamp())
    numbers = {*range(26), *(grid.number(begin + days * DAY + DAY // 2) for days in (1, 2, 9, 32, 70, 100, 400, 600))}
    for number in sorted(numbers):
        tick = grid.tick(number)
        key = fmt.write(tick.civil, tick.offset, zone, suffix=tick.repeated)
        read = fmt.read(key)
        if read is None:
            raise _unreadable(fmt, key)
        named = grid.labelled(read.civil) if read.offset is None else grid.number(read.civil - read.offset)
        if named != number:
            window = f"{civil_datetime(tick.civil):%Y-%m-%d %H:%M}"
            raise PartitionsDefinitionError(
                f"the key format {fmt.text!r} does not tell the partitions of {cron!r} apart: the one that starts at"
                f" {window} would get the key {key!r}, which names another",
                "Add what is missing to fmt, for example '%Y-%m-%d-%H:%M'.",
            )
