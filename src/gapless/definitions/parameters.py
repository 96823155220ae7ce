"""What each parameter of an asset's function stands for: the context, its config, a resource, or an upstream asset."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar, get_args, get_origin

from gapless.errors import DefinitionError

__all__ = ["Annotations", "Parameters", "ResourceParam", "parameters_of"]

T = TypeVar("T")

CONTEXT_NAMES = frozenset({"context", "_context", "_", "__"})
_CONTEXT_TYPES = frozenset({"AssetExecutionContext", "AssetCheckExecutionContext"})


class _ResourceMark:
    """Marks an annotation as a resource's."""


ResourceParam = Annotated[T, _ResourceMark]
"""``client: ResourceParam[Client]`` receives the resource named ``client``, which may be any object."""


@dataclass(slots=True)
class Annotations:
    """A function's annotations, resolved as late as needed.

    A file that says ``from __future__ import annotations`` has them as text; what they name may be defined further
    down, or only for type checkers, so each is resolved alone and may stay text.
    """

    raw: dict[str, Any]
    namespace: dict[str, Any]

    @classmethod
    def of(cls, fn: Callable[..., Any], local_names: Mapping[str, Any]) -> Annotations:
        """Those of `fn`; `local_names` are visible where it is defined and may not be later."""
        annotations = cls(_raw_annotations(fn), getattr(fn, "__globals__", {}))
        for name in annotations.raw:
            annotations._resolve(name, local_names)
        return annotations

    def get(self, name: str) -> Any:
        """The annotation; its text if it cannot be resolved; ``inspect.Parameter.empty`` if there is none."""
        if name not in self.raw:
            return inspect.Parameter.empty
        return self._resolve(name, {})

    def _resolve(self, name: str, local_names: Mapping[str, Any]) -> Any:
        value = self.raw[name]
        text = getattr(value, "__forward_arg__", value)
        if not isinstance(text, str):
            return value
        try:
            # The user's own annotation in the user's own namespace, as typing.get_type_hints does for all at once.
            value = eval(text, self.namespace, dict(local_names))  # noqa: S307  # the user's code, not input
        except Exception:  # whatever it raises, an annotation must not keep a file from loading
            return text
        self.raw[name] = value
        return value


def _raw_annotations(fn: Callable[..., Any]) -> dict[str, Any]:
    if sys.version_info >= (3, 14):
        import annotationlib

        return dict(annotationlib.get_annotations(fn, format=annotationlib.Format.FORWARDREF))
    return dict(getattr(fn, "__annotations__", {}))


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of an asset's function by what they stand for.

    Attributes:
        context: The parameter that receives the execution context; None if there is none.
        config: The parameter that receives the asset's config, and its class.
        resources: Parameters that receive the resource of that name.
        inputs: Parameters that receive an upstream asset's value.
    """

    annotations: Annotations = field(repr=False)
    context: str | None
    config: tuple[str, type] | None
    resources: tuple[str, ...]
    inputs: tuple[str, ...]


def parameters_of(
    fn: Callable[..., Any],
    annotations: Annotations,
    required_resource_keys: frozenset[str],
    owner: str,
    location: str | None,
) -> Parameters:
    """Sort the parameters of `fn`.

    Raises:
        DefinitionError: If one can not be filled.
    """
    context: str | None = None
    config: tuple[str, type] | None = None
    resources: list[str] = []
    inputs: list[str] = []
    for position, (name, parameter) in enumerate(_signature(fn).parameters.items()):
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise DefinitionError(
                f"{owner} has the parameter {str(parameter)!r}, which cannot be filled by name",
                "Each parameter is the context, the config, a resource or an upstream asset, and has a name.",
                location,
            )
        annotation = annotations.get(name)
        if (position == 0 and name in CONTEXT_NAMES) or _is_context(annotation):
            context = name
        elif role_of(annotation) == "config":
            config = (name, annotation)
        elif name in required_resource_keys or role_of(annotation) == "resource":
            resources.append(name)
        elif name == "config":
            raise DefinitionError(
                f"{owner} has the parameter 'config' without a Config class",
                "Annotate it with a subclass of gapless.Config, or rename it if it is an upstream asset.",
                location,
            )
        elif parameter.default is not parameter.empty:
            raise DefinitionError(
                f"{owner} has a default for its parameter {name!r}, which would never be used:"
                " the value of an upstream asset always comes from its IO manager",
                "Remove the default, or move the setting to a Config class.",
                location,
            )
        else:
            inputs.append(name)
    return Parameters(annotations, context, config, tuple(resources), tuple(inputs))


def _signature(fn: Callable[..., Any]) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        import annotationlib

        return inspect.signature(fn, annotation_format=annotationlib.Format.FORWARDREF)
    return inspect.signature(fn)


def role_of(annotation: Any) -> str | None:
    """``config`` or ``resource`` if the annotation says so.

    The classes carry their role, so that this does not import them, and with them pydantic.
    """
    if get_origin(annotation) is Annotated:
        if _ResourceMark in get_args(annotation)[1:]:
            return "resource"
        annotation = get_args(annotation)[0]
    role = getattr(annotation, "gapless_role", None) if isinstance(annotation, type) else None
    return role if isinstance(role, str) else None


def _is_context(annotation: Any) -> bool:
    # By name: the contexts' classes belong to execution, above this package, and its import may be for type checkers.
    if isinstance(annotation, str):
        return annotation.rpartition(".")[2] in _CONTEXT_TYPES
    return isinstance(annotation, type) and annotation.__name__ in _CONTEXT_TYPES
