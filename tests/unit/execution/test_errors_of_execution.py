"""What is said of calls and checks that went wrong."""

from __future__ import annotations

import pickle

import pytest

from gapless.errors import GaplessError
from gapless.execution.errors import (
    CheckNotPassedError,
    CheckResultError,
    NothingYieldedError,
    PairError,
    QueryNotStoredError,
    QuerySourceError,
    TooManyResultsError,
    YieldedAgainError,
)

DAY = "2024-01-05"
MESSAGES = [
    (
        PairError("plays", (DAY, "2024-01-06"), "a tuple of 3"),
        "asset 'plays', partitions '2024-01-05' to '2024-01-06': the function yielded a tuple of 3; expected a pair of"
        " a partition key and its value. Write for example: yield '2024-01-05', frame",
    ),
    (
        YieldedAgainError("plays", DAY),
        "asset 'plays', partition '2024-01-05': the function yielded it again after other partitions, when what it had"
        " yielded before was already taken for the whole. Yield all batches of one partition one after the other",
    ),
    (
        NothingYieldedError("plays", (DAY,)),
        "asset 'plays', partition '2024-01-05': the function yielded nothing for it. Yield a pair for each of"
        " context.partition_keys, with a frame without rows where there is nothing",
    ),
    (
        NothingYieldedError("plays", (DAY,), ("a", "b", "c", "d", "e")),
        "asset 'plays', partition '2024-01-05': the function yielded nothing for it, but yielded 'a', 'b', 'c' and 2"
        " more, which this call does not make. Yield a pair for each of context.partition_keys, with a frame without"
        " rows where there is nothing",
    ),
    (
        NothingYieldedError("totals", (None,)),
        "asset 'totals': the function yielded nothing for it. Yield the frame, or a frame without rows if there are"
        " none",
    ),
    (
        TooManyResultsError("plays", (DAY,), "a int"),
        "asset 'plays', partition '2024-01-05': the function yielded a int where one Output or MaterializeResult, and"
        " AssetCheckResults, were expected. Yield the result once; to yield several partitions, yield pairs: key,"
        " Output(frame)",
    ),
    (
        QuerySourceError("copy", (DAY,), "play", ("plays", "raw/games")),
        "asset 'copy', partition '2024-01-05': the query reads {play}, which is no upstream asset of 'copy' (those are:"
        " 'plays', 'raw/games'). Declare it: @asset(deps=[\"play\"]); for braces that are SQL, double them",
    ),
    (
        QuerySourceError("copy", (DAY,), "plays", manager="Shelf"),
        "asset 'copy', partition '2024-01-05': the query reads {plays}, which is stored by Shelf; a query can read only"
        " tables and files of Gapless's stores. Take plays as a parameter, or store it in a table",
    ),
    (
        QueryNotStoredError("copy", (None,), "Shelf"),
        "asset 'copy': the function returned gapless.sql(…), which Shelf cannot run. Store the asset with"
        " DuckDBPolarsIOManager, or return the rows themselves",
    ),
    (
        CheckResultError("plays", (DAY,), "check 'few' returned None", "Return True or False"),
        "asset 'plays', partition '2024-01-05': check 'few' returned None. Return True or False",
    ),
    (
        CheckNotPassedError("plays", (DAY,), "few", "12 rows", {"rows": 12, "most": 3}, ("odd",)),
        "asset 'plays', partition '2024-01-05': check 'few' did not pass: 12 rows (nor did 'odd')"
        "\n  rows: 12\n  most: 3",
    ),
    (CheckNotPassedError("totals", (None,), "few"), "asset 'totals': check 'few' did not pass"),
]


@pytest.mark.parametrize(("error", "text"), MESSAGES)
def test_messages_say_what_was_wrong_and_what_to_write(error, text):
    assert isinstance(error, GaplessError)
    assert str(error) == text


@pytest.mark.parametrize("error", [error for error, _ in MESSAGES])
def test_errors_survive_pickling(error):
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
