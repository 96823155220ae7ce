"""The program `gapless`: which commands there are, and how it ends."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import textwrap
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

import click

from gapless.cli.output import UnwrittenError, steady_streams
from gapless.cli.settings import Settings, project_options
from gapless.cli.terminal import width
from gapless.errors import GaplessError, closest

__all__ = ["main", "run"]

_HELP: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())  # since Click 8.2; before, Click printed it itself
INTERRUPTED = 130  # what a shell reports of a program that Ctrl-C ended

# Name -> where it is, and one line of help. A module is imported when its command runs: `status` must not pay for what
# only `query` needs.
_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("gapless.cli.init:init", "Make a folder with a project that runs."),
    "demo": ("gapless.cli.demo:demo", "See it work: two months of plays, a broken day, its repair."),
    "list": ("gapless.cli.listing:list_", "Assets, jobs and schedules."),
    "status": ("gapless.cli.status:status", "What is there and what is missing: counts, heat map, gaps."),
    "plan": ("gapless.cli.plan:plan", "What would run and why. Changes nothing."),
    "materialize": ("gapless.cli.materialize:materialize", "Make partitions; by default all that are missing."),
    "runs": ("gapless.cli.runs:runs", "What has run: list, show, logs, cancel."),
    "history": ("gapless.cli.history:history_", "What became of a partition: commits, failures, checks."),
    "partitions": ("gapless.cli.partitions:partitions", "Which partitions an asset has."),
    "schedules": ("gapless.cli.schedules:schedules", "List, preview, start and stop schedules."),
    "serve": ("gapless.cli.schedules:serve", "Run the schedules."),
    "query": ("gapless.cli.query:query", "Read what the assets hold, with SQL."),
    "publish": ("gapless.cli.publish:publish", "Copy assets to a file or folder that other programs open."),
    "restore": ("gapless.cli.restore:restore", "Make an earlier version of a partition the present one again."),
    "compact": ("gapless.cli.compact:compact", "Give back the room of what was replaced or wiped."),
    "wipe": ("gapless.cli.wipe:wipe", "Delete partitions: data and status together."),
}


class _LazyGroup(click.Group):
    """Commands that are imported when they run, and named from the table until then."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, attribute = _COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)  # noqa: S101  the table above is ours
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in _COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = closest(args[0], _COMMANDS)
            offer = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
            ctx.fail(f"there is no command {args[0]!r}.{offer}")
        return super().resolve_command(ctx, args)


@click.group(
    cls=_LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option("--version", is_flag=True, help="Print the version.")
@project_options
@click.pass_context
def _gapless(ctx: click.Context, version: bool) -> None:
    """Partitioned data assets in Python, without gaps.

    A new project:  gapless init NAME.  A first look:  gapless demo.
    """
    if version:
        from importlib.metadata import version as version_of

        click.echo(f"gapless {version_of('gapless')}")
    elif ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line; by default that of the process.

    Returns:
        The exit code: 0 done, 1 some partitions were not made, 2 usage or definition error, 130 interrupted.
    """
    try:
        code = _gapless.main(
            args=None if arguments is None else list(arguments),
            prog_name="gapless",
            obj=Settings(),
            standalone_mode=False,
        )
    except GaplessError as error:
        _say_error(str(error))
        return error.exit_code
    except click.Abort:
        _say("stopped.")
        return INTERRUPTED
    except _HELP as error:  # a group without a command
        _say(error.format_message())
        return 2
    except click.UsageError as error:
        context = error.ctx
        hint = f" Help: {context.command_path} --help" if context is not None else ""
        _say_error(f"{_sentence(error.format_message())}{hint}")
        return 2
    except click.ClickException as error:
        _say_error(error.format_message())
        return 2
    except SystemExit as end:  # a reader such as `head` that left early
        return end.code if isinstance(end.code, int) else 1
    except UnwrittenError as error:
        _say_error(f"standard output could not be written: {error.strerror}.")
        return 1
    except Exception:  # what nobody foresaw is ours to explain, whatever it is
        traceback.print_exc()
        _say_error("this is a bug in Gapless, not in your project. Please report it, with the lines above.")
        return 1
    return code if isinstance(code, int) else 0


def run() -> NoReturn:
    """The program: `main`, and out.

    The process ends at once: functions that are still at work in threads after Ctrl-C are not waited for, and DuckDB's
    bindings get no chance to report what the interpreter's end takes from them.
    """
    steady_streams()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _sentence(text: str) -> str:
    """Click's messages as sentences of ours."""
    text = text[:1].lower() + text[1:]
    text = re.sub(r"\.? \(Did you mean one of: (.+)\?\)\.?$", lambda offer: _either(offer[1]), text)
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _either(offer: str) -> str:
    return f". Did you mean {' or '.join(offer.split(', '))}?"


def _say_error(message: str) -> None:
    if sys.stderr.isatty():  # elsewhere, one line of ours stays one line, for grep
        first, *rest = message.splitlines() or [""]
        message = "\n".join((_wrapped(first, len("error: ")), *map(_wrapped, rest)))
    _say(f"{click.style('error:', fg='red', bold=True)} {message}")


def _say(text: str) -> None:
    with contextlib.suppress(UnwrittenError):  # nobody can be told; the exit code still says it
        click.echo(text, err=True)


def _wrapped(line: str, hang: int = 0) -> str:
    """`line` as it fits the terminal behind a margin of `hang` columns, which is there already."""
    if line[:1].isspace():  # an excerpt or a traceback
        return line
    margin = " " * hang
    return textwrap.fill(
        line,
        width() - 1,
        initial_indent=margin,
        subsequent_indent=margin,
        break_long_words=False,
        break_on_hyphens=False,
    )[hang:]


if __name__ == "__main__":
    run()
