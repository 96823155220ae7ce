"""(definitions, status, now) -> Plan, without a clock or a database.

Four questions in a row, each answered for every asset in dependency order:

1. *View*: which partitions does the request speak of? Named ones apply to the first assets of the selection and are
   followed downstream through the mappings; otherwise everything that exists and has not expired is in view.
2. *Targets*: which of those does the request's scope ask for, and for which reason?
3. *Blocked*: which of those cannot be made, because an upstream partition neither has rows nor is made in this plan?
4. *Batches*: how many partitions may one call of the function make?
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.graph import AssetGraph
from gapless.errors import InvocationError
from gapless.partitions import OrdinalSet, PartitionMapping, PartitionsDefinition, existing
from gapless.partitions.mappings.waiting import Expired
from gapless.planning.plan import Plan, PlanStep
from gapless.planning.reason import Reason
from gapless.planning.request import PartitionRequest, Scope
from gapless.planning.retention import expired, kept_for
from gapless.planning.snapshot import AssetStatus

__all__ = ["make_plan"]

_WHOLE = OrdinalSet.span(0, 1)
_UNKNOWN = AssetStatus()


def make_plan(
    graph: AssetGraph,
    selected: Collection[AssetKey],
    request: PartitionRequest,
    statuses: Mapping[AssetKey, AssetStatus],
    now: datetime,
    due: Mapping[AssetKey, OrdinalSet] | None = None,
    read_at: datetime | None = None,
) -> Plan:
    """What must run for `request` on the `selected` assets, and why.

    Args:
        statuses: What is recorded about the selected assets and those that they read; absent means nothing is.
        now: Partitions that end after it do not exist yet.
        due: Instead of the request's partitions: what a schedule's tick asks for, by asset.
        read_at: When `statuses` were read; by default `now`.

    Raises:
        UnknownPartitionError: A named partition does not exist.
        PartitionRangeError: A range is malformed or runs backwards.
        PartitionSelectionError: A selection of partitions cannot be read, or names what is not there.
        InvocationError: Partitions are named, but none of the assets is partitioned.
    """
    order = graph.ordered(selected)
    in_view = _view(graph, order, request, statuses, now)
    steps: list[PlanStep] = []
    targets: dict[AssetKey, OrdinalSet] = {}
    left_out: dict[AssetKey, int] = {}
    expired_left_out: dict[AssetKey, int] = {}
    names_all = request.names_partitions and request.effective_scope is Scope.ALL
    for key in order:
        asset, status = graph[key], statuses.get(key, _UNKNOWN)
        gone = expired(asset, now)
        if not names_all:
            if request.effective_scope is Scope.ALL and due is None and (out := len(in_view[key] & gone)):
                expired_left_out[key] = out
            in_view[key] -= gone
        reasons = (
            [(Reason.DUE, due.get(key, OrdinalSet.empty()) - gone)]
            if due is not None
            else _wanted(asset, request.effective_scope, in_view[key], gone, status, now)
        )
        if request.effective_scope is Scope.MISSING and due is None:
            made_upstream = _followed(graph, key, targets, now) & in_view[key] - status.failed
            reasons.append((Reason.UPSTREAM, made_upstream))
            if failed := len(in_view[key] & status.failed):
                left_out[key] = failed
        reasons = _disjoint(reasons)
        wanted = _union(ordinals for _, ordinals in reasons)
        blocked, impossible = _blocked(graph, key, wanted, targets, statuses, now)
        targets[key] = wanted - OrdinalSet.of(blocked)
        if wanted:
            kept = [(reason, ordinals & targets[key]) for reason, ordinals in reasons]
            steps.append(
                PlanStep(
                    asset=key,
                    definition=asset.partitions_def,
                    partitions=targets[key],
                    reasons=tuple((reason, ordinals) for reason, ordinals in kept if ordinals),
                    blocked=blocked,
                    batch_size=asset.backfill_policy.max_partitions_per_run if asset.backfill_policy else 1,
                    impossible=impossible,
                )
            )
    return Plan(tuple(steps), now, read_at or now, left_out, expired_left_out)


def _view(
    graph: AssetGraph,
    order: Sequence[AssetKey],
    request: PartitionRequest,
    statuses: Mapping[AssetKey, AssetStatus],
    now: datetime,
) -> dict[AssetKey, OrdinalSet]:
    in_view: dict[AssetKey, OrdinalSet] = {}
    if request.names_partitions and order and all(graph[key].partitions_def is None for key in order):
        raise InvocationError(
            f"{_unpartitioned(order)}, so there is no {request.named} to make",
            "Leave it out; an unpartitioned asset is made whole",
        )
    for key in order:
        definition = graph[key].partitions_def
        everything = existing(definition, now)
        # What is read whole names no partition: a selected lookup table must not put all of its readers in view.
        upstream = {
            dependency.upstream: in_view[dependency.upstream]
            for dependency in graph.parents(key)
            if dependency.upstream in in_view and graph[dependency.upstream].partitions_def is not None
        }
        if not request.names_partitions:
            in_view[key] = everything
        elif upstream:
            in_view[key] = _followed(graph, key, upstream, now) & everything
        elif definition is None:
            in_view[key] = _WHOLE
        else:
            status, gone = statuses.get(key, _UNKNOWN), expired(graph[key], now)
            in_view[key] = request.resolve(definition, key.to_user_string(), now, status, gone)
    return in_view


def _unpartitioned(keys: Sequence[AssetKey]) -> str:
    names = ", ".join(repr(str(key)) for key in keys)
    return f"asset {names} is unpartitioned" if len(keys) == 1 else f"assets {names} are unpartitioned"


def _wanted(
    asset: AssetsDefinition, scope: Scope, in_view: OrdinalSet, gone: OrdinalSet, status: AssetStatus, now: datetime
) -> list[tuple[Reason, OrdinalSet]]:
    if scope is Scope.ALL:
        return [(Reason.EXPIRED, in_view & gone), (Reason.REQUESTED, in_view - gone)]
    if scope is Scope.FAILED:
        return [(Reason.FAILED, in_view & status.failed), (Reason.SKIPPED, in_view & status.skipped)]
    missing = in_view & status.missing(existing(asset.partitions_def, now))
    return [(Reason.SKIPPED, missing & status.skipped), (Reason.MISSING, missing - status.skipped)]


def _followed(graph: AssetGraph, key: AssetKey, made: Mapping[AssetKey, OrdinalSet], now: datetime) -> OrdinalSet:
    """The partitions of `key` that read what is `made` upstream."""
    return _union(
        dependency.mapping.downstream(
            made[dependency.upstream],
            graph[key].partitions_def,
            graph[dependency.upstream].partitions_def,
            now,
        )
        for dependency in graph.parents(key)
        if made.get(dependency.upstream)
    )


def _blocked(
    graph: AssetGraph,
    key: AssetKey,
    wanted: OrdinalSet,
    targets: Mapping[AssetKey, OrdinalSet],
    statuses: Mapping[AssetKey, AssetStatus],
    now: datetime,
) -> tuple[dict[int, str], OrdinalSet]:
    """Which of `wanted` lack something upstream, and what; and which of these lack what will never be there.

    What upstream has expired and is gone is not waited for by an asset that covers no time of its own: it is made of
    what is kept. A partition that covers time would be wrong without a part of it.
    """
    blocked: dict[int, str] = {}
    impossible: list[int] = []
    down_def = graph[key].partitions_def
    for dependency in graph.parents(key):
        if not wanted:
            break
        up_def = graph[dependency.upstream].partitions_def
        available = (
            targets.get(dependency.upstream, OrdinalSet.empty()) | statuses.get(dependency.upstream, _UNKNOWN).committed
        )
        if dependency.upstream == key:  # an asset that reads its own earlier partitions: those of this plan count
            available |= wanted
        failed = statuses.get(dependency.upstream, _UNKNOWN).failed
        gone = Expired(expired(graph[dependency.upstream], now) - available, kept_for(graph[dependency.upstream]))
        wait_for = dependency.mapping.wait_for
        passes_over = wait_for.least is None and (down_def is None or not down_def.times)
        for ordinal in _suspects(dependency.mapping, wanted, available, down_def, up_def, now):
            mapped = dependency.mapping.upstream(OrdinalSet.span(ordinal, ordinal + 1), down_def, up_def, now)
            there = available | gone.partitions if passes_over and mapped.partitions & available else available
            verdict = wait_for.verdict(mapped, there, up_def, str(dependency.upstream), failed, gone)
            if not verdict.ready:
                blocked.setdefault(ordinal, verdict.reason)
            if verdict.never:
                impossible.append(ordinal)
    return blocked, OrdinalSet.of(impossible)


def _suspects(
    mapping: PartitionMapping,
    wanted: OrdinalSet,
    available: OrdinalSet,
    down_def: PartitionsDefinition | None,
    up_def: PartitionsDefinition | None,
    now: datetime,
) -> OrdinalSet:
    """Which of `wanted` may lack something; asked in bulk, so that what lacks nothing costs one question for all."""
    if mapping.wait_for.least:
        return wanted  # they have to be counted one by one
    mapped = mapping.upstream(wanted, down_def, up_def, now)
    lacking = mapped.partitions - available
    if mapping.wait_for.least is None and mapped.nonexistent_count:
        return wanted
    if not lacking:
        return OrdinalSet.empty()
    suspects = mapping.downstream(lacking, down_def, up_def, now) & wanted
    if mapping.wait_for.least == 0:
        suspects -= mapping.downstream(mapped.partitions & available, down_def, up_def, now)
    return suspects


def _disjoint(reasons: list[tuple[Reason, OrdinalSet]]) -> list[tuple[Reason, OrdinalSet]]:
    seen = OrdinalSet.empty()
    result = []
    for reason, ordinals in reasons:
        fresh = ordinals - seen
        seen |= ordinals
        if fresh:
            result.append((reason, fresh))
    return result


def _union(sets: Iterable[OrdinalSet]) -> OrdinalSet:
    result = OrdinalSet.empty()
    for ordinals in sets:
        result |= ordinals
    return result
