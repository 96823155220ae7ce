"""A ledger against a slow, obvious model of it, in random sequences of calls."""

# ruff: noqa: S101  these are tests, though they are shipped

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from gapless.ledger.contract import Claim, EventKind, Ledger, Outcome, RunState, Status, StatusRecord
from gapless.ledger.process import ProcessIdentity
from gapless.testing.ledger_processes import OpenLedger, a_finished_process, run_of

__all__ = ["LedgerModel", "check_ledger_against_model"]

_ASSETS = ("plays", "weekly")
_RUNS = ("r", "s", "t", "dead")
_KEYS = (None, "a", "b", "it's|☃")

_asset = st.sampled_from(_ASSETS)
_run = st.sampled_from(_RUNS)
_keys = st.lists(st.sampled_from(_KEYS), max_size=5)
_kind = st.sampled_from(
    [
        (EventKind.MATERIALIZED, Status.MATERIALIZED),
        (EventKind.FAILED, Status.FAILED),
        (EventKind.SKIPPED, Status.SKIPPED),
        (EventKind.INTERRUPTED, None),
        (EventKind.RETRIED, None),
        (EventKind.LOG, None),
        (EventKind.CHECKED, None),
        (EventKind.RECONCILED, Status.MATERIALIZED),
    ]
)
_results = st.lists(st.tuples(_asset, st.sampled_from(_KEYS), _kind, st.integers(-30, 0)), max_size=5)
_name = st.sampled_from(["customers", "it's"])
_dynamic_keys = st.lists(st.sampled_from(["a", "b", "c", "it's|☃", " d"]), max_size=4)
_Slice = tuple[str, str | None]


