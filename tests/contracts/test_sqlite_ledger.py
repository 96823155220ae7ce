import functools

import pytest

from gapless.ledger.sqlite import SQLiteLedger
from gapless.testing.ledger import LedgerContract
from gapless.testing.ledger_model import LedgerModel, check_ledger_against_model


class TestSQLiteLedger(LedgerContract):
    @pytest.fixture
    def open_ledger(self, tmp_path):
        return functools.partial(SQLiteLedger, tmp_path / "home" / "ledger.sqlite")


def test_it_agrees_with_plain_dictionaries(tmp_path_factory):
    class SQLiteLedgerModel(LedgerModel):
        def opener(self):
            return functools.partial(SQLiteLedger, tmp_path_factory.mktemp("ledger") / "ledger.sqlite")

    check_ledger_against_model(SQLiteLedgerModel)
