from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from gapless import (
    AssetCheckSpec,
    AssetDep,
    AssetIn,
    AssetKey,
    BackfillPolicy,
    Config,
    ConfigurableResource,
    DailyPartitionsDefinition,
    MaterializeResult,
    MetadataValue,
    MultiPartitionsDefinition,
    Output,
    ResourceParam,
    RetryPolicy,
    StaticPartitionsDefinition,
    asset,
)
from gapless.definitions.asset import AssetsDefinition
from gapless.errors import DefinitionError, InvocationError
from gapless.storage.policies import BoundaryPolicy, SchemaPolicy

if TYPE_CHECKING:
    import somewhere as sw  # never installed: its names can not be resolved

    from gapless import AssetExecutionContext

DAILY = DailyPartitionsDefinition("2024-01-01")
HERE = Path(__file__).name


def refusal(declare) -> DefinitionError:
    with pytest.raises(DefinitionError) as caught:
        declare()
    return caught.value


def test_a_bare_decorator_takes_name_and_description_from_the_function():
    @asset
    def plays():
        """What was played."""

    assert isinstance(plays, AssetsDefinition)
    assert plays.key == AssetKey("plays")
    assert plays.description == "What was played."
    assert (plays.group_name, plays.io_manager_key) == ("default", "io_manager")
    assert repr(plays) == "<asset 'plays'>"


def test_every_argument_is_kept():
    backfill, retry = BackfillPolicy.single_run(), RetryPolicy(max_retries=2)

    @asset(
        name="weekly",
        key_prefix=["mart", "plays"],
        deps=["a/b", AssetKey("c"), AssetDep("d")],
        metadata={"partition_expr": "date"},
        tags={"team": "x"},
        owners=["me@example.org", "team:data"],
        group_name="marts",
        description="By week.",
        partitions_def=DAILY,
        io_manager_key="warehouse",
        backfill_policy=backfill,
        retry_policy=retry,
        code_version="3",
        kinds={"duckdb"},
        required_resource_keys={"client"},
        schema_policy="strict",
        boundary_policy=BoundaryPolicy.DROP,
        keep="12w",
        check_specs=[AssetCheckSpec("nonneg", asset="mart/plays/weekly")],
    )
    def made(): ...

    assert made.name == "mart/plays/weekly"
    assert [dep.key.to_user_string() for dep in made.deps] == ["a/b", "c", "d"]
    assert made.metadata == {"partition_expr": "date"}
    assert made.partition_expr == "date"
    assert made.tags == {"team": "x"}
    assert made.owners == ("me@example.org", "team:data")
    assert made.group_name == "marts"
    assert made.description == "By week."
    assert made.partitions_def is DAILY
    assert made.io_manager_key == "warehouse"
    assert (made.backfill_policy, made.retry_policy, made.code_version) == (backfill, retry, "3")
    assert made.kinds == {"duckdb"}
    assert made.resource_keys == {"client"}
    assert (made.schema_policy, made.boundary_policy) == (SchemaPolicy.STRICT, BoundaryPolicy.DROP)
    assert made.keep == timedelta(weeks=12)
    assert [spec.name for spec in made.check_specs] == ["nonneg"]


def test_what_is_not_said_has_its_default():
    @asset
    def plays(): ...

    assert (plays.schema_policy, plays.boundary_policy) == (SchemaPolicy.EVOLVE, BoundaryPolicy.REFUSE)
    assert (plays.keep, plays.check_specs, plays.naive_zone, plays.partition_expr) == (None, (), None, None)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90d", timedelta(days=90)),
        (" 36 h ", timedelta(hours=36)),
        ("12w", timedelta(weeks=12)),
        ("90min", timedelta(hours=1.5)),
    ],
)
def test_how_long_partitions_are_kept_is_a_number_and_a_unit(text, span):
    @asset(keep=text, partitions_def=MultiPartitionsDefinition({"day": DAILY, "r": StaticPartitionsDefinition(["a"])}))
    def plays(): ...

    assert plays.keep == span


def test_naive_timestamps_may_be_utc():
    @asset(metadata={"naive_timestamps": "UTC"})
    def plays(): ...

    assert plays.naive_zone == "UTC"


def test_a_key_may_be_given_whole():
    @asset(key="raw/plays")
    def other(): ...

    assert other.key == AssetKey(["raw", "plays"])


def test_an_asset_knows_the_line_of_its_declaration():
    @asset
    def plays(): ...

    assert plays.where is not None
    file, _, line = plays.where.rpartition(":")
    assert file.endswith(HERE)
    assert Path(__file__).read_text().splitlines()[int(line) - 1].strip() == "@asset"