class LedgerModel(RuleBasedStateMachine):
    """States, leases, runs and dynamic keys in dictionaries; after each step the ledger has to say the same.

    Subclass it with `opener`. One run, ``dead``, belongs to a process that is gone.
    """

    _gone: ProcessIdentity | None = None

    def opener(self) -> OpenLedger:
        """How a new, empty ledger is opened, for one sequence of calls."""
        raise NotImplementedError

    @initialize()
    def begin(self) -> None:
        LedgerModel._gone = LedgerModel._gone or a_finished_process()
        self.now = datetime(2024, 1, 1, tzinfo=UTC)
        self.open = self.opener()
        self.ledger: Ledger = self.open()
        self.states: dict[_Slice, StatusRecord] = {}
        self.leases: dict[_Slice, tuple[str, datetime]] = {}
        self.ended: dict[str, RunState] = {}
        self.dynamic: dict[str, list[str]] = {}
        for run_id in _RUNS:
            self.ledger.start_run(run_of(run_id, LedgerModel._gone if run_id == "dead" else None, self.now))

    def teardown(self) -> None:
        if hasattr(self, "ledger"):
            self.ledger.close()

    def tick(self) -> datetime:
        self.now += timedelta(seconds=10)
        return self.now

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = self.open()

    @rule(run_id=_run, asset=_asset, keys=_keys, back=st.none() | st.integers(0, 100))
    def claim(self, run_id: str, asset: str, keys: list[str | None], back: int | None) -> None:
        now = self.tick()
        if run_id in self.ended:
            return
        since = None if back is None else now - timedelta(seconds=back)
        claim = self.ledger.claim(run_id, asset, keys, now, since)
        held = {key: self.leases[asset, key][0] for key in keys if (asset, key) in self.leases}
        held = {key: holder for key, holder in held.items() if holder != run_id}
        granted = set(keys) - set(held)
        for key in granted:
            self.leases.setdefault((asset, key), (run_id, now))
        committed = set()
        for key in granted:
            state = self.states.get((asset, key))
            if since is None or state is None or state.committed_at is None:
                continue
            if state.status is Status.MATERIALIZED and state.run_id != run_id and since <= state.committed_at <= now:
                committed.add(key)
        assert claim == Claim(frozenset(granted), held, frozenset(committed))

    @rule(run_id=_run, asset=_asset, keys=_keys)
    def release(self, run_id: str, asset: str, keys: list[str | None]) -> None:
        self.ledger.release(run_id, asset, keys)
        for key in keys:
            self.unlease((asset, key), run_id)

    @rule(run_id=_run, results=_results)
    def record(self, run_id: str, results: list[tuple[str, str | None, tuple[EventKind, Status | None], int]]) -> None:
        outcomes = self.outcomes(results)
        self.ledger.record(run_id, outcomes)
        self.expect(run_id, outcomes)

    @rule(run_id=_run, results=_results)
    def end_crashed(
        self, run_id: str, results: list[tuple[str, str | None, tuple[EventKind, Status | None], int]]
    ) -> None:
        outcomes = self.outcomes(results)
        first = run_id not in self.ended
        assert self.ledger.end_crashed(run_id, outcomes, self.tick()) is first
        if first:
            self.expect(run_id, outcomes, found_late=True)
            self.end(run_id, RunState.CRASHED)

    @rule(run_id=_run, state=st.sampled_from([RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELED]))
    def end_run(self, run_id: str, state: RunState) -> None:
        self.ledger.end_run(run_id, state, self.tick())
        self.end(run_id, state)

    @rule(asset=_asset, keys=st.none() | _keys)
    def wipe(self, asset: str, keys: list[str | None] | None) -> None:
        there = [at for at in self.states if at[0] == asset and (keys is None or at[1] in keys)]
        assert self.ledger.wipe(asset, keys, "w", self.tick()) == len(there)
        for at in there:
            del self.states[at]

    @rule(name=_name, keys=_dynamic_keys)
    def add_dynamic_partitions(self, name: str, keys: list[str]) -> None:
        there = self.dynamic.setdefault(name, [])
        new = [key for key in dict.fromkeys(keys) if key not in there]
        assert self.ledger.add_dynamic_partitions(name, keys) == new
        there += new

    @rule(name=_name, keys=_dynamic_keys)
    def delete_dynamic_partitions(self, name: str, keys: list[str]) -> None:
        there = self.dynamic.setdefault(name, [])
        gone = [key for key in dict.fromkeys(keys) if key in there]
        assert self.ledger.delete_dynamic_partitions(name, keys) == gone
        self.dynamic[name] = [key for key in there if key not in gone]

    @rule(name=_name, limit=st.integers(1, 4), ascending=st.booleans())
    def page_through_dynamic_partitions(self, name: str, limit: int, ascending: bool) -> None:
        seen: list[str] = []
        cursor, has_more = None, True
        while has_more:
            results, cursor, has_more = self.ledger.get_paginated_dynamic_partitions(name, limit, ascending, cursor)
            seen += results
        there = self.dynamic.get(name, [])
        assert seen == (there if ascending else there[::-1])

    def outcomes(self, results: list[tuple[str, str | None, tuple[EventKind, Status | None], int]]) -> list[Outcome]:
        now = self.tick()
        return [
            Outcome(asset, key, kind, now + timedelta(seconds=back), status, f"why {n}", n, n * 2, f"v{n}", {}, f"d{n}")
            for n, (asset, key, (kind, status), back) in enumerate(results)
        ]

    def expect(self, run_id: str, outcomes: list[Outcome], found_late: bool = False) -> None:
        leased = {at for at, (holder, _) in self.leases.items() if holder == run_id}
        for outcome in outcomes:
            at = outcome.asset, outcome.partition
            held = at in leased
            if outcome.status is not None or outcome.kind is EventKind.INTERRUPTED:
                self.unlease(at, run_id)
            if outcome.status is None:
                continue
            old = self.states.get(at)
            if outcome.status is Status.MATERIALIZED:
                newer = old is not None and old.committed_at is not None and old.committed_at > outcome.at
                late = found_late and outcome.kind is EventKind.RECONCILED
                if late and newer and not (held and old and old.run_id != run_id):
                    continue
                known = StatusRecord(*at, outcome.status, run_id, outcome.at)
                self.states[at] = known._replace(
                    committed_at=outcome.at,
                    rows=outcome.rows,
                    nbytes=outcome.nbytes,
                    code_version=outcome.code_version,
                    data_version=outcome.data_version,
                )
            else:
                known = old or StatusRecord(*at, outcome.status, run_id, outcome.at)
                self.states[at] = known._replace(
                    status=outcome.status, run_id=run_id, updated_at=outcome.at, reason=outcome.reason
                )

    def end(self, run_id: str, state: RunState) -> None:
        self.ended.setdefault(run_id, state)
        self.leases = {at: lease for at, lease in self.leases.items() if lease[0] != run_id}

    def unlease(self, at: _Slice, run_id: str) -> None:
        if at in self.leases and self.leases[at][0] == run_id:
            del self.leases[at]

    @invariant()
    def the_ledger_says_the_same(self) -> None:
        shown = dict(self.states)
        for (asset, key), (run_id, since) in self.leases.items():
            if run_id != "dead":
                blank = StatusRecord(asset, key, Status.RUNNING, run_id, since)
                before = shown.get((asset, key), blank)
                shown[asset, key] = before._replace(status=Status.RUNNING, run_id=run_id, updated_at=since, reason=None)
        counts: dict[str, dict[Status, int]] = {}
        for (asset, _), record in shown.items():
            of_asset = counts.setdefault(asset, {})
            of_asset[record.status] = of_asset.get(record.status, 0) + 1
        assert self.ledger.counts() == counts
        for asset in _ASSETS:
            expected = {key: record for (owner, key), record in shown.items() if owner == asset}
            assert self.ledger.statuses(asset) == expected
            some = [None, "a"]
            assert self.ledger.statuses(asset, some) == {key: expected[key] for key in some if key in expected}
        for name, keys in self.dynamic.items():
            assert list(self.ledger.get_dynamic_partitions(name)) == keys
            asked = ["c", "a", "nope"]
            assert self.ledger.get_existing_dynamic_partitions(name, asked) == set(asked) & set(keys)
        for run_id in _RUNS:
            held = {at for at, (holder, _) in self.leases.items() if holder == run_id}
            assert set(self.ledger.leases(run_id)) == held
        running = {run.run_id for run in self.ledger.runs(states=[RunState.RUNNING])}
        assert running == set(_RUNS) - self.ended.keys()
        assert [run.run_id for run in self.ledger.dead_runs()] == ["dead"] * ("dead" not in self.ended)


def check_ledger_against_model(model: type[LedgerModel], examples: int = 40) -> None:
    """Run `examples` random sequences of calls against the model."""
    run_state_machine_as_test(
        model,
        settings=settings(
            max_examples=examples,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
