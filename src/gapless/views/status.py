"""What is there of an asset, what is missing, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.project import Project
from gapless.ledger.contract import Ledger, StatusRecord
from gapless.partitions import OrdinalSet, PartitionsDefinition, existing
from gapless.planning.retention import expired
from gapless.planning.snapshot import AssetStatus
from gapless.views.cells import Cell, PartitionStates, bar
from gapless.views.heatmap import HeatMap, heat_map
from gapless.views.key_ranges import KeyRange, key_ranges

__all__ = ["AssetDetail", "AssetOverview", "ReasonGroup", "detail", "not_defined", "overview"]


@dataclass(frozen=True, slots=True)
class AssetOverview:
    """One asset in a few numbers.

    Attributes:
        partitions: Its partitions definition in words; None if it is unpartitioned.
        extent: Partitions that exist now; 1 if it is unpartitioned.
        materialized, failed, skipped, running, missing, expired: How many of them; together `extent`.
        rows: Rows in all of these partitions that are there; None if none of them was counted.
        updated_at: When rows of these partitions were last committed.
        outside: Partitions on record that the definition does not have (any more).
        states: The partitions themselves.
    """

    asset: AssetKey
    partitions: str | None
    extent: int
    materialized: int
    failed: int
    skipped: int
    running: int
    missing: int
    expired: int
    rows: int | None
    updated_at: datetime | None
    outside: int
    states: PartitionStates

    def bar(self, length: int) -> tuple[Cell, ...]:
        """All partitions in order, in at most `length` cells of equal size."""
        return bar(self.states, length)

    def to_json(self) -> dict[str, Any]:
        return {
            "asset": self.asset.to_user_string(),
            "partitions": self.partitions,
            "extent": self.extent,
            "materialized": self.materialized,
            "failed": self.failed,
            "skipped": self.skipped,
            "running": self.running,
            "missing": self.missing,
            "expired": self.expired,
            "rows": self.rows,
            "updated_at": self.updated_at.isoformat() if self.updated_at else None,
            "outside": self.outside,
        }


@dataclass(frozen=True, slots=True)
class ReasonGroup:
    """Partitions that failed, or were skipped, for the same reason."""

    reason: str
    ranges: tuple[KeyRange, ...]
    count: int

    def to_json(self) -> dict[str, Any]:
        return {
            "reason": self.reason,
            "count": self.count,
            "ranges": [key_range.to_json() for key_range in self.ranges],
        }


@dataclass(frozen=True, slots=True)
class AssetDetail:
    """One asset in full.

    Attributes:
        heat_map: None if it is unpartitioned.
        gaps: What is missing, without the failed and the skipped.
        failures, skips: By reason, most frequent first.
        failed_but_there: How many of the failed still have the rows of an earlier success.
    """

    overview: AssetOverview
    heat_map: HeatMap | None
    gaps: tuple[KeyRange, ...]
    running: tuple[KeyRange, ...]
    failures: tuple[ReasonGroup, ...]
    skips: tuple[ReasonGroup, ...]
    failed_but_there: int

    def to_json(self) -> dict[str, Any]:
        return {
            **self.overview.to_json(),
            "heat_map": self.heat_map.to_json() if self.heat_map else None,
            "gaps": [gap.to_json() for gap in self.gaps],
            "running_ranges": [key_range.to_json() for key_range in self.running],
            "failures": [group.to_json() for group in self.failures],
            "skips": [group.to_json() for group in self.skips],
            "failed_but_there": self.failed_but_there,
        }


@dataclass(frozen=True, slots=True)
class _Found:
    overview: AssetOverview
    status: AssetStatus
    definition: PartitionsDefinition | None


def overview(project: Project, ledger: Ledger, keys: Iterable[AssetKey], now: datetime) -> list[AssetOverview]:
    """A few numbers about each of `keys`, in that order. Its cost follows what is recorded."""
    return [_find(project, ledger, key, now).overview for key in keys]


def detail(project: Project, ledger: Ledger, key: AssetKey, now: datetime) -> AssetDetail:
    """Everything about one asset."""
    found = _find(project, ledger, key, now)
    states, definition = found.overview.states, found.definition
    return AssetDetail(
        overview=found.overview,
        heat_map=None if definition is None else heat_map(definition, states),
        gaps=key_ranges(definition, states.missing),
        running=key_ranges(definition, states.running),
        failures=_by_reason(definition, states.failed, found.status),
        skips=_by_reason(definition, states.skipped, found.status),
        failed_but_there=len(states.failed & found.status.committed),
    )


def _find(project: Project, ledger: Ledger, key: AssetKey, now: datetime) -> _Found:
    definition = project.graph[key].partitions_def
    records = ledger.statuses(key.to_user_string())
    status = AssetStatus.of(definition, records)
    everything = existing(definition, now)
    states, extent = PartitionStates.of(status, everything, expired(project.graph[key], now)), len(everything)
    outside = len(records) - len(status.recorded & everything)
    in_view = _in_view(definition, records, everything) if outside else list(records.values())
    counted = [record.rows for record in in_view if record.rows is not None]
    found = AssetOverview(
        asset=key,
        partitions=None if definition is None else definition.describe(),
        extent=extent,
        materialized=len(states.materialized),
        failed=len(states.failed),
        skipped=len(states.skipped),
        running=len(states.running),
        missing=len(states.missing),
        expired=len(states.expired),
        rows=sum(counted) if counted else None,
        updated_at=max((r.committed_at for r in in_view if r.committed_at is not None), default=None),
        outside=outside,
        states=states,
    )
    return _Found(found, status, definition)


def _in_view(
    definition: PartitionsDefinition | None, records: Mapping[str | None, StatusRecord], everything: OrdinalSet
) -> list[StatusRecord]:
    """The records of partitions that the definition has now."""
    if definition is None:
        return [record for key, record in records.items() if key is None]
    ordinals = ((None if key is None else definition.ordinal_of(key), record) for key, record in records.items())
    return [record for ordinal, record in ordinals if ordinal is not None and ordinal in everything]


def not_defined(project: Project, ledger: Ledger) -> dict[str, int]:
    """Assets that something is recorded about, though the project does not have them (any more): partitions by name."""
    defined = {key.to_user_string() for key in project.graph.keys}
    return {asset: sum(states.values()) for asset, states in sorted(ledger.counts().items()) if asset not in defined}


def _by_reason(
    definition: PartitionsDefinition | None, ordinals: OrdinalSet, status: AssetStatus
) -> tuple[ReasonGroup, ...]:
    groups: dict[str, list[int]] = {}
    for ordinal in ordinals:
        groups.setdefault(status.reasons.get(ordinal, "no reason is recorded"), []).append(ordinal)
    found = [
        ReasonGroup(reason, key_ranges(definition, OrdinalSet.of(members)), len(members))
        for reason, members in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: -group.count))
