"""Settings of stores: values, or what stands for them until they are first needed."""

from __future__ import annotations

from typing import Any, Protocol, cast

from gapless.storage.errors import TableNameError

__all__ = ["Setting", "seconds", "value_of"]


class Setting(Protocol):
    """A value that is looked up when it is first needed, as `EnvVar` is."""

    def get_value(self) -> Any: ...


def value_of(setting: Any, what: str) -> Any:
    """What `setting` says now; for one that is no `Setting`, itself.

    Raises:
        TableNameError: It has no value.
    """
    get_value = getattr(setting, "get_value", None)  # asked first: an EnvVar is a string too, its own name
    if get_value is None:
        return setting
    value = get_value()
    if value is None or value == "":
        name = getattr(setting, "env_var_name", "")
        fix = f"Set it: export {name}=…" if name else "Set that variable"
        raise TableNameError(f"the {what} is {setting!r}, which has no value", fix)
    return value


def seconds(setting: float | Setting) -> float:
    """How long to wait, seconds.

    Raises:
        TableNameError: It is no number.
    """
    value = value_of(setting, "lock_timeout")
    try:
        return float(cast("float", value))
    except (TypeError, ValueError):
        raise TableNameError(
            f"the lock_timeout is {setting!r}, which is {value!r} and no number of seconds", "Set it to a number"
        ) from None
