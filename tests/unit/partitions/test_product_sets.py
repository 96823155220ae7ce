import itertools
import pickle
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gapless.partitions import OrdinalSet, ProductSet

OPEN = 1 << 36  # the room of a dimension that never ends
TALL = (OPEN, 10, OPEN, 100, 100)

# The model of a set is a plain set of tuples; the rooms are sometimes just large enough, sometimes far larger.
USED = 4
rooms_of = st.lists(st.sampled_from([USED, USED + 1, 100, OPEN]), min_size=2, max_size=5).map(tuple)
as_time_allows = settings(max_examples=60, deadline=None)


@st.composite
def points_of(draw, rooms):
    """Boxes more often than not, since they are what nesting is for, and single points in and out of them."""
    side = st.sets(st.integers(0, USED - 1), min_size=1)
    points = set()
    for _ in range(draw(st.integers(0, 2))):
        points |= set(itertools.product(*(draw(side) for _ in rooms)))
    loose = st.tuples(*(st.integers(0, USED - 1) for _ in rooms))
    return frozenset(points ^ draw(st.sets(loose, max_size=6)))


@st.composite
def products(draw, sets=1):
    rooms = draw(rooms_of)
    return rooms, *(draw(points_of(rooms)) for _ in range(sets))


def number(rooms, point):
    made = 0
    for room, ordinal in zip(rooms, point, strict=True):
        made = made * room + ordinal
    return made


def numbers(rooms, points):
    return sorted(number(rooms, point) for point in points)


def set_of(rooms, points):
    return ProductSet.of_numbers(rooms, OrdinalSet.of(numbers(rooms, points)))


def box(rooms, *sides):
    return ProductSet.box(rooms, [OrdinalSet.of(side) for side in sides])


@as_time_allows
@given(products())
def test_a_set_holds_the_points_that_it_was_made_of(product):
    rooms, points = product
    made = set_of(rooms, points)
    assert list(made) == list(made.flat()) == numbers(rooms, points)
    assert list(made.runs) == list(OrdinalSet.of(numbers(rooms, points)).runs)
    assert len(made) == made.size == len(points)
    assert bool(made) == bool(points)
    assert {made.point(n) for n in made} == points


@as_time_allows
@given(products())
def test_membership_is_that_of_points_and_of_their_numbers(product):
    rooms, points = product
    made = set_of(rooms, points)
    for point in itertools.islice(itertools.product(range(USED), repeat=len(rooms)), 0, None, 7):
        assert made.has_point(point) == (point in points)
        assert (number(rooms, point) in made) == (point in points)
    assert -1 not in made
    assert prod(rooms) not in made
    assert "0" not in made


@as_time_allows
@given(products(sets=2))
def test_the_algebra_agrees_with_plain_sets(product):
    rooms, a, b = product
    assert set_of(rooms, a) | set_of(rooms, b) == set_of(rooms, a | b)
    assert set_of(rooms, a) & set_of(rooms, b) == set_of(rooms, a & b)
    assert set_of(rooms, a) - set_of(rooms, b) == set_of(rooms, a - b)


@as_time_allows
@given(products(sets=2))
def test_equality_and_hash_follow_the_points_and_not_the_way_to_them(product):
    rooms, a, b = product
    again = ((set_of(rooms, a) | set_of(rooms, b)) - set_of(rooms, b - a)) | (set_of(rooms, a) & set_of(rooms, b))
    assert again == set_of(rooms, a)
    assert hash(again) == hash(set_of(rooms, a))
    assert (set_of(rooms, a) == set_of(rooms, b)) == (a == b)
    assert pickle.loads(pickle.dumps(again)) == again


@as_time_allows
@given(products(), st.data())
def test_first_last_rank_and_at_find_places(product, data):
    rooms, points = product
    made, in_order = set_of(rooms, points), numbers(rooms, points)
    below = data.draw(st.sampled_from([0, prod(rooms), *in_order, *(n + 1 for n in in_order)]))
    assert made.rank(below) == sum(n < below for n in in_order)
    place = data.draw(st.integers(-len(points) - 2, len(points) + 1))
    if -len(points) <= place < len(points):
        assert made.at(place) == in_order[place]
        assert (made.first(), made.last()) == (in_order[0], in_order[-1])
    else:
        with pytest.raises(IndexError, match=f"no place {place} in a set of {len(points)}"):
            made.at(place)


@pytest.mark.parametrize("end", [ProductSet.first, ProductSet.last])
@pytest.mark.parametrize("rooms", [(3,), (3, 4), (3, 4, 5)])
def test_an_empty_set_has_no_ends(rooms, end):
    assert not ProductSet.empty(rooms)
    assert ProductSet.empty(rooms) == box(rooms, *([] for _ in rooms))
    with pytest.raises(IndexError):
        end(ProductSet.empty(rooms))


@as_time_allows
@given(products(), st.data())
def test_a_side_is_what_occurs_in_a_dimension_and_where_keeps_some_of_it(product, data):
    rooms, points = product
    dimension = data.draw(st.integers(0, len(rooms) - 1))
    kept = data.draw(st.sets(st.integers(0, USED + 1)))
    made = set_of(rooms, points)
    assert set(made.side(dimension)) == {point[dimension] for point in points}
    assert made.where(dimension, OrdinalSet.of(kept)) == set_of(rooms, {p for p in points if p[dimension] in kept})


