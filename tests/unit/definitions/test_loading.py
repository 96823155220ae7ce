from __future__ import annotations

import pickle
import sys
from pathlib import Path

import pytest

from gapless.asset_key import AssetKey
from gapless.definitions.discovery import candidates
from gapless.definitions.errors import LoadError
from gapless.definitions.loading import load_project
from gapless.errors import DefinitionError

BARE = """
    import gapless as dg

    @dg.asset
    def plays() -> None: ...
"""


def refusal(load, *args, **how) -> LoadError:
    with pytest.raises(LoadError) as caught:
        load(*args, **how)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    return caught.value


# --- what a file may hold


def test_a_file_may_hold_a_function_definitions(files):
    project = files.load(
        """
        import gapless as dg

        @dg.asset
        def plays() -> None: ...

        @dg.asset
        def not_listed() -> None: ...

        def definitions() -> dg.Definitions:
            return dg.Definitions([plays], jobs=[dg.define_asset_job("job", "plays")])
        """
    )
    assert [str(key) for key in project.graph.keys] == ["plays"]
    assert list(project.jobs) == ["job"]
    assert project.source == "definitions.py"
    assert project.notices == ()


@pytest.mark.parametrize("name", ["defs", "definitions", "anything"])
def test_a_file_may_hold_a_definitions_object_of_any_name(files, name):
    project = files.load(
        f"""
        import gapless as dg

        @dg.asset
        def plays() -> None: ...

        {name} = same = dg.Definitions([plays])
        """
    )
    assert len(project.graph) == 1


def test_a_file_may_hold_bare_assets_jobs_schedules_and_checks(files):
    project = files.load(
        """
        import gapless as dg

        @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01"))
        def plays() -> None: ...

        job = dg.define_asset_job("job", "plays")
        schedule = dg.build_schedule_from_partitioned_job(job)

        @dg.asset_check(asset=plays)
        def looks_right():
            return True
        """
    )
    assert (list(project.jobs), list(project.schedules)) == (["job"], ["job_schedule"])
    assert [check.name for check in project.graph.checks_of(AssetKey("plays"))] == ["looks_right"]


def test_a_bare_asset_that_stores_says_where_to_declare_its_io_manager(files):
    with pytest.raises(DefinitionError) as caught:
        files.load(BARE.replace(" -> None", ""))
    assert str(caught.value).startswith(
        "definitions.py:3: asset 'plays' stores its value with the resource 'io_manager'"
    )


def test_several_definitions_objects_are_refused_by_name(files):
    error = refusal(files.load, "import gapless as dg\none = dg.Definitions()\ntwo = dg.Definitions()\n")
    assert str(error) == (
        "definitions.py holds several Definitions: one, two. Keep one; join them with Definitions.merge(one, two),"
        " made in a function definitions()."
    )


def test_a_file_without_assets_is_refused(files):
    assert "definitions.py declares no assets. Write @asset above" in str(refusal(files.load, "x = 1\n"))


@pytest.mark.parametrize(("returned", "shown"), [("None", "nothing"), ("3", "3")])
def test_definitions_must_return_definitions(files, returned, shown):
    error = refusal(files.load, f"x = 1\ndef definitions():\n    return {returned}\n")
    assert str(error) == (
        f"definitions.py:2: definitions() returned {shown}. Return Definitions(assets=[…], resources={{…}})."
    )


# --- where it is found


def test_without_a_name_definitions_py_is_loaded(files):
    files.write("definitions.py", BARE)
    assert load_project().source == "definitions.py"


def test_pyproject_may_name_the_file_or_the_module(files):
    files.write("flows/main.py", BARE)
    files.write("pyproject.toml", '[tool.gapless]\nfile = "flows/main.py"\n')
    assert load_project().source == "flows/main.py"
    files.write("pyproject.toml", '[tool.gapless]\nmodule = "flows.main"\n')
    assert load_project().source == "flows.main"
    files.write("pyproject.toml", "[tool.gapless\n")
    assert "pyproject.toml cannot be read: " in str(refusal(load_project))


def test_a_missing_file_offers_what_looks_like_definitions(files):
    files.write("flows/main.py", BARE)
    files.write("other.py", "print('hello')\n")
    files.write(".hidden/main.py", BARE)
    assert candidates(files.folder) == [Path("flows/main.py")]
    assert str(refusal(load_project, Path("nope.py"))) == (
        "there is no file nope.py. These look like definitions: flows/main.py. Name one: -f flows/main.py"
    )
    error = str(refusal(load_project))
    assert error.startswith(f"there is no definitions.py in {files.folder}, and no [tool.gapless] in a pyproject.toml")
    assert error.endswith("Name one: -f flows/main.py")


def test_an_empty_folder_says_how_to_begin(files):
    assert "a new project is made with: gapless init NAME" in str(refusal(load_project))


def test_a_folder_instead_of_a_file_is_refused(files):
    (files.folder / "flows").mkdir()
    assert str(refusal(load_project, Path("flows"))) == "flows is a folder. Name the file: -f flows/definitions.py."


def test_a_file_that_is_not_python_is_refused(files):
    assert "is not a Python file. Name a file that ends with .py." in str(refusal(files.load, "x", name="plays.csv"))


def test_file_and_module_together_are_refused(files):
    assert "Give one of -f and -m." in str(refusal(load_project, Path("a.py"), "a"))


