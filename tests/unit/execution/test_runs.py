"""Runs, from Python, on a real DuckDB and a real ledger."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.errors import BlockedError
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest, Scope

DAILY = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-15")
WEEKLY = dg.WeeklyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-15")
BY_DATE = {"partition_expr": "date"}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


def frame(context: dg.AssetExecutionContext, rows: int = 3) -> pl.DataFrame:
    return pl.DataFrame({"n": list(range(rows))}).with_columns(date=pl.lit(context.partition_key))


def sql(tmp_path, query):
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()


def statuses(home, asset):
    ledger = open_ledger(home)
    try:
        return {key: record.status for key, record in ledger.statuses(asset).items()}
    finally:
        ledger.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_makes_every_missing_partition_and_a_second_run_finds_nothing_to_do(home, resources, tmp_path, workers):
    calls = Counter()

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        calls[context.partition_key] += 1
        return frame(context)

    result = materialize([plays], resources=resources, home=home, workers=workers)
    assert result.success
    assert (result.materialized, result.rows) == (14, 42)
    assert set(calls.values()) == {1}
    assert sql(tmp_path, "select count(*), count(distinct date) from public.plays") == [(42, 14)]
    assert set(statuses(home, "plays").values()) == {Status.MATERIALIZED}
    ledger = open_ledger(home)
    for event in ledger.events(asset="plays", kinds=[EventKind.MATERIALIZED]):
        assert (event.payload["rows"], event.payload["columns"]) == (3, {"n": "BIGINT", "date": "VARCHAR"})
        assert event.payload["bytes"] > 0
        assert event.payload["duration_s"] > 0
    ledger.close()
    again = materialize([plays], resources=resources, home=home)
    assert again.success
    assert again.run_id is None
    assert sum(calls.values()) == 14


@pytest.mark.parametrize("workers", [1, 2])
def test_a_failure_fails_its_partition_skips_what_reads_it_and_nothing_else(home, resources, tmp_path, workers):
    broken = {"2024-01-09"}

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        if context.partition_key in broken:
            raise ValueError("the file is torn")
        return frame(context)

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def doubled(plays: pl.DataFrame) -> pl.DataFrame:
        return plays.with_columns(n=pl.col("n") * 2)

    @dg.asset(partitions_def=WEEKLY, metadata={"partition_expr": "week"})
    def weekly(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame({"week": [context.partition_time_window.start.date()], "rows": [plays.height]})

    @dg.asset
    def summary(weekly: pl.DataFrame) -> pl.DataFrame:
        return weekly.select(total=pl.col("rows").sum())

    assets = [plays, doubled, weekly, summary]
    result = materialize(assets, resources=resources, home=home, raise_on_error=False, workers=workers)
    assert result.state is RunState.FAILED
    assert [(report.asset, report.partition) for report in result.failed] == [("plays", "2024-01-09")]
    assert {(r.asset, r.partition): r.reason for r in result.skipped} == {
        ("doubled", "2024-01-09"): "plays 2024-01-09 failed",
        ("weekly", "2024-01-07"): "plays 2024-01-09 failed",
        ("summary", None): "weekly 2024-01-07 was skipped",
    }
    assert result.materialized == 13 + 13
    assert "the file is torn" in result.failed[0].reason
    assert isinstance(result.exception, ValueError)

    broken.clear()
    repaired = materialize(assets, resources=resources, home=home, scope=Scope.FAILED, workers=workers)
    assert repaired.success
    assert repaired.materialized == 4
    assert sql(tmp_path, "select total from public.summary") == [(7 * 3,)]
    assert sql(tmp_path, "select count(*), sum(n) from public.doubled") == [(42, 14 * 6)]


def test_the_first_exception_is_raised_again_for_a_python_caller(home, resources):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        raise LookupError(context.partition_key)

    with pytest.raises(LookupError, match="2024-01-03"):
        materialize([plays], partition_key="2024-01-03", resources=resources, home=home)


def test_the_recorded_traceback_is_the_users_whole_and_none_of_ours(home, resources):
    def deep():
        raise RuntimeError("deep inside")

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return deep()

    materialize([plays], partition_key="2024-01-03", resources=resources, home=home, raise_on_error=False)
    ledger = open_ledger(home)
    [event] = ledger.events(asset="plays", kinds=[EventKind.FAILED])
    ledger.close()
    text = event.payload["traceback"]
    assert "in plays\n    return deep()" in text
    assert "in deep\n" in text
    assert text.endswith("RuntimeError: deep inside")
    assert "/gapless/execution/" not in text


def test_an_older_slice_stays_when_its_rerun_fails(home, resources, tmp_path):
    version = {"n": 1}

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        if version["n"] == 2:
            return frame(context).with_columns(date=pl.lit("2024-01-14"))
        return frame(context)

    materialize([plays], resources=resources, home=home)
    version["n"] = 2
    result = materialize([plays], partition_key="2024-01-03", resources=resources, home=home, raise_on_error=False)
    assert result.state is RunState.FAILED
    assert sql(tmp_path, "select count(*) from public.plays where date = '2024-01-03'") == [(3,)]
    assert sql(tmp_path, "select count(*) from public.plays where date = '2024-01-14'") == [(3,)]
    assert statuses(home, "plays")["2024-01-03"] is Status.FAILED


def test_a_retry_policy_tries_again_and_the_ledger_tells_of_each_attempt(home, resources):
    attempts = Counter()

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE, retry_policy=dg.RetryPolicy(max_retries=2, delay=0.01))
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        attempts[context.partition_key] += 1
        if attempts[context.partition_key] < 3:
            raise OSError("try again")
        return frame(context)

    result = materialize([plays], last=2, resources=resources, home=home, now=system_clock())
    assert result.success
    assert set(attempts.values()) == {3}
    ledger = open_ledger(home)
    kinds = [event.kind for event in ledger.events(asset="plays", partition="2024-01-14")]
    ledger.close()
    assert kinds == [EventKind.RETRIED, EventKind.RETRIED, EventKind.MATERIALIZED]


def test_an_asset_that_reads_its_own_yesterday_is_made_in_order(home, resources, tmp_path):
    @dg.asset(
        partitions_def=DAILY,
        metadata=BY_DATE,
        ins={
            "running": dg.AssetIn(
                partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1),
            )
        },
    )
    def running(context: dg.AssetExecutionContext, running: pl.DataFrame) -> pl.DataFrame:
        total = int(running["total"].sum()) if running.height else 0
        return pl.DataFrame({"total": [total + 1], "date": [context.partition_key]})

    first = dg.asset(partitions_def=DAILY, metadata=BY_DATE, name="running")

    @first
    def seed(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return pl.DataFrame({"total": [1], "date": [context.partition_key]})

    materialize([seed], partition_key="2024-01-01", resources=resources, home=home)
    result = materialize([running], resources=resources, home=home, workers=2)
    assert result.success, result.failed[:1]
    assert sql(tmp_path, "select total from public.running order by date") == [(n,) for n in range(1, 15)]


def test_a_failed_yesterday_skips_every_day_after_it(home, resources):
    @dg.asset(
        partitions_def=DAILY,
        deps=[dg.AssetDep("chain", partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))],
    )
    def chain(context: dg.AssetExecutionContext) -> None:
        if context.partition_key == "2024-01-05":
            raise ValueError("no")

    result = materialize([chain], resources=resources, home=home, raise_on_error=False)
    assert result.materialized == 4
    assert [report.partition for report in result.failed] == ["2024-01-05"]
    assert [report.partition for report in result.skipped] == [f"2024-01-{day:02}" for day in range(6, 15)]


@pytest.mark.parametrize(
    ("policy", "sizes"),
    [(dg.BackfillPolicy.single_run(), [14]), (dg.BackfillPolicy.multi_run(5), [4, 5, 5]), (None, [1] * 14)],
)
def test_a_batched_function_makes_a_range_in_one_call_and_each_partition_is_recorded(
    home, resources, tmp_path, policy, sizes
):
    calls = []

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE, backfill_policy=policy)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        calls.append(len(context.partition_keys))
        return pl.DataFrame({"date": [key for key in context.partition_keys for _ in range(2)]})

    assert materialize([plays], resources=resources, home=home).success
    assert sorted(calls) == sizes
    ledger = open_ledger(home)
    records = ledger.statuses("plays")
    ledger.close()
    assert len(records) == 14
    assert {record.rows for record in records.values()} == {2}
    assert sql(tmp_path, "select count(*) from public.plays") == [(28,)]


def test_a_function_that_stores_its_data_itself_is_recorded_with_its_metadata(home):
    @dg.asset(partitions_def=DAILY)
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        context.log.info("wrote %s", context.partition_key)
        return dg.MaterializeResult(metadata={"pages": 3})

    result = materialize([report], partition_key="2024-01-02", home=home)
    assert result.success
    ledger = open_ledger(home)
    log, event = ledger.events(asset="report")
    ledger.close()
    assert (log.kind, log.reason) == (EventKind.LOG, "wrote 2024-01-02")
    assert event.payload["metadata"] == {"pages": 3}


def test_a_users_own_io_manager_runs_unchanged(home):
    kept: dict[tuple[str, str], object] = {}

    class Memory(dg.IOManager):
        def handle_output(self, context, obj):
            kept[context.asset_key.to_user_string(), context.partition_key] = obj
            context.add_output_metadata({"size": len(obj)})

        def load_input(self, context):
            return kept[context.asset_key.to_user_string(), context.asset_partition_key]

    @dg.asset(partitions_def=DAILY)
    def letters(context: dg.AssetExecutionContext) -> str:
        return context.partition_key

    @dg.asset(partitions_def=DAILY)
    def shouted(letters: str) -> str:
        return letters.upper() + "!"

    result = materialize([letters, shouted], last=1, resources={"io_manager": Memory()}, home=home)
    assert result.success, result.failed
    assert kept["shouted", "2024-01-14"] == "2024-01-14!"


def test_what_is_returned_none_without_saying_so_is_refused(home, resources):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext):
        return None

    result = materialize([plays], partition_key="2024-01-02", resources=resources, home=home, raise_on_error=False)
    [report] = result.failed
    assert (report.asset, report.partition) == ("plays", "2024-01-02")
    assert "the function returned None; expected a frame" in report.reason


def test_a_cancelled_run_keeps_what_is_finished_and_the_next_one_carries_on(home, resources, tmp_path):
    project = project_of([], {})
    cancel = CancelToken()
    seen = []
    release = threading.Event()

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        seen.append(context.partition_key)
        if len(seen) == 6:
            cancel.cancel()
        if len(seen) >= 6:
            release.wait(3)  # far longer than a cancelled run waits
        return frame(context)

    project = project_of([plays], resources)
    with Engine(project, open_ledger(home)) as engine:
        plan = engine.plan([plays.key], PartitionRequest(), system_clock())
        started = time.monotonic()
        result = engine.run(plan, workers=2, cancel=cancel)
        assert time.monotonic() - started < 3
        assert result.state is RunState.CANCELED
        assert {report.kind for report in result.interrupted} == {EventKind.INTERRUPTED}
        assert result.materialized >= 1
        assert result.materialized + len(result.interrupted) < 14
        kept = statuses(home, "plays")
        assert set(kept.values()) == {Status.MATERIALIZED}
        assert len(kept) == result.materialized
        release.set()
        rest = engine.run(engine.plan([plays.key], PartitionRequest(), system_clock()), workers=2)
    assert rest.materialized == 14 - result.materialized
    assert sql(tmp_path, "select count(*), count(distinct date) from public.plays") == [(42, 14)]


def test_two_runs_at_once_make_each_partition_once(home, resources, tmp_path):
    calls = Counter()

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        calls[context.partition_key] += 1
        time.sleep(0.02)
        return frame(context)

    results = []

    def run():
        with Engine(project_of([plays], resources), open_ledger(home)) as engine:
            plan = engine.plan([plays.key], PartitionRequest(), system_clock())
            both_planned.wait()
            results.append(engine.run(plan, workers=2))

    both_planned = threading.Barrier(2)
    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.materialized for result in results] == [14, 14]
    assert sum(result.made_here for result in results) == 14
    assert sum(result.rows for result in results) == 42
    for one, other in (results, results[::-1]):
        assert sum(one.made_elsewhere.values()) == other.made_here
        assert set(one.made_elsewhere) <= {other.run_id}
    assert all(result.success for result in results)
    assert set(calls.values()) == {1}
    assert sql(tmp_path, "select count(*) from public.plays") == [(42,)]


def test_a_jobs_config_reaches_the_function_and_what_does_not_fit_is_refused_before_anything_starts(home, resources):
    class PlaysConfig(dg.Config):
        rows: int = 1

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext, config: PlaysConfig) -> pl.DataFrame:
        return frame(context, config.rows)

    def run(config):
        return materialize([plays], last=1, resources=resources, home=home, run_config=config)

    assert run(None).rows == 1
    assert run({"ops": {"plays": {"config": {"rows": 5}}}}).rows == 5
    assert run({"plays": {"rows": 2}}).rows == 2
    for wrong, message in [
        ({"plays": {"rows": "many"}}, "asset 'plays' cannot take its config {'rows': 'many'}: rows: Input should be a"),
        ({"plays": {"row": 2}}, "row: Extra inputs are not permitted"),
        ({"ops": {"play": {"config": {}}}}, "the run's config is for 'play', but there is no such asset. Did you mean"),
        ([1], "the run's config is a list; expected a dict"),
    ]:
        with pytest.raises(dg.GaplessError) as refused:
            run(wrong)
        assert message in str(refused.value)


def test_dagsters_range_tags_choose_a_range(home, resources):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return frame(context)

    tags = {
        "dagster/asset_partition_range_start": "2024-01-03",
        "dagster/asset_partition_range_end": "2024-01-05",
    }
    assert materialize([plays], tags=tags, resources=resources, home=home).materialized == 3


def test_all_makes_everything_again_even_for_an_instant_that_is_past(home, resources):
    calls = Counter()

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        calls[context.partition_key] += 1
        return frame(context)

    for _ in range(2):
        then = datetime(2024, 1, 4, tzinfo=UTC)
        assert materialize([plays], now=then, scope=Scope.ALL, resources=resources, home=home).materialized == 3
    assert calls == {"2024-01-01": 2, "2024-01-02": 2, "2024-01-03": 2}


class UnspeakableError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    "error", [UnspeakableError(), KeyboardInterrupt(), SystemExit(3), ValueError("\ud800"), GeneratorExit()]
)
def test_whatever_a_function_raises_fails_its_partition_alone(home, resources, error, workers):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        if context.partition_key == "2024-01-02":
            raise error
        return frame(context)

    result = materialize(
        [plays],
        partition_range="2024-01-01..2024-01-04",
        resources=resources,
        home=home,
        workers=workers,
        raise_on_error=False,
    )
    assert result.materialized == 3
    assert [report.partition for report in result.failed] == ["2024-01-02"]
    assert type(error).__name__ in result.failed[0].reason
    assert statuses(home, "plays")["2024-01-02"] is Status.FAILED


def test_metadata_that_cannot_be_recorded_fails_the_partition(home, resources):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        context.add_output_metadata({"thing": object()})
        return frame(context)

    result = materialize([plays], last=1, resources=resources, home=home, workers=2, raise_on_error=False)
    assert "object is not a metadata type" in result.failed[0].reason


def test_a_python_caller_is_told_what_is_blocked_and_why(home, resources):
    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return frame(context)

    @dg.asset(partitions_def=WEEKLY, metadata={"partition_expr": "week"})
    def weekly(context: dg.AssetExecutionContext, plays: pl.DataFrame) -> pl.DataFrame:
        return pl.DataFrame({"week": [context.partition_key]})

    with pytest.raises(BlockedError, match=r"weekly 2024-01-07 needs plays 2024-01-07.* Make what is missing first"):
        materialize([plays, weekly], selection=["weekly"], resources=resources, home=home)
    with pytest.raises(BlockedError):
        materialize([plays, weekly], partition_key="2024-01-07", resources=resources, home=home)
    quiet = materialize([plays, weekly], selection=["weekly"], resources=resources, home=home, raise_on_error=False)
    assert (quiet.state, quiet.blocked) == (RunState.FAILED, 1)


def test_a_resource_that_cannot_be_set_up_stops_the_run_before_it_is_recorded(home, resources, monkeypatch):
    class Client(dg.ConfigurableResource):
        url: str

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext, client: Client) -> pl.DataFrame:
        return frame(context)

    monkeypatch.delenv("NO_SUCH_URL", raising=False)
    with pytest.raises(dg.GaplessError, match="NO_SUCH_URL"):
        materialize([plays], last=1, resources={**resources, "client": Client(url=dg.EnvVar("NO_SUCH_URL"))}, home=home)
    ledger = open_ledger(home)
    assert ledger.runs() == []
    ledger.close()


def test_a_run_that_commits_nothing_leaves_the_database_to_others(home, resources, tmp_path):
    broken = []

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def plays(context: dg.AssetExecutionContext) -> pl.DataFrame:
        if broken:
            raise ValueError("no")
        return frame(context)

    @dg.asset(partitions_def=DAILY, metadata=BY_DATE)
    def doubled(plays: pl.DataFrame) -> pl.DataFrame:
        raise ValueError("after loading")

    materialize([plays], resources=resources, home=home)
    assert sql(tmp_path, "select count(*) from public.plays") == [(42,)]  # opens the file itself, so nobody holds it
    materialize([plays], resources=resources, home=home)
    assert sql(tmp_path, "select count(*) from public.plays") == [(42,)]
    broken.append(True)
    materialize([plays], last=1, resources=resources, home=home, raise_on_error=False)
    assert sql(tmp_path, "select count(*) from public.plays") == [(42,)]
    materialize([plays, doubled], selection=["doubled"], resources=resources, home=home, raise_on_error=False)
    assert sql(tmp_path, "select count(*) from public.plays") == [(42,)]
