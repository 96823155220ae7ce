"""Settings of stores: values, or what stands for them until they are first needed."""

from __future__ import annotations

from contextlib import suppress
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
        TableNameError: It is no number, or less than 0.
    """
    value = value_of(setting, "lock_timeout")
    with suppress(TypeError, ValueError):
        if (wait := float(cast("float", value))) >= 0:
            return wait
    behind = "" if value is setting else f", which is {value!r}"
    reason = f"the lock_timeout is {setting!r}{behind}, and that is no number of seconds"
    raise TableNameError(reason, "Set it to a number that is at least 0, such as 60")
