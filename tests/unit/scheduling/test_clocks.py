"""The clock of this machine, and the one that tests move."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from scheduling_world import utc

from gapless.execution.cancel import CancelToken
from gapless.scheduling.clock import SystemClock
from gapless.testing.clock import FakeClock


def test_a_wait_ends_at_its_instant():
    clock = SystemClock()
    until = clock.now() + timedelta(seconds=0.05)
    clock.wait(until, CancelToken())
    assert clock.now() >= until


def test_a_wait_for_an_instant_that_has_passed_ends_at_once(monkeypatch):
    monkeypatch.setattr("gapless.scheduling.clock.time.sleep", lambda seconds: pytest.fail("slept"))
    SystemClock().wait(datetime.now(UTC) - timedelta(seconds=1), CancelToken())


def test_a_cancelled_token_ends_a_wait():
    cancel = CancelToken()
    threading.Timer(0.05, cancel.cancel).start()
    clock = SystemClock()
    until = clock.now() + timedelta(hours=1)
    clock.wait(until, cancel)
    assert clock.now() < until


class SetClock(SystemClock):
    """A wall clock that somebody sets by `jump` as soon as it has been looked at."""

    def __init__(self, jump: timedelta) -> None:
        self.jump, self.looks = jump, 0

    def now(self):
        self.looks += 1
        return super().now() + (self.jump if self.looks > 1 else timedelta(0))


@pytest.mark.parametrize("jump", [timedelta(hours=2), timedelta(hours=-2)], ids=["forwards", "back"])
def test_a_wait_ends_in_time_though_the_wall_clock_is_set(jump):
    clock = SetClock(jump)
    # Forwards, an hour's wait is over at once; back, a wait of a moment does not become one of two hours.
    length = timedelta(hours=1) if jump > timedelta(0) else timedelta(seconds=0.05)
    clock.wait(SystemClock().now() + length, CancelToken())
    assert clock.looks >= 2


def test_a_fake_clock_moves_only_as_told():
    clock = FakeClock(utc("2024-01-05 12:00"))
    clock.wait(utc("2024-01-06"), CancelToken())
    assert clock.now() == utc("2024-01-06")
    clock.wait(utc("2024-01-01"), CancelToken())
    assert clock.now() == utc("2024-01-06")
    clock.advance(timedelta(hours=1))
    assert clock.now() == utc("2024-01-06 01:00")
    clock.set(utc("2024-01-02"))
    assert clock.now() == utc("2024-01-02")
    assert clock.waits == [utc("2024-01-06"), utc("2024-01-01")]


def test_a_fake_clock_cancels_at_its_end():
    clock, cancel = FakeClock(utc("2024-01-05"), end=utc("2024-01-06")), CancelToken()
    clock.wait(utc("2024-01-05 23:00"), cancel)
    assert not cancel.cancelled
    clock.wait(utc("2024-01-07"), cancel)
    assert cancel.cancelled
    assert clock.now() == utc("2024-01-06")


def test_a_fake_clock_refuses_a_naive_instant():
    with pytest.raises(ValueError, match="timezone-aware"):
        FakeClock(datetime(2024, 1, 5))
