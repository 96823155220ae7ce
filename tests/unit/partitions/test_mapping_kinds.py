"""Mappings by key, by table and by function, and those that look back in time; semantics 2.6, "Others", and our own."""

import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.errors import DefinitionError, MappingFunctionError
from gapless.partitions import (
    AllPartitionMapping,
    CumulativePartitionMapping,
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    FunctionPartitionMapping,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    OrdinalSet,
    PairsPartitionMapping,
    PartitionMapping,
    PartitionSet,
    RollingWindowPartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WaitPolicy,
    WeeklyPartitionsDefinition,
)

NOW = datetime(2024, 3, 20, 12)
D = DailyPartitionsDefinition("2024-01-01")
H = HourlyPartitionsDefinition("2024-01-01-00:00")
W = WeeklyPartitionsDefinition("2024-01-01")
M = MonthlyPartitionsDefinition("2024-01-01")
LATE = DailyPartitionsDefinition("2024-01-10")
BEHIND = DailyPartitionsDefinition("2024-01-01", end_offset=-1)
REGIONS = StaticPartitionsDefinition(["us", "eu", "asia"])
OTHERS = StaticPartitionsDefinition(["asia", "mars", "us"])
ABC = StaticPartitionsDefinition(["a", "b", "c"])
EVERY_DAY = D.get_partition_keys(NOW)

Static, Pairs, Function, Specific = (
    StaticPartitionMapping,
    PairsPartitionMapping,
    FunctionPartitionMapping,
    SpecificPartitionsPartitionMapping,
)
Rolling, Cumulative = RollingWindowPartitionMapping, CumulativePartitionMapping
row = pytest.param
GROUPS = Static({"us": ["a", "b"], "eu": "b"})
PAIRS = [("us", "a"), ("us", "b"), ("eu", "b"), ("us", "a")]


class TwiceUpstream:
    """Like a pandas frame, in which a name can be that of two columns."""

    columns = ("upstream", "upstream", "downstream")


def days(first, last, month=1):
    return [f"2024-{month:02d}-{day:02d}" for day in range(first, last + 1)]


def twice(key):
    return [key, key[:2]]


@pytest.mark.parametrize(
    ("mapping", "down", "up", "keys", "upstream", "nonexistent"),
    [
        row(IdentityPartitionMapping(), OTHERS, REGIONS, ["asia", "mars"], ["asia"], ["mars"], id="§2.6 identity"),
        row(LastPartitionMapping(), REGIONS, D, ["us"], ["2024-03-19"], [], id="§2.6 last"),
        row(AllPartitionMapping(), REGIONS, OTHERS, ["us"], ["asia", "mars", "us"], [], id="§1.3 all"),
        row(Specific(["asia", "us"]), D, REGIONS, days(5, 6), ["us", "asia"], [], id="§1.3 specific"),
        row(Specific(["2024-03-19", "2024-03-20"]), REGIONS, D, ["us"], ["2024-03-19"], ["2024-03-20"], id="soon"),
        row(GROUPS, ABC, REGIONS, ["a"], ["us"], [], id="§1.3 static"),
        row(GROUPS, ABC, REGIONS, ["b", "a"], ["us", "eu"], [], id="§1.3 static, several"),
        row(GROUPS, ABC, REGIONS, ["c"], [], [], id="§2.6 static, unmapped"),
        row(Pairs(PAIRS), ABC, REGIONS, ["b"], ["us", "eu"], [], id="pairs"),
        row(Pairs([("2024-03-21", "a"), ("2024-03-18", "a")]), ABC, D, ["a"], days(18, 18, 3), days(21, 21, 3)),
        row(Function(twice), OTHERS, REGIONS, ["us", "mars"], ["us"], ["mars", "ma"], id="function"),
        row(Function(lambda key: None), ABC, REGIONS, ["a"], [], [], id="function, nothing"),
        row(Function(lambda key: key[:7] + "-01"), D, M, days(5, 9, 2), ["2024-02-01"], [], id="by month"),
        row(Rolling(7), D, D, ["2024-01-20"], days(14, 20), [], id="seven days"),
        row(Rolling(7), D, D, ["2024-01-03"], days(1, 3), [], id="near the first"),
        row(Rolling(7), D, LATE, ["2024-01-12"], days(10, 12), [], id="near a later first"),
        row(Rolling(7), D, LATE, ["2024-01-09"], [], ["2024-01-09"], id="before it"),
        row(Rolling(3), D, BEHIND, ["2024-03-19"], days(17, 18, 3), ["2024-03-19"], id="upstream is late"),
        row(Rolling(2), W, D, ["2024-01-07"], days(12, 13), [], id="less than the window"),
        row(Rolling(2), W, D, ["2024-01-07", "2024-01-14"], days(12, 13) + days(19, 20), [], id="with gaps"),
        row(Rolling(2), D, W, ["2024-01-20"], ["2024-01-07", "2024-01-14"], [], id="in upstream's units"),
        row(Cumulative(), W, D, ["2024-01-07"], days(1, 13), [], id="cumulative"),
        row(Cumulative(), D, LATE, ["2024-01-12"], days(10, 12), [], id="from a later first"),
        row(Cumulative(), D, LATE, ["2024-01-09"], [], ["2024-01-09"], id="before any"),
        row(Cumulative(), D, BEHIND, ["2024-03-19"], EVERY_DAY[:-1], ["2024-03-19"], id="to come"),
    ],
)
def test_what_downstream_partitions_read(mapping, down, up, keys, upstream, nonexistent):
    mapped = mapping.upstream(down.ordinals_of(keys), down, up, NOW)
    assert up.keys_of(mapped.partitions) == upstream
    assert list(mapped.nonexistent) == nonexistent
    assert mapped.nonexistent_count == len(nonexistent)
    assert bool(mapped.nonexistent_ranges) == bool(nonexistent)


