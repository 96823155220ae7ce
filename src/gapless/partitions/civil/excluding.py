"""Rules that pick windows of a grid: on a date, at a moment, at the ticks of a cron, by a function.

What a rule picks is told as runs of the grid's numbers, ascending.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from itertools import chain, pairwise

from gapless.errors import ExclusionError
from gapless.partitions.civil.cron import Cron
from gapless.partitions.civil.cron_grid import grid_of
from gapless.partitions.civil.grid import Grid
from gapless.partitions.civil.sieve import AsksItselfError
from gapless.partitions.civil.zone import DAY, Zone, civil_seconds
from gapless.partitions.ordinals.runs import Run, union
from gapless.partitions.user_function import called, location_of, trace_of

__all__ = ["Rule", "any_of", "asking", "at_moment", "at_ticks", "listed", "on_dates", "within"]

_ANSWER = "Return True for a window that is excluded, False for one that is not."

_NEAR = 30  # days

Rule = Callable[[int, int], Iterable[Run]]  # what is picked of [low, high)


def on_dates(base: Grid, zone: Zone, dates: Iterable[date]) -> list[Run]:
    """The windows that start on civil dates."""
    days = sorted(civil_seconds(datetime(on.year, on.month, on.day)) // DAY for on in dates)
    # Dates that are near each other are looked for together, which costs a fraction.
    cuts = [i for i in range(1, len(days)) if days[i] - days[i - 1] > _NEAR]
    return [run for a, b in pairwise([0, *cuts, len(days)]) for run in _on_days(base, zone, days[a:b])]


def _on_days(base: Grid, zone: Zone, days: Sequence[int]) -> list[Run]:
    """The windows that start on these days since 1970-01-01, ascending."""
    if not days:
        return []
    runs = []
    wanted = frozenset(days)
    try:
        # A day to either side, since a clock that goes back at midnight shows the date twice.
        at = base.number(zone.first_at(days[0] * DAY) - DAY)
        for labels in base.labels(at, base.number(zone.first_at((days[-1] + 1) * DAY) + DAY)):
            if labels.day in wanted:
                runs.append((at, at + len(labels.seconds)))
            at += len(labels.seconds)
    except OverflowError:  # no definition reaches the last of them
        half = len(days) // 2
        return [run for part in (days[:half], days[half:]) if half for run in _on_days(base, zone, part)]
    return runs


def at_moment(base: Grid, zone: Zone, moment: datetime) -> list[Run]:
    """The window that starts at a civil time; where the clock shows it twice, the moment's ``fold`` says which."""
    civil = civil_seconds(moment)
    try:
        if moment.fold:
            number = base.number(int(moment.replace(tzinfo=zone.info).timestamp()))
            if base.tick(number).repeated and base.tick(number).civil == civil:
                return [(number, number + 1)]
        number = base.labelled(civil)
        return [(number, number + 1)] if base.tick(number).civil == civil and not moment.microsecond else []
    except OverflowError:
        return []  # no definition reaches there


def listed(runs: Iterable[Run]) -> Rule:
    """These."""
    all_runs = union(runs)

    def picked(low: int, high: int) -> Iterator[Run]:
        begin = bisect_right(all_runs, low, key=lambda run: run[1])
        for first, end in all_runs[begin : bisect_left(all_runs, high, key=lambda run: run[0])]:
            yield max(first, low), min(end, high)

    return picked


def at_ticks(base: Grid, zone: Zone, cron: Cron) -> Rule:
    """The windows that start at a tick of a cron."""
    times = frozenset(cron.times)

    def picked(low: int, high: int) -> Iterator[Run]:
        start, end = base.tick(low).instant, base.tick(high - 1).instant
        ticks = None
        changing = zone.changing_days(start, end)
        last: Sequence[int] = ()
        places: list[Run] = []
        for day, seconds, _ in base.labels(low, high):
            if day in changing:
                ticks = ticks or grid_of(cron, zone, start)
                for number, instant in enumerate(base.instants(range(low, low + len(seconds))), low):
                    if ticks.tick(ticks.number(instant)).instant == instant:
                        yield number, number + 1
            elif cron.matches(day):
                if seconds is not last:  # ordinary days share their times
                    last = seconds
                    places = union((i, i + 1) for i, second in enumerate(seconds) if second in times)
                for first, stop in places:
                    yield low + first, low + stop
            low += len(seconds)

    return picked


def asking(base: Grid, zone: Zone, function: Callable[[datetime], bool]) -> Rule:
    """The windows of whose start a function says so; each is asked about in order.

    Reading the rule raises `ExclusionError` where the function does, or where its answer is neither true nor false.
    """

    def picked(low: int, high: int) -> Iterator[Run]:
        first = None  # of the run that is being found
        for number, start in enumerate(zone.all_aware(base.instants(range(low, high))), low):
            try:
                answer = function(start)
            except AsksItselfError:
                raise ExclusionError(
                    f"the exclusion {called(function)} asks the definition that it excludes from",
                    "Ask one without that exclusion, or decide by the start alone.",
                    location_of(function),
                ) from None
            except Exception as raised:
                raise ExclusionError(
                    f"the exclusion {called(function)}({start}) raised {type(raised).__name__}: {raised}",
                    f"It is asked about every window. {_ANSWER}",
                    location_of(function),
                    trace_of(raised),
                ) from raised
            try:
                excluded = None if answer is None else bool(answer)
            except Exception:  # an array, a missing value
                excluded = None
            if excluded is None:
                raise ExclusionError(
                    f"the exclusion {called(function)} says neither True nor False of {start}, but {answer!r:.60}"
                    f" ({type(answer).__name__})",
                    _ANSWER,
                    location_of(function),
                )
            if excluded and first is None:
                first = number
            elif first is not None and not excluded:
                yield first, number
                first = None
        if first is not None:
            yield first, high

    return picked


def within(rule: Rule, first: int, end: int | None) -> Rule:
    """What a rule picks of ``[first, end)``; it is not asked about anything else. Without an `end`, from `first` on."""

    def picked(low: int, high: int) -> Iterable[Run]:
        low, high = max(low, first), high if end is None else min(high, end)
        return rule(low, high) if low < high else ()

    return picked


def any_of(rules: Sequence[Rule], last: Sequence[Rule]) -> Rule:
    """What any rule picks; those in `last` see only what no other has picked."""

    def picked(low: int, high: int) -> list[Run]:
        runs = union(run for rule in rules for run in rule(low, high))
        for rule in last:
            edges = chain((low,), chain.from_iterable(runs), (high,))
            rest = [(a, b) for a, b in list(pairwise(edges))[::2] if a < b]
            runs = union([*runs, *(run for a, b in rest for run in rule(a, b))])
        return runs

    return picked
