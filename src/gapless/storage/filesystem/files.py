"""Files below one folder, local or in an object store, replaced whole or not at all."""

from __future__ import annotations

import errno
import io
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from gapless.storage.durable import sync
from gapless.storage.filesystem.errors import FilePlaceError

__all__ = ["Files", "LocalFiles", "PreparedFile", "RemoteFiles", "files_at"]

_TEMPORARY = ".gapless-"
_FORGOTTEN_S = 86_400  # the age at which what a dead process left is removed
# Stores in which a new object appears whole; elsewhere it is written beside, and renamed.
_PUT_WHOLE = frozenset({"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "oci", "oss", "s3", "s3a"})

Parts = Sequence[str]


class PreparedFile(ABC):
    """Bytes that are written, but are no file yet."""

    @abstractmethod
    def publish(self, parts: Parts) -> None:
        """Make it the file `parts`, instead of what was there."""

    @abstractmethod
    def discard(self) -> None:
        """Let go of it. Harmless after `publish`."""


class Files(ABC):
    """The files below one folder, by the parts of their paths. Safe on several threads."""

    @abstractmethod
    def place(self, parts: Parts) -> str:
        """The file's full path, for people."""

    @abstractmethod
    def prepare(self, parts: Parts, write: Callable[[IO[bytes]], None]) -> PreparedFile:
        """What `write` writes, to be published as `parts`, or as another file of the same folder."""

    @abstractmethod
    def read(self, parts: Parts) -> bytes | None:
        """The file's bytes; None if there is none."""

    @abstractmethod
    def exists(self, parts: Parts) -> bool: ...

    @abstractmethod
    def rename(self, parts: Parts, name: str) -> None:
        """Give the file another name in its folder, instead of what was there."""

    @abstractmethod
    def delete(self, parts: Parts) -> bool:
        """Whether it was there."""

    @abstractmethod
    def names_in(self, parts: Parts) -> list[tuple[str, bool]]:
        """What lies directly in a folder: the name, and whether it is a folder; empty if there is none."""


class LocalFiles(Files):
    """Below a folder of this machine."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._tidied: set[Path] = set()

    def place(self, parts: Parts) -> str:
        return str(self._path(parts))

    def prepare(self, parts: Parts, write: Callable[[IO[bytes]], None]) -> PreparedFile:
        folder = self._path(parts).parent
        temporary = folder / f"{_TEMPORARY}{os.getpid()}-{secrets.token_hex(6)}.tmp"
        try:
            with _explained(self.place(parts)):
                self._make(folder)
                self._tidy(folder)
                file = temporary.open("xb")
            with file:
                write(file)
                with _explained(self.place(parts)):
                    file.flush()
                    os.fsync(file.fileno())
        except BaseException as error:
            with suppress(OSError):
                temporary.unlink()
            if isinstance(error, OSError) and not isinstance(error, FilePlaceError) and error.errno == errno.ENOSPC:
                raise _explanation(self.place(parts), error) from None
            raise
        return _LocalPrepared(self, temporary)

    def read(self, parts: Parts) -> bytes | None:
        with _explained(self.place(parts)):
            try:
                return self._path(parts).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def exists(self, parts: Parts) -> bool:
        return self._path(parts).is_file()

    def rename(self, parts: Parts, name: str) -> None:
        path = self._path(parts)
        with _explained(str(path)):
            self.replace(path, path.with_name(name))

    def delete(self, parts: Parts) -> bool:
        path = self._path(parts)
        with _explained(str(path)):
            try:
                path.unlink()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
                if path.is_file():
                    raise
                return False
            sync(path.parent)
            for folder in path.parents[: len(parts) - 1]:  # empty folders go too
                try:
                    folder.rmdir()
                except OSError:
                    break
            return True

    def names_in(self, parts: Parts) -> list[tuple[str, bool]]:
        with _explained(self.place(parts)):
            try:
                return [(entry.name, entry.is_dir()) for entry in os.scandir(self._path(parts))]
            except (FileNotFoundError, NotADirectoryError):
                return []

    def replace(self, source: Path, target: Path) -> None:
        """Rename `source` to `target`, in one folder, for good."""
        source.replace(target)
        sync(target.parent)

    def _path(self, parts: Parts) -> Path:
        return self._root.joinpath(*parts)

    def _make(self, folder: Path) -> None:
        """Make the folder, so that it is there after a power failure, too."""
        missing = []
        while not folder.is_dir():
            missing.append(folder)
            folder = folder.parent
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            sync(each.parent)

    def _tidy(self, folder: Path) -> None:
        """Remove what a process left that died while writing; once for each folder."""
        if folder in self._tidied:
            return
        self._tidied.add(folder)
        for entry in os.scandir(folder):
            if entry.name.startswith(_TEMPORARY):
                with suppress(OSError):
                    if abs(time.time() - entry.stat().st_mtime) > _FORGOTTEN_S:
                        Path(entry).unlink()


class _LocalPrepared(PreparedFile):
    def __init__(self, files: LocalFiles, temporary: Path) -> None:
        self._files = files
        self._temporary = temporary

    def publish(self, parts: Parts) -> None:
        target = Path(self._files.place(parts))
        with _explained(str(target)):
            self._files.replace(self._temporary, target)

    def discard(self) -> None:
        self._temporary.unlink(missing_ok=True)


class RemoteFiles(Files):
    """Below a folder of a file system that fsspec knows.

    Args:
        root: The folder, as `fs` has it.
        called: The same for people.
    """

    def __init__(self, fs: Any, root: str, called: str) -> None:
        self._fs = fs
        self._root = root.rstrip("/")
        self._called = called.rstrip("/")
        protocol = fs.protocol
        self._puts_whole = not _PUT_WHOLE.isdisjoint([protocol] if isinstance(protocol, str) else protocol)

    def place(self, parts: Parts) -> str:
        return "/".join((self._called, *parts))

    def prepare(self, parts: Parts, write: Callable[[IO[bytes]], None]) -> PreparedFile:
        # In memory: a file of fsspec's that is closed because of an error would still be stored, in part.
        buffer = io.BytesIO()
        write(buffer)
        return _RemotePrepared(self, buffer.getvalue())

    def put(self, parts: Parts, data: bytes) -> None:
        """Store an object, whole."""
        path = self._path(parts)
        with _explained(self.place(parts)):
            if self._puts_whole:
                self._fs.pipe_file(path, data)
                return
            temporary = f"{path.rpartition('/')[0]}/{_TEMPORARY}{secrets.token_hex(6)}.tmp"
            self._fs.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._fs.pipe_file(temporary, data)
            self._fs.mv(temporary, path)

    def read(self, parts: Parts) -> bytes | None:
        with _explained(self.place(parts)):
            try:
                data: bytes = self._fs.cat_file(self._path(parts))
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None
            return data

    def exists(self, parts: Parts) -> bool:
        with _explained(self.place(parts)):
            return bool(self._fs.isfile(self._path(parts)))

    def rename(self, parts: Parts, name: str) -> None:
        data = self.read(parts)
        if data is not None:
            self.put((*parts[:-1], name), data)
            self.delete(parts)

    def delete(self, parts: Parts) -> bool:
        if not self.exists(parts):
            return False
        with _explained(self.place(parts)):
            self._fs.rm_file(self._path(parts))
        return True

    def names_in(self, parts: Parts) -> list[tuple[str, bool]]:
        with _explained(self.place(parts)):
            try:
                found = self._fs.ls(self._path(parts), detail=True)
            except (FileNotFoundError, NotADirectoryError):
                return []
            return [(entry["name"].rstrip("/").rpartition("/")[2], entry["type"] == "directory") for entry in found]

    def _path(self, parts: Parts) -> str:
        return "/".join((self._root, *parts))


class _RemotePrepared(PreparedFile):
    def __init__(self, files: RemoteFiles, data: bytes) -> None:
        self._files = files
        self._data = data

    def publish(self, parts: Parts) -> None:
        self._files.put(parts, self._data)

    def discard(self) -> None:
        self._data = b""


def files_at(place: str | os.PathLike[str] | Any, storage_options: Mapping[str, Any], below: Path) -> Files:
    """The files below `place`: a path, a URL, or a ``UPath``.

    Args:
        storage_options: For fsspec's file system: credentials, endpoint.
        below: Where a relative path begins.

    Raises:
        FilePlaceError: The URL's protocol is unknown, or what it needs is not installed.
    """
    if not isinstance(place, (str, os.PathLike)):  # a UPath that is not local
        return RemoteFiles(place.fs, place.path, str(place))
    text = os.fspath(place)
    if text.startswith("file://"):
        text = text.removeprefix("file://")
    if "://" not in text:
        return LocalFiles((below / Path(text).expanduser()).absolute())
    try:
        from fsspec.core import url_to_fs
    except ImportError:
        raise FilePlaceError(
            text, "URLs need the package fsspec", "Install it with: pip install 'gapless[object-storage]'"
        ) from None
    try:
        fs, root = url_to_fs(text, use_listings_cache=False, **storage_options)
    except ImportError as error:
        extra = "gapless[s3]" if text.startswith("s3") else "gapless[object-storage]"
        fix = f"Install what it needs, for example: pip install '{extra}'"
        raise FilePlaceError(text, _clause(error), fix) from None
    except (ValueError, TypeError) as error:
        raise FilePlaceError(text, _clause(error), "Correct base_dir or storage_options") from None
    return RemoteFiles(fs, root, text)


@contextmanager
def _explained(place: str) -> Iterator[None]:
    try:
        yield
    except FilePlaceError:
        raise
    except Exception as error:  # a remote file system may raise anything
        raise _explanation(place, error) from error


def _explanation(place: str, error: Exception) -> FilePlaceError:
    number = getattr(error, "errno", None)
    fix = "Check that the place exists, and that this user may write there"
    if number == errno.ENOSPC:
        fix = "Free some space on that disk and run this again"
    elif number == errno.ENAMETOOLONG:
        fix = "Choose a shorter partition key, or a base_dir with a shorter path"
    elif number in (errno.EEXIST, errno.ENOTDIR):
        fix = "A file lies where a folder is needed: move it away"
    elif number is None:
        fix = "Check base_dir, storage_options and the credentials, and that the server can be reached"
    return FilePlaceError(place, _clause(error), fix)


def _clause(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).strip().rstrip(".").replace("\n", " ")
