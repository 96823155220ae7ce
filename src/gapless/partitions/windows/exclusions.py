"""Windows that a definition leaves out: weekends, holidays, whatever a calendar says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable
from datetime import date, datetime
from typing import Any

from gapless.errors import ExclusionError, PartitionsDefinitionError
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.excluding import any_of, asking, at_moment, at_ticks, listed, on_dates, within
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.sieve import Sieve
from gapless.partitions.civil.sieved_grid import HoledGrid
from gapless.partitions.civil.zone import CYCLE, DAY, LATEST, Zone, plain
from gapless.partitions.user_function import called, location_of, takes_one_argument

__all__ = ["Exclusion", "holed", "identity_of", "read_exclusions", "said", "shown", "too_many_calls", "words_of"]

Exclusion = str | date | datetime | Callable[[datetime], bool]

_EXAMPLE = "exclusions=['0 0 * * 6,0', datetime.date(2024, 12, 25)]"
_UNLIMITED = 1 << 40
_MOST_CRONS = 1_000  # each is looked for among all windows
_MOST_CALLS = 10_000_000  # of a function, in one direction: nineteen years of minutes
_MOST_REFUSALS = 1_000_000  # by a function, until it is believed to exclude everything
_SEARCH = 41 * 366 * DAY  # until other exclusions are believed to; as far as a cron is searched for a date


def read_exclusions(value: object, zone: Zone) -> tuple[Exclusion, ...]:
    """What a user gave as `exclusions`: several in any iterable, one function, or None.

    Raises:
        PartitionsDefinitionError: It is something else, or holds something else.
    """
    if value is None:
        return ()
    if callable(value):
        return (_asked_with_a_start(value),)
    if isinstance(value, str | date) or not isinstance(value, Iterable):
        raise PartitionsDefinitionError(
            f"exclusions is {value!r:.80}, not a list", f"Write exclusions=[{value!r:.80}], or for example {_EXAMPLE}."
        )
    items = tuple(value)
    _check_crons([item for item in items if isinstance(item, str)])
    _check_agree([item for item in items if isinstance(item, datetime)])
    return tuple(_read(item, zone) for item in items)


def _check_crons(crons: Collection[str]) -> None:
    if len(crons) > _MOST_CRONS:
        raise PartitionsDefinitionError(
            f"there are {len(crons):,} cron schedules among the exclusions; at most {_MOST_CRONS:,} can be",
            "Write dates or datetimes, which cost nothing, or one function.",
        )


def _check_agree(moments: Iterable[datetime]) -> None:
    """Refuses datetimes of which some have a timezone and some have none."""
    aware = next((moment for moment in moments if moment.tzinfo is not None), None)
    naive = next((moment for moment in moments if moment.tzinfo is None and moment == moment), None)
    if aware is not None and naive is not None:
        raise PartitionsDefinitionError(
            f"among the exclusions, {aware} is in timezone {aware.tzinfo}, but {naive} is without a timezone",
            "Write all of them as civil time in the definition's timezone, without a timezone of their own.",
        )


def _read(item: Any, zone: Zone) -> Exclusion:
    if isinstance(item, date) and item != item:
        raise PartitionsDefinitionError(f"among the exclusions, {item!r} is no date", "Leave it out.")
    if isinstance(item, datetime):
        return plain(item, zone)
    if isinstance(item, date):
        return date(item.year, item.month, item.day)
    if isinstance(item, str):
        try:
            Cron.parse(item)
        except PartitionsDefinitionError as error:
            fix = _unquoted(item) or error.fix
            raise PartitionsDefinitionError(f"among the exclusions, {error.reason}", fix) from None
        return item
    if callable(item):
        return _asked_with_a_start(item)
    raise PartitionsDefinitionError(
        f"the exclusion {item!r:.80} is not a cron schedule, a date, a datetime or a function", f"Write {_EXAMPLE}."
    )


def _asked_with_a_start(function: Callable[..., Any]) -> Callable[[datetime], bool]:
    if not takes_one_argument(function):
        raise ExclusionError(
            f"the exclusion {called(function)} cannot be called with one argument",
            "Give it one parameter: the start of a window, a datetime.",
            location_of(function),
        )
    return function


def _unquoted(text: str) -> str:
    """The fix for a date that was written as text; empty if it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return f"Write {moment.date() if len(text) <= 10 else moment!r} without quotes."


