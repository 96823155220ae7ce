import polars as pl
import pytest

from gapless.storage.duckdb.commits.schema_merge import fitting_cast, holds, merge

INTEGERS = {
    "TINYINT": pl.Int8,
    "SMALLINT": pl.Int16,
    "INTEGER": pl.Int32,
    "BIGINT": pl.Int64,
    "UTINYINT": pl.UInt8,
    "USMALLINT": pl.UInt16,
    "UINTEGER": pl.UInt32,
    "UBIGINT": pl.UInt64,
}


@pytest.mark.parametrize("wide", INTEGERS)
@pytest.mark.parametrize("narrow", INTEGERS)
def test_an_integer_type_holds_another_if_it_holds_its_extremes(wide, narrow):
    bounds = [pl.Series([0], dtype=INTEGERS[t]) for t in (wide, narrow)]
    (low, high), (inner_low, inner_high) = [
        (s.dtype.min(), s.dtype.max())
        for s in bounds  # polars expressions of the bounds
    ]
    low, high, inner_low, inner_high = (pl.select(e).item() for e in (low, high, inner_low, inner_high))
    assert holds(wide, narrow) == (low <= inner_low and inner_high <= high)


@pytest.mark.parametrize(
    ("wide", "narrow", "expected"),
    [
        ("DOUBLE", "FLOAT", True),
        ("FLOAT", "DOUBLE", False),
        ("DOUBLE", "INTEGER", True),
        ("DOUBLE", "HUGEINT", False),
        ("FLOAT", "SMALLINT", True),
        ("FLOAT", "INTEGER", False),
        ("TIMESTAMP", "TIMESTAMP_MS", True),
        ("TIMESTAMP_MS", "TIMESTAMP", False),
        ("TIMESTAMP", "DATE", False),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", False),
        ("TIMESTAMPTZ_NS", "TIMESTAMP WITH TIME ZONE", True),
        ("VARCHAR", "BIGINT", False),
        ("BIGINT", "BOOLEAN", False),
        ("DECIMAL(12,3)", "DECIMAL(10,2)", True),
        ("DECIMAL(10,3)", "DECIMAL(10,2)", False),
        ("BIGINT[]", "BIGINT[]", True),
        ("BIGINT[]", "INTEGER[]", True),
        ("BIGINT[][3]", "INTEGER[][3]", True),
        ("BIGINT[3]", "INTEGER[2]", False),
        ("BIGINT[]", "INTEGER[2]", False),
        ("BIGINT[]", "BIGINT", False),
        ("DOUBLE[]", "INTEGER[]", True),
        ("DOUBLE[]", "BIGINT[]", False),
        ("STRUCT(a BIGINT, b VARCHAR)", "STRUCT(a INTEGER, b VARCHAR)", True),
        ("STRUCT(a BIGINT, b VARCHAR)", "STRUCT(b VARCHAR, a INTEGER)", False),
        ("STRUCT(a BIGINT, b VARCHAR)", "STRUCT(a INTEGER)", False),
        ("STRUCT(a BIGINT)", "STRUCT(a VARCHAR)", False),
        (
            """STRUCT("a, (b" DECIMAL(20,3), e ENUM('),', 'x'))[]""",
            """STRUCT("a, (b" INTEGER, e ENUM('),', 'x'))[]""",
            True,
        ),
        ("DECIMAL(18,2)", "INTEGER", True),
        ("DECIMAL(18,2)", "BIGINT", False),
        ("DECIMAL(21,2)", "BIGINT", True),
        ("DECIMAL(38,0)", "HUGEINT", False),
        ("INTEGER", "DECIMAL(3,0)", False),
    ],
)
def test_types_hold_only_what_they_can_give_back(wide, narrow, expected):
    assert holds(wide, narrow) is expected


def test_names_match_in_any_case_and_order():
    merged = merge({"Id": "BIGINT", "at": "DATE"}, {"AT": "DATE", "ID": "BIGINT"})
    assert (merged.columns, merged.conflicts) == ({"Id": "BIGINT", "at": "DATE"}, {})


def test_columns_are_added_at_the_end_and_widened_in_place():
    merged = merge({"a": "INTEGER", "b": "VARCHAR"}, {"a": "BIGINT", "c": "DATE", "b": "VARCHAR"})
    assert merged.columns == {"a": "BIGINT", "b": "VARCHAR", "c": "DATE"}
    assert (merged.widened, merged.added) == ({"a": "BIGINT"}, {"c": "DATE"})


def test_narrower_values_are_cast_to_the_table():
    merged = merge({"a": "BIGINT"}, {"a": "TINYINT"})
    assert (merged.columns, merged.casts) == ({"a": "BIGINT"}, {"a": "BIGINT"})


def test_mixed_signs_meet_in_a_wider_signed_type():
    assert merge({"a": "UINTEGER"}, {"a": "INTEGER"}).columns == {"a": "BIGINT"}
    assert merge({"a": "UBIGINT"}, {"a": "BIGINT"}).conflicts.keys() == {"a"}


