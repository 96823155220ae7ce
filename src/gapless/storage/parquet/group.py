"""A group of values that are committed together: one by partition, those of one asset in one commit of its log."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from gapless.asset_key import AssetKey
from gapless.errors import StorageError
from gapless.storage.duckdb.staging.spilled import StagedFiles
from gapless.storage.duckdb.staging.staged_value import StagedValue
from gapless.storage.errors import slice_name
from gapless.storage.parquet.table_commit import Patience, TableCommit, TableFiles
from gapless.storage.slices import Committed, Refused, StagedSlices, Uncertain

__all__ = ["GroupOfAssets"]


class GroupOfAssets:
    """What becomes of `staged`.

    Args:
        split: Makes one value for each slice of one that holds several.
    """

    def __init__(self, staged: Sequence[StagedSlices], split: Callable[[StagedSlices], Sequence[StagedSlices]]) -> None:
        self._staged = [value for value in staged if isinstance(value, StagedValue)]
        self._parts: dict[int, StagedValue] = {}
        self._owner: dict[int, int] = {}  # the place in `staged` of the value that a part is of
        self._refused: dict[int, Refused] = {}
        self._outcomes: dict[int, Committed | Refused | Uncertain] = {}
        for place, value in enumerate(self._staged):
            try:
                parts = [value] if len(value.keys) == 1 else split(_lasting(value))
            except Exception as error:
                self._refused[place] = Refused(_told(value, error))
                continue
            for part in parts:
                if isinstance(part, StagedValue):
                    self._owner[len(self._owner)] = place
                    self._parts[len(self._parts)] = part

    def by_asset(self) -> Mapping[AssetKey, dict[int, StagedValue]]:
        """The values, each for one partition, by their numbers."""
        found: dict[AssetKey, dict[int, StagedValue]] = {}
        for number, part in self._parts.items():
            found.setdefault(part.output.asset, {})[number] = part
        return found

    def settle(self, table: TableFiles, members: Mapping[int, StagedValue], patience: Patience) -> None:
        """Commit `members`, all of one asset. A value that holds several partitions is committed whole, or not at all.

        Raises:
            StorageError: The storage is out of reach.
        """
        self._outcomes |= TableCommit(table, members, self._owner, patience).run()

    def refuse(self, members: Mapping[int, StagedValue], error: BaseException) -> None:
        """Let those of `members` that have no outcome yet be refused."""
        for number, member in members.items():
            self._outcomes.setdefault(number, Refused(_told(member, error)))

    def discard(self) -> None:
        """Let go of the files in which rows waited; what was refused of several partitions may yet be taken apart."""
        for part in self._parts.values():
            with suppress(Exception):  # it must not hide what was committed
                part.discard()
        if any(number not in self._outcomes for number in self._parts):
            return  # interrupted: nothing will be told, and who staged the values lets go of them
        for value, outcome in zip(self._staged, self.outcomes(), strict=True):
            if isinstance(outcome, Committed):
                with suppress(Exception):
                    value.discard()

    def outcomes(self) -> list[Committed | Refused | Uncertain]:
        """One for each of the staged values, in their order."""
        by_place: dict[int, list[Committed | Refused | Uncertain]] = {}
        for number, place in self._owner.items():
            by_place.setdefault(place, []).append(self._outcomes[number])
        return [
            self._refused[place] if place in self._refused else _together(by_place[place])
            for place in range(len(self._staged))
        ]


def _told(value: StagedValue, error: BaseException) -> StorageError:
    if isinstance(error, StorageError):
        return error
    reason = " ".join(str(error).partition("Resolved plan")[0].split())
    name = slice_name(str(value.output.asset), value.keys)
    return StorageError(f"{name}: the store failed: {type(error).__name__}: {reason}")


@dataclass(frozen=True, slots=True)
class _LastingFiles(StagedFiles):
    """Rows in files that stay when they have been split."""

    def discard(self) -> None: ...


def _lasting(value: StagedValue) -> StagedValue:
    if not isinstance(value, StagedFiles):
        return value
    return _LastingFiles(value.output, value.spilled, is_part=value.is_part, dropped=value.dropped)


def _together(outcomes: Sequence[Committed | Refused | Uncertain]) -> Committed | Refused | Uncertain:
    if len(outcomes) == 1:
        return outcomes[0]
    committed: list[Committed] = []
    for outcome in outcomes:
        if not isinstance(outcome, Committed):
            return outcome
        committed.append(outcome)
    return Committed(
        rows={key: rows for outcome in committed for key, rows in outcome.rows.items()},
        nbytes=sum(outcome.nbytes for outcome in committed),
        columns=committed[-1].columns,
        table=committed[-1].table,
        versions={key: version for outcome in committed for key, version in outcome.versions.items()},
        dropped={key: count for outcome in committed for key, count in outcome.dropped.items()},
    )
