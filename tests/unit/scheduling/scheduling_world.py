"""A project whose functions store nothing, a ledger in a file, and a clock that the test moves."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import gapless as dg
from gapless.definitions.project import Project
from gapless.engine import Engine
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import Status
from gapless.ledger.sqlite import SQLiteLedger
from gapless.planning.request import PartitionRequest
from gapless.scheduling.daemon import Daemon
from gapless.testing.clock import FakeClock

RUNNING = dg.DefaultScheduleStatus.RUNNING


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Diary:
    """A watcher that remembers what it was told."""

    def __init__(self) -> None:
        self.started, self.ended, self.upcoming, self.wiped = [], [], [], []

    def tick_started(self, tick, plan, run_id):
        self.started.append((tick, plan, run_id))

    def tick_ended(self, outcome):
        self.ended.append(outcome)

    def retained(self, outcome):
        self.wiped.append(outcome)

    def waiting(self, upcoming):
        self.upcoming.append(upcoming)

    def reporter(self):
        return None


class World:
    """One project, served again and again."""

    def __init__(self, folder: Path, now: str) -> None:
        self.ledger = SQLiteLedger(folder / "ledger.sqlite")
        self.clock = FakeClock(utc(now))
        self.diary = Diary()
        self.made: list[tuple[str, str | None]] = []
        self.project: Project | None = None
        self.engine: Engine | None = None

    def declare(self, assets, schedules, **resources) -> None:
        self.project = dg.Definitions(assets=assets, schedules=schedules, resources=resources).resolve()
        self.engine = Engine(self.project, self.ledger, self.clock.now)

    def asset(self, name: str, partitions, broken: Callable[[str | None], bool] = lambda key: False, deps=()):
        """An asset that stores nothing and writes down that it was made."""

        @dg.asset(name=name, partitions_def=partitions, deps=list(deps))
        def function(context: dg.AssetExecutionContext) -> None:
            key = context.partition_key if partitions is not None else None
            if broken(key):
                raise ValueError(f"no data for {key}")
            self.made.append((name, key))

        return function

    def daemon(self) -> Daemon:
        """A process that begins to serve."""
        return Daemon(self.engine, self.clock, self.diary, workers=1, patience=timedelta(days=1))

    def catch_up(self, cancel: CancelToken | None = None):
        return self.daemon().catch_up(cancel or CancelToken())

    def catch_up_at(self, now: str):
        self.clock.set(utc(now))
        return self.catch_up()

    def serve_until(self, end: str) -> None:
        self.clock = FakeClock(self.clock.now(), utc(end))
        self.engine = Engine(self.project, self.ledger, self.clock.now)
        self.daemon().serve(CancelToken())

    def materialize(self, asset: str, *keys: str) -> None:
        """What a person types, in between."""
        plan = self.engine.plan(self.engine.select(asset), PartitionRequest(keys), self.clock.now())
        self.engine.run(plan, workers=1)

    def made_of(self, asset: str = "plays") -> list[str | None]:
        """What was made of an asset, in order."""
        return [key for name, key in self.made if name == asset]

    def statuses(self, asset: str = "plays") -> dict[str | None, Status]:
        return {key: record.status for key, record in self.ledger.statuses(asset).items()}

    def ticks(self, schedule: str = "job_schedule"):
        """Oldest first."""
        return list(reversed(self.ledger.ticks(schedule)))


def scheduled(*names: str, job: str = "job", **arguments):
    arguments.setdefault("default_status", RUNNING)
    return dg.build_schedule_from_partitioned_job(dg.define_asset_job(job, selection=list(names)), **arguments)


def days(first: str, count: int) -> list[str]:
    start = datetime.fromisoformat(first)
    return [(start + timedelta(days=n)).strftime("%Y-%m-%d") for n in range(count)]
