import itertools
import pickle
import random
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gapless.partitions import OrdinalSet

FEW = 500  # beyond so many runs a set is a bitmap inside
FAR = 1 << 63  # a bitmap holds no ordinal from here on


def some_of(extent: int, count: int, seed: int) -> frozenset[int]:
    return frozenset(random.Random(seed).sample(range(extent), count))


SCATTERED = [
    some_of(1_800, 1_000, 1),
    some_of(1_800, 900, 2),
    some_of(200_000, 1_200, 3),
    frozenset(range(9, 1_400, 2)),
]
few = st.frozensets(st.integers(0, 60))
nearly_all = st.frozensets(st.integers(0, 1_800), max_size=9).map(lambda holes: frozenset(range(1_800)) - holes)
ordinals = few | st.sampled_from(SCATTERED) | nearly_all
huge = st.builds(
    lambda plain, by: frozenset(n + by for n in plain),
    few | st.sampled_from(SCATTERED[1:3]),
    st.sampled_from([FAR - 1_000, FAR - 1, FAR, 1 << 64, 1 << 200]),
)
as_time_allows = settings(max_examples=40, deadline=None)


def set_of(plain):
    return OrdinalSet.of(plain)


def plain_runs(plain):
    runs = []
    for n in sorted(plain):
        if runs and runs[-1][1] == n:
            runs[-1] = (runs[-1][0], n + 1)
        else:
            runs.append((n, n + 1))
    return runs


@as_time_allows
@given(plain=ordinals | huge)
def test_a_set_holds_what_it_was_made_of(plain):
    made = set_of(plain)
    assert list(made) == sorted(plain)
    assert len(made) == made.size == len(plain)
    assert bool(made) == bool(plain)
    near = {*range(-2, 65), *(n + d for n in sorted(plain)[:5] + sorted(plain)[-5:] for d in (-1, 0, 1))}
    assert {n for n in near if n in made} == near & plain


@as_time_allows
@given(plain=ordinals | huge)
def test_runs_are_maximal_and_however_many_there_are_they_read_as_a_sequence(plain):
    runs = set_of(plain).runs
    pairs = plain_runs(plain)
    assert list(runs) == pairs
    assert len(runs) == len(pairs)
    assert list(runs[:7]) == pairs[:7]
    assert list(runs[-3:]) == pairs[-3:]
    assert [runs[place] for place in (0, -1) if pairs] == [pairs[place] for place in (0, -1) if pairs]
    assert runs == tuple(pairs)
    assert runs != (*pairs, (FAR << 200, FAR << 201))
    assert hash(runs) == hash(tuple(pairs))
    assert OrdinalSet(runs) == set_of(plain)


@as_time_allows
@given(a=ordinals, b=ordinals)
def test_the_algebra_agrees_with_plain_sets(a, b):
    assert set_of(a) | set_of(b) == set_of(a | b)
    assert set_of(a) & set_of(b) == set_of(a & b)
    assert set_of(a) - set_of(b) == set_of(a - b)


@as_time_allows
@given(a=ordinals | huge, b=ordinals | huge)
def test_the_algebra_agrees_with_plain_sets_beyond_what_a_bitmap_holds(a, b):
    assert set_of(a) | set_of(b) == set_of(a | b)
    assert set_of(a) & set_of(b) == set_of(a & b)
    assert set_of(a) - set_of(b) == set_of(a - b)


@as_time_allows
@given(a=ordinals, b=ordinals)
def test_equality_and_hash_follow_the_members_and_not_the_way_to_them(a, b):
    again = ((set_of(a) | set_of(b)) - set_of(b)) | (set_of(a) & set_of(b))
    assert again == set_of(a)
    assert hash(again) == hash(set_of(a))
    assert (set_of(a) == set_of(b)) == (a == b)
    assert set_of(a) != a


@pytest.mark.parametrize("runs", [FEW, FEW + 1])
def test_a_set_is_the_same_on_both_sides_of_the_form_it_has_inside(runs):
    every_other = OrdinalSet.of_runs((n, n + 1) for n in range(0, 2 * runs, 2))
    filled = every_other | OrdinalSet.span(0, 2)
    assert len(every_other.runs) == runs
    assert filled == OrdinalSet.of([1, *range(0, 2 * runs, 2)])
    assert filled - OrdinalSet.span(1, 2) == every_other
    assert hash(filled - OrdinalSet.span(1, 2)) == hash(every_other)


