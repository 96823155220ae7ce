"""Files in object storage, through fsspec: S3, Google Cloud Storage, Azure, and fsspec's own memory for tests.

Commits are safe only where an object can be created on the condition that there is none of that name. So that is tried
out once before the first commit: some servers take the condition and ignore it.
"""

from __future__ import annotations

import io
import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

from gapless.storage.errors import DiskFullError
from gapless.storage.parquet.errors import BaseDirectoryError, MissingPackageError
from gapless.storage.parquet.files import Found
from gapless.storage.parquet.names import RESERVED
from gapless.storage.parquet.object_storage_trouble import is_absent, is_taken, trouble

if TYPE_CHECKING:
    import polars as pl

__all__ = ["ObjectFiles"]

_PACKAGES = {
    "s3": ("s3fs", "s3"),
    "s3a": ("s3fs", "s3"),
    "gs": ("gcsfs", None),
    "gcs": ("gcsfs", None),
    "abfs": ("adlfs", None),
    "abfss": ("adlfs", None),
    "az": ("adlfs", None),
    "memory": ("fsspec", "object-storage"),
}  # by protocol: what fsspec needs for it, and the extra that brings it

_PROBES = f"{RESERVED}/probe-"  # what they are called, and then anything
_T = TypeVar("_T")
_AT_ONCE = 16  # requests; each waits for the network, not for us
_PROVEN: set[tuple[str, str | None]] = set()  # the buckets of which it is known that creating heeds its condition
_CREATING = threading.Lock()  # fsspec's memory looks whether an object is there, and then creates it


