"""The program that makes things go wrong, in small: nothing is lost, and it says so."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("subject", "faults"),
    [
        ("gapless_duckdb", ["kill", "torn"]),  # clocks: see unit/execution/test_clock_going_backwards.py
        ("gapless_parquet", ["kill", "torn", "clock"]),
    ],
)
def test_a_store_survives_kills_torn_files_and_clocks(subject, faults):
    command = [sys.executable, "-m", "faults", *faults, "--trials", "10", "--subjects", subject, "--markdown"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stdout.count("✓") == len(faults)
    assert "10 killed" in done.stdout


def test_an_unknown_fault_is_told():
    done = subprocess.run([sys.executable, "-m", "faults", "flood"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2
    assert "no fault is called 'flood'; there are: kill, queue" in done.stderr
