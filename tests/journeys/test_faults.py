"""The program that makes things go wrong, in small: nothing is lost, and it says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("subject", ["gapless_duckdb", "gapless_parquet"])
def test_a_store_survives_kills_torn_files_and_clocks(subject):
    command = [
        sys.executable,
        "-m",
        "faults",
        "kill",
        "torn",
        "clock",
        "--trials",
        "16",
        "--subjects",
        subject,
        "--markdown",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.count("✓") == 3
    assert "16 killed" in done.stdout


def test_an_unknown_fault_is_told():
    done = subprocess.run([sys.executable, "-m", "faults", "flood"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no fault is called 'flood'; there are: kill, queue" in done.stderr
