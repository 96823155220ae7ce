import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.partitions.civil.sieve import Sieve

REACH = 60
numbers = st.integers(-REACH, REACH)


def runs_within(left_out, low, high):
    return [(n, n + 1) for n in range(low, high) if n in left_out]


@given(left_out=st.sets(numbers), ahead=st.integers(0, 30), asked=st.lists(numbers, max_size=12))
def test_a_sieve_agrees_with_a_list_of_what_is_kept_whatever_it_was_asked_before(left_out, ahead, asked):
    looked_at = []

    def scan(low, high):
        looked_at.extend(range(low, high))
        return runs_within(left_out, low, high)

    sieve = Sieve(scan, ahead, limit=1000)
    kept = [n for n in range(-300, 300) if n not in left_out]
    origin = sum(n < 0 for n in kept)
    for n in asked:
        rank = sum(k < n for k in kept) - origin
        assert sieve.rank(n) == rank
        assert sieve.select(rank) == next(k for k in kept if k >= n)
        low, high = min(n, 5), max(n, 5)
        runs = sieve.left_out(low, high)
        assert [m for first, end in runs for m in range(first, end)] == [m for m in range(low, high) if m in left_out]
        assert all(before[1] < after[0] for before, after in itertools.pairwise(runs))
    assert len(looked_at) == len(set(looked_at)), "each number is looked at once"


def test_a_sieve_looks_no_further_than_its_limit():
    sieve = Sieve(lambda low, high: [(low, high)], ahead=10, limit=100)
    assert sieve.rank(100) == 0 == sieve.rank(-100)
    for beyond in (
        lambda: sieve.rank(101),
        lambda: sieve.rank(-101),
        lambda: sieve.select(0),
        lambda: sieve.select(-1),
    ):
        with pytest.raises(OverflowError, match="too far from the start"):
            beyond()


def test_what_a_failed_scan_did_not_tell_is_asked_again():
    asked = []

    def scan(low, high):
        asked.append((low, high))
        if len(asked) == 1:
            raise LookupError
        return []

    sieve = Sieve(scan, ahead=0, limit=100)
    with pytest.raises(LookupError):
        sieve.rank(5)
    assert sieve.rank(5) == 5
    assert asked == [(0, 5), (0, 5)]
