"""The commit records: which slices were replaced by which run, in the same file and transaction as the rows.

Two tables: one line for each slice and commit, and the schemas that their values had, each once. A file that an older
Gapless made has fewer columns; it is read as it is, and gets the others in the first transaction that writes.

A record proves rows in one table: an asset may be given another, and come back to the first. What an older Gapless
wrote names none; it counts for whichever table the asset has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from gapless.asset_key import AssetKey
from gapless.storage.duckdb.database.connection import Session
from gapless.storage.duckdb.staging.frames import ArrowStream, typed_frame
from gapless.storage.duckdb.table_name import RECORDS_SCHEMA, TableName
from gapless.storage.slices import CommitRecord, InputVersion

__all__ = [
    "RECORDS",
    "CommitMark",
    "NewRecord",
    "commits_of",
    "committed_partitions",
    "forget_slices",
    "forget_table",
    "inputs_text",
    "insert_records",
    "next_mark",
    "prepare_records",
    "records_of_runs",
    "schema_text",
    "trim_records",
    "was_committed",
]

RECORDS = TableName(RECORDS_SCHEMA, "commits")
_SCHEMAS = TableName(RECORDS_SCHEMA, "schemas")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_COLUMNS = {
    "asset": "VARCHAR",
    "partition": "VARCHAR",
    "run_id": "VARCHAR",
    "rows": "BIGINT",
    "nbytes": "BIGINT",
    "committed_at": "TIMESTAMPTZ",
    "number": "BIGINT",
    "version": "VARCHAR",
    "code_version": "VARCHAR",
    "inputs": "VARCHAR",
    "table_name": "VARCHAR",
    "schema_id": "VARCHAR",
}


class CommitMark(NamedTuple):
    """What tells one transaction from all others of the file.

    Attributes:
        number: One more than that of the transaction before it, whatever the clock says.
        committed_us: Microseconds since the epoch.
    """

    number: int
    committed_us: int


class NewRecord(NamedTuple):
    """One slice that a transaction replaces.

    Attributes:
        version: Its content hash, or what the user called it.
        inputs: What `inputs_text` made of the versions that were read.
        table_name: Of the table that holds the rows, its `TableName.identity`.
        schema: What `schema_text` made of the value's own columns, in the table's types; None if it has no rows, which
            would say nothing about columns.
    """

    asset: str
    partition: str | None
    run_id: str
    rows: int
    nbytes: int
    version: str | None
    code_version: str | None
    inputs: str | None
    table_name: str
    schema: str | None


def inputs_text(inputs: Mapping[str, InputVersion]) -> str | None:
    """As they lie in the records."""
    if not inputs:
        return None
    return json.dumps({name: [one.partitions, one.version] for name, one in inputs.items()}, ensure_ascii=False)


def schema_text(columns: Mapping[str, str]) -> str:
    """As it lies in the records."""
    return json.dumps(list(columns.items()), ensure_ascii=False)


# --- writing, inside the caller's transaction


def prepare_records(session: Session, present: Mapping[str, str]) -> None:
    """Make the tables if they are not there, and give those of an older version what they lack.

    Args:
        present: The columns of `RECORDS`, looked at before the transaction: to look for a table that is not there would
            end it.
    """
    if present.keys() >= _COLUMNS.keys():
        return
    session.execute(f"CREATE SCHEMA IF NOT EXISTS {RECORDS.schema_sql(session.catalog)}")
    session.execute(f"CREATE TABLE IF NOT EXISTS {_SCHEMAS.sql(session.catalog)} (id VARCHAR, columns VARCHAR)")
    table = RECORDS.sql(session.catalog)
    if not present:
        columns = ", ".join(f'"{name}" {kind}' for name, kind in _COLUMNS.items())
        session.execute(f"CREATE TABLE {table} ({columns})")
        return
    for name in _COLUMNS.keys() - present.keys():
        session.execute(f'ALTER TABLE {table} ADD COLUMN "{name}" {_COLUMNS[name]}')
    if "number" not in present:
        session.execute(
            f"UPDATE {table} AS t SET number = r.place FROM"
            f" (SELECT committed_at, row_number() OVER (ORDER BY committed_at) AS place FROM {table} GROUP BY 1) AS r"
            " WHERE t.committed_at = r.committed_at"
        )


def next_mark(session: Session) -> CommitMark:
    """The mark of the transaction that is under way; the tables must be there."""
    table = RECORDS.sql(session.catalog)
    ((number, now),) = session.execute(f"SELECT (SELECT coalesce(max(number), 0) + 1 FROM {table}), epoch_us(now())")
    return CommitMark(number, now)


def insert_records(session: Session, records: Sequence[NewRecord], mark: CommitMark) -> None:
    """Note what the transaction replaced."""
    ids = {text: _schema_id(text) for text in {record.schema for record in records} if text is not None}
    _keep_schemas(session, ids)
    rows = [(*record[:-1], None if record.schema is None else ids[record.schema]) for record in records]
    types = dict.fromkeys((*NewRecord._fields[:-1], "schema_id"), str) | {"rows": int, "nbytes": int}
    frame = typed_frame(dict(zip(types, zip(*rows, strict=True), strict=True)), types)
    with session.registered("gapless_records", ArrowStream(frame)) as source:
        session.execute(
            f"INSERT INTO {RECORDS.sql(session.catalog)} BY NAME SELECT *, {mark.number} AS number,"
            f" make_timestamptz({mark.committed_us}) AS committed_at FROM {source}"
        )


def _schema_id(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _keep_schemas(session: Session, ids: Mapping[str, str]) -> None:
    if not ids:
        return
    table = _SCHEMAS.sql(session.catalog)
    marks = ", ".join("?" * len(ids))
    known = {one for (one,) in session.execute(f"SELECT id FROM {table} WHERE id IN ({marks})", [*ids.values()])}
    for text, schema_id in ids.items():
        if schema_id not in known:
            session.execute(f"INSERT INTO {table} VALUES (?, ?)", [schema_id, text])


def forget_slices(session: Session, asset: str, table: TableName, partitions: Sequence[str | None]) -> None:
    """Drop the proofs of slices whose rows are being wiped, so that no crash recovery brings them back."""
    _remember_number(session)
    where, parameters = _in_table(session.columns(RECORDS), asset, table)
    if None not in partitions:
        where += f" AND partition IN ({', '.join('?' * len(partitions))})"
        parameters += partitions
    session.execute(f"DELETE FROM {RECORDS.sql(session.catalog)} WHERE {where}", parameters)


def forget_table(session: Session, asset: str, table: TableName) -> None:
    """Drop the proofs of rows that went with their table, now that it is made anew; after `prepare_records`."""
    where, parameters = _in_table(_COLUMNS, asset, table)
    session.execute(f"DELETE FROM {RECORDS.sql(session.catalog)} WHERE {where}", parameters)


def _in_table(present: Iterable[str], asset: str, table: TableName) -> tuple[str, list[str | None]]:
    """The condition for the records of `asset` that may prove rows in `table`."""
    if "table_name" not in present:
        return "asset = ?", [asset]
    return "asset = ? AND (table_name IS NULL OR table_name = ?)", [asset, table.identity]


def _remember_number(session: Session) -> None:
    """Keep the newest commit's number, whichever records go: under the name of no asset, in a line that is no proof."""
    if "number" not in session.columns(RECORDS):
        return  # of an older file, which gets its numbers with its next commit
    table = RECORDS.sql(session.catalog)
    ((newest,),) = session.execute(f"SELECT max(number) FROM {table}")
    if newest is None:
        return
    session.execute(f"DELETE FROM {table} WHERE asset = ''")
    session.execute(
        f"INSERT INTO {table} BY NAME"
        " SELECT '' AS asset, '' AS run_id, 0 AS rows, 0 AS nbytes, now() AS committed_at, ? AS number",
        [newest],
    )