@pytest.mark.parametrize(
    ("mapping", "down", "up", "keys", "downstream"),
    [
        row(IdentityPartitionMapping(), OTHERS, REGIONS, ["us", "eu"], ["us"], id="§2.6 identity"),
        row(LastPartitionMapping(), REGIONS, D, ["2024-03-19", "2024-01-01"], ["us", "eu", "asia"], id="§2.6 last"),
        row(LastPartitionMapping(), REGIONS, D, ["2024-03-18"], [], id="§2.6 not the last"),
        row(AllPartitionMapping(), ABC, REGIONS, ["us"], ["a", "b", "c"], id="§1.3 all"),
        row(Specific(["us", "asia"]), D, REGIONS, ["us", "eu"], EVERY_DAY, id="§1.3 specific"),
        row(Specific(["us", "asia"]), D, REGIONS, ["eu"], [], id="§1.3 not specific"),
        row(GROUPS, ABC, REGIONS, ["us"], ["a", "b"], id="§1.3 static"),
        row(GROUPS, ABC, REGIONS, ["asia"], [], id="§2.6 static, unmapped"),
        row(Pairs(PAIRS), ABC, REGIONS, ["eu"], ["b"], id="pairs"),
        row(Function(twice), OTHERS, REGIONS, ["us", "eu"], ["us"], id="function"),
        row(Function(lambda key: key[:7] + "-01"), D, M, ["2024-02-01"], days(1, 29, 2), id="by month"),
        row(Rolling(7), D, D, ["2024-01-05"], days(5, 11), id="seven days"),
        row(Rolling(7), D, D, ["2024-03-17"], days(17, 19, 3), id="until now"),
        row(Rolling(2), W, D, ["2024-01-11"], [], id="in a gap"),
        row(Rolling(2), W, D, ["2024-01-12"], ["2024-01-07"], id="beside a gap"),
        row(
            Cumulative(),
            W,
            D,
            ["2024-03-02"],
            ["2024-02-25", "2024-03-03", "2024-03-10"],
            id="all later",
        ),
    ],
)
def test_which_downstream_partitions_read_an_upstream_one(mapping, down, up, keys, downstream):
    assert down.keys_of(mapping.downstream(up.ordinals_of(keys), down, up, NOW)) == downstream


relations = st.lists(
    st.tuples(st.sampled_from(["us", "eu", "asia"]), st.sampled_from(["a", "b", "c"])), min_size=1, max_size=9
)


@given(pairs=relations, asked=st.sets(st.sampled_from(["a", "b", "c"])), changed=st.sets(st.sampled_from(["us", "eu"])))
def test_a_table_of_keys_is_followed_as_its_pairs_say(pairs, asked, changed):
    by_upstream = {above: [b for a, b in pairs if a == above] for above, _ in pairs}
    by_downstream = {below: [a for a, b in pairs if b == below] for _, below in pairs}
    read = {a for a, b in pairs if b in asked}
    readers = {b for a, b in pairs if a in changed}
    for mapping in (Pairs(pairs), Static(by_upstream), Function(lambda key: by_downstream.get(key))):
        mapped = mapping.upstream(ABC.ordinals_of(asked), ABC, REGIONS, NOW)
        assert set(REGIONS.keys_of(mapped.partitions)) == read
        assert set(ABC.keys_of(mapping.downstream(REGIONS.ordinals_of(changed), ABC, REGIONS, NOW))) == readers


