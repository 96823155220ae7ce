"""Which partitions have expired: ordinal algebra, whatever the number of partitions."""

from __future__ import annotations

from datetime import datetime, timedelta

from gapless.definitions.asset import AssetsDefinition
from gapless.partitions import MultiPartitionsDefinition, OrdinalSet, TimeWindowPartitionsDefinition

__all__ = ["expired", "kept_for"]

_UNITS = ((timedelta(days=1), "day"), (timedelta(hours=1), "hour"), (timedelta(minutes=1), "minute"))


def expired(asset: AssetsDefinition, now: datetime) -> OrdinalSet:
    """The partitions that exist and whose window ended `asset.keep` ago, or earlier; none of what is kept for ever.

    Of several dimensions, the one that is time says it.
    """
    definition = asset.partitions_def
    if asset.keep is None or definition is None:
        return OrdinalSet.empty()
    if isinstance(definition, TimeWindowPartitionsDefinition):
        return OrdinalSet.span(0, _ended(definition, asset.keep, now))
    found = OrdinalSet.empty()
    if isinstance(definition, MultiPartitionsDefinition):
        for place, each in enumerate(definition.dimensions.values()):
            if isinstance(each, TimeWindowPartitionsDefinition):
                old = OrdinalSet.span(0, _ended(each, asset.keep, now))
                found |= definition.product(now).where(place, old).flat()
    return found


def _ended(definition: TimeWindowPartitionsDefinition, keep: timedelta, now: datetime) -> int:
    """How many windows ended `keep` ago or earlier."""
    if now.tzinfo is None:
        now = now.replace(tzinfo=definition.start.tzinfo)
    try:
        limit = now - keep
    except OverflowError:  # longer ago than there are dates
        return 0
    if limit <= definition.start:
        return 0
    return min(definition.closed_by(limit), definition.extent(now))


def kept_for(asset: AssetsDefinition) -> str:
    """How long partitions are kept, in words: ``90 days``; empty for ever."""
    if asset.keep is None:
        return ""
    for unit, noun in _UNITS:
        number, rest = divmod(asset.keep, unit)
        if number and not rest:
            return f"{number:,} {noun}{'' if number == 1 else 's'}"
    return str(asset.keep)
