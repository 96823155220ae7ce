"""Which table an asset lies in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gapless.asset_key import AssetKey
from gapless.storage.errors import TableNameError

__all__ = ["RECORDS_SCHEMA", "TableName", "quoted"]

RECORDS_SCHEMA = "_gapless"  # ours: the commit records
_DUCKDBS_OWN = frozenset({"information_schema", "pg_catalog", "system", "temp"})


def quoted(name: str) -> str:
    """`name` as a SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class TableName:
    """A table in the database file."""

    schema: str
    table: str

    @classmethod
    def of(cls, asset: AssetKey, metadata: Mapping[str, Any], default_schema: str | None) -> TableName:
        """Where `asset` lies: metadata, then the manager's schema, then the key's parts, then ``public``.

        Raises:
            TableNameError: Metadata names it with something else than a non-empty string, or the schema is not for
                assets.
        """
        names = {}
        for what in ("schema", "table"):
            name = metadata.get(what)
            if name is not None and (not isinstance(name, str) or not name or "\0" in name):
                raise TableNameError(
                    f"asset {str(asset)!r} has metadata {{{what!r}: {name!r}}}, which is not a {what}'s name",
                    "Give a non-empty string",
                )
            names[what] = name
        schema = names["schema"] or default_schema or (asset.parts[-2] if len(asset.parts) > 1 else "public")
        folded = schema.casefold()
        if folded == RECORDS_SCHEMA or folded in _DUCKDBS_OWN:
            whose = "where Gapless keeps its own records" if folded == RECORDS_SCHEMA else "which is DuckDB's own"
            raise TableNameError(
                f"asset {str(asset)!r} would lie in the schema {schema!r}, {whose}",
                'Choose another with metadata {"schema": …}',
            )
        return cls(schema, names["table"] or asset.name)

    @property
    def identity(self) -> str:
        """Equal for two names that DuckDB takes for one: it ignores the case of A to Z, and of no other letters."""
        plain = ".".join(part if part.isidentifier() else quoted(part) for part in (self.schema, self.table))
        return plain.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")

    def sql(self, catalog: str) -> str:
        """The quoted name, with the attached database's."""
        return f"{quoted(catalog)}.{quoted(self.schema)}.{quoted(self.table)}"

    def schema_sql(self, catalog: str) -> str:
        """The quoted name of its schema."""
        return f"{quoted(catalog)}.{quoted(self.schema)}"

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"
