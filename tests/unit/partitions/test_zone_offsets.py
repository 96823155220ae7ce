import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clock import ZONES, offset_of

from gapless.partitions.civil.zone import DAY, Zone

LOW, HIGH = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1975, 2045))


@settings(max_examples=200, deadline=None)
@given(zone=st.sampled_from(ZONES), instant=st.integers(LOW, HIGH))
def test_offsets_are_those_of_zoneinfo(zone, instant):
    offsets = Zone.named(zone).offsets(instant, instant + 1)
    assert offsets.offset_at(instant) == offset_of(datetime.fromtimestamp(instant, UTC), zone).total_seconds()


@pytest.mark.parametrize("zone", ["America/New_York", "Africa/Casablanca", "Australia/Lord_Howe"])
def test_what_is_found_in_pieces_is_what_is_found_at_once(zone):
    pieces, whole = Zone(zone), Zone(zone)
    at_once = whole.offsets(LOW, HIGH)
    for year in (1999, 1985, 2010, 1976, 2030, 2044):
        instant = int(datetime(year, 7, 1, tzinfo=UTC).timestamp())
        pieces.offsets(instant, instant + DAY)
    piecemeal = pieces.offsets(LOW, HIGH)

    def inside(offsets):
        return [s for s in zip(offsets.starts[1:], offsets.offsets[1:], strict=True) if LOW < s[0] < HIGH]

    assert inside(piecemeal) == inside(at_once)
    assert len(inside(at_once)) > 50


def test_threads_that_extend_a_zone_at_once_agree():
    zone = Zone("Europe/Berlin")
    years = list(range(1975, 2045))
    found = {}

    def look(which):
        for year in which:
            instant = int(datetime(year, 7, 1, tzinfo=UTC).timestamp())
            found[year] = zone.offsets(instant, instant + 1).offset_at(instant)

    threads = [threading.Thread(target=look, args=(years[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {y: offset_of(datetime(y, 7, 1, tzinfo=UTC), "Europe/Berlin").total_seconds() for y in years}


def test_a_fixed_zone_is_one_stretch():
    assert Zone("UTC").offsets(LOW, HIGH).offsets == (0,)
    assert Zone("UTC").offsets(LOW, HIGH).gaps() == []
