"""Which file holds which partition of one table: the sum of its commit log's entries."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gapless.asset_key import AssetKey
from gapless.storage.slices import CommitRecord, InputVersion

__all__ = ["Entry", "Manifest", "Superseded", "Version"]

FORMAT = 1  # of the log's files; one that is newer is refused
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a partition, and where its rows lie.

    Attributes:
        partition: Its key; None for the whole of a table.
        file: Below the asset's folder; empty if there are no rows.
        first_row: Where its rows begin in the file, 0-based; 0 unless the file is packed.
        rows: How many there are.
        size: Bytes of the file, or its share of a packed one.
        nbytes: Approximate size in memory, bytes.
        pack_size: Bytes of the file if it holds other partitions, too, or did; otherwise 0.
        schema: Under which id the manifest has its columns.
        without_values: Those of its columns that hold nothing but NULL.
        timeless, starts: The keys of its dimensions that are no times, and when the others begin, seconds since the
            epoch.
        content: What tells its rows from others.
        committed_us: When, microseconds since the epoch; grows with `number`, whatever the clock did.
        number: Of the entry that committed it.
        previous: Of the entry that committed the partition's version before; 0 if there was none.
    """

    partition: str | None
    file: str
    rows: int
    size: int
    nbytes: int
    schema: str
    content: str
    run_id: str
    committed_us: int
    number: int
    previous: int = 0
    first_row: int = 0
    pack_size: int = 0
    without_values: tuple[str, ...] = ()
    timeless: tuple[str | None, ...] = ()
    starts: tuple[float, ...] = ()
    code_version: str | None = None
    inputs: Mapping[str, InputVersion] = field(default_factory=dict)

    @property
    def packed(self) -> bool:
        """Whether the file holds other partitions, too, or did."""
        return self.pack_size > 0

    def record(self, asset: AssetKey, schemas: Mapping[str, Mapping[str, str]], restorable: bool) -> CommitRecord:
        """As the contract has it."""
        return CommitRecord(
            asset=asset,
            partition=self.partition,
            run_id=self.run_id,
            rows=self.rows,
            committed_at=_EPOCH + timedelta(microseconds=self.committed_us),
            nbytes=self.nbytes,
            version=self.content,
            code_version=self.code_version,
            inputs=self.inputs,
            columns=schemas.get(self.schema, {}),
            restorable=restorable,
            number=self.number,
        )

    def to_json(self) -> dict[str, Any]:
        """Without what has its default."""
        found = {name: getattr(self, name) for name in _FIELDS}
        found["inputs"] = {name: [read.partitions, read.version] for name, read in self.inputs.items()}
        found |= {name: list(found[name]) for name in _TUPLES}
        return {name: value for name, value in found.items() if name in _REQUIRED or value}

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Version:
        facts = {name: found[name] for name in _FIELDS if name in found}
        if "inputs" in facts:
            facts["inputs"] = {name: InputVersion(*read) for name, read in facts["inputs"].items()}
        facts |= {name: tuple(facts[name]) for name in _TUPLES if name in facts}
        return cls(**facts)


