"""Where the last copy was published, and SQL on it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gapless.asset_key import AssetKey
from gapless.errors import InvocationError
from gapless.storage.duckdb.project_query import ScannedTable, answer, answer_of_file
from gapless.storage.duckdb.table_name import TableName
from gapless.storage.durable import write_durably
from gapless.storage.publishing.parquet_folder import CONTENTS, CURRENT, file_of
from gapless.storage.publishing.publication import Form, Publication

if TYPE_CHECKING:
    import polars as pl

__all__ = ["answer_of_last_published", "remember"]

_FILE = "published.json"


def remember(publication: Publication, home: Path) -> None:
    """Write down in the project's `home` that this is the last one."""
    home.mkdir(parents=True, exist_ok=True)
    facts = {"target": str(publication.target), "as": publication.form.value}
    write_durably(home / _FILE, json.dumps({**facts, "published_at": publication.published_at.isoformat()}))


def answer_of_last_published(sql: str, home: Path) -> pl.DataFrame:
    """The rows of one SQL statement on the copy that was published last.

    Raises:
        InvocationError: Nothing was published, or it is gone.
        QueryError: The SQL is refused.
    """
    try:
        facts = json.loads((home / _FILE).read_text(encoding="utf-8"))
        target, form = Path(facts["target"]), Form(facts["as"])
    except (OSError, ValueError, KeyError):
        raise InvocationError(
            "nothing has been published yet", "Publish first: gapless publish --to published.duckdb"
        ) from None
    if not target.exists():
        raise InvocationError(
            f"the copy that was published last, {target}, is gone", f"Publish again: gapless publish --to {target}"
        )
    if form is Form.DUCKDB:
        return answer_of_file(sql, target)
    # Resolved once: whatever is published meanwhile, the query reads one version.
    version = Path(os.path.realpath(target / CURRENT))
    contents = json.loads((version / CONTENTS).read_text(encoding="utf-8"))
    scanned = []
    for one in contents["assets"]:
        schema, _, table = one["table"].partition(".")
        where = "'" + str(version / file_of(AssetKey.of(one["asset"]).parts)).replace("'", "''") + "'"
        scanned.append(ScannedTable(TableName(schema, table), _reading(where)))
    return answer(sql, {}, scanned)


def _reading(where: str) -> Callable[[], str]:
    return lambda: f"SELECT * FROM read_parquet({where})"
