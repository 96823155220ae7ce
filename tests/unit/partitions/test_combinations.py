import pickle
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import CombinationsError, PartitionsDefinitionError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    PartitionKeyRange,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)

NOW = datetime(2024, 1, 4)  # three days have ended
DAILY = DailyPartitionsDefinition("2024-01-01")
REGIONS = StaticPartitionsDefinition(["eu", "us"])
PRODUCTS = StaticPartitionsDefinition(["a", "b", "c"])
ALL = {"region": REGIONS, "product": PRODUCTS, "date": DAILY}  # in keys: date|product|region


class Keys:
    """Dynamic keys in memory."""

    def __init__(self, **keys):
        self.keys = keys

    def get_dynamic_partitions(self, partitions_def_name):
        return self.keys.get(partitions_def_name, [])


def sparse(combinations, dimensions=ALL):
    return MultiPartitionsDefinition(dimensions, combinations=combinations)


def launched(region):
    return {"product": ["a", "b"], "date": "2024-01-02.."} if region == "eu" else {"product": "c"}


# Listed


@pytest.mark.parametrize(
    "combinations",
    [
        ["2024-01-01|a|eu", "2024-01-02|c|us"],
        [("2024-01-01", "a", "eu"), ("2024-01-02", "c", "us"), ("2024-01-01", "a", "eu")],
        [
            {"region": "eu", "product": "a", "date": "2024-01-01"},
            MultiPartitionKey({"date": "2024-01-02", "product": "c", "region": "us"}),
        ],
        iter(["2024-01-02|c|us", "2024-01-01|a|eu"]),
        pl.DataFrame({"product": ["a", "c"], "date": ["2024-01-01", "2024-01-02"], "region": ["eu", "us"]}),
        [{"region": "eu", "product": "a", "date": date(2024, 1, 1)}, ("2024-01-02", "c", "us")],
    ],
)
def test_only_the_listed_combinations_exist(combinations):
    definition = sparse(combinations)
    assert definition.get_partition_keys(NOW) == ["2024-01-01|a|eu", "2024-01-02|c|us"]
    assert definition.get_num_partitions(NOW) == 2
    assert definition.has_partition_key("2024-01-01|a|eu", NOW)
    assert not definition.has_partition_key("2024-01-01|a|us", NOW)
    assert definition.ordinal_of("2024-01-01|a|us") is None
    assert definition == sparse(["2024-01-01|a|eu", "2024-01-02|c|us"])
    assert definition.describe().endswith(", restricted to 2 combinations of date, product, region")


@pytest.mark.parametrize(
    "combinations",
    [
        [{"region": "eu", "product": "a"}, {"product": "c", "region": "us"}],
        pl.DataFrame({"region": ["eu", "us", "eu"], "product": ["a", "c", "a"]}),
    ],
)
def test_dimensions_that_are_not_listed_are_free(combinations):
    definition = sparse(combinations)
    assert definition.get_partition_keys(datetime(2024, 1, 3)) == [
        "2024-01-01|a|eu",
        "2024-01-01|c|us",
        "2024-01-02|a|eu",
        "2024-01-02|c|us",
    ]
    assert [definition.count(datetime(2024, 1, day)) for day in (1, 2, 31)] == [0, 2, 60]
    assert definition.describe().endswith(
        "region (static: eu, us (2 keys)), restricted to 2 combinations of product, region"
    )


def test_combinations_of_different_dimensions_are_taken_together():
    definition = sparse([{"region": "eu", "product": "a"}, {"date": "2024-01-02", "region": "eu"}, "2024-01-01|c|us"])
    assert definition.get_partition_keys(datetime(2024, 1, 3)) == [
        "2024-01-01|a|eu",
        "2024-01-01|c|us",
        "2024-01-02|a|eu",
        "2024-01-02|b|eu",
        "2024-01-02|c|eu",
    ]
    assert definition.describe().endswith(
        "restricted to 1 combination of product, region and 1 combination of date, region"
        " and 1 combination of date, product, region"
    )


