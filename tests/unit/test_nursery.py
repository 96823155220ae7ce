"""What the nursery forks is a process like any other."""

import os
import signal
import sys
from subprocess import PIPE, TimeoutExpired

import pytest

from nursery import Process, run

CHILD = "import os, sys; print(os.getcwd(), os.environ['MARK'], sys.argv[1:], __name__, os.getpid())"


def python(code, *arguments, **how):
    return Process([sys.executable, "-c", code, *arguments], stdout=PIPE, **how)


def test_it_has_its_own_folder_environment_arguments_and_pid(tmp_path):
    child = python(CHILD, "a b", cwd=tmp_path, env={**os.environ, "MARK": "ü"})
    said = child.communicate(timeout=30)[0]
    assert said == f"{tmp_path} ü ['a b'] __main__ {child.pid}\n"
    assert child.returncode == 0


@pytest.mark.parametrize(
    ("code", "expected"), [("raise SystemExit(3)", 3), ("1 / 0", 1), ("import os; os._exit(7)", 7)]
)
def test_its_exit_code_is_told(code, expected):
    assert run([sys.executable, "-c", code]).returncode == expected


def test_its_streams_are_its_own():
    code = "import sys; print(input()); print('wrong', file=sys.stderr)"
    child = python(code, stdin=PIPE, stderr=PIPE)
    assert child.communicate("right\n", timeout=30) == ("right\n", "wrong\n")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_ends_it(number):
    child = python("import time; print('up', flush=True); time.sleep(60)")
    assert child.stdout.readline() == "up\n"
    assert child.poll() is None
    with pytest.raises(TimeoutExpired):
        child.wait(0.01)
    child.send_signal(number)
    assert child.wait(30) == -number
    assert child.stdout.read() == ""
    child.stdout.close()


def test_ctrl_c_reaches_it_as_ever():
    child = python("import time; print('up', flush=True); time.sleep(60)", stderr=PIPE)
    assert child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in child.communicate(timeout=30)[1]


def test_it_has_imported_nothing_that_is_optional():
    code = "import sys; print(*sorted({'pyarrow', 'pandas', 'fsspec', 'upath', 'pytest'} & set(sys.modules)))"
    assert run([sys.executable, "-c", code]).stdout == "\n"


def test_one_that_was_killed_is_no_zombie():
    child = python("import time; time.sleep(60)")
    child.kill()
    child.wait(30)
    child.stdout.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child.pid, 0)