def trim_records(session: Session, keep: int) -> int:
    """Forget all but the newest `keep` records of each partition and table, and schemas without; how many records."""
    present = session.columns(RECORDS)
    if not present:
        return 0
    table = RECORDS.sql(session.catalog)
    which = "asset, partition" + (", table_name" if "table_name" in present else "")
    ((forgotten,),) = session.execute(
        f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM {table}"
        f" QUALIFY row_number() OVER (PARTITION BY {which} ORDER BY {_order(present)} DESC) > ?)",
        [keep],
    )
    if forgotten and "schema_id" in present:
        session.execute(
            f"DELETE FROM {_SCHEMAS.sql(session.catalog)}"
            f" WHERE id NOT IN (SELECT schema_id FROM {table} WHERE schema_id IS NOT NULL)"
        )
    return int(forgotten)


# --- reading


def was_committed(session: Session, mark: CommitMark) -> bool:
    """Whether the transaction with this mark is durably there."""
    if not session.columns(RECORDS).keys() >= _COLUMNS.keys():
        return False
    return bool(
        session.execute(
            f"SELECT 1 FROM {RECORDS.sql(session.catalog)}"
            f" WHERE number = ? AND committed_at = make_timestamptz({mark.committed_us}) LIMIT 1",
            [mark.number],
        )
    )


