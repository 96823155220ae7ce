"""The base of users' IO managers that keep one file, or folder, for each partition."""

from __future__ import annotations

import asyncio
import inspect
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gapless.partitions import MultiPartitionKey
from gapless.storage.filesystem.errors import FilePlaceError
from gapless.storage.input_context import InputContext
from gapless.storage.io_manager import IOManager
from gapless.storage.output_context import OutputContext
from gapless.storage.replaced_in_place import removed, replaced_in_place, settled
from gapless.storage.values_by_partition import MISSING, loaded_values, values_by_partition

if TYPE_CHECKING:
    from upath import UPath

__all__ = ["UPathIOManager"]


class UPathIOManager(IOManager):
    """Keeps each partition at a path of its own; a subclass says how a value is written there, and read.

    The names and what may be overridden are Dagster's. On a local disk the old content stays until the new one is
    finished, whatever happens; on an object store, write each object whole, as most libraries do.

    Args:
        base_path: The folder; a ``UPath``, or the text of one. By default the working directory.

    Attributes:
        extension: What each path ends in: ``".json"``; None or empty for nothing.
    """

    extension: str | None = None

    def __init__(self, base_path: UPath | Path | str | None = None) -> None:
        self._base_path = _path("." if base_path is None else base_path)

    # --- what a subclass says

    @abstractmethod
    def dump_to_path(self, context: OutputContext, obj: Any, path: UPath) -> None:
        """Write `obj` to `path`, whose folder is there."""

    @abstractmethod
    def load_from_path(self, context: InputContext, path: UPath) -> Any:
        """The value at `path`; it may be ``async``.

        Raises:
            FileNotFoundError: There is none.
        """

    def get_metadata(self, context: OutputContext, obj: Any) -> Mapping[str, Any]:
        """What is recorded of a value besides its path."""
        return {}

    def get_asset_relative_path(self, context: InputContext | OutputContext) -> Any:
        """The asset's path below the base, without extension."""
        return _path("").joinpath(*context.asset_key.parts)

    def get_path_for_partition(self, context: InputContext | OutputContext, path: UPath, partition: str) -> Any:
        """A partition's path below the asset's `path`, without extension.

        Args:
            partition: The key; of several dimensions, their keys joined by ``/``.
        """
        return self.make_safe_partition_path(path, partition)

    def make_safe_partition_path(self, base_path: UPath, partition: str) -> Any:
        """`partition` below `base_path`, never beside it."""
        odd = {"": "%2F", ".": "%2E", "..": "%2E%2E"}
        names = [odd.get(name, name).replace("\0", "%00") for name in partition.split("/")]
        return base_path.joinpath(*names)

    def make_directory(self, path: UPath) -> None:
        """Make a folder; override it where there are none."""
        path.mkdir(parents=True, exist_ok=True)

    def path_exists(self, path: UPath) -> bool:
        """Whether something is there."""
        return bool(path.exists())

    def unlink(self, path: UPath) -> None:
        """Remove a file."""
        path.unlink()

    # --- where things lie

    @property
    def fs(self) -> Any:
        """The base's file system, as fsspec has it."""
        if isinstance(self._base_path, Path) and not hasattr(self._base_path, "fs"):
            from fsspec.implementations.local import LocalFileSystem

            return LocalFileSystem()
        return self._base_path.fs

    @property
    def storage_options(self) -> dict[str, Any]:
        """The file system's options, as many libraries take them."""
        return dict(getattr(self._base_path, "storage_options", {}))

    def has_output(self, context: OutputContext) -> bool:
        """Whether something is stored for what `context` names."""
        return self.path_exists(self._get_path(context))

    def _get_path_without_extension(self, context: InputContext | OutputContext) -> Any:
        relative = self.get_asset_relative_path(context)
        return self._base_path.joinpath(*(part for part in relative.parts if part not in ("/", "..")))

    def _with_extension(self, path: Any) -> Any:
        return path.with_name(path.name + self.extension) if self.extension else path

    def _get_path(self, context: InputContext | OutputContext) -> Any:
        return self._with_extension(self._get_path_without_extension(context))

    def _get_paths_for_partitions(self, context: InputContext | OutputContext) -> dict[str, Any]:
        folder = self._get_path_without_extension(context)
        return {
            key: self._with_extension(self.get_path_for_partition(context, folder, _slashed(key)))
            for key in context.asset_partition_keys
        }

    def _paths(self, context: InputContext | OutputContext) -> dict[str | None, Any]:
        if context.has_asset_partitions:
            paths: Mapping[Any, Any] = self._get_paths_for_partitions(context)
            return dict(paths)
        return {None: self._get_path(context)}

    # --- storing and loading

    def handle_output(self, context: OutputContext, obj: Any) -> None:
        """Write `obj`; of several partitions, a dict of a value for each.

        Raises:
            ValueUnstorableError: There are several partitions, and it is no dict of them.
        """
        values, paths = values_by_partition(context, obj), self._paths(context)
        for partition, value in values.items():
            path = paths[partition]
            one = context if len(values) == 1 else context.of_partition(str(partition))
            self.make_directory(path.parent)
            context.log.debug("writing %s with %s", path, type(self).__name__)
            with replaced_in_place(Path(path)) if _is_local(path) else nullcontext():
                written = self.dump_to_path(one, value, path)
                if inspect.iscoroutine(written):
                    asyncio.run(written)
            context.add_output_metadata({"path": str(path), **(self.get_metadata(one, value) or {})})

    def load_input(self, context: InputContext) -> Any:
        """The value of the one partition, or a dict of several; None of no partition.

        Raises:
            ValueMissingError: One is missing, and the input's metadata does not say ``allow_missing_partitions``.
        """
        paths = self._paths(context)
        values = {partition: self._load(context, path) for partition, path in paths.items()}
        coroutines = {partition: value for partition, value in values.items() if inspect.iscoroutine(value)}
        if coroutines:
            values.update(zip(coroutines, asyncio.run(_all(list(coroutines.values()))), strict=True))
        return loaded_values(context, values.__getitem__, lambda partition: str(paths[partition]))

    def _load(self, context: InputContext, path: Any) -> Any:
        place = path
        if _is_local(path):
            finished = settled(Path(path))
            if finished is None:
                return MISSING
            place = path if finished == Path(path) else path.parent.joinpath(*finished.relative_to(path.parent).parts)
        context.log.debug("loading %s with %s", place, type(self).__name__)
        try:
            return self.load_from_path(context=context, path=place)
        except FileNotFoundError:
            if self.path_exists(place):
                raise  # something else is missing, not the value
            return MISSING

    def wipe(self, context: OutputContext) -> int:
        """Remove the files of the partitions that `context` names; returns how many there were.

        All of a partitioned asset is the files of the partitions that its definition knows now.
        """
        definition = context.partitions_def
        if definition is not None and not context.partition_keys:
            context = context.of_partition(*definition.get_partition_keys())
        return sum(map(self._removed, self._paths(context).values()))

    def _removed(self, path: Any) -> bool:
        if _is_local(path):
            return removed(Path(path))
        if not self.path_exists(path):
            return False
        self.unlink(path)
        return True


async def _all(coroutines: list[Any]) -> list[Any]:
    async def one(coroutine: Any) -> Any:
        try:
            return await coroutine
        except FileNotFoundError:
            return MISSING

    return await asyncio.gather(*map(one, coroutines))


def _slashed(key: str) -> str:
    return "/".join(key.keys_by_dimension.values()) if isinstance(key, MultiPartitionKey) else key


def _is_local(path: Any) -> bool:
    return isinstance(path, Path) and getattr(path, "protocol", "") in ("", "file", "local")


def _path(text: Any) -> Any:
    """A ``UPath``, if universal-pathlib is installed; otherwise a local path.

    Raises:
        FilePlaceError: It is a URL, and universal-pathlib is not installed.
    """
    try:
        from upath import UPath
    except ImportError:
        if "://" in str(text):
            raise FilePlaceError(
                str(text), "URLs need the package universal-pathlib", "pip install 'gapless[object-storage]'"
            ) from None
        return Path(text)
    return UPath(text) if isinstance(text, str) else text
