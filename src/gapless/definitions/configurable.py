"""Config and resources with declared fields. Importing this imports pydantic, so only a user who names them does."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidatorFunctionWrapHandler, field_validator

from gapless.definitions.environment import EnvVar, IntEnvVar, value_from

__all__ = ["Config", "ConfigurableResource", "ResourceDependency"]

T = TypeVar("T")

ResourceDependency = Annotated[T, "a resource inside of another"]
"""``client: ResourceDependency[Client]`` is a field of that resource, as ``client: Client`` is."""


class Config(BaseModel):
    """Settings of an asset's function, given with a run: ``def plays(config: PlaysConfig)``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    gapless_role: ClassVar[str] = "config"


class ConfigurableResource(BaseModel):
    """A resource with declared fields, which may be other resources or an `EnvVar`.

    A function receives it as a parameter annotated with its class. During a run, `setup_for_execution` is called
    before the first use and `teardown_after_execution` after the last; both may be overridden.
    """

    model_config = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

    gapless_role: ClassVar[str] = "resource"

    @field_validator("*", mode="wrap")
    @classmethod
    def _leave_environment(cls, value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
        """The environment is read when a run begins; until then a variable stands for any type."""
        return value if isinstance(value, (EnvVar, IntEnvVar)) else validate(value)

    def setup_for_execution(self, context: Any) -> None:
        """Called before the first use in a run; `context` has ``log`` and ``run_id``."""

    def teardown_after_execution(self, context: Any) -> None:
        """Called after the last use in a run, also if it failed."""

    def with_environment(self, name: str) -> ConfigurableResource:
        """A copy, its variables replaced by what they hold now, and validated.

        Args:
            name: What it is called, for messages.

        Raises:
            DefinitionError: If a variable is not set.
            pydantic.ValidationError: If one holds what the field cannot take.
        """
        values = {}
        for field_name in type(self).model_fields:
            value = getattr(self, field_name)
            if isinstance(value, (EnvVar, IntEnvVar)):
                value = value_from(value, f"field {field_name!r} of resource {name!r}")
            elif isinstance(value, ConfigurableResource):
                value = value.with_environment(f"{name}.{field_name}")
            values[field_name] = value
        return type(self)(**values)
