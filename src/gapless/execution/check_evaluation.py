"""What a check found about one partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gapless.asset_key import AssetKey
from gapless.definitions.asset_checks import AssetCheckSeverity
from gapless.execution.errors import not_passed

__all__ = ["AssetCheckEvaluation"]


@dataclass(frozen=True, slots=True)
class AssetCheckEvaluation:
    """What a check found about one partition, before it was committed.

    Attributes:
        partition: None if the asset is unpartitioned.
        blocking: Whether the check keeps rows that do not pass from replacing the old ones.
        severity: Of a check that did not pass.
        metadata: The evidence, as JSON values.
        raised: Whether the check raised, or returned no result of it, instead of saying whether it passed.
        traceback: Of the user's own frames, if it raised.
    """

    asset_key: AssetKey
    partition: str | None
    check_name: str
    passed: bool
    blocking: bool = False
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    raised: bool = False
    traceback: str | None = None

    @property
    def prevents(self) -> bool:
        """Whether the rows must not be committed."""
        return not self.passed and self.blocking and self.severity is AssetCheckSeverity.ERROR

    @property
    def reason(self) -> str | None:
        """One line; None if it passed."""
        if self.passed:
            return None
        return self.description if self.raised else not_passed(self.check_name, self.description)

    def payload(self) -> dict[str, Any]:
        """What the ledger records, as JSON values."""
        payload: dict[str, Any] = {
            "check": self.check_name,
            "passed": self.passed,
            "severity": self.severity.value,
            "blocking": self.blocking,
        }
        if self.description:
            payload["description"] = self.description
        if self.metadata:
            payload["metadata"] = dict(self.metadata)
        if self.traceback:
            payload["traceback"] = self.traceback
        return payload
