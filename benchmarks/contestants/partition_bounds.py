"""What partitions by the million cost. It prints a JSON object: seconds of a call, or bytes."""

import gc
import json
import os
import statistics
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import gapless as dg
from gapless.partitions import OrdinalSet, PartitionSet

WINDOWS = int(os.environ["BENCH_WINDOWS"])
DAYS = WINDOWS // 100  # of the mapping: 10,000 of a million
SIDES = (10, 10, 10, 100, WINDOWS // 10_000)  # of the product: 10⁷ of a million
ZONE = "America/New_York"
NOW = datetime(2124, 1, 1, tzinfo=UTC)
random = Random(20240105)  # the same every time

Call = Callable[[], Any]
Question = Callable[[], Call]  # makes a call that was not made before; making it is not counted


def hourly() -> Any:
    start = NOW.replace(tzinfo=None) - timedelta(hours=WINDOWS)
    return dg.HourlyPartitionsDefinition(start, timezone=ZONE)


def minutely() -> Any:
    start = NOW.replace(tzinfo=None) - timedelta(minutes=WINDOWS)
    return dg.TimeWindowPartitionsDefinition(start, "%Y-%m-%d-%H:%M", cron_schedule="* * * * *", timezone=ZONE)


KINDS = {"hours": hourly, "minutes": minutely}


def scattered(count: int) -> OrdinalSet:
    """70 of 100, anywhere."""
    return OrdinalSet.of(random.sample(range(count), count * 7 // 10))


def windows(definition: Any) -> dict[str, Question]:
    existing = definition.count(NOW)

    def any_key() -> str:
        return definition.key_at(random.randrange(existing))

    def key_to_window() -> Call:
        key = any_key()
        return lambda: definition.window_at(definition.ordinal_of(key))

    def membership() -> Call:
        key = any_key()
        return lambda: definition.has_partition_key(key, NOW)

    return {
        "count": lambda: lambda: definition.count(NOW),
        "last key": lambda: lambda: definition.get_last_partition_key(NOW),
        "key → ordinal → window": key_to_window,
        "membership": membership,
    }


def keys(definition: Any) -> Question:
    existing = definition.existing(NOW)
    return lambda: lambda: definition.keys_of(existing)


def sets() -> dict[str, Question]:
    definition = hourly()
    existing = definition.count(NOW)
    one, other = scattered(existing), scattered(existing)
    text = PartitionSet(definition, one).to_json()

    def fresh(ordinals: OrdinalSet) -> PartitionSet:
        """As good as the same, but nothing is known of it yet."""
        return PartitionSet(definition, ordinals - OrdinalSet.of([random.randrange(existing)]))

    def union() -> Call:
        a, b = fresh(one), fresh(other)
        return lambda: a | b

    def intersection() -> Call:
        a, b = fresh(one), fresh(other)
        return lambda: a & b

    def difference() -> Call:
        a, b = fresh(one), fresh(other)
        return lambda: a - b

    def ranges() -> Call:
        a = fresh(one)
        return lambda: (len(a.ranges()), a.ranges()[:100])

    return {
        "union": union,
        "intersection": intersection,
        "difference": difference,
        "ranges (count, and the first 100 with their keys)": ranges,
        "serialise": lambda: fresh(one).to_json,
        "parse": lambda: lambda: PartitionSet.from_json(definition, text),
    }


def serialised_bytes() -> int:
    definition = hourly()
    return len(PartitionSet(definition, scattered(definition.count(NOW))).to_json().encode())


def mappings() -> dict[str, Question]:
    start = NOW.replace(tzinfo=None) - timedelta(days=DAYS)
    daily, hourly = dg.DailyPartitionsDefinition(start), dg.HourlyPartitionsDefinition(start)
    mapping = dg.TimeWindowPartitionMapping()
    found: dict[str, Question] = {}
    for which, step in (("all days", 1), ("every other day", 2)):
        days = OrdinalSet.of(range(0, DAYS, step))
        hours = OrdinalSet.of_runs((24 * day, 24 * day + 24) for day in range(0, DAYS, step))
        found |= {
            f"{which}: hours that they read": partial(asked, mapping.upstream, days, daily, hourly),
            f"{which}: hours that read them": partial(asked, mapping.downstream, days, hourly, daily),
            f"hours of {which}: days that they read": partial(asked, mapping.upstream, hours, hourly, daily),
            f"hours of {which}: days that read them": partial(asked, mapping.downstream, hours, daily, hourly),
        }
    return found


def asked(follow: Callable[..., Any], ordinals: OrdinalSet, down: Any, up: Any) -> Call:
    return lambda: follow(ordinals, down, up, NOW)


def product() -> dict[str, Question]:
    names = "abcde"
    sides = (dg.StaticPartitionsDefinition([str(n) for n in range(size)]) for size in SIDES)
    definition = dg.MultiPartitionsDefinition(dict(zip(names, sides, strict=True)))

    def membership() -> Call:
        key = "|".join(str(random.randrange(size)) for size in SIDES)
        return lambda: definition.has_partition_key(key, NOW)

    def piece(name: str, size: int) -> Call:
        key = str(random.randrange(size))
        return lambda: len(definition.where(NOW, **{name: key}))

    return {
        "count": lambda: lambda: definition.count(NOW),
        "membership": membership,
        **{
            f"slice by dimension {place}": partial(piece, name, size)
            for place, (name, size) in enumerate(zip(names, SIDES, strict=True), 1)
        },
    }


def seconds(question: Question) -> float:
    """The median of many calls; the first is not counted."""
    question()()
    samples: list[float] = []
    began = time.perf_counter()
    while len(samples) < 1_000 and (len(samples) < 5 or time.perf_counter() - began < 0.5):
        call = question()
        started = time.perf_counter()
        call()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def medians(questions: dict[str, Question]) -> dict[str, float]:
    return {name: seconds(question) for name, question in questions.items()}


def peak_bytes(define: Call) -> int:
    """What defining them and asking all of `windows` takes at most, beside what the process knows of the zone."""
    medians(windows(define()))
    tracemalloc.start()
    for question in windows(define()).values():
        question()()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


if __name__ == "__main__":
    gc.disable()
    found = {
        "windows": {kind: medians(windows(define())) for kind, define in KINDS.items()},
        "peak_bytes": {kind: peak_bytes(define) for kind, define in KINDS.items()},
        "keys": {kind: seconds(keys(define())) for kind, define in KINDS.items()},
        "sets": medians(sets()),
        "serialised_bytes": serialised_bytes(),
        "mappings": medians(mappings()),
        "product": medians(product()),
    }
    print(json.dumps(found))
