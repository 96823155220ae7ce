"""Which assets a store holds, and which of them a run has committed to: small files, made before the first commit.

``_gapless/assets/<asset>`` says that there may be a table of that name. ``_gapless/runs/<run>/<asset>`` says that the
run may have committed to it, and from which entry of its log on to look. Both are made before the commit itself, so
that no commit is overlooked; one that did not come about after all is no matter.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from urllib.parse import unquote

from gapless.asset_key import AssetKey
from gapless.storage.parquet.commit_log import CommitLog
from gapless.storage.parquet.errors import CommitLogError
from gapless.storage.parquet.files import ABANDONED, Files, older
from gapless.storage.parquet.names import RESERVED, encoded, joined

__all__ = ["KnownAssets"]

_ASSETS = f"{RESERVED}/assets"
_RUNS = f"{RESERVED}/runs"
_RECOVERABLE = timedelta(days=30)  # runs that are older need no recovery


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
        content = json.dumps({"asset": asset.path, "after": log.current().number}).encode()
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

    def tidy(self, now: datetime) -> None:
        """Forget runs that are too old for recovery, and delete what killed writers left half-written."""
        self._files.put(f"{RESERVED}/compacted", now.isoformat().encode())  # so the youngest file is of now
        found = list(self._files.find(RESERVED))
        unfinished = list(self._files.unfinished())
        old = [file for file in older(found, now, _RECOVERABLE) if file.name.startswith(f"{_RUNS}/")]
        torn = {file.name for file in unfinished}
        old += [file for file in older([*found, *unfinished], now, ABANDONED) if file.name in torn]
        self._files.delete([file.name for file in old])

    def _read(self, folder: str) -> list[tuple[AssetKey, int]]:
        names = [found.name for found in self._files.find(folder)]
        contents = zip(names, self._files.read(names), strict=True)
        return [self._parsed(name, data) for name, data in contents if data is not None]

    def _parsed(self, name: str, data: bytes) -> tuple[AssetKey, int]:
        try:
            content = json.loads(data)
            return AssetKey(content["asset"]), int(content["after"])
        except (ValueError, KeyError, TypeError):
            asset = name.rpartition("/")[2]
            if "~" not in asset:  # its name says as much: look at the whole log
                return AssetKey.from_user_string(unquote(asset)), 0
        raise CommitLogError(
            self._files.path(name), "it is damaged", "Delete this one file: it is made again with the next commit"
        )
