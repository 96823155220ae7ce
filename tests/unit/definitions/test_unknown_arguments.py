from __future__ import annotations

import inspect
import pickle

import pytest

import gapless as dg
from gapless.definitions.dagster_equivalents import ARGUMENTS
from gapless.definitions.errors import DefinitionErrors, UnknownArgumentError

HARMLESS = """
    import dagster as dg

    class Memory(dg.IOManager):
        def handle_output(self, context, obj): ...
        def load_input(self, context): ...

    @dg.asset(
        automation_condition=None,
        check_specs=[],
        config_schema={},
        freshness_policy=None,
        hooks=set(),
        op_tags={},
        output_required=True,
        pool=None,
    )
    def plays():
        return dg.Output(1, output_name=None)

    job = dg.define_asset_job("job", [plays], executor_def=None, hooks=None, run_tags={})
    defs = dg.Definitions(
        [plays], jobs=[job], sensors=[], asset_checks=[], executor=None, loggers={},
        resources={"io_manager": Memory()},
    )
"""


def refusal(files, call: str, **how) -> UnknownArgumentError:
    with pytest.raises(UnknownArgumentError) as caught:
        files.load(f"import gapless as dg\n\n{call}\n", **how)
    again = pickle.loads(pickle.dumps(caught.value))
    assert str(again) == str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('dg.asset(compute_kind="python")', "asset() does not take 'compute_kind'. Write kinds={'python'} instead."),
        ("dg.asset(freshness_policy=1)", "asset() does not take 'freshness_policy'. There are no freshness policies"),
        ("dg.asset(metdata={})", "asset() does not take 'metdata'. Did you mean 'metadata'?"),
        ("dg.asset(zzzzzz=1)", "asset() does not take 'zzzzzz'. Leave it out, or see help(gapless.asset)."),
        ("dg.define_asset_job('j', run_tags={})", "define_asset_job() does not take 'run_tags'. Use tags={…}."),
        ("dg.Definitions(sensors=[1])", "Definitions() does not take 'sensors'. Nothing watches for outside events"),
        ("dg.Definitions(executor=1)", "Definitions() does not take 'executor'. Gapless chooses how to run"),
        (
            "dg.Output(1, output_name='x')",
            "Output() does not take 'output_name'. Leave it out; an asset has one output.",
        ),
        (
            "dg.DuckDBPolarsIOManager('db.duckdb', connection_config={})",
            "DuckDBPolarsIOManager() does not take 'connection_config'. Leave it out",
        ),
    ],
)
def test_an_argument_that_we_do_not_have_is_named_with_what_to_write_instead_and_its_place(files, call, message):
    error = refusal(files, call)

    assert str(error).startswith(f"definitions.py:3: {message}")
    assert isinstance(error, TypeError)
    assert error.argument in call


def test_several_are_named_together(files):
    with pytest.raises(DefinitionErrors) as caught:
        files.load("import gapless as dg\n\ndg.asset(pool='p', compute_kind='python')\n")

    assert str(caught.value).splitlines()[0] == "2 errors in the definitions:"
    assert [error.argument for error in caught.value.errors] == ["compute_kind", "pool"]


def test_dagsters_arguments_that_say_nothing_are_passed_over_in_a_file_for_dagster(files):
    project = files.load(HARMLESS, as_dagster=True)

    assert [str(key) for key in project.graph.keys] == ["plays"]


def test_an_argument_that_says_something_is_refused_in_a_file_for_dagster_too(files):
    assert refusal(files, "dg.asset(op_tags={'a': 'b'})", as_dagster=True).argument == "op_tags"


def test_an_argument_that_nobody_has_is_refused_whatever_it_says(files):
    assert refusal(files, "dg.asset(metdata=None)", as_dagster=True).argument == "metdata"


def test_in_a_file_for_gapless_an_argument_of_dagsters_is_always_named(files):
    assert refusal(files, "dg.asset(pool=None)").argument == "pool"


def test_signatures_are_those_that_were_written():
    assert list(inspect.signature(dg.define_asset_job).parameters)[:2] == ["name", "selection"]
    assert next(iter(inspect.signature(dg.Output).parameters)) == "value"
    assert dg.asset.__doc__.startswith("Declare that a function makes an asset.")


def test_every_argument_of_the_table_is_one_that_its_function_lacks():
    for place in ARGUMENTS:
        function, _, argument = place.rpartition(".")
        if function:
            assert argument not in inspect.signature(getattr(dg, function)).parameters
