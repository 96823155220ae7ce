from __future__ import annotations

import pytest
from scheduling_world import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path, "2024-01-10 12:00")
    yield made
    made.ledger.close()
