"""What the arguments of `asset` must be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from gapless.asset_key import AssetKey, CoercibleToAssetKey
from gapless.definitions.asset_checks import AssetCheckSpec
from gapless.definitions.dependency import AssetIn, coerce_asset_key
from gapless.definitions.names import checked_name
from gapless.definitions.time_span import time_span
from gapless.errors import DefinitionError, closest
from gapless.partitions import PartitionsDefinition

__all__ = [
    "asset_key_of",
    "checked_check_specs",
    "checked_ins",
    "checked_keep",
    "checked_naive_timestamps",
    "checked_policy",
    "checked_strings",
    "require_type",
]

E = TypeVar("E", bound=StrEnum)


def asset_key_of(
    fn: Callable[..., Any],
    name: str | None,
    key_prefix: str | Sequence[str] | None,
    key: CoercibleToAssetKey | None,
    where: str | None,
) -> AssetKey:
    """The key of the asset that `fn` makes.

    Raises:
        DefinitionError: Of two ways to say it both are used, or it is no name.
    """
    if key is not None:
        if name is not None or key_prefix is not None:
            raise DefinitionError(
                f"the asset {fn.__name__}() has a key and a name or key_prefix",
                "Give one of them: a key is already the whole path.",
                where,
            )
        parts: Sequence[str] = coerce_asset_key(key).parts
    else:
        prefix = (key_prefix,) if isinstance(key_prefix, str) else tuple(key_prefix or ())
        parts = (*prefix, fn.__name__ if name is None else name)
    for part in parts:
        checked_name(part, "asset", where, "the parts of an asset's path go into key_prefix=[…]")
    return AssetKey(parts)


def require_type(value: Any, expected: type, argument: str, words: str, owner: str, where: str | None) -> None:
    if value is not None and not isinstance(value, expected):
        raise DefinitionError(f"{owner} has {argument}={value!r}; expected {words}", "", where)


def checked_strings(values: Iterable[str] | None, what: str, where: str | None) -> tuple[str, ...]:
    if values is None:
        return ()
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise DefinitionError(f"{what} are {values!r}; expected a collection of strings", "", where)
    return tuple(values)


def checked_ins(ins: Mapping[str, AssetIn], owner: str, where: str | None) -> dict[str, AssetIn]:
    for parameter, source in ins.items():
        if not isinstance(source, AssetIn):
            raise DefinitionError(
                f"{owner} has ins={{{parameter!r}: {source!r}}}; expected an AssetIn",
                f"Write ins={{{parameter!r}: AssetIn(…)}}.",
                where,
            )
    return dict(ins)


def checked_policy(value: Any, policies: type[E], argument: str, default: E, owner: str, where: str | None) -> E:
    """The policy that `value`, one of `policies` or its name, means; `default` for None."""
    if value is None:
        return default
    names = [policy.value for policy in policies]
    if not isinstance(value, str) or value not in names:
        near = closest(value, names, 1) if isinstance(value, str) else ()
        raise DefinitionError(
            f"{owner} has {argument}={value!r}; expected {', '.join(map(repr, names[:-1]))} or {names[-1]!r}",
            f"Did you mean {near[0]!r}?" if near else "",
            where,
        )
    return policies(value)


def checked_keep(keep: Any, definition: PartitionsDefinition | None, owner: str, where: str | None) -> timedelta | None:
    """How long after its end a partition is kept; None for ever."""
    if keep is None:
        return None
    span = time_span(keep, owner, "keep", where)
    times = 0 if definition is None else len(definition.times)
    if times != 1:
        what = "unpartitioned" if definition is None else f"partitioned by {definition.describe()}"
        many = f", {times} of which are times" if times else ", so none of it ever gets old"
        raise DefinitionError(
            f"{owner} has keep={keep!r}, but it is {what}{many}",
            "Leave keep out; it is for assets with one dimension of time. Delete by hand with: gapless wipe",
            where,
        )
    return span


def checked_naive_timestamps(metadata: Mapping[str, Any], owner: str, where: str | None) -> str | None:
    """The zone of the asset's naive timestamps; None for that of its partitions definition."""
    zone = metadata.get("naive_timestamps")
    if zone not in (None, "UTC"):
        raise DefinitionError(
            f"{owner} has metadata naive_timestamps={zone!r}; expected 'UTC'",
            "Leave it out if timestamps without a zone are civil time of the partitions definition's zone.",
            where,
        )
    return zone


def checked_check_specs(specs: Any, key: AssetKey, owner: str, where: str | None) -> tuple[AssetCheckSpec, ...]:
    """The checks whose results the asset's own function returns."""
    given = (specs,) if isinstance(specs, (str, AssetCheckSpec)) or not isinstance(specs, Iterable) else tuple(specs)
    if specs is None:
        return ()
    names: set[str] = set()
    for spec in given:
        if not isinstance(spec, AssetCheckSpec) or specs is spec:
            fix = f'Write check_specs=[AssetCheckSpec("nonneg", asset={key.name!r})].'
            raise DefinitionError(f"{owner} has check_specs={specs!r}; expected a list of AssetCheckSpec", fix, where)
        if spec.asset != key:
            raise DefinitionError(
                f"{owner} has the check {spec.name!r} of asset {str(spec.asset)!r}; a function only knows its own rows",
                f"Write AssetCheckSpec({spec.name!r}, asset={key.to_user_string()!r}).",
                where,
            )
        if spec.name in names:
            raise DefinitionError(f"{owner} has two checks {spec.name!r}", "Give one of them another name.", where)
        names.add(spec.name)
    return given
