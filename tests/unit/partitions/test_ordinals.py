import itertools
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless.partitions import OrdinalSet

ordinals = st.sets(st.integers(0, 60))


def set_of(plain):
    return OrdinalSet.of(plain)


@given(plain=ordinals)
def test_a_set_holds_what_it_was_made_of(plain):
    made = set_of(plain)
    assert list(made) == sorted(plain)
    assert len(made) == len(plain)
    assert bool(made) == bool(plain)
    assert {n for n in range(-2, 65) if n in made} == plain


@given(plain=ordinals)
def test_runs_are_maximal_and_well_formed(plain):
    runs = set_of(plain).runs
    assert OrdinalSet(runs) == set_of(plain)
    assert all(b < c for (_, b), (c, _) in itertools.pairwise(runs))


@given(a=ordinals, b=ordinals)
def test_union_agrees_with_plain_sets(a, b):
    assert set_of(a) | set_of(b) == set_of(a | b)


@given(a=ordinals, b=ordinals)
def test_intersection_agrees_with_plain_sets(a, b):
    assert set_of(a) & set_of(b) == set_of(a & b)


@given(a=ordinals, b=ordinals)
def test_difference_agrees_with_plain_sets(a, b):
    assert set_of(a) - set_of(b) == set_of(a - b)


@given(plain=ordinals, count=st.integers(-1, 70))
def test_head_and_tail_take_from_the_ends(plain, count):
    in_order = sorted(plain)
    kept = max(0, count)
    assert list(set_of(plain).head(count)) == in_order[:kept]
    assert list(set_of(plain).tail(count)) == in_order[max(0, len(in_order) - kept) :]


@given(plain=ordinals, size=st.integers(1, 9))
def test_chunks_are_contiguous_small_and_complete(plain, size):
    chunks = list(set_of(plain).chunks(size))
    assert [n for chunk in chunks for n in chunk] == sorted(plain)
    assert all(len(chunk.runs) == 1 and 1 <= len(chunk) <= size for chunk in chunks)


@given(runs=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))))
def test_runs_in_any_order_become_their_union(runs):
    assert OrdinalSet.of_runs(runs) == set_of({n for a, b in runs for n in range(a, b)})


def test_a_million_ordinals_are_one_run():
    assert OrdinalSet.span(0, 1_000_000).runs == ((0, 1_000_000),)


def test_first_and_last_are_the_ends():
    assert (set_of({3, 9, 4}).first(), set_of({3, 9, 4}).last()) == (3, 9)


def test_a_reversed_span_is_empty():
    assert OrdinalSet.span(5, 3) == OrdinalSet.empty() == OrdinalSet()


def test_equal_sets_hash_alike_and_pickle():
    made = set_of({1, 2, 7})
    assert hash(made) == hash(set_of([7, 2, 1, 1]))
    assert pickle.loads(pickle.dumps(made)) == made


def test_a_long_set_is_shown_short():
    assert repr(set_of({1, 2, 3, 7})) == "OrdinalSet(1..3, 7)"
    assert repr(set_of(range(0, 100, 2))).endswith(", …)")


@pytest.mark.parametrize("runs", [((3, 3),), ((-1, 2),), ((0, 2), (2, 4)), ((5, 6), (1, 2))])
def test_runs_that_are_not_well_formed_are_refused(runs):
    with pytest.raises(ValueError, match="ascending, disjoint"):
        OrdinalSet(runs)


@pytest.mark.parametrize("make", [lambda: OrdinalSet.of([-1]), lambda: OrdinalSet.span(-1, 2)])
def test_negative_ordinals_are_refused(make):
    with pytest.raises(ValueError, match="not negative"):
        make()


def test_an_empty_chunk_size_is_refused():
    with pytest.raises(ValueError, match="at least one partition"):
        list(set_of({1}).chunks(0))
