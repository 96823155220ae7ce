"""A DuckDB file for hand-written SQL. Importing this imports pydantic, so only a user who names it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import PrivateAttr

from gapless.definitions.configurable import ConfigurableResource
from gapless.errors import DefinitionError
from gapless.storage.duckdb.hand_written_sql import HandWrittenSql
from gapless.storage.settings import seconds

if TYPE_CHECKING:
    from gapless.definitions.environment import EnvVar, IntEnvVar

__all__ = ["DuckDBResource"]


class DuckDBResource(ConfigurableResource):
    """A DuckDB file for SQL by hand, the same that an IO manager of Gapless keeps its tables in, or another.

    A function takes it as a parameter, ``def plays(duckdb: DuckDBResource)``, and uses it in a block::

        with duckdb.get_connection() as connection:
            connection.execute("DELETE FROM plays WHERE yards IS NULL")

    Attributes:
        database: The file's path; relative to the working directory in which the resource is made.
        connection_config: DuckDB's settings, by name. Those that DuckDB keeps for a whole database, such as
            ``memory_limit``, hold for the IO manager's work on the same file too.
        lock_timeout: How long to wait while other processes hold the file, seconds.
    """

    database: str
    connection_config: dict[str, Any] = {}  # noqa: RUF012  pydantic copies it
    lock_timeout: float = 60.0
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    def get_connection(self, read_only: bool = False) -> HandWrittenSql:
        """A connection for the length of a ``with`` block.

        The block has its turn at the file: the writer of this process and other processes wait until it ends, so end
        it soon. Tables go by their names alone; new ones lie in the schema ``public``. Each statement commits itself,
        unless the block begins a transaction; what is not committed when it raises is rolled back.

        Args:
            read_only: The block sees one consistent picture, can change nothing, and does not wait for the writer of
                this process.

        Raises:
            DefinitionError: A setting names a variable of the environment that is not set, or names no file.
        """
        ready = self.with_environment("DuckDBResource") if self._is_from_environment else self
        return HandWrittenSql(ready.path, seconds(ready.lock_timeout), read_only, ready.connection_config)

    @property
    def path(self) -> Path:
        """The file, as an absolute path.

        Raises:
            DefinitionError: The setting names no file.
        """
        if not self.database or self.database.startswith((":memory:", "md:", "motherduck:")):
            raise DefinitionError(
                f"the database {self.database!r} of a DuckDBResource is not a file",
                "Give the path of a file, for example data/db.duckdb; a database in memory is duckdb.connect().",
            )
        return (self._folder / Path(self.database).expanduser()).absolute()

    def with_environment(self, name: str) -> DuckDBResource:
        ready = super().with_environment(name)
        assert isinstance(ready, DuckDBResource)  # noqa: S101  it is a copy
        ready._folder = self._folder
        return ready

    @property
    def _is_from_environment(self) -> bool:
        settings: list[str | float | EnvVar | IntEnvVar | dict[str, Any]]
        settings = [self.database, self.lock_timeout, self.connection_config]
        return any(hasattr(setting, "env_var_name") for setting in settings)
