"""A process that has imported a subject and forks a child for each order, so that a thousand trials take minutes.

Orders come as JSON lines on standard input, one answer to each goes to standard output. A child may be told to
die: at a step of its commit, counted in Python calls, or some seconds after it began, killed from outside.

    python -m faults.nursery SUBJECT FOLDER
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import threading
import time
import traceback
from importlib import import_module
from pathlib import Path
from typing import Any

_NOBODY = 65534
_NONE = resource.RLIM_INFINITY


class Steps:
    """Counts the calls of a commit, and ends the process at one of them.

    Args:
        places: Parts of the paths of the files whose calls count.
        commit: The function with which it begins.
        die_at: The number of the call at which to die; None to live.
        begun: Called once, when it begins.
    """

    def __init__(self, places: tuple[str, ...], commit: str, die_at: int | None, begun: Any) -> None:
        self.count = 0
        self._places = places
        self._commit = commit
        self._die_at = die_at
        self._begun = begun
        self._on = False

    def watch(self) -> None:
        threading.setprofile(self._seen)
        sys.setprofile(self._seen)

    def _seen(self, frame: Any, event: str, argument: Any) -> None:
        if event not in ("call", "c_call"):
            return
        code = frame.f_code
        if not any(place in code.co_filename for place in self._places):
            return
        if not self._on:
            if event != "call" or code.co_name != self._commit:
                return
            self._on = True
            self._begun()
        self.count += 1
        if self.count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)


def _child(module: Any, folder: Path, order: dict[str, Any], out: int) -> None:
    """Do what is ordered, write a line about it, and end without any tidying up."""
    begun = lambda: os.write(out, b"begun\n")  # noqa: E731
    answer: dict[str, Any] = {}
    try:
        if (size := order.get("file_size")) is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, _NONE))
        if order.get("as_nobody") and os.getuid() == 0:
            os.setuid(_NOBODY)
        subject = module.Subject(folder)
        steps = Steps(module.STEPS_IN, module.COMMIT, order.get("die_at"), begun)
        if order.get("count") or order.get("die_at") or order.get("die_after") is not None:
            steps.watch()
        answer["result"] = getattr(subject, order["do"])(**order.get("with", {}))
        sys.setprofile(None)
        answer["steps"] = steps.count
    except BaseException as error:
        sys.setprofile(None)
        answer["error"] = f"{type(error).__name__}: {error}"
        answer["traceback"] = traceback.format_exc()
    answer["peak_bytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (
        1 if sys.platform == "darwin" else 1024
    )
    if hasattr(resource, "RLIMIT_FSIZE"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (_NONE, _NONE))
    os.write(out, json.dumps(answer).encode() + b"\n")
    os._exit(0)


def _forked(module: Any, folder: Path, order: dict[str, Any]) -> dict[str, Any]:
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        _child(module, folder, order, write)
    os.close(write)
    answer: dict[str, Any] = {}
    began = time.monotonic()
    with os.fdopen(read, "r") as lines:
        for line in lines:
            if line != "begun\n":
                answer = json.loads(line)
                answer["commit_s"] = time.monotonic() - began
                continue
            began = time.monotonic()
            if order.get("die_after") is not None:
                time.sleep(order["die_after"])
                os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    answer["killed"] = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    answer["exit"] = status
    return answer


def main() -> None:
    """Take orders until the input ends."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    # What the subject prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY) if os.environ.get("FAULTS_QUIET") else 2, 1)
    module = import_module(f"faults.subjects.{name}")
    for line in sys.stdin:
        order = json.loads(line)
        place = folder / order.get("folder", ".")
        place.mkdir(parents=True, exist_ok=True)
        print(json.dumps(_forked(module, place, order)), file=answers, flush=True)


if __name__ == "__main__":
    main()
