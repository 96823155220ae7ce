"""The checks that come with Gapless, asked directly."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetCheckSeverity,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    StaticPartitionsDefinition,
    asset,
    build_asset_context,
    checks,
)
from gapless.definitions.metadata import MetadataValue
from gapless.errors import DefinitionError

HERE = Path(__file__).name
DAILY = DailyPartitionsDefinition("2024-01-01", timezone="America/New_York")
NOW = datetime(2026, 1, 1, tzinfo=UTC)

few = st.one_of(st.none(), st.integers(0, 3))


def frame(**columns) -> pl.LazyFrame:
    return pl.LazyFrame(columns, strict=False)


def context_of(definition=DAILY, key="2024-01-05", now=NOW, counts=None, metadata=None) -> AssetCheckExecutionContext:
    @asset(partitions_def=definition, metadata=metadata)
    def plays(): ...

    inner = build_asset_context(partition_key=key, asset=plays) if definition else build_asset_context(asset=plays)
    return AssetCheckExecutionContext(inner, now=now, row_counts=None if counts is None else lambda n: counts)


def evidence(result: AssetCheckResult) -> dict:
    kept = {name: MetadataValue.of(value).value for name, value in result.metadata.items()}
    return json.loads(json.dumps(kept))  # what a ledger can keep


def test_a_check_has_a_name_of_its_columns_and_blocks():
    check = checks.not_null("raw/plays", ["id", "day of play"])
    assert (check.name, str(check.asset_key), check.spec.blocking) == ("not_null_id_day_of_play", "raw/plays", True)
    assert check.location.file.endswith(HERE)
    named = checks.unique("plays", "id", name="one_id", blocking=False)
    assert (named.name, named.spec.blocking) == ("one_id", False)
    assert checks.row_count("plays", at_least=1).name == "row_count"
    assert checks.freshness("plays", "at", within="2h").name == "freshness_at"


def test_declaring_a_check_imports_no_polars():
    program = "import sys, gapless; gapless.checks.not_null('plays', 'id'); print('polars' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "False\n"


def test_a_name_of_many_columns_stays_short():
    many = [f"column_{n}" for n in range(30)]
    assert checks.unique("plays", many).name == "unique_column_0_and_29_more"
    assert len(checks.unique("plays", "x" * 500).name) == 60


def test_not_null_counts_rows_and_nulls_and_shows_a_few():
    rows = frame(id=[1, None, None], n=[None, None, 3], name=["a", "b", "c"])
    result = checks.not_null("plays", ["id", "n"])(rows)
    assert not result.passed
    assert result.description == "3 rows with null in 'id', 'n'"
    assert evidence(result) == {
        "columns": ["id", "n"],
        "offending_rows": 3,
        "nulls": {"id": 2, "n": 2},
        "examples": [
            {"id": 1, "n": None, "name": "a"},
            {"id": None, "n": None, "name": "b"},
            {"id": None, "n": 3, "name": "c"},
        ],
    }
    assert checks.not_null("plays", "name")(rows).passed
    assert checks.not_null("plays", "name")(rows.collect()).passed  # a frame in memory will do, too


def test_unique_counts_values_and_rows_and_shows_the_most_frequent():
    rows = frame(id=[1, 2, 2, 3, 3, 3, None, None], n=[1] * 8)
    result = checks.unique("plays", "id")(rows)
    assert not result.passed
    assert result.description == "2 values of 'id' more than once; 5 rows have one of them"
    assert evidence(result) == {
        "columns": ["id"],
        "offending_rows": 5,
        "offending_values": 2,
        "examples": [{"id": 3, "times": 3}, {"id": 2, "times": 2}],
    }
    assert checks.unique("plays", ["id", "n"])(frame(id=[1, 1], n=[1, 2])).passed


@given(st.lists(st.tuples(few, few)))
def test_not_null_and_unique_agree_with_counting(rows):
    table = pl.LazyFrame({"a": [a for a, _ in rows], "b": [b for _, b in rows]}, schema={"a": pl.Int8, "b": pl.Int8})
    nulls = [row for row in rows if None in row]
    found = checks.not_null("plays", ["a", "b"])(table)
    assert (found.passed, found.metadata["offending_rows"]) == (not nulls, len(nulls))
    assert [(each["a"], each["b"]) for each in found.metadata["examples"]] == nulls[:5]

    doubled = {row: n for row, n in Counter(row for row in rows if None not in row).items() if n > 1}
    found = checks.unique("plays", ["a", "b"])(table)
    assert (found.passed, found.metadata["offending_values"]) == (not doubled, len(doubled))
    assert found.metadata["offending_rows"] == sum(doubled.values())
    assert [each["times"] for each in found.metadata["examples"]] == sorted(doubled.values(), reverse=True)[:5]


@pytest.mark.parametrize("name", ["^.*$", "*", "len", "first", "times", "0", "1", 'a "quoted" name', ""])
def test_a_column_may_be_called_anything_but_nothing(name):
    rows = pl.LazyFrame({"1": [1, 1], name: [None, 7], "zz": [2, 2]}) if name != "1" else frame(**{"1": [None, 7]})
    if not name:
        with pytest.raises(DefinitionError, match=r"checks.not_null\(\) got the columns ''"):
            checks.not_null("plays", name)
        return
    assert checks.not_null("plays", name)(rows).metadata["nulls"] == {name: 1}
    assert checks.unique("plays", name)(rows).passed


@pytest.mark.parametrize("check", [checks.not_null("plays", "idd"), checks.unique("plays", ["id", "idd"])])
def test_an_unknown_column_does_not_pass_and_the_nearest_is_offered(check):
    result = check(frame(id=[1]))
    assert not result.passed
    assert result.description == "there is no column 'idd'; did you mean 'id'?"


def test_values_that_no_ledger_keeps_are_shown_as_text():
    rows = pl.LazyFrame(
        {"id": [None, None], "at": [datetime(2024, 1, 5), None], "raw": [b"x" * 500, b"y"], "f": [float("nan"), 1.0]}
    )
    (first, second) = evidence(checks.not_null("plays", "id")(rows))["examples"]
    assert (first["at"], first["f"], second) == (
        "2024-01-05 00:00:00",
        "nan",
        {"id": None, "at": None, "raw": "b'y'", "f": 1.0},
    )
    assert len(first["raw"]) == 201


def test_the_severity_is_that_of_the_declaration():
    warn = checks.not_null("plays", "id", severity=AssetCheckSeverity.WARN)
    assert warn(frame(id=[None])).severity is AssetCheckSeverity.WARN
    assert warn(frame(x=[None])).severity is AssetCheckSeverity.WARN


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (0, "0 rows, expected at least 2"),
        (1, "1 row, expected at least 2"),
        (2, None),
        (3, None),
        (4, "4 rows, expected at most 3"),
    ],
)
def test_a_row_count_has_bounds_of_its_own_inclusive(rows, wrong):
    result = checks.row_count("plays", at_least=2, at_most=3)(frame(id=list(range(rows))))
    assert (result.passed, result.description, result.metadata) == (wrong is None, wrong, {"rows": rows})


@pytest.mark.parametrize("rows", [0, 4, 5, 20, 21])
def test_a_row_count_is_compared_with_the_median_of_its_neighbours(rows):
    check = checks.row_count("plays", min_ratio=0.5, max_ratio=2.0)
    counts = {"2024-01-03": 8, "2024-01-04": 10, "2024-01-06": 100}
    result = check(context_of(counts=counts), frame(id=list(range(rows))))
    assert result.passed == (5 <= rows <= 20)
    assert evidence(result) == {"rows": rows, "neighbours": counts, "median": 10}
    if not result.passed:
        side = "least 5" if rows < 5 else "most 20"
        around = "3 neighbouring partitions have 8 to 100, the median is 10"
        assert result.description == f"{rows} rows, expected at {side} ({around})"


@pytest.mark.parametrize(
    ("counts", "note"),
    [
        ({}, "3 rows; not compared, as only 0 neighbouring partitions are made"),
        ({"a": 1000, "b": 1000}, "3 rows; not compared, as only 2 neighbouring partitions are made"),
        ({"a": 0, "b": 0, "c": 1}, "3 rows; not compared, as the neighbouring partitions have none"),
    ],
)
def test_without_neighbours_to_compare_with_it_passes_and_says_so(counts, note):
    result = checks.row_count("plays", min_ratio=0.5)(context_of(counts=counts), frame(id=[1, 2, 3]))
    assert (result.passed, result.description) == (True, note)


def test_its_own_bounds_hold_without_neighbours():
    result = checks.row_count("plays", at_least=5, min_ratio=0.5)(context_of(counts={}), frame(id=[1]))
    assert (result.passed, result.description) == (False, "1 row, expected at least 5")


def fresh(values, within="2h", **context) -> AssetCheckResult:
    return checks.freshness("plays", "at", within=within)(context_of(**context), pl.LazyFrame({"at": values}))


@pytest.mark.parametrize(
    ("newest", "passed"),
    [
        (datetime(2024, 1, 5, 22, 0), True),
        (datetime(2024, 1, 5, 21, 59, 59), False),
        (datetime(2024, 1, 6, 3, 0, tzinfo=UTC), True),
        (datetime(2024, 1, 6, 2, 59, tzinfo=UTC), False),
        (date(2024, 1, 5), True),
        (date(2024, 1, 4), False),
        (date(9999, 12, 31), True),
    ],
)
def test_the_newest_value_is_compared_with_the_end_of_the_window_in_its_own_kind(newest, passed):
    older = newest - timedelta(days=3)
    assert fresh([older, newest, None]).passed == passed


@pytest.mark.parametrize(
    ("newest", "passed"),
    [
        ("2024-01-05", True),
        ("2024-01-04", False),
        ("2024-01-05T22:00", True),
        ("2024-01-05 21:59:59.999999", False),
        ("2024-01-06T03:00:00Z", True),
        ("2024-01-06 02:59z", False),
        ("2024-01-05T22:00:00.5-05:00", True),
        ("2024-01-06 03:59:59+0100", False),
        ("2024-01-06 04:00+01", True),
    ],
)
@pytest.mark.parametrize("kind", [pl.String, pl.Categorical])
def test_iso_text_is_the_time_that_it_says(newest, passed, kind):
    values = pl.Series(["2024-01-01", "2024-01-02T10:00", newest, "2024-01-03 10:00:00.25+02:00", None], dtype=kind)
    assert fresh(values).passed == passed
    assert fresh(pl.Series([newest], dtype=kind)).passed == passed


moments = st.datetimes(datetime(1999, 1, 1), datetime(2024, 1, 6)) | st.dates(date(1999, 1, 1), date(2024, 1, 5))


@given(values=st.lists(moments, min_size=1))
def test_the_newest_of_iso_texts_is_the_newest_of_what_they_say(values):
    told = evidence(fresh([value.isoformat() for value in values]))["newest"]
    newest = datetime.fromisoformat(told) if "T" in told else date.fromisoformat(told)
    assert fresh_at(newest) == max(map(fresh_at, values))


def fresh_at(value):
    zone = ZoneInfo("America/New_York")
    if isinstance(value, datetime):
        return value.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return datetime.combine(value + timedelta(days=1), datetime.min.time(), zone).astimezone(UTC)


def test_naive_timestamps_are_utc_where_the_asset_says_so():
    utc = {"naive_timestamps": "UTC"}
    at = datetime(2024, 1, 6, 3, 30)  # 22:30 in New York
    assert fresh([at], metadata=utc).passed
    assert not fresh([at - timedelta(hours=1)], metadata=utc).passed
    assert fresh([at - timedelta(hours=5)]).passed  # civil time otherwise


def test_the_hour_that_comes_twice_raises_no_false_alarm():
    hourly = HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York")
    newest = datetime(2024, 11, 3, 1, 50)  # either 05:50 or 06:50 UTC; the window ends at 07:00
    key = next(key for key in hourly.get_partition_keys(current_time=NOW) if key.endswith("01:00-0500"))
    assert fresh([newest], within="30min", definition=hourly, key=key).passed


def test_a_window_that_is_not_over_and_an_unpartitioned_asset_are_compared_with_now():
    now = datetime(2024, 1, 5, 12, 0, tzinfo=ZoneInfo("America/New_York"))
    ahead = DailyPartitionsDefinition("2024-01-01", timezone="America/New_York", end_offset=10_000)
    assert fresh([datetime(2024, 1, 5, 11, 0)], definition=ahead, now=now).passed
    assert fresh([now - timedelta(hours=1)], definition=None, now=now).passed
    stale = fresh([now - timedelta(hours=3)], definition=StaticPartitionsDefinition(["a"]), key="a", now=now)
    assert stale.description == (
        "the newest 'at' is 2024-01-05 09:00:00-05:00, 3:00:00 before now; at most 2:00:00 are allowed"
    )
    assert evidence(stale)["compared_with"] == "2024-01-05T12:00:00-05:00"


def test_what_cannot_be_judged_does_not_pass_and_says_why():
    assert fresh([1]).description == "column 'at' is Int64; expected dates, timestamps, or ISO text of them"
    assert fresh(["2024-01-05", "05/01/2024", None, "", "2024-02-30"]).description == (
        "3 rows with no ISO date or timestamp in 'at', such as '05/01/2024'; expected for example 2024-01-05 or"
        " 2024-01-05T10:30"
    )
    unreadable = evidence(fresh(["soon", "2024-01-05 10:30Europe", "2024-01-05 25:00"]))
    assert (unreadable["offending_rows"], unreadable["examples"][0]) == (3, {"at": "soon"})
    empty = pl.Series([None], dtype=pl.Datetime)
    assert (fresh(empty).passed, fresh(empty).description) == (False, "there is no value in 'at'")
    unknown = checks.freshness("plays", "att", within="2h")(context_of(), frame(at=[1]))
    assert unknown.description == "there is no column 'att'; did you mean 'at'?"


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: checks.not_null("plays", []), "checks.not_null() got the columns []. Name one"),
        (lambda: checks.not_null("plays", ["a", "a"]), "got the columns ['a', 'a']"),
        (lambda: checks.unique("plays", [1]), "checks.unique() got the columns [1]"),
        (lambda: checks.unique("plays", 3), "checks.unique() got the columns 3"),
        (lambda: checks.unique(3, "id"), "3 does not name an asset"),
        (lambda: checks.unique("plays", "id", name="a b"), "'a b' is not a name for a check"),
        (lambda: checks.not_null("plays", "id", blocking="no"), "blocking='no'; expected True or False"),
        (lambda: checks.row_count("plays"), "checks.row_count() got no bound. Give at_least, at_most, min_ratio"),
        (lambda: checks.row_count("plays", at_least=-1), "checks.row_count() got at_least=-1. Give a number, 0"),
        (lambda: checks.row_count("plays", max_ratio=float("nan")), "checks.row_count() got max_ratio=nan"),
        (lambda: checks.row_count("plays", at_least=3, at_most=2), "got at_least=3 above at_most=2. Nothing could"),
        (lambda: checks.row_count("plays", min_ratio=0.5, neighbours=0), "got neighbours=0. Look at one partition"),
        (lambda: checks.freshness("plays", "at", within="soon"), "checks.freshness() has within='soon', which is no"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(declare, message):
    with pytest.raises(DefinitionError) as caught:
        declare()
    assert message in str(caught.value)
    assert HERE in caught.value.location
