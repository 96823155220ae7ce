"""What filling the gaps of some assets would take."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from gapless.asset_key import AssetKey
from gapless.definitions.project import Project
from gapless.ledger.contract import Ledger
from gapless.planning.plan import Plan
from gapless.planning.planner import make_plan
from gapless.planning.request import PartitionRequest
from gapless.planning.snapshot import AssetStatus

__all__ = ["gaps_plan"]


def gaps_plan(project: Project, ledger: Ledger, keys: Collection[AssetKey], now: datetime) -> Plan:
    """What making all that is missing of `keys` would do, by what is recorded; its cost follows that."""
    read = {edge.upstream for key in keys for edge in project.graph.parents(key)}
    statuses = {
        key: AssetStatus.of(project.graph[key].partitions_def, ledger.statuses(key.to_user_string()))
        for key in read.union(keys)
    }
    return make_plan(project.graph, keys, PartitionRequest(), statuses, now)