def test_a_frame_of_pairs_is_told_by_its_columns():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"downstream": ["a", "b"], "upstream": ["us", "eu"], "note": [1, 2]})
    assert Pairs(frame) == Pairs([("us", "a"), ("eu", "b")])
    with pytest.raises(
        DefinitionError, match=r"a frame of pairs has the columns 'from', 'to', not 'upstream' and 'down"
    ):
        Pairs(polars.DataFrame({"from": ["us"], "to": ["a"]}))


def test_a_function_is_asked_once_for_each_key():
    asked = []

    def above(key):
        asked.append(key)
        return "us"

    mapping = Function(above)
    for _ in range(3):
        mapping.upstream(OrdinalSet.span(0, 2), ABC, REGIONS, NOW)
        mapping.downstream(OrdinalSet.span(0, 1), ABC, REGIONS, NOW)
    assert asked == ["a", "b", "c"]


def test_partitions_that_come_to_exist_are_asked_for_then():
    mapping = Function(lambda key: "us")
    assert len(mapping.downstream(OrdinalSet.span(0, 1), D, REGIONS, datetime(2024, 1, 5))) == 4
    assert len(mapping.downstream(OrdinalSet.span(0, 1), D, REGIONS, datetime(2024, 1, 7))) == 6


def test_what_a_function_raises_is_shown_whole_with_the_key_that_it_got():
    def broken(key):
        raise KeyError("no such shop")

    def of_generator(key):
        yield broken(key)

    for function in (broken, of_generator):
        with pytest.raises(MappingFunctionError) as caught:
            Function(function).upstream(OrdinalSet.span(0, 1), ABC, REGIONS, NOW)
        text = str(caught.value)
        name = function.__name__
        assert text.startswith(
            f"{__file__}:{function.__code__.co_firstlineno}: {name}('a'), which tells which upstream partitions 'a'"
            " reads, raised KeyError: 'no such shop'. Return an upstream key, several, or None for nothing."
            "\n\nTraceback"
        )
        assert f"in {name}" in text
        assert text.endswith("KeyError: 'no such shop'")
        assert isinstance(caught.value.__cause__, KeyError)
        assert str(pickle.loads(pickle.dumps(caught.value))) == text


def test_a_function_that_cannot_be_called_with_a_key_is_refused_at_once():
    with pytest.raises(MappingFunctionError, match=r"<lambda>, the function .* cannot be called with one argument"):
        Function(lambda: "us")
    with pytest.raises(MappingFunctionError, match="Give it one parameter: a downstream key"):
        Function(lambda key, upstream: "us")
    assert Function(str) == Function(str)
    assert Function(lambda key, upper=False: "us")


@pytest.mark.parametrize("said", [5, ["us", 5], [b"us"]])
def test_a_function_that_returns_no_keys_is_told_so(said):
    with pytest.raises(DefinitionError, match=r"returned .* for 'a', which is not a key\. Return an upstream key"):
        Function(lambda key: said).upstream(OrdinalSet.span(0, 1), ABC, REGIONS, NOW)


@pytest.mark.parametrize(
    ("mapping", "up", "down", "reason"),
    [
        (Specific(["us", "eur"]), REGIONS, D, "upstream has no partition 'eur'; did you mean 'eu'?"),
        (Specific(["2023-12-31"]), D, REGIONS, "upstream has no partition '2023-12-31': daily from 2024-01-01"),
        (Specific(["us"]), None, D, "upstream is not partitioned"),
        (Static({"uss": "a"}), REGIONS, ABC, "upstream has no partition 'uss'; did you mean 'us'?"),
        (Static({"us": ["a", "z"]}), REGIONS, ABC, "downstream has no partition 'z': static: a, b, c (3 keys)"),
        (Static({"us": "a"}), None, ABC, "upstream is not partitioned"),
        (Pairs(PAIRS), REGIONS, None, "downstream is not partitioned"),
        (
            Pairs([("us", "2024-01-05 ")]),
            REGIONS,
            D,
            "downstream has no partition '2024-01-05 ': daily from 2024-01-01",
        ),
        (Function(twice), None, ABC, "upstream is not partitioned"),
        (Function(twice), ABC, None, "downstream is not partitioned"),
        (Rolling(10**9), D, D, "last 1000000000 leads out of the calendar"),
        (Rolling(7), REGIONS, D, "both must have time windows"),
        (
            Cumulative(),
            D,
            DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo"),
            "timezones diff",
        ),
    ],
)
def test_definitions_that_a_mapping_cannot_tie_are_told_why(mapping, up, down, reason):
    assert reason in mapping.validate(up, down)


