import pickle
from datetime import UTC, datetime

import pytest

from gapless.errors import GaplessError, LedgerError
from gapless.ledger import errors

EVERY_ERROR = {
    errors.LedgerAccessError("/p/ledger.sqlite", "Permission denied"): (
        "cannot use the ledger /p/ledger.sqlite: Permission denied. It and its folder must lie on a working disk, and"
        " be readable and writable by you; mend that, or set GAPLESS_HOME to another folder."
    ),
    errors.LedgerBusyError("/p/ledger.sqlite", 30.0): (
        "the ledger /p/ledger.sqlite is locked by another process; waited 30 s for it. Nothing was changed; close the"
        " program that has the file open, and try again. Runs at work: gapless runs list"
    ),
    errors.LedgerFullError("/p/ledger.sqlite"): (
        "no room left on the disk for the ledger /p/ledger.sqlite. What it held before is intact; free some space and"
        " run the same command again: what is committed in the data stays, and is found there."
    ),
    errors.LedgerDamagedError("/p/ledger.sqlite", "file is not a database"): (
        "/p/ledger.sqlite is not a ledger that can be read: file is not a database. Move it away, with the -wal and"
        " -shm files beside it (mv /p/ledger.sqlite /p/ledger.sqlite.damaged), and run again; a new ledger is begun,"
        " your data stays."
    ),
    errors.LedgerNewerError("/p/ledger.sqlite", 9, 1): (
        "the ledger /p/ledger.sqlite has version 9, and this Gapless knows versions up to 1. It was left as it is."
        " Upgrade with: pip install -U gapless"
    ),
    errors.UnknownRunError("4f"): "there is no run '4f'. List the runs with: gapless runs list",
    errors.UnknownTickError("nightly", datetime(2024, 1, 5, tzinfo=UTC)): (
        "schedule 'nightly' has no tick at 2024-01-05T00:00:00+00:00; a tick is recorded with start_tick before it"
        " acts."
    ),
    errors.RunExistsError("4f"): "run '4f' is already recorded; every run needs an id of its own.",
    errors.RunEndedError("4f", "crashed"): (
        "run '4f' has ended (crashed), so it cannot take partitions any more; another process may have found it dead."
        " What it finished stays; start a new run for the rest."
    ),
}


@pytest.mark.parametrize(("error", "message"), EVERY_ERROR.items(), ids=lambda value: type(value).__name__)
def test_an_error_says_what_is_wrong_and_what_to_do(error, message):
    assert str(error) == message


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda value: type(value).__name__)
def test_an_error_keeps_its_facts_when_it_is_pickled(error):
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.__dict__, str(copy)) == (type(error), error.__dict__, str(error))
    assert isinstance(copy, LedgerError)
    assert isinstance(copy, GaplessError)


def test_every_error_of_the_module_is_tested_here():
    assert {type(error).__name__ for error in EVERY_ERROR} == set(errors.__all__)
