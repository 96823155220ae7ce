"""Which versions of its inputs a value is made from."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping

from gapless.asset_key import AssetKey
from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.graph import AssetGraph
from gapless.ledger.contract import Ledger
from gapless.partitions import OrdinalSet
from gapless.storage.slices import InputVersion, version_of

__all__ = ["InputVersions"]

_UNKNOWN = "?"


class InputVersions:
    """The data versions of upstream partitions: those that the ledger knows, then those that the run commits.

    What is asked of one asset again and again, as by everything that reads all of it, is computed once for each time
    that the asset changes. Safe to use from several threads.
    """

    def __init__(self, graph: AssetGraph, ledger: Ledger) -> None:
        self._graph = graph
        self._ledger = ledger
        self._lock = threading.Lock()
        self._known: dict[AssetKey, dict[str | None, str]] = {}
        self._changes: dict[AssetKey, int] = {}
        self._last: dict[AssetKey, tuple[OrdinalSet, int, InputVersion]] = {}

    def of(self, reads: Mapping[AssetKey, OrdinalSet]) -> dict[str, InputVersion]:
        """What is read, by upstream asset's name; nothing of an asset of which no partition is read."""
        return {key.to_user_string(): self._version(key, ordinals) for key, ordinals in reads.items() if ordinals}

    def committed(self, asset: AssetsDefinition, versions: Iterable[tuple[str | None, str | None]]) -> None:
        """These partitions have been made, and so what is known of them before is history."""
        if not self._graph.children(asset.key):
            return
        with self._lock:
            known = self._known.get(asset.key)
            self._changes[asset.key] = self._changes.get(asset.key, 0) + 1
            if known is None:
                return  # read from the ledger when it is first asked for, where it will then be recorded
            for key, version in versions:
                if version is None:
                    known.pop(key, None)
                else:
                    known[key] = version

    def _version(self, asset: AssetKey, ordinals: OrdinalSet) -> InputVersion:
        with self._lock:
            changes = self._changes.get(asset, 0)
            last = self._last.get(asset)
            if last is not None and last[1] == changes and last[0] == ordinals:
                return last[2]
            known = self._known.get(asset)
            if known is None:
                known = self._known[asset] = self._recorded(asset)
            definition = self._graph[asset].partitions_def
            keys: list[str | None] = [None] if definition is None else list(definition.keys_of(ordinals))
            version = InputVersion(len(keys), version_of({key: known.get(key, _UNKNOWN) for key in keys}))
            if len(keys) > 1:
                self._last[asset] = ordinals, changes, version
            return version

    def _recorded(self, asset: AssetKey) -> dict[str | None, str]:
        records = self._ledger.statuses(asset.to_user_string())
        return {key: record.data_version for key, record in records.items() if record.data_version is not None}