@pytest.mark.parametrize(
    ("mapping", "up", "down"),
    [
        (Specific(["2030-01-01"]), D, REGIONS),  # will exist one day
        (Specific(["anyone"]), DynamicPartitionsDefinition(name="customers"), D),  # nobody knows before a run
        (GROUPS, REGIONS, ABC),
        (Pairs(PAIRS), REGIONS, ABC),
        (Function(twice), REGIONS, D),
        (Rolling(7), D, W),
        (Cumulative(), H, D),
    ],
)
def test_definitions_that_a_mapping_ties_are_accepted(mapping, up, down):
    assert mapping.validate(up, down) is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: Specific("us"), "got the bare string 'us'. Write a list: SpecificPartitionsPartitionMapping(['us'])"),
        (lambda: Specific([]), "got no partition keys"),
        (lambda: Specific([5]), "got 5 as a partition key, which is not a string"),
        (lambda: Static([("us", "a")]), "not a mapping. Write {upstream_key: downstream_key}"),
        (lambda: Static({"us": 5}), "got 5 as a partition key, which is not a string"),
        (lambda: Static({5: "us"}), "got 5 as a partition key, which is not a string"),
        (lambda: Pairs({"us": "a"}), "not pairs. Write [(upstream_key, downstream_key), …]"),
        (lambda: Pairs("us"), "got 'us', not pairs"),
        (lambda: Pairs(["us"]), "got 'us', not a pair of keys"),
        (lambda: Pairs([("us", 5)]), "got ('us', 5), not a pair of keys"),
        (lambda: Static({}), "got no pair of keys, so nothing would be read. Write {upstream_key: downstream_key}"),
        (lambda: Static({"us": []}), "got no pair of keys, so nothing would be read"),
        (lambda: Pairs([]), "got no pairs, so nothing would be read. Write [(upstream_key, downstream_key), …]"),
        (lambda: Pairs(pl.LazyFrame({"upstream": ["us"], "downstream": ["a"]})), "Collect it first: frame.collect()"),
        (lambda: Pairs(TwiceUpstream), "a frame of pairs has two columns 'upstream'. Drop one"),
        (lambda: Rolling(0), "last is 0 (int). Write a whole number, 1 or more"),
        (lambda: Rolling("7"), "last is '7' (str). Write a whole number, 1 or more"),
        (lambda: Rolling(None), "last is None (NoneType). Write a whole number, 1 or more"),
        (lambda: Specific("x" * 1_000_000), "… (1,000,002 characters)"),
        (lambda: Function("us"), "got 'us', not a function"),
        (lambda: Function(twice, wait_for=3), "wait_for is 3, not a WaitPolicy. Write wait_for=WaitPolicy.at_least(3)"),
    ],
)
def test_what_makes_no_mapping_is_refused_with_the_fix(make, reason):
    with pytest.raises(DefinitionError) as caught:
        make()
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        (TimeWindowPartitionMapping(start_offset=-1), "TimeWindowPartitionMapping(start_offset=-1)"),
        (AllPartitionMapping(), "AllPartitionMapping()"),
        (AllPartitionMapping(wait_for=WaitPolicy.all()), "AllPartitionMapping(wait_for=WaitPolicy.all())"),
        (
            Rolling(7, wait_for=WaitPolicy.at_least(3)),
            "RollingWindowPartitionMapping(last=7, wait_for=WaitPolicy.at_least(3))",
        ),
        (Specific(["us"]), "SpecificPartitionsPartitionMapping(partition_keys=('us',))"),
        (Pairs([("us", "a")] * 2), "PairsPartitionMapping(pairs=(('us', 'a'),))"),
        (Pairs([(str(n), "a") for n in range(2000)]), "PairsPartitionMapping(pairs=<2,000 pairs>)"),
    ],
)
def test_a_mapping_is_shown_as_it_is_written_and_is_a_value(mapping, text):
    assert repr(mapping) == text
    again = pickle.loads(pickle.dumps(mapping))
    assert again == mapping
    assert hash(again) == hash(mapping)


