"""A subject as the trials see it: a nursery in the interpreter that has it, and folders of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["SUBJECTS", "Subject"]

SUBJECTS = {
    "gapless_duckdb": "Gapless, DuckDB",
    "gapless_parquet": "Gapless, Parquet",
    "dagster_duckdb": "Dagster, DuckDB",
}


@dataclass
class Subject:
    """Takes orders, see `nursery`.

    Attributes:
        name: Its module in `subjects`.
        folder: A scratch folder of its own.
        python: The interpreter that has it.
    """

    name: str
    folder: Path
    python: Path = field(default_factory=lambda: Path(sys.executable))
    _process: subprocess.Popen[str] | None = None

    @property
    def is_ours(self) -> bool:
        return self.name.startswith("gapless")

    def order(self, do: str, folder: str = ".", **rest: Any) -> dict[str, Any]:
        """Have a child do it; its answer: ``result`` or ``error``, ``killed``, ``steps``, ``peak_bytes``."""
        process = self._started()
        order = {"do": do, "folder": folder} | {key: value for key, value in rest.items() if value is not None}
        assert process.stdin
        assert process.stdout
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the nursery of {self.name} has ended: exit code {process.wait()}")
        return json.loads(line)

    def start_order(self, do: str, folder: str = ".", **rest: Any) -> Running:
        """As `order`, in a nursery of its own, without waiting."""
        other = Subject(self.name, self.folder, self.python)
        process = other._started()
        assert process.stdin
        process.stdin.write(json.dumps({"do": do, "folder": folder} | rest) + "\n")
        process.stdin.flush()
        return Running(other)

    def read(self, folder: str = ".") -> dict[str, Any]:
        """What is there now.

        Raises:
            RuntimeError: It cannot even be read.
        """
        answer = self.order("read", folder)
        if "result" not in answer:
            raise RuntimeError(f"{self.name} cannot be read: {answer.get('traceback', answer)}")
        return answer["result"]

    def prepared(self, folder: str, mark: int, days: list[int]) -> dict[str, dict[str, int]]:
        """Make these days, without any fault; what is there then.

        Raises:
            RuntimeError: They could not be made, so that a trial would show nothing.
        """
        answer = self.order("write", folder, **{"with": {"mark": mark, "days": days}})
        rows: dict[str, dict[str, int]] = self.read(folder)["rows"]
        if sum(marks == {str(mark): 7} for marks in rows.values()) < len(days):
            raise RuntimeError(f"{self.name} cannot make {folder}: {answer}; it has {rows}")
        return rows

    def _started(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [self.python, "-m", "faults.nursery", self.name, self.folder],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL if not os.environ.get("FAULTS_VERBOSE") else None,
                text=True,
                cwd=Path(__file__).parent.parent,
                env={**os.environ, "FAULTS_QUIET": "1", "GAPLESS_HOME": "", "DAGSTER_HOME": ""},
            )
        return self._process

    def close(self) -> None:
        if self._process is not None:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.wait(30)
            self._process = None


@dataclass
class Running:
    """An order that is being done."""

    subject: Subject

    def answer(self) -> dict[str, Any]:
        process = self.subject._started()
        assert process.stdout
        line = process.stdout.readline()
        self.subject.close()
        return json.loads(line)
