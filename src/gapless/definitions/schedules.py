"""Schedules derived from partitions: one tick for each partition, when its window has closed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gapless.definitions.jobs import Job, UnresolvedAssetJob
from gapless.definitions.labels import checked_owners
from gapless.definitions.metadata import checked_metadata
from gapless.definitions.names import checked_name
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_arguments
from gapless.errors import DefinitionError
from gapless.partitions import TimeWindowPartitionsDefinition
from gapless.partitions.civil.cron import Cron

__all__ = [
    "DefaultScheduleStatus",
    "Schedule",
    "UnresolvedPartitionedSchedule",
    "build_schedule_from_partitioned_job",
]


class DefaultScheduleStatus(Enum):
    """Whether a schedule runs before anybody has started or stopped it."""

    RUNNING = "RUNNING"
    STOPPED = "STOPPED"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job is asked to run.

    Attributes:
        job: The job; partitioned.
        cron_schedule: Five fields, civil time in `timezone`.
        timezone: IANA name.
        owners: Mail addresses, or ``team:name``.
        location: ``file:line`` of its declaration.
    """

    name: str
    job: Job
    cron_schedule: str
    timezone: str
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED
    description: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    owners: tuple[str, ...] = ()
    location: str | None = None


@dataclass(frozen=True, eq=False)
class UnresolvedPartitionedSchedule:
    """A schedule as declared; its cron follows from the job's partitions, which `resolve` knows."""

    name: str
    job: UnresolvedAssetJob
    offsets: Mapping[str, int]
    cron_schedule: str | None
    timezone: str | None
    default_status: DefaultScheduleStatus
    description: str | None
    tags: Mapping[str, str]
    metadata: Mapping[str, Any]
    owners: tuple[str, ...]
    location: str | None

    def resolve(self, job: Job) -> Schedule:
        """The schedule of `job`, which is `self.job` looked up.

        Raises:
            DefinitionError: If the job's partitions do not say when, or say it already.
        """
        cron, timezone = self._times(job)
        return Schedule(
            name=self.name,
            job=job,
            cron_schedule=cron,
            timezone=timezone,
            default_status=self.default_status,
            description=self.description,
            tags=self.tags,
            metadata=self.metadata,
            owners=self.owners,
            location=self.location,
        )

    def _times(self, job: Job) -> tuple[str, str]:
        partitions = job.partitions_def
        if partitions is None:
            self._refuse(
                f"has no partitions to follow: none of the assets of job {job.name!r} is partitioned",
                "Give one of them a partitions_def.",
            )
        times = partitions.times
        if len(times) == 1 and isinstance(times[0], TimeWindowPartitionsDefinition):
            if self.cron_schedule is not None or self.timezone is not None:
                given = "cron_schedule" if self.cron_schedule is not None else "execution_timezone"
                self._refuse(
                    f"has {given}, but its times already follow from the partitions ({partitions.describe()})",
                    "Remove it; shift the tick with minute_of_hour, hour_of_day, day_of_week or day_of_month.",
                )
            try:
                return times[0].get_cron_schedule(**self.offsets), times[0].timezone
            except DefinitionError as wrong:
                self._refuse(f"cannot be shifted: {wrong.reason}", wrong.fix)
            except ValueError as wrong:
                self._refuse(f"cannot be shifted: {str(wrong).rstrip('.')}", "")
        why = f"have {len(times)} dimensions of time" if times else "are no time windows"
        if self.offsets:
            self._refuse(
                f"has {', '.join(self.offsets)}, but the partitions of its job {why} ({partitions.describe()})",
                'Say when it runs with cron_schedule="0 0 * * *".',
            )
        if self.cron_schedule is None:
            self._refuse(
                f"does not know when to run: the partitions of its job {why} ({partitions.describe()})",
                'Say when with cron_schedule="0 0 * * *".',
            )
        return self.cron_schedule, self.timezone or "UTC"

    def _refuse(self, reason: str, fix: str) -> NoReturn:
        raise DefinitionError(f"schedule {self.name!r} {reason}", fix, self.location) from None


@checked_arguments
def build_schedule_from_partitioned_job(
    job: UnresolvedAssetJob,
    description: str | None = None,
    name: str | None = None,
    minute_of_hour: int | None = None,
    hour_of_day: int | None = None,
    day_of_week: int | None = None,
    day_of_month: int | None = None,
    default_status: DefaultScheduleStatus = DefaultScheduleStatus.STOPPED,
    tags: Mapping[str, str] | None = None,
    cron_schedule: str | None = None,
    execution_timezone: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    owners: Sequence[str] | None = None,
) -> UnresolvedPartitionedSchedule:
    """A schedule that asks for each partition of a job once its window has closed.

    Args:
        job: What `define_asset_job` returned; its assets are partitioned.
        name: By default the job's name with ``_schedule``.
        minute_of_hour: 0 to 59; waits past the end of the window.
        hour_of_day: 0 to 23, for windows of a day or longer.
        day_of_week: 0 (Sunday) to 6, for weekly windows.
        day_of_month: 1 to 31, for monthly windows.
        default_status: Whether it runs before anybody has started it.
        cron_schedule: When to run; only for partitions that are no time windows.
        execution_timezone: The zone of `cron_schedule`; by default UTC.
        owners: Mail addresses, or ``team:name``.

    Raises:
        DefinitionError: If `job` is no job, or the name is none. What depends on the partitions is checked on loading.
    """
    where = here()
    if not isinstance(job, UnresolvedAssetJob):
        raise DefinitionError(
            f"build_schedule_from_partitioned_job got {job!r}, which is not a job",
            'Pass what define_asset_job("name", selection=…) returned.',
            where,
        )
    schedule_name = f"{job.name}_schedule" if name is None else name
    checked_name(schedule_name, "schedule", where)
    if not isinstance(default_status, DefaultScheduleStatus):
        raise DefinitionError(
            f"schedule {schedule_name!r} has default_status={default_status!r}",
            "Write DefaultScheduleStatus.RUNNING or DefaultScheduleStatus.STOPPED.",
            where,
        )
    if cron_schedule is not None:
        _require_cron(cron_schedule, schedule_name, where)
    if execution_timezone is not None:
        _require_timezone(execution_timezone, schedule_name, where)
    offsets = {
        "minute_of_hour": minute_of_hour,
        "hour_of_day": hour_of_day,
        "day_of_week": day_of_week,
        "day_of_month": day_of_month,
    }
    return UnresolvedPartitionedSchedule(
        name=schedule_name,
        job=job,
        offsets={part: value for part, value in offsets.items() if value is not None},
        cron_schedule=cron_schedule,
        timezone=execution_timezone,
        default_status=default_status,
        description=description,
        tags={str(key): str(value) for key, value in (tags or {}).items()},
        metadata=checked_metadata(metadata, f"schedule {schedule_name!r}", where),
        owners=checked_owners(owners, f"schedule {schedule_name!r}", where),
        location=where,
    )


def _require_cron(cron: Any, schedule: str, where: str | None) -> None:
    try:
        Cron.parse(cron)
    except DefinitionError as wrong:
        fix = wrong.fix or "Write five fields: minute, hour, day of month, month, day of week."
        raise DefinitionError(f"schedule {schedule!r}: {wrong.reason}", fix, where) from None


def _require_timezone(timezone: Any, schedule: str, where: str | None) -> None:
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise DefinitionError(
            f"schedule {schedule!r} has execution_timezone={timezone!r}, which is not a time zone",
            "Write an IANA name such as 'Europe/Berlin'.",
            where,
        ) from None