def words_of(exclusions: Iterable[Exclusion]) -> str:
    """What is left out, in words: ``cron '0 0 * * 6,0', is_holiday() and 3 dates``."""
    parts: list[str] = []
    dates = moments = 0
    for item in exclusions:
        if isinstance(item, str):
            parts.append(f"cron {item!r}")
        elif isinstance(item, datetime):
            moments += 1
        elif isinstance(item, date):
            dates += 1
        else:
            parts.append(f"{getattr(item, '__name__', type(item).__name__)}()")
    for count, noun in ((dates, "date"), (moments, "moment")):
        if count:
            parts.append(f"{count} {noun}{'s' * (count > 1)}")
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def shown(exclusions: Iterable[Exclusion]) -> str:
    """As source, the same in every process."""
    parts = []
    for item in exclusions:
        if callable(item):
            parts.append(_name_of(item))
        else:
            parts.append(repr(item.replace(tzinfo=None) if isinstance(item, datetime) else item))
    return f"[{', '.join(parts)}]"


def said(item: Exclusion) -> str:
    """As text, the same for all that mean the same, in every process."""
    if isinstance(item, str):
        return Cron.parse(item).canonical
    return _name_of(item) if callable(item) else f"{item!r} {item.fold}" if isinstance(item, datetime) else repr(item)


def _name_of(function: Callable[[datetime], bool]) -> str:
    return str(getattr(function, "__qualname__", type(function).__qualname__))


def identity_of(exclusions: Iterable[Exclusion]) -> frozenset[object]:
    """What tells two lists of exclusions apart: not their order, nor how a cron schedule is written."""
    return frozenset(map(_identity, exclusions))


def _identity(item: Exclusion) -> object:
    if isinstance(item, str):
        return Cron.parse(item)
    if isinstance(item, date):
        return item.isoformat()  # two passes of an hour would compare equal as datetimes
    return item if isinstance(item, Hashable) else id(item)


def too_many_calls(exclusions: Iterable[Exclusion], span: str) -> PartitionsDefinitionError:
    """The error for so many windows that it would take minutes to ask a function about each."""
    return PartitionsDefinitionError(
        f"the exclusions ({words_of(exclusions)}) would be asked about too many windows, all those {span}",
        "Write the rule as cron schedules or dates, which need not be asked, begin later, or say where they end.",
    )


def holed(base: Grid, zone: Zone, cron: Cron, exclusions: Iterable[Exclusion], end: int | None) -> HoledGrid:
    """The windows of `base`, the grid of `cron`, without those that are excluded.

    Before the first and from `end` on, cron schedules and dates exclude as well, functions do not.

    Args:
        end: How many windows there are without exclusions, at least one; None without an end.

    Raises:
        PartitionsDefinitionError: Nothing is left.
    """
    crons = [Cron.parse(item) for item in exclusions if isinstance(item, str)]
    functions = [item for item in exclusions if callable(item)]
    moments = [item for item in exclusions if isinstance(item, datetime)]
    dates = {item for item in exclusions if isinstance(item, date) and not isinstance(item, datetime)}
    runs = [run for moment in moments for run in at_moment(base, zone, moment)] + on_dates(base, zone, dates)
    rule = any_of(
        [listed(runs), *(at_ticks(base, zone, item) for item in crons)],
        # A calendar that lists the days of the definition knows of no others, and nothing is ever made of those.
        [within(asking(base, zone, function), 0, end) for function in functions],
    )
    windows_a_day = len(cron.times)
    if functions:
        # Asked no further than somebody wants to know: a calendar may end.
        ahead, limit = 0, min(_MOST_CALLS, CYCLE * windows_a_day)
        if end is not None and end > limit:
            raise too_many_calls(exclusions, "from start_date to end_date")
    else:
        ahead, limit = 400 * windows_a_day, CYCLE * windows_a_day if crons else _UNLIMITED
    grid = HoledGrid(base, Sieve(rule, ahead, limit))
    reach = base.number(min(base.tick(0).instant + _SEARCH, LATEST - 30 * DAY))
    reach = min(reach, *(_MOST_REFUSALS for _ in functions), reach if end is None else end)
    if not grid.keeps_any(reach):
        raise PartitionsDefinitionError(
            f"the exclusions ({words_of(exclusions)}) leave no partition:"
            f" {'all' if reach == end else 'the first'} {reach:,} windows are excluded",
            "Exclude fewer of them.",
        )
    return grid
