"""gapless.sql as the value of an asset: run inside the database, in the commit."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from storage_desk import Desk

from gapless import DailyPartitionsDefinition, DuckDBIOManager, StaticPartitionsDefinition, sql
from gapless.errors import InvocationError
from gapless.storage.duckdb.errors import SqlSourceError, SqlValueError
from gapless.storage.duckdb.membership.condition import Condition
from gapless.storage.duckdb.staged_query import _by_name
from gapless.storage.duckdb.staging import gathering
from gapless.storage.duckdb.staging.frames import StagedFrame
from gapless.storage.duckdb.staging.spilled import StagedFiles
from gapless.storage.errors import (
    ColumnNamesError,
    ColumnTypeError,
    DatabaseFailure,
    MissingPartitionColumnError,
    NeverMaterializedError,
    RowsOutsidePartitionError,
)
from gapless.storage.slices import Committed, InputSlices, Refused
from gapless.storage.sql_query import SqlQuery, SqlSource

DAYS = DailyPartitionsDefinition("2024-01-01")
ONE, TWO, THREE = "2024-01-01", "2024-01-02", "2024-01-03"


@pytest.fixture
def plays(desk):
    plays = desk(DAYS, "day")
    for mark, key in enumerate((ONE, TWO, THREE), 1):
        plays.write(key, pl.DataFrame({"n": range(3), "mark": [mark] * 3, "day": [key] * 3}))
    return plays


@pytest.fixture
def totals(desk):
    return desk(DAYS, "day", "totals")


def source(desk: Desk, *keys: str, **changes: Any) -> SqlSource:
    slices = InputSlices(desk.asset, tuple(map(desk.part, keys)), desk.expr, **{**desk.civil, **changes})
    return SqlSource(desk.store, slices)


def query(text: str, /, *sources: SqlSource, **parameters: Any) -> SqlQuery:
    names = {str(each.slices.asset): each for each in sources}
    return sql(text, **parameters).reading(names)


def test_a_query_reads_the_slices_that_its_partition_reads_and_nothing_else(plays, totals):
    text = "SELECT $day AS day, sum(n * mark) AS total, count(*) AS n FROM {plays} -- of some days;"
    assert totals.write(ONE, query(text, source(plays, ONE), day=ONE)).rows == {ONE: 1}
    totals.write(TWO, query(text, source(plays, ONE, TWO), day=TWO))
    totals.write(THREE, query(text, source(plays), day=THREE))
    assert totals.read(ONE, TWO, THREE).rows() == [(ONE, 3, 3), (TWO, 9, 6), (THREE, None, 0)]


def test_the_names_of_a_query_may_be_anything_and_braces_of_sql_stay(plays, totals):
    other = source(plays, TWO)
    text = "FROM {plays} AS a JOIN {raw/plays} AS b USING (n) SELECT a.day, n, {{'b': b.mark}} AS record, '{{}}' AS t"
    totals.write(ONE, sql(text).reading({"plays": source(plays, ONE), "raw/plays": other}))
    assert totals.read(ONE).rows() == [(ONE, n, {"b": 2}, "{}") for n in range(3)]


def test_text_quoted_names_and_comments_keep_their_braces(plays, totals):
    text = """SELECT day, '{plays}' AS a, E'\\'{nobody}' AS b, $q${plays}$q$ AS "{plays}", date'2024-01-01' AS d,
        'it''s' AS c FROM {plays} -- of {nobody}, it's
        /* nor {nobody} */ LIMIT 1"""
    made = query(text, source(plays, ONE))
    assert made.names == ("plays",)
    totals.write(ONE, made)
    assert totals.read(ONE).drop("d").row(0, named=True) == {
        "day": ONE, "a": "{plays}", "b": "'{nobody}", "{plays}": "{plays}", "c": "it's"
    }  # fmt: skip


def test_an_integer_of_more_than_38_digits_stays_in_the_database(plays, totals):
    totals.write(ONE, query(f"SELECT day, {2**128 - 1}::UHUGEINT AS v FROM {{plays}} LIMIT 1", source(plays, ONE)))
    for expected in (pl.DataFrame, pl.LazyFrame, pa.Table, pa.RecordBatchReader):
        with pytest.raises(DatabaseFailure, match="column 'v', UHUGEINT, has an integer of more than 38 digits: CAST"):
            totals.read(ONE, expected=expected)
    totals.write(ONE, query("SELECT day, 21::UHUGEINT AS v FROM {plays} LIMIT 1", source(plays, ONE)))
    assert totals.read(ONE)["v"].to_list() == [21]


@pytest.mark.parametrize("key", ["it's", 'a "b"', "$day", "?", "'; drop table plays; --", "{plays}"])
def test_keys_and_parameters_are_only_data(desk, key):
    parts = StaticPartitionsDefinition([key, "other"])
    here, there = desk(parts, "kind", "here"), desk(parts, "kind", "there")
    for each in (key, "other"):
        here.write(each, pl.DataFrame({"kind": [each], "n": [1]}))
    text = "SELECT kind, $value AS value, '?' AS mark, $$?$$ AS other FROM {here} WHERE kind <> '?' OR n = 1"
    there.write(key, query(text, source(here, key), value=key))
    assert there.read(key).rows() == [(key, key, "?", "?")]
    assert here.read(key, "other").height == 2


def test_question_marks_in_text_names_and_comments_are_no_parameters():
    text = """SELECT '?', e'\\'?', "a?", $$?$$, $x$ ? $x$ -- ?
        /* ? */ WHERE k IN (?, ?)"""
    found = _by_name(Condition(text, ("a", "b")), "p")
    assert found == (text.replace("(?, ?)", "($p0, $p1)"), {"p0": "a", "p1": "b"})
    assert _by_name(Condition("k = ?", ()), "p") is None


def test_rows_stay_in_their_order_and_slices_are_pruned_by_plain_conditions(plays, totals):
    totals.write(ONE, query("SELECT * FROM {plays} ORDER BY n DESC", source(plays, ONE)))
    assert totals.read(ONE)["n"].to_list() == [2, 1, 0]


def test_the_rows_of_another_file_are_loaded_and_joined(plays, totals, tmp_path):
    other = Desk(DuckDBIOManager(tmp_path / "other.duckdb"), DAYS, "day", "names")
    other.write(ONE, pl.DataFrame({"n": [0, 1], "name": ["zero", "one"], "day": [ONE] * 2}))
    text = "SELECT p.day, name FROM {plays} AS p JOIN {names} USING (n) ORDER BY n"
    totals.write(ONE, query(text, source(plays, ONE), source(other, ONE)))
    assert totals.read(ONE)["name"].to_list() == ["zero", "one"]
    missing = query(text, source(plays, ONE), source(replace_asset(other, "never"), ONE))
    with pytest.raises(NeverMaterializedError, match="'never' has never been materialized"):
        totals.store.stage(totals.output(ONE), missing)
    other.store.close()


def replace_asset(desk: Desk, asset: str) -> Desk:
    return Desk(desk.store, desk.definition, desk.expr, asset)


class GivesLazyFrames:
    """Another store, as far as a query needs it."""

    def __init__(self, rows: pl.DataFrame) -> None:
        self._rows = rows

    def load(self, _slices: InputSlices, expected: Any) -> pl.LazyFrame:
        assert expected is pl.LazyFrame
        return self._rows.lazy()


@pytest.mark.parametrize("budget", [2**26, 0], ids=["in memory", "in files"])
def test_the_rows_of_any_other_store_are_loaded_lazily(plays, totals, monkeypatch, budget, tmp_path):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", budget)
    there = SqlSource(GivesLazyFrames(pl.DataFrame({"n": [0, 2]})), source(plays, ONE).slices)
    totals.write(
        ONE,
        sql("SELECT day, n FROM {plays} SEMI JOIN {few} USING (n)").reading(
            {"plays": source(plays, ONE), "few": there}
        ),
    )
    assert totals.read(ONE)["n"].to_list() == [0, 2]
    assert not list(tmp_path.glob(".gapless-staging/*/*/*"))


# --- seen before the commit


@pytest.mark.parametrize(("budget", "kind"), [(2**26, StagedFrame), (0, StagedFiles)])
def test_what_was_looked_at_is_what_is_stored(plays, totals, monkeypatch, budget, kind):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", budget)
    text = "SELECT day, n, random() AS r, uuid() AS u FROM {plays}"
    staged = totals.store.stage(totals.output(ONE), query(text, source(plays, ONE)))
    seen = staged.rows().collect()
    assert seen.equals(staged.rows().collect())
    assert type(staged._seen[0].value) is kind
    plays.write(ONE, pl.DataFrame({"n": [7], "mark": [7], "day": [ONE]}))
    (outcome,) = totals.store.commit([staged])
    assert outcome.rows == {ONE: 3}
    assert totals.read(ONE).equals(seen)


EVERY_TYPE = """
    SELECT '2024-01-01' AS day, sum(n) AS huge, 1::UHUGEINT AS uhuge, uuid_of AS id, '{{"a": 1}}'::JSON AS js,
        NULL AS nil,     'x'::ENUM('x', 'y') AS choice, TIMESTAMP_S '2024-01-01 00:00:00' AS s,
        TIMESTAMP_MS '2024-01-01 00:00:00' AS ms,
        TIMESTAMPTZ '2024-01-01 00:00:00+00' AS tz, TIME '01:00' AS t, [1, NULL] AS l, array_value(1, 2) AS pair,
        {{'a': 1, 'b': ['x']}} AS record, 1.5::DECIMAL(20, 3) AS amount, 'a'::BLOB AS raw, 0.5::FLOAT AS f
    FROM {plays}, (SELECT '5d5c3e0e-0000-4000-8000-000000000001'::UUID AS uuid_of) GROUP BY ALL
