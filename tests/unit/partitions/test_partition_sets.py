import pickle
from datetime import datetime
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import InvocationError, UnknownPartitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MultiPartitionKey,
    MultiPartitionsDefinition,
    OrdinalSet,
    PartitionKeyRange,
    PartitionSet,
    StaticPartitionsDefinition,
)
from gapless.partitions.ordinals import ProductSet

NOW = datetime(2024, 1, 11)
DAILY = DailyPartitionsDefinition("2024-01-01")
DAYS = [f"2024-01-{day:02d}" for day in range(1, 11)]
REGIONS = StaticPartitionsDefinition(["us", "eu", "apac"])
CUBE = MultiPartitionsDefinition(
    {"date": DAILY, "plan": StaticPartitionsDefinition(["free", "paid"]), "region": REGIONS}
)
CUBE_KEYS = ["|".join(key) for key in product(DAYS, ["free", "paid"], ["us", "eu", "apac"])]
DEFINITIONS = {"time": (DAILY, DAYS), "static": (REGIONS, ["us", "eu", "apac"]), "dimensions": (CUBE, CUBE_KEYS)}
HOURLY = HourlyPartitionsDefinition("2024-01-01-00:00")


def days(*numbers):
    return PartitionSet.of_keys(DAILY, [f"2024-01-{n:02d}" for n in numbers])


def ranges(*texts):
    return [PartitionKeyRange(*(text.split("..") * 2)[:2]) for text in texts]


untimed = settings(deadline=None)
kinds = pytest.mark.parametrize("kind", DEFINITIONS)


# The algebra, against plain sets of keys.


@kinds
@untimed
@given(data=st.data())
def test_the_algebra_agrees_with_plain_sets_of_keys(kind, data):
    definition, keys = DEFINITIONS[kind]
    some = st.sets(st.sampled_from(keys))
    a, b, count = data.draw(some), data.draw(some), data.draw(st.integers(0, len(keys) + 1))
    ours, theirs = PartitionSet.of_keys(definition, a), PartitionSet.of_keys(definition, b)

    def ordered(wanted):
        return [key for key in keys if key in wanted]

    assert list(ours | theirs) == ordered(a | b)
    assert list(ours & theirs) == ordered(a & b)
    assert list(ours - theirs) == ordered(a - b)
    assert list(ours.complement(NOW)) == ordered(set(keys) - a)
    assert (len(ours), bool(ours)) == (len(a), bool(a))
    assert [key for key in keys if key in ours] == ordered(a)
    assert (ours.first, ours.last) == ((ordered(a)[0], ordered(a)[-1]) if a else (None, None))
    assert list(ours.head(count)) == ordered(a)[:count]
    assert list(ours.tail(count)) == ordered(a)[max(0, len(a) - count) :]
    assert (ours == theirs) == (a == b)
    assert (ours - theirs) | (ours & theirs) == ours
    assert hash((ours - theirs) | (ours & theirs)) == hash(ours)
    assert pickle.loads(pickle.dumps(ours)) == ours


@kinds
@untimed
@given(data=st.data())
def test_ranges_are_disjoint_and_together_the_set(kind, data):
    definition, keys = DEFINITIONS[kind]
    wanted = data.draw(st.sets(st.sampled_from(keys)))
    found = PartitionSet.of_keys(definition, wanted).ranges()
    parts = [set(PartitionSet.of_range(definition, each)) for each in found]
    assert set().union(*parts) == wanted
    assert sum(map(len, parts)) == len(wanted)
    assert [found[n] for n in range(len(found))] == list(found) == [found[n - len(found)] for n in range(len(found))]
    assert found[1:3] == list(found)[1:3]


@pytest.mark.parametrize("spread", [3, 40], ids=["dense", "sparse"])
@pytest.mark.parametrize("kind", ["time", "static"])
def test_many_ranges_and_keys_are_those_of_each_run(spread, kind):
    hours = [n for n in range(0, 1300 * spread) if n % spread and (n * 2654435761) % 7 > 2]
    definition = HOURLY if kind == "time" else StaticPartitionsDefinition([f"k{n}" for n in range(1300 * spread)])
    scattered = PartitionSet(definition, OrdinalSet.of(hours))
    assert len(scattered.ordinals.runs) > 500
    assert list(scattered) == [definition.key_at(n) for n in hours]
    assert list(scattered.ranges()) == [
        PartitionKeyRange(definition.key_at(a), definition.key_at(b - 1)) for a, b in scattered.ordinals.runs
    ]
    assert scattered.text().split(", ")[:2] == scattered.text(2).removesuffix(
        f" … and {len(scattered.ranges()) - 2} more"
    ).split(", ")


