"""One day of a full table, replaced by a process that starts for it."""

from __future__ import annotations

import sys

from benchmarks.arena import CONTESTANTS, DAGSTER_SETTINGS, Arena
from benchmarks.measure import Contestant, Figure, median_seconds, paired, run

__all__ = ["measure"]

DAY = "2021-02-03"


def measure(arena: Arena) -> list[Figure]:
    """Against a bare script that imports polars and duckdb, and against the incumbent's command line."""
    run(arena.ours)  # fills the table and the ledger that the cold processes then meet
    environment = {**arena.environment, "BENCH_DAY": DAY}
    everything = {"rows": arena.days * arena.rows, "days": arena.days}
    selection = ["plays", "-f", CONTESTANTS / "gapless_plays.py", "--partition", DAY]
    ours = Contestant(
        "gapless",
        [arena.gapless, "materialize", *selection],
        arena.plays,
        environment,
        before="spoil_day.py",
        produces=everything,
    )
    bare = Contestant(
        "bare script",
        [sys.executable, CONTESTANTS / "bare_write.py"],
        arena.plays,
        environment,
        before="spoil_day.py",
        produces=everything,
    )
    samples = paired([ours, bare], 3 * arena.rounds, warm_up=True)

    # By itself and last: it takes seconds, and on the chapter's text column it puts the rows of the wrong day away.
    program = [arena.peer_python.parent / "dagster", "asset", "materialize", "--select", "plays", "--partition", DAY]
    dagster = Contestant(
        "dagster", [*program, "-f", CONTESTANTS / "dagster_plays.py"], arena.plays, environment, files=DAGSTER_SETTINGS
    )
    samples |= paired([dagster], 1 if arena.rounds < 3 else 3)

    seconds = {name: median_seconds(runs) for name, runs in samples.items()}
    return [
        Figure(
            "`gapless materialize plays --partition K`, cold ÷ a bare script",
            seconds["gapless"] / seconds["bare script"],
            2,
            f"{seconds['gapless']:.2f} s against {seconds['bare script']:.2f} s",
        ),
        Figure(
            "the same: times faster than `dagster asset materialize`",
            seconds["dagster"] / seconds["gapless"],
            None,
            f"{seconds['gapless']:.2f} s against {seconds['dagster']:.2f} s",
            at_least=True,
        ),
    ]
