"""What is said of checks that did not pass."""

import pytest

DEFINITIONS = """
import polars as pl

import gapless as dg

days = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")


@dg.asset(partitions_def=days, metadata={"partition_expr": "date"})
def plays(context):
    key = context.partition_key
    return pl.DataFrame({"date": [key] * int(key[-1])})


@dg.asset_check(asset=plays)
def row_count(plays):
    return dg.AssetCheckResult(passed=plays.height != 2, description=f"{plays.height} rows")


@dg.asset_check(asset=plays, blocking=True)
def few(plays):
    passed = plays.height != 4
    return dg.AssetCheckResult(passed=passed, description="too many rows", metadata={"rows": plays.height})


defs = dg.Definitions(
    assets=[plays], asset_checks=[row_count, few], resources={"io_manager": dg.DuckDBPolarsIOManager("db.duckdb")}
)
"""


@pytest.fixture
def checked(project):
    (project / "definitions.py").write_text(DEFINITIONS)


def test_a_warning_is_told_at_once_and_in_the_summary_and_a_blocking_check_among_the_failures(cli, checked):
    ended = cli("materialize", "plays")
    assert ended.code == 1
    warning = "! plays 2024-01-02: check 'row_count' did not pass: 2 rows\n"
    assert ended.out.count(warning) == 2
    assert f"warnings: 1\n  {warning}" in ended.out
    assert "failed: 1\n  plays 2024-01-04:\n" in ended.out
    assert "check 'few' did not pass: too many rows\n      rows: 4\n" in ended.out
    assert "3 materialized, 1 failed; 6 rows" in ended.out


def test_programs_get_what_did_not_pass_with_its_evidence(cli, checked):
    found = cli("materialize", "plays", "--json").json["checks_not_passed"]
    assert sorted(found, key=str) == sorted(
        [
            {
                "asset": "plays",
                "partition": "2024-01-02",
                "check": "row_count",
                "passed": False,
                "severity": "ERROR",
                "blocking": False,
                "description": "2 rows",
            },
            {
                "asset": "plays",
                "partition": "2024-01-04",
                "check": "few",
                "passed": False,
                "severity": "ERROR",
                "blocking": True,
                "description": "too many rows",
                "metadata": {"rows": 4},
            },
        ],
        key=str,
    )


def test_the_log_of_a_run_tells_what_checks_found(cli, checked):
    cli("materialize", "plays")
    out = cli("runs", "logs").out
    assert "plays 2024-01-01  checked  row_count passed\n" in out
    assert "plays 2024-01-02  checked\n          check 'row_count' did not pass: 2 rows\n" in out
    assert "rows: 4" in out
