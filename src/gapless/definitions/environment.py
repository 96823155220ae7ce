"""Values that are read from the environment when a run begins, not when the file is loaded."""

from __future__ import annotations

import os

from gapless.errors import DefinitionError

__all__ = ["EnvVar", "IntEnvVar", "value_from"]


class EnvVar(str):
    """Stands for the value of an environment variable in a resource's field.

    It is a string only so that it fits where one is declared; what it says is in `get_value`.
    """

    __slots__ = ()

    @classmethod
    def int(cls, name: str) -> IntEnvVar:
        """The same for a number."""
        return IntEnvVar.of(name)

    @property
    def env_var_name(self) -> str:
        """The variable."""
        return str.__str__(self)

    def get_value(self, default: str | None = None) -> str | None:
        """What the variable holds now; `default` if it is not set."""
        return os.environ.get(self.env_var_name, default)

    def __repr__(self) -> str:
        return f"EnvVar({self.env_var_name!r})"


class IntEnvVar(int):
    """Stands for the number in an environment variable in a resource's field."""

    env_var_name: str

    @classmethod
    def of(cls, name: str) -> IntEnvVar:
        """For the variable `name`."""
        # The number itself is never used; it must only not look like a plausible setting.
        variable = cls(-1)
        variable.env_var_name = name
        return variable

    def get_value(self, default: int | None = None) -> int | None:
        """The number that the variable holds now; `default` if it is not set.

        Raises:
            DefinitionError: If it holds something else.
        """
        text = os.environ.get(self.env_var_name)
        if text is None:
            return default
        try:
            return int(text)
        except ValueError:
            raise DefinitionError(
                f"the environment variable {self.env_var_name} is {text!r}, which is not a whole number"
            ) from None

    def __repr__(self) -> str:
        return f"EnvVar.int({self.env_var_name!r})"


def value_from(variable: EnvVar | IntEnvVar, owner: str) -> str | int:
    """What `variable` holds now.

    Raises:
        DefinitionError: If it is not set; `owner` says what needs it.
    """
    value = variable.get_value()
    if value is None:
        raise DefinitionError(
            f"{owner} needs the environment variable {variable.env_var_name}, which is not set",
            f"Set it: export {variable.env_var_name}=…",
        )
    return value
