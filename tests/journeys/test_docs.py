"""Everything that the documentation shows is run as a reader would run it.

In a page's code blocks,

- ``python title="definitions.py"`` is a file that the reader writes;
- ``python`` without a title is run as it stands, together with those that follow it directly;
- ``console`` is typed: a line after ``$`` is the command, what follows must be in its output, in this order. ``…`` in a
  line stands for anything, a line of only ``…`` for any lines.

Each page is one session in a folder of its own. The README's programs start as a reader starts them; those of the other
pages come from the nursery, which changes nothing but the time that they take.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import nursery

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(?P<language>\w+)(?P<options>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FOR_GAPLESS_ALONE = re.compile(r"""gapless( +([\w./,:=@+-]+|"[^"$`\\]*"|'[^']*'))*""")
TITLE = re.compile(r'title="([^"]+)"')


def runnable(page: Path) -> list[tuple[str, str, str]]:
    return [
        (block["language"], block["options"], block["text"])
        for block in BLOCK.finditer(page.read_text())
        if block["language"] in ("python", "console") and "not-run" not in block["options"]
    ]


PAGES_WITH_CODE = [page for page in PAGES if runnable(page)]


def environment() -> dict[str, str]:
    programs = Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GAPLESS_")}
    return {**kept, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "NO_COLOR": "1", "COLUMNS": "100"}


def run(command: list[str] | str, folder: Path, cold: bool) -> str:
    how = {"cwd": folder, "env": environment(), "stderr": subprocess.STDOUT, "timeout": 120}
    if not cold and (words := words_for_gapless(command)):
        done = nursery.run(words, **how)
    else:
        done = subprocess.run(command, shell=isinstance(command, str), stdout=subprocess.PIPE, text=True, **how)
    if not isinstance(command, str):
        assert done.returncode == 0, done.stdout
    return done.stdout


def words_for_gapless(command: list[str] | str) -> list[str] | None:
    """The words of a command, unless it needs a shell or another program."""
    if not isinstance(command, str):
        return command
    return shlex.split(command) if FOR_GAPLESS_ALONE.fullmatch(command) else None


def commands(text: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        elif line.strip() and found:
            found[-1][1].append(line.strip())
    return found


def assert_shows(output: str, expected: list[str], command: str) -> None:
    lines = [" ".join(line.split()) for line in output.splitlines()]
    position = 0
    for wanted in expected:
        if wanted == "…":
            continue
        pattern = re.compile(".*".join(re.escape(" ".join(part.split())) for part in wanted.split("…")))
        position = next((i + 1 for i in range(position, len(lines)) if pattern.search(lines[i])), 0)
        assert position, f"$ {command}\nshould show {wanted!r} but showed:\n{output}"


def test_there_are_pages_with_code():
    assert PAGES_WITH_CODE


@pytest.mark.parametrize("page", PAGES_WITH_CODE, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_the_page_shows_is_what_happens(page, tmp_path):
    cold = page == ROOT / "README.md"
    script = ""
    for language, options, text in [*runnable(page), ("", "", "")]:
        title = TITLE.search(options)
        if language == "python" and not title:
            script += text
            continue
        if script:
            run([sys.executable, "-c", script], tmp_path, cold)
            script = ""
        if title:
            (tmp_path / title[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / title[1]).write_text(text)
        else:
            for command, expected in commands(text):
                if command.startswith("make "):
                    continue  # the README's two commands are what brought the reader, and this test, here
                assert_shows(run(command, tmp_path, cold), expected, command)