def test_a_combination_of_the_future_exists_when_its_time_has_come():
    definition = sparse(["2024-01-09|a|eu", "2024-01-01|b|us"])
    assert definition.get_partition_keys(NOW) == ["2024-01-01|b|us"]
    assert definition.get_partition_keys(datetime(2024, 2, 1)) == ["2024-01-01|b|us", "2024-01-09|a|eu"]
    assert definition.key_at(definition.ordinal_of("2024-01-09|a|eu")) == "2024-01-09|a|eu"
    with pytest.raises(UnknownPartitionError, match="the dimension 'date' has no key '2024-01-09'"):
        definition.validate_key("2024-01-09|a|eu", NOW)


@settings(deadline=None)
@given(
    listed=st.sets(st.tuples(st.integers(1, 5), st.sampled_from("abc"), st.sampled_from(["eu", "us"])), min_size=1),
    names=st.sets(st.sampled_from(["date", "product", "region"]), min_size=1),
    days=st.integers(0, 6),
)
def test_sparse_products_agree_with_plain_sets(listed, names, days):
    rows = [dict(zip(("date", "product", "region"), (f"2024-01-0{n}", p, r), strict=True)) for n, p, r in listed]
    rows = [{name: row[name] for name in row if name in names} for row in rows]
    definition = sparse(rows)
    now = datetime(2024, 1, 1) + timedelta(days=days)
    everything = MultiPartitionsDefinition(ALL).get_partition_keys(now)
    expected = [key for key in everything if any(row.items() <= key.keys_by_dimension.items() for row in rows)]
    assert definition.get_partition_keys(now) == expected
    assert definition.count(now) == len(expected) == len(definition.existing(now))
    assert {key for key in everything if definition.has_partition_key(key, now)} == set(expected)
    assert definition.keys_of(definition.ordinals_of(everything)) == expected
    assert list(definition.where(now, region="eu")) == [key for key in expected if key.endswith("|eu")]
    if expected:
        corners = PartitionKeyRange(expected[0], expected[-1])
        inside = MultiPartitionsDefinition(ALL).get_partition_keys_in_range(corners)
        assert definition.get_partition_keys_in_range(corners) == [key for key in inside if key in set(expected)]


def test_a_range_is_the_combinations_inside_of_the_rectangle():
    definition = sparse([{"region": "eu", "product": "a"}, {"region": "us", "product": "b"}])
    assert definition.get_partition_keys_in_range(PartitionKeyRange("2024-01-01|a|eu", "2024-01-02|b|us")) == [
        "2024-01-01|a|eu",
        "2024-01-01|b|us",
        "2024-01-02|a|eu",
        "2024-01-02|b|us",
    ]


def test_a_combination_that_does_not_exist_says_so_and_names_neighbours():
    definition = sparse([{"region": "eu", "product": "a"}, {"region": "us", "product": "b"}])
    with pytest.raises(UnknownPartitionError) as caught:
        definition.validate_key("2024-01-02|b|eu", NOW)
    assert str(caught.value) == (
        "there is no partition '2024-01-02|b|eu': its parts exist, but this combination of them does not."
        " Nearest: '2024-01-02|b|us', '2024-01-02|a|eu'. Its partitions are date: 2024-01-01 to 2024-01-03;"
        " product: a, b, c (3 keys); region: eu, us (2 keys); restricted to 2 combinations of product, region."
    )
    with pytest.raises(UnknownPartitionError, match="but this combination of them does not"):
        definition.get_partition_keys_in_range(PartitionKeyRange("2024-01-01|a|eu", "2024-01-02|b|eu"))


