"""Functions that make several partitions in one call: each partition has an outcome of its own."""

from __future__ import annotations

import time
import weakref
from collections import Counter
from datetime import date

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import gapless as dg
from gapless import DuckDBPolarsIOManager
from gapless.definitions.definitions import project_of
from gapless.engine import Engine, materialize, system_clock
from gapless.execution.cancel import CancelToken
from gapless.ledger.contract import EventKind, RunState, Status
from gapless.ledger.home import open_ledger
from gapless.planning.request import PartitionRequest

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")
KEYS = [f"2024-01-0{day}" for day in range(1, 6)]
BY_DATE = {"partition_expr": "date"}
WHOLE = dg.BackfillPolicy.single_run()


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".gapless"


@pytest.fixture
def resources(tmp_path):
    return {"io_manager": DuckDBPolarsIOManager(str(tmp_path / "db.duckdb"))}


def frame(key: str, rows: int = 2, mark: int = 0) -> pl.DataFrame:
    return pl.DataFrame({"n": list(range(rows)), "mark": [mark] * rows, "date": [key] * rows}, schema=SCHEMA)


SCHEMA = {"n": pl.Int64, "mark": pl.Int64, "date": pl.String}


def batched(fn, **arguments):
    fn.__name__ = "plays"
    return dg.asset(partitions_def=DAYS, metadata=BY_DATE, backfill_policy=WHOLE, **arguments)(fn)


def run(asset, resources, home, **arguments):
    return materialize([asset], resources=resources, home=home, raise_on_error=False, **arguments)


def failures(result):
    return {report.partition: report.reason for report in result.failed}


def rows(tmp_path):
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        return dict(connection.execute("select date, count(*) from public.plays group by 1").fetchall())


def statuses(home):
    with open_ledger(home) as ledger:
        return {key: record.status for key, record in ledger.statuses("plays").items()}


def events(home, *kinds):
    with open_ledger(home) as ledger:
        return ledger.events(asset="plays", kinds=kinds or None)


# --- one frame


@pytest.mark.parametrize("workers", [1, 2])
def test_one_frame_may_hold_all_partitions_of_a_call(home, resources, tmp_path, workers):
    result = run(
        batched(lambda context: pl.concat(map(frame, context.partition_keys))), resources, home, workers=workers
    )
    assert (result.success, result.materialized, result.rows) == (True, 5, 10)
    assert rows(tmp_path) == dict.fromkeys(KEYS, 2)
    assert {event.payload["batch"] for event in events(home, EventKind.MATERIALIZED)} == {5}


def test_a_bad_partition_in_one_frame_fails_alone_and_keeps_its_old_rows(home, resources, tmp_path):
    decimal = [frame(key).with_columns(pl.col("n").cast(pl.Float64)) for key in KEYS]
    assert run(batched(lambda context: pl.concat(decimal)), resources, home).success
    whole = [frame(key, mark=1) for key in KEYS]
    whole[2] = whole[2].with_columns(n=pl.lit(2**53 + 1))  # which a column of DOUBLE cannot hold
    result = run(batched(lambda context: pl.concat(whole)), resources, home, partition_keys=KEYS)
    assert set(failures(result)) == {KEYS[2]}
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        found = dict(connection.execute("select date, sum(mark) from public.plays group by 1").fetchall())
    assert found == {key: 0 if key == KEYS[2] else 2 for key in KEYS}


def test_rows_that_belong_to_no_partition_of_the_call_fail_all_of_it(home, resources):
    result = run(
        batched(lambda context: pl.concat(map(frame, [*context.partition_keys, "2024-02-01"]))), resources, home
    )
    assert set(failures(result)) == set(KEYS)
    assert all("2 of 12 rows" in reason for reason in failures(result).values())


# --- pairs


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shape", ["generator", "list", "dict", "zip", "lazy frames"])
def test_pairs_land_one_by_one_whatever_they_come_in(home, resources, tmp_path, workers, shape):
    def generator(context):
        for key in context.partition_keys:
            yield key, frame(key)

    shapes = {
        "generator": generator,
        "list": lambda context: [(key, frame(key)) for key in context.partition_keys],
        "dict": lambda context: {key: frame(key) for key in context.partition_keys},
        "zip": lambda context: zip(context.partition_keys, map(frame, context.partition_keys), strict=True),
        "lazy frames": lambda context: ((key, frame(key).lazy()) for key in reversed(context.partition_keys)),
    }
    result = run(batched(shapes[shape]), resources, home, workers=workers)
    assert (result.success, result.materialized, result.rows) == (True, 5, 10)
    assert rows(tmp_path) == dict.fromkeys(KEYS, 2)