def test_parameters_are_sorted_by_name_and_annotation():
    class Client(ConfigurableResource):
        url: str = ""

    class Settings(Config):
        limit: int = 3

    @asset(ins={"b": AssetIn(key="raw/b")}, required_resource_keys={"hidden", "plain"})
    def made(context, config: Settings, a, b, client: Client, other: ResourceParam[object], plain): ...

    assert made.parameters.context == "context"
    assert made.parameters.config == ("config", Settings)
    assert made.parameters.inputs == ("a", "b")
    assert made.parameters.resources == ("client", "other", "plain")
    assert made.resource_keys == {"client", "other", "plain", "hidden"}
    assert made.upstream_of("a") == AssetKey("a")
    assert made.upstream_of("b") == AssetKey(["raw", "b"])


def test_the_context_is_recognised_by_its_annotation_even_if_only_type_checkers_see_it():
    @asset
    def made(a, ctx: AssetExecutionContext): ...

    assert made.parameters.context == "ctx"
    assert made.parameters.inputs == ("a",)


@pytest.mark.parametrize("name", ["context", "_context", "_"])
def test_the_first_parameter_is_the_context_by_its_usual_names(name):
    namespace: dict = {}
    exec(f"def made({name}, a): ...", namespace)
    assert asset(namespace["made"]).parameters.context == name


def test_an_annotation_that_cannot_be_resolved_stays_text():
    @asset
    def made(a: sw.Frame, b: int) -> sw.Frame: ...

    assert made.input_annotation("a") == "sw.Frame"
    assert made.input_annotation("b") is int
    assert made.return_annotation == "sw.Frame"
    assert made.stores_output


def test_an_annotation_may_name_what_is_defined_further_down(files):
    project = files.load(
        """
        from __future__ import annotations
        from gapless import asset, Definitions

        class Manager:
            def handle_output(self, context, obj): ...
            def load_input(self, context): ...

        @asset
        def plays() -> Later: ...

        class Later: ...

        defs = Definitions([plays], {"io_manager": Manager()})
        """
    )
    assert project.graph["plays"].return_annotation.__name__ == "Later"


def test_a_function_annotated_to_return_nothing_stores_nothing():
    @asset
    def nothing() -> None: ...

    @asset
    def result() -> MaterializeResult: ...

    @asset
    def value() -> MaterializeResult[int]: ...

    @asset
    def silent(): ...

    stored = [made.stores_output for made in (nothing, result, value, silent)]
    assert stored == [False, False, True, True]


def test_a_generator_stores_what_it_yields():
    @asset
    def results() -> Iterator[MaterializeResult]:
        yield MaterializeResult()

    @asset
    def text() -> Iterator[sw.MaterializeResult]:
        yield MaterializeResult()

    @asset
    def outputs() -> Iterator[Output]:
        yield Output(1)

    @asset
    def silent():
        yield Output(1)

    assert [made.stores_output for made in (results, text, outputs, silent)] == [False, False, True, True]
    assert [found.value for found in silent()] == [1]


def test_called_with_arguments_it_is_the_function():
    @asset
    def times(a, by):
        return a * by

    assert times(2, by=3) == 6


def test_called_without_its_context_it_says_how_to_make_one():
    @asset(partitions_def=DAILY)
    def plays(context): ...

    @asset
    def whole(context): ...

    with pytest.raises(InvocationError) as caught:
        plays()
    assert str(caught.value) == (
        "asset 'plays' was called without which partition to make. Call plays(build_asset_context(partition_key=…))"
        " with gapless.build_asset_context; to make and store it, use gapless.materialize."
    )
    with pytest.raises(InvocationError, match=r"Call whole\(build_asset_context\(\)\)"):
        whole()


def test_called_directly_it_fills_resources_from_the_context_and_config_from_defaults():
    class Client(ConfigurableResource):
        url: str

    class Settings(Config):
        limit: int = 3

    @asset
    def made(context, config: Settings, client: Client, a):
        return context.run_id, config.limit, client.url, a

    context = SimpleNamespace(run_id="r", resources=SimpleNamespace(client=Client(url="u")))
    assert made(context, a=1) == ("r", 3, "u", 1)
    assert made(context, client=Client(url="mine"), config=Settings(limit=4), a=1) == ("r", 4, "mine", 1)


def with_varargs(*args): ...


def with_default(a=1): ...


def with_bare_config(config): ...


def plain(): ...


async def eventually(): ...


async def eventually_several():
    yield Output(1)


