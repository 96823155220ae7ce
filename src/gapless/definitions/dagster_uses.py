"""Which of Dagster's names a file uses that Gapless does not have: all of them at once, before the file runs."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

from gapless.definitions.dagster_names import STAND_INS, names_of, no_module, not_provided
from gapless.definitions.errors import NameNotProvidedError
from gapless.definitions.source_location import SourceLocation

__all__ = ["missing_names"]

_CATCHES_IMPORTS = frozenset({"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException"})


def missing_names(file: Path) -> list[NameNotProvidedError]:
    """What `file` uses of Dagster's modules that is not there, each once, in the order of its lines.

    What the file itself is ready to miss is left out: ``if TYPE_CHECKING``, ``try … except ImportError``.
    """
    try:
        tree = ast.parse(file.read_bytes(), file)
    except (OSError, SyntaxError, ValueError):
        return []  # running it says more
    if any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body):
        _drop_annotations(tree)
    uses = _Uses(file)
    uses.visit(tree)
    return [uses.missing[use] for use in sorted(uses.missing, key=lambda use: uses.lines[use])]


def _drop_annotations(tree: ast.Module) -> None:
    """After ``from __future__ import annotations`` they are never evaluated, so that nothing in them is missed."""
    for node in ast.walk(tree):
        for part in ("annotation", "returns"):
            if hasattr(node, part):
                setattr(node, part, None)


class _Uses(ast.NodeVisitor):
    def __init__(self, file: Path) -> None:
        self.file = file
        self.modules: dict[str, str] = {}  # name in the file -> module that it stands for
        self.missing: dict[tuple[str, str], NameNotProvidedError] = {}
        self.lines: dict[tuple[str, str], int] = {}

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            module, _, inside = alias.name.partition(".")
            if module not in STAND_INS:
                continue
            if inside:
                self._module(alias.name, node.lineno)
            else:
                self.modules[alias.asname or module] = module

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module, _, inside = (node.module or "").partition(".")
        if node.level or module not in STAND_INS:
            return
        if inside:
            self._module(str(node.module), node.lineno)
            return
        for alias in node.names:
            if alias.name != "*":
                self._name(module, alias.name, alias.lineno)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        module = self.modules.get(node.value.id) if isinstance(node.value, ast.Name) else None
        if module is not None and isinstance(node.ctx, ast.Load) and not node.attr.startswith("__"):
            self._name(module, node.attr, node.lineno)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        test = node.test.attr if isinstance(node.test, ast.Attribute) else getattr(node.test, "id", None)
        for part in node.orelse if test == "TYPE_CHECKING" else [node.test, *node.body, *node.orelse]:
            self.visit(part)

    def visit_Try(self, node: ast.Try) -> None:
        ready = any(_catches_imports(handler) for handler in node.handlers)
        for part in [*([] if ready else node.body), *node.handlers, *node.orelse, *node.finalbody]:
            self.visit(part)

    def _module(self, name: str, line: int) -> None:
        outer = ".".join(name.split(".")[:2])  # where the import ends
        self._add((outer, ""), line, lambda where: no_module(outer, where))

    def _name(self, module: str, name: str, line: int) -> None:
        if name not in names_of(module):
            self._add((module, name), line, lambda where: not_provided(name, module, where))

    def _add(self, use: tuple[str, str], line: int, error: Callable[[str], NameNotProvidedError]) -> None:
        if use not in self.missing:
            self.missing[use] = error(str(SourceLocation(str(self.file), line)))
            self.lines[use] = line


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(one is None or getattr(one, "id", None) in _CATCHES_IMPORTS for one in caught)