def test_consecutive_pairs_of_one_key_are_batches_of_its_value(home, resources, tmp_path):
    def plays(context):
        for number, key in enumerate(context.partition_keys, 1):
            for mark in range(number):
                yield key, frame(key, 1, mark)

    assert run(batched(plays), resources, home).success
    assert rows(tmp_path) == {key: number for number, key in enumerate(KEYS, 1)}


def test_metadata_and_log_lines_stay_with_the_partition_that_they_are_about(home, resources):
    def plays(context):
        for key in context.partition_keys:
            context.log.info("reading %s", key)
            context.add_asset_metadata({"read": key}, partition_key=key)
            yield key, dg.Output(frame(key), metadata={"source": f"{key}.csv"}, data_version=f"v-{key}")

    assert run(batched(plays), resources, home).success
    for event in events(home, EventKind.MATERIALIZED):
        assert event.payload["metadata"] == {"read": event.partition, "source": f"{event.partition}.csv"}
        assert event.payload["version"] == f"v-{event.partition}"
    assert [(e.partition, e.reason) for e in events(home, EventKind.LOG)] == [(key, f"reading {key}") for key in KEYS]


def test_a_key_may_be_given_with_its_dimensions(home, resources, tmp_path):
    grid = dg.MultiPartitionsDefinition({"date": DAYS, "team": dg.StaticPartitionsDefinition(["a", "b"])})

    @dg.asset(
        partitions_def=grid,
        metadata={"partition_expr": {"date": "date", "team": "team"}},
        backfill_policy=dg.BackfillPolicy.multi_run(2),
    )
    def plays(context):
        for key in context.partition_keys:
            parts = key.keys_by_dimension
            yield dg.MultiPartitionKey(parts), pl.DataFrame({name: [part] for name, part in parts.items()})

    result = run(plays, resources, home)
    assert (result.success, result.materialized) == (True, 10)


def test_only_few_values_are_held_at_a_time_however_many_are_yielded(home, resources, monkeypatch):
    monkeypatch.setattr("gapless.execution.handover.STAGED_BUDGET", 1)
    held: list[weakref.ref] = []
    most = 0

    class Marked(pl.DataFrame):
        pass

    def plays(context):
        nonlocal most
        for key in context.partition_keys:
            value = Marked(frame(key, 1000))
            held.append(weakref.ref(value))
            yield key, value
            del value
            most = max(most, sum(ref() is not None for ref in held))

    many = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-17")
    asset = dg.asset(partitions_def=many, metadata=BY_DATE, backfill_policy=WHOLE, name="plays")(plays)
    for workers in (1, 2):
        held.clear()
        assert run(asset, resources, home, workers=workers, partition_range="2024-01-01..2024-01-16").success
        assert most <= 6  # the one that is made, the one before, and those of the group that is committed


# --- what can be wrong with pairs


def plays_of(*pairs):
    return batched(lambda context: iter(pairs))


def test_a_key_that_is_never_yielded_fails_and_the_others_do_not(home, resources, tmp_path):
    result = run(plays_of(*((key, frame(key)) for key in KEYS[:3])), resources, home)
    assert set(failures(result)) == set(KEYS[3:])
    assert all(reason.startswith("the function yielded nothing for it") for reason in failures(result).values())
    assert set(rows(tmp_path)) == set(KEYS[:3])


def test_a_key_that_the_call_does_not_make_is_named_where_one_is_missing(home, resources):
    result = run(plays_of(*((key, frame(key)) for key in [*KEYS[:4], "2024-1-5"])), resources, home)
    assert set(failures(result)) == {KEYS[4]}
    assert "but yielded '2024-1-5', which this call does not make" in failures(result)[KEYS[4]]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_key_that_the_call_does_not_make_is_warned_of_where_none_is_missing(home, resources, workers):
    result = run(
        plays_of(*((key, dg.Output(frame(key))) for key in [*KEYS, "2024-02-01"])), resources, home, workers=workers
    )
    assert (result.success, result.materialized) == (True, 5)
    (warning,) = result.warnings
    assert (warning.asset, warning.partition) == ("plays", None)
    assert "yielded '2024-02-01', which this call does not make" in warning.reason
    (line,) = events(home, EventKind.LOG)
    assert line.payload["level"] == "ERROR"
    assert line.reason == f"{warning.reason}\n{warning.detail}"


