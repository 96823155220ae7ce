"""The mapping that goes without saying (semantics 1.3 and 6.19), and what is said where none does."""

import pickle

import pytest

from gapless.errors import DefinitionError
from gapless.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    WeeklyPartitionsDefinition,
    infer_mapping,
)

D = DailyPartitionsDefinition("2024-01-01")
H = HourlyPartitionsDefinition("2024-01-01-00:00")
W = WeeklyPartitionsDefinition("2024-01-01")
TOKYO = DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo")
REGIONS = StaticPartitionsDefinition(["us", "eu", "asia"])
OTHERS = StaticPartitionsDefinition(["x", "y"])
SHARED = StaticPartitionsDefinition(["asia", "mars"])
CUSTOMERS = DynamicPartitionsDefinition(name="customers")
DATE_REGION = MultiPartitionsDefinition({"date": D, "region": REGIONS})
WEEK_REGION = MultiPartitionsDefinition({"date": W, "region": REGIONS})
HOUR_REGION = MultiPartitionsDefinition({"hour": H, "region": REGIONS})
DATE_REGION_SHOP = MultiPartitionsDefinition({"date": D, "region": REGIONS, "shop": OTHERS})
TWO_REGIONS = MultiPartitionsDefinition({"home": REGIONS, "away": REGIONS})
TWO_DATES = MultiPartitionsDefinition({"ordered": W, "shipped": H})
SAME, BY_TIME = IdentityPartitionMapping(), TimeWindowPartitionMapping()


def single(name):
    return MultiToSingleDimensionPartitionMapping(name)


def by_dimensions(**mappings):
    return MultiPartitionMapping({name: DimensionPartitionMapping(name, each) for name, each in mappings.items()})


@pytest.mark.parametrize(
    ("up", "down", "mapping"),
    [
        (None, None, AllPartitionMapping()),
        (D, None, AllPartitionMapping()),
        (None, REGIONS, AllPartitionMapping()),
        (DATE_REGION, None, AllPartitionMapping()),
        (D, W, BY_TIME),
        (D, D, BY_TIME),
        (REGIONS, REGIONS, SAME),
        (REGIONS, SHARED, SAME),  # §2.6: the intersection; what is not there is nonexistent
        (CUSTOMERS, CUSTOMERS, SAME),
        (DATE_REGION, DATE_REGION, SAME),
        (DATE_REGION, D, single("date")),
        (D, DATE_REGION, single("date")),
        (DATE_REGION, H, single("date")),
        (W, DATE_REGION, single("date")),
        (DATE_REGION, REGIONS, single("region")),
        (REGIONS, DATE_REGION_SHOP, single("region")),
        (DATE_REGION, WEEK_REGION, by_dimensions(date=BY_TIME, region=SAME)),
        (DATE_REGION_SHOP, DATE_REGION, by_dimensions(date=SAME, region=SAME)),
        (DATE_REGION, DATE_REGION_SHOP, by_dimensions(date=SAME, region=SAME)),
    ],
)
def test_the_mapping_that_goes_without_saying(up, down, mapping):
    assert infer_mapping(up, down) == mapping
    assert pickle.loads(pickle.dumps(mapping)) == mapping
    assert mapping.validate(up, down) is None


def refused(up, down):
    with pytest.raises(DefinitionError) as caught:
        infer_mapping(up, down)
    return str(caught.value)


def test_a_refusal_names_both_definitions_why_and_what_would_fit():
    assert refused(REGIONS, D) == (
        "no partition mapping ties upstream (static: us, eu, asia (3 keys)) to downstream (daily from 2024-01-01) by"
        " itself: one has time windows and the other has not, so their keys are not the same. Declare one,"
        " partition_mapping=…: AllPartitionMapping() reads every upstream partition; LastPartitionMapping() reads the"
        " last one; PairsPartitionMapping([(upstream_key, downstream_key), …]) ties pairs of keys;"
        " FunctionPartitionMapping(fn) asks a function of the downstream key."
    )


@pytest.mark.parametrize(
    ("up", "down", "why", "offer"),
    [
        (D, REGIONS, "one has time windows and the other has not", "PairsPartitionMapping"),
        (D, TOKYO, "their timezones differ (UTC upstream, Asia/Tokyo downstream)", "AllPartitionMapping()"),
        (REGIONS, OTHERS, "they have no key in common", "PairsPartitionMapping"),
        (
            TWO_REGIONS,
            REGIONS,
            "the dimensions 'away' and 'home' both fit, so one has to be named",
            "MultiToSingleDimensionPartitionMapping(partition_dimension_name='home') ties the dimension 'home'",
        ),
        (
            TWO_DATES,
            D,
            "no dimension equals or, by time, fits the other definition (there are 'ordered', 'shipped')",
            "MultiToSingleDimensionPartitionMapping(partition_dimension_name='shipped') ties the dimension 'shipped'",
        ),
        (DATE_REGION, TOKYO, "no dimension equals or, by time, fits", "LastPartitionMapping()"),
        (
            DATE_REGION,
            HOUR_REGION,
            "their dimensions differ",
            "MultiPartitionMapping(downstream_mappings_by_upstream_dimension={'date':"
            " DimensionPartitionMapping(dimension_name='hour', partition_mapping=TimeWindowPartitionMapping()),",
        ),
        (
            DATE_REGION,
            MultiPartitionsDefinition({"date": TOKYO, "region": REGIONS}),
            "the upstream dimension 'date' (daily from 2024-01-01) cannot be tied to 'date' (daily from 2024-01-01"
            " (Asia/Tokyo)) by TimeWindowPartitionMapping: their timezones differ",
            "{'region': DimensionPartitionMapping(dimension_name='region', partition_mapping=IdentityPart",
        ),
    ],
)
def test_no_mapping_is_inferred_where_none_fits(up, down, why, offer):
    message = refused(up, down)
    assert why in message
    assert offer in message


def test_what_is_offered_can_be_pasted():
    message = refused(DATE_REGION, HOUR_REGION)
    code = message.partition("partition_mapping=…: ")[2].partition(" ties dimensions")[0]
    names = {each.__name__: each for each in (MultiPartitionMapping, DimensionPartitionMapping)}
    names |= {each.__name__: each for each in (IdentityPartitionMapping, TimeWindowPartitionMapping)}
    assert eval(code, names).validate(DATE_REGION, HOUR_REGION) is None


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (DynamicPartitionsDefinition(name="shops"), "which keys the two have in common is not known before they are"),
        (StaticPartitionsDefinition(["acme"]), "which keys the two have in common is not known before they are added"),
        (DailyPartitionsDefinition("2024-01-01"), "one has time windows and the other has not"),
    ],
)
def test_dynamic_keys_are_not_tied_to_others_by_themselves(other, reason):
    for pair in ((CUSTOMERS, other), (other, CUSTOMERS)):
        with pytest.raises(DefinitionError) as refused:
            infer_mapping(*pair)
        assert reason in str(refused.value)
        assert ("IdentityPartitionMapping() ties equal keys" in str(refused.value)) is not other.is_time


def test_dynamic_keys_of_one_name_are_tied_by_key():
    assert infer_mapping(CUSTOMERS, DynamicPartitionsDefinition(name="customers")) == IdentityPartitionMapping()