def test_of_ten_million_partitions_fifty_thousand_pairs_are_cut_without_listing_them():
    keys = {name: StaticPartitionsDefinition([f"{name}{n}" for n in range(1000)]) for name in "xy"}
    pairs = pl.DataFrame(
        {"x": [f"x{n // 50}" for n in range(50_000)], "y": [f"y{n * 7 % 1000}" for n in range(50_000)]}
    )
    definition = sparse(pairs, {**keys, "z": DAILY})
    now = datetime(2024, 1, 11)
    assert definition.count(now) == 500_000
    assert definition.has_partition_key("x3|y57|2024-01-10", now)
    assert not definition.has_partition_key("x3|y58|2024-01-10", now)
    assert len(definition.where(now, x="x3")) == 500
    assert len(definition.where(now, z="2024-01-05")) == 50_000


@pytest.mark.parametrize(
    ("values", "keys"),
    [
        ([date(2024, 1, 1), date(2024, 1, 3)], ["2024-01-01|eu", "2024-01-03|eu"]),
        ([datetime(2024, 1, 1)], ["2024-01-01|eu"]),
        ([datetime(2024, 1, 2, tzinfo=UTC)], ["2024-01-02|eu"]),
    ],
)
def test_dates_in_a_frame_name_time_partitions(values, keys):
    frame = pl.DataFrame({"date": values, "region": ["eu"] * len(values)})
    definition = sparse(frame, {"date": DAILY, "region": REGIONS})
    assert definition.get_partition_keys(NOW) == keys


def test_an_instant_in_a_frame_tells_the_two_hours_of_a_repeated_one_apart():
    hourly = HourlyPartitionsDefinition("2024-11-03-00:00", timezone="America/New_York")
    second = datetime(2024, 11, 3, 6, tzinfo=UTC)
    definition = sparse(pl.DataFrame({"hour": [second]}), {"hour": hourly, "region": REGIONS})
    assert definition.get_partition_keys(datetime(2024, 11, 5)) == [
        "2024-11-03-01:00-0500|eu",
        "2024-11-03-01:00-0500|us",
    ]


class PandasLike:
    """What a Pandas frame has, and is asked for."""

    columns = ("region", "product")

    def itertuples(self, index=True, name="Pandas"):
        assert (index, name) == (False, None)
        return iter([("eu", "a"), ("us", "b")])


def test_a_pandas_frame_is_as_good():
    assert sparse(PandasLike()) == sparse([{"region": "eu", "product": "a"}, {"region": "us", "product": "b"}])


