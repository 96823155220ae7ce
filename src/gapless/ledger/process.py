"""Who runs a run, and whether that process still lives."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessIdentity", "is_alive", "this_process"]

_PROC = Path("/proc")
_DEAD_STATES = frozenset("ZXx")  # a zombie holds its pid, but will never do anything again


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """What tells one process from all others, those that get its pid later included.

    Attributes:
        host: The host's name.
        started: Seconds from the host's boot to the process's start; 0 if unknown. Counted from the boot because the
            wall clock may be set while the process lives.
        boot: The id of the host's boot; empty if unknown.
    """

    host: str
    pid: int
    started: float = 0.0
    boot: str = ""


def this_process() -> ProcessIdentity:
    """The process that calls."""
    pid = os.getpid()
    stat = _stat(pid)
    return ProcessIdentity(os.uname().nodename, pid, stat[1] if stat else 0.0, _boot())


def is_alive(process: ProcessIdentity) -> bool:
    """False only if the process is certainly gone.

    A process on another host cannot be judged from here, nor can one that hides from us: both count as alive, since
    taking over the work of a live run is worse than waiting for a person to cancel a dead one.
    """
    if process.host != os.uname().nodename or process.pid <= 0:
        return True
    boot = _boot()
    if process.boot and boot and process.boot != boot:
        return False
    stat = _stat(process.pid)
    if stat is not None:
        state, started = stat
        # Kernel ticks are hundredths of a second, so two starts are either equal or far apart.
        return state not in _DEAD_STATES and (not process.started or abs(started - process.started) < 0.005)
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _boot() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _stat(pid: int) -> tuple[str, float] | None:
    """State letter and start (seconds since boot) of a process, from /proc (see proc(5)); None if it is not there."""
    try:
        text = (_PROC / str(pid) / "stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19]) / os.sysconf("SC_CLK_TCK")
