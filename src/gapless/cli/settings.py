"""The options that every command has, before or after its name."""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from gapless.definitions.loading import load_project
from gapless.definitions.project import Project

__all__ = ["Settings", "project_options"]

_F = TypeVar("_F", bound=Callable[..., Any])


@dataclass(slots=True)
class Settings:
    """What was said with the options that every command has; ``ctx.obj`` of a command.

    Attributes:
        file, module: Where the definitions are; both None for the default place.
        as_dagster: Dagster's names resolve to Gapless.
        as_json: Print one JSON value and nothing else on standard output.
    """

    file: Path | None = None
    module: str | None = None
    as_dagster: bool = False
    as_json: bool = False

    def load(self) -> Project:
        """The user's project. Notices go to standard error.

        Raises:
            DefinitionError: It cannot be loaded, or does not hold together.
        """
        project = load_project(self.file, self.module, self.as_dagster)
        for notice in project.notices:
            click.echo(f"note: {notice}", err=True)
        return project

    def command(self, *words: str) -> str:
        """A command line that a person can type next, for the same project."""
        same = ["-f", str(self.file)] if self.file else ["-m", self.module] if self.module else []
        return shlex.join(["gapless", *words, *same, *(["--as-dagster"] if self.as_dagster else [])])

    def print_json(self, value: Any) -> None:
        """One JSON value, for programs."""
        # JSON has escapes of its own for what an encoding lacks; those of Python would not be JSON.
        every_character = (getattr(sys.stdout, "encoding", None) or "ascii").lower().startswith("utf")
        click.echo(json.dumps(value, indent=2, ensure_ascii=not every_character, default=str))


def project_options(command: _F) -> _F:
    """Add the options that every command has."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def _set(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value:
        setattr(ctx.ensure_object(Settings), str(parameter.name), value)


def _set_colour(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    # https://no-color.org: any value that is not empty.
    if value or os.environ.get("NO_COLOR"):
        ctx.color = False


_OPTIONS: tuple[Callable[[Any], Any], ...] = (
    click.option(
        "-f",
        "--file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        expose_value=False,
        callback=_set,
        help="The definitions file (default: definitions.py).",
    ),
    click.option(
        "-m", "--module", metavar="MODULE", expose_value=False, callback=_set, help="The definitions module instead."
    ),
    click.option(
        "--as-dagster",
        is_flag=True,
        expose_value=False,
        callback=_set,
        help="Read a file that imports Dagster: its names resolve to Gapless.",
    ),
    click.option(
        "--json", "as_json", is_flag=True, expose_value=False, callback=_set, help="Print JSON, for programs."
    ),
    click.option(
        "--no-color", is_flag=True, expose_value=False, callback=_set_colour, help="No colours (also: NO_COLOR=1)."
    ),
)
