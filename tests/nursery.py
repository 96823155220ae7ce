"""Processes that start at once: one that has imported Gapless forks a child for each program that a test starts.

A cold start takes a third of a second of a processor, nearly all of it imports, and the suite starts hundreds. A child
is a process like any other, with its own pid, folder, environment, streams, signals and exit code. What a cold start
must do is tested with `subprocess`: see ``unit/cli/test_the_program.py``, ``test_cli_terminal.py`` and
``test_cli_demo.py`` in ``journeys``, and the README in ``journeys/test_docs.py``.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import pkgutil
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
import types
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from subprocess import DEVNULL, PIPE, STDOUT
from typing import IO, Any

import gapless

__all__ = ["Process", "run"]

_NUMBER = struct.Struct("i")
_LARGEST = 150_000  # bytes of an order, which must pass the socket in one piece


class Process:
    """What `subprocess.Popen` is, as far as tests need it, of text, and for the commands of Gapless and ``python -c``.

    Args:
        command: ``gapless …``, ``python -m gapless.cli.main …`` or ``python -c CODE …``.
        stdout: None for nowhere, or what `subprocess` takes; `stderr` likewise, and None for where the tests' own goes.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | None = None,
        stdout: int | None = None,
        stderr: int | None = None,
    ) -> None:
        self.args = list(map(str, command))
        self.returncode: int | None = None
        nowhere = os.open(os.devnull, os.O_RDWR)
        theirs = [nowhere, nowhere, 2]
        self.stdin, self.stdout, self.stderr = (None,) * 3  # type: tuple[IO[str] | None, ...]
        if stdin == PIPE:
            theirs[0], ours = os.pipe()
            self.stdin = os.fdopen(ours, "w")
        if stdout == PIPE:
            ours, theirs[1] = os.pipe()
            self.stdout = os.fdopen(ours)
        if stderr == PIPE:
            ours, theirs[2] = os.pipe()
            self.stderr = os.fdopen(ours)
        elif stderr is not None:
            theirs[2] = {STDOUT: theirs[1], DEVNULL: nowhere}[stderr]
        self._news, news = os.pipe()
        order = {"command": self.args, "cwd": str(cwd or Path.cwd()), "env": dict(os.environ if env is None else env)}
        try:
            _Nursery.take(order, [*theirs, news])
        finally:
            for each in {*theirs, nowhere, news} - {2}:
                os.close(each)
        self.pid = self._told()

    def _told(self) -> int:
        news = os.read(self._news, _NUMBER.size)
        if not news:
            raise ChildProcessError("the process that forks others has ended; its error is above")
        number: int = _NUMBER.unpack(news)[0]
        return number

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            with selectors.PollSelector() as selector:
                selector.register(self._news, selectors.EVENT_READ)
                if not selector.select(timeout):
                    assert timeout is not None
                    raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = self._told()
            os.close(self._news)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, given: str = "", timeout: float | None = None) -> tuple[str, str]:
        until = None if timeout is None else time.monotonic() + timeout
        if self.stdin is not None and not self.stdin.closed:
            self.stdin.write(given)
            self.stdin.close()
        said = ["", ""]

        def read(number: int, stream: IO[str]) -> None:
            with stream:
                said[number] = stream.read()

        streams = [(n, stream) for n, stream in enumerate((self.stdout, self.stderr)) if stream and not stream.closed]
        threads = [threading.Thread(target=read, args=each, daemon=True) for each in streams]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(None if until is None else max(until - time.monotonic(), 0))
            if thread.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if until is None else max(until - time.monotonic(), 0))
        return said[0], said[1]

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()
        self.wait()

    def __del__(self) -> None:
        if self.returncode is None and hasattr(self, "_news"):
            os.close(self._news)