def test_a_key_that_the_call_does_not_make_is_no_warning_where_rows_outside_are_to_be_dropped(home, resources):
    def plays(context):
        for key in [*KEYS, "2024-02-01"]:
            yield key, frame(key)

    result = run(batched(plays, boundary_policy="drop"), resources, home)
    assert (result.success, result.warnings) == (True, ())
    (line,) = events(home, EventKind.LOG)
    assert line.payload["level"] == "INFO"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_function_raises_after_its_last_partition_is_warned_of(home, resources, workers):
    def plays(context):
        for key in context.partition_keys:
            yield key, dg.Output(frame(key))
        time.sleep(0.3)  # until all of it has landed
        raise OSError("the source cannot be closed")

    result = run(batched(plays), resources, home, workers=workers)
    assert (result.success, result.materialized) == (True, 5)
    (warning,) = result.warnings
    assert warning.reason == "after its last partition, the function raised OSError: the source cannot be closed"
    assert "raise OSError" in warning.detail


@pytest.mark.parametrize("workers", [1, 2])
def test_a_key_that_comes_again_later_fails_though_it_was_committed(home, resources, workers):
    again = [*KEYS, KEYS[1], KEYS[1]]
    result = run(plays_of(*((key, frame(key)) for key in again)), resources, home, workers=workers)
    assert list(failures(result)) == [KEYS[1]]
    assert "yielded it again after other partitions" in failures(result)[KEYS[1]]
    assert result.materialized == 4
    assert statuses(home) == {**dict.fromkeys(KEYS, Status.MATERIALIZED), KEYS[1]: Status.FAILED}


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (frame(KEYS[2]), "yielded a polars.dataframe.frame.DataFrame; expected a pair"),
        ((KEYS[2], frame(KEYS[2]), 1), "yielded a tuple of 3; expected a pair"),
        ((date(2024, 1, 3), frame(KEYS[2])), "a pair whose key is datetime.date(2024, 1, 3), a datetime.date"),
    ],
)
def test_what_is_no_pair_fails_what_has_not_landed(home, resources, item, said):
    whole = [(key, dg.Output(frame(key))) for key in KEYS[:2]]
    result = run(plays_of(*whole, item, (KEYS[3], frame(KEYS[3]))), resources, home)
    assert set(failures(result)) == set(KEYS[2:])
    assert all(said in reason and f"yield {KEYS[2]!r}, frame" in reason for reason in failures(result).values())


def test_a_value_that_cannot_be_stored_fails_its_own_partition(home, resources, tmp_path):
    values = {key: frame(key) for key in KEYS} | {KEYS[1]: 7, KEYS[3]: frame(KEYS[0])}
    result = run(batched(lambda context: iter(values.items())), resources, home)
    assert set(failures(result)) == {KEYS[1], KEYS[3]}
    assert "returned a int" in failures(result)[KEYS[1]]
    assert "2 of 2 rows" in failures(result)[KEYS[3]]
    assert set(rows(tmp_path)) == {KEYS[0], KEYS[2], KEYS[4]}


# --- a function that raises on the way


@pytest.mark.parametrize("workers", [1, 2])
def test_what_was_whole_before_the_function_raised_keeps_its_outcome(home, resources, tmp_path, workers):
    def plays(context):
        for key in context.partition_keys:
            if key == KEYS[3]:
                raise ValueError(f"no file for {key}")
            yield key, frame(key)

    result = run(batched(plays), resources, home, workers=workers)
    # Nobody can tell whether more of the third was to come: it is not taken for the whole, and its old rows stay.
    assert set(rows(tmp_path)) == set(KEYS[:2])
    assert failures(result) == dict.fromkeys(KEYS[2:], "ValueError: no file for 2024-01-04")
    detail = {report.partition: report.detail for report in result.failed}
    assert all("raise ValueError" in text for text in detail.values())
    assert "yield Output(frame)" in detail[KEYS[2]].replace("Yield", "yield")
    assert isinstance(result.exception, ValueError)


def test_an_output_is_whole_as_it_is_yielded(home, resources, tmp_path):
    def plays(context):
        for key in context.partition_keys:
            if key == KEYS[3]:
                raise ValueError
            yield key, dg.Output(frame(key))

    result = run(batched(plays), resources, home)
    assert set(rows(tmp_path)) == set(KEYS[:3])
    assert set(failures(result)) == set(KEYS[3:])


