import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gapless.ledger import process
from gapless.ledger.process import ProcessIdentity, is_alive, this_process

WAITING = [sys.executable, "-c", "import sys; sys.stdin.read()"]
needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture
def child():
    child = subprocess.Popen(WAITING, stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.wait()
    child.stdin.close()


def test_this_process_is_alive():
    assert is_alive(this_process())
    assert this_process().pid == os.getpid()
    assert this_process() == this_process()


def test_another_process_is_alive_until_it_ends(child):
    who = ProcessIdentity(os.uname().nodename, child.pid)
    assert is_alive(who)
    child.kill()
    child.wait()
    assert not is_alive(who)


@needs_proc
def test_a_killed_process_that_nobody_waited_for_is_not_alive(child):
    os.kill(child.pid, signal.SIGKILL)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it is a zombie now, and stays one
    assert Path(f"/proc/{child.pid}").exists()
    assert not is_alive(ProcessIdentity(os.uname().nodename, child.pid))


@needs_proc
def test_a_process_that_got_the_same_pid_later_is_another():
    assert not is_alive(replace(this_process(), started=this_process().started - 60))


@needs_proc
def test_a_process_from_before_a_reboot_is_not_alive():
    assert not is_alive(replace(this_process(), boot="an earlier boot"))
    assert is_alive(replace(this_process(), boot=""))


def test_a_process_of_another_host_counts_as_alive(child):
    child.kill()
    child.wait()
    assert is_alive(ProcessIdentity("another-host", child.pid))
    assert is_alive(ProcessIdentity("", 0))


def test_without_proc_a_process_is_asked_by_signal(child, monkeypatch, tmp_path):
    monkeypatch.setattr(process, "_PROC", tmp_path)
    me = this_process()
    assert (me.started, me.boot) == (0.0, "")
    assert is_alive(me)
    assert is_alive(ProcessIdentity(me.host, 1))
    child.kill()
    child.wait()
    assert not is_alive(ProcessIdentity(me.host, child.pid))


@needs_proc
def test_the_name_of_a_program_does_not_confuse(tmp_path):
    program = tmp_path / "a) R (b"
    program.symlink_to("/bin/sleep")
    strange = subprocess.Popen([program, "60"])
    try:
        # The name changes at the exec; Popen returns after it.
        assert is_alive(ProcessIdentity(os.uname().nodename, strange.pid))
        assert process._stat(strange.pid)[1] >= this_process().started
    finally:
        strange.kill()
        strange.wait()
