"""`gapless status` about an asset with many recorded partitions, in a process that starts for it."""

from __future__ import annotations

from benchmarks.arena import CONTESTANTS, Arena
from benchmarks.measure import Contestant, Figure, median_seconds, paired, run

__all__ = ["measure"]


def measure(arena: Arena) -> list[Figure]:
    """All assets, and the heat map of one; the partitions were made by a real run."""
    folder = arena.folder / "many"
    folder.mkdir()
    environment = {"BENCH_PARTITIONS": str(arena.partitions), "GAPLESS_HOME": str(folder / "gapless-home")}
    definitions = ["-f", CONTESTANTS / "gapless_many.py"]
    run(Contestant("making them", [arena.gapless, "materialize", "many", *definitions, "--all"], folder, environment))
    asked = [
        Contestant("gapless status", [arena.gapless, "status", *definitions], folder, environment),
        Contestant("gapless status many", [arena.gapless, "status", "many", *definitions], folder, environment),
    ]
    samples = paired(asked, 3 * arena.rounds, warm_up=True)
    seconds = {name: median_seconds(runs) for name, runs in samples.items()}
    return [
        Figure(
            f"`{name}`, {arena.partitions:,} recorded partitions, cold",
            value,
            0.5,
            f"{value:.2f} s whole process",
            unit="s",
        )
        for name, value in seconds.items()
    ]
