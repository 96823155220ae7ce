"""``--as-dagster``: Dagster's modules resolve to Gapless, so that a project can be tried before it is edited."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

from gapless.definitions.dagster_equivalents import EQUIVALENTS
from gapless.definitions.errors import NameNotProvidedError
from gapless.definitions.source_location import here
from gapless.errors import closest

if TYPE_CHECKING:
    from importlib.abc import Loader

__all__ = ["STAND_INS", "DagsterNames", "names_of", "no_module", "not_provided"]

# Which of our public names each module gives; None for all that are not another one's.
STAND_INS: dict[str, frozenset[str] | None] = {
    "dagster": None,
    "dagster_duckdb": frozenset({"DuckDBIOManager", "DuckDBResource"}),
    "dagster_duckdb_pandas": frozenset({"DuckDBPandasIOManager"}),
    "dagster_duckdb_polars": frozenset({"DuckDBPolarsIOManager"}),
    "dagster_polars": frozenset({"PolarsParquetIOManager"}),
}


# A finder and a loader by what it can do: their base classes would import a tenth of the standard library.
class DagsterNames:
    """Makes the modules of `STAND_INS` resolve to Gapless.

    It stays installed after loading, because functions may import when they run.

    Attributes:
        notice: What the user should be told, once it is installed.
    """

    def __init__(self) -> None:
        self.notice = ""

    @classmethod
    def installed(cls) -> DagsterNames:
        """The one that is installed, after installing it if there is none."""
        for finder in sys.meta_path:
            if isinstance(finder, cls):
                return finder
        names = cls()
        names.install()
        return names

    @classmethod
    def are_installed(cls) -> bool:
        """Whether Dagster's names resolve to Gapless."""
        return any(isinstance(finder, cls) for finder in sys.meta_path)

    def install(self) -> None:
        """Begin, and remember what the user should be told."""
        installed = [name for name in STAND_INS if name not in sys.modules and importlib.util.find_spec(name)]
        for name in list(sys.modules):
            if name.partition(".")[0] in STAND_INS:
                installed.append(name.partition(".")[0])
                del sys.modules[name]
        sys.meta_path.insert(0, self)
        self.notice = "dagster is not installed; its imports resolve to Gapless (--as-dagster)"
        if "dagster" in installed:
            self.notice = "imports of dagster resolve to Gapless, not to the dagster installed here (--as-dagster)"

    def uninstall(self) -> None:
        """End, and forget the modules."""
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if isinstance(module, _StandIn):
                del sys.modules[name]

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Ours if it is one of Dagster's modules.

        Raises:
            NameNotProvidedError: For a module inside one of them.
        """
        module, _, rest = fullname.partition(".")
        if module not in STAND_INS:
            return None
        if rest:
            raise no_module(fullname, here())
        return ModuleSpec(fullname, cast("Loader", self), is_package=True)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """A module that looks its names up in Gapless."""
        return _StandIn(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing runs; names are looked up when asked for."""


class _StandIn(ModuleType):
    """One of Dagster's modules."""

    def __init__(self, name: str) -> None:
        super().__init__(name, f"Stands in for {name}; its names are Gapless's.")
        self.__all__ = sorted(names_of(name))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in names_of(self.__name__):
            return getattr(importlib.import_module("gapless"), name)
        raise not_provided(name, self.__name__, here())

    def __dir__(self) -> list[str]:
        return list(self.__all__)


def names_of(module: str) -> frozenset[str]:
    """Which names `module`, one of `STAND_INS`, gives."""
    chosen = STAND_INS[module]
    if chosen is not None:
        return chosen
    # Asked for by name: the package's front door lies above this layer.
    public = frozenset(importlib.import_module("gapless").__all__)
    return public - frozenset[str]().union(*(names for names in STAND_INS.values() if names))


def no_module(name: str, where: str | None) -> NameNotProvidedError:
    """The error for a module inside one of `STAND_INS`."""
    module, _, rest = name.partition(".")
    return NameNotProvidedError(
        f"Gapless has no module {name!r}",
        f"It has the public names of {module}: import them with `from {module} import …`.",
        where,
        rest,
        module,
    )


def not_provided(name: str, module: str, where: str | None) -> NameNotProvidedError:
    """The error for a name that `module` has in Dagster, and not here."""
    equivalent = EQUIVALENTS.get(name)
    if equivalent is None:
        near = closest(name, names_of(module) or names_of("dagster"), 1)
        equivalent = f"The closest that it has is {near[0]}." if near else "It has nothing like it."
    return NameNotProvidedError(f"Gapless has no {module}.{name}", equivalent, where, name, module)
