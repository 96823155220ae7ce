"""Let go of what has expired: when serving begins, and then every hour."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from gapless.asset_key import AssetKey
from gapless.engine import Engine
from gapless.execution.wipe import Wiped
from gapless.partitions import OrdinalSet

__all__ = ["Retained", "Retention"]

_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Retained:
    """What became of the expired partitions of one asset.

    Attributes:
        partitions: Those that had expired and were still on record; none if not even that could be found out.
        wiped: What was wiped of them; None if that failed.
        error: Why it failed. They are tried again in an hour.
    """

    asset: AssetKey
    partitions: OrdinalSet
    wiped: Wiped | None = None
    error: Exception | None = None


class Retention:
    """Knows when to look again."""

    def __init__(self) -> None:
        self._looked_at: datetime | None = None

    def next_look(self, engine: Engine) -> datetime | None:
        """When to look again at the latest; None if the project keeps everything, or has not been looked at."""
        return None if self._looked_at is None or not _keeping(engine) else self._looked_at + _EVERY

    def wipe_expired(self, engine: Engine, now: datetime) -> Iterator[Retained]:
        """Wipe what has expired, asset by asset, each in a run of its own, unless that was done within the hour."""
        # A clock that was set back must not put it off for as long.
        if self._looked_at is not None and self._looked_at <= now < self._looked_at + _EVERY:
            return
        self._looked_at = now
        for key in _keeping(engine):
            partitions = OrdinalSet.empty()
            try:
                partitions = engine.expired([key]).get(key, partitions)
                if not partitions:
                    continue
                engine.recover()
                (wiped,) = engine.wipe({key: partitions}, trigger="retention")
            except Exception as error:  # one asset's trouble must not end the others, nor the schedules
                yield Retained(key, partitions, error=error)
            else:
                yield Retained(key, partitions, wiped)


def _keeping(engine: Engine) -> list[AssetKey]:
    return [asset.key for asset in engine.project.graph.assets if asset.keep is not None]
