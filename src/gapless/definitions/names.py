"""Names that are typed: of assets, groups, checks, jobs and schedules."""

from __future__ import annotations

from typing import Any

from gapless.errors import DefinitionError

__all__ = ["checked_name"]


def checked_name(name: Any, what: str, where: str | None, fix: str = "") -> str:
    """`name`, if selections, paths, table names and command lines can hold it without quoting.

    Args:
        what: What it is a name of: ``asset``.
        fix: What else may help, a clause after a semicolon.

    Raises:
        DefinitionError: It cannot be.
    """
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "_-." for c in name):
        raise DefinitionError(
            f"{name!r} is not a name for {'an' if what[0] in 'aeiou' else 'a'} {what}",
            f"Use letters, digits, '_', '-' and '.'{f'; {fix}' if fix else ''}.",
            where,
        )
    return name