class ObjectFiles:
    """Objects whose names begin with one prefix.

    Args:
        url: Of the bucket, or of a folder in it: ``s3://bucket/folder``.
        options: What fsspec's file system of this protocol takes.
    """

    def __init__(self, url: str, options: Mapping[str, Any]) -> None:
        self._protocol, _, rest = url.partition("://")
        self._base = rest.strip("/")
        self._options = dict(options)
        self._lock = threading.Lock()
        self._opened: tuple[int, Any] | None = None  # the process that opened it, and the file system
        if self._protocol not in _PACKAGES:
            raise BaseDirectoryError(
                url,
                f"the protocol {self._protocol!r} is none of {', '.join(_PACKAGES)}, which can create an object on the"
                " condition that there is none of its name",
                "Choose one of these, or a folder of this machine",
            )
        package, extra = _PACKAGES[self._protocol]
        for needed in ("fsspec", package):
            if find_spec(needed) is None:
                raise MissingPackageError(url, needed, extra or ("object-storage" if needed == "fsspec" else None))

    @property
    def place(self) -> str:
        return f"{self._protocol}://{self._base}"

    @property
    def endpoint(self) -> str | None:
        """The server's address; None for the provider's own."""
        client = self._options.get("client_kwargs") or {}
        given = self._options.get("endpoint_url") or client.get("endpoint_url")
        return given or os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")

    def path(self, name: str) -> str:
        return f"{self._protocol}://{self._key(name)}"

    def _key(self, name: str) -> str:
        return f"{self._base}/{name}" if name else self._base

    @property
    def _fs(self) -> Any:
        """The file system; each process opens its own, because a fork does not copy its threads."""
        import fsspec

        with self._lock:
            if self._opened is None or self._opened[0] != os.getpid():
                # What another process has just put there must be seen.
                options = {} if self._protocol == "memory" else {"use_listings_cache": False, **self._options}
                self._opened = (os.getpid(), fsspec.filesystem(self._protocol, **options))
            return self._opened[1]

    def _asked(self, doing: str, ask: Callable[[Any], _T]) -> _T:
        """What `ask` gives for the file system; what goes wrong is told in our words."""
        try:
            return ask(self._fs)
        except Exception as error:
            told = trouble(error, self.place, self.endpoint, doing)
            if told is None:
                raise
        raise told

    def read(self, names: Sequence[str]) -> list[bytes | None]:
        if len(names) > 1:
            with ThreadPoolExecutor(min(len(names), _AT_ONCE)) as threads:
                return list(threads.map(self._read, names))
        return [self._read(name) for name in names]

    def _read(self, name: str) -> bytes | None:
        def ask(fs: Any) -> bytes | None:
            try:
                return bytes(fs.cat_file(self._key(name)))
            except FileNotFoundError as error:
                if not is_absent(error):
                    raise
                return None

        return self._asked("read", ask)

    def create(self, name: str, data: bytes) -> bool:
        where = (self._base.partition("/")[0], self.endpoint)
        if where not in _PROVEN:
            self._prove()
            _PROVEN.add(where)
        return self._create(name, data)

    def _create(self, name: str, data: bytes) -> bool:
        def ask(fs: Any) -> bool:
            try:
                with _CREATING if self._protocol == "memory" else nullcontext():
                    fs.pipe_file(self._key(name), data, mode="create")
            except Exception as error:
                if not is_taken(error):
                    raise
                return False
            return True

        if self._asked("write to", ask):
            return True
        # A request whose answer got lost is sent again by the client, and finds what it has made itself.
        return self.read([name]) == [data]

    def _prove(self) -> None:
        """Find out whether the condition is heeded."""
        probe = f"{_PROBES}{uuid.uuid4().hex}"
        try:
            if self._create(probe, b"1") and self._create(probe, b"2"):
                raise BaseDirectoryError(
                    self.place,
                    "this server replaces an object although it was asked to create it only if there is none, so two"
                    " writers could undo each other's commits",
                    "Use a version of the server that heeds `If-None-Match: *` on PUT",
                )
        finally:
            self.delete([probe])

    def put(self, name: str, data: bytes) -> None:
        self._asked("write to", lambda fs: fs.pipe_file(self._key(name), data))

    def write_frame(self, name: str, rows: pl.DataFrame | pl.LazyFrame, row_group_size: int | None = None) -> int:
        import polars as pl

        if isinstance(rows, pl.DataFrame):
            buffer = io.BytesIO()
            rows.write_parquet(buffer, row_group_size=row_group_size)
            self.put(name, buffer.getvalue())
            return buffer.tell()
        with tempfile.TemporaryDirectory(prefix="gapless-") as folder:
            file = Path(folder, "rows.parquet")
            try:
                rows.sink_parquet(file, row_group_size=row_group_size)
            except (OSError, pl.exceptions.PolarsError) as error:
                raise DiskFullError(folder, " ".join(str(error).split())) from None
            self._asked("write to", lambda fs: fs.put_file(str(file), self._key(name)))
            return file.stat().st_size

    def settle(self, names: Sequence[str]) -> None:
        """Nothing is left to do: an object is durable when its request has been answered."""

    def scan(self, names: Sequence[str]) -> pl.LazyFrame:
        """Polars reads what it needs of the objects itself, if it can be told how; otherwise they are fetched whole."""
        import polars as pl

        options = self.scan_options()
        if options is not None:
            paths = [self.path(name) for name in names]
            return pl.scan_parquet(paths, glob=False, hive_partitioning=False, storage_options=options)
        whole: list[IO[bytes]] = []
        for name, content in zip(names, self.read(names), strict=True):
            if content is None:
                raise FileNotFoundError(self.path(name))
            whole.append(io.BytesIO(content))
        return pl.scan_parquet(whole, glob=False, hive_partitioning=False)

    def scan_options(self) -> dict[str, str] | None:
        """What polars calls the options; None if it does not know this storage, or not all of them."""
        if self._protocol not in ("s3", "s3a"):
            return None
        given = {name: value for name, value in self._options.items() if value is not None}
        client = dict(given.pop("client_kwargs", None) or {})
        options = {}
        for name, theirs in _S3_OPTIONS.items():
            value = given.pop(name, None)
            if value is None:
                value = client.pop(name, None)
            if value is not None:
                options[theirs] = str(value)
        anonymous = given.pop("anon", False)
        if given or client or not (anonymous or "aws_access_key_id" in options or "AWS_ACCESS_KEY_ID" in os.environ):
            return None
        if anonymous:
            options["aws_skip_signature"] = "true"
        if self.endpoint is not None:
            options["aws_endpoint_url"] = self.endpoint
            options["aws_allow_http"] = str(self.endpoint.startswith("http://")).lower()
            # A region is a part of the signature; servers other than Amazon's take any.
            if not {"AWS_REGION", "AWS_DEFAULT_REGION"} & os.environ.keys():
                options.setdefault("aws_region", "us-east-1")
        return options

    def find(self, folder: str) -> Iterator[Found]:
        found = self._asked("list", lambda fs: fs.find(self._key(folder), detail=True))
        for key, about in found.items():
            modified = about.get("LastModified") or about.get("last_modified") or about.get("mtime")
            modified = modified or about.get("created") or about.get("updated") or 0
            if hasattr(modified, "timestamp"):
                modified = modified.timestamp()
            name = key.strip("/").removeprefix(self._base).lstrip("/")
            yield Found(name, int(about["size"]), float(modified) if isinstance(modified, (int, float)) else 0.0)

    def unfinished(self) -> Iterator[Found]:
        """None but probes: an object is there when it is whole."""
        return (found for found in self.find(RESERVED) if found.name.startswith(_PROBES))

    def is_empty(self, folder: str) -> bool:
        def ask(fs: Any) -> bool:
            try:
                return not fs.ls(self._key(folder), detail=False)
            except FileNotFoundError as error:
                if not is_absent(error):
                    raise
                return True

        return self._asked("list", ask)

    def delete(self, names: Sequence[str]) -> None:
        def ask(fs: Any) -> None:
            for name in names:
                try:
                    fs.rm_file(self._key(name))
                except FileNotFoundError as error:
                    if not is_absent(error):
                        raise

        self._asked("delete from", ask)

    def new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(prefix="gapless-"))

    def tidy(self) -> None:
        """Each folder goes with the rows that waited in it."""


_S3_OPTIONS = {
    "key": "aws_access_key_id",
    "secret": "aws_secret_access_key",
    "token": "aws_session_token",
    "endpoint_url": "aws_endpoint_url",
    "region_name": "aws_region",
}  # s3fs's names, given as they are or as client_kwargs, and what polars calls them
