"""A published copy as a folder of Parquet files, one for each asset: ``<folder>/plays/plays.parquet``.

Each publication is a folder of its own, ``.versions/<number>``, that never changes; ``.current`` is a link to the
newest, and what a reader sees by an asset's name is a link to what lies there. So all assets change at one instant,
with the rename of one link. One file for each asset, of one name for ever: a glob that is expanded before that instant
and opened after it finds a file, and finds it whole.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from gapless.storage.duckdb.database.exact_integers import exact_columns
from gapless.storage.duckdb.database.session import Session
from gapless.storage.durable import sync, sync_tree
from gapless.storage.publishing.errors import PublishError
from gapless.storage.publishing.publication import PublishedTable, Source

__all__ = ["CONTENTS", "CURRENT", "ParquetFolder", "file_of"]

CURRENT = ".current"
CONTENTS = "published.json"
_VERSIONS = ".versions"
_AS_GOOD_AS_NONE = frozenset({".gitignore", ".gitkeep", ".DS_Store", "lost+found"})
_MOST_NAMES = 3
_ROW_GROUP_SIZE = 122_880  # rows: DuckDB's own


def file_of(path: Sequence[str]) -> Path:
    """Where an asset's file lies in a publication, by the parts of its key."""
    # A name with a leading dot would be hidden, be in our way, or lead out of the folder.
    parts = [f"%2E{part[1:]}" if part.startswith(".") else part for part in path]
    return Path(*parts, f"{parts[-1]}.parquet")


class ParquetFolder:
    """Readers by name see the old files or the new; those who resolved ``.current`` keep what they have for a while.

    Args:
        keep: How many publications stay, the newest included; at least 1.
    """

    def __init__(self, target: Path, keep: int) -> None:
        self.target = target
        self._versions = target / _VERSIONS
        self._keep = max(1, keep)
        self._building = self._versions / "building"

    @property
    def folder(self) -> Path:
        """Where it is built."""
        return self.target

    @property
    def turn_path(self) -> Path:
        """What those who publish here take turns at."""
        return self.target / ".publish"

    def refuse_others(self) -> None:
        """Look before anything is put there: a folder for something else must not fill with links.

        Raises:
            PublishError: There are other things in it, and nothing was ever published there.
        """
        if _is_ours(self.target / CURRENT) or not self.target.is_dir():
            return
        own = (_VERSIONS, self.turn_path.name)
        others = [
            path.name
            for path in sorted(self.target.iterdir())
            if not path.name.startswith(own) and path.name not in _AS_GOOD_AS_NONE and not _is_ours(path)
        ]
        if others:
            shown = ", ".join(others[:_MOST_NAMES]) + (", …" if len(others) > _MOST_NAMES else "")
            raise PublishError(
                str(self.target),
                f"there are other things in it ({shown})",
                f"Name a folder that is empty or not there yet, for example {self.target / 'published'}",
            )

    def prepare(self, sources: Sequence[Source]) -> None:
        """Clear away what a publisher that died has left.

        Raises:
            PublishError: Something else has the name of an asset.
        """
        for name in sorted({CURRENT, *_tops(sources)}):
            link = self.target / name
            if os.path.lexists(link) and not _is_ours(link):
                raise PublishError(
                    str(self.target),
                    f"{link} is there already, and Gapless has not published it",
                    "Choose another folder, or move it out of the way",
                )
        self._discard()
        self._building.mkdir(parents=True)

    def begin(self, session: Session) -> None:
        """Nothing has to be attached."""

    def end(self, session: Session) -> None:
        """Nothing was."""

    def add(self, session: Session, source: Source, select: str) -> int:
        """Write the rows of a SELECT; returns how many."""
        file = self._building / file_of(source.asset.parts)
        file.parent.mkdir(parents=True, exist_ok=True)
        where = "'" + str(file).replace("'", "''") + "'"
        options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {_ROW_GROUP_SIZE}"
        kinds = {name: kind for name, kind, *_ in session.execute(f"DESCRIBE {select}")}
        exact = f"SELECT {exact_columns(kinds)} FROM ({select})"  # DuckDB itself would write the nearest floats
        ((rows,),) = session.execute(f"COPY ({exact}) TO {where} ({options})")
        ((held,),) = session.execute(f"SELECT count(*) FROM read_parquet({where})")
        if held != rows:
            raise PublishError(
                str(self.target), f"{file} does not hold what was put into it", "Look at the disk, and try again"
            )
        return int(rows)

    def finish(self, tables: Sequence[PublishedTable], now: datetime) -> int:
        """Write down what is in it, and swap; returns its bytes."""
        contents = {"published_at": now.isoformat(), "assets": [one.to_json() for one in tables]}
        (self._building / CONTENTS).write_text(json.dumps(contents, indent=2), encoding="utf-8")
        nbytes = sum(path.stat().st_size for path in self._building.rglob("*.parquet"))
        sync_tree(self._building)
        numbers = self._numbers()
        version = self._versions / f"{max(numbers, default=0) + 1:06d}"
        self._building.rename(version)
        sync(self._versions)
        tops = {path.name for path in version.iterdir() if path.is_dir()}
        for name in tops:  # a link to what is not there yet is as good as none
            if not os.path.lexists(self.target / name):
                self._link(self.target / name, Path(CURRENT) / name)
        self._link(self.target / CURRENT, Path(_VERSIONS) / version.name)  # this is the instant
        sync(self.target)
        for link in self.target.iterdir():
            if link.name != CURRENT and link.name not in tops and _is_ours(link):
                link.unlink()
        for number in sorted([*numbers, int(version.name)])[: -self._keep]:
            shutil.rmtree(self._versions / f"{number:06d}", ignore_errors=True)
        return nbytes

    def abandon(self) -> None:
        """After an error: leave nothing behind."""
        self._discard()

    def _discard(self) -> None:
        shutil.rmtree(self._building, ignore_errors=True)
        current = (self.target / CURRENT).readlink().name if (self.target / CURRENT).is_symlink() else "0"
        for number in self._numbers():
            if number > int(current):  # no reader has ever seen it
                shutil.rmtree(self._versions / f"{number:06d}", ignore_errors=True)

    def _numbers(self) -> list[int]:
        if not self._versions.is_dir():
            return []
        return [int(path.name) for path in self._versions.iterdir() if path.name.isdecimal()]

    @staticmethod
    def _link(link: Path, to: Path) -> None:
        beside = link.with_name(f"{link.name}.{os.getpid()}.link")
        beside.unlink(missing_ok=True)
        beside.symlink_to(to, target_is_directory=True)
        beside.replace(link)


def _is_ours(path: Path) -> bool:
    """Whether it is a link into the publications."""
    return path.is_symlink() and path.readlink().parts[:1] in ((CURRENT,), (_VERSIONS,))


def _tops(sources: Sequence[Source]) -> set[str]:
    return {file_of(source.asset.parts).parts[0] for source in sources}
