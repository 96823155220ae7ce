"""What a person sees of a run while it goes: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import click

from gapless.cli.terminal import count, duration, first_line_of, width
from gapless.execution.progress import Reporter, Silent, StepReport
from gapless.ledger.contract import EventKind
from gapless.planning.plan import Plan

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["Bar", "Lines", "alike", "place", "places", "reporter_for", "what"]

_LINE_EVERY_S = 5.0
_MOST_ANNOUNCED = 10  # failures that are told as they occur; all of them are in the ledger


def reporter_for(as_json: bool, no_color: bool = False) -> Reporter:
    """A bar if a person watches, lines if it goes to a file, nothing if a program wants JSON."""
    if as_json:
        return Silent()
    return Bar(no_color) if sys.stdout.isatty() else Lines()


class _Announced:
    """Failures and warnings as they occur, the first few of each."""

    def __init__(self) -> None:
        self._told = self._warned = 0

    def tell(self, reports: Sequence[StepReport], say: Callable[[str], None]) -> None:
        for report in reports:
            if report.kind in (EventKind.CHECKED, EventKind.LOG):
                self._warned += 1
                if self._warned <= _MOST_ANNOUNCED:
                    say(f"{click.style('!', fg='yellow')} {place(report)}: {first_line_of(report.reason)}")
                elif self._warned == _MOST_ANNOUNCED + 1:
                    say("further warnings are only counted here.")
            elif report.kind is EventKind.RETRIED:
                say(f"{click.style('trying again', fg='yellow')} {place(report)}: {first_line_of(report.reason)}")
        for group in alike([report for report in reports if report.kind is EventKind.FAILED]):
            self._told += 1
            if self._told <= _MOST_ANNOUNCED:
                say(f"{click.style('failed', fg='red')} {places(group)}: {first_line_of(group[0].reason)}")
            elif self._told == _MOST_ANNOUNCED + 1:
                say("further failures are only counted here.")


class Lines:
    """A line at the start, one for each failure, and one every few seconds."""

    def __init__(
        self, say: Callable[[str], None] = click.echo, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._monotonic = monotonic
        self._announced = _Announced()
        self._total = self._done = self._failed = self._skipped = 0
        self._started = self._last = 0.0

    def started(self, run_id: str, plan: Plan) -> None:
        self._total = plan.total
        self._started = self._last = self._monotonic()
        self._say(f"run {run_id}: {what(plan)}")

    def finished(self, reports: Sequence[StepReport]) -> None:
        for report in reports:
            self._done += report.kind is EventKind.MATERIALIZED
            self._failed += report.kind is EventKind.FAILED
            self._skipped += report.kind is EventKind.SKIPPED
        self._announced.tell(reports, self._say)
        now = self._monotonic()
        if now - self._last >= _LINE_EVERY_S:
            self._last = now
            self._say(self._line(now - self._started))

    def waiting(self, message: str) -> None:
        self._say(message)

    def ended(self) -> None:
        """The summary says the rest."""

    def _line(self, elapsed: float) -> str:
        settled = self._done + self._failed + self._skipped
        left = max(self._total - settled, 0)
        parts = [f"{self._done:,} done"]
        if self._failed:
            parts.append(f"{self._failed:,} failed")
        if self._skipped:
            parts.append(f"{self._skipped:,} skipped")
        parts.append(f"{left:,} left")
        if settled:
            rate = settled / elapsed
            parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
            parts.append(f"about {duration(left / rate)} to go")
        return ", ".join(parts)


class Bar:
    """A live bar: done, failed, left, rate and the time left. What functions print goes above it."""

    def __init__(self, no_color: bool = False) -> None:
        self._no_color = no_color
        self._announced = _Announced()
        self._progress: Progress | None = None
        self._failed = self._settled = self._total = 0

    def started(self, run_id: str, plan: Plan) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

        self._total = plan.total
        click.echo(f"run {run_id}: {what(plan)}")
        self._progress = Progress(
            SpinnerColumn(finished_text=" "),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[counts]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("to go"),
            console=Console(no_color=self._no_color or None, highlight=False, width=width()),
            refresh_per_second=8,
            transient=True,
        )
        self._progress.add_task("", total=plan.total, counts=f"0 done · {plan.total:,} left")
        self._progress.start()

    def finished(self, reports: Sequence[StepReport]) -> None:
        if self._progress is None:
            return
        settled = [r for r in reports if r.kind not in (EventKind.RETRIED, EventKind.CHECKED, EventKind.LOG)]
        self._settled += len(settled)
        self._failed += sum(r.kind in (EventKind.FAILED, EventKind.SKIPPED) for r in settled)
        self._announced.tell(reports, self._say)
        task = self._progress.tasks[0]
        parts = [f"{self._settled - self._failed:,} done"]
        if self._failed:
            parts.append(f"[red]{self._failed:,} failed[/]")
        parts.append(f"{max(self._total - self._settled, 0):,} left")
        rate = self._settled / task.elapsed if task.elapsed else 0.0
        parts.append(f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.1f}/s")
        self._progress.update(task.id, completed=self._settled, counts=" · ".join(parts))

    def waiting(self, message: str) -> None:
        self._say(message)

    def ended(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None

    def _say(self, text: str) -> None:
        # Through the console, so that the bar is drawn anew below it.
        if self._progress is not None:
            from rich.text import Text

            self._progress.console.print(Text.from_ansi(text), soft_wrap=True)


def what(plan: Plan) -> str:
    """``60 partitions of plays``, ``180 partitions of 3 assets``, ``summary``."""
    steps = [step for step in plan.steps if step.partitions]
    if len(steps) > 1:
        return f"{count(plan.total, 'partition')} of {len(steps)} assets"
    step = steps[0]
    if step.definition is None:
        return str(step.asset)
    if plan.total == 1:
        return f"{step.asset} {step.key_at(step.partitions.first())}"
    return f"{count(plan.total, 'partition')} of {step.asset}"


def place(report: StepReport) -> str:
    """``plays 2024-01-05``."""
    return report.asset if report.partition is None else f"{report.asset} {report.partition}"


def alike(reports: Iterable[StepReport]) -> list[list[StepReport]]:
    """Those of one asset with one reason are told together: a call for many partitions fails for all of them."""
    groups: dict[tuple[str, str | None], list[StepReport]] = {}
    for report in reports:
        groups.setdefault((report.asset, report.reason), []).append(report)
    return list(groups.values())


def places(reports: Sequence[StepReport]) -> str:
    """What is known by one reason, for people: the first, and how many more."""
    more = f" and {len(reports) - 1:,} more" if len(reports) > 1 else ""
    return f"{place(reports[0])}{more}"
