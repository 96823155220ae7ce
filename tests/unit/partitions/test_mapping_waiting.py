"""How much of what a partition reads must be there, and what the verdict says."""

import pickle
from datetime import datetime

import pytest

from gapless.errors import DefinitionError
from gapless.partitions import (
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MappedUpstream,
    OrdinalSet,
    RollingWindowPartitionMapping,
    TimeWindowPartitionMapping,
    WaitPolicy,
    WeeklyPartitionsDefinition,
)

NOW = datetime(2024, 1, 20)
D = DailyPartitionsDefinition("2024-01-01")
H = HourlyPartitionsDefinition("2024-01-03-00:00")
W = WeeklyPartitionsDefinition("2024-01-01")
WEEK = TimeWindowPartitionMapping().upstream(OrdinalSet.of([0]), W, D, NOW)  # ordinals 6 to 12
NOTHING = OrdinalSet.empty()
ALL, SOME, THREE = WaitPolicy.all(), WaitPolicy.existing(), WaitPolicy.at_least(3)
FAILED = OrdinalSet.of([8])


@pytest.mark.parametrize(
    ("policy", "there", "ready", "reason"),
    [
        (ALL, range(19), True, "all that it reads of plays is there"),
        (ALL, [6, 7, 9, 10, 11, 12], False, "needs plays 2024-01-09, which failed"),
        (ALL, [6, 7, 8, 9, 10], False, "needs plays 2024-01-12..2024-01-13 (2 partitions), which are missing"),
        (ALL, [6, 7, 8, 10, 12], False, "needs plays 2024-01-10, 2024-01-12, which are missing"),
        (ALL, [], False, "needs plays 2024-01-07..2024-01-13 (7 partitions), which failed"),
        (SOME, range(19), True, "all that it reads of plays is there"),
        (SOME, [6, 7], True, "2 of the 7 partitions of plays that it reads are there"),
        (SOME, [6], True, "1 of the 7 partitions of plays that it reads is there"),
        (SOME, [1], False, "needs any of plays 2024-01-07..2024-01-13 (7 partitions), which failed"),
        (SOME, [], False, "nothing of plays has been made yet"),
        (THREE, range(19), True, "7 of the 7 partitions of plays that it reads are there, at least 3 needed"),
        (THREE, [6, 7, 12], True, "3 of the 7 partitions of plays that it reads are there, at least 3 needed"),
        (
            THREE,
            [6, 7],
            False,
            "needs at least 3, and 2 of the 7 partitions of plays that it reads are there;"
            " plays 2024-01-09..2024-01-13 (5 partitions) failed",
        ),
        (
            WaitPolicy.at_least(8),
            [6, 7, 8, 9, 10, 11],
            False,
            "needs at least 7, and 6 of the 7 partitions of plays that it reads are there; plays 2024-01-13 is missing",
        ),
        (WaitPolicy.at_least(8), range(19), True, "all that it reads of plays is there"),
    ],
)
def test_the_verdict_says_whether_enough_is_there_and_why(policy, there, ready, reason):
    verdict = policy.verdict(WEEK, OrdinalSet.of(there), D, "plays", FAILED)
    assert (verdict.ready, verdict.reason, verdict.never) == (ready, reason, False)


@pytest.mark.parametrize(
    ("policy", "day", "now", "ready", "never", "reason"),
    [
        (
            ALL,
            1,
            NOW,
            False,
            True,
            "needs plays 2024-01-02-00:00..2024-01-02-23:00 (24 partitions), which do not exist",
        ),
        (ALL, 9, datetime(2024, 1, 10, 23), False, False, "needs plays 2024-01-10-23:00, which does not exist yet"),
        (SOME, 1, NOW, True, False, "it reads no plays"),
        (SOME, 9, datetime(2024, 1, 10, 23), True, False, "all that it reads of plays is there"),
        (
            WaitPolicy.at_least(23),
            9,
            datetime(2024, 1, 10, 23),
            True,
            False,
            "23 of the 23 partitions of plays that it",
        ),
        (THREE, 1, NOW, False, False, "needs at least 3, and 0 of the 0 partitions of plays that it reads are there"),
    ],
)
def test_what_does_not_exist_is_waited_for_only_where_everything_is(policy, day, now, ready, never, reason):
    mapped = TimeWindowPartitionMapping().upstream(OrdinalSet.of([day]), D, H, now)
    verdict = policy.verdict(mapped, H.existing(now), H, "plays")
    assert (verdict.ready, verdict.never) == (ready, never)
    assert verdict.reason.startswith(reason)


def test_a_window_that_begins_before_upstream_does_waits_for_no_more_than_there_is():
    rolling = RollingWindowPartitionMapping(7, wait_for=THREE)
    second = rolling.upstream(OrdinalSet.of([1]), D, D, NOW)
    assert THREE.verdict(second, OrdinalSet.of([0, 1]), D, "plays").ready
    assert not THREE.verdict(second, OrdinalSet.of([1]), D, "plays").ready


@pytest.mark.parametrize("policy", [ALL, SOME, WaitPolicy.at_least(1)])
def test_an_unpartitioned_upstream_is_there_or_not(policy):
    whole = MappedUpstream(OrdinalSet.of([0]))
    verdict = policy.verdict(whole, NOTHING, None, "shops")
    assert (verdict.ready, verdict.reason) == (False, "needs shops, which is missing")
    assert policy.verdict(whole, OrdinalSet.of([0]), None, "shops").ready


@pytest.mark.parametrize("count", [0, -1, 1.5, "3", True, None])
def test_a_number_that_is_none_is_refused(count):
    with pytest.raises(DefinitionError, match=r"is not a number of partitions\. Write 1 or more, or WaitPolicy\.exist"):
        WaitPolicy.at_least(count)


@pytest.mark.parametrize("least", [-5, 1.5, "3", True])
def test_a_policy_without_a_number_is_refused(least):
    with pytest.raises(DefinitionError, match=r"WaitPolicy: least is .* Write a whole number, 0 or more"):
        WaitPolicy(least=least)


@pytest.mark.parametrize(
    ("policy", "text"),
    [(ALL, "WaitPolicy.all()"), (SOME, "WaitPolicy.existing()"), (THREE, "WaitPolicy.at_least(3)")],
)
def test_a_policy_is_a_value(policy, text):
    assert repr(policy) == text
    assert pickle.loads(pickle.dumps(policy)) == policy
    assert len({ALL, SOME, THREE, WaitPolicy.at_least(3)}) == 3