@as_time_allows
@given(products())
def test_boxes_are_disjoint_and_together_the_set(product):
    rooms, points = product
    boxes = [set(itertools.product(*sides)) for sides in set_of(rooms, points).boxes()]
    assert set().union(*boxes) == points
    assert sum(map(len, boxes)) == len(points)
    assert set_of(rooms, points).box_count == len(boxes)


@as_time_allows
@given(rooms_of, st.data())
def test_a_box_is_the_product_of_its_sides_and_has_itself_as_its_only_box(rooms, data):
    sides = [data.draw(st.frozensets(st.integers(0, USED - 1))) for _ in rooms]
    made = box(rooms, *sides)
    assert made == set_of(rooms, set(itertools.product(*sides)))
    assert list(made.boxes()) == [tuple(map(OrdinalSet.of, sides))] * all(sides)


@as_time_allows
@given(rooms_of, st.data())
def test_a_union_of_many_is_their_union(rooms, data):
    parts = data.draw(st.lists(points_of(rooms), max_size=5))
    made = ProductSet.union(rooms, (set_of(rooms, points) for points in parts))
    assert made == set_of(rooms, frozenset().union(*parts))


def test_one_dimension_is_enough():
    made = box((9,), {1, 2, 5}) | box((9,), {7})
    assert (list(made), len(made), made.side(0), made.has_point((5,))) == ([1, 2, 5, 7], 4, made.flat(), True)
    assert made.where(0, OrdinalSet.span(2, 6)) == box((9,), {2, 5})


def test_the_numbers_of_whole_rows_are_one_run():
    assert box((9, 10, 10), {2, 3}, range(10), range(10)).runs == ((200, 400),)


def test_a_set_of_ten_million_is_as_small_as_its_boxes():
    made = box(TALL, range(10), range(10), range(10), range(100), range(100))
    hole = box(TALL, {3, 4}, {5}, {6}, range(100), range(50))
    assert len(made) == 10**7
    assert len(made - hole) == 10**7 - len(hole) == 10**7 - 10_000
    assert len(list((made - hole).boxes())) <= 5
    assert (made - hole) | hole == made


def test_boxes_are_told_apart_without_a_look_at_their_points():
    one, other = (box((OPEN,) * 5, *[range(0, 2_000, 2)] * 5) for _ in range(2))  # 10**15 points
    assert one == other
    assert hash(one) == hash(other)
    assert one - other == ProductSet.empty((OPEN,) * 5)
    assert len(one | other) == 10**15


def test_a_product_larger_than_python_counts_has_a_size():
    made = ProductSet.box((OPEN, OPEN), [OrdinalSet.span(0, OPEN)] * 2)
    assert made.size == 1 << 72
    assert made.at(-1) == made.last() == (1 << 72) - 1


def test_scattered_rows_agree_with_their_numbers():
    rooms = (3_000, 50)
    a = OrdinalSet.of(n * 7919 % 150_000 for n in range(9_000))
    b = OrdinalSet.of(n * 104_729 % 150_000 for n in range(9_000))
    one, other = ProductSet.of_numbers(rooms, a), ProductSet.of_numbers(rooms, b)
    assert ((one | other).flat(), (one & other).flat(), (one - other).flat()) == (a | b, a & b, a - b)


def test_sets_of_different_products_are_not_combined():
    with pytest.raises(ValueError, match=r"two products cannot be combined: \(3, 4\) and \(4, 3\)"):
        box((3, 4), {0}, {0}) | box((4, 3), {0}, {0})


def test_what_lies_beyond_the_rooms_is_refused():
    with pytest.raises(ValueError, match="beyond its dimension: 4, not below 4"):
        box((3, 4), {0}, {4})
    with pytest.raises(ValueError, match="beyond the product: 12, not below 12"):
        ProductSet.of_numbers((3, 4), OrdinalSet.of([12]))


def test_a_side_is_given_for_each_dimension():
    with pytest.raises(ValueError, match="shorter"):
        ProductSet.box((3, 4), [OrdinalSet.span(0, 3)])


def test_a_set_is_shown_by_its_boxes():
    assert repr(box((9, 9), {1, 2, 5}, {3})) == "ProductSet((1..2, 5) × (3))"
    many = ProductSet.union((9, 9), [box((9, 9), {n}, {n}) for n in range(6)])
    assert repr(many) == "ProductSet((0) × (0) + (1) × (1) + (2) × (2) + …)"


@as_time_allows
@given(rooms_of.filter(lambda rooms: max(rooms) <= USED + 1), st.data())
def test_points_along_some_dimensions_are_free_in_the_others(rooms, data):
    places = sorted(data.draw(st.sets(st.integers(0, len(rooms) - 1), min_size=1)))
    chosen = data.draw(st.sets(st.tuples(*(st.integers(0, rooms[place] - 1) for place in places)), max_size=4))
    made = ProductSet.along(rooms, places, [number([rooms[place] for place in places], each) for each in chosen])
    everything = itertools.product(*map(range, rooms))
    assert made == set_of(rooms, {p for p in everything if tuple(p[place] for place in places) in chosen})
