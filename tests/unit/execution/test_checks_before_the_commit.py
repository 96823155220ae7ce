"""Checks look at what was made before it replaces what is there."""

from __future__ import annotations

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import AssetCheckResult, AssetCheckSeverity, AssetCheckSpec, DuckDBPolarsIOManager, asset_check
from gapless.engine import materialize
from gapless.errors import GaplessError
from gapless.ledger.contract import EventKind, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import Scope

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-05")
KEYS = [f"2024-01-0{day}" for day in range(1, 5)]
BY_DATE = {"partition_expr": "date"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


def frame(key: str, rows: int) -> pl.DataFrame:
    return pl.DataFrame({"n": range(rows), "date": [key] * rows}, schema={"n": pl.Int64, "date": pl.String})


def run(definitions, resources, home, **arguments):
    arguments.setdefault("raise_on_error", False)
    return materialize(definitions, resources=resources, home=home, **arguments)


def rows(tmp_path, table="plays"):
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        return dict(connection.execute(f"select date, count(*) from public.{table} group by 1").fetchall())


def checked(home, **arguments):
    with open_ledger(home) as ledger:
        return ledger.events(kinds=[EventKind.CHECKED], **arguments)


def statuses(home, asset="plays"):
    with open_ledger(home) as ledger:
        return {key: record.status for key, record in ledger.statuses(asset).items()}


def plays_of(counts, **arguments):
    """An asset with so many rows in each partition; one call makes them all if it is batched."""

    @dg.asset(name="plays", partitions_def=DAYS, metadata=BY_DATE, **arguments)
    def plays(context):
        return pl.concat([frame(key, counts[key]) for key in context.partition_keys])

    return plays


def check_of(fn, **arguments):
    return asset_check(asset="plays", **arguments)(fn)


class Limit(dg.Config):
    most: int = 3


BATCHED = [{}, {"backfill_policy": dg.BackfillPolicy.single_run()}]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("arguments", BATCHED)
def test_rows_that_do_not_pass_a_blocking_check_leave_the_old_ones(home, resources, tmp_path, workers, arguments):
    assert run([plays_of(dict.fromkeys(KEYS, 9))], resources, home).success

    def few(context, plays: pl.LazyFrame):
        count = plays.select(pl.len()).collect().item()
        evidence = {"rows": count, "key": context.partition_key}
        return AssetCheckResult(passed=count < 3, description=f"{count} rows", metadata=evidence)

    @dg.asset(partitions_def=DAYS, metadata=BY_DATE)
    def below(plays):
        return plays

    counts = dict(zip(KEYS, [1, 2, 3, 4], strict=True))
    definitions = [plays_of(counts, **arguments), check_of(few, blocking=True), below]
    result = run(definitions, resources, home, partition_keys=KEYS, workers=workers)
    assert {report.partition: report.reason for report in result.failed} == {
        KEYS[2]: "check 'few' did not pass: 3 rows",
        KEYS[3]: "check 'few' did not pass: 4 rows",
    }
    assert {report.partition for report in result.skipped} == {KEYS[2], KEYS[3]}
    assert rows(tmp_path) == {KEYS[0]: 1, KEYS[1]: 2, KEYS[2]: 9, KEYS[3]: 9}
    assert statuses(home) == dict(zip(KEYS, [Status.MATERIALIZED] * 2 + [Status.FAILED] * 2, strict=True))
    found = {event.partition: event.payload for event in checked(home)}
    assert {key: payload["passed"] for key, payload in found.items()} == dict(
        zip(KEYS, [True, True, False, False], strict=True)
    )
    assert found[KEYS[3]] == {
        "check": "few",
        "passed": False,
        "severity": "ERROR",
        "blocking": True,
        "description": "4 rows",
        "metadata": {"rows": 4, "key": KEYS[3]},
    }
    with open_ledger(home) as ledger:
        (failed,) = ledger.events(asset="plays", partition=KEYS[3], kinds=[EventKind.FAILED])
    assert failed.payload["metadata"] == {"rows": 4, "key": KEYS[3]}
    assert failed.payload["check"] == "few"
    assert "traceback" not in failed.payload


@pytest.mark.parametrize(
    "arguments", [{"severity": AssetCheckSeverity.WARN}, {"severity": AssetCheckSeverity.ERROR, "blocking": False}]
)
def test_a_warning_does_not_keep_rows_out_and_is_told(home, resources, tmp_path, arguments):
    blocking = arguments.pop("blocking", True)

    def few(plays):
        return AssetCheckResult(passed=plays.height < 3, description=f"{plays.height} rows", **arguments)

    told = []

    class Watching:
        def started(self, run_id, plan): ...
        def waiting(self, message): ...
        def ended(self): ...
        def finished(self, reports):
            told.extend(reports)

    counts = dict(zip(KEYS, [1, 2, 3, 4], strict=True))
    result = run([plays_of(counts), check_of(few, blocking=blocking)], resources, home)
    assert result.success
    assert rows(tmp_path) == counts
    assert [(found.partition, found.reason) for found in sorted(result.check_failures, key=str)] == [
        (KEYS[2], "check 'few' did not pass: 3 rows"),
        (KEYS[3], "check 'few' did not pass: 4 rows"),
    ]
    assert len(result.get_asset_check_evaluations()) == 4
    assert not any(found.prevents for found in result.check_failures)


def test_a_check_may_return_a_bool_and_takes_the_rows_under_any_name(home, resources):
    def even(rows: pl.DataFrame) -> bool:
        return (rows["n"] >= 0).all() and rows.height % 2 == 0

    result = run([plays_of(dict(zip(KEYS, [1, 2, 3, 4], strict=True))), check_of(even)], resources, home)
    assert {found.partition: found.passed for found in result.check_evaluations} == dict(
        zip(KEYS, [False, True, False, True], strict=True)
    )


@pytest.mark.parametrize("returned", [None, 1, "yes", {"passed": True}])
def test_whatever_else_a_check_returns_is_no_result(home, resources, returned):
    result = run(
        [plays_of(dict.fromkeys(KEYS, 1)), check_of(lambda: returned, name="odd", blocking=True)], resources, home
    )
    reason = result.failed[0].reason
    assert reason.startswith("check 'odd' returned")
    assert "Return AssetCheckResult(passed=…), or True or False" in reason


def test_a_check_that_raises_fails_its_partition_if_it_is_blocking(home, resources, tmp_path):
    def looked_up(context, plays):
        return {KEYS[0]: True, KEYS[1]: False}[context.partition_key]

    counts = dict.fromkeys(KEYS, 1)
    result = run([plays_of(counts), check_of(looked_up, blocking=True)], resources, home)
    reasons = {report.partition: report.reason for report in result.failed}
    assert reasons == {
        KEYS[1]: "check 'looked_up' did not pass",
        KEYS[2]: f"check 'looked_up' raised KeyError: '{KEYS[2]}'",
        KEYS[3]: f"check 'looked_up' raised KeyError: '{KEYS[3]}'",
    }
    detail = next(report.detail for report in result.failed if report.partition == KEYS[3])
    assert "in looked_up" in detail
    assert "gapless" not in detail.split("in looked_up")[0].rpartition("File")[2]
    assert set(rows(tmp_path)) == {KEYS[0]}


def test_a_check_that_raises_is_recorded_as_not_passed_if_it_is_not_blocking(home, resources, tmp_path):
    def broken(plays):
        raise LookupError("no table of teams")

    result = run([plays_of(dict.fromkeys(KEYS, 1)), check_of(broken)], resources, home)
    assert result.success
    (event, *_) = checked(home, asset="plays")
    assert event.reason == "check 'broken' raised LookupError: no table of teams"
    assert "raise LookupError" in event.payload["traceback"]
    assert not event.payload["passed"]


def test_several_blocking_checks_are_named_together(home, resources):
    plays = plays_of(dict.fromkeys(KEYS, 1))
    checks = [check_of(lambda: False, name=name, blocking=True) for name in ("first", "second")]
    result = run([plays, *checks], resources, home, partition_key=KEYS[0])
    assert result.failed[0].reason == "check 'first' did not pass (nor did 'second')"


def test_what_a_blocking_check_refuses_is_raised_to_the_caller(home, resources):
    def few(plays):
        return AssetCheckResult(passed=False, metadata={"rows": plays.height})

    with pytest.raises(GaplessError, match="asset 'plays', partition '2024-01-01': check 'few' did not pass") as raised:
        run(
            [plays_of(dict.fromkeys(KEYS, 7)), check_of(few, blocking=True)],
            resources,
            home,
            partition_key=KEYS[0],
            raise_on_error=True,
        )
    assert "rows: 7" in str(raised.value)


def test_a_retry_policy_counts_for_checks_too(home, resources):
    seen = []

    def second_time(context):
        seen.append(context.partition_key)
        return len(seen) > 1

    plays = plays_of(dict.fromkeys(KEYS, 1), retry_policy=dg.RetryPolicy(max_retries=1))
    assert run([plays, check_of(second_time, blocking=True)], resources, home, partition_key=KEYS[0]).success
    assert [event.payload["passed"] for event in checked(home)] == [False, True]


def test_a_check_gets_resources_config_and_what_there_is_to_know(home, resources, tmp_path):
    told = {}

    def informed(context, config: Limit, plays: pl.LazyFrame, lookup: dg.ResourceParam[dict]):
        told[context.partition_key] = (
            str(context.asset_key),
            context.check_name,
            context.partition_time_window.start.day,
            context.resources.lookup is lookup,
            config.most,
            bool(context.run_id),
            context.now.tzinfo is not None,
        )
        context.log.info("looked at %s", context.partition_key)
        return True

    plays = plays_of(dict.fromkeys(KEYS, 1))
    result = run([plays, check_of(informed)], {**resources, "lookup": {}}, home)
    assert result.success, result.failed
    assert told == {key: ("plays", "informed", day, True, 3, True, True) for day, key in enumerate(KEYS, 1)}
    with open_ledger(home) as ledger:
        lines = ledger.events(asset="plays", kinds=[EventKind.LOG])
    assert {line.reason for line in lines} == {f"looked at {key}" for key in KEYS}


def test_a_check_learns_how_many_rows_the_partitions_around_have(home, resources):
    counts = dict(zip(KEYS, [1, 2, 3, 4], strict=True))
    assert run([plays_of(counts)], resources, home).success
    around = {}

    def rows_around(context):
        around[context.partition_key] = dict(context.row_counts(1)), dict(context.row_counts(9))
        return True

    assert run([plays_of(counts), check_of(rows_around)], resources, home, partition_keys=KEYS[1:3], workers=1).success
    assert around == {
        KEYS[1]: ({KEYS[0]: 1, KEYS[2]: 3}, {KEYS[0]: 1, KEYS[2]: 3, KEYS[3]: 4}),
        KEYS[2]: ({KEYS[1]: 2, KEYS[3]: 4}, {KEYS[0]: 1, KEYS[1]: 2, KEYS[3]: 4}),
    }


@pytest.mark.parametrize("expected", ["pandas", "pyarrow", "reader"])
def test_rows_come_in_the_type_that_the_check_asks_for(home, resources, expected):
    pandas, pyarrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    kinds = {"pandas": pandas.DataFrame, "pyarrow": pyarrow.Table, "reader": pyarrow.RecordBatchReader}

    def typed(plays):
        table = plays.read_all() if expected == "reader" else plays
        return isinstance(plays, kinds[expected]) and len(table) == 2

    typed.__annotations__["plays"] = kinds[expected]
    result = run([plays_of(dict.fromkeys(KEYS, 2)), check_of(typed)], resources, home, partition_key=KEYS[0])
    assert [(found.passed, found.description) for found in result.check_evaluations] == [(True, None)]


def test_an_unpartitioned_asset_is_checked_whole(home, resources):
    @dg.asset
    def totals():
        return pl.DataFrame({"n": [1, 2, 3]})

    @asset_check(asset=totals, blocking=True)
    def three(context, totals):
        return totals.height == 3 and not context.has_partition_key and context.row_counts(3) == {}

    assert run([totals, three], resources, home).success
    assert [event.partition for event in checked(home)] == [None]


# --- what is not staged with us


class Shelf(dg.IOManager):
    def __init__(self):
        self.stored = {}

    def handle_output(self, context, obj):
        self.stored[context.asset_partition_key if context.has_asset_partitions else None] = obj

    def load_input(self, context):
        raise NotImplementedError


def test_the_value_for_an_own_io_manager_is_checked_before_it_is_stored(home):
    shelf = Shelf()

    @dg.asset(partitions_def=DAYS)
    def plays(context):
        return {"day": context.partition_key[-1]}

    def odd(plays):
        return plays["day"] in "13"

    result = run([plays, check_of(odd, blocking=True)], {"io_manager": shelf}, home)
    assert set(shelf.stored) == {KEYS[0], KEYS[2]}
    assert {report.partition for report in result.failed} == {KEYS[1], KEYS[3]}


def test_a_check_of_what_stores_itself_can_look_with_resources_but_gets_no_rows(home, resources):
    done = []

    @dg.asset
    def plays():
        done.append(1)
        return dg.MaterializeResult()

    def there():
        return bool(done)

    def seen(plays):
        return True

    result = run([plays, check_of(there, blocking=True), check_of(seen)], resources, home)
    assert result.success
    assert {found.check_name: found.passed for found in result.check_evaluations} == {"there": True, "seen": False}
    told = "check 'seen' takes the rows, but the function of 'plays' stores its data itself"
    assert result.check_failures[0].reason.startswith(told)
    again = run([plays, check_of(lambda: False, name="never", blocking=True)], resources, home, scope=Scope.ALL)
    assert [report.reason for report in again.failed] == ["check 'never' did not pass"]


# --- what the asset's own function found


def own(results, **arguments):
    specs = [AssetCheckSpec("sound", asset="plays", blocking=True), AssetCheckSpec("nice", asset="plays")]

    @dg.asset(check_specs=specs, **arguments)
    def plays():
        return dg.Output(pl.DataFrame({"n": [1]}), check_results=results)

    return plays


def test_results_of_the_asset_s_own_function_count_like_those_of_checks(home, resources):
    passed = AssetCheckResult(passed=True, check_name="sound")
    warned = AssetCheckResult(passed=False, check_name="nice", description="rather ugly")
    result = run([own([passed, warned])], resources, home)
    assert result.success
    assert [event.reason for event in checked(home)] == [None, "check 'nice' did not pass: rather ugly"]
    torn = AssetCheckResult(passed=False, check_name="sound", description="torn")
    result = run([own([torn, warned])], resources, home, scope=Scope.ALL)
    assert [report.reason for report in result.failed] == ["check 'sound' did not pass: torn"]
    assert len(resources["io_manager"].commit_records([result.run_id])) == 0


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (
            [("sound", "plays"), ("odd", "plays")],
            "a result of the check 'odd'; the checks that the asset declares are: 'sound', 'nice'",
        ),
        ([("sound", "plays")], "returned no result of the check 'nice', which the asset declares"),
        ([("sound", "plays"), (None, "plays")], "a result without check_name"),
        ([("sound", "other"), ("nice", "plays")], "the result of a check of 'other'"),
    ],
)
def test_results_of_other_checks_than_those_that_are_declared_are_an_error(home, resources, results, said):
    given = [AssetCheckResult(passed=True, check_name=name, asset_key=asset) for name, asset in results]
    result = run([own(given)], resources, home)
    assert said in result.failed[0].reason


def test_a_generator_may_yield_the_results_of_its_checks(home, resources):
    @dg.asset(check_specs=[AssetCheckSpec("sound", asset="plays")])
    def plays():
        yield AssetCheckResult(passed=False, description="not quite")
        yield dg.Output(pl.DataFrame({"n": [1]}))

    result = run([plays], resources, home)
    assert result.success
    assert [found.reason for found in result.check_failures] == ["check 'sound' did not pass: not quite"]
