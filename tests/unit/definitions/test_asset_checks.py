"""What a check is declared with, and what keeps it from being one."""

from __future__ import annotations

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from gapless import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    Definitions,
    MaterializeResult,
    Output,
    ResourceParam,
    WeeklyPartitionsDefinition,
    asset,
    asset_check,
)
from gapless.definitions.definitions import project_of
from gapless.definitions.errors import DefinitionErrors, UnknownArgumentError
from gapless.definitions.graph import AssetGraph
from gapless.errors import DefinitionError, InvocationError

HERE = Path(__file__).name
DAILY = DailyPartitionsDefinition("2024-01-01")


@asset(key="raw/plays", partitions_def=DAILY)
def plays() -> list[int]: ...


@asset
def stored_by_itself() -> None: ...


class Memory:
    def handle_output(self, context, obj): ...

    def load_input(self, context): ...


class Client(ConfigurableResource):
    url: str = "here"


def plain(plays): ...


def refusal(declare) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        declare()
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return caught.value


@pytest.mark.parametrize("named", [plays, "raw/plays", AssetKey(["raw", "plays"]), ["raw", "plays"]])
def test_the_asset_is_named_in_any_way(named):
    @asset_check(asset=named)
    def nonneg(plays):
        """Numbers of plays are not negative."""

    assert isinstance(nonneg, AssetChecksDefinition)
    assert nonneg.asset_key == plays.key
    assert (nonneg.name, nonneg.spec.description) == ("nonneg", "Numbers of plays are not negative.")
    assert (nonneg.spec.blocking, nonneg.asset_parameter) == (False, "plays")
    assert repr(nonneg) == "<check 'nonneg' of asset 'raw/plays'>"


def test_every_argument_is_kept():
    @asset_check(
        asset=plays,
        name="positive",
        description="Above 0.",
        blocking=True,
        required_resource_keys={"client"},
        metadata={"owner": "me"},
        partitions_def=DAILY,
    )
    def check(): ...

    assert check.spec == AssetCheckSpec(
        "positive",
        asset=plays,
        description="Above 0.",
        blocking=True,
        metadata={"owner": "me"},
        partitions_def=DAILY,
    )
    assert check.spec.asset_key == check.asset_key
    assert check.resource_keys == {"client"}
    file, _, line = check.where.rpartition(":")
    assert file.endswith(HERE)
    assert Path(__file__).read_text().splitlines()[int(line) - 1].strip() == "@asset_check("


def test_parameters_are_the_context_config_resources_and_the_rows_whatever_their_name():
    class Limits(Config):
        least: int = 0

    @asset_check(asset=plays)
    def check(context, rows, limits: Limits, client: Client, other: ResourceParam[object]): ...

    parameters = check.parameters
    assert (parameters.context, parameters.config, check.asset_parameter) == ("context", ("limits", Limits), "rows")
    assert check.resource_keys == {"client", "other"}

    @asset_check(asset=plays)
    def by_annotation(rows, where: AssetCheckExecutionContext): ...  # noqa: F821  # only its name is looked at

    assert (by_annotation.parameters.context, by_annotation.asset_parameter) == ("where", "rows")


def test_called_directly_it_is_the_function():
    class Limits(Config):
        least: int = 2

    @asset_check(asset=plays)
    def check(context, rows, limits: Limits, client: Client):
        return min(rows) >= limits.least, client.url

    context = SimpleNamespace(resources=SimpleNamespace(client=Client(url="there")))
    assert check(context, [2, 3]) == (True, "there")
    assert check(context, rows=[1], client=Client()) == (False, "here")
    with pytest.raises(InvocationError) as caught:
        check(rows=[1])
    assert str(caught.value) == (
        "check 'check' of asset 'raw/plays' was called without its context. Write"
        " AssetCheckExecutionContext(build_asset_context(asset=…, partition_key=…))"
    )