def test_the_key_of_a_range_is_written_when_it_is_looked_at():
    written = []

    class Watched(StaticPartitionsDefinition):
        def key_at(self, ordinal):
            written.append(ordinal)
            return super().key_at(ordinal)

    found = PartitionSet(Watched([f"k{n}" for n in range(100)]), OrdinalSet.of(range(0, 100, 2))).ranges()
    assert (len(found), written) == (50, [])
    assert found[-1] == PartitionKeyRange("k98", "k98")
    assert written == [98]
    with pytest.raises(IndexError):
        found[50]


def test_a_box_is_one_rectangle_however_many_partitions_it_has():
    box = PartitionSet.of_range(CUBE, PartitionKeyRange("2024-01-02|free|us", "2024-01-09|paid|eu"))
    assert box.ranges() == ranges("2024-01-02|free|us..2024-01-09|paid|eu")
    assert len(box) == 8 * 2 * 2
    corner = box.ranges()[0].end
    assert isinstance(corner, MultiPartitionKey)
    assert corner.keys_by_dimension == {"date": "2024-01-09", "plan": "paid", "region": "eu"}


def test_sides_with_gaps_are_cut_into_rectangles():
    wanted = {f"{day}|free|{region}" for day in ("2024-01-02", "2024-01-05") for region in ("us", "apac")}
    assert PartitionSet.of_keys(CUBE, wanted).ranges() == ranges(
        "2024-01-02|free|us", "2024-01-02|free|apac", "2024-01-05|free|us", "2024-01-05|free|apac"
    )


def test_ranges_compare_with_lists_and_print_as_they_do():
    found = days(1, 2, 5).ranges()
    assert found == tuple(ranges("2024-01-01..2024-01-02", "2024-01-05"))
    assert found == days(1, 2, 5).ranges()
    assert found != ranges("2024-01-01..2024-01-02")
    assert found != "2024-01-01..2024-01-02"
    assert repr(found) == repr(ranges("2024-01-01..2024-01-02", "2024-01-05"))
    assert repr(days(1, 3, 5, 7, 9, 11).ranges()).endswith("end='2024-01-09'), …]")
    assert (len(days().ranges()), list(days().ranges())) == (0, [])


def test_a_set_holds_future_partitions_too():
    assert "2031-07-01" in PartitionSet.of_keys(DAILY, ["2031-07-01"])
    assert not PartitionSet.existing(DAILY, NOW) & PartitionSet.of_keys(DAILY, ["2031-07-01"])


def test_sets_of_two_definitions_are_not_combined():
    for combine in (PartitionSet.__or__, PartitionSet.__and__, PartitionSet.__sub__):
        with pytest.raises(InvocationError) as caught:
            combine(days(1), PartitionSet.empty(REGIONS))
    assert str(caught.value) == (
        "sets of two definitions cannot be combined: daily from 2024-01-01, and static: us, eu, apac (3 keys)."
        " Map one to the other with a partition mapping"
    )
    assert days(1) != PartitionSet.of_keys(DailyPartitionsDefinition("2023-01-01"), ["2024-01-01"])


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        (["2024-01-01", "2023-01-01"], UnknownPartitionError, "there is no partition '2023-01-01'."),
        (["2024-1-1"], UnknownPartitionError, "there is no partition '2024-1-1'."),
        ("2024-01-01", InvocationError, "got the bare string '2024-01-01' as a list of keys. Write ['2024-01-01']."),
        ([datetime(2024, 1, 1)], InvocationError, "is of type datetime, not str. Write '2024-01-01 00:00:00'."),
    ],
)
def test_what_is_not_a_key_is_refused(keys, error, message):
    with pytest.raises(error) as caught:
        PartitionSet.of_keys(DAILY, keys)
    assert message in str(caught.value)


def test_a_range_has_two_keys_and_may_run_backwards():
    assert list(PartitionSet.of_range(DAILY, PartitionKeyRange("2024-01-03", "2024-01-05"))) == DAYS[2:5]
    assert not PartitionSet.of_range(DAILY, PartitionKeyRange("2024-01-05", "2024-01-03"))
    # §2.4: any dimension reversed
    assert not PartitionSet.of_range(CUBE, PartitionKeyRange("2024-01-01|free|apac", "2024-01-05|paid|us"))
    with pytest.raises(
        UnknownPartitionError, match=r"there is no partition '2023-12-31'\. Its partitions are daily from"
    ):
        PartitionSet.of_range(DAILY, PartitionKeyRange("2023-12-31", "2024-01-05"))


