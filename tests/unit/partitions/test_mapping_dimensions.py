"""Mappings where a side has several dimensions."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.errors import DefinitionError
from gapless.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    OrdinalSet,
    RollingWindowPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WaitPolicy,
    WeeklyPartitionsDefinition,
)

NOW = datetime(2024, 1, 16, 12)
D = DailyPartitionsDefinition("2024-01-01")
H = HourlyPartitionsDefinition("2024-01-01-00:00")
W = WeeklyPartitionsDefinition("2024-01-01")
LATE = DailyPartitionsDefinition("2024-01-10")
TOKYO = DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo")
REGIONS = StaticPartitionsDefinition(["us", "eu", "asia"])
SHOPS = StaticPartitionsDefinition(["x", "y"])
Multi, Single, Tied = MultiPartitionsDefinition, MultiToSingleDimensionPartitionMapping, DimensionPartitionMapping
DAY_REGION = Multi({"day": D, "region": REGIONS})
HOUR_REGION = Multi({"hour": H, "region": REGIONS})
LATE_REGION = Multi({"day": LATE, "region": REGIONS})
HOME_AWAY = Multi({"home": REGIONS, "away": REGIONS})
DAY_REGION_SHOP = Multi({"day": D, "region": REGIONS, "shop": SHOPS})
SPARSE = Multi({"region": REGIONS, "shop": SHOPS}, combinations=["us|x", "us|y", "eu|y"])
BY_TIME, SAME = TimeWindowPartitionMapping(), IdentityPartitionMapping()
BY_HOUR = MultiPartitionMapping({"day": Tied("hour", BY_TIME), "region": Tied("region", SAME)})
LAG = MultiPartitionMapping({"day": Tied("day", TimeWindowPartitionMapping(-1, -1)), "region": Tied("region", SAME)})


def regions(day, *names):
    return [f"2024-01-{day:02d}|{name}" for name in names or ("us", "eu", "asia")]


@pytest.mark.parametrize(
    ("mapping", "down", "up", "keys", "upstream", "nonexistent"),
    [
        (Single(), D, DAY_REGION, ["2024-01-05"], regions(5), []),
        (Single(), DAY_REGION, D, regions(5, "us") + regions(9, "eu"), ["2024-01-05", "2024-01-09"], []),
        (Single("region"), REGIONS, SPARSE, ["us", "asia"], ["us|x", "us|y"], []),
        (Single(), H, DAY_REGION, ["2024-01-05-03:00"], regions(5), []),
        (Single(), DAY_REGION, W, regions(9, "us"), ["2024-01-07"], []),
        (Single(), D, LATE_REGION, ["2024-01-09", "2024-01-10"], regions(10), ["day=2024-01-09"]),
        (Single(), DAY_REGION, LATE, regions(9, "us") + regions(9, "eu"), [], ["2024-01-09"]),
        # the name counts where two dimensions are equal (§2.6: the incumbent ignores it)
        (Single("home"), REGIONS, HOME_AWAY, ["us"], ["us|us", "eu|us", "asia|us"], []),
        (Single("away"), REGIONS, HOME_AWAY, ["us"], ["us|us", "us|eu", "us|asia"], []),
        (BY_HOUR, HOUR_REGION, DAY_REGION, ["2024-01-05-03:00|us"], regions(5, "us"), []),
        (LAG, DAY_REGION, DAY_REGION, regions(5, "eu"), regions(4, "eu"), []),
        (LAG, DAY_REGION, DAY_REGION, regions(1, "eu"), [], []),
        (LAG, DAY_REGION, LATE_REGION, regions(9, "eu"), [], ["day=2024-01-08"]),
        # §2.6: a dimension that is not mentioned is read whole, and does not matter downstream
        (
            MultiPartitionMapping({"day": Tied("day", BY_TIME)}),
            DAY_REGION,
            DAY_REGION_SHOP,
            regions(5, "us"),
            [f"{key}|{shop}" for key in regions(5) for shop in "xy"],
            [],
        ),
        (
            MultiPartitionMapping({"home": Tied("away", SAME)}),
            HOME_AWAY,
            HOME_AWAY,
            ["us|eu", "us|asia"],
            ["us|us", "eu|us", "asia|us"],
            [],
        ),
        (
            MultiPartitionMapping({"region": Tied("region", StaticPartitionMapping({"us": ["eu", "asia"]}))}),
            SPARSE,
            SPARSE,
            ["eu|y"],
            ["us|x", "us|y"],
            [],
        ),
        (SAME, LATE_REGION, DAY_REGION, regions(10, "us"), regions(10, "us"), []),
        (SAME, DAY_REGION, LATE_REGION, regions(9, "us") + regions(10, "us"), regions(10, "us"), regions(9, "us")),
        (LastPartitionMapping(), D, DAY_REGION, ["2024-01-05"], regions(15, "asia"), []),
    ],
)
def test_what_downstream_partitions_read(mapping, down, up, keys, upstream, nonexistent):
    assert mapping.validate(up, down) is None
    ordinals = down.ordinals_of(keys)
    assert len(ordinals) == len(keys)
    mapped = mapping.upstream(ordinals, down, up, NOW)
    assert up.keys_of(mapped.partitions) == upstream
    assert list(mapped.nonexistent) == nonexistent
    assert mapped.nonexistent_count == len(nonexistent)


@pytest.mark.parametrize(
    ("mapping", "down", "up", "keys", "downstream"),
    [
        (Single(), D, DAY_REGION, regions(5, "us"), ["2024-01-05"]),
        (Single(), DAY_REGION, D, ["2024-01-05"], regions(5)),
        (Single("region"), SPARSE, REGIONS, ["us", "asia"], ["us|x", "us|y"]),
        (Single("away"), HOME_AWAY, REGIONS, ["us"], ["us|us", "us|eu", "us|asia"]),
        (LAG, DAY_REGION, DAY_REGION, regions(5, "eu"), regions(6, "eu")),
        (LAG, DAY_REGION, DAY_REGION, regions(15, "eu"), []),
        (
            MultiPartitionMapping({"day": Tied("day", BY_TIME)}),
            DAY_REGION,
            DAY_REGION_SHOP,
            ["2024-01-05|us|x"],
            regions(5),
        ),
        (BY_HOUR, HOUR_REGION, DAY_REGION, regions(5, "us"), [f"2024-01-05-{hour:02d}:00|us" for hour in range(24)]),
    ],
)
def test_which_downstream_partitions_read_an_upstream_one(mapping, down, up, keys, downstream):
    assert down.keys_of(mapping.downstream(up.ordinals_of(keys), down, up, NOW)) == downstream


def test_ranges_of_what_does_not_exist_name_their_dimension():
    everything = DAY_REGION.existing(NOW)
    mapped = MultiPartitionMapping({"day": Tied("day", BY_TIME)}).upstream(everything, DAY_REGION, LATE_REGION, NOW)
    assert mapped.nonexistent_ranges == (("day=2024-01-01", "day=2024-01-09"),)
    assert (mapped.nonexistent_count, mapped.later) == (9, False)
    reason = WaitPolicy.all().verdict(mapped, OrdinalSet.empty(), LATE_REGION, "plays").reason
    assert reason == "needs plays day=2024-01-01..2024-01-09 (9 partitions), which do not exist"


@pytest.mark.parametrize(
    ("up", "down", "message"),
    [
        (SHOPS, DAY_REGION, r"upstream \(static: x, y.*\) to downstream \(day \(daily .*no dimension equals"),
        (DAY_REGION, SHOPS, r"upstream \(day \(daily .* to downstream \(static: x, y.*no dimension equals"),
        (SHOPS, None, r"upstream \(static: x, y.*\) to downstream \(not partitioned\)"),
    ],
)
def test_a_definition_that_no_dimension_fits_is_refused_as_what_it_is(up, down, message):
    for way in (Single().upstream, Single().downstream):
        with pytest.raises(DefinitionError, match=message):
            way(OrdinalSet.span(0, 1), down, up, NOW)


SMALL = Multi({"a": REGIONS, "b": SHOPS, "day": DailyPartitionsDefinition("2024-01-11")})
OTHER = Multi({"a": REGIONS, "day": DailyPartitionsDefinition("2024-01-09"), "week": W})
TIES = {
    "a": [None, Tied("a", SAME), Tied("a", StaticPartitionMapping({"us": ["us", "eu"], "asia": "us"}))],
    "day": [
        None,
        Tied("day", BY_TIME),
        Tied("day", RollingWindowPartitionMapping(2)),
        Tied("week", BY_TIME),
        Tied("week", AllPartitionMapping()),
    ],
}


@settings(max_examples=50, deadline=None)
@given(a=st.sampled_from(TIES["a"]), day=st.sampled_from(TIES["day"]), data=st.data())
def test_tied_dimensions_agree_with_asking_every_pair_of_partitions(a, day, data):
    mapping = MultiPartitionMapping({name: tie for name, tie in (("a", a), ("day", day)) if tie})
    up, down = SMALL, OTHER

    def reads(below, above):
        points = (
            dict(zip(down.dimensions, down.point(below), strict=True)),
            dict(zip(up.dimensions, up.point(above), strict=True)),
        )
        return all(
            points[1][name]
            in tie.partition_mapping.upstream(
                OrdinalSet.of([points[0][tie.dimension_name]]),
                down.dimensions[tie.dimension_name],
                up.dimensions[name],
                NOW,
            ).partitions
            for name, tie in (("a", a), ("day", day))
            if tie
        )

    below, above = list(down.existing(NOW)), list(up.existing(NOW))
    asked = data.draw(st.sets(st.sampled_from(below), max_size=4))
    changed = data.draw(st.sets(st.sampled_from(above), max_size=4))
    found = mapping.upstream(OrdinalSet.of(asked), down, up, NOW).partitions
    assert set(found) == {n for n in above if any(reads(m, n) for m in asked)}
    readers = mapping.downstream(OrdinalSet.of(changed), down, up, NOW)
    assert set(readers) == {m for m in below if any(reads(m, n) for n in changed)}


def test_a_product_of_ten_million_is_not_listed():
    big = Multi({f"d{n}": StaticPartitionsDefinition([f"k{i}" for i in range(25)]) for n in range(5)})
    mapping = MultiPartitionMapping({f"d{n}": Tied(f"d{n}", SAME) for n in range(5)})
    first = OrdinalSet.span(0, 25**4)  # all with the first key of the slowest dimension
    assert mapping.upstream(first, big, big, NOW).partitions == first
    assert mapping.downstream(first, big, big, NOW) == first


@pytest.mark.parametrize(
    ("mapping", "up", "down", "reason"),
    [
        (Single(), D, D, "one must have several dimensions, and the other be partitioned and have none"),
        (Single(), DAY_REGION, None, "one must have several dimensions"),
        (Single(), DAY_REGION, DAY_REGION, "one must have several dimensions"),
        (Single(), HOME_AWAY, REGIONS, "'away' and 'home' both fit, so one has to be named: MultiToSingleDimension"),
        (
            Single(),
            DAY_REGION,
            SHOPS,
            "no dimension equals or, by time, fits the other definition (there are 'day', 're",
        ),
        (Single("date"), D, DAY_REGION, "there is no dimension 'date' (there are 'day', 'region')"),
        (Single("region"), D, DAY_REGION, "dimension 'region' (static: us, eu, asia (3 keys)): one has time windows"),
        (Single("day"), TOKYO, DAY_REGION, "dimension 'day' (daily from 2024-01-01): their timezones differ"),
        (BY_HOUR, D, HOUR_REGION, "both must have several dimensions"),
        (LAG, DAY_REGION, HOUR_REGION, "downstream has no dimension 'day'; there are hour, region"),
        (
            MultiPartitionMapping({"dy": Tied("day", SAME)}),
            DAY_REGION,
            DAY_REGION,
            "upstream has no dimension 'dy'; did you",
        ),
        (
            MultiPartitionMapping({"day": Tied("region", SAME)}),
            DAY_REGION,
            DAY_REGION,
            "the upstream dimension 'day' (daily from 2024-01-01) cannot be tied to 'region' (static: us, eu, asia (3"
            " keys)) by IdentityPartitionMapping: one has time windows and the other has not",
        ),
        (SAME, DAY_REGION, HOUR_REGION, "their dimensions differ, so their keys are not the same"),
        (SAME, DAY_REGION, Multi({"day": W, "region": REGIONS}), "dimension 'day': their time windows differ"),
    ],
)
def test_definitions_that_a_mapping_cannot_tie_are_told_why(mapping, up, down, reason):
    assert reason in mapping.validate(up, down)


@pytest.mark.parametrize(
    ("given_", "reason"),
    [
        ({"day": SAME}, 'Write {"date": DimensionPartitionMapping("date", TimeWindowPartitionMapping())}'),
        ([("day", SAME)], "MultiPartitionMapping got [('day'"),
        (
            {"home": Tied("region", SAME), "away": Tied("region", SAME)},
            "ties the upstream dimensions 'home' and 'away' to the same downstream dimension 'region'",
        ),
    ],
)
def test_what_makes_no_mapping_is_refused_with_the_fix(given_, reason):
    with pytest.raises(DefinitionError) as caught:
        MultiPartitionMapping(given_)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (
            lambda: Tied("date", "x"),
            "partition_mapping is 'x', not a mapping of partitions. Write for example Dimension",
        ),
        (lambda: Tied("date", None), "partition_mapping is None, not a mapping of partitions"),
        (lambda: Tied(None, SAME), "got None (NoneType) as the name of a dimension. Write its name as text"),
        (lambda: Single(5), "MultiToSingleDimensionPartitionMapping got 5 (int) as the name of a dimension"),
        (lambda: Single(""), "MultiToSingleDimensionPartitionMapping got '' (str) as the name of a dimension"),
        (lambda: MultiPartitionMapping({5: Tied("day", SAME)}), "MultiPartitionMapping got 5 (int) as the name"),
    ],
)
def test_dimensions_without_a_name_or_a_mapping_are_refused_where_they_are_written(make, reason):
    with pytest.raises(DefinitionError) as caught:
        make()
    assert reason in str(caught.value)


def test_definitions_that_were_never_checked_are_refused_when_they_are_followed():
    with pytest.raises(DefinitionError, match="ties several dimensions, and an asset is daily from 2024-01-01"):
        BY_HOUR.upstream(OrdinalSet.of([0]), D, DAY_REGION, NOW)
    with pytest.raises(DefinitionError, match="one must have several dimensions"):
        Single().upstream(OrdinalSet.of([0]), D, D, NOW)
    with pytest.raises(DefinitionError, match="there is no dimension 'date'"):
        Single("date").downstream(OrdinalSet.of([0]), D, DAY_REGION, NOW)


@pytest.mark.parametrize(
    ("mapping", "earlier"),
    [
        (LAG, True),
        (BY_HOUR, False),
        (TimeWindowPartitionMapping(-3, -2), True),
        (TimeWindowPartitionMapping(-1), False),
        (MultiPartitionMapping({"home": Tied("away", TimeWindowPartitionMapping(-1, -1))}), False),
        (RollingWindowPartitionMapping(3), False),
        (SAME, False),
    ],
)
def test_only_what_always_reads_earlier_partitions_may_read_its_own_asset(mapping, earlier):
    assert mapping.reads_only_earlier is earlier
