"""What is recorded about one asset, as sets of ordinals: all that planning knows of the past."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gapless.ledger.contract import Status, StatusRecord
from gapless.partitions import OrdinalSet, PartitionsDefinition

__all__ = ["AssetStatus"]


@dataclass(frozen=True, slots=True)
class AssetStatus:
    """The partitions of one asset by state. Only those that its definition still has.

    Attributes:
        materialized: The last attempt succeeded.
        failed: The last attempt failed.
        skipped: Not attempted last time, because something upstream failed.
        running: A live run holds them now.
        committed: Rows are durably there, whatever the last attempt did.
        reasons: Why it failed or was skipped, by ordinal.
    """

    materialized: OrdinalSet = OrdinalSet.empty()
    failed: OrdinalSet = OrdinalSet.empty()
    skipped: OrdinalSet = OrdinalSet.empty()
    running: OrdinalSet = OrdinalSet.empty()
    committed: OrdinalSet = OrdinalSet.empty()
    reasons: Mapping[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, definition: PartitionsDefinition | None, records: Mapping[str | None, StatusRecord]) -> AssetStatus:
        """The snapshot of `records`; ordinal 0 stands for the whole of an unpartitioned asset."""

        def ordinals(keys: list[str | None]) -> OrdinalSet:
            if definition is None:
                return OrdinalSet.span(0, 1) if None in keys else OrdinalSet.empty()
            return definition.ordinals_of(key for key in keys if key is not None)

        by_status: dict[Status, list[str | None]] = {}
        committed: list[str | None] = []
        reasons: dict[int, str] = {}
        for key, record in records.items():
            by_status.setdefault(record.status, []).append(key)
            if record.committed_at is not None and record.status is not Status.MATERIALIZED:
                committed.append(key)
            if record.reason:
                ordinal = 0 if key is None else definition.ordinal_of(key) if definition else None
                if ordinal is not None:
                    reasons[ordinal] = record.reason
        materialized = ordinals(by_status.get(Status.MATERIALIZED, []))
        return cls(
            materialized=materialized,
            failed=ordinals(by_status.get(Status.FAILED, [])),
            skipped=ordinals(by_status.get(Status.SKIPPED, [])),
            running=ordinals(by_status.get(Status.RUNNING, [])),
            committed=materialized | ordinals(committed),  # a materialized partition has its rows
            reasons=reasons,
        )

    @property
    def recorded(self) -> OrdinalSet:
        """All that there is a record of."""
        return self.materialized | self.failed | self.skipped | self.running

    def by_word(self, existing: OrdinalSet, expired: OrdinalSet = OrdinalSet.empty()) -> Mapping[str, OrdinalSet]:
        """What a selection of partitions means by ``missing``, ``failed``, …, of the `existing` ones.

        What is not there because it has `expired` is not missing.
        """
        return {
            "missing": self.missing(existing) - expired,
            "materialized": self.materialized,
            "failed": self.failed,
            "running": self.running,
            "skipped": self.skipped,
        }

    def missing(self, existing: OrdinalSet) -> OrdinalSet:
        """Of the `existing` ones, those that are gaps: never made, wiped, or skipped, but not failed."""
        return existing - self.materialized - self.failed - (self.running & self.committed)