def test_reading_a_list_imports_no_frames():
    program = (
        "import sys, gapless as g; g.MultiPartitionsDefinition({'a': g.StaticPartitionsDefinition(['x']), 'b':"
        " g.StaticPartitionsDefinition(['y'])}, combinations=['x|y']);"
        "print(sorted({'polars', 'pandas', 'duckdb', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize(
    ("combinations", "message"),
    [
        ([], "the list of combinations is empty, so that no partition would ever exist"),
        (pl.DataFrame({"region": [], "product": []}), "the list of combinations is empty"),
        ("2024-01-01|a|eu", "combinations is '2024-01-01|a|eu' (str). Write a list of keys or dictionaries"),
        ({"region": "eu"}, "combinations is {'region': 'eu'} (dict). Write a list"),
        (7, "combinations is 7 (int). Write a list"),
        (["2024-01-01|a"], "combination 1, '2024-01-01|a', has 2 parts, but the dimensions are 3, in this order: date"),
        ([("a",)], "has 1 part, but the dimensions are 3"),
        (["2024-01-01|a|eu", 7], "combination 2 is 7 (int). Write a key, a tuple of keys, or a dictionary"),
        ([{}], "combination 1, {}, names no dimension. Name at least one of them: date, product, region."),
        (
            [{"regio": "eu"}],
            "combination 1, {'regio': 'eu'}, names 'regio', which is not a dimension. Did you mean 'region'?",
        ),
        (
            [{"region": "eu", "product": "aa"}],
            "the list of combinations names 'aa', which is not a key of the dimension 'product' (static: a, b, c"
            " (3 keys)). Did you mean 'a'?",
        ),
        (["2023-01-01|a|eu"], "names '2023-01-01', which is not a key of the dimension 'date' (daily from 2024-01-01)"),
        (["eu|a|2024-01-01"], "which is not a key of the dimension"),
        ([{"region": ["eu", "us"]}], "has ['eu', 'us'] (list) as a key of the dimension 'region'; expected text"),
        ([{"product": 3}], "has 3 (int) as a key of the dimension 'product'; expected text. Write '3'."),
        ([{"date": 3}], "expected text or a date"),
        ([{"product": date(2024, 1, 1)}], "as a key of the dimension 'product'; expected text"),
        (
            [{"date": datetime(2024, 1, 1, 5)}],
            "names '2024-01-01 05:00:00', which is not a key of the dimension 'date'",
        ),
        ([{"date": datetime(2024, 1, 1, 5, tzinfo=UTC)}], "names '2024-01-01 05:00:00+00:00', which is not a key"),
        (
            pl.DataFrame({"region": ["eu", None]}),
            "has None (NoneType) as a key of the dimension 'region'; expected text",
        ),
        (
            pl.DataFrame({"region": ["eu"], "sales": [1]}),
            "the frame of combinations names 'sales', which is not a dimension. The dimensions are date, product, reg",
        ),
        (pl.DataFrame(), "the frame of combinations names no dimension"),
        (pl.LazyFrame({"region": ["eu"]}), "combinations is a LazyFrame, whose rows are not known. Collect it first"),
    ],
)
def test_combinations_that_make_no_sense_are_refused(combinations, message):
    with pytest.raises(PartitionsDefinitionError) as caught:
        sparse(combinations)
    assert message in str(caught.value)


def test_a_frame_with_two_columns_of_a_name_is_refused():
    class Doubled(PandasLike):
        columns = ("region", "region")

    with pytest.raises(PartitionsDefinitionError, match="has two columns of one name"):
        sparse(Doubled())


# Computed


def test_a_function_of_a_dimension_says_what_goes_with_each_of_its_keys():
    definition = sparse(launched)
    assert definition.get_partition_keys(datetime(2024, 1, 3)) == [
        "2024-01-01|c|us",
        "2024-01-02|a|eu",
        "2024-01-02|b|eu",
        "2024-01-02|c|us",
    ]
    assert [definition.count(datetime(2024, 1, day)) for day in (1, 2, 3, 4)] == [0, 1, 4, 7]
    assert definition.ordinal_of("2024-01-01|a|eu") is None
    assert definition.has_partition_key("2024-01-03|b|eu", NOW)
    assert definition.ordinal_of("2031-01-01|b|eu") is not None
    assert definition.describe().endswith("restricted by launched(region)")


def test_a_function_is_asked_once_for_each_key_and_only_for_keys_that_matter():
    asked = []

    def only(region):
        asked.append(region)
        return True

    definition = sparse(only)
    assert definition.has_partition_key("2024-01-01|a|us", NOW)
    assert asked == ["us"]
    assert definition.count(NOW) == 18
    assert definition.count(datetime(2024, 2, 1)) == 31 * 6
    assert asked == ["us", "eu"]