def test_a_partition_is_never_stored_in_part(home, resources, tmp_path):
    assert run(plays_of(*((key, frame(key, 4)) for key in KEYS)), resources, home).success

    def plays(context):
        for key in context.partition_keys:
            for batch in range(4):
                if (key, batch) == (KEYS[1], 2):
                    raise OSError("the line is cut")
                yield key, frame(key, 1, batch + 1)

    result = run(batched(plays), resources, home, partition_keys=KEYS)
    assert failures(result) == dict.fromkeys(KEYS[1:], "OSError: the line is cut")
    with duckdb.connect(str(tmp_path / "db.duckdb"), read_only=True) as connection:
        found = connection.execute(
            "select date, count(*), sum(mark) from public.plays group by 1 order by 1"
        ).fetchall()
    assert found == [(KEYS[0], 4, 10), *((key, 4, 0) for key in KEYS[1:])]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_retry_policy_calls_again_for_what_failed_and_nothing_else(home, resources, tmp_path, workers):
    calls = []

    def plays(context):
        calls.append(list(context.partition_keys))
        for key in context.partition_keys:
            bad = key in (KEYS[1], KEYS[3]) and len(calls) == 1
            yield key, dg.Output(frame(KEYS[0] if bad else key))

    result = run(batched(plays, retry_policy=dg.RetryPolicy(max_retries=1)), resources, home, workers=workers)
    assert result.success
    assert calls == [KEYS, [KEYS[1]], [KEYS[3]]]
    assert rows(tmp_path) == dict.fromkeys(KEYS, 2)
    assert Counter(event.partition for event in events(home, EventKind.RETRIED)) == {KEYS[1]: 1, KEYS[3]: 1}


# --- generators of one result


def test_frames_that_are_yielded_without_keys_are_batches_of_the_one_value(home, resources):
    @dg.asset
    def numbers():
        for start in range(3):
            yield pl.DataFrame({"n": [start, start]})

    result = run(numbers, resources, home)
    assert (result.success, result.rows) == (True, 6)


def test_a_generator_may_yield_one_output_and_is_run_to_its_end(home, resources):
    ended = []

    @dg.asset
    def numbers():
        yield dg.Output(pl.DataFrame({"n": [1]}), metadata={"source": "a"})
        ended.append(True)

    assert run(numbers, resources, home).rows == 1
    assert ended == [True]


def test_a_generator_that_yields_two_outputs_is_told_to_yield_pairs(home, resources):
    @dg.asset
    def numbers():
        yield dg.Output(pl.DataFrame({"n": [1]}))
        yield dg.Output(pl.DataFrame({"n": [2]}))

    result = run(numbers, resources, home)
    assert "yielded a gapless.definitions.results.Output where one Output" in result.failed[0].reason
    assert "yield pairs: key, Output(frame)" in result.failed[0].reason


def test_a_generator_that_yields_nothing_has_made_nothing(home, resources):
    @dg.asset
    def numbers():
        yield from ()

    assert run(numbers, resources, home).failed[0].reason.startswith("the function yielded nothing for it")


def test_a_generator_that_stores_its_data_itself_is_run(home):
    done = []

    @dg.asset
    def numbers() -> None:
        yield 1
        done.append(True)

    assert materialize([numbers], home=home).success
    assert done == [True]


# --- users' own IO managers


class Shelf(dg.IOManager):
    def __init__(self):
        self.stored = {}

    def handle_output(self, context, obj):
        self.stored[tuple(context.asset_partition_keys)] = obj
        if obj == "bad":
            raise ValueError("I do not take this")
        context.add_output_metadata({"kept": True})

    def load_input(self, context):
        raise NotImplementedError


def test_an_own_io_manager_gets_pairs_one_partition_at_a_time(home):
    shelf = Shelf()

    def plays(context):
        for key in context.partition_keys:
            yield key, "bad" if key == KEYS[2] else f"value of {key}"

    result = run(batched(plays), {"io_manager": shelf}, home)
    assert failures(result) == {KEYS[2]: "ValueError: I do not take this"}
    assert {key: value for (key,), value in shelf.stored.items() if value != "bad"} == {
        key: f"value of {key}" for key in KEYS if key != KEYS[2]
    }
    assert all(event.payload["metadata"] == {"kept": True} for event in events(home, EventKind.MATERIALIZED))


