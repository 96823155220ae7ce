"""How much of what a partition reads must be there before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gapless.errors import DefinitionError, shown
from gapless.partitions.mappings.mapped import MappedUpstream
from gapless.partitions.ordered_keys import OrderedKeys
from gapless.partitions.ordinals import OrdinalSet

__all__ = ["Expired", "Verdict", "WaitPolicy", "check_whole"]

_NOTHING = OrdinalSet.empty()
_NAMED = 3  # ranges of partitions that a reason names


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a partition can be made, as far as one upstream asset is concerned.

    Attributes:
        ready: Whether enough is there.
        reason: Why, a clause: ``needs plays 2024-01-05, which is missing``.
        never: Whether it never can be, because it needs what will never exist, or has expired.
    """

    ready: bool
    reason: str
    never: bool = False


@dataclass(frozen=True, slots=True)
class Expired:
    """What upstream does not keep any more, and does not have.

    Attributes:
        kept: How long it keeps its partitions, in words: ``90 days``.
    """

    partitions: OrdinalSet = _NOTHING
    kept: str = ""


@dataclass(frozen=True, slots=True, repr=False)
class WaitPolicy:
    """How much of what a partition reads must be there before it is made.

    Write `all`, `at_least` or `existing`. What is made in the same run is always waited for.

    Attributes:
        least: How many upstream partitions must be there; None for all of them, 0 for whatever is there.

    Raises:
        DefinitionError: `least` is neither None nor a whole number from 0 on.
    """

    least: int | None = None

    def __post_init__(self) -> None:
        if self.least is not None:
            check_whole("WaitPolicy: least", self.least, low=0)

    @classmethod
    def all(cls) -> WaitPolicy:
        """Everything that is read must be there, and what is required but does not exist is waited for too."""
        return cls()

    @classmethod
    def at_least(cls, count: int) -> WaitPolicy:
        """So many of the upstream partitions must be there; the others are read if they are there too.

        Of what reads fewer, because upstream begins only then, all must be there. That does not hold where something
        is required that does not exist.

        Raises:
            DefinitionError: `count` is not a positive number.
        """
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise DefinitionError(
                f"WaitPolicy.at_least({shown(count)}) is not a number of partitions",
                "Write 1 or more, or WaitPolicy.existing() for whatever is there.",
            )
        return cls(count)

    @classmethod
    def existing(cls) -> WaitPolicy:
        """Whatever is there is read, but where there is something to read, not nothing at all."""
        return cls(0)

    def verdict(
        self,
        mapped: MappedUpstream,
        available: OrdinalSet,
        up_def: OrderedKeys | None,
        upstream: str,
        failed: OrdinalSet = _NOTHING,
        expired: Expired = Expired(),
    ) -> Verdict:
        """Whether one partition can be made.

        Args:
            mapped: What it reads.
            available: Upstream partitions that have rows, or will have when it is made.
            up_def: Whose partitions they are; None if upstream is unpartitioned.
            upstream: The name of the upstream asset.
            failed: Upstream partitions that failed last time; for the reason only.
            expired: Upstream partitions that are gone, and are not made again by themselves.
        """
        lacking = mapped.partitions - available
        total = len(mapped.partitions)
        there = total - len(lacking)
        if self.least is None and mapped.nonexistent_count:
            ranges = mapped.nonexistent_ranges
            named = _named([(a, b if a == b else _end(b, up_def)) for a, b in ranges], mapped.nonexistent_count)
            does, yet = ("does" if mapped.nonexistent_count == 1 else "do"), (" yet" if mapped.later else "")
            return Verdict(False, f"needs {upstream} {named}, which {does} not exist{yet}", never=not mapped.later)
        # What reads fewer than `least` would wait for ever for the others: there never are more.
        if not lacking and (not self.least or (total < self.least and not mapped.nonexistent_count)):
            return Verdict(True, f"all that it reads of {upstream} is there" if total else f"it reads no {upstream}")
        gone = lacking & expired.partitions
        if gone and (self.least is None or (gone == lacking and not there)):
            either, have = "" if self.least is None else "any of ", "has" if len(gone) == 1 else "have"
            reason = f"needs {either}{_which(gone, up_def, upstream)}, which {have} expired (kept {expired.kept})"
            return Verdict(False, reason, never=True)
        which = _which(lacking, up_def, upstream)
        state = "failed" if lacking & failed else "is missing" if len(lacking) == 1 else "are missing"
        if self.least is None or (up_def is None and lacking):
            return Verdict(False, f"needs {which}, which {state}")
        verb = "is" if there == 1 else "are"
        counted = f"{there:,} of the {total:,} partitions of {upstream} that it reads {verb} there"
        if there >= max(self.least, 1):
            return Verdict(True, f"{counted}, at least {self.least:,} needed" if self.least else counted)
        if self.least:
            lacked = f"; {which} {state}" if lacking else ""
            least = self.least if mapped.nonexistent_count else min(self.least, total)
            return Verdict(False, f"needs at least {least:,}, and {counted}{lacked}")
        if not available:
            return Verdict(False, f"nothing of {upstream} has been made yet")
        return Verdict(False, f"needs any of {which}, which {state}")

    def __repr__(self) -> str:
        if self.least is None:
            return "WaitPolicy.all()"
        return f"WaitPolicy.at_least({self.least})" if self.least else "WaitPolicy.existing()"


def check_whole(name: str, value: object, low: int | None = None) -> int:
    """A whole number that a user writes in a mapping, at least `low`.

    Raises:
        DefinitionError: It is none; `name` is what it is given as.
    """
    if isinstance(value, int) and not isinstance(value, bool) and (low is None or value >= low):
        return value
    wanted = "a whole number" if low is None else f"a whole number, {low} or more"
    raise DefinitionError(f"{name} is {shown(value)} ({type(value).__name__})", f"Write {wanted}.")


def _which(ordinals: OrdinalSet, up_def: OrderedKeys | None, upstream: str) -> str:
    if up_def is None or not ordinals:
        return upstream
    ranges = [(up_def.key_at(a), up_def.key_at(b - 1)) for a, b in ordinals.runs[: _NAMED + 1]]
    return f"{upstream} {_named(ranges, len(ordinals))}"


def _end(written: str, up_def: OrderedKeys | None) -> str:
    """How the end of a range is written: after ``date=2024-01-01..`` the dimension is not named again."""
    name, _, key = written.partition("=")
    return key if up_def is not None and name in up_def.dimensions else written


def _named(ranges: Sequence[tuple[str, str]], count: int) -> str:
    """``2024-01-01..2024-01-07, 2024-01-09 (8 partitions)``; the first few ranges of (first, last) keys."""
    shown = [first if first == last else f"{first}..{last}" for first, last in ranges[:_NAMED]]
    alone = len(ranges) == count <= _NAMED  # each is named, so that nobody has to be told how many there are
    more = ", …" if len(ranges) > _NAMED else ""
    return f"{', '.join(shown)}{more}{'' if alone else f' ({count:,} partitions)'}"
