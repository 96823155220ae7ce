"""The IO manager that keeps one file for each partition."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, cast

from gapless.asset_key import AssetKey
from gapless.storage.filesystem.errors import FilePlaceError, FileUnreadableError
from gapless.storage.filesystem.file_names import asset_folder, dagster_parts, value_parts
from gapless.storage.filesystem.files import Files, PreparedFile, files_at
from gapless.storage.input_context import InputContext
from gapless.storage.io_manager import IOManager
from gapless.storage.output_context import OutputContext
from gapless.storage.value_errors import ValueUnstorableError
from gapless.storage.values_by_partition import MISSING, loaded_values, values_by_partition

__all__ = ["FilesystemIOManager"]

_PICKLE, _TEXT, _BYTES = ".pickle", ".txt", ".bin"
_SUFFIXES = (_PICKLE, _TEXT, _BYTES)
_NEW = ".new"
_PROTOCOL = 5


class FilesystemIOManager(IOManager):
    """Keeps one file for each partition: text as ``.txt``, bytes as ``.bin``, any other value as ``.pickle``.

    A file is replaced whole or not at all, whatever happens. Of several partitions it takes and gives a dict of a
    value for each. Values that Dagster's manager of the same name stored in the same folder are read, too.
    Only read files that you trust: a pickle can do anything when it is read.

    Args:
        base_dir: A folder, relative to the working directory in which the manager is made, or a URL such as
            ``s3://bucket/folder``, which needs ``gapless[object-storage]``; also an `EnvVar`, or a ``UPath``. By
            default ``storage`` in the project's ``.gapless``, or in ``GAPLESS_HOME``.
        storage_options: For the file system of a URL: credentials, endpoint.
    """

    def __init__(
        self, base_dir: str | os.PathLike[str] | Any = None, storage_options: Mapping[str, Any] | None = None
    ) -> None:
        self._given = base_dir
        self._storage_options = dict(storage_options or {})
        self._files: Files | None = None
        # Kept now: a function may change the working directory before the folder is first needed.
        self._folder = Path()
        with suppress(FileNotFoundError):  # the working directory is gone; an absolute path needs none
            self._folder = Path.cwd()

    def __repr__(self) -> str:
        return f"FilesystemIOManager(base_dir={self._given!r})"

    def path_of(self, asset: AssetKey, partition: str | None = None) -> str | None:
        """The file that holds a value; None if there is none."""
        parts = self._found(asset, partition)
        return None if parts is None else self.files.place(parts)

    @property
    def base_dir(self) -> str:
        """The folder, as an absolute path, or the URL.

        Raises:
            FilePlaceError: The setting has no value, or names nothing that can be used.
        """
        return self.files.place(())

    @property
    def files(self) -> Files:
        """The files below `base_dir`.

        Raises:
            FilePlaceError: The setting has no value, or names nothing that can be used.
        """
        if self._files is None:
            self._files = files_at(self._base_dir(), self._storage_options, self._folder)
        return self._files

    def _base_dir(self) -> Any:
        get_value = getattr(self._given, "get_value", None)  # asked first: an EnvVar is a string too, its own name
        given = self._given if get_value is None else get_value()
        if given is None and get_value is None:
            return Path(os.environ.get("GAPLESS_HOME") or ".gapless") / "storage"
        if not given:
            name = getattr(self._given, "env_var_name", None)
            fix = f"Set it: export {name}=…" if name else "Give the path of a folder, for example data/files"
            raise FilePlaceError(repr(self._given), "base_dir has no value", fix)
        return given

    # --- writing

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Store `obj`; of several partitions, nothing is replaced before all are written.

        Raises:
            ValueUnstorableError: It cannot be pickled, or is no dict of the partitions.
            FilePlaceError: The folder cannot be used.
        """
        made = values_by_partition(context, obj)
        with ExitStack() as stack:
            prepared: dict[str | None, tuple[str, PreparedFile]] = {}
            for partition, value in made.items():
                suffix, write = _written(value)
                parts = _with_suffix(value_parts(context.asset_key, partition), suffix)
                file = self._prepared(context.asset_key, partition, parts, value, write)
                stack.callback(file.discard)
                prepared[partition] = suffix, file
            for partition, (suffix, file) in prepared.items():
                self._replace(value_parts(context.asset_key, partition), suffix, file)
        if len(prepared) == 1:
            ((partition, (suffix, _)),) = prepared.items()
            path = self.files.place(_with_suffix(value_parts(context.asset_key, partition), suffix))
        else:
            path = self.files.place(asset_folder(context.asset_key))
        context.add_output_metadata({"path": path})

    def _prepared(
        self,
        asset: AssetKey,
        partition: str | None,
        parts: tuple[str, ...],
        value: Any,
        write: Callable[[IO[bytes]], None],
    ) -> PreparedFile:
        try:
            return self.files.prepare(parts, write)
        except FilePlaceError:
            raise
        except Exception as error:  # pickling runs the value's own code
            raise ValueUnstorableError(
                str(asset),
                (partition,),
                f"the function returned a {type(value).__name__}, which cannot be pickled: {error}",
                "Return plain data, text or bytes; or store it with an IO manager of your own",
            ) from error

    def _replace(self, parts: tuple[str, ...], suffix: str, file: PreparedFile) -> None:
        """Make `file` the only one of `parts`.

        Where the suffix changes there are two names, and a crash must never leave both or none of them: the new file
        lies beside under a name of its own, which counts only once the old one is gone.
        """
        files, name = self.files, f"{parts[-1]}{suffix}"
        others = [each for each in _SUFFIXES if each != suffix and files.exists(_with_suffix(parts, each))]
        if others:
            self._delete_waiting(parts)
            file.publish(_with_suffix(parts, suffix + _NEW))
            for each in others:
                files.delete(_with_suffix(parts, each))
            files.rename(_with_suffix(parts, suffix + _NEW), name)
        else:
            file.publish(_with_suffix(parts, suffix))
            self._delete_waiting(parts)

    def _delete_waiting(self, parts: tuple[str, ...]) -> int:
        return sum(self.files.delete(_with_suffix(parts, each + _NEW)) for each in _SUFFIXES)

    # --- reading

    def load_input(self, context: InputContext) -> Any:
        """The value of the one partition, or a dict of several; None of no partition.

        Raises:
            ValueMissingError: One is missing, and the input's metadata does not say ``allow_missing_partitions``.
            FileUnreadableError: A file holds no value that can be read.
        """
        asset = context.asset_key
        return loaded_values(
            context,
            lambda partition: self._load(asset, partition),
            lambda partition: self.files.place(_with_suffix(value_parts(asset, partition), _PICKLE)),
        )

    def _load(self, asset: AssetKey, partition: str | None) -> Any:
        for _ in range(3):  # it may be replaced between looking and reading
            parts = self._found(asset, partition)
            data = None if parts is None else self.files.read(parts)
            if parts is not None and data is not None:
                return _value_of(data, parts[-1], str(asset), partition, self.files.place(parts))
        return MISSING

    def _found(self, asset: AssetKey, partition: str | None) -> tuple[str, ...] | None:
        ours = value_parts(asset, partition)
        for _ in range(2):  # a file gets its own name between two looks
            for suffix in (*_SUFFIXES, *(each + _NEW for each in _SUFFIXES)):
                if self.files.exists(_with_suffix(ours, suffix)):
                    return _with_suffix(ours, suffix)
        theirs = dagster_parts(asset, partition)
        return theirs if theirs and self.files.exists(theirs) else None

    # --- forgetting

    def wipe(self, context: OutputContext) -> int:
        """Delete the files of the partitions that `context` names, or all of the asset; returns how many there were."""
        asset = context.asset_key
        if context.partition_keys:
            return sum(self._delete(asset, partition) for partition in context.partition_keys)
        return self._delete(asset, None) + self._delete_partitions(asset_folder(asset))

    def _delete(self, asset: AssetKey, partition: str | None) -> bool:
        ours, theirs = value_parts(asset, partition), dagster_parts(asset, partition)
        found = [self.files.delete(_with_suffix(ours, suffix)) for suffix in _SUFFIXES]
        found += [self._delete_waiting(ours) > 0, bool(theirs) and self.files.delete(theirs)]
        return any(found)

    def _delete_partitions(self, folder: tuple[str, ...], below: bool = False) -> int:
        deleted = 0
        for name, is_folder in self.files.names_in(folder):
            if not below and "=" not in name:
                continue  # of an asset whose key goes on
            if is_folder:
                deleted += self._delete_partitions((*folder, name), below=True)
            elif name.removesuffix(_NEW).endswith(_SUFFIXES):
                deleted += self.files.delete((*folder, name))
        return deleted


