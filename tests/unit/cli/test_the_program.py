"""How the program is entered, how it ends, and the options that every command has."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gapless.cli import main as program
from gapless.cli.main import main


def test_every_command_of_the_table_can_be_imported(cli):
    for name in program._COMMANDS:
        assert cli(name, "--help").code == 0


def test_the_table_says_what_the_commands_say(cli):
    listed = cli("--help").out

    assert cli().out == listed
    for name, (_, line) in program._COMMANDS.items():
        assert name in listed
        assert line in listed


def test_h_is_help(cli):
    assert cli("status", "-h").out == cli("status", "--help").out


def test_the_version_is_printed(cli):
    assert cli("--version").out.startswith("gapless 0.")


def test_a_mistyped_command_is_answered_with_the_closest(cli):
    ended = cli("materialise")

    assert ended.code == 2
    assert ended.err == ("error: there is no command 'materialise'. Did you mean 'materialize'? Help: gapless --help\n")


def test_a_command_like_no_other_is_only_refused(cli):
    assert cli("xyzzy").err == "error: there is no command 'xyzzy'. Help: gapless --help\n"


def test_a_group_without_a_command_shows_its_help(cli):
    ended = cli("runs")

    assert ended.code == 2
    assert "show" in ended.err
    assert "error" not in ended.err


def test_an_unknown_option_is_a_usage_error(cli):
    ended = cli("status", "--frobnicate")

    assert ended.code == 2
    assert ended.err == "error: no such option '--frobnicate'. Help: gapless status --help\n"


def test_a_mistyped_option_is_answered_with_the_closest(cli):
    ended = cli("materialize", "--lst", "3")

    assert re.fullmatch(r"error: no such option '--lst'\. Did you mean .*'--last'.*\? Help: .*\n", ended.err)
    assert "(" not in ended.err


def test_examples_in_a_help_stand_on_lines_of_their_own(cli):
    assert '\n  gapless query "SHOW ALL TABLES"\n' in cli("query", "--help").out


def test_no_line_of_a_list_of_commands_is_cut_off(cli):
    for group in ("runs", "schedules", "partitions"):
        assert "..." not in cli(group, "--help").out.split("Commands:")[1]


@pytest.mark.parametrize("line", [("-f", "other.py", "list"), ("list", "-f", "other.py")])
def test_the_file_is_named_before_or_after_the_command(line, cli, project):
    (project / "definitions.py").rename(project / "other.py")

    ended = cli(*line)

    assert ended.code == 0
    assert ended.out.startswith("other.py: 3 assets")


def test_a_module_is_named_instead(cli, project):
    (project / "definitions.py").rename(project / "league_of_plays.py")

    assert cli("list", "-m", "league_of_plays").out.startswith("league_of_plays: 3 assets")


def test_a_file_and_a_module_at_once_are_refused(cli, project):
    ended = cli("list", "-f", "definitions.py", "-m", "definitions")

    assert ended.code == 2
    assert "Give one of -f and -m" in ended.err


def test_commands_to_type_next_name_the_same_file(cli, project):
    (project / "definitions.py").rename(project / "my plays.py")

    assert "gapless materialize plays -f 'my plays.py'" in cli("plan", "plays", "-f", "my plays.py").out


def test_without_definitions_it_says_what_to_do(cli, folder):
    ended = cli("status")

    assert ended.code == 2
    assert ended.out == ""
    assert "there is no definitions.py in" in ended.err
    assert "gapless init NAME" in ended.err


def test_an_exception_in_the_users_file_is_shown_with_their_lines_only(cli, project):
    (project / "definitions.py").write_text("import polars\n1 / 0\n", encoding="utf-8")

    ended = cli("list")

    assert ended.code == 2
    assert ended.err.startswith("error: definitions.py:2: loading it raised ZeroDivisionError: division by zero.")
    assert "gapless/cli" not in ended.err


def test_a_syntax_error_shows_the_place(cli, project):
    (project / "definitions.py").write_text("def plays(:\n", encoding="utf-8")

    ended = cli("list")

    assert ended.code == 2
    assert "definitions.py:1: this is not valid Python" in ended.err
    assert "^" in ended.err


def test_a_file_for_dagster_is_read_with_as_dagster_and_says_so_on_standard_error(cli, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    text = text.replace("import gapless as dg", "import dagster as dg")
    text = text.replace("from gapless import", "from dagster_duckdb_polars import")
    (project / "definitions.py").write_text(text, encoding="utf-8")
    script = "import sys; from gapless.cli.main import main; sys.exit(main(sys.argv[1:]))"

    ended = subprocess.run(
        [sys.executable, "-c", script, "list", "--as-dagster", "--json"], capture_output=True, text=True, check=False
    )

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("{")
    assert "note: dagster" in ended.stderr


def test_a_bug_of_ours_asks_to_be_reported_and_keeps_its_traceback(cli, project, monkeypatch):
    def slip(*_):
        raise RuntimeError("we slipped")

    monkeypatch.setattr("gapless.cli.listing.open_ledger", slip)

    ended = cli("list")

    assert ended.code == 1
    assert "RuntimeError: we slipped" in ended.err
    assert ended.err.endswith(
        "error: this is a bug in Gapless, not in your project. Please report it, with the lines above.\n"
    )


PROGRAM = [sys.executable, "-c", "from gapless.cli.main import run; run()"]


def shell(line: str) -> subprocess.CompletedProcess[str]:
    """A line of the shell, in which ``gapless`` is the program."""
    function = f'gapless() {{ {shlex.join(PROGRAM)} "$@"; }}\n'
    return subprocess.run(["bash", "-c", function + line], capture_output=True, text=True, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("command", ["list", "list --json", "status plays", "materialize", "--help"])
def test_a_full_disk_under_standard_output_is_one_line_and_exit_code_1(command, project):
    ended = shell(f"gapless {command} > /dev/full")

    assert ended.stderr == "error: standard output could not be written: No space left on device.\n"
    assert ended.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_where_not_even_the_error_can_be_written_the_exit_code_says_it(project):
    assert shell("gapless nonsense 2> /dev/full").returncode == 2


def test_a_reader_that_has_seen_enough_ends_the_program_in_silence(project):
    ended = shell("(sleep 0.5; gapless list) | true")

    assert ended.stderr == ""


@pytest.mark.parametrize("closed", ["1>&-", "2>&-"])
def test_a_closed_stream_swallows_what_it_is_given(closed, project):
    assert shell(f"gapless list {closed}").returncode == 0


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_text_that_cannot_be_printed_is_escaped_and_ends_no_command(encoding, project):
    text = (project / "definitions.py").read_text(encoding="utf-8")
    (project / "definitions.py").write_text(text.replace("the file is torn", "\\ud800 zerrissen ü"), encoding="utf-8")
    (project / "broken-2024-01-09").touch()
    python = f"export PYTHONIOENCODING={encoding};"

    made = shell(f"{python} gapless materialize plays")
    shown = shell(f"{python} gapless status plays")
    logged = shell(f"{python} gapless runs logs --failed")
    value = shell(f"{python} gapless status plays --json")

    assert (made.returncode, made.stderr) == (1, "")
    for ended in (made, shown, logged):
        assert re.search(r"ValueError: (\\ud800|\?) zerrissen", ended.stdout)
    assert json.loads(value.stdout)["failures"][0]["reason"].endswith("zerrissen ü")


def test_ctrl_c_outside_a_run_ends_with_130(cli, project, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("gapless.cli.listing.open_ledger", interrupt)

    ended = cli("list")

    assert (ended.code, ended.err.strip()) == (130, "stopped.")


def test_colours_are_for_terminals(cli, project):
    assert "\x1b[" not in cli("list").out


@pytest.mark.parametrize(
    ("options", "environment", "coloured"),
    [((), {}, True), (("--no-color",), {}, False), ((), {"NO_COLOR": "1"}, False), ((), {"NO_COLOR": ""}, True)],
)
def test_colours_can_be_turned_off(options, environment, coloured, project, monkeypatch):
    import click

    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    printed = []
    monkeypatch.setattr(
        click, "echo", lambda text="", **_: printed.append(click.get_current_context().color is not False)
    )

    assert main([*options, "list"]) == 0

    assert set(printed) == {coloured}


def test_commands_import_only_what_they_need():
    script = (
        "import sys; import gapless.cli.main, gapless.cli.status;"
        " print(sorted({'polars', 'duckdb', 'pyarrow', 'pydantic', 'rich', 'gapless.engine'} & set(sys.modules)))"
    )

    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert ended.stdout.strip() == "[]"