# Words.

ODD = StaticPartitionsDefinition(["all", "a b", "a|b", 'say "x"', "back\\slash", "a..b", "été", "plain", "last"])
ODD_REGIONS = MultiPartitionsDefinition({"the region": StaticPartitionsDefinition(["eu", "not"]), "date": DAILY})


@pytest.mark.parametrize(
    ("definition", "keys", "text"),
    [
        (DAILY, [], "none"),
        (DAILY, DAYS[:5] + DAYS[8:9], "2024-01-01..2024-01-05, 2024-01-09"),
        (REGIONS, ["eu", "apac"], "eu..apac"),
        (REGIONS, ["us", "apac"], "us, apac"),
        (ODD, ["all", "a|b", "back\\slash", "été", "last"], r'"all", "a|b", back\slash, été, "last"'),
        (CUBE, [], "none"),
        (CUBE, CUBE_KEYS, "date=2024-01-01..2024-01-10 & plan=free..paid & region=us..apac"),
        (
            CUBE,
            ["2024-01-01|free|us", "2024-01-01|free|apac", "2024-01-04|paid|eu"],
            "date=2024-01-01 & plan=free & region=us,apac | date=2024-01-04 & plan=paid & region=eu",
        ),
        (ODD_REGIONS, ["2024-01-02|not"], 'date=2024-01-02 & "the region"="not"'),
    ],
)
def test_the_words_of_a_set_are_a_selection(definition, keys, text):
    partitions = PartitionSet.of_keys(definition, keys)
    assert partitions.text() == text
    assert definition.select(partitions.text(), NOW) == partitions


@untimed
@given(st.sets(st.sampled_from(ODD.keys)))
def test_any_key_survives_being_put_into_words(keys):
    partitions = PartitionSet.of_keys(ODD, keys)
    assert ODD.select(partitions.text(), NOW) == partitions


@untimed
@given(st.sets(st.sampled_from(CUBE_KEYS)))
def test_any_set_of_dimensions_survives_being_put_into_words(keys):
    partitions = PartitionSet.of_keys(CUBE, keys)
    assert CUBE.select(partitions.text(), NOW) == partitions


def test_words_are_cut_where_they_would_be_too_many():
    assert days(1, 3, 5, 7).text(2) == "2024-01-01, 2024-01-03 … and 2 more"
    assert days(1, 3).text(2) == "2024-01-01, 2024-01-03"
    corners = PartitionSet.of_keys(CUBE, ["2024-01-01|free|us", "2024-01-02|paid|eu", "2024-01-03|free|us"])
    assert corners.text(1) == "date=2024-01-01 … and 1 more & plan=free & region=us … and 1 more"


def test_a_set_prints_as_its_first_ranges():
    assert (
        repr(days(1, 2, 5)) == "PartitionSet(2024-01-01..2024-01-02, 2024-01-05; 3 partitions of daily from 2024-01-01)"
    )
    assert repr(days(4)) == "PartitionSet(2024-01-04; 1 partition of daily from 2024-01-01)"
    assert repr(days(1, 3, 5, 7)).startswith(
        "PartitionSet(2024-01-01, 2024-01-03, 2024-01-05 … and 1 more; 4 partitions"
    )
    assert repr(days()) == "PartitionSet(none; 0 partitions of daily from 2024-01-01)"


@pytest.mark.parametrize(
    ("definition", "ordinals", "wanted"),
    [
        (CUBE, OrdinalSet.span(0, 4), "a ProductSet of date, plan, region"),
        (CUBE, ProductSet.empty([3, 2]), "a ProductSet of date, plan, region"),
        (DAILY, ProductSet.empty([3, 2]), "an OrdinalSet"),
        (DAILY, [1, 2], "an OrdinalSet"),
    ],
)
def test_ordinals_that_are_not_of_the_dimensions_are_refused(definition, ordinals, wanted):
    with pytest.raises(InvocationError) as caught:
        PartitionSet(definition, ordinals)
    assert f", not {wanted}" in str(caught.value)
    assert "PartitionSet.of_ordinals(definition, ordinals)" in str(caught.value)


@pytest.mark.parametrize("kind", [list, set, frozenset, dict.fromkeys])
def test_of_several_unknown_keys_the_same_is_named_in_each_process(kind):
    with pytest.raises(UnknownPartitionError) as caught:
        PartitionSet.of_keys(REGIONS, kind([*"abcdefgh", "us"]))
    assert caught.value.key == "a"