def records_of_runs(session: Session, run_ids: Sequence[str]) -> list[CommitRecord]:
    """The latest of each (run, asset, partition), oldest first."""
    if not run_ids:
        return []
    marks = ", ".join("?" * len(run_ids))
    return _found(session, f"asset <> '' AND run_id IN ({marks})", run_ids, newest_of="run_id, asset, partition")


def committed_partitions(session: Session, asset: str, table: TableName) -> dict[str | None, CommitRecord]:
    """The newest record of each partition of `asset` in `table`, whichever run made it."""
    where, parameters = _in_table(session.columns(RECORDS), asset, table)
    found = _found(session, where, parameters, newest_of="partition")
    records = {record.partition: record for record in found}
    if None not in records:
        return records
    # The asset was once made whole, which replaced whatever partitions it had before.
    whole = _age(records[None])
    return {partition: record for partition, record in records.items() if _age(record) >= whole}


def commits_of(session: Session, asset: str, table: TableName, partition: str | None, limit: int) -> list[CommitRecord]:
    """Every record of one partition in `table`, None for those of the whole table, newest first."""
    where, parameters = _in_table(session.columns(RECORDS), asset, table)
    where += " AND partition IS NOT DISTINCT FROM ?"
    return _found(session, where, [*parameters, partition], newest_first=True, limit=limit)


def _age(record: CommitRecord) -> tuple[int, datetime]:
    return record.number, record.committed_at


def _order(present: Iterable[str]) -> str:
    return "number" if "number" in present else "committed_at"


def _found(
    session: Session,
    where: str,
    parameters: Sequence[Any],
    newest_of: str | None = None,
    newest_first: bool = False,
    limit: int | None = None,
) -> list[CommitRecord]:
    """The records of a condition; by default the oldest first, and those of one transaction by asset and partition.

    Args:
        newest_of: Only the newest with equal values in these columns.
    """
    present = session.columns(RECORDS)
    if not present:
        return []
    order = _order(present)
    chosen = ", ".join(f'"{name}"' if name in present else f'NULL AS "{name}"' for name in _COLUMNS)
    newest = f" QUALIFY row_number() OVER (PARTITION BY {newest_of} ORDER BY {order} DESC) = 1" if newest_of else ""
    rows = session.execute(
        f"SELECT * REPLACE (epoch_us(committed_at) AS committed_at) FROM"
        f" (SELECT {chosen} FROM {RECORDS.sql(session.catalog)} WHERE {where}{newest})"
        f" ORDER BY {order}{' DESC' if newest_first else ''}, asset, partition"
        f"{f' LIMIT {limit:d}' if limit is not None else ''}",
        parameters,
    )
    schemas = _schemas(session, {row[-1] for row in rows if row[-1] is not None})
    return [_record(row, schemas) for row in rows]


def _schemas(session: Session, ids: set[str]) -> dict[str, dict[str, str]]:
    if not ids:
        return {}
    marks = ", ".join("?" * len(ids))
    found = session.execute(f"SELECT id, columns FROM {_SCHEMAS.sql(session.catalog)} WHERE id IN ({marks})", [*ids])
    return {schema_id: dict(json.loads(columns)) for schema_id, columns in found}


def _record(row: tuple[Any, ...], schemas: Mapping[str, dict[str, str]]) -> CommitRecord:
    asset, partition, run_id, rows, nbytes, at, number, version, code_version, inputs, _, schema_id = row
    return CommitRecord(
        AssetKey.of(asset),
        partition,
        run_id,
        rows,
        _EPOCH + timedelta(microseconds=at),
        nbytes,
        version,
        code_version,
        {} if inputs is None else {name: InputVersion(*one) for name, one in json.loads(inputs).items()},
        schemas.get(schema_id, {}),
        number=number or 0,
    )
