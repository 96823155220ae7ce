"""What is said while a run goes."""

import io
import re
from datetime import UTC, datetime

import click
import pytest

from gapless.asset_key import AssetKey
from gapless.cli.progress import Bar, Lines, reporter_for
from gapless.execution.progress import Silent, StepReport
from gapless.ledger.contract import EventKind
from gapless.partitions import OrdinalSet, StaticPartitionsDefinition
from gapless.planning.plan import Plan, PlanStep
from gapless.planning.reason import Reason

KEYS = StaticPartitionsDefinition([f"k{n}" for n in range(2_000)])
NOW = datetime(2024, 1, 5, tzinfo=UTC)


def plan_of(*sizes: int) -> Plan:
    steps = []
    for number, size in enumerate(sizes):
        made = OrdinalSet.span(0, size)
        steps.append(PlanStep(AssetKey(f"asset{number}"), KEYS, made, ((Reason.MISSING, made),)))
    return Plan(tuple(steps), NOW, NOW)


def reports(count: int, kind: EventKind = EventKind.MATERIALIZED, reason: str | None = None) -> list[StepReport]:
    return [StepReport("asset0", f"k{n}", kind, reason) for n in range(count)]


class Watched:
    """Lines with a clock that a test moves."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.now = 100.0
        self.lines = Lines(lambda text: self.said.append(click.unstyle(text)), lambda: self.now)


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        (plan_of(1_000), "1,000 partitions of asset0"),
        (plan_of(1), "asset0 k0"),
        (plan_of(3, 4), "7 partitions of 2 assets"),
        (
            Plan((PlanStep(AssetKey("whole"), None, OrdinalSet.span(0, 1), ()),), NOW, NOW),
            "whole",
        ),
    ],
)
def test_the_first_line_says_what_is_made(plan, what):
    watched = Watched()

    watched.lines.started("r1", plan)

    assert watched.said == [f"run r1: {what}"]


def test_a_line_every_few_seconds_says_how_far_it_is():
    watched = Watched()
    watched.lines.started("r1", plan_of(1_000))

    watched.now += 4
    watched.lines.finished(reports(100))
    assert len(watched.said) == 1
    watched.now += 4
    watched.lines.finished([*reports(97), *reports(2, EventKind.SKIPPED), *reports(1, EventKind.FAILED, "no")])

    assert watched.said[1:] == [
        "failed asset0 k0: no",
        "197 done, 1 failed, 2 skipped, 800 left, 25/s, about 32 s to go",
    ]


def test_slow_rates_are_told_with_a_decimal():
    watched = Watched()
    watched.lines.started("r1", plan_of(10))

    watched.now += 6
    watched.lines.finished(reports(3))

    assert watched.said[1:] == ["3 done, 7 left, 0.5/s, about 14 s to go"]


def test_a_retry_is_told_and_does_not_count():
    watched = Watched()
    watched.lines.started("r1", plan_of(10))

    watched.now += 6
    watched.lines.finished(reports(1, EventKind.RETRIED, "timeout\nmore"))

    assert watched.said[1:] == ["trying again asset0 k0: timeout", "0 done, 10 left"]


def test_waiting_is_told():
    watched = Watched()

    watched.lines.waiting("waiting for run r0")

    assert watched.said == ["waiting for run r0"]


def test_a_program_gets_no_progress_and_a_file_gets_lines(monkeypatch):
    import sys

    assert isinstance(reporter_for(as_json=True), Silent)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert isinstance(reporter_for(as_json=False), Lines)


def test_a_terminal_gets_a_bar(monkeypatch):
    import sys

    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")

    bar = reporter_for(as_json=False)
    assert isinstance(bar, Bar)
    bar.started("r1", plan_of(10))
    bar.finished([*reports(3), *reports(1, EventKind.FAILED, "no [bold]luck[/]")])
    bar.waiting("waiting for run r0")
    bar.ended()
    bar.ended()

    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "run r1: 10 partitions of asset0" in shown
    assert "3 done · 1 failed · 6 left · " in shown
    assert "to go" in shown
    assert "failed asset0 k0: no [bold]luck[/]" in shown
    assert "waiting for run r0" in shown
