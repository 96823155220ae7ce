"""Owners and tags: what people sort assets by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from gapless.errors import DefinitionError

__all__ = ["checked_owners", "checked_tags"]

_MAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}")
# Dagster's rules: short labels that need no quoting in selections; a name may have a namespace, "team/name".
_NAME = re.compile(r"(?:[A-Za-z0-9_.-]{1,63}/|dagster/kind/)?[A-Za-z0-9_.-]{1,63}")
_VALUE = re.compile(r"[A-Za-z0-9_.-]{0,63}")
_ALLOWED = "ASCII letters, digits, '_', '-' and '.', at most 63 of them"


def checked_owners(owners: Iterable[str] | None, owner_of: str, where: str | None) -> tuple[str, ...]:
    """The owners of `owner_of`, which is "asset 'plays'" or the like.

    Raises:
        DefinitionError: If one is neither a mail address nor ``team:name``.
    """
    if owners is None:
        return ()
    if isinstance(owners, str) or not all(isinstance(owner, str) for owner in owners):
        raise DefinitionError(
            f"owners of {owner_of} are {owners!r}; expected a list of texts", f"Write owners=[{owners!r}].", where
        )
    for owner in owners:
        team = owner.startswith("team:") and len(owner) > len("team:")
        if not team and not _MAIL.fullmatch(owner):
            name = owner.removeprefix("team:") or "data"
            fix = f"Write 'team:{name}'" if "@" not in name else "Write it as 'me@example.org'"
            raise DefinitionError(
                f"{owner_of} has the owner {owner!r}, which is neither a mail address nor a team",
                f"{fix}; owners are mail addresses and 'team:name'.",
                where,
            )
    return tuple(owners)


def checked_tags(tags: Mapping[str, str] | None, owner_of: str, where: str | None) -> dict[str, str]:
    """A copy of the tags of `owner_of`.

    Raises:
        DefinitionError: If a name or a value is not text, or holds what selections would have to quote.
    """
    for name, value in (tags or {}).items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise DefinitionError(f"{owner_of} has the tag {name!r}: {value!r}; expected text for both", "", where)
        near = {name if _NAME.fullmatch(name) else _near(name) or "name": _near(value)}
        if not _NAME.fullmatch(name):
            raise DefinitionError(
                f"{owner_of} has the tag {name!r}, which is not a name for a tag",
                f"Use {_ALLOWED}, and one '/' after a namespace: tags={near}.",
                where,
            )
        if not _VALUE.fullmatch(value):
            raise DefinitionError(
                f"{owner_of} has the tag {name!r} with the value {value!r}",
                f"Use {_ALLOWED}: tags={near}. Longer texts belong into metadata={{…}}.",
                where,
            )
    return dict(tags or {})


def _near(text: str) -> str:
    """`text` with what is not allowed replaced."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)[:63]
