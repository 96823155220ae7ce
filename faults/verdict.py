"""What a trial saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ROWS", "Slices", "Verdict"]

ROWS = 7  # of a partition in most trials


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of one fault, for one subject.

    Attributes:
        survived: Nothing was lost, doubled or torn, and what was told is what is there. None if it cannot be tried.
        saw: In words.
    """

    survived: bool | None
    saw: str

    @property
    def cell(self) -> str:
        """As it stands in the table."""
        sign = {True: "✓", False: "✗", None: "–"}[self.survived]
        return f"{sign} {self.saw}".rstrip()


@dataclass(slots=True)
class Slices:
    """Counts what became of partitions that had old rows when new ones were to replace them.

    Attributes:
        old, new: Marks.
        fates: ``old``, ``new``, ``none``, ``both``, ``torn``: how many partitions.
    """

    fates: Counter[str] = field(default_factory=Counter)
    disagree: list[str] = field(default_factory=list)

    def add(self, read: Mapping[str, Any], before: Mapping[str, Mapping[str, int]], new: int, rows: int = ROWS) -> None:
        """Compare what is there with what was there `before`; partitions not in it had no rows."""
        for key in {*before, *read["rows"]}:
            had, has = dict(before.get(key, {})), dict(read["rows"].get(key, {}))
            if has == {str(new): rows}:
                fate = "new"
            elif has == had:
                fate = "old"
            elif not has:
                fate = "none"
            elif len(has) > 1:
                fate = "both"
            else:
                fate = "torn"
            self.fates[fate] += 1
        self.disagree += read["disagree"]

    @property
    def survived(self) -> bool:
        return not (self.fates["none"] or self.fates["both"] or self.fates["torn"] or self.disagree)

    @property
    def words(self) -> str:
        found = f"{self.fates['old']:,} old, {self.fates['new']:,} new"
        lost = [f"**{self.fates[fate]:,} {fate}**" for fate in ("none", "both", "torn") if self.fates[fate]]
        told = [f"**ledger wrong {len(self.disagree)}×**"] if self.disagree else []
        return ", ".join([found, *lost, *told])