@pytest.mark.parametrize(
    ("declare", "message"),
    [
        (lambda: asset(with_varargs), "asset 'with_varargs' has the parameter '*args', which cannot be filled by name"),
        (lambda: asset(with_default), "asset 'with_default' has a default for its parameter 'a'"),
        (lambda: asset(with_bare_config), "asset 'with_bare_config' has the parameter 'config' without a Config class"),
        (lambda: asset(eventually), "the function eventually() of an asset is async"),
        (lambda: asset(eventually_several), "the function eventually_several() of an asset is async. Write a plain"),
        (
            lambda: asset(schema_policy="strickt")(plain),
            "asset 'plain' has schema_policy='strickt'; expected 'evolve', 'strict' or 'replace'. Did you mean"
            " 'strict'?",
        ),
        (lambda: asset(boundary_policy=3)(plain), "boundary_policy=3; expected 'refuse', 'drop' or 'allow'."),
        (
            lambda: asset(keep="3 months", partitions_def=DAILY)(plain),
            "asset 'plain' has keep='3 months', which is no length of time. Write a number and min, h, d or w:"
            ' keep="36h", keep="90d", keep="12w".',
        ),
        (lambda: asset(keep="0d", partitions_def=DAILY)(plain), "keep='0d', which is no length of time"),
        (lambda: asset(keep=90, partitions_def=DAILY)(plain), "keep=90, which is no length of time"),
        (lambda: asset(keep="9" * 12 + "w", partitions_def=DAILY)(plain), "which is no length of time"),
        (
            lambda: asset(keep="90d")(plain),
            "asset 'plain' has keep='90d', but it is unpartitioned, so none of it ever gets old. Leave keep out;",
        ),
        (
            lambda: asset(keep="90d", partitions_def=StaticPartitionsDefinition(["a"]))(plain),
            "but it is partitioned by static: a (1 key), so none of it ever gets old",
        ),
        (
            lambda: asset(keep="90d", partitions_def=MultiPartitionsDefinition({"a": DAILY, "b": DAILY}))(plain),
            ", 2 of which are times. Leave keep out; it is for assets with one dimension of time.",
        ),
        (
            lambda: asset(metadata={"naive_timestamps": "Europe/Berlin"})(plain),
            "asset 'plain' has metadata naive_timestamps='Europe/Berlin'; expected 'UTC'",
        ),
        (
            lambda: asset(check_specs=[AssetCheckSpec("nonneg", asset="plains")])(plain),
            "asset 'plain' has the check 'nonneg' of asset 'plains'; a function only knows its own rows. Write"
            " AssetCheckSpec('nonneg', asset='plain').",
        ),
        (
            lambda: asset(check_specs=[AssetCheckSpec("a", asset="plain")] * 2)(plain),
            "asset 'plain' has two checks 'a'",
        ),
        (lambda: asset(check_specs=["nonneg"])(plain), "check_specs=['nonneg']; expected a list of AssetCheckSpec"),
        (
            lambda: asset(check_specs=AssetCheckSpec("a", asset="plain"))(plain),
            "; expected a list of AssetCheckSpec. Write check_specs=[AssetCheckSpec(\"nonneg\", asset='plain')].",
        ),
        (lambda: asset(functools.partial(plain)), "@asset was put on functools.partial"),
        (lambda: asset(asset(plain)), "<asset 'plain'> is declared twice"),
        (lambda: asset(name="a b")(plain), "'a b' is not a name for an asset"),
        (lambda: asset(name="a/b")(plain), "the parts of an asset's path go into key_prefix"),
        (lambda: asset(name="")(plain), "'' is not a name for an asset"),
        (lambda: asset(key_prefix="x*")(plain), "'x*' is not a name for an asset"),
        (lambda: asset(group_name="a b")(plain), "'a b' is not a name for a group"),
        (lambda: asset(key="a", name="b")(plain), "the asset plain() has a key and a name or key_prefix"),
        (
            lambda: asset(ins={"x": AssetIn()})(plain),
            "asset 'plain' has ins for 'x', but its function has no such input",
        ),
        (lambda: asset(name="f", ins={"a": "x"})(lambda a: 1), "expected an AssetIn. Write ins={'a': AssetIn(…)}."),
        (lambda: asset(partitions_def="daily")(plain), "partitions_def='daily'; expected a partitions definition"),
        (lambda: asset(backfill_policy=3)(plain), "backfill_policy=3; expected a BackfillPolicy"),
        (lambda: asset(retry_policy=3)(plain), "retry_policy=3; expected a RetryPolicy"),
        (lambda: asset(code_version=3)(plain), "code_version=3; expected text"),
        (lambda: asset(io_manager_key=3)(plain), "io_manager_key=3; expected the name of a resource"),
        (lambda: asset(tags={"a": 1})(plain), "asset 'plain' has the tag 'a': 1; expected text for both"),
        (
            lambda: asset(owners="me")(plain),
            "owners of asset 'plain' are 'me'; expected a list of texts. Write owners=['me'].",
        ),
        (
            lambda: asset(owners=["nobody"])(plain),
            "asset 'plain' has the owner 'nobody', which is neither a mail address nor a team."
            " Write 'team:nobody'; owners are mail addresses and 'team:name'.",
        ),
        (lambda: asset(owners=["me@x"])(plain), "asset 'plain' has the owner 'me@x', which is neither"),
        (lambda: asset(owners=["team:"])(plain), "asset 'plain' has the owner 'team:', which is neither"),
        (
            lambda: asset(tags={"a b": "c"})(plain),
            "asset 'plain' has the tag 'a b', which is not a name for a tag. Use ASCII letters, digits, '_', '-' and"
            " '.', at most 63 of them, and one '/' after a namespace: tags={'a_b': 'c'}.",
        ),
        (
            lambda: asset(tags={"ns/a": "b c"})(plain),
            "asset 'plain' has the tag 'ns/a' with the value 'b c'. Use ASCII letters, digits, '_', '-' and '.',"
            " at most 63 of them: tags={'ns/a': 'b_c'}. Longer texts belong into metadata={…}.",
        ),
        (lambda: asset(tags={"a": "x" * 64})(plain), "asset 'plain' has the tag 'a' with the value 'xxx"),
        (lambda: asset(kinds={1})(plain), "kinds of asset 'plain' are {1}; expected a collection of strings"),
        (lambda: asset(metadata={"x": object})(plain), "has metadata 'x' that cannot be recorded: type is not"),
        (lambda: asset(metadata={1: 2})(plain), "has the metadata name 1, which is not a string"),
        (lambda: asset(metadata="x")(plain), "asset 'plain' has metadata of type str"),
        (lambda: asset(deps="x")(plain), "asset 'plain' has deps='x'; expected a list. Write deps=['x']."),
        (lambda: asset(deps=[3])(plain), "3 does not name an asset"),
        (lambda: asset(deps=["a//b"])(plain), "asset key 'a//b' has the part ''"),
        (lambda: AssetIn(key="a", key_prefix="b"), "AssetIn got key and key_prefix"),
        (lambda: AssetIn(partition_mapping="x"), "AssetIn got partition_mapping='x', which is not a partition mapping"),
        (lambda: AssetDep("a", partition_mapping=1), "AssetDep got partition_mapping=1"),
        (lambda: BackfillPolicy.multi_run(0), "a backfill policy needs at least one partition per run, not 0"),
        (lambda: RetryPolicy(max_retries=-1), "max_retries must be 0 or more, not -1"),
        (lambda: RetryPolicy(delay=-1), "delay is in seconds and must be 0 or more, not -1"),
        (lambda: Output(1, metadata={"x": object()}), "an Output has metadata 'x' that cannot be recorded"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_place(declare, message):
    error = refusal(declare)
    assert message in str(error)
    assert error.location is not None
    assert error.location.rpartition(":")[0].endswith(HERE)


def test_metadata_values_keep_their_kind():
    shown = {
        "text": "a",
        "int": 1,
        "float": 0.5,
        "bool": True,
        "null": None,
        "json": {"a": [1, Path("/x")]},
        "path": Path("/x"),
        "asset": AssetKey(["a", "b"]),
        "md": MetadataValue.md("# a"),
    }
    assert {name: MetadataValue.of(value).kind for name, value in shown.items()} == {name: name for name in shown}
    assert MetadataValue.of(shown["json"]).value == {"a": [1, "/x"]}
    assert MetadataValue.of(AssetKey(["a", "b"])).value == "a/b"


def test_a_result_tells_none_from_no_value():
    assert MaterializeResult(value=None).has_value
    assert not MaterializeResult(metadata={"rows": 1}).has_value
    assert MaterializeResult(asset_key="a/b").asset_key == AssetKey(["a", "b"])


def test_declaring_imports_no_heavy_package():
    program = (
        "import sys, gapless\n"
        "@gapless.asset(partitions_def=gapless.DailyPartitionsDefinition('2024-01-01'))\n"
        "def plays(context: gapless.AssetExecutionContext): ...\n"
        "gapless.Definitions([plays], {}, [gapless.define_asset_job('j')])\n"
        "heavy = {'polars', 'duckdb', 'pyarrow', 'pydantic', 'rich', 'sqlalchemy', 'numpy'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_path_of_a_key_is_a_list_as_dagsters_users_add_to_it():
    key = AssetKey(["raw", "plays"])

    assert ["data", *key.parts] == ["data"] + key.path == ["data", "raw", "plays"]  # noqa: RUF005  # as they write it
    key.path.append("more")
    assert (str(key), key.parts) == ("raw/plays", ("raw", "plays"))
    assert (key.has_prefix(["raw"]), key.has_prefix(["plays"])) == (True, False)
    assert key.to_python_identifier("x") == "raw__plays__x"