class Strict(Config):
    least: int


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (
            lambda: asset_check(plain),
            "@asset_check above plain() does not say which asset it checks. Write @asset_check(asset=plays).",
        ),
        (lambda: asset_check(asset=3)(plain), "3 does not name an asset"),
        (lambda: asset_check(asset="plays", name="a b")(plain), "'a b' is not a name for a check"),
        (lambda: asset_check(asset="plays", blocking=1)(plain), "check 'plain' has blocking=1; expected True or False"),
        (
            lambda: asset_check(asset="plays")(with_two),
            "has the parameter 'others', which is neither the rows of 'plays', the context, a config nor a resource."
            " A check sees one asset. If 'others' is a resource, annotate it: others: ResourceParam[…].",
        ),
        (lambda: asset_check(asset="plays")(with_any), "has the parameter '*rows', which cannot be filled"),
        (
            lambda: asset_check(asset="plays", required_resource_keys="client")(plain),
            "required_resource_keys of check 'plain' of asset 'plays' are 'client'; expected a collection of strings",
        ),
        (lambda: asset_check(asset="plays", metadata={1: 2})(plain), "has the metadata name 1, which is not a string"),
        (lambda: asset_check(asset="plays")(with_strict), "the config 'config', whose class Strict has fields without"),
        (
            lambda: asset_check(asset="plays")(eventually),
            "the function eventually() of a check is async. Write a plain",
        ),
        (lambda: asset_check(asset="plays")(several), "the function several() of a check is a generator"),
        (lambda: asset_check(asset="plays")(3), "@asset_check(asset=…) was put on 3, which is not a function"),
        (lambda: AssetCheckSpec("", asset="plays"), "'' is not a name for a check"),
        (
            lambda: AssetCheckResult(passed="yes"),
            "an AssetCheckResult has passed='yes'; expected True or False. Write for example passed=bool(rows > 0).",
        ),
        (
            lambda: AssetCheckResult(passed=True, severity="WARN"),
            "severity='WARN'. Write AssetCheckSeverity.WARN or AssetCheckSeverity.ERROR.",
        ),
        (
            lambda: AssetCheckResult(passed=True, metadata={"x": object()}),
            "an AssetCheckResult has metadata 'x' that cannot be recorded",
        ),
        (
            lambda: Output(1, check_results=[True]),
            "an Output has check_results=[True]; expected a list of AssetCheckResult. Write check_results=[",
        ),
        (
            lambda: MaterializeResult(check_results=AssetCheckResult(passed=True)),
            "; expected a list of AssetCheckResult",
        ),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(declare, message):
    error = refusal(declare)
    assert message in str(error)
    assert error.location.rpartition(":")[0].endswith(HERE)


def with_strict(config: Strict): ...


def with_two(plays, others): ...


def with_any(*rows): ...


def with_context(context): ...


async def eventually(plays): ...


def several(plays):
    yield True


def test_a_result_may_be_a_bool_of_numpys():
    import numpy as np

    result = AssetCheckResult(passed=np.bool_(True), asset_key="raw/plays")
    assert result.passed is True
    assert (result.asset_key, result.severity) == (plays.key, AssetCheckSeverity.ERROR)


def test_results_of_the_assets_own_function_are_kept():
    result = AssetCheckResult(passed=True, check_name="nonneg")
    assert Output(1, check_results=[result]).check_results == (result,)
    assert MaterializeResult(check_results=(each for each in [result])).check_results == (result,)
    assert Output(1, check_results=None).check_results == ()


@pytest.mark.parametrize("argument", ["additional_ins", "additional_deps", "retry_policy", "op_tags"])
def test_an_argument_that_we_do_not_have_is_named_with_what_to_do(argument):
    with pytest.raises(UnknownArgumentError, match=rf"asset_check\(\) does not take '{argument}'\. [A-Z]"):
        asset_check(asset="plays", **{argument: 1})


def test_the_graph_knows_the_checks_of_an_asset_in_order():
    one, two = asset_check(asset=plays, name="b")(plain), asset_check(asset=plays, name="a")(plain)
    graph = AssetGraph.build([plays, stored_by_itself], [one, two])
    assert graph.checks_of(plays.key) == (one, two)
    assert graph.checks_of(stored_by_itself.key) == ()


def test_checks_stay_when_dynamic_partitions_are_looked_up(files):
    project = files.load(
        """
        import gapless as dg

        @dg.asset(partitions_def=dg.DynamicPartitionsDefinition(name="customers"))
        def orders() -> None: ...

        @dg.asset_check(asset=orders)
        def looks_right():
            return True
        """
    )

    class Store:
        def get_dynamic_partitions(self, partitions_def_name):
            return ["acme"]

    resolved = project.resolved(Store())
    assert resolved is not project
    assert [check.name for check in resolved.graph.checks_of(AssetKey("orders"))] == ["looks_right"]


