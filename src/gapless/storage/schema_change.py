"""A frame whose columns do not fit the table's: the error that says so, and both schemas as a diff."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from gapless.errors import StorageError
from gapless.storage.errors import slice_name
from gapless.storage.policies import SchemaPolicy

__all__ = ["SchemaChangeError", "schema_diff"]

_SHOWN_EQUAL = 12  # so many columns that agree are written out; more are counted
_SHOWN_OTHER = 24  # so many lines of those that do not
_SHOWN_CHANGES = 8  # of thousands, a message names this many


@dataclass(eq=False)
class SchemaChangeError(StorageError):
    """The frame's columns do not fit the table's without loss.

    Attributes:
        table_columns, frame_columns: (name, type) pairs, in order.
        changes: What does not fit, a clause for each.
        casts: Polars expressions that would make columns fit.
        policy: What the asset asks for.
        others: Where the table could begin anew if all its partitions were made together: how many are not being made.
    """

    asset: str
    partitions: tuple[str | None, ...]
    table: str
    table_columns: tuple[tuple[str, str], ...]
    frame_columns: tuple[tuple[str, str], ...]
    changes: tuple[str, ...] = field(default_factory=tuple)
    casts: tuple[str, ...] = ()
    policy: SchemaPolicy = SchemaPolicy.EVOLVE
    others: int | None = None

    def diff(self) -> str:
        """Both schemas, one line a column."""
        return schema_diff(self.table_columns, self.frame_columns)

    def __str__(self) -> str:
        more = len(self.changes) - _SHOWN_CHANGES
        changes = "; ".join(self.changes[:_SHOWN_CHANGES]) + (f"; and {more:,} more" if more > 0 else "")
        return (
            f"{slice_name(self.asset, self.partitions)}: the frame does not fit the table {self.table}: {changes}."
            f" Nothing was replaced.\n{self.diff()}\n{self._fix()}"
        )

    def _fix(self) -> str:
        strict = self.policy is SchemaPolicy.STRICT
        taken = "; added columns and wider types are taken as they are"
        fix = f"Return the table's columns and types{', as its strict schema policy asks for' if strict else taken}"
        made = {name.casefold() for name, _ in self.frame_columns}
        missing = next((name for name, _ in self.table_columns if name.casefold() not in made), None)
        if missing is not None:
            empty = f".with_columns(pl.lit(None).alias({json.dumps(missing, ensure_ascii=False)}))"
            fix += f", and a missing column can be given empty: {empty}"
        fix += "."
        if self.casts:
            more = ", …" if len(self.casts) > _SHOWN_CHANGES else ""
            fix += f" If nothing is lost by it, cast: .with_columns({', '.join(self.casts[:_SHOWN_CHANGES])}{more})."
        if self.others is None:
            return f"{fix} To begin the table anew with other columns: gapless wipe {self.asset}"
        held = f"{self.others:,} other partition{'s' if self.others != 1 else ''}" if self.others else "rows"
        return (
            f"{fix} The table begins anew with other columns if all its partitions are made together; it holds {held}"
            f" beside these. Make them all: gapless materialize {self.asset} --all; or empty it first: gapless wipe"
            f" {self.asset}"
        )


def schema_diff(table: Sequence[tuple[str, str]], frame: Sequence[tuple[str, str]], frame_is: str = "frame") -> str:
    """One line a column: equal ones plain, ``-`` only in the table, ``+`` only in the frame, ``~`` of another type.

    Args:
        table: (name, type) pairs, in order; names match in any case.
        frame: Likewise.
        frame_is: What it is, in a word.
    """
    stored = {name.casefold() for name, _ in table}
    made = {name.casefold(): kind for name, kind in frame}
    equal = sum(made.get(name.casefold()) == kind for name, kind in table)
    lines: list[tuple[str, str, str]] = []
    for name, kind in table:
        now = made.get(name.casefold())
        if now is None:
            lines.append(("-", name, f"{kind} (table)"))
        elif now != kind:
            lines.append(("~", name, f"{kind} → {now}"))
        elif equal <= _SHOWN_EQUAL:
            lines.append((" ", name, kind))
    lines += [("+", name, f"{kind} ({frame_is})") for name, kind in frame if name.casefold() not in stored]
    rest = f"\n  … {equal:,} equal columns" if equal > _SHOWN_EQUAL else ""
    hidden = max(0, len(lines) - _SHOWN_OTHER - _SHOWN_EQUAL)
    if hidden:
        lines = lines[:-hidden]
        rest = f"\n  … {hidden:,} more columns that differ{rest}"
    width = max((len(name) for _, name, _ in lines if len(name) <= 40), default=0)
    return "\n".join(f"  {sign} {name.ljust(width)}  {what}" for sign, name, what in lines) + rest
