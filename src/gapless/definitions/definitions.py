"""`Definitions`: everything a user declares, in one place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.definitions.errors import raise_definition_errors
from gapless.definitions.graph import AssetGraph, build_graph
from gapless.definitions.jobs import Job, UnresolvedAssetJob
from gapless.definitions.project import Project
from gapless.definitions.requirements import requirement_errors
from gapless.definitions.schedules import Schedule, UnresolvedPartitionedSchedule
from gapless.definitions.source_location import here
from gapless.definitions.unknown_arguments import checked_constructor
from gapless.errors import DefinitionError

__all__ = ["Definitions", "project_of"]


@checked_constructor
class Definitions:
    """Assets, resources, jobs, schedules and checks that belong together.

    Attributes:
        assets: Without doubles.
        resources: Name to IO manager, `ConfigurableResource`, or any object.
        location: ``file:line`` where it was made.
    """

    def __init__(
        self,
        assets: Iterable[AssetsDefinition] | None = None,
        resources: Mapping[str, Any] | None = None,
        jobs: Iterable[UnresolvedAssetJob] | None = None,
        schedules: Iterable[UnresolvedPartitionedSchedule] | None = None,
        asset_checks: Iterable[AssetChecksDefinition] | None = None,
    ) -> None:
        """Collects; `resolve` looks up and checks.

        Raises:
            DefinitionError: If something is not what its place is for.
        """
        self.location = here()
        self.assets = _collected(assets, AssetsDefinition, "assets", self.location)
        self.jobs = _collected(jobs, UnresolvedAssetJob, "jobs", self.location)
        self.schedules = _collected(schedules, UnresolvedPartitionedSchedule, "schedules", self.location)
        self.asset_checks = _collected(asset_checks, AssetChecksDefinition, "asset_checks", self.location)
        if resources is not None and not isinstance(resources, Mapping):
            raise DefinitionError(
                f"resources are {resources!r}; expected a dict of names",
                'Write resources={"io_manager": DuckDBPolarsIOManager(database="db.duckdb")}.',
                self.location,
            )
        self.resources = dict(resources or {})

    @classmethod
    def merge(cls, *parts: Definitions) -> Definitions:
        """Several as one.

        Raises:
            DefinitionError: If two declare different resources of one name.
        """
        resources: dict[str, Any] = {}
        for part in parts:
            for name, resource in part.resources.items():
                if resources.setdefault(name, resource) is not resource:
                    raise DefinitionError(
                        f"the resource {name!r} is declared twice, by two objects",
                        "Make it once and use the same object in both, or give one another name.",
                        part.location,
                    )
        return cls(
            [asset for part in parts for asset in part.assets],
            resources,
            [job for part in parts for job in part.jobs],
            [schedule for part in parts for schedule in part.schedules],
            [check for part in parts for check in part.asset_checks],
        )

    def resolve(self, source: str = "definitions", notices: Sequence[str] = ()) -> Project:
        """Everything looked up and checked.

        Args:
            source: The file or module that it comes from, for people.

        Raises:
            DefinitionError: For the one thing that does not hold together; `DefinitionErrors` for several.
        """
        graph, errors = build_graph(self.assets, self.asset_checks)
        errors += requirement_errors(self.assets, self.asset_checks, graph, self.resources)
        jobs: dict[str, Job] = {}
        schedules: dict[str, Schedule] = {}
        if graph is not None:
            jobs = self._resolved_jobs(graph, errors)
            schedules = self._resolved_schedules(jobs, errors)
        raise_definition_errors(errors)
        assert graph is not None  # noqa: S101  without errors there is a graph
        return Project(graph, self.resources, jobs, schedules, source, tuple(notices))

    def _resolved_jobs(self, graph: AssetGraph, errors: list[DefinitionError]) -> dict[str, Job]:
        declared: dict[str, UnresolvedAssetJob] = {}
        # A schedule brings its job along, whether or not it is listed.
        for job in (*self.jobs, *(schedule.job for schedule in self.schedules)):
            first = declared.setdefault(job.name, job)
            if first is not job:
                errors.append(_double("job", job.name, first.location, job.location))
        jobs: dict[str, Job] = {}
        for name, job in declared.items():
            try:
                jobs[name] = job.resolve(graph)
            except DefinitionError as error:
                errors.append(error)
        return jobs

    def _resolved_schedules(self, jobs: Mapping[str, Job], errors: list[DefinitionError]) -> dict[str, Schedule]:
        schedules: dict[str, Schedule] = {}
        for schedule in self.schedules:
            if schedule.name in schedules:
                first = schedules[schedule.name].location
                errors.append(_double("schedule", schedule.name, first, schedule.location))
            elif schedule.job.name in jobs:  # otherwise its job is the error
                try:
                    schedules[schedule.name] = schedule.resolve(jobs[schedule.job.name])
                except DefinitionError as error:
                    errors.append(error)
        return schedules

    def __repr__(self) -> str:
        parts = {name: len(getattr(self, name)) for name in ("assets", "jobs", "schedules", "asset_checks")}
        return f"<Definitions of {', '.join(f'{n} {name}' for name, n in parts.items())}>".replace("_", " ")


def project_of(
    assets: Iterable[AssetsDefinition | AssetChecksDefinition],
    resources: Mapping[str, Any] | None = None,
    source: str = "definitions",
) -> Project:
    """The project of a few assets and their checks, for `materialize([...])` and tests.

    Raises:
        DefinitionError: If they do not hold together.
    """
    given = tuple(assets)
    checks = [each for each in given if isinstance(each, AssetChecksDefinition)]
    others = [each for each in given if not isinstance(each, AssetChecksDefinition)]
    return Definitions(others, resources, asset_checks=checks).resolve(source)


def _double(what: str, name: str, first: str | None, second: str | None) -> DefinitionError:
    return DefinitionError(f"{what} {name!r} is already declared at {first}", "Give one of them another name.", second)


_KINDS = {
    "assets": AssetsDefinition,
    "asset_checks": AssetChecksDefinition,
    "jobs": UnresolvedAssetJob,
    "schedules": UnresolvedPartitionedSchedule,
}
_HOW = {
    "assets": "Declare an asset with @asset above its function.",
    "asset_checks": "Declare a check with @asset_check(asset=…) above its function.",
    "jobs": 'Make a job with define_asset_job("name", selection=…).',
    "schedules": "Make a schedule with build_schedule_from_partitioned_job(job).",
}


def _collected(items: Any, kind: type, place: str, where: str | None) -> tuple[Any, ...]:
    if items is None:
        return ()
    if isinstance(items, (kind, str, Mapping)) or not isinstance(items, Iterable):
        fix = f"Write {place}=[…]."
        raise DefinitionError(f"Definitions got {place}={items!r}; expected a list", fix, where)
    found: dict[int, Any] = {}
    for item in items:
        if isinstance(item, (list, tuple)):  # lists of assets are often put together from lists
            found.update((id(inner), inner) for inner in _collected(item, kind, place, where))
        elif isinstance(item, kind):
            found[id(item)] = item
        else:
            name = None if isinstance(item, type) else getattr(item, "__name__", None)
            what = repr(item) if name is None else f"the function {name}()"
            home = next((other for other, its in _KINDS.items() if isinstance(item, its)), None)
            fix = _HOW[place] if home is None else f"Write {home}=[…]."
            raise DefinitionError(f"{place} of Definitions hold {what}, which does not belong there", fix, where)
    return tuple(found.values())
