"""Settings of every test."""

import atexit
import os
import sys

from hypothesis import settings

# How long an example takes depends on what else the machine does; no test asserts that. With time to spare:
# pytest --hypothesis-profile=thorough
settings.register_profile("house", deadline=None, max_examples=50)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile("house")

pytest_plugins = ["s3_server"]

_exit_codes: list[int] = []  # of the session that has ended


def pytest_sessionfinish(exitstatus):
    _exit_codes.append(int(exitstatus))


@atexit.register
def _leave():
    """End the process at once, as `gapless` itself does: DuckDB's bindings would print pages about what they leaked.

    What was registered later, at work in tests, has been called before.
    """
    if _exit_codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_codes[-1])