def run(
    command: Sequence[str | Path],
    *,
    cwd: Path | str | None = None,
    env: Mapping[str, str] | None = None,
    stderr: int = PIPE,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` with ``capture_output=True, text=True`` would."""
    process = Process(command, cwd=cwd, env=env, stdout=PIPE, stderr=stderr)
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.wait(), out, err)


class _Nursery:
    """The process that forks; one for each process of tests, begun with the first order."""

    _lock = threading.Lock()
    _orders: socket.socket | None = None

    @classmethod
    def take(cls, order: Mapping[str, Any], streams: Sequence[int]) -> None:
        with cls._lock:
            if cls._orders is None:
                cls._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                command = [sys.executable, __file__, str(theirs.fileno())]
                process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=DEVNULL, stdout=DEVNULL)
                theirs.close()
                atexit.register(cls._end, process)
            message = json.dumps(order).encode()
            assert len(message) <= _LARGEST, "give so much through a file"
            socket.send_fds(cls._orders, [message], streams)

    @classmethod
    def _end(cls, process: subprocess.Popen[bytes]) -> None:
        if cls._orders is not None:
            cls._orders.close()
        process.wait()


def _import_all() -> None:
    """Import what any command might; what is optional stays out."""
    for name in ("duckdb", "polars", "rich.console", "rich.table", "rich.progress"):
        import_module(name)
    for module in pkgutil.walk_packages(gapless.__path__, "gapless."):
        if not module.name.startswith("gapless.testing"):
            import_module(module.name)


def _serve(orders: socket.socket) -> Any:
    """Fork a child for each order, and tell its pid and its exit code.

    Returns:
        In the process itself, None when there are no more orders; in each child, its order.
    """
    alive: dict[int, tuple[int, int]] = {}  # by what tells of its end: pid, and where to tell it
    selector = selectors.PollSelector()
    selector.register(orders, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select():
            if key.fd != orders.fileno():
                pid, news = alive.pop(key.fd)
                selector.unregister(key.fd)
                os.close(key.fd)
                _tell(news, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
                os.close(news)
                continue
            message, streams, _, _ = socket.recv_fds(orders, _LARGEST, 4)
            if not message:
                return None
            pid = os.fork()
            if pid == 0:
                signal.signal(signal.SIGINT, signal.default_int_handler)
                for number, stream in enumerate(streams[:3]):
                    os.dup2(stream, number)
                os.closerange(3, 1024)
                return json.loads(message)
            for stream in streams[:3]:
                os.close(stream)
            _tell(streams[3], pid)
            ended = os.pidfd_open(pid)
            alive[ended] = (pid, streams[3])
            selector.register(ended, selectors.EVENT_READ)


def _tell(news: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):  # nobody wants to know
        os.write(news, _NUMBER.pack(number))


def _live(order: Mapping[str, Any]) -> int:
    """Be what is ordered.

    Returns:
        The exit code, where the program does not end the process itself.
    """
    sys.stdin = sys.__stdin__ = os.fdopen(0, closefd=False)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.chdir(order["cwd"])
    os.environ.clear()
    os.environ.update(order["env"])
    program, *arguments = order["command"]
    main = types.ModuleType("__main__")
    sys.modules["__main__"] = main
    if arguments[:1] == ["-c"]:
        code, sys.argv, sys.path[0] = arguments[1], ["-c", *arguments[2:]], ""
    else:
        if Path(program).name == "gapless":
            sys.argv, sys.path[0] = order["command"], str(Path(program).parent)
        else:
            assert arguments[:2] == ["-m", "gapless.cli.main"], order["command"]
            sys.argv, sys.path[0] = ["gapless", *arguments[2:]], order["cwd"]
        code = "from gapless.cli.main import run; run()"
    try:
        exec(compile(code, "<string>", "exec"), main.__dict__)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _leave(code: int) -> None:
    """What the interpreter's end does, but for taking apart what the parent has imported."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    os._exit(code)


if sys.platform != "linux":  # elsewhere not everything that is imported may be forked
    Process = functools.partial(subprocess.Popen, text=True)  # type: ignore[assignment,misc]

if __name__ == "__main__":
    _import_all()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end this
    gc.collect()
    gc.freeze()  # so that a child's collections do not copy what all share
    born = _serve(socket.socket(fileno=int(sys.argv[1])))
    _leave(_live(born) if born is not None else 0)
