# SPDX-License-Identifier: GPL-3.0-or-later
"""A homeserver's database as the tests look at it, whichever kind it is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from .postgres import Postgres
from .postgres_psql import in_json, rows_of

Rows = list[tuple[Any, ...]]


class Database(Protocol):
    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> Rows:
        """The rows of a SELECT; ? is a parameter's place."""

    def queries(self, statements: Iterable[str]) -> list[Rows]:
        """The rows of each."""

    def change(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        """One statement that writes, from outside of the server."""


class SqliteFile:
    """Opened for reading alone, but for change()."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> Rows:
        with contextlib.closing(self._opened("ro")) as connection:
            return connection.execute(statement, parameters).fetchall()

    def queries(self, statements: Iterable[str]) -> list[Rows]:
        # In one go: the schema is read once.
        with contextlib.closing(self._opened("ro")) as connection:
            return [connection.execute(statement).fetchall() for statement in statements]

    def change(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        with contextlib.closing(self._opened("rw")) as connection, connection:
            connection.execute(statement, parameters)

    def _opened(self, mode: str) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{quote(str(self.path))}?mode={mode}", uri=True, timeout=10)


class PostgresDatabase:
    """One database of a cluster, by its superuser."""

    def __init__(self, postgres: Postgres, name: str) -> None:
        self.postgres = postgres
        self.name = name

    def query(self, statement: str, parameters: tuple[Any, ...] = ()) -> Rows:
        return self.postgres.query(statement, self.name, parameters)

    def queries(self, statements: Iterable[str]) -> list[Rows]:
        # In one go: a psql takes its time to start.
        answers = ", ".join(f"({in_json(statement)})" for statement in statements)
        return rows_of(self.postgres.execute(f"SELECT json_build_array({answers})", self.name))

    def change(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        self.postgres.execute(statement, self.name, parameters)