@pytest.mark.parametrize(
    ("answer", "keys"),
    [
        (True, ["01|a", "01|b", "01|c", "02|a", "02|b", "02|c", "03|a", "03|b", "03|c"]),
        ({}, ["01|a", "01|b", "01|c", "02|a", "02|b", "02|c", "03|a", "03|b", "03|c"]),
        ({"product": True, "date": "2024-01-02"}, ["02|a", "02|b", "02|c"]),
        (None, []),
        (False, []),
        ({"product": []}, []),
        ({"product": "b", "date": ["2024-01-03", "2024-01-01"]}, ["01|b", "03|b"]),
        ({"product": "a, c", "date": "2024-01-02"}, ["02|a", "02|c"]),
        ({"product": "b..", "date": "..2024-01-01"}, ["01|b", "01|c"]),
        ({"product": ("a..b",), "date": "2024-01-01..2024-01-02"}, ["01|a", "01|b", "02|a", "02|b"]),
        ({"product": "c", "date": "2024-01-01...2024-01-02"}, ["01|c", "02|c"]),
        ({"product": {"a"}, "date": "2024-01"}, ["01|a", "02|a", "03|a"]),
        ({"product": "a", "date": "2024-01-03..2030-02"}, ["03|a"]),
        ({"product": "a", "date": "2024"}, ["01|a", "02|a", "03|a"]),
        ({"product": "a", "date": date(2024, 1, 2)}, ["02|a"]),
        ({"product": "a", "date": [date(2024, 1, 2), "2024-01-01"]}, ["01|a", "02|a"]),
        ({"product": "a", "date": "2030-01-01.."}, []),
        ({"product": '"a", c', "date": "2023-01-01..2024-01-01"}, ["01|a", "01|c"]),
    ],
)
def test_what_a_function_may_answer(answer, keys):
    definition = sparse(lambda region: answer if region == "eu" else None)
    assert definition.get_partition_keys(NOW) == [f"2024-01-{key}|eu" for key in keys]
    assert definition.describe().endswith("restricted by a function(region)")


def test_a_stretch_of_civil_time_is_the_windows_that_start_in_it():
    months = MonthlyPartitionsDefinition("2023-11-15", day_offset=15, timezone="America/New_York")
    definition = sparse(lambda region: {"month": "2023-12..2024-01"}, {"month": months, "region": REGIONS})
    assert definition.get_partition_keys(datetime(2025, 1, 1)) == [
        "2023-12-15|eu",
        "2023-12-15|us",
        "2024-01-15|eu",
        "2024-01-15|us",
    ]


@pytest.mark.parametrize("stretch", ["2024-10-27T02:30", "2024-10-27T02", "2024-10-27T02:59..2024-10-27T03:00", "9999"])
def test_civil_time_means_in_combinations_what_it_means_in_a_selection(stretch):
    minutes = TimeWindowPartitionsDefinition(
        cron_schedule="* * * * *", start="2024-10-27-00:00", fmt="%Y-%m-%d-%H:%M", timezone="Europe/Berlin"
    )
    definition = sparse(lambda region: {"minute": stretch}, {"minute": minutes, "region": REGIONS})
    now = datetime(2024, 10, 28)
    if stretch == "9999":
        assert definition.get_partition_keys(now) == []
    else:
        selected = list(minutes.select(stretch, now))
        assert len(selected) > 1
        assert definition.get_partition_keys(now) == [f"{key}|{region}" for key in selected for region in ("eu", "us")]


def test_a_function_is_asked_once_for_each_key_by_however_many_threads():
    asked = []

    def slow(product):
        asked.append(product)
        time.sleep(0.001)  # lets the others run
        return True

    definition = sparse(slow, {"product": StaticPartitionsDefinition([*map(str, range(20))]), "region": REGIONS})
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda _: definition.count(NOW), range(4)))
    assert (counts, sorted(asked)) == ([40] * 4, sorted(map(str, range(20))))


def test_a_function_that_asks_for_its_own_combinations_is_refused():
    def circular(region):
        return {"product": definition.get_partition_keys(NOW)}

    definition = sparse(circular)
    with pytest.raises(CombinationsError, match=r"circular asks for what it is asked itself\. Answer from the key"):
        definition.count(NOW)


def test_a_function_of_the_time_dimension_is_as_good():
    definition = sparse(
        lambda date: {"region": "eu"} if date >= "2024-01-02" else None, {"date": DAILY, "region": REGIONS}
    )
    assert definition.get_partition_keys(NOW) == ["2024-01-02|eu", "2024-01-03|eu"]


