"""``config_schema``: which settings a function that makes an IO manager takes, as Dagster has them written."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gapless.definitions.environment import EnvVar, IntEnvVar, value_from
from gapless.errors import DefinitionError

__all__ = ["Field", "IntSource", "StringSource", "checked_config"]

_NOTHING = object()


class _Source:
    """A setting that may be given as ``{"env": "VARIABLE"}``."""

    def __init__(self, name: str, kind: type) -> None:
        self.name = name
        self.kind = kind

    def __repr__(self) -> str:
        return self.name


StringSource = _Source("StringSource", str)
IntSource = _Source("IntSource", int)


class Field:
    """One setting of a ``config_schema``.

    Args:
        config: Its type: ``str``, ``int``, ``float``, ``bool``, ``list``, ``dict``, ``[str]``, ``StringSource``, or a
            dict of settings.
        default_value: What it is if it is not given.
        is_required: By default True if there is no `default_value`.
    """

    def __init__(
        self,
        config: Any,
        default_value: Any = _NOTHING,
        is_required: bool | None = None,
        description: str | None = None,
    ) -> None:
        self.config = config
        self.default_value = default_value
        self.has_default = default_value is not _NOTHING
        self.is_required = not self.has_default if is_required is None else is_required
        self.description = description


def checked_config(schema: Any, given: Any, owner: str) -> Any:
    """`given` as `schema` wants it: variables of the environment read, defaults filled in.

    Args:
        schema: None takes anything.
        owner: What the settings are for, for messages.

    Raises:
        DefinitionError: A setting is missing, unknown or of another type.
    """
    return _checked(schema, {} if given is None else given, owner, "")


def _checked(schema: Any, given: Any, owner: str, path: str) -> Any:
    if isinstance(schema, Field):
        return _checked(schema.config, given, owner, path)
    if isinstance(given, (EnvVar, IntEnvVar)):
        given = value_from(given, f"setting {path!r} of {owner}" if path else owner)
    if isinstance(schema, _Source):
        if isinstance(given, Mapping) and set(given) == {"env"}:
            given = _from_environment(str(given["env"]), schema.kind, owner, path)
        schema = schema.kind
    if isinstance(schema, Mapping):
        return _checked_mapping(schema, given, owner, path)
    if isinstance(schema, list) and len(schema) == 1 and isinstance(given, (list, tuple)):
        return [_checked(schema[0], one, owner, f"{path}[{n}]") for n, one in enumerate(given)]
    wanted = list if isinstance(schema, list) else schema
    if not isinstance(wanted, type):
        return given
    if wanted is float and type(given) is int:
        return float(given)
    if not isinstance(given, wanted) or (isinstance(given, bool) and wanted in (int, float)):
        raise DefinitionError(
            f"{owner} has {path}={given!r}; expected {wanted.__name__}" if path else f"{owner} got {given!r}",
            "Correct it in .configured({…}).",
        )
    return given


def _checked_mapping(schema: Mapping[str, Any], given: Any, owner: str, path: str) -> dict[str, Any]:
    inside = f"{path}." if path else ""
    if not isinstance(given, Mapping):
        raise DefinitionError(f"the settings {path or 'given'} of {owner} are {given!r}; expected a dict")
    for name in given:
        if name not in schema:
            raise DefinitionError(
                f"{owner} has no setting {inside + name!r}; its settings are {', '.join(map(repr, schema)) or 'none'}"
            )
    checked = {}
    for name, wanted in schema.items():
        setting = wanted if isinstance(wanted, Field) else Field(wanted)
        if name in given:
            checked[name] = _checked(setting.config, given[name], owner, inside + name)
        elif setting.has_default:
            checked[name] = setting.default_value
        elif isinstance(setting.config, Mapping) and setting.is_required:
            checked[name] = _checked(setting.config, {}, owner, inside + name)
        elif setting.is_required:
            raise DefinitionError(
                f"{owner} needs the setting {inside + name!r}, which is not given",
                f'Write .configured({{"{name}": …}}) behind its name in Definitions(resources={{…}}).',
            )
    return checked


def _from_environment(variable: str, kind: type, owner: str, path: str) -> Any:
    text = os.environ.get(variable)
    if text is None:
        raise DefinitionError(
            f"setting {path!r} of {owner} needs the environment variable {variable}, which is not set",
            f"Set it: export {variable}=…",
        )
    try:
        return kind(text)
    except ValueError:
        raise DefinitionError(
            f"the environment variable {variable} is {text!r}, which is no {kind.__name__}",
            f"It is the setting {path!r} of {owner}.",
        ) from None
