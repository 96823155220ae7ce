"""Slow and obvious: step through the wall clock minute by minute with zoneinfo."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

ZONES = [
    "UTC",
    "Africa/Cairo",
    "Africa/Casablanca",
    "America/Anchorage",
    "America/Asuncion",
    "America/Caracas",
    "America/Havana",
    "America/New_York",
    "America/Nuuk",
    "America/Sao_Paulo",
    "America/St_Johns",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Kolkata",
    "Asia/Pyongyang",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Dublin",
    "Europe/London",
    "Pacific/Apia",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
]


def offset_of(instant, zone):
    return instant.astimezone(ZoneInfo(zone)).utcoffset()


def wall_clock_ticks(start, days, zone, minutes, dates=lambda date: True):
    """Every instant at which the wall clock comes to one of these minutes, on these dates."""
    instant = start.astimezone(UTC)
    ticks = []
    for _ in range(days * 24 * 60):
        civil = instant.astimezone(ZoneInfo(zone))
        if civil.minute in minutes and civil.second == 0 and dates(civil.date()):
            ticks.append(instant)
        instant += timedelta(minutes=1)
    return ticks


@lru_cache(maxsize=4)  # a table serves all times that are looked up in it
def minutes_shown(first, last, zone):
    """What the wall clock showed minute by minute, and the instants, from two days before to two days after."""
    info = ZoneInfo(zone)
    instant = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=2)
    order = []
    while instant.date() <= last + timedelta(days=2):
        order.append((instant.astimezone(info).replace(tzinfo=None, fold=0), instant))
        instant += timedelta(minutes=1)
    shown = {}  # civil minute -> the instants that show it
    for civil, instant in order:
        shown.setdefault(civil, []).append(instant)
    return order, shown, {civil.date() for civil in shown}


def fixed_time_ticks(first, last, zone, times, dates=lambda date: True):
    """One instant for each (date, time), by the rules in words; dates that do not exist are left out."""
    info = ZoneInfo(zone)
    order, shown, exists = minutes_shown(first, last, zone)
    ticks = set()
    date = first
    while date <= last:
        for time in times if dates(date) and date in exists else ():
            wanted = datetime.combine(date, time)
            found = shown.get(wanted)
            if found is None:  # skipped: the first moment after the gap
                ticks.add(next(at for civil, at in order if civil > wanted))
            elif (
                len(found) == 2
                and wanted.hour == 0
                and all(at.astimezone(info).date() == date for civil, at in order if found[0] <= at <= found[1])
            ):
                ticks.add(found[0])  # a day begins at its first midnight
            else:
                ticks.add(found[-1])
        date += timedelta(days=1)
    return sorted(ticks)
