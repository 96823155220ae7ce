"""Why a partition is in a plan, as a closed set: the command line, the UI and tests share one answer."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """Why a partition will be made. The first that applies, in this order, is the one given."""

    EXPIRED = "expired"  # named, though it is older than what the asset keeps
    REQUESTED = "requested"  # named by key, range, last or all
    FAILED = "failed"  # its last attempt failed
    SKIPPED = "skipped"  # it was skipped, because something upstream had failed
    MISSING = "missing"  # it was never made
    UPSTREAM = "upstream"  # something that it depends on is made in this plan
    DUE = "due"  # its window closed, and its schedule's tick came

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    Reason.EXPIRED: "asked for, though expired: it will be dropped again",
    Reason.REQUESTED: "asked for",
    Reason.FAILED: "failed last time",
    Reason.SKIPPED: "skipped last time, because something upstream had failed",
    Reason.MISSING: "never made",
    Reason.UPSTREAM: "something that it depends on is made in this plan",
    Reason.DUE: "its window has closed",
}
