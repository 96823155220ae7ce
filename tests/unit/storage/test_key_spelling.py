"""Keys that a column's type cannot tell apart are told, however often and whenever they are asked about."""

from __future__ import annotations

from gapless.storage.duckdb.database.connection import scratch_session
from gapless.storage.duckdb.membership import key_spelling
from gapless.storage.duckdb.membership.key_spelling import spelled_otherwise


def test_a_key_is_told_again_whatever_was_forgotten_since(monkeypatch):
    monkeypatch.setattr(key_spelling, "_MOST_KNOWN", 0)
    with scratch_session() as session:
        for keys in (["07"], ["07", "9"], ["07"]):
            assert spelled_otherwise(session, "BIGINT", "UTC", keys) == ("07", "7")


def test_a_key_that_is_no_value_of_the_type_or_shown_as_it_is_has_no_twin():
    with scratch_session() as session:
        for _ in range(2):
            assert spelled_otherwise(session, "BIGINT", "UTC", ["eu", "", "7"]) is None
            assert spelled_otherwise(session, "DOUBLE", "UTC", ["0.0", "-0"]) == ("-0", "0.0")
            assert spelled_otherwise(session, "DATE", "UTC", ["-0.0"]) is None
