"""Draw the README's picture: the real program on a generated project, as a terminal shows it.

Run it from the repository's root, with the environment that `make setup` made:

    .venv/bin/python docs/pictures/draw.py
"""

from __future__ import annotations

import io
import os
import pty
import shutil
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console
from rich.text import Text

COLUMNS = 100
EXAMPLE = Path(__file__).parents[2] / "examples" / "plays"


def shown(command: list[str], folder: Path) -> str:
    """What `command` prints on a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    process = subprocess.Popen(command, cwd=folder, stdout=follower, stderr=follower, env=environment)
    os.close(follower)
    pieces = []
    while True:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        pieces.append(piece)
    os.close(leader)
    process.wait()
    return b"".join(pieces).decode()


def main() -> None:
    """Make the project, break and leave out some days, and draw its status."""
    gapless = [sys.executable, "-m", "gapless.cli.main"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copy(EXAMPLE / "generate_plays.py", folder)
        definitions = (EXAMPLE / "definitions.py").read_text()
        ended = definitions.replace('start_date="2024-01-01"', 'start_date="2024-01-01", end_date="2024-05-01"')
        (folder / "definitions.py").write_text(ended)
        subprocess.run([sys.executable, "generate_plays.py", "--days", "121"], cwd=folder, check=True)
        for day in (date(2024, 2, 14), date(2024, 3, 9)):
            (folder / f"{day:%Y/%m/%d}" / "plays.csv").write_text("")
        made = ["2024-01-01..2024-03-20", f"{date(2024, 3, 25)}..{date(2024, 3, 25) + timedelta(days=36)}"]
        ranges = [part for span in made for part in ("--range", span)]
        subprocess.run([*gapless, "materialize", "plays", *ranges], cwd=folder, stdout=subprocess.DEVNULL)
        console = Console(record=True, width=COLUMNS, file=io.StringIO())
        console.print(Text("$ gapless status plays", style="bold"))
        console.print(Text.from_ansi(shown([*gapless, "status", "plays"], folder).replace("\r\n", "\n")))
        console.save_svg(str(Path(__file__).with_name("status.svg")), title="gapless")


if __name__ == "__main__":
    main()
