"""`gapless init`: a project that runs."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from gapless.cli.project_template import write_project
from gapless.cli.settings import Settings, project_options
from gapless.errors import InvocationError

__all__ = ["init"]


@click.command()
@click.argument("name", type=click.Path(path_type=Path))
@project_options
@click.pass_obj
def init(settings: Settings, name: Path) -> None:
    """Make the folder NAME with a project that runs: two assets, one reads the other, with sample data.

    Files that are there already are never touched: the folder must be new or empty.
    """
    if name.exists() and not name.is_dir():
        raise InvocationError(f"{name} is a file", "Give the name of a folder that is new or empty")
    if name.is_dir() and any(name.iterdir()):
        raise InvocationError(f"the folder {name} is not empty", "Give the name of a folder that is new or empty")
    try:
        name.mkdir(parents=True, exist_ok=True)
        written = write_project(name, name.resolve().name, datetime.now(UTC).date())
    except OSError as error:
        raise InvocationError(f"cannot write to {error.filename or name}: {error.strerror}") from None
    if settings.as_json:
        settings.print_json({"folder": str(name.resolve()), "files": [str(file.name) for file in written]})
        return
    for file in written:
        click.echo(f"wrote {file}")
    click.echo("\nnext:")
    if name.resolve() != Path.cwd():
        click.echo(f"  {click.style(f'cd {shlex.quote(str(name))}', bold=True)}")
    click.echo(f"  {click.style('gapless materialize', bold=True)}")
    click.echo(f"  {click.style('gapless status plays', bold=True)}")