"""


@pytest.mark.parametrize("budget", [2**26, 0], ids=["in memory", "in files"])
def test_types_do_not_depend_on_whether_somebody_looked(plays, desk, monkeypatch, budget):
    monkeypatch.setattr(gathering, "MEMORY_BUDGET", budget)
    unseen, seen = desk(DAYS, "day", "unseen"), desk(DAYS, "day", "seen")
    expected = unseen.write(ONE, query(EVERY_TYPE, source(plays, ONE)))
    staged = seen.store.stage(seen.output(ONE), query(EVERY_TYPE, source(plays, ONE)))
    assert staged.rows().collect().columns == list(expected.columns)
    (outcome,) = seen.store.commit([staged])
    assert (outcome.columns, outcome.versions) == (expected.columns, expected.versions)
    assert expected.columns["huge"] == "HUGEINT"
    assert expected.columns["nil"] == "VARCHAR"  # until values come
    assert seen.read(ONE).equals(unseen.read(ONE))


def test_a_version_does_not_depend_on_how_the_rows_came(plays, totals):
    rows = pl.DataFrame({"n": range(3), "mark": [1] * 3, "day": [ONE] * 3})
    by_sql = totals.write(ONE, query("SELECT * FROM {plays}", source(plays, ONE)))
    assert totals.write(ONE, rows).versions == by_sql.versions


# --- what does not work


def refusal(totals: Desk, text: str, *sources: SqlSource, **parameters: Any) -> Exception:
    try:
        staged = totals.store.stage(totals.output(ONE), query(text, *sources, **parameters))
    except Exception as error:
        return error
    (outcome,) = totals.store.commit([staged])
    assert isinstance(outcome, Refused), outcome
    if isinstance(outcome.error, RowsOutsidePartitionError):
        return outcome.error  # which a look does not see
    with pytest.raises(type(outcome.error)) as caught:  # a look before says the same
        totals.store.stage(totals.output(ONE), query(text, *sources, **parameters)).rows().collect()
    assert str(caught.value) == str(outcome.error)
    return outcome.error


def test_duckdbs_reason_is_told_with_asset_and_partition(plays, totals):
    error = refusal(totals, "SELECT day,\n  nope FROM {plays}", source(plays, ONE))
    assert isinstance(error, SqlValueError)
    assert str(error) == (
        "asset 'totals', partition '2024-01-01': DuckDB refuses the SQL that the function returned: Referenced column"
        ' "nope" not found in FROM clause! Candidate bindings: "n". Nothing was replaced. The SQL: SELECT day,'
        " nope FROM {plays}"
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("SELECT 1; SELECT 2", "expected one statement, not 2"),
        ("DROP TABLE plays", "DROP is no reading"),
        ("INSERT INTO {plays} VALUES (1)", r"INSERT is no reading|syntax error"),
        ("COPY {plays} TO 'x.csv'", "COPY is no reading|syntax error"),
        ("SELEC", "syntax error at or near"),
        ("SELECT day FROM {plays} WHERE n = $missing", "parameters: missing"),
        ("SELECT day, error('boom') AS e FROM {plays}", "boom"),
        ("SELECT $gapless_x AS x FROM {plays}", r"the parameter \$gapless_x has a name that Gapless keeps for itself"),
        ("EXPLAIN SELECT 1", "syntax error|Parser"),
    ],
)
def test_what_is_no_reading_select_is_refused(plays, totals, text, reason):
    parameters = {"gapless_x": 1} if "gapless_x" in text else {}
    error = refusal(totals, text, source(plays, ONE), **parameters)
    assert isinstance(error, SqlValueError)
    assert error.reason
    with pytest.raises(SqlValueError, match=reason):
        raise error
    assert plays.read(ONE).height == 3


def test_a_name_that_is_not_upstream_is_told_with_those_that_are(plays, totals):
    error = refusal(totals, "SELECT * FROM {play}", source(plays, ONE))
    assert isinstance(error, SqlSourceError)
    assert str(error) == (
        "asset 'totals', partition '2024-01-01': its SQL names {play}, but upstream of it there is 'plays'. Declare it:"
        " @asset(deps=['play']); braces that are no name are written twice: {{ }}."
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    assert "upstream of it there is nothing" in str(refusal(totals, "SELECT * FROM {play}"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("SELECT n FROM {plays}", MissingPartitionColumnError, "has no column 'day'"),
        ("SELECT day, day FROM {plays}", ColumnNamesError, "two columns are called 'day'"),
        ('SELECT day, n, 1 AS "DAY" FROM {plays}', ColumnNamesError, r"two columns are called|differ only in case"),
        ("SELECT day, INTERVAL 1 DAY AS i FROM {plays}", ColumnTypeError, r"'i' has the type INTERVAL.*epoch"),
        ("SELECT day, [NULL] AS l FROM {plays}", ColumnTypeError, r"'l' has the type .*Give the nested values a type"),
        ("SELECT day, {{'i': INTERVAL 1 DAY}} AS s FROM {plays}", ColumnTypeError, "'s' has the type STRUCT"),
    ],
)
def test_columns_that_cannot_be_kept_are_refused(plays, totals, text, error, message):
    with pytest.raises(error, match=message):
        raise refusal(totals, text, source(plays, ONE))


def test_a_field_may_be_called_like_a_type(plays, totals):
    text = """SELECT day, {{'BIT': 1}} AS s, 'INTERVAL'::ENUM('INTERVAL', 'UNION') AS e FROM {plays}"""
    totals.write(ONE, query(text, source(plays, ONE)))
    assert totals.read(ONE)["s"].to_list() == [{"BIT": 1}] * 3


def test_rows_of_other_partitions_are_refused_and_the_old_ones_stay(plays, totals):
    totals.write(ONE, query("SELECT * FROM {plays}", source(plays, ONE)))
    error = refusal(totals, "SELECT * FROM {plays}", source(plays, ONE, TWO))
    assert "3 of 6 rows" in str(error)
    assert totals.read(ONE).height == 3


def test_an_upstream_without_a_table_is_never_materialized(plays, totals):
    never = replace_asset(plays, "never")
    for keys in ((ONE,), ()):
        error = refusal(totals, "SELECT * FROM {never}", source(never, *keys))
        assert isinstance(error, NeverMaterializedError)


def test_one_bad_query_in_a_group_fails_alone(plays, totals):
    texts = ["SELECT * FROM {plays}", "SELECT nope FROM {plays}", "SELECT * FROM {plays} WHERE n > 0"]
    keys = (ONE, TWO, THREE)
    values = [(key, query(text, source(plays, key))) for key, text in zip(keys, texts, strict=True)]
    outcomes = totals.commit(*values)
    assert [type(outcome) for outcome in outcomes] == [Committed, Refused, Committed]
    assert [totals.read(key).height for key in keys] == [3, 0, 2]


def test_a_query_shares_its_commit_with_frames(plays, totals):
    frame = pl.DataFrame({"n": [9], "mark": [9], "day": [TWO]})
    outcomes = totals.commit((ONE, query("SELECT * FROM {plays}", source(plays, ONE))), (TWO, frame))
    assert [outcome.rows for outcome in outcomes] == [{ONE: 3}, {TWO: 1}]
    records = totals.store.commit_records(["run"])
    assert len({record.number for record in records if str(record.asset) == "totals"}) == 1


# --- civil time


def test_an_expression_means_what_it_means_in_the_time_zone_of_its_own_asset(desk):
    new_york, berlin = (
        DailyPartitionsDefinition("2024-01-01", timezone=zone) for zone in ("America/New_York", "Europe/Berlin")
    )
    events = desk(new_york, "CAST(moment AS DATE)", "events")
    moments = pl.datetime_range(
        pl.datetime(2024, 1, 2, 5), pl.datetime(2024, 1, 3, 4), "1h", time_zone="UTC", eager=True
    )
    events.write(TWO, pl.DataFrame({"moment": moments}))
    totals = desk(berlin, "day", "totals")
    text = "SELECT $day AS day, count(*) AS n, strftime(min(moment), '%H:%M') AS first FROM {events}"
    totals.write(TWO, query(text, source(events, TWO), day=TWO))
    assert totals.read(TWO).rows() == [(TWO, 24, "06:00")]
    totals.write(THREE, query(text, source(replace_expr(events, "moment"), TWO), day=THREE))
    assert totals.read(THREE)["n"].to_list() == [24]


def replace_expr(desk: Desk, expr: str) -> Desk:
    return Desk(desk.store, desk.definition, expr, str(desk.asset))


# --- the value itself


@pytest.mark.parametrize("text", ["", "  ", None, 1])
def test_sql_wants_a_text(text):
    with pytest.raises(InvocationError, match=r"Give it one SELECT, for example sql\('select \* from \{plays\}'\)"):
        sql(text)


def test_a_query_names_each_upstream_once():
    value = sql("SELECT * FROM {a} JOIN {b/c} USING (x) JOIN {a} USING (y) WHERE {'k': 1}.k = 1 AND {{d}} IS NULL")
    assert value.names == ("a", "b/c")
    assert replace(value, parameters={"x": 1}).parameters == {"x": 1}
