"""Whether SQL only reads. A read-only transaction keeps tables from being changed, but not files from being written."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["why_not_reading"]

_TAKEN = "a query may read, with SELECT, FROM, WITH, VALUES, PIVOT, SUMMARIZE, DESCRIBE, SHOW, EXPLAIN or PRAGMA"
_READING_PRAGMAS = frozenset(
    [
        *("collations", "database_list", "database_size", "extension_versions", "functions", "metadata_info"),
        *("platform", "show", "show_databases", "show_tables", "show_tables_expanded", "storage_info", "table_info"),
        *("user_agent", "version"),
    ]
)
_COMMENTS = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_WORD = re.compile(r"\w+")
_EXPLAINED = re.compile(r"EXPLAIN\b\s*(?:ANALYZE\b|\(\s*(?:ANALYZE|FORMAT)\b[^)]*\))?", re.IGNORECASE)
_PRAGMA = re.compile(r"PRAGMA\s+(\w+)", re.IGNORECASE)
# Functions, but they write files.
_WRITING_FUNCTION = re.compile(r'\b(enable_logging|enable_profiling)"?\s*\(', re.IGNORECASE)
_QUERIES = frozenset(["SELECT", "FROM", "WITH", "PIVOT", "UNPIVOT", "SUMMARIZE", "DESCRIBE"])


def why_not_reading(sql: str) -> str | None:
    """Why `sql` is not taken as a query, a clause; None if it is one statement that only reads.

    Raises:
        duckdb.Error: DuckDB cannot parse it.
    """
    import duckdb

    statements = duckdb.extract_statements(sql)
    if len(statements) != 1:
        return f"expected one statement, not {len(statements)}"
    return _refusal(statements[0])


def _refusal(statement: Any) -> str | None:
    text: str = statement.query
    text = text[_COMMENTS.match(text).end() :]  # type: ignore[union-attr]  # it matches nothing, too
    found = _WORD.match(text)
    word = found.group().upper() if found else text[:1]
    match statement.type.name:
        case "SELECT":
            writes = _WRITING_FUNCTION.search(text)
            return f"{writes[1]} is no reading, and {_TAKEN}" if writes else None
        case "MULTI" if word in _QUERIES:  # a PIVOT, which looks for its columns first
            return None
        case "EXPLAIN" if explained := _EXPLAINED.match(text):
            # EXPLAIN ANALYZE does what it explains.
            return why_not_reading(text[explained.end() :])
        case "PRAGMA" if (pragma := _PRAGMA.match(text)) and pragma[1].lower() in _READING_PRAGMAS:
            return None
    return f"{word} is no reading, and {_TAKEN}"
