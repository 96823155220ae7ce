"""Load the user's definitions from a file or a module."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from gapless.definitions.asset import AssetsDefinition
from gapless.definitions.asset_checks import AssetChecksDefinition
from gapless.definitions.dagster_names import DagsterNames
from gapless.definitions.dagster_uses import missing_names
from gapless.definitions.definitions import Definitions
from gapless.definitions.discovery import default_source, existing_file
from gapless.definitions.errors import LoadError, raise_definition_errors
from gapless.definitions.jobs import UnresolvedAssetJob
from gapless.definitions.project import Project
from gapless.definitions.schedules import UnresolvedPartitionedSchedule
from gapless.definitions.source_location import location_of_function
from gapless.definitions.user_code import users_errors

__all__ = ["load_project"]

T = TypeVar("T")


def load_project(
    file: Path | None = None, module: str | None = None, as_dagster: bool = False, directory: Path | None = None
) -> Project:
    """Load, look up and check what the user declared.

    The file's folder and `directory` are on ``sys.path`` from then on, because functions may import when they run.

    Args:
        file: A Python file; relative to `directory`.
        module: A dotted name, instead of `file`. With neither: ``definitions.py``, or what pyproject.toml says.
        as_dagster: Dagster's modules resolve to Gapless from then on.
        directory: Where the user is; by default the working directory.

    Raises:
        LoadError: If it cannot be found, read or run.
        DefinitionError: If what it declares does not hold together.
    """
    directory = Path.cwd() if directory is None else directory
    if file is not None and module is not None:
        raise LoadError(f"both the file {file} and the module {module} are given", "Give one of -f and -m.")
    if file is None and module is None:
        file, module = default_source(directory)
    path = None if file is None else existing_file(file, directory)
    source = _shown(path, directory) if path is not None else str(module)
    notices = (DagsterNames.installed().notice,) if as_dagster else ()
    _make_importable(directory)
    with users_errors(source, as_dagster):
        if as_dagster and path is not None:
            raise_definition_errors(missing_names(path))
        loaded = _run_file(path) if path is not None else _import_module(str(module))
        definitions = _definitions_in(vars(loaded), source)
    return definitions.resolve(source, notices)


def _shown(path: Path, directory: Path) -> str:
    return str(path.relative_to(directory)) if path.is_relative_to(directory) else str(path)


def _make_importable(directory: Path) -> None:
    if str(directory) not in sys.path:
        sys.path.insert(0, str(directory))


def _run_file(path: Path) -> ModuleType:
    _make_importable(path.parent)
    name = path.stem
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) != str(path):
        # A file called like a module that is in use (json.py) must not take its place.
        name = f"gapless_file_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise LoadError(f"{path} is not a Python file", "Name a file that ends with .py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _import_module(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        # Only if it is the module itself; otherwise it is the user's import that fails.
        if missing.name is None or not (name == missing.name or name.startswith(f"{missing.name}.")):
            raise
        raise LoadError(
            f"there is no module {name!r}",
            "It is looked for in the working directory and where Python's packages lie; name a file with -f FILE.",
        ) from None


def _definitions_in(namespace: Mapping[str, Any], source: str) -> Definitions:
    """What a file declares: its ``definitions()``, or its `Definitions`, or its bare assets, jobs and so on."""
    maker = namespace.get("definitions")
    if callable(maker) and not isinstance(maker, AssetsDefinition):
        return _made(maker)
    objects = _named(namespace, Definitions)
    if len({id(found) for found in objects.values()}) > 1:
        raise LoadError(
            f"{source} holds several Definitions: {', '.join(objects)}",
            f"Keep one; join them with Definitions.merge({', '.join(objects)}), made in a function definitions().",
        )
    if objects:
        return next(iter(objects.values()))
    assets = _named(namespace, AssetsDefinition)
    if not assets:
        raise LoadError(
            f"{source} declares no assets",
            "Write @asset above a function that makes a table, or a definitions() that returns Definitions(…).",
        )
    return Definitions(
        assets.values(),
        jobs=_named(namespace, UnresolvedAssetJob).values(),
        schedules=_named(namespace, UnresolvedPartitionedSchedule).values(),
        asset_checks=_named(namespace, AssetChecksDefinition).values(),
    )


def _made(maker: Callable[[], Any]) -> Definitions:
    made = maker()
    if not isinstance(made, Definitions):
        location = location_of_function(maker)
        raise LoadError(
            f"definitions() returned {'nothing' if made is None else repr(made)}",
            "Return Definitions(assets=[…], resources={…}).",
            None if location is None else str(location),
        )
    return made


def _named(namespace: Mapping[str, Any], kind: type[T]) -> dict[str, T]:
    return {name: value for name, value in namespace.items() if isinstance(value, kind)}