@settings(deadline=None)
@given(
    allowed=st.dictionaries(
        st.sampled_from("abc"),
        st.tuples(st.sets(st.integers(1, 5)), st.sets(st.sampled_from(["eu", "us"]))),
    ),
    days=st.integers(0, 6),
)
def test_computed_products_agree_with_plain_sets(allowed, days):
    def goes(product):
        if product not in allowed:
            return None
        return {"date": [f"2024-01-0{n}" for n in allowed[product][0]], "region": list(allowed[product][1])}

    definition = sparse(goes)
    now = datetime(2024, 1, 1) + timedelta(days=days)
    everything = MultiPartitionsDefinition(ALL).get_partition_keys(now)
    expected = []
    for key in everything:
        day, product, region = key.split("|")
        if product in allowed and int(day[-1]) in allowed[product][0] and region in allowed[product][1]:
            expected.append(key)
    assert definition.get_partition_keys(now) == expected
    assert definition.count(now) == len(expected)
    assert {key for key in everything if definition.has_partition_key(key, now)} == set(expected)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (7, "answer(region='eu') returned 7 (int). Return a dictionary of what the other dimensions are restricted to"),
        (["a"], "answer(region='eu') returned ['a'] (list)"),
        ({"produkt": "a"}, "answer(region='eu') names 'produkt', which is not a dimension. Did you mean 'product'?"),
        (
            {"region": "eu"},
            "answer(region='eu') names 'region', which is not a dimension. The dimensions are date, product",
        ),
        ({"product": "z"}, "names 'z', which is not a key of the dimension 'product' (static: a, b, c (3 keys))"),
        ({"product": ["a", "B"]}, "names 'B', which is not a key of the dimension 'product'"),
        ({"date": "2023-05"}, "names '2023-05', which is not a key of the dimension 'date' (daily from 2024-01-01)"),
        ({"date": ["2024-01", "2023-05"]}, "names '2023-05', which is not a key of the dimension 'date'"),
        ({"product": "c..a"}, "names the range 'c..a' of the dimension 'product', which runs backwards"),
        ({"date": "..2023-12-31"}, "names '..2023-12-31', which is not a key of the dimension 'date' (daily from"),
        ({"date": "2024-01 2024-02"}, "As a selection, nothing joins this to '2024-01'. Write &, | or a comma"),
        ({"date": "last 7"}, "names 'last 7', which is not a key of the dimension 'date'"),
        ({"date": "9999..10000"}, "names '10000', which is not a key of the dimension 'date'"),
        ({"date": ""}, "names '', which is not a key of the dimension 'date'"),
        ({"date": None}, "has None (NoneType) as a key of the dimension 'date'; expected text or a date"),
        ({"date": {"x": 1}}, "has {'x': 1} (dict) as a key of the dimension 'date'"),
        ({"product": b"a"}, "has b'a' (bytes) as a key of the dimension 'product'"),
    ],
)
def test_an_answer_that_makes_no_sense_names_the_function_and_the_key(answer, message):
    given_ = answer

    def answer(region):
        return given_

    definition = sparse(answer)
    with pytest.raises(CombinationsError) as caught:
        definition.has_partition_key("2024-01-01|a|eu", NOW)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{__file__}:{answer.__code__.co_firstlineno}: ")


def test_what_a_function_raises_is_shown_whole_with_the_key_that_it_got():
    def lookup(name):
        return {"eu": True}[name]

    def known(region):
        return lookup(region)

    definition = sparse(known)
    assert definition.has_partition_key("2024-01-01|a|eu", NOW)
    with pytest.raises(CombinationsError) as caught:
        definition.count(NOW)
    text = str(caught.value)
    assert "known(region='us'), which tells which combinations exist, raised KeyError: 'us'.\n\nTraceback" in text
    assert text.index("in known") < text.index("in lookup")
    assert "computed_combinations" not in text
    assert text.endswith("KeyError: 'us'")
    assert isinstance(caught.value.__cause__, KeyError)
    assert str(pickle.loads(pickle.dumps(caught.value))) == text
    assert "lookup" in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("function", "has"),
    [
        (lambda: None, "has no parameter"),
        (lambda regio: None, "has the parameters (regio)"),
        (lambda region, product: None, "has the parameters (region, product)"),
        (lambda *region: None, "has the parameters (*region)"),
        (lambda region, /: None, "has the parameters (region)"),
        (dict, "has no parameter"),
    ],
)
def test_a_function_has_one_parameter_named_after_a_dimension(function, has):
    with pytest.raises(CombinationsError) as caught:
        sparse(function)
    assert f"the function that tells combinations {has}." in str(caught.value)
    assert "Give it one, named after the dimension whose keys it gets: date, product, region." in str(caught.value)