def test_a_stretch_without_end_costs_nothing_beside_a_scattered_set():
    scattered, stretch = set_of(some_of(70_000, 9_000, 1)), OrdinalSet.span(0, 1 << 200)
    assert scattered & stretch == stretch & scattered == scattered
    assert not scattered - stretch
    assert (stretch - scattered).size == stretch.size - scattered.size
    assert scattered | stretch == stretch
    assert len((scattered | OrdinalSet.span(1 << 40, 1 << 41)) - OrdinalSet.span(70_000, 1 << 50)) == len(scattered)


def test_a_union_larger_than_a_bitmap_may_be_is_a_set_like_others():
    half = OrdinalSet.span(0, (1 << 32) - 2_000) | OrdinalSet.of(range(1 << 33, (1 << 33) + 1_600, 2))
    other = half.shifted(1 << 34)
    assert (half | other).size == 2 * half.size
    assert (half | other) - other == half
    assert (half | other) - half == other


@as_time_allows
@given(plain=ordinals | huge, count=st.integers(-1, 70) | st.integers(0, 1_300))
def test_head_and_tail_take_from_the_ends(plain, count):
    in_order = sorted(plain)
    kept = max(0, count)
    assert list(set_of(plain).head(count)) == in_order[:kept]
    assert list(set_of(plain).tail(count)) == in_order[max(0, len(in_order) - kept) :]


@as_time_allows
@given(plain=ordinals | huge, data=st.data())
def test_rank_and_at_find_places(plain, data):
    made, in_order = set_of(plain), sorted(plain)
    below = data.draw(st.integers(-5, 1_900) | st.sampled_from([*in_order[:9], FAR - 1, FAR, 1 << 64, 1 << 201]))
    assert made.rank(below) == sum(n < below for n in plain)
    place = data.draw(st.integers(-len(plain) - 2, len(plain) + 1))
    if -len(plain) <= place < len(plain):
        assert made.at(place) == in_order[place]
    else:
        with pytest.raises(IndexError, match=f"no place {place} in a set of {len(plain)}"):
            made.at(place)


@as_time_allows
@given(plain=few, size=st.integers(1, 9))
def test_chunks_are_contiguous_small_and_complete(plain, size):
    chunks = list(set_of(plain).chunks(size))
    assert [n for chunk in chunks for n in chunk] == sorted(plain)
    assert all(len(chunk.runs) == 1 and 1 <= len(chunk) <= size for chunk in chunks)


def test_chunks_of_a_scattered_set_are_complete():
    plain = some_of(3_000, 2_000, 1)
    assert [n for chunk in set_of(plain).chunks(2) for n in chunk] == sorted(plain)


@as_time_allows
@given(runs=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60))), times=st.sampled_from([1, 600]))
def test_runs_in_any_order_become_their_union(runs, times):
    assert OrdinalSet.of_runs(runs * times) == set_of({n for a, b in runs for n in range(a, b)})


@as_time_allows
@given(plain=ordinals | huge, by=st.integers(-3, 3) | st.sampled_from([70_000, FAR - 1_000, 1 << 70]))
def test_a_shifted_set_has_each_ordinal_moved(plain, by):
    if plain and min(plain) + by < 0:
        with pytest.raises(ValueError, match="not negative"):
            set_of(plain).shifted(by)
    else:
        assert set_of(plain).shifted(by) == set_of({n + by for n in plain})


def test_a_million_ordinals_are_one_run():
    assert OrdinalSet.span(0, 1_000_000).runs == ((0, 1_000_000),)


@as_time_allows
@given(plain=ordinals.filter(bool))
def test_first_and_last_are_the_ends(plain):
    assert (set_of(plain).first(), set_of(plain).last()) == (min(plain), max(plain))


@pytest.mark.parametrize("end", [OrdinalSet.first, OrdinalSet.last])
def test_an_empty_set_has_no_ends(end):
    with pytest.raises(IndexError):
        end(OrdinalSet.empty())


def test_a_reversed_span_is_empty():
    assert OrdinalSet.span(5, 3) == OrdinalSet.empty() == OrdinalSet()


@as_time_allows
@given(plain=ordinals | huge)
def test_sets_pickle(plain):
    assert pickle.loads(pickle.dumps(set_of(plain))) == set_of(plain)


def test_a_long_set_is_shown_short():
    assert repr(set_of({1, 2, 3, 7})) == "OrdinalSet(1..3, 7)"
    assert repr(set_of(range(0, 100, 2))).endswith(", …)")
    assert repr(set_of(range(0, 2_000, 2))) == "OrdinalSet(0, 2, 4, 6, 8, 10, 12, 14, …)"
    assert repr(set_of(range(0, 2_000, 2)).runs[:2]) == "Runs((0, 1), (2, 3))"


