from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gapless import BackfillPolicy, Backoff, Jitter, RetryPolicy
from gapless.errors import DefinitionError


def test_a_backfill_policy_says_how_many_partitions_a_call_makes():
    assert BackfillPolicy.single_run().max_partitions_per_run is None
    assert BackfillPolicy.multi_run().max_partitions_per_run == 1
    assert BackfillPolicy.multi_run(5).max_partitions_per_run == 5


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [(None, [2, 2, 2]), (Backoff.LINEAR, [2, 4, 6]), (Backoff.EXPONENTIAL, [2, 6, 14])],
)
def test_delays_grow_as_the_backoff_says(backoff, delays):
    policy = RetryPolicy(max_retries=3, delay=2, backoff=backoff)
    assert [policy.delay_before(retry, 0.5) for retry in (1, 2, 3)] == delays


def test_without_a_delay_there_is_none():
    assert RetryPolicy().delay_before(1, 0.5) == 0
    with pytest.raises(DefinitionError, match=r"backoff and jitter need a delay to work on. Add delay=<seconds>."):
        RetryPolicy(backoff=Backoff.LINEAR)


@given(retry=st.integers(1, 8), chance=st.floats(0, 1, exclude_max=True))
def test_jitter_stays_around_the_delay(retry, chance):
    full = RetryPolicy(delay=3, backoff=Backoff.LINEAR, jitter=Jitter.FULL)
    assert 0 <= full.delay_before(retry, chance) <= 3 * retry
    around = RetryPolicy(delay=3, backoff=Backoff.LINEAR, jitter=Jitter.PLUS_MINUS)
    assert 3 * retry - 3 <= around.delay_before(retry, chance) <= 3 * retry + 3
