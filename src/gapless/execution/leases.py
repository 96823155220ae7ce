"""The leases of what a run makes: taken before anything is called, waited for where another run holds them."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gapless.execution.progress import StepReport
from gapless.execution.ready import Unit
from gapless.ledger.contract import EventKind, Ledger

__all__ = ["Leases"]

_ASK_AGAIN_S = 0.25


class Leases:
    """Those of one run. What it cannot have yet is parked, and asked for again every now and then.

    Args:
        since: What another run commits after this instant need not be made again.
        waiting: Told when the run begins to wait for another, once for each.
    """

    def __init__(
        self,
        ledger: Ledger,
        run_id: str,
        since: datetime,
        clock: Callable[[], datetime],
        waiting: Callable[[str], None],
    ) -> None:
        self._ledger = ledger
        self._run_id = run_id
        self._since = since
        self._clock = clock
        self._waiting = waiting
        self._parked: list[Unit] = []
        self._holder: str | None = None  # of what was parked first, the last time that it was asked for
        self.ask_again_at = 0.0

    @property
    def parked(self) -> bool:
        """Whether anything waits for another run."""
        return bool(self._parked)

    def take_parked(self) -> list[Unit]:
        """What is parked, to be claimed again."""
        parked, self._parked = self._parked, []
        return parked

    def claim(self, units: Sequence[Unit]) -> tuple[list[Unit], list[tuple[Unit, list[StepReport]]]]:
        """Ask for the leases of `units`; what another run holds is parked.

        Returns:
            Those that are this run's now; and those that another has made meanwhile, with what to report of them.
        """
        ours: list[Unit] = []
        elsewhere: list[Unit] = []
        for asset, group in itertools.groupby(units, key=lambda unit: unit.asset):
            same = list(group)
            name = asset.to_user_string()
            keys = [key for unit in same for key in unit.keys]
            claim = self._ledger.claim(self._run_id, name, keys, self._clock(), since=self._since)
            give_back: list[str | None] = []
            for unit in same:
                if not claim.granted.issuperset(unit.keys):
                    give_back += [key for key in unit.keys if key in claim.granted]
                    self._park(unit, claim.held)
                elif claim.committed_since.issuperset(unit.keys):
                    give_back += unit.keys
                    elsewhere.append(unit)
                else:
                    ours.append(unit)
            if give_back:
                self._ledger.release(self._run_id, name, give_back)
        # Now that these leases are given back, the ledger names who made it, not who holds it.
        return ours, [(unit, self._made_elsewhere(unit)) for unit in elsewhere]

    def _park(self, unit: Unit, held: Mapping[str | None, str]) -> None:
        if not self._parked:
            holder = next((held[key] for key in unit.keys if key in held), "another run")
            if holder != self._holder:
                self._holder = holder
                self._waiting(f"waiting for run {holder}, which is making {unit.asset} {unit.keys[0] or ''}".rstrip())
            self.ask_again_at = time.monotonic() + _ASK_AGAIN_S
        self._parked.append(unit)

    def _made_elsewhere(self, unit: Unit) -> list[StepReport]:
        name = unit.asset.to_user_string()
        records = self._ledger.statuses(name, unit.keys)
        return [
            StepReport(
                name,
                key,
                EventKind.MATERIALIZED,
                rows=records[key].rows if key in records else None,
                made_by=records[key].run_id if key in records else None,
            )
            for key in unit.keys
        ]