_FIELDS = tuple(Version.__dataclass_fields__)
_TUPLES = ("without_values", "timeless", "starts")
_REQUIRED = _FIELDS[: _FIELDS.index("previous")]


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit to a table: all of it happens, or nothing.

    Attributes:
        number: 1 for a table's first, and so on, without gaps.
        committed_us: As on `Version`.
        columns: The table's from here on, name to DuckDB's type, in order; None if they stay.
        schemas: The columns of versions, by id, that no entry before had.
        folders: What the folders of its partitions are called from here on.
        versions: The new version of each partition that is replaced.
        anew: Whether every other partition goes.
        wiped: Partitions that go.
        moved: Versions that lie elsewhere from here on, with the same rows.
        collected_us: What was superseded before or at this instant is no longer kept.
        id: What tells it from every other entry; empty in those of old.
        after: The `id` of the entry before; empty if there is none, or it has none.
        swept: Whether files that no entry names are deleted from here on: who wrote one before writes it anew.
    """

    number: int
    committed_us: int
    columns: Mapping[str, str] | None = None
    schemas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    versions: tuple[Version, ...] = ()
    anew: bool = False
    wiped: tuple[str | None, ...] = ()
    moved: tuple[Version, ...] = ()
    collected_us: int = 0
    id: str = ""
    after: str = ""
    swept: bool = False

    def to_bytes(self) -> bytes:
        return _bytes(
            {
                "format": FORMAT,
                "number": self.number,
                "committed_us": self.committed_us,
                "columns": None if self.columns is None else list(self.columns.items()),
                "schemas": {key: list(columns.items()) for key, columns in self.schemas.items()},
                "folders": list(self.folders),
                "versions": [version.to_json() for version in self.versions],
                "anew": self.anew,
                "wiped": list(self.wiped),
                "moved": [version.to_json() for version in self.moved],
                "collected_us": self.collected_us,
                "id": self.id,
                "after": self.after,
                "swept": self.swept,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Entry:
        """Raises: ValueError, KeyError or TypeError if it is none."""
        found = _checked(json.loads(data))
        return cls(
            found["number"],
            found["committed_us"],
            None if found["columns"] is None else dict(found["columns"]),
            {key: dict(columns) for key, columns in found["schemas"].items()},
            tuple(found["folders"]),
            tuple(map(Version.from_json, found["versions"])),
            found["anew"],
            tuple(found["wiped"]),
            tuple(map(Version.from_json, found["moved"])),
            found["collected_us"],
            found.get("id", ""),
            found.get("after", ""),
            found.get("swept", False),
        )


@dataclass(frozen=True, slots=True)
class Superseded:
    """A version that is not the partition's any more, or does not lie there any more.

    Attributes:
        at_us: Since when, microseconds since the epoch.
        version: Which.
        is_moved: Whether the same rows lie elsewhere.
    """

    at_us: int
    version: Version
    is_moved: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """A table after some number of commits.

    Attributes:
        number: How many; 0 if it was never committed to.
        columns: The table's, name to DuckDB's type, in order.
        folders: As on `Entry`.
        schemas: The columns of versions by id.
        versions: The current one of each partition.
        superseded: Those that are kept, oldest first.
        last: The number of the last entry that had a version of a partition; only of those that have none now.
        id: Of the last entry.
        swept: The number of the last entry that swept; 0 if none did.
    """

    number: int = 0
    committed_us: int = 0
    columns: Mapping[str, str] = field(default_factory=dict)
    schemas: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    folders: tuple[str, ...] = ()
    versions: Mapping[str | None, Version] = field(default_factory=dict)
    superseded: tuple[Superseded, ...] = ()
    last: Mapping[str | None, int] = field(default_factory=dict)
    id: str = ""
    swept: int = 0

    def followed_by(self, entries: Iterable[Entry]) -> Manifest:
        """The table after these entries, too."""
        number, committed_us, columns, folders = self.number, self.committed_us, self.columns, self.folders
        schemas, versions, last = dict(self.schemas), dict(self.versions), dict(self.last)
        superseded = list(self.superseded)
        last_id, swept = self.id, self.swept
        for entry in entries:
            last_id = entry.id
            swept = entry.number if entry.swept else swept
            number, committed_us, at = entry.number, entry.committed_us, entry.committed_us
            columns = columns if entry.columns is None else entry.columns
            folders = entry.folders
            schemas |= entry.schemas
            goes = list(versions) if entry.anew else [key for key in entry.wiped if key in versions]
            for key in goes:
                gone = versions.pop(key)
                superseded.append(Superseded(at, gone))
                last[key] = gone.number
            for version in entry.versions:
                replaced = versions.pop(version.partition, None)
                if replaced is not None:
                    superseded.append(Superseded(at, replaced))
                versions[version.partition] = version
                last.pop(version.partition, None)
            for version in entry.moved:
                superseded.append(Superseded(at, versions[version.partition], is_moved=True))
                versions[version.partition] = version
            if entry.collected_us:
                superseded = [old for old in superseded if old.at_us > entry.collected_us]
        kept = tuple(superseded)
        return Manifest(number, committed_us, columns, schemas, folders, versions, kept, last, last_id, swept)

    def files(self) -> set[str]:
        """All that must stay: of current versions, and of those that are kept."""
        named = {version.file for version in self.versions.values()}
        named |= {old.version.file for old in self.superseded}
        return named - {""}

    def before(self, partition: str | None) -> int:
        """The number of the last entry that had a version of `partition`; 0 if there is none."""
        current = self.versions.get(partition)
        return current.number if current is not None else self.last.get(partition, 0)

    def to_bytes(self) -> bytes:
        return _bytes(
            {
                "format": FORMAT,
                "number": self.number,
                "committed_us": self.committed_us,
                "columns": list(self.columns.items()),
                "schemas": {key: list(columns.items()) for key, columns in self.schemas.items()},
                "folders": list(self.folders),
                "versions": [version.to_json() for version in self.versions.values()],
                "superseded": [[old.at_us, old.version.to_json(), old.is_moved] for old in self.superseded],
                "last": list(self.last.items()),
                "id": self.id,
                "swept": self.swept,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """Raises: ValueError, KeyError or TypeError if it is none."""
        found = _checked(json.loads(data))
        versions = map(Version.from_json, found["versions"])
        return cls(
            found["number"],
            found["committed_us"],
            dict(found["columns"]),
            {key: dict(columns) for key, columns in found["schemas"].items()},
            tuple(found["folders"]),
            {version.partition: version for version in versions},
            tuple(Superseded(at, Version.from_json(old), moved) for at, old, moved in found["superseded"]),
            dict(found["last"]),
            found.get("id", ""),
            found.get("swept", 0),
        )


def _checked(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict) or not isinstance(found.get("format"), int):
        raise TypeError("it holds something else")
    if found["format"] > FORMAT:
        raise ValueError("a newer version of Gapless has written it")
    return found


def _bytes(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
