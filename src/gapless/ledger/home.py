"""Where the ledger lies: ``GAPLESS_HOME``, or ``.gapless`` below the working directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gapless.ledger.sqlite import SQLiteLedger

__all__ = ["HOME_VARIABLE", "LEDGER_FILE", "home_path", "open_ledger"]

HOME_VARIABLE = "GAPLESS_HOME"
LEDGER_FILE = "ledger.sqlite"


def home_path(environ: Mapping[str, str] = os.environ, working_directory: Path | None = None) -> Path:
    """The home, which need not exist. A relative ``GAPLESS_HOME`` counts from the working directory."""
    below = working_directory or Path.cwd()
    chosen = environ.get(HOME_VARIABLE)
    return below / Path(chosen).expanduser() if chosen else below / ".gapless"


def open_ledger(home: Path | None = None) -> SQLiteLedger:
    """The ledger of `home`; by default that of this project.

    Nothing is created before the first write, so that looking at a fresh project leaves no trace.
    """
    return SQLiteLedger((home or home_path()) / LEDGER_FILE)
