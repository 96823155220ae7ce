"""What the algebra of time partitions costs: one program for both libraries, which share their names.

``BENCH_LIBRARY`` is ``gapless`` or ``dagster``. It prints a JSON object: for each operation the median seconds of one
call, and how large the answer was. Definitions are those of a program that has been running for a while; what they are
asked is new in every call, so that nothing is answered from memory. Making the questions is not counted.
"""

import gc
import importlib
import json
import os
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from random import Random
from typing import Any, NamedTuple

LIBRARY = os.environ["BENCH_LIBRARY"]
HOURS = int(os.environ["BENCH_WINDOWS"])  # partitions of a definition
ASKED = 100  # keys that the operations on one key are asked about, each once
SECONDS = 1.0  # an operation is repeated for so long, with what it takes to make the calls
MOST = 50  # but at most so often
IN_A_ROW = 20  # calls of less than a millisecond
SLOW = 3.0  # seconds of a first turn that is not worth a second

dg = importlib.import_module(LIBRARY)
FMT = "%Y-%m-%d-%H:%M"
fresh_starts = (datetime(2000, 1, 1) + timedelta(days=n) for n in count())
random = Random(20240105)  # the same sets for both
HOLES = frozenset(random.sample(range(HOURS), HOURS * 3 // 10))
PLACES = random.sample(range(HOURS), ASKED)
OTHER_HOLES = frozenset(random.sample(range(HOURS), HOURS * 3 // 10))

Timed = Callable[[], Any]


def hourly(start: datetime) -> Any:
    return dg.HourlyPartitionsDefinition(start, start + timedelta(hours=HOURS))


def daily(start: datetime) -> Any:
    return dg.DailyPartitionsDefinition(start, start + timedelta(hours=HOURS))


def keys_of(start: datetime, holes: frozenset[int] = frozenset()) -> list[str]:
    return [(start + timedelta(hours=n)).strftime(FMT) for n in range(HOURS) if n not in holes]


HOURLY, DAILY = hourly(datetime(2010, 1, 1)), daily(datetime(2010, 1, 1))
DAYS = DAILY.get_partition_keys()
turns = count(1)


def some_keys() -> list[str]:
    places = random.sample(range(HOURS), ASKED)
    return [(datetime(2010, 1, 1) + timedelta(hours=n)).strftime(FMT) for n in places]


def asked_keys(start: datetime) -> list[str]:
    return [(start + timedelta(hours=n)).strftime(FMT) for n in PLACES]


class Sets(NamedTuple):
    """A definition with two sets of its partitions, of which 30 % are missing anywhere."""

    start: datetime
    definition: Any
    one: Any
    other: Any


slowly_made: list[Sets] = []


def sets() -> Sets:
    """Sets that were not asked before, unless making them takes so long that they have to do for all operations."""
    if slowly_made:
        return slowly_made[0]
    began = time.perf_counter()
    start = next(fresh_starts)
    definition = hourly(start)
    both = (definition.subset_with_partition_keys(keys_of(start, holes)) for holes in (HOLES, OTHER_HOLES))
    made = Sets(start, definition, *both)
    if time.perf_counter() - began > 2 * SLOW:
        slowly_made.append(made)
    return made


def listing() -> Timed:
    return hourly(next(fresh_starts)).get_partition_keys


def counting() -> Timed:
    return HOURLY.get_num_partitions


def last() -> Timed:
    return HOURLY.get_last_partition_key


def in_range() -> Timed:
    start = next(fresh_starts)
    definition, keys = hourly(start), keys_of(start)
    wanted = dg.PartitionKeyRange(keys[len(keys) // 10], keys[-len(keys) // 10])
    return lambda: definition.get_partition_keys_in_range(wanted)


def has() -> Timed:
    keys = some_keys()
    return lambda: [HOURLY.has_partition_key(key) for key in keys]


def window() -> Timed:
    keys = some_keys()
    return lambda: [HOURLY.time_window_for_partition_key(key) for key in keys]


def in_set() -> Timed:
    given = sets()
    keys = asked_keys(given.start)
    return lambda: [key in given.one for key in keys]


def making() -> Timed:
    start = next(fresh_starts)
    definition, keys = hourly(start), keys_of(start, HOLES)
    return lambda: definition.subset_with_partition_keys(keys)


def union() -> Timed:
    given = sets()
    return lambda: given.one | given.other


def intersection() -> Timed:
    given = sets()
    return lambda: given.one & given.other


def difference() -> Timed:
    given = sets()
    return lambda: given.one - given.other


def ranges() -> Timed:
    given = sets()
    return lambda: list(given.one.get_partition_key_ranges(given.definition))


def keys() -> Timed:
    given = sets()
    return lambda: list(given.one.get_partition_keys())


def missing() -> Timed:
    given = sets()
    return lambda: list(given.one.get_partition_keys_not_in_subset(given.definition))


def serialising() -> Timed:
    return sets().one.serialize


def parsing() -> Timed:
    given = sets()
    text = given.one.serialize()
    return lambda: given.definition.deserialize_subset(text)


def downstream_of_days(step: int) -> Timed:
    """Which hours read these days: daily is upstream, hourly downstream."""
    days = DAILY.subset_with_partition_keys(DAYS[next(turns) % 1000 :: step])
    mapping = dg.TimeWindowPartitionMapping()
    return lambda: mapping.get_downstream_partitions_for_partitions(days, DAILY, HOURLY)


def upstream_of_days(step: int) -> Timed:
    """Which hours these days read: hourly is upstream, daily downstream."""
    days = DAILY.subset_with_partition_keys(DAYS[next(turns) % 1000 :: step])
    mapping = dg.TimeWindowPartitionMapping()
    return lambda: mapping.get_upstream_mapped_partitions_result_for_partitions(days, DAILY, HOURLY)


def upstream_of_hours() -> Timed:
    """Which days a set of hours reads: daily is upstream, hourly downstream."""
    given = sets()
    up, down = daily(given.start), given.definition
    mapping = dg.TimeWindowPartitionMapping()
    return lambda: mapping.get_upstream_mapped_partitions_result_for_partitions(given.one, down, up)


OPERATIONS: dict[str, tuple[Callable[[], Timed], int]] = {
    # what: (makes a call that was not made before, how many questions one call answers)
    "list the keys": (listing, 1),
    "count": (counting, 1),
    "last key": (last, 1),
    "keys in a range": (in_range, 1),
    "has a key": (has, ASKED),
    "window of a key": (window, ASKED),
    "set of keys": (making, 1),
    "key in a set": (in_set, ASKED),
    "union": (union, 1),
    "intersection": (intersection, 1),
    "difference": (difference, 1),
    "ranges of keys": (ranges, 1),
    "keys of a set": (keys, 1),
    "keys not in a set": (missing, 1),
    "serialise": (serialising, 1),
    "deserialise": (parsing, 1),
    "mapping, hours of all days, upstream": (lambda: upstream_of_days(1), 1),
    "mapping, hours of all days, downstream": (lambda: downstream_of_days(1), 1),
    "mapping, hours of every other day, upstream": (lambda: upstream_of_days(2), 1),
    "mapping, hours of every other day, downstream": (lambda: downstream_of_days(2), 1),
    "mapping, days of a set of hours, upstream": (upstream_of_hours, 1),
}


def size_of(answer: Any) -> int | None:
    """What the answers of the two libraries must have in common."""
    if isinstance(answer, str):  # a key, or a serialised set, which each writes in its own way
        return None
    if isinstance(answer, list) and isinstance(answer[0], bool):
        return sum(answer)
    if hasattr(answer, "partitions_subset"):  # a mapping's
        return len(answer.partitions_subset)
    return answer if isinstance(answer, int) else len(answer)


def measured(make: Callable[[], Timed]) -> tuple[list[float], int | None]:
    """Seconds of each call, without the first, which may import something; a slow first one suffices. And its size.

    What takes less than a millisecond is called several times in a row, which neither library answers from memory.
    """
    call = make()
    began = time.perf_counter()
    answer = call()
    first = time.perf_counter() - began
    if first > SLOW:
        return [first], size_of(answer)
    samples: list[float] = []
    while len(samples) < MOST and (len(samples) < 3 or time.perf_counter() - began < SECONDS):
        call = make()
        started = time.perf_counter()
        call()
        taken = time.perf_counter() - started
        if taken < 1e-3:
            started = time.perf_counter()
            for _ in range(IN_A_ROW):
                call()
            taken = (time.perf_counter() - started) / IN_A_ROW
        samples.append(taken)
    return samples, size_of(answer)


if __name__ == "__main__":
    gc.disable()
    found: dict[str, dict[str, Any]] = {"seconds": {}, "sizes": {}}
    for name, (make, questions) in OPERATIONS.items():
        turns = count(1)  # the same first question for both libraries
        samples, found["sizes"][name] = measured(make)
        found["seconds"][name] = statistics.median(samples) / questions
    print(json.dumps(found))