def test_a_module_is_loaded_from_the_working_directory(files):
    files.write("package_of_mine/__init__.py", "")
    files.write("package_of_mine/shared.py", "GROUP = 'core'\n")
    files.write(
        "package_of_mine/main.py",
        "from .shared import GROUP\n" + "import gapless\n@gapless.asset\ndef a() -> None: ...\n",
    )
    assert load_project(module="package_of_mine.main").source == "package_of_mine.main"


def test_an_unknown_module_is_refused(files):
    assert str(refusal(load_project, module="nowhere.at_all")).startswith("there is no module 'nowhere.at_all'. ")


def test_a_file_imports_its_neighbours_and_the_working_directory(files):
    files.write("flows/neighbour_of_main.py", "NAME = 'plays'\n")
    files.write("shared_by_all.py", "GROUP = 'core'\n")
    project = files.load(
        """
        import gapless
        from neighbour_of_main import NAME
        from shared_by_all import GROUP

        @gapless.asset(name=NAME, group_name=GROUP)
        def made() -> None: ...
        """,
        name="flows/main.py",
    )
    assert project.graph["plays"].group_name == "core"


def test_a_file_called_like_a_standard_module_does_not_take_its_place(files):
    import json

    files.load(BARE, name="json.py")
    assert sys.modules["json"] is json


def test_loading_again_sees_the_edited_file(files):
    assert len(files.load(BARE).graph) == 1
    assert len(files.load(BARE + "\n    @dg.asset\n    def more() -> None: ...\n").graph) == 2


# --- what is wrong with it


def test_a_syntax_error_shows_the_line_and_a_caret_and_nothing_of_ours(files):
    error = refusal(files.load, "import gapless\n\ndef plays(:\n    pass\n")
    assert str(error) == (
        "definitions.py:3: this is not valid Python: invalid syntax.\n  3 | def plays(:\n    |           ^"
    )


def test_a_syntax_error_in_an_indented_line_keeps_the_caret_in_place(files):
    lines = str(refusal(files.load, "if True:\n    x = (1,\n    y = 2\n")).splitlines()
    assert lines[0] == "definitions.py:2: this is not valid Python: '(' was never closed."
    assert lines[1] == "  2 | x = (1,"
    assert lines[2].index("^") == lines[1].index("(")


def test_a_syntax_error_in_an_imported_file_names_that_file(files):
    files.write("broken_neighbour.py", "def\n")
    assert str(refusal(files.load, "import broken_neighbour\n")).startswith("broken_neighbour.py:1: ")


def test_an_exception_while_importing_shows_the_users_frames_only(files):
    files.write("failing_neighbour.py", "def fail():\n    raise RuntimeError('no luck')\n")
    error = refusal(files.load, "import failing_neighbour\nx = 1\nfailing_neighbour.fail()\n")
    text = str(error)
    assert text.startswith("failing_neighbour.py:2: loading it raised RuntimeError: no luck.")
    assert 'definitions.py", line 3' in text
    assert 'failing_neighbour.py", line 2' in text
    assert text.endswith("RuntimeError: no luck")
    assert "gapless/definitions" not in text
    assert "importlib" not in text


def test_an_exception_inside_a_package_is_placed_where_the_user_called_it(files):
    error = refusal(files.load, "import json\n\njson.loads('{')\n")
    assert error.location == "definitions.py:3"
    assert "json.decoder.JSONDecodeError" in str(error)


def test_an_exception_in_definitions_is_shown_the_same_way(files):
    error = refusal(files.load, "def definitions():\n    return 1 / 0\n")
    assert str(error).startswith("definitions.py:2: loading it raised ZeroDivisionError: division by zero.")


def test_a_file_that_exits_is_an_error(files):
    assert "definitions.py:1: loading it raised SystemExit: 3." in str(refusal(files.load, "raise SystemExit(3)\n"))


def test_a_failed_file_leaves_no_module_behind(files):
    refusal(files.load, "1 / 0\n", name="leaves_nothing.py")
    assert "leaves_nothing" not in sys.modules


def test_a_missing_package_says_where_to_install_it(files):
    error = refusal(files.load, "import no_such_package.inside\n")
    assert f"install it where gapless runs: {sys.executable} -m pip install no_such_package" in str(error)


@pytest.mark.parametrize("line", ["import dagster as dg", "from dagster_duckdb_polars import DuckDBPolarsIOManager"])
def test_a_dagster_file_is_pointed_to_as_dagster(files, line):
    text = str(refusal(files.load, line + "\n"))
    assert "To try a Dagster file unedited, add --as-dagster; to move it, write `import gapless as dg`" in text


def test_a_relative_import_in_a_file_is_pointed_to_modules(files):
    assert "name it as a module, -m package.module" in str(refusal(files.load, "from . import x\n"))


def test_our_own_errors_pass_with_the_users_place(files):
    with pytest.raises(DefinitionError) as caught:
        files.load("import gapless\n\nx = gapless.DailyPartitionsDefinition('someday')\n")
    assert caught.value.location == "definitions.py:3"
    assert not isinstance(caught.value, LoadError)


def test_graph_errors_name_file_and_line(files):
    with pytest.raises(DefinitionError) as caught:
        files.load(BARE + "\n    @dg.asset\n    def total(playz) -> None: ...\n")
    assert str(caught.value).startswith("definitions.py:6: asset 'total' reads 'playz' (its parameter 'playz')")