def _with_suffix(parts: tuple[str, ...], suffix: str) -> tuple[str, ...]:
    return (*parts[:-1], parts[-1] + suffix)


def _written(value: Any) -> tuple[str, Callable[[IO[bytes]], None]]:
    """The suffix of a value's file, and what writes it. Subclasses of text are pickled, to stay what they are."""
    if type(value) is str:
        return _TEXT, lambda file: cast("None", file.write(value.encode("utf-8", "surrogatepass")))
    if type(value) is bytes:
        return _BYTES, lambda file: cast("None", file.write(value))
    return _PICKLE, lambda file: pickle.dump(value, file, _PROTOCOL)


def _value_of(data: bytes, name: str, asset: str, partition: str | None, path: str) -> Any:
    again = f"or make it again with: gapless materialize {asset}"
    name = name.removesuffix(_NEW)
    try:
        if name.endswith(_BYTES):
            return data
        if name.endswith(_TEXT):
            return data.decode("utf-8", "surrogatepass")
        return pickle.loads(data)  # noqa: S301  # the project's own data; the class says that it must be trusted
    except UnicodeDecodeError as error:
        reason, fix = f"it is no UTF-8 text: {error.reason}", f"Correct the file, {again}"
    except (AttributeError, ImportError) as error:
        reason = f"what its value is made of is not where it was when it was stored: {error}"
        fix = f"Give that name back to the module (an alias will do), {again}"
    except Exception as error:  # damaged bytes make pickle raise nearly anything
        reason = f"it is damaged, or no pickle: {type(error).__name__}: {error}"
        fix = f"Restore the file from a copy, {again}"
    raise FileUnreadableError(asset, partition, path, reason, fix)
