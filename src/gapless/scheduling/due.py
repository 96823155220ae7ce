"""What a tick owes: (definitions, what is recorded, two instants) -> partitions, without a clock or a database.

A tick at T that covers what came after C asks for the partitions that exist at T and did not exist at C, whatever the
offsets of their definition are: after ten days of downtime one tick asks for ten. It is a question about what is
missing, not a replay: what has been made meanwhile, by whomever, is not asked for; neither is what was tried and
failed, which waits for a person (``gapless materialize --failed``), nor what had expired when the schedule ticked. So
asking again after a crash finds exactly the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gapless.asset_key import AssetKey
from gapless.definitions.graph import AssetGraph
from gapless.definitions.jobs import Job
from gapless.ledger.contract import Status, StatusRecord
from gapless.partitions import OrdinalSet, PartitionsDefinition
from gapless.planning.retention import expired

__all__ = ["Coverage", "Records", "covered", "owed"]

Records = Mapping[AssetKey, Mapping[str | None, StatusRecord]]

_WHOLE = OrdinalSet.span(0, 1)
_NOTHING = OrdinalSet.empty()
_TRIED = frozenset({Status.MATERIALIZED, Status.FAILED})


@dataclass(frozen=True, slots=True)
class Coverage:
    """What one tick answers for.

    Attributes:
        after: Partitions that came to exist after this instant …
        tick: … up to and including this one, at which the schedule ticks.
    """

    after: datetime
    tick: datetime


def covered(definition: PartitionsDefinition, coverage: Coverage) -> OrdinalSet:
    """The partitions that a tick answers for, made or not: those that came to exist; without time each time all."""
    existing = definition.existing(coverage.tick)
    return existing - definition.existing(coverage.after) if definition.times else existing


def owed(graph: AssetGraph, job: Job, coverage: Coverage, records: Records) -> dict[AssetKey, OrdinalSet]:
    """What has to be made for the tick, by asset of the job; nothing for assets that are done.

    An unpartitioned asset of the job is made (as ordinal 0) when something that it reads is, or has been since it was
    last made; if it reads nothing of the job, at every tick that covers anything.

    Args:
        records: What the ledger holds of the job's assets; of partitioned ones the covered partitions are enough.
    """
    answered = {
        key: covered(definition, coverage)
        for key in job.selection
        if (definition := graph[key].partitions_def) is not None
    }
    due: dict[AssetKey, OrdinalSet] = {}
    fresh: dict[AssetKey, datetime | None] = {}  # when something that the tick answers for was last made
    for key in graph.ordered(job.selection):
        known, definition = records.get(key, {}), graph[key].partitions_def
        if definition is not None:
            tried = {
                ordinal: record
                for partition, record in known.items()
                if partition is not None
                and (ordinal := definition.ordinal_of(partition)) is not None
                and ordinal in answered[key]
                and _is_tried(record, definition, coverage)
            }
            due[key] = answered[key] - OrdinalSet.of(tried) - expired(graph[key], coverage.tick)
            fresh[key] = max((r.updated_at for r in tried.values() if r.status is Status.MATERIALIZED), default=None)
            continue
        own = known.get(None)
        tried_at = own.updated_at if own is not None and own.status in _TRIED else None
        upstream = [edge.upstream for edge in graph.parents(key) if edge.upstream in due]
        if upstream:
            changed = max((at for parent in upstream if (at := fresh[parent]) is not None), default=None)
            wanted = any(due[parent] for parent in upstream) or (
                changed is not None and (tried_at is None or tried_at < changed)
            )
        else:
            changed = coverage.tick if any(answered.values()) else None
            wanted = changed is not None and (tried_at is None or tried_at < changed)
        due[key] = _WHOLE if wanted else _NOTHING
        fresh[key] = tried_at if changed is not None and own is not None and own.status is Status.MATERIALIZED else None
    return {key: ordinals for key, ordinals in due.items() if ordinals}


def _is_tried(record: StatusRecord, definition: PartitionsDefinition, coverage: Coverage) -> bool:
    """Whether it was made, or failed, since it became due."""
    tried = record.status in _TRIED
    if definition.times:
        # Made again right now by another run: its rows are there all the same.
        return tried or (record.status is Status.RUNNING and record.committed_at is not None)
    return tried and record.updated_at >= coverage.tick
