from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.ledger.columns import from_json, from_micros, in_chunks, text, to_json, to_micros

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=zones))
def test_an_instant_survives_to_the_microsecond(instant):
    assert from_micros(to_micros(instant)) == instant
    assert from_micros(to_micros(instant)).tzinfo is UTC


@given(earlier=st.datetimes(timezones=st.just(UTC)), later=st.datetimes(timezones=st.just(UTC)))
def test_columns_of_instants_sort_as_the_instants_do(earlier, later):
    assert (to_micros(earlier) < to_micros(later)) == (earlier < later)


def test_a_naive_instant_is_refused_with_its_value():
    with pytest.raises(ValueError, match=r"timezone-aware instants, not datetime.datetime\(2024, 1, 1"):
        to_micros(datetime(2024, 1, 1))


@given(st.text())
def test_text_that_is_valid_unicode_stays_as_it_is(value):
    assert text(value) == value


def test_json_drops_what_it_cannot_name_and_words_what_it_does_not_know():
    assert from_json(to_json({"at": datetime(2024, 1, 1), ("a",): 1, "x": [1, None]})) == {
        "at": "2024-01-01 00:00:00",
        "x": [1, None],
    }
    assert to_json({}) is None
    assert from_json(None) == {}


@given(st.lists(st.integers()), st.integers(1, 10))
def test_chunks_put_together_are_the_whole(values, size):
    chunks = list(in_chunks(values, size))
    assert [value for chunk in chunks for value in chunk] == values
    assert all(0 < len(chunk) <= size for chunk in chunks)