@pytest.mark.parametrize("runs", [((3, 3),), ((-1, 2),), ((0, 2), (2, 4)), ((5, 6), (1, 2))])
def test_runs_that_are_not_well_formed_are_refused(runs):
    with pytest.raises(ValueError, match="ascending, disjoint"):
        OrdinalSet(runs)


@pytest.mark.parametrize(
    "make",
    [
        lambda: OrdinalSet.of([-1]),
        lambda: OrdinalSet.of(range(-1, 1_000)),
        lambda: OrdinalSet.span(-1, 2),
        lambda: OrdinalSet.of_runs([(-1, 2)]),
        lambda: OrdinalSet.of_runs((n, n + 1) for n in range(-1, 2_000, 2)),
    ],
)
def test_negative_ordinals_are_refused(make):
    with pytest.raises(ValueError, match="not negative"):
        make()


def test_an_empty_chunk_size_is_refused():
    with pytest.raises(ValueError, match="at least one partition"):
        list(set_of({1}).chunks(0))


@as_time_allows
@given(plain=ordinals)
def test_a_set_comes_back_from_its_bytes(plain):
    data = set_of(plain).to_bytes()
    assert OrdinalSet.from_bytes(data, 1 << 40) == set_of(plain)
    assert OrdinalSet.from_bytes(data, 1 << 40).to_bytes() == data


def test_equal_sets_give_equal_bytes_whatever_they_were_made_from():
    plain = some_of(70_000, 30_000, 1)
    made = set_of(plain)
    assert ((made | OrdinalSet.span(0, 70_000)) - (OrdinalSet.span(0, 70_000) - made)).to_bytes() == made.to_bytes()


def test_a_million_partitions_with_scattered_holes_are_a_bit_each():
    assert len(set_of(some_of(1_000_000, 700_000, 3)).to_bytes()) < 150_000


@pytest.mark.parametrize("beyond", [OrdinalSet.span(FAR, FAR + 1), OrdinalSet.span(0, (1 << 32) + 1)])
def test_a_set_that_the_bytes_cannot_hold_is_refused(beyond):
    with pytest.raises(ValueError, match=f"at most {1 << 32} members, each below {FAR}"):
        beyond.to_bytes()


def test_ordinals_beyond_the_limit_are_refused():
    data = set_of({5, 60}).to_bytes()
    assert OrdinalSet.from_bytes(data, 61) == set_of({5, 60})
    with pytest.raises(ValueError, match="beyond its bound: 60, not below 60"):
        OrdinalSet.from_bytes(data, 60)


VALID = [
    set_of(plain).to_bytes() for plain in (set(), {1, 5}, set(range(9_000)), some_of(9_000, 6_000, 1), {1 << 62, 7})
]


@as_time_allows
@given(data=st.binary(max_size=300))
@example(data=b"")
@example(data=b"\xff" * 40)
def test_bytes_that_are_no_set_are_refused(data):
    try:
        read = OrdinalSet.from_bytes(data, FAR)
    except ValueError:
        return
    assert read.to_bytes() in (data, VALID[0])  # no members may be written in more than one way


@as_time_allows
@given(
    data=st.sampled_from(VALID),
    at=st.integers(0, 80) | st.integers(0, 9_000),
    gone=st.integers(0, 9),
    put=st.binary(max_size=9),
)
def test_damaged_bytes_are_refused_or_are_a_sound_set(data, at, gone, put):
    try:
        read = OrdinalSet.from_bytes(data[:at] + put + data[at + gone :], FAR)
    except ValueError:
        return
    members = list(read)
    assert all(a < b for a, b in itertools.pairwise(members))
    assert len(members) == len(read)
    assert set_of(members) == read
    assert read - read == OrdinalSet.empty()


@pytest.mark.parametrize("data", VALID)
def test_bytes_after_the_end_are_refused(data):
    with pytest.raises(ValueError, match="bytes after the end"):
        OrdinalSet.from_bytes(data + b"\0", FAR)


@pytest.mark.parametrize("members", ["{FAR}", "range(1 << 33)"])
def test_a_bitmap_that_is_too_large_for_a_set_is_refused(members):
    pyroaring = pytest.importorskip("pyroaring")
    data = pyroaring.BitMap64([FAR] if members == "{FAR}" else range(1 << 33)).serialize()
    with pytest.raises(ValueError, match=f"at most {1 << 32} members, each below {FAR}"):
        OrdinalSet.from_bytes(data, 1 << 100)


def test_sets_of_few_runs_need_no_bitmaps():
    program = (
        "import sys; from gapless.partitions import OrdinalSet as O;"
        "(O.span(0, 10**9) - O.of(range(0, 900, 2))) | O.of([5]); assert 'pyroaring' not in sys.modules;"
        "O.of(range(0, 9000, 2)); assert 'pyroaring' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