# Dynamic dimensions

CUSTOMERS = {"customer": DynamicPartitionsDefinition(name="customers"), "product": PRODUCTS}


def test_combinations_of_a_dynamic_dimension_exist_once_their_keys_are_added():
    definition = sparse([{"customer": "acme", "product": "a"}, {"customer": "zeta", "product": "b"}], CUSTOMERS)
    assert definition.get_partition_keys(NOW, Keys(customers=["other", "acme"])) == ["acme|a"]
    assert definition.get_partition_keys(NOW, Keys(customers=["zeta", "acme"])) == ["zeta|b", "acme|a"]
    with pytest.raises(PartitionsDefinitionError, match="names 'z', which is not a key of the dimension 'product'"):
        sparse([{"customer": "acme", "product": "z"}], CUSTOMERS)


def test_a_function_may_be_of_a_dynamic_dimension_or_name_its_keys():
    of = sparse(lambda customer: {"product": customer[0]}, CUSTOMERS)
    assert of.get_partition_keys(NOW, Keys(customers=["acme", "best"])) == ["acme|a", "best|b"]
    named = sparse(lambda product: {"customer": ["acme", "not yet"]} if product == "a" else None, CUSTOMERS)
    assert named.get_partition_keys(NOW, Keys(customers=["best", "acme"])) == ["acme|a"]


# Values


def test_definitions_with_the_same_combinations_are_equal():
    listed = sparse(["2024-01-01|a|eu", "2024-01-02|b|us"])
    same = sparse(pl.DataFrame({"region": ["us", "eu"], "date": ["2024-01-02", "2024-01-01"], "product": ["b", "a"]}))
    assert listed == same
    assert hash(listed) == hash(same)
    assert listed != sparse(["2024-01-01|a|eu"])
    assert listed != MultiPartitionsDefinition(ALL)
    assert sparse(launched) == sparse(launched)
    assert hash(sparse(launched)) == hash(sparse(launched))
    assert sparse(launched) != sparse(lambda region: True)
    assert sparse(launched) != listed
    assert MultiPartitionsDefinition(ALL, combinations=listed.combinations) == listed
    assert MultiPartitionsDefinition(ALL).combinations is None


@pytest.mark.parametrize("definition", [sparse(["2024-01-01|a|eu"]), sparse(launched)])
def test_definitions_with_combinations_pickle(definition):
    definition.count(NOW)
    again = pickle.loads(pickle.dumps(definition))
    assert again == definition
    assert again.get_partition_keys(NOW) == definition.get_partition_keys(NOW)
    assert pickle.loads(pickle.dumps(definition.combinations)) == definition.combinations


def test_combinations_are_in_the_words():
    definition = sparse([{"region": "eu", "product": "a"}])
    assert definition.describe_extent(NOW).endswith(
        "region: eu, us (2 keys); restricted to 1 combination of product, region"
    )
    assert repr(definition).endswith(", combinations=[{'product': 'a', 'region': 'eu'}])")
    other = sparse([{"region": "eu", "product": "b"}])
    assert definition.get_serializable_unique_identifier() != other.get_serializable_unique_identifier()
    assert repr(sparse(launched)).endswith(f", combinations={launched!r})")