def test_an_own_io_manager_gets_whatever_else_is_returned_as_it_is(home):
    shelf = Shelf()
    value = dict.fromkeys(KEYS, 1)
    assert run(batched(lambda context: value), {"io_manager": shelf}, home).success
    assert shelf.stored == {tuple(KEYS): value}


# --- all of it at once, against a model

FATES = st.sampled_from(["good", "empty", "batches", "output", "foreign rows", "no frame", "not yielded", "again"])


@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    fates=st.lists(FATES, min_size=5, max_size=5),
    raises_before=st.integers(0, 8),
    workers=st.sampled_from([1, 2]),
)
def test_ledger_table_and_a_simple_model_agree(tmp_path_factory, fates, raises_before, workers):
    folder = tmp_path_factory.mktemp("run")
    store = DuckDBPolarsIOManager(str(folder / "db.duckdb"))
    old = {key: frame(key, 5, mark=-1) for key in KEYS}
    fate = dict(zip(KEYS, fates, strict=True))

    def plays(context):
        for place, key in enumerate(context.partition_keys):
            if place == raises_before:
                raise RuntimeError("torn")
            match fate[key]:
                case "good" | "again":
                    yield key, frame(key)
                case "empty":
                    yield key, frame(key, 0)
                case "batches":
                    yield key, frame(key, 1)
                    yield key, frame(key, 1)
                case "output":
                    yield key, dg.Output(frame(key))
                case "foreign rows":
                    yield key, frame("2023-01-01")
                case "no frame":
                    yield key, "no frame"
        for key in context.partition_keys:
            if fate[key] == "again":
                yield key, frame(key)

    # The model.
    expected = {}
    come_to = KEYS[:raises_before]
    yielded = [key for key in come_to if fate[key] != "not yielded"]
    cut_short = yielded[-1] if yielded and raises_before < len(KEYS) and fate[yielded[-1]] != "output" else None
    agains = [key for key in KEYS if fate[key] == "again"]
    for key in KEYS:
        whole = key in yielded and key != cut_short
        stored = whole and fate[key] in ("good", "empty", "batches", "output", "again")
        last_of_all = fate[key] == "again" and agains == [key] and yielded and yielded[-1] == key
        undone = fate[key] == "again" and raises_before >= len(KEYS) and not last_of_all
        count = {"empty": 0, "good": 2, "batches": 2, "output": 2, "again": 4 if last_of_all else 2}.get(fate[key])
        expected[key] = (not stored or undone, count if stored else 5)

    with Engine(project_of([batched(plays)], {"io_manager": store}), open_ledger(folder / "home")) as engine:
        first = batched(lambda context: old)
        with Engine(project_of([first], {"io_manager": store}), open_ledger(folder / "home")) as before:
            made = before.plan(before.select(None), PartitionRequest(), system_clock())
            assert before.run(made, workers=workers).success
        again = engine.plan(engine.select(None), PartitionRequest(tuple(KEYS)), system_clock())
        result = engine.run(again, workers=workers)
        known = engine.ledger.statuses("plays")
        assert engine.ledger.leases(result.run_id) == []
    with duckdb.connect(str(folder / "db.duckdb"), read_only=True) as connection:
        there = dict(connection.execute("select date, count(*) from public.plays group by 1").fetchall())
    assert {key: (known[key].status is Status.FAILED, there.get(key, 0)) for key in KEYS} == expected
    assert set(failures(result)) == {key for key, (failed, _) in expected.items() if failed}
    assert result.materialized == sum(not failed for failed, _ in expected.values())


# --- a person stops the run


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_stopped_keeps_what_has_landed_and_asks_for_no_more(home, resources, tmp_path, workers):
    token, yielded, closed = CancelToken(), [], []

    def plays(context):
        try:
            for key in context.partition_keys:
                yielded.append(key)
                yield key, dg.Output(frame(key))
                if len(yielded) == 3:
                    token.cancel()
        finally:
            closed.append(True)

    with Engine(project_of([batched(plays)], resources), open_ledger(home)) as engine:
        plan = engine.plan(engine.select(None), PartitionRequest(), system_clock())
        result = engine.run(plan, workers=workers, cancel=token)
        assert engine.ledger.leases(result.run_id) == []
    assert result.state is RunState.CANCELED
    assert closed == [True]
    assert yielded == KEYS[:4]  # the fourth was under way
    there = set(rows(tmp_path))
    assert there == {key for key, status in statuses(home).items() if status is Status.MATERIALIZED} == set(KEYS[:4])
    assert {report.partition for report in result.interrupted} == set(KEYS[4:])
