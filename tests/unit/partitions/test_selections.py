"""What selections of partitions mean: tables of examples, and a slow model of plain sets of keys."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionSet,
    ProductSet,
    StaticPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)
from gapless.partitions.sets.selection import select
from gapless.partitions.sets.selection_grammar import AllOf, AnyOf, Not, Value, Word, as_value, parse

NOW = datetime(2024, 11, 20, 12, tzinfo=UTC)
DAYS = DailyPartitionsDefinition(start_date="2024-09-15")  # to 2024-11-19
HOURS = HourlyPartitionsDefinition(start_date="2024-11-01-00:00", timezone="America/New_York")
WORKDAYS = DailyPartitionsDefinition(start_date="2024-09-15", exclusions=["0 0 * * 6,0"])
WEEKS = WeeklyPartitionsDefinition(start_date="2024-09-01")
MONTHS = MonthlyPartitionsDefinition(start_date="2023-11-01")
PLAIN = TimeWindowPartitionsDefinition(start="20240915", fmt="%Y%m%d", cron_schedule="0 0 * * *")
NAMES = StaticPartitionsDefinition(["eu", "us", "OR", "v1.0", "all", "last", "a key, with = & ()", 'a "\\', "2024"])
SPARSE = MultiPartitionsDefinition(
    {"region": StaticPartitionsDefinition(["eu", "us", "apac"]), "date": DAYS},
    combinations=[{"region": "eu"}, {"region": "us", "date": "2024-11-18"}],
)
BY_REGION = MultiPartitionsDefinition({"region": StaticPartitionsDefinition(["eu", "us", "apac"]), "date": DAYS})


def november(*days):
    return [f"2024-11-{day:02d}" for day in days]


def keys(definition, text, statuses=None):
    return list(select(definition, text, NOW, statuses))


@pytest.mark.parametrize(
    ("definition", "text", "expected"),
    [
        # keys
        (DAYS, "2024-11-05", november(5)),
        (DAYS, ' "2024-11-05" ', november(5)),
        (DAYS, "2024-11-07, 2024-11-05,2024-11-05", november(5, 7)),
        (PLAIN, "20241105", ["20241105"]),
        (HOURS, "2024-11-03-01:00-0500", ["2024-11-03-01:00-0500"]),
        (NAMES, "us, v1.0", ["us", "v1.0"]),
        (NAMES, "OR", ["OR"]),
        (NAMES, '"all", "last"', ["all", "last"]),
        (NAMES, '"a key, with = & ()"', ["a key, with = & ()"]),
        (NAMES, r'"a \"\\"', ['a "\\']),
        (NAMES, "2024", ["2024"]),
        # civil time
        (DAYS, "2024-11", november(*range(1, 20))),
        (PLAIN, "2024-11-19", ["20241119"]),
        (HOURS, "2024-11-05-10", ["2024-11-05-10:00"]),
        (HOURS, "2024-11-05T10:00", ["2024-11-05-10:00"]),
        (WEEKS, "2024-10", [f"2024-10-{day:02d}" for day in (6, 13, 20, 27)]),
        (MONTHS, "2023", ["2023-11-01", "2023-12-01"]),
        # ranges, both ends inclusive
        (DAYS, "2024-11-05..2024-11-07", november(5, 6, 7)),
        (DAYS, "2024-11-05...2024-11-07", november(5, 6, 7)),
        (DAYS, "2024-11-05 .. 2024-11-07", november(5, 6, 7)),
        (DAYS, "2024-11-18..", november(18, 19)),
        (DAYS, "2024-11-18..2024-12", november(18, 19)),
        (DAYS, "2024-11..9999", november(*range(1, 20))),
        (DAYS, "..2024-09-16", ["2024-09-15", "2024-09-16"]),
        (DAYS, "0001..2024-09-16", ["2024-09-15", "2024-09-16"]),
        (MONTHS, "2024-03..2024-05", ["2024-03-01", "2024-04-01", "2024-05-01"]),
        (WEEKS, "2024-10-03..2024-10-20", ["2024-10-06", "2024-10-13", "2024-10-20"]),
        (WEEKS, "2024-10-03..2024-10-19", ["2024-10-06", "2024-10-13"]),
        (NAMES, "us..v1.0", ["us", "OR", "v1.0"]),
        (NAMES, 'v1.0.."last"', ["v1.0", "all", "last"]),
        (NAMES, "..us", ["eu", "us"]),
        (WORKDAYS, "2024-11-01..2024-11-05", november(1, 4, 5)),
        (WORKDAYS, "2024-11-02..2024-11-10", november(4, 5, 6, 7, 8)),
        # numbers
        (DAYS, "last 2", november(18, 19)),
        (WORKDAYS, "last 3", november(15, 18, 19)),
        (DAYS, "first 2", ["2024-09-15", "2024-09-16"]),
        (NAMES, "first 1, last 1", ["eu", "2024"]),
        (DAYS, "last 007 & first 60", [*november(13)]),
        (MONTHS, "first 99999999999999999999999999 & 2023", ["2023-11-01", "2023-12-01"]),
        # operators
        (DAYS, "2024-11 & last 21", november(*range(1, 20))),
        (DAYS, "not ..2024-11-17", november(18, 19)),
        (DAYS, "not not last 1", november(19)),
        (DAYS, "last 3 and not last 1", november(17, 18)),
        (DAYS, "last 1 or 2024-11-03 and first 60", november(3, 19)),
        (DAYS, "(last 1 | 2024-11-03) & first 60", november(3)),
        (DAYS, "not 2024-09, 2024-10, 2024-11-01..2024-11-17", november(18, 19)),
        (DAYS, "none", []),
        (NAMES, "all & us", ["us"]),
    ],
)
def test_a_selection_names_existing_partitions(definition, text, expected):
    assert keys(definition, text) == expected


def test_keys_ranges_and_civil_time_are_joined_in_one_list():
    definition = DailyPartitionsDefinition("2024-01-01")
    text = "2024-01-05, 2024-01-01..2024-01-02, 2024-01-03, last 1, 2024-01-05"
    assert list(select(definition, text, datetime(2024, 1, 11))) == [
        "2024-01-01",
        "2024-01-02",
        "2024-01-03",
        "2024-01-05",
        "2024-01-10",
    ]


def test_a_naive_now_is_in_the_definitions_own_timezone():
    assert select(HOURS, "last 1", datetime(2024, 11, 5, 12)).last == "2024-11-05-11:00"


def test_a_definition_selects_by_itself():
    assert DAYS.select("last 1", NOW) == select(DAYS, "last 1", NOW)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a | b & c", AnyOf((Value("a", 0), AllOf((Value("b", 4), Value("c", 8)))))),
        ("not a & b", AllOf((Not(Value("a", 4)), Value("b", 8)))),
        ("a, b & c", AllOf((AnyOf((Value("a", 0), Value("b", 3))), Value("c", 7)))),
        ("not a, b", Not(AnyOf((Value("a", 4), Value("b", 7))))),
        ("(all)", Word("all", 1)),
        ("nothing", Value("nothing", 0)),
    ],
)
def test_not_binds_tighter_than_and_and_and_than_or(text, tree):
    assert parse(text) == tree


@given(
    st.text(min_size=0, max_size=8) | st.sampled_from(["all", "last", "not", "and", ".a", "a.", "a..b", "x=y", "a,b"])
)
def test_every_text_can_be_written_as_a_value(key):
    written = parse(as_value(key))

    assert isinstance(written, Value)
    assert written.text == key


# What is recorded.

STATUSES = {
    "missing": OrdinalSet.span(0, 10),
    "failed": OrdinalSet.of([10, 65]),
    "materialized": OrdinalSet.span(60, 99),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("failed", ["2024-09-25", "2024-11-19"]),
        ("failed & 2024-11", november(19)),
        ("failed, missing & first 1", ["2024-09-15"]),
        ("failed | missing & first 1", ["2024-09-15", "2024-09-25", "2024-11-19"]),
        ("materialized", november(*range(14, 20))),
        ("materialized & not failed & last 3", november(17, 18)),
    ],
)
def test_what_is_recorded_can_be_asked_for_where_it_is_known(text, expected):
    assert keys(DAYS, text, STATUSES) == expected


# Several dimensions.


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region=eu & date=2024-11-18..", ["2024-11-18|eu", "2024-11-19|eu"]),
        ("date=2024-11-19", ["2024-11-19|eu", "2024-11-19|us", "2024-11-19|apac"]),
        ("region=eu,apac & last 1", ["2024-11-19|eu", "2024-11-19|apac"]),
        ("region=not eu & date=last 1", ["2024-11-19|us", "2024-11-19|apac"]),
        ("region=(eu | us) & region=us.. & first 1", ["2024-09-15|us"]),
        ('"region"=eu & date=(last 2 & not last 1)', ["2024-11-18|eu"]),
        ('"2024-11-18|us"', ["2024-11-18|us"]),
        ('"2024-11-18|us".."2024-11-19|apac"', [f"2024-11-{d}|{r}" for d in (18, 19) for r in ("us", "apac")]),
        ('"2024-11-19|us"..', ["2024-11-19|us", "2024-11-19|apac"]),
        ("failed", ["2024-09-18|us"]),
        ("not failed & first 4 & date=2024-09-18", ["2024-09-18|eu", "2024-09-18|apac"]),
        ("region=eu & date=none", []),
    ],
)
def test_each_dimension_is_selected_by_itself(text, expected):
    assert keys(BY_REGION, text, {"failed": BY_REGION.ordinals_of(["2024-09-18|us"])}) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("last 2", ["2024-11-18|eu", "2024-11-18|us", "2024-11-19|eu"]),
        ("not region=eu", ["2024-11-18|us"]),
        ("region=apac", []),
        ('"2024-11-17|eu".."2024-11-18|us"', ["2024-11-17|eu", "2024-11-18|eu", "2024-11-18|us"]),
    ],
)
def test_of_a_sparse_product_only_what_exists_is_selected(text, expected):
    assert keys(SPARSE, text) == expected


def test_ten_million_partitions_are_selected_without_listing_them(monkeypatch):
    parts = {name: StaticPartitionsDefinition([f"{name}{n}" for n in range(10)]) for name in "abcd"}
    cube = MultiPartitionsDefinition(
        {**parts, "time": HourlyPartitionsDefinition("2024-09-28-00:00", "2024-11-08-16:00")}
    )
    monkeypatch.setattr(ProductSet, "__iter__", None)
    monkeypatch.setattr(ProductSet, "flat", None)

    assert len(select(cube, "all", NOW)) == 10**7
    october, first_hour = 744 * 3 * 100, 10**4
    assert len(select(cube, "a=a1..a3 & d=d9 & time=2024-10 | not last 999", NOW)) == october + first_hour
    assert len(select(cube, '"a1|b0|c0|d0|2024-10-01-00:00".."a2|b0|c9|d9|2024-10-01-01:00"', NOW)) == 2 * 100 * 2
    assert isinstance(select(cube, "c=c1 & not b=b1,b2", NOW).ordinals, ProductSet)


# Civil time against the clock: labels are compared as text, which is slow and obvious.


@pytest.mark.parametrize(
    ("zone", "night"),
    [
        ("America/New_York", "2024-11-03"),
        ("America/New_York", "2024-03-10"),
        ("America/Havana", "2024-11-03"),  # falls back at 01:00
        ("Australia/Lord_Howe", "2024-04-07"),  # by half an hour
        ("Pacific/Apia", "2011-12-30"),  # a day that is not
        ("Africa/Monrovia", "1972-01-07"),  # by 44 minutes and a half
        ("America/Juneau", "1867-10-18"),  # a day that comes twice
        ("UTC", "2024-11-03"),
    ],
)
@pytest.mark.parametrize("cron", ["0 * * * *", "*/15 * * * *", "0 0 * * *"])
def test_civil_time_means_the_labels_that_lie_in_it(zone, night, cron):
    start = datetime.fromisoformat(night) - timedelta(days=2)
    ending = start + timedelta(days=5)
    definition = TimeWindowPartitionsDefinition(
        start=start, end=ending, timezone=zone, fmt="%Y-%m-%dT%H:%M", cron_schedule=cron
    )
    labels = list(enumerate(definition.keys_of(definition.existing(NOW))))

    for prefix in {label[:size] for _, label in labels for size in (4, 7, 10, 13, 16)}:
        size = len(prefix)
        later = OrdinalSet.of(n for n, label in labels if label[:size] >= prefix)
        earlier = OrdinalSet.of(n for n, label in labels if label[:size] <= prefix)
        assert definition.labelled_from(prefix, NOW) == later
        assert definition.labelled_until(prefix, NOW) == earlier


@pytest.mark.parametrize(
    "text", ["2024-13", "2024-02-30", "2024-1", "202", "2024-01-01T24", "2024-01-01-10:60", "0000", "٢٠٢٤"]
)
def test_what_no_calendar_has_is_no_civil_time(text):
    assert DAYS.labelled_from(text, NOW) is None
    assert DAYS.labelled_until(text, NOW) is None


# The model: trees whose meaning is worked out with plain sets of keys, written with as few parentheses as possible.

OR, AND, NOT, ATOM = range(4)


def trees(atoms, everything):
    """(text, how tightly it binds, the keys that it means)."""

    def written(tree, least):
        return tree[0] if tree[1] >= least else f"({tree[0]})"

    def either(pair, sign):
        return f"{written(pair[0], OR)}{sign}{written(pair[1], OR)}", OR, pair[0][2] | pair[1][2]

    def both(pair, sign):
        return f"{written(pair[0], AND)}{sign}{written(pair[1], AND)}", AND, pair[0][2] & pair[1][2]

    def neither(tree):
        return f"not {written(tree, NOT)}", NOT, everything - tree[2]

    def larger(children):
        pairs = st.tuples(children, children)
        return (
            st.builds(either, pairs, st.sampled_from(["|", " | ", " or "]))
            | st.builds(both, pairs, st.sampled_from(["&", " & ", " and "]))
            | children.map(neither)
        )

    return st.recursive(atoms, larger, max_leaves=12)


def value_atoms(definition, prefixes):
    """Values, ranges and numbers of one dimension, with their keys."""
    listed = list(definition.keys_of(definition.existing(NOW)))
    places = st.integers(0, len(listed) - 1)
    spans = st.tuples(places, places).map(sorted)

    def united(parts):
        return ", ".join(text for text, _ in parts), ATOM, frozenset().union(*(found for _, found in parts))

    atom = st.one_of(
        places.map(lambda n: (as_value(listed[n]), {listed[n]})),
        spans.map(lambda s: (f"{as_value(listed[s[0]])}..{as_value(listed[s[1]])}", set(listed[s[0] : s[1] + 1]))),
        places.map(lambda n: (f"{as_value(listed[n])}..", set(listed[n:]))),
        places.map(lambda n: (f"..{as_value(listed[n])}", set(listed[: n + 1]))),
        st.integers(1, 99).map(lambda n: (f"last {n}", set(listed[-n:]))),
        st.integers(1, 99).map(lambda n: (f"first {n}", set(listed[:n]))),
        st.sampled_from([("all", set(listed)), ("none", set())]),
        *[st.sampled_from(prefixes).map(lambda p: (p, {key for key in listed if key.startswith(p)}))] * bool(prefixes),
        *[st.sampled_from(prefixes).map(lambda p: (f"{p}..", {key for key in listed if key >= p}))] * bool(prefixes),
    )
    return st.lists(atom, min_size=1, max_size=3).map(united)


def of_one_dimension(definition, prefixes=()):
    listed = frozenset(definition.keys_of(definition.existing(NOW)))
    return trees(value_atoms(definition, prefixes), listed).map(lambda tree: (definition, tree[0], tree[2]))


def of_two_dimensions():
    dates, regions = (dict(BY_REGION.dimensions)[name].get_partition_keys(NOW) for name in ("date", "region"))
    everything = frozenset(f"{date}|{region}" for date, region in product(dates, regions))

    def inside(name, tree):
        place = list(BY_REGION.dimensions).index(name)
        text = tree[0] if tree[1] >= NOT else f"({tree[0]})"
        return f"{name}={text}", ATOM, frozenset(key for key in everything if key.split("|")[place] in tree[2])

    date = st.builds(inside, st.just("date"), trees(value_atoms(DAYS, ["2024-10", "2024"]), frozenset(dates)))
    region_atoms = value_atoms(BY_REGION.dimensions["region"], [])
    region = st.builds(inside, st.just("region"), trees(region_atoms, frozenset(regions)))
    key = st.sampled_from(sorted(everything)).map(lambda key: (f'"{key}"', ATOM, frozenset([key])))
    return trees(date | region | key, everything).map(lambda tree: (BY_REGION, tree[0], tree[2]))


@given(
    st.one_of(
        of_one_dimension(DAYS, ["2024", "2024-10", "2024-11", "2024-11-05"]),
        of_one_dimension(HOURS, ["2024-11", "2024-11-03", "2024-11-05-10"]),
        of_one_dimension(NAMES),
        of_two_dimensions(),
    )
)
def test_selections_agree_with_plain_sets_of_keys(case):
    definition, text, expected = case

    assert set(select(definition, text, NOW)) == expected


@given(st.sampled_from([DAYS, HOURS, MONTHS, NAMES, BY_REGION, SPARSE]), st.data())
def test_what_a_set_writes_as_text_selects_it_again(definition, data):
    existing = definition.existing(NOW)
    size = len(existing)
    ends = st.tuples(st.integers(0, size), st.integers(0, size))
    places = OrdinalSet.of_runs(data.draw(st.lists(ends, max_size=5)))
    written = PartitionSet.of_ordinals(definition, OrdinalSet.of(existing.at(n) for n in places if n < size))

    assert select(definition, written.text(), NOW) == written
