"""Which assets a store holds, and which of them a run has committed to: small files, made before the first commit.

``_gapless/assets/<asset>`` says that there may be a table of that name. ``_gapless/runs/<run>/<asset>`` says that the
run may have committed to it, and from which entry of its log on to look. Both are made before the commit itself, so
that no commit is overlooked; one that did not come about after all is no matter.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence

from gapless.asset_key import AssetKey
from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.files import Files
from gapless.storage.parquet.names import RESERVED, encoded, joined

__all__ = ["KnownAssets"]

_ASSETS = f"{RESERVED}/assets"
_RUNS = f"{RESERVED}/runs"


class KnownAssets:
    """What one store says of itself. Safe to use on several threads."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self._lock = threading.Lock()
        self._noted: set[str] = set()

    def note(self, asset: AssetKey, run_ids: Sequence[str], log: CommitLog) -> None:
        """Say that these runs are about to commit to `asset`, whose log is `log`."""
        names = [f"{_ASSETS}/{joined(asset)}", *(f"{_RUNS}/{encoded(run)}/{joined(asset)}" for run in run_ids)]
        with self._lock:
            names = [name for name in names if name not in self._noted]
        if not names:
            return
        content = json.dumps({"asset": list(asset.path), "after": log.current().number}).encode()
        for name in names:
            self._files.create(name, content)
        with self._lock:
            self._noted.update(names)

    def forget(self) -> None:
        """Somebody may have exchanged the folder: note everything again."""
        with self._lock:
            self._noted.clear()

    def is_empty(self) -> bool:
        """Whether nothing was ever committed."""
        return self._files.is_empty(_ASSETS)

    def assets(self) -> list[AssetKey]:
        """All of them, by name."""
        return sorted(asset for asset, _ in self._read(_ASSETS))

    def of_run(self, run_id: str) -> list[tuple[AssetKey, int]]:
        """What a run may have committed to: the asset, and the number of the last entry before."""
        return sorted(self._read(f"{_RUNS}/{encoded(run_id)}"))

    def runs_until(self, modified: float) -> list[str]:
        """The names of files about runs that were made before this instant, seconds since the epoch."""
        return [found.name for found in self._files.find(_RUNS) if found.modified < modified]

    def _read(self, folder: str) -> list[tuple[AssetKey, int]]:
        names = [found.name for found in self._files.find(folder)]
        found = []
        for data in self._files.read(names):
            if data is not None:
                content = json.loads(data)
                found.append((AssetKey(content["asset"]), int(content["after"])))
        return found
