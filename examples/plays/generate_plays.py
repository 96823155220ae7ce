"""Write the input of the plays example, `YYYY/MM/DD/plays.csv`: the same bytes for the same arguments."""

from __future__ import annotations

import argparse
import random
from datetime import date, timedelta
from pathlib import Path

HEADER = "play_id,quarter,team,player,yards,points\n"
TEAMS = ("Albatrosses", "Badgers", "Cormorants", "Dippers", "Egrets", "Fulmars")


def plays_of(day: date, rows: int) -> str:
    """One day's file: a header and `rows` lines."""
    chance = random.Random(day.toordinal())  # noqa: S311 - repeatable on purpose
    lines = [
        f"{day:%Y%m%d}{number:05d},{number * 4 // rows + 1},{chance.choice(TEAMS)},player-{chance.randrange(60):02d},"
        f"{chance.gauss(5, 7):.1f},{chance.choice((0, 0, 0, 0, 3, 6, 7))}\n"
        for number in range(rows)
    ]
    return HEADER + "".join(lines)


def generate(into: Path, start: date, days: int, rows: int) -> None:
    """Write `days` files of `rows` plays each, the first for `start`."""
    for offset in range(days):
        day = start + timedelta(days=offset)
        folder = into / f"{day:%Y}" / f"{day:%m}" / f"{day:%d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plays.csv").write_text(plays_of(day, rows), encoding="utf-8")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--into", type=Path, default=Path(), help="the folder to write below (default: here)")
    arguments.add_argument("--start", type=date.fromisoformat, default=date(2024, 1, 1), help="the first day")
    arguments.add_argument("--days", type=int, default=60, help="how many days (default: 60)")
    arguments.add_argument("--rows", type=int, default=1_000, help="plays a day (default: 1000)")
    chosen = arguments.parse_args()
    generate(chosen.into, chosen.start, chosen.days, chosen.rows)
