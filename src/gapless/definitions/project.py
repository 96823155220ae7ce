"""Everything the user declared, looked up and checked: what planning, execution and scheduling work on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.errors import UnknownNameError
from gapless.definitions.graph import AssetGraph
from gapless.definitions.jobs import Job
from gapless.definitions.schedules import Schedule
from gapless.definitions.selection import CoercibleToAssetSelection
from gapless.definitions.selection_text import select
from gapless.partitions import DynamicPartitionsStore
from gapless.partitions.dynamic import DynamicKeysOfNow

__all__ = ["Project"]


@dataclass(frozen=True, slots=True)
class Project:
    """The definitions of one file or module; all that is in it fits together.

    Attributes:
        resources: As the user gave them; not yet set up.
        source: The file or module, for people.
        notices: What a person should be told once, for example that Dagster's names resolve to Gapless.
    """

    graph: AssetGraph
    resources: Mapping[str, Any] = field(default_factory=dict)
    jobs: Mapping[str, Job] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    source: str = "definitions"
    notices: tuple[str, ...] = ()

    def resolved(self, store: DynamicPartitionsStore) -> Project:
        """The project with the keys of its dynamic partitions as they are in `store` now; itself without any.

        All ordinals are of that moment: what is to fit together is asked of one resolved project.
        """
        moment = DynamicKeysOfNow(store)
        graph = self.graph.resolved(moment)
        if graph is self.graph:
            return self
        jobs = {
            name: replace(job, partitions_def=job.partitions_def.resolved(moment)) if job.partitions_def else job
            for name, job in self.jobs.items()
        }
        schedules = {name: replace(each, job=jobs[each.job.name]) for name, each in self.schedules.items()}
        return replace(self, graph=graph, jobs=jobs, schedules=schedules)

    def select(self, selection: CoercibleToAssetSelection | None) -> tuple[AssetKey, ...]:
        """The assets that are meant, in the order of the graph; the name of a job, which no asset has, is its assets.

        Raises:
            UnknownAssetError: If it names an asset that there is not.
            SelectionError: If it cannot be read, or nothing is left.
        """
        if isinstance(selection, str) and selection in self.jobs and selection not in self.graph:
            return self.jobs[selection].selection
        return select(self.graph, selection)

    def job(self, name: str) -> Job:
        """The job of that name.

        Raises:
            UnknownNameError: With the closest names.
        """
        if name not in self.jobs:
            raise UnknownNameError("job", name, tuple(self.jobs))
        return self.jobs[name]

    def schedule(self, name: str) -> Schedule:
        """The schedule of that name.

        Raises:
            UnknownNameError: With the closest names.
        """
        if name not in self.schedules:
            raise UnknownNameError("schedule", name, tuple(self.schedules))
        return self.schedules[name]