def test_decimals_meet_in_one_that_holds_both():
    assert merge({"a": "DECIMAL(10,2)"}, {"a": "DECIMAL(10,4)"}).columns == {"a": "DECIMAL(12,4)"}
    assert merge({"a": "DECIMAL(38,0)"}, {"a": "DECIMAL(38,4)"}).conflicts.keys() == {"a"}


def test_decimals_and_integers_meet_in_a_decimal():
    assert merge({"a": "INTEGER"}, {"a": "DECIMAL(18,2)"}).widened == {"a": "DECIMAL(18,2)"}
    assert merge({"a": "DECIMAL(18,2)"}, {"a": "SMALLINT"}).casts == {"a": "DECIMAL(18,2)"}
    assert merge({"a": "DECIMAL(18,2)"}, {"a": "BIGINT"}).columns == {"a": "DECIMAL(21,2)"}
    assert merge({"a": "DECIMAL(38,2)"}, {"a": "BIGINT"}).conflicts == {}
    assert merge({"a": "DECIMAL(38,20)"}, {"a": "BIGINT"}).conflicts.keys() == {"a"}


def test_lists_and_structs_meet_value_by_value():
    assert merge({"a": "INTEGER[]"}, {"a": "BIGINT[]"}).widened == {"a": "BIGINT[]"}
    mixed = merge({"a": "STRUCT(x INTEGER, y UINTEGER[])"}, {"a": "STRUCT(x BIGINT, y INTEGER[])"})
    assert mixed.columns == {"a": "STRUCT(x BIGINT, y BIGINT[])"}
    assert mixed.casts == mixed.columns
    assert merge({"a": "BIGINT[]"}, {"a": "DOUBLE[]"}).conflicts.keys() == {"a"}
    assert merge({"a": "STRUCT(x BIGINT)"}, {"a": "STRUCT(y BIGINT)"}).conflicts.keys() == {"a"}


def test_integers_of_64_bits_become_floats_only_if_each_value_is_exact():
    assert merge({"a": "DOUBLE"}, {"a": "BIGINT"}).limited == {"a": "DOUBLE"}
    assert merge({"a": "BIGINT"}, {"A": "DOUBLE"}).limited_so_far == {"a": "DOUBLE"}
    assert merge({"a": "DOUBLE"}, {"a": "INTEGER"}).limited == {}


def test_times_become_nanoseconds_only_if_each_is_in_reach():
    assert merge({"a": "TIMESTAMP_NS"}, {"a": "TIMESTAMP"}).limited == {"a": "TIMESTAMP_NS"}
    assert merge({"a": "TIMESTAMP"}, {"a": "TIMESTAMP_NS"}).limited_so_far == {"a": "TIMESTAMP_NS"}
    assert merge({"a": "TIMESTAMP"}, {"a": "TIMESTAMP_MS"}).limited == {}


@pytest.mark.parametrize(
    ("stored", "made", "cast"),
    [
        ("BIGINT", "UBIGINT", ".cast(pl.Int64)"),
        ("UTINYINT", "VARCHAR", ".cast(pl.UInt8)"),
        ("INTEGER", "FLOAT", ".cast(pl.Float64)"),
        ("FLOAT", "INTEGER", ".cast(pl.Float64)"),
        ("DECIMAL(38,1)", "DECIMAL(38,5)", ".cast(pl.Decimal(38, 1))"),
        ("DOUBLE", "DECIMAL(4,1)", ".cast(pl.Float64)"),
        ("TIMESTAMP", "TIMESTAMP_NS", '.cast(pl.Datetime("us"))'),
        ("TIMESTAMP", "DATE", '.cast(pl.Datetime("us"))'),
        ("DATE", "TIMESTAMP", ".cast(pl.Date)"),
        ("DATE", "VARCHAR", ".str.to_date()"),
        ("TIMESTAMP", "VARCHAR", ".str.to_datetime()"),
        ("VARCHAR", "BIGINT", ".cast(pl.String)"),
        ("TIMESTAMP_NS", "TIMESTAMP", None),
        ("TIMESTAMP", "TIMESTAMP WITH TIME ZONE", None),
        ("BIGINT", "DATE", None),
        ("BIGINT[]", "BIGINT", None),
        ("DATE", "BOOLEAN", None),
    ],
)
def test_a_cast_is_offered_where_it_makes_the_column_fit(stored, made, cast):
    assert fitting_cast(stored, made) == cast


def test_a_column_without_values_fits_every_type():
    assert merge({"a": "DATE"}, {"a": None, "b": None}).columns == {"a": "DATE", "b": "VARCHAR"}


def test_another_type_is_a_conflict_that_says_so_and_a_missing_column_is_told_apart():
    merged = merge({"a": "BIGINT", "b": "DATE"}, {"a": "VARCHAR"})
    assert merged.missing == ("b",)
    assert merged.conflicts == {
        "a": "column 'a' is BIGINT in the table and VARCHAR in the frame",
    }