def test_a_mapping_by_function_or_table_survives_a_process():
    for mapping in (Function(twice, wait_for=WaitPolicy.existing()), GROUPS):
        mapping.downstream(OrdinalSet.span(0, 1), ABC, REGIONS, NOW)
        again = pickle.loads(pickle.dumps(mapping))
        assert (again, hash(again), again.wait_for) == (mapping, hash(mapping), mapping.wait_for)


class EveryOther(PartitionMapping):
    """What a project writes: the upstream partition with half the ordinal."""

    def upstream(self, downstream, down_def, up_def, now):
        raise NotImplementedError

    def downstream(self, upstream, down_def, up_def, now):
        raise NotImplementedError

    def validate(self, up_def, down_def):
        return "it is only an example"


def test_a_mapping_of_a_project_s_own_waits_for_everything_unless_it_says_otherwise():
    assert EveryOther().wait_for == WaitPolicy.all()
    assert repr(EveryOther()) == "EveryOther()"
    assert not EveryOther().reads_only_earlier


def test_dagster_s_methods_take_and_give_sets():
    weeks = PartitionSet.of_keys(W, ["2024-01-07"])
    mapping = TimeWindowPartitionMapping()
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(weeks, W, D, NOW)
    assert list(result.partitions_subset) == days(7, 13)
    assert result.required_but_nonexistent_partition_keys == ()
    back = mapping.get_downstream_partitions_for_partitions(result.partitions_subset, D, W, NOW)
    assert back == weeks
    late = mapping.get_upstream_mapped_partitions_result_for_partitions(weeks, W, LATE, NOW)
    assert late.required_but_nonexistent_subset == tuple(days(7, 9))
    assert late.required_but_nonexistent_count == 3
    everything = AllPartitionMapping().get_upstream_mapped_partitions_result_for_partitions(None, None, D, NOW)
    assert len(everything.partitions_subset) == len(EVERY_DAY)


def test_dagster_s_validation_raises_and_names_both_definitions():
    TimeWindowPartitionMapping().validate_partition_mapping(D, W)
    with pytest.raises(DefinitionError) as caught:
        TimeWindowPartitionMapping().validate_partition_mapping(REGIONS, None)
    assert str(caught.value) == (
        "TimeWindowPartitionMapping cannot tie upstream (static: us, eu, asia (3 keys)) to downstream (not partitioned)"
        ": both must have time windows."
    )


class Store:
    def get_dynamic_partitions(self, partitions_def_name):
        return ["eu", "us"]


def test_dagster_s_methods_look_dynamic_keys_up():
    customers = DynamicPartitionsDefinition(name="customers")
    result = SpecificPartitionsPartitionMapping(["us", "asia"]).get_upstream_mapped_partitions_result_for_partitions(
        None, None, customers, NOW, Store()
    )
    assert list(result.partitions_subset) == ["us"]
    assert result.required_but_nonexistent_partition_keys == ("asia",)


def test_a_function_is_asked_once_for_each_key_by_however_many_threads():
    asked = []

    def slow(key):
        asked.append(key)
        time.sleep(0.001)  # lets the others run
        return key

    keys = StaticPartitionsDefinition([*map(str, range(20))])
    everything, mapping = keys.existing(NOW), Function(slow)
    with ThreadPoolExecutor(4) as threads:
        ways = [mapping.upstream, mapping.downstream] * 2
        found = list(threads.map(lambda way: way(everything, keys, keys, NOW), ways))
    assert [getattr(each, "partitions", each) for each in found] == [everything] * 4
    assert sorted(asked) == sorted(map(str, range(20)))


def test_a_function_that_asks_its_own_mapping_for_the_same_key_is_refused():
    def circular(key):
        mapping.downstream(ABC.existing(NOW), ABC, ABC, NOW)
        return key

    mapping = Function(circular)
    with pytest.raises(MappingFunctionError, match=r"circular asks for what it is asked itself\. Answer from the key"):
        mapping.downstream(ABC.existing(NOW), ABC, ABC, NOW)


def test_a_function_may_ask_its_own_mapping_for_another_key():
    def so_far(key):
        before = ABC.ordinal_of(key)
        read = mapping.upstream(OrdinalSet.span(before - 1, before), ABC, ABC, NOW) if before else None
        return [*(ABC.keys_of(read.partitions) if read else ()), key]

    mapping = Function(so_far)
    assert ABC.keys_of(mapping.upstream(OrdinalSet.of([2]), ABC, ABC, NOW).partitions) == ["a", "b", "c"]
