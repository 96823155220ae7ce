"""One value of each partition: how managers of single values take in and give out several partitions at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gapless.storage.input_context import InputContext
from gapless.storage.output_context import OutputContext
from gapless.storage.value_errors import ValueMissingError, ValueUnstorableError

__all__ = ["MISSING", "loaded_values", "values_by_partition"]

MISSING = object()


def values_by_partition(context: OutputContext, value: Any) -> dict[str | None, Any]:
    """What `value` holds of each partition that `context` names; under None if the asset is unpartitioned.

    Raises:
        ValueUnstorableError: There are several partitions, and it is no mapping of their keys.
    """
    if not context.has_asset_partitions:
        return {None: value}
    keys = context.asset_partition_keys
    if len(keys) == 1:
        return {keys[0]: value}
    fix = (
        "Return a dict of a value for each partition: {key: … for key in context.partition_keys}, or make one"
        " partition in a call: backfill_policy=BackfillPolicy.multi_run(1)"
    )

    def refused(reason: str) -> ValueUnstorableError:
        return ValueUnstorableError(str(context.asset_key), tuple(keys), reason, fix)

    if not isinstance(value, Mapping):
        raise refused(f"one call made {len(keys)} partitions, but the function returned one {type(value).__name__}")
    lacking = [key for key in keys if key not in value]
    if lacking:
        raise refused(f"the dict that the function returned has no value for partition {lacking[0]!r}")
    wanted = set(keys)
    strange = [key for key in value if key not in wanted]
    if strange:
        raise refused(f"the dict that the function returned has {strange[0]!r}, which is none of the partitions")
    return {key: value[key] for key in keys}


def loaded_values(
    context: InputContext, load: Callable[[str | None], Any], place_of: Callable[[str | None], str], fix: str = ""
) -> Any:
    """The value of what `context` names: the bare one of one partition, or a dict of several; None of no partition.

    Args:
        load: The value of a partition, or of the unpartitioned asset; `MISSING` if there is none.
        place_of: Where it is looked for, for messages.
        fix: What to do about a missing one, a sentence.

    Raises:
        ValueMissingError: One is missing, and the input's metadata does not say ``allow_missing_partitions``.
    """
    keys: list[str | None] = [*context.asset_partition_keys] if context.has_asset_partitions else [None]
    found = {key: load(key) for key in keys}
    missing = [key for key, value in found.items() if value is MISSING]
    if missing:
        if not (context.has_asset_partitions and context.definition_metadata.get("allow_missing_partitions")):
            raise ValueMissingError(str(context.asset_key), missing[0], place_of(missing[0]), len(missing) - 1, fix)
        context.log.warning("left out %d partitions of %s that are missing", len(missing), context.asset_key)
        found = {key: value for key, value in found.items() if value is not MISSING}
    if len(keys) == 1:
        return found.get(keys[0])
    return found if keys else None
