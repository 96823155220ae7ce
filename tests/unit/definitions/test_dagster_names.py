from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import gapless
from gapless.definitions.dagster_equivalents import EQUIVALENTS
from gapless.definitions.errors import DefinitionErrors, LoadError, NameNotProvidedError

CHAPTER = Path(__file__).parents[2] / "journeys" / "chapter_listing.py.txt"


def refusal(files, text: str) -> NameNotProvidedError:
    with pytest.raises(NameNotProvidedError) as caught:
        files.load(text, as_dagster=True)
    return caught.value


def test_dagsters_names_are_ours(files):
    files.load(
        """
        import dagster
        import dagster as dg
        import gapless
        from dagster import AssetKey, asset
        from dagster_duckdb_polars import DuckDBPolarsIOManager

        assert dg.asset is asset is gapless.asset
        assert AssetKey is gapless.AssetKey
        assert "asset" in dir(dagster) and "asset" in dagster.__all__
        assert not hasattr(dagster, "__wrapped__")

        @dg.asset
        def plays() -> None: ...
        """,
        as_dagster=True,
    )


def test_the_unedited_chapter_loads(files):
    project = files.load(CHAPTER.read_text(), as_dagster=True)
    assert [str(key) for key in project.graph.keys] == ["plays"]
    assert project.graph["plays"].partition_expr == "date"
    schedule = project.schedule("plays_job_schedule")
    assert (schedule.cron_schedule, schedule.timezone) == ("0 0 * * *", "UTC")
    assert schedule.default_status is gapless.DefaultScheduleStatus.RUNNING


def test_the_user_is_told(files):
    project = files.load("import dagster as dg\n@dg.asset\ndef a() -> None: ...\n", as_dagster=True)
    assert project.notices == ("dagster is not installed; its imports resolve to Gapless (--as-dagster)",)
    again = files.load("import dagster as dg\n@dg.asset\ndef a() -> None: ...\n", as_dagster=True)
    assert again.notices == project.notices


def test_a_dagster_that_is_installed_is_passed_over_and_the_user_is_told(files):
    files.write("dagster/__init__.py", "raise RuntimeError('the real one')\n")
    program = (
        "from pathlib import Path\n"
        "from gapless.definitions.loading import load_project\n"
        "print(load_project(Path('d.py'), as_dagster=True).notices[0])\n"
    )
    files.write("d.py", "from dagster import asset\n@asset\ndef a() -> None: ...\n")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == (
        "imports of dagster resolve to Gapless, not to the dagster installed here (--as-dagster)"
    )


def test_functions_may_import_when_they_run(files):
    project = files.load(
        """
        import dagster as dg

        @dg.asset
        def a() -> None:
            from dagster import AssetKey
            return AssetKey("x")
        """,
        as_dagster=True,
    )
    assert project.graph["a"]() == gapless.AssetKey("x")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("from dagster import sensor", "Gapless has no dagster.sensor. Nothing watches for outside events yet."),
        ("import dagster as dg; dg.multi_asset", "Gapless has no dagster.multi_asset. Write one @asset for each table"),
        (
            "from dagster import FreshnessPolicy",
            "Gapless has no dagster.FreshnessPolicy. There are no freshness policies yet",
        ),
        (
            "from dagster import Definitons",
            "Gapless has no dagster.Definitons. The closest that it has is Definitions.",
        ),
        ("from dagster import zzzzzz", "Gapless has no dagster.zzzzzz. It has nothing like it."),
        (
            "from dagster_duckdb import zzzzzz",
            "Gapless has no dagster_duckdb.zzzzzz. It has nothing like it.",
        ),
        ("from dagster._core.x import y", "Gapless has no module 'dagster._core'. It has the public names of dagster"),
        ("import dagster.components", "Gapless has no module 'dagster.components'"),
    ],
)
def test_a_name_that_we_do_not_have_is_named_with_its_equivalent_and_place(files, line, message):
    error = refusal(files, f"x = 1\n{line}\n")
    assert str(error).startswith(f"definitions.py:2: {message}")
    assert isinstance(error, ImportError)


def test_all_names_that_a_file_lacks_are_reported_at_once(files):
    with pytest.raises(DefinitionErrors) as caught:
        files.load(
            """
            import dagster as dg
            from dagster import asset, multi_asset_check, sensor
            from dagster_duckdb import zzzzzz
            from dagster._core.utils import coerce

            @dg.asset
            def plays():
                raise dg.Failure("later, and again")

            @dg.multi_asset
            def two():
                raise dg.Failure
            """,
            as_dagster=True,
        )

    assert [error.location for error in caught.value.errors] == [f"definitions.py:{n}" for n in (2, 2, 3, 4, 8, 10)]
    assert "definitions.py:2: Gapless has no dagster.sensor." in str(caught.value)
    assert [error.wanted for error in caught.value.errors] == [
        "multi_asset_check", "sensor", "zzzzzz", "_core", "Failure", "multi_asset"
    ]  # fmt: skip


def test_names_that_a_file_is_ready_to_miss_are_not_asked_for(files):
    project = files.load(
        """
        from __future__ import annotations

        from typing import TYPE_CHECKING

        import dagster as dg

        if TYPE_CHECKING:
            from dagster import OpExecutionContext

        try:
            from dagster import asset_check, sensor
        except (ImportError, KeyError):
            sensor = None

        class settings:
            sensor = 1

        assert settings.sensor == 1

        @dg.asset
        def plays(context: dg.OpExecutionContext) -> None:
            checked: dg.AssetCheckResult
        """,
        as_dagster=True,
    )
    assert len(project.graph) == 1


def test_a_module_that_the_file_imports_reports_its_names_at_once_too(files):
    files.write("more.py", "from dagster import sensor, multi_asset\n")
    with pytest.raises(DefinitionErrors, match=r"more\.py:1: Gapless has no dagster\.multi_asset"):
        files.load("import more\n", as_dagster=True)


def test_the_name_is_kept_as_a_fact(files):
    error = refusal(files, "from dagster import sensor\n")
    assert (error.wanted, error.module) == ("sensor", "dagster")


def test_another_integration_is_not_stood_in_for(files):
    only = "for dagster, dagster_duckdb, dagster_duckdb_pandas, dagster_duckdb_polars, dagster_polars only"
    with pytest.raises(LoadError, match=only):
        files.load("import dagster_dbt\n", as_dagster=True)


def test_an_equivalent_is_given_only_for_what_we_do_not_have():
    assert sorted(set(EQUIVALENTS) & set(gapless.__all__)) == []