def project_with(*checks, assets=(plays, stored_by_itself), resources=None):
    given = {"io_manager": Memory(), **(resources or {})}
    return Definitions(assets, given, asset_checks=checks).resolve()


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            asset_check(asset="raw/play")(plain),
            "check 'plain' is of asset 'raw/play', but there is no such asset. Did you mean 'raw/plays'?",
        ),
        (asset_check(asset="plays")(plain), "but there is no such asset. Did you mean 'raw/plays'?"),
        (asset_check(asset="zzzzzz")(plain), "but there is no such asset. Add it to Definitions(assets=[…])."),
        (
            asset_check(asset=stored_by_itself)(plain),
            "check 'plain' wants the rows of asset 'stored_by_itself' in its parameter 'plays', but the asset's"
            " function is annotated `-> None`: it stores its data itself. Look them up with a resource, or",
        ),
        (
            asset_check(asset=plays, partitions_def=WeeklyPartitionsDefinition("2024-01-01"))(plain),
            "check 'plain' of asset 'raw/plays' has other partitions than the asset. Leave partitions_def out;",
        ),
        (
            asset_check(asset=plays, required_resource_keys={"client"})(plain),
            "check 'plain' of asset 'raw/plays' needs the resource 'client', but none of that name is declared",
        ),
    ],
)
def test_a_check_that_does_not_fit_is_told_when_loading(check, message):
    error = refusal(lambda: project_with(check))
    assert message in str(error)
    assert error.location == check.where


def test_a_check_of_an_asset_that_stores_itself_may_look_by_other_means():
    assert project_with(asset_check(asset=stored_by_itself)(with_context))


def test_two_checks_of_one_name_are_refused_with_the_place_of_the_first():
    one, two = asset_check(asset=plays, name="same")(plain), asset_check(asset=plays, name="same")(with_strict_default)
    error = refusal(lambda: project_with(one, two))
    assert str(error) == (
        f"{two.where}: asset 'raw/plays' already has a check 'same', declared at {one.where}. Give one of them another"
        ' name with name="…".'
    )
    elsewhere = asset_check(asset=stored_by_itself, name="same")(with_context)
    assert project_with(one, elsewhere)

    @asset(check_specs=[AssetCheckSpec("same", asset="games")])
    def games(): ...

    own = asset_check(asset=games, name="same")(plain)
    assert f"already has a check 'same', declared at {games.where}" in str(
        refusal(lambda: project_with(own, assets=[games]))
    )


def with_strict_default(rows): ...


def test_all_that_is_wrong_is_told_at_once():
    @asset_check(asset="a")
    def one(): ...

    @asset_check(asset="b")
    def two(): ...

    with pytest.raises(DefinitionErrors) as caught:
        project_with(one, two)
    assert len(caught.value.errors) == 2


def test_a_resource_of_another_class_is_refused():
    @asset_check(asset=plays)
    def check(plays, client: Client): ...

    message = str(refusal(lambda: project_with(check, resources={"client": 3})))
    assert "check 'check' of asset 'raw/plays' takes the resource 'client' as a Client, but it is a int" in message
    assert project_with(check, resources={"client": Client()})


def test_checks_come_with_assets_and_merge():
    check, other = asset_check(asset=plays)(plain), asset_check(asset=plays, name="other")(plain)
    assert project_of([plays, check], {"io_manager": Memory()}).graph.checks_of(plays.key) == (check,)
    merged = Definitions.merge(Definitions([plays], asset_checks=[check]), Definitions(asset_checks=[[other], check]))
    assert merged.asset_checks == (check, other)
    assert repr(merged) == "<Definitions of 1 assets, 0 jobs, 0 schedules, 2 asset checks>"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            [plain],
            "asset_checks of Definitions hold the function plain(), which does not belong there. Declare a check",
        ),
        (
            [plays],
            "asset_checks of Definitions hold <asset 'raw/plays'>, which does not belong there. Write assets=[…].",
        ),
        (
            asset_check(asset=plays)(plain),
            "Definitions got asset_checks=<check 'plain' of asset 'raw/plays'>; expected",
        ),
    ],
)
def test_what_is_no_check_does_not_belong_there(given, message):
    assert message in str(refusal(lambda: Definitions(asset_checks=given)))
