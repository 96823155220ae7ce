"""What users' IO managers see and do here is what they see and do under Dagster 1.13."""

from __future__ import annotations

import pytest

pytest.importorskip("upath")

import users_io_managers as users

EXPECTED = {
    "csv": {
        "loaded": [[["a", "2024-01-02"]]],
        "files": ["copied/2024-01-02.csv", "raw/plays/2024-01-02.csv"],
        "text": "a;2024-01-02",
    },
    "decorated": {
        "config": {"folder": True, "prefix": "p_"},
        "client": "the client",
        "name": "result",
        "step": "raw__numbers",
        "total": 3,
    },
    "factory": {"loaded": ["dear eu"], "files": ["answer-eu", "letter-eu"], "answer": "DEAR EU"},
    "upath": {
        "loaded": [
            {"day": "2024-01-01"},
            {"2024-01-01": {"day": "2024-01-01"}, "2024-01-02": {"day": "2024-01-02"}},
        ],
        "files": [
            "pairs/2024-01-01.json",
            "pairs/2024-01-02.json",
            "raw/plays/2024-01-01.json",
            "raw/plays/2024-01-02.json",
        ],
    },
    "fields_and_paths": {
        "loaded": ["2024-01-03"],
        "files": ["note/day=2024-01-03.txt", "read/day=2024-01-03.txt"],
    },
    "dict": {"loaded": [1]},
    "windows": {"loaded": [[1, 2, 3, 4, 5, 6, 7]]},
    "metadata": {
        "loaded": [[{"id": 1}]],
        "written": ("warehouse.plays", ["source"]),
        "read": ("warehouse.plays", "rows", ["id"]),
    },
    "types": {"loaded": ["[1, 2]", [1, 2]], "types": ["list", "str", "int", "any", "any"]},
    "only_loads": {
        "seen": [(True, "2024-01-02|eu", False)],
        "kept": {("2024-01-02", "eu"): ("hello", True, ["2024-01-02|eu"])},
    },
    "range": {
        "seen": [
            (False, ["2024-01-02", "2024-01-03", "2024-01-04"], "2024-01-02", "2024-01-04"),
            ("2024-01-02T00:00:00+00:00", "2024-01-05T00:00:00+00:00"),
        ]
    },
    "yields": {"stored": [[1]]},
}


@pytest.mark.parametrize("name", users.RUNS)
def test_a_users_io_manager_does_what_it_does_under_dagster(name, tmp_path, monkeypatch):
    monkeypatch.setenv("USERS_CSV_ROOT", "")
    monkeypatch.setenv("USERS_PICKLES", "")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "files"
    folder.mkdir()
    assert users.RUNS[name](folder) == EXPECTED[name]
