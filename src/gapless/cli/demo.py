"""`gapless demo`: see it work, from files to a repaired table."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import click

from gapless.cli.project_template import DEMO_DAYS, write_demo, write_plays
from gapless.cli.settings import Settings, project_options
from gapless.errors import GaplessError, InvocationError

__all__ = ["demo"]

_BROKEN = date(2024, 2, 14)
_TOTALS = "SELECT team, count(*) AS plays, sum(points) AS points FROM plays GROUP BY team ORDER BY points DESC LIMIT 3"


@click.command()
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), metavar="PATH", help="Where to make it (default: a new folder)."
)
@project_options
@click.pass_context
def demo(ctx: click.Context, folder: Path | None) -> int:
    """See it work: two months of plays become a table; one day breaks, and is repaired.

    Every command is shown as you would type it, and really run. The folder stays, for you to play with.
    """
    if ctx.ensure_object(Settings).as_json:
        raise click.UsageError("the demo is for people; its commands have --json, each for itself.")
    if folder is None:
        folder = Path(tempfile.mkdtemp(prefix="gapless-demo-"))
    elif folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvocationError(f"{folder} is not an empty folder", "Give one that is new or empty, or leave --dir out")
    folder.mkdir(parents=True, exist_ok=True)
    stage = _Stage(folder, ctx.color is False)

    stage.say(f"{DEMO_DAYS} days of plays, one file a day, below {folder}")
    write_demo(folder)
    stage.say("Two assets: `plays`, a partition a day, and `team_weeks`, which reads seven of them.")
    stage.run("list")

    stage.say("Nothing has been made yet, so everything is missing. Make it.")
    stage.run("materialize")

    stage.say("An upload breaks off and leaves an empty file; then the week around it is made again.")
    broken = folder / f"{_BROKEN:%Y/%m/%d}" / "plays.csv"
    broken.write_text("", encoding="utf-8")
    click.echo(stage.prompt(f"truncate --size 0 {broken.relative_to(folder)}"))
    stage.run("materialize", "plays*", "--range", "2024-02-11..2024-02-17", expect=1)

    stage.say("One day failed, the week that reads it was skipped; the rows from before are still there.")
    stage.run("status", "plays")

    stage.say("The file is repaired. What failed, and what was skipped because of it, is made again: nothing else.")
    write_plays(folder, _BROKEN)
    stage.run("materialize", "--failed")
    stage.run("status")
    stage.run("query", _TOTALS)

    click.echo(f"\n{click.style('Now you:', bold=True)}")
    click.echo(f"  {click.style(f'cd {shlex.quote(str(folder))}', bold=True)}")
    for command, meaning in (
        ("gapless plan --all", "what would run, and why"),
        ("gapless materialize --last 7", "the newest week again: no row is doubled"),
        ("gapless runs show", "what the newest run did"),
        ("gapless init my_project", "a project of your own"),
    ):
        click.echo(f"  {click.style(command, bold=True):<40}  {click.style(meaning, dim=True)}")
    return 0


class DemoError(GaplessError):
    """A command of the demo did not end as it should."""


class _Stage:
    """Runs the program's own commands in the demo's folder, each in a process of its own, as a person would."""

    def __init__(self, folder: Path, no_color: bool) -> None:
        self._folder = folder
        # A home that is set would mix the demo with a real project.
        self._environment = {name: value for name, value in os.environ.items() if name != "GAPLESS_HOME"}
        self._environment["COLUMNS"] = str(shutil.get_terminal_size((100, 24)).columns)
        self._no_color = no_color

    def say(self, text: str) -> None:
        click.echo(f"\n{click.style(f'# {text}', fg='cyan')}")

    def prompt(self, line: str) -> str:
        return f"{click.style('$', fg='green')} {click.style(line, bold=True)}"

    def run(self, *words: str, expect: int = 0) -> None:
        """One command; shown, then run."""
        click.echo(self.prompt(shlex.join(["gapless", *words])))
        sys.stdout.flush()
        program = [sys.executable, "-m", "gapless.cli.main", *words, *(["--no-color"] if self._no_color else [])]
        code = subprocess.run(program, cwd=self._folder, env=self._environment, check=False).returncode  # noqa: S603
        if code != expect:
            raise DemoError(
                f"the demo's command ended with exit code {code} instead of {expect}. Its folder is {self._folder}."
            )
