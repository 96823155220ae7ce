"""Only one process at a time serves a project."""

from __future__ import annotations

import os
import pickle

import pytest
from scheduling_world import utc

from gapless.scheduling.serve_lock import LOCK_FILE, AlreadyServedError, holder, serve_lock

NOW = utc("2024-01-05 12:00")


def test_a_second_one_is_refused_and_told_who_holds_it(tmp_path):
    with serve_lock(tmp_path / "home", NOW):
        assert holder(tmp_path / "home") == os.getpid()
        with pytest.raises(AlreadyServedError) as refused, serve_lock(tmp_path / "home", NOW):
            pytest.fail("two serve")
    pid, path = os.getpid(), tmp_path / "home" / LOCK_FILE
    assert str(refused.value) == (
        f"process {pid} serves this project already since 2024-01-05T12:00:00+00:00 (it holds {path})."
        f" Only one at a time can; to end that one, type: kill {pid}"
    )
    assert refused.value.exit_code == 2
    assert str(pickle.loads(pickle.dumps(refused.value))) == str(refused.value)


def test_a_holder_that_cannot_be_read_is_still_refused(tmp_path):
    with serve_lock(tmp_path, NOW):
        (tmp_path / LOCK_FILE).write_text("?")
        with (
            pytest.raises(AlreadyServedError, match="another process serves this project already"),
            serve_lock(tmp_path, NOW),
        ):
            pytest.fail("two serve")


def test_the_lock_is_free_again_afterwards(tmp_path):
    for _ in range(2):
        with serve_lock(tmp_path, NOW):
            pass
        assert holder(tmp_path) is None


def test_a_project_that_was_never_served_has_no_holder_and_asking_leaves_no_trace(tmp_path):
    assert holder(tmp_path / "home") is None
    assert not (tmp_path / "home").exists()
